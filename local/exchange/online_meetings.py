"""Online meetings: once on, an event stays one, unless its join block is edited out of the body."""

from __future__ import annotations

from typing import Any

from local.exchange import bodies
from local.exchange.errors import validation_failed
from local.exchange.event_input import DEFAULTS
from local.exchange.identifiers import Identifiers

Json = dict[str, Any]

_OFF = {name: DEFAULTS[name] for name in ("isOnlineMeeting", "onlineMeetingProvider", "onlineMeeting")}


def with_online_meeting(before: Json, props: Json, identifiers: Identifiers) -> Json:
    """The properties after a change of an event that had ``before``."""
    if before.get("isOnlineMeeting"):
        return _kept(before, props)
    if not props["isOnlineMeeting"]:
        return {**props, **_OFF}
    if props["onlineMeetingProvider"] not in ("unknown", "teamsForBusiness"):
        raise validation_failed()
    thread = identifiers.guid()
    url = f"https://teams.microsoft.com/l/meetup-join/19%3ameeting_{thread}%40thread.v2/0?context=%7b%7d"
    meeting = {"joinUrl": url, "conferenceId": str(int(thread[:8], 16))}
    return {
        **props,
        "onlineMeetingProvider": "teamsForBusiness",
        "onlineMeeting": meeting,
        "body": bodies.with_join_blob(props["body"], url),
    }


def _kept(before: Json, props: Json) -> Json:
    meeting = before["onlineMeeting"]
    if props["body"] != before["body"] and not bodies.has_join_blob(props["body"], meeting["joinUrl"]):
        return {**props, **_OFF}
    fixed = {name: before[name] for name in ("isOnlineMeeting", "onlineMeetingProvider", "onlineMeeting")}
    return {**props, **fixed}
