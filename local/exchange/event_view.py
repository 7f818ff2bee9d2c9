"""An event as Graph answers it: whole, selected, or as the bare row of an occurrence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from local.exchange import bodies
from local.exchange.event_input import EMPTY_LOCATION
from local.exchange.preferences import Preferences
from local.exchange.zones import local_text, seven_decimals, short_utc

Json = dict[str, Any]


def event_id(event: Json, preferences: Preferences) -> str:
    return str(event["id"] if preferences.immutable_ids else event["restId"])


def etag(event: Json) -> str:
    return f'W/"{event["changeKey"]}"'


def shown(event: Json, preferences: Preferences) -> Json:
    """The whole event, without annotations other than the etag."""
    props = event["props"]
    identifier = event_id(event, preferences)
    return {
        "@odata.etag": etag(event),
        "id": identifier,
        "createdDateTime": event["created"],
        "lastModifiedDateTime": event["modified"],
        "changeKey": event["changeKey"],
        "categories": props["categories"],
        **({"transactionId": event["transactionId"]} if event["transactionId"] else {}),
        "originalStartTimeZone": props["start"]["timeZone"],
        "originalEndTimeZone": props["end"]["timeZone"],
        "iCalUId": event["iCalUId"],
        "reminderMinutesBeforeStart": props["reminderMinutesBeforeStart"],
        "isReminderOn": props["isReminderOn"],
        "hasAttachments": any(not reference["inline"] for reference in event["attachments"]),
        "subject": props["subject"],
        "bodyPreview": bodies.preview(props["body"]),
        "importance": props["importance"],
        "sensitivity": props["sensitivity"],
        "isAllDay": props["isAllDay"],
        "isCancelled": event["isCancelled"],
        "isOrganizer": event["isOrganizer"],
        "responseRequested": props["responseRequested"],
        "seriesMasterId": event_id(event["master"], preferences) if "master" in event else None,
        "showAs": props["showAs"],
        "type": event_type(event),
        **({"originalStart": _slot_start(event)} if "master" in event else {}),
        "webLink": f"https://outlook.office365.com/owa/?itemid={quote(identifier, safe='')}"
        "&exvsurl=1&path=/calendar/item",
        "onlineMeetingUrl": None,
        "isOnlineMeeting": props["isOnlineMeeting"],
        "onlineMeetingProvider": props["onlineMeetingProvider"],
        "onlineMeeting": props["onlineMeeting"],
        "allowNewTimeProposals": props["allowNewTimeProposals"],
        "isDraft": False,
        "hideAttendees": props["hideAttendees"],
        "recurrence": props["recurrence"],
        "responseStatus": event["responseStatus"],
        "body": bodies.shown(props["body"], as_text=preferences.text_body),
        "start": _moment(props["start"], event["startsAt"], props["isAllDay"], preferences),
        "end": _moment(props["end"], event["endsAt"], props["isAllDay"], preferences),
        "location": props.get("location") or EMPTY_LOCATION,
        "locations": props["locations"],
        "attendees": props["attendees"],
        "organizer": {"emailAddress": event["organizer"]},
    }


def event_type(event: Json) -> str:
    if "master" in event:
        return str(event["type"])
    return "seriesMaster" if event["props"]["recurrence"] else "singleInstance"


def _slot_start(instance: Json) -> str:
    """When the pattern has it, wherever it was moved; of whole days the midnight in the series' zone."""
    return short_utc(datetime.fromtimestamp(instance["slotStart"], UTC))


def _moment(stored: Json, instant: float, all_day: bool, preferences: Preferences) -> Json:
    """All-day events are midnight to midnight whatever zone is asked for."""
    zone = preferences.time_zone
    if all_day:
        return {"dateTime": seven_decimals(datetime.fromisoformat(stored["dateTime"])), "timeZone": zone}
    return {"dateTime": local_text(instant, zone), "timeZone": zone}


def bare_occurrence(instance: Json, preferences: Preferences) -> Json:
    """All that a delta says of an occurrence that is like its master."""
    whole = shown(instance, preferences)
    return {name: whole[name] for name in ("@odata.etag", "id", "seriesMasterId", "type", "start", "end")}


def cancelled_shown(master: Json, preferences: Preferences) -> list[str]:
    """The cancelled occurrences of a series, each by its series and the day of its slot."""
    return [f"OID.{event_id(master, preferences)}.{day}" for day in master["cancelled"]]


def typed(row: Json) -> Json:
    return {"@odata.type": "#microsoft.graph.event", **row}
