"""The dates of a task, which Graph shows as moments.

Start and due are days: the time of day is dropped in the zone that they are written in, and what is shown is
midnight there as an instant, in UTC or in the zone asked for; nothing says any more which zone it was. The
day of completion is always midnight of UTC, converted as if it were a moment. Only the reminder
is a real moment.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from local.exchange.event_input import local_moment
from local.exchange.preferences import Preferences
from local.exchange.zones import UTC_NAME, instant, local_text

Json = dict[str, Any]

_MIDNIGHT = "T00:00:00.000000"


def day(sent: Json) -> Json:
    """A start or due day."""
    moment = local_moment(sent)
    return {**moment, "dateTime": moment["dateTime"][:10] + _MIDNIGHT}


def completion(sent: Json) -> Json:
    return completed_on(date.fromisoformat(local_moment(sent)["dateTime"][:10]))


def completed_on(when: date) -> Json:
    return {"dateTime": when.isoformat() + _MIDNIGHT, "timeZone": UTC_NAME}


def date_of(stored: Json) -> date:
    return date.fromisoformat(stored["dateTime"][:10])


def later(stored: Json, days: int) -> Json:
    moved = datetime.fromisoformat(stored["dateTime"]) + timedelta(days=days)
    return {**stored, "dateTime": moved.isoformat(timespec="microseconds")}


def shown(stored: Json, preferences: Preferences) -> Json:
    zone = preferences.time_zone
    return {"dateTime": local_text(instant(stored["dateTime"], stored["timeZone"]), zone), "timeZone": zone}
