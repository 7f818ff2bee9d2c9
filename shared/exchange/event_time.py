"""An event's start and end: Graph's ``dateTimeTimeZone`` pairs and the canonical ``time`` value."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.model.timezones import UnknownTimeZone, zone

Json = dict[str, Any]

UTC_NAME = "UTC"
_MOMENT = re.compile(r"^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d+)?(Z|[+-]\d{2}:\d{2})?$")


class UnreadableTime(ValueError):  # noqa: N818 - it names the finding
    """A time that cannot be understood; the message says why and quotes nothing."""


def decode(start: Any, end: Any, *, all_day: bool, zones: Iterable[str | None]) -> Json:
    """``zones``: where midnight may be sought for an all-day event that is not at midnight as answered."""
    first, last = moment(start), moment(end)
    if last < first:
        raise UnreadableTime("ends before it begins")
    try:
        return _value(first, last, all_day, zones)
    except OverflowError as error:
        raise UnreadableTime("beyond the calendar") from error


def _value(first: datetime, last: datetime, all_day: bool, zones: Iterable[str | None]) -> Json:
    if not all_day:
        return {"allDay": False, "start": instant_text(first), "end": instant_text(last)}
    begin, finish = _dates(first, last, zones)
    finish = max(finish, begin + timedelta(days=1))
    return {"allDay": True, "start": begin.isoformat(), "end": finish.isoformat()}


def moment(value: Any) -> datetime:
    """One ``dateTimeTimeZone`` as an aware datetime, in the zone it was answered in. Graph prints seven
    decimals; sub-second parts mean nothing in a calendar and are dropped."""
    text = value.get("dateTime") if isinstance(value, dict) else None
    match = _MOMENT.match(text) if isinstance(text, str) else None
    if match is None:
        raise UnreadableTime("no readable date and time")
    try:
        read = datetime.fromisoformat(match[1] + (match[2] or "").replace("Z", "+00:00"))
        return read if read.tzinfo else read.replace(tzinfo=zone(str(value.get("timeZone") or UTC_NAME)))
    except UnknownTimeZone as error:
        raise UnreadableTime("unknown time zone") from error
    except ValueError as error:
        raise UnreadableTime("no such date or time") from error


def instant_text(value: datetime) -> str:
    return value.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"


def _dates(first: datetime, last: datetime, names: Iterable[str | None]) -> tuple[date, date]:
    """Exchange answers midnights whatever zone is asked for. If one day it does not, the event's own zone
    tells the days; a guess would move the event by a day."""
    if _midnight(first) and _midnight(last):
        return first.date(), last.date()
    for name in names:
        where = _known(name)
        begin, finish = (first.astimezone(where), last.astimezone(where)) if where else (first, last)
        if _midnight(begin) and _midnight(finish):
            return begin.date(), finish.date()
    raise UnreadableTime("an all-day event that does not begin and end at midnight")


def _midnight(value: datetime) -> bool:
    return value.time() == time.min


def _known(name: str | None) -> ZoneInfo | None:
    try:
        return zone(name) if name else None
    except UnknownTimeZone:
        return None


# --- writing --------------------------------------------------------------------------------------


def encode(value: Any, time_zone: str) -> Json:
    """``start``, ``end`` and ``isAllDay``, in the mailbox's named zone."""
    if value["allDay"]:
        # Midnights of any one zone are the same days; only both ends must name the same.
        name = time_zone if _known(time_zone) else UTC_NAME
        return {
            "isAllDay": True,
            "start": {"dateTime": f"{value['start']}T00:00:00", "timeZone": name},
            "end": {"dateTime": f"{value['end']}T00:00:00", "timeZone": name},
        }
    return {
        "isAllDay": False,
        "start": _named(str(value["start"]), time_zone),
        "end": _named(str(value["end"]), time_zone),
    }


def _named(text: str, time_zone: str) -> Json:
    """The local time, or UTC where a local time would be ambiguous (the hour that clocks show twice)."""
    instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    where = _known(time_zone)
    if where is not None:
        local = instant.astimezone(where)
        if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
            return {"dateTime": local.replace(tzinfo=None).isoformat(), "timeZone": time_zone}
    return {"dateTime": instant.astimezone(UTC).replace(tzinfo=None).isoformat(), "timeZone": UTC_NAME}
