"""Series: which recurrences Exchange takes, and the days they fall on.

``Occurrence.date`` is the key of exceptions and cancelled occurrences (see ``series``).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from typing import Any, Literal

from dateutil import rrule

from local.exchange.errors import validation_failed
from local.exchange.zones import known_zone, zone_of

Json = dict[str, Any]

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_INDEX = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_NO_DATE = "0001-01-01"
_REQUIRED = {
    "daily": (),
    "weekly": ("daysOfWeek",),
    "absoluteMonthly": ("dayOfMonth",),
    "relativeMonthly": ("daysOfWeek",),
    "absoluteYearly": ("dayOfMonth", "month"),
    "relativeYearly": ("daysOfWeek", "month"),
}
_FREQUENCY: dict[str, Literal[1, 2, 3, 0]] = {
    "daily": rrule.DAILY,
    "weekly": rrule.WEEKLY,
    "absoluteMonthly": rrule.MONTHLY,
    "relativeMonthly": rrule.MONTHLY,
    "absoluteYearly": rrule.YEARLY,
    "relativeYearly": rrule.YEARLY,
}
_SHORTEST_GAP = 23 * 3600  # between two days at the same time, when a clock goes forward
_ENOUGH = 750
_OCCURRENCE_ID = re.compile(r"^(.+)AAAX([A-Za-z0-9_\-]{11})=$")


@dataclass(frozen=True)
class Occurrence:
    """One day of a series; ``start`` and ``end`` are seconds since the epoch."""

    date: date
    start: float
    end: float


def normal(recurrence: Json, start: Json) -> Json:
    """A checked recurrence with every key filled in, as Graph answers it."""
    pattern, span = recurrence.get("pattern"), recurrence.get("range")
    if not pattern or not span:
        raise validation_failed()
    return {"pattern": _normal_pattern(pattern), "range": _normal_range(span, start)}


def _normal_pattern(pattern: Json) -> Json:
    kind = pattern.get("type")
    if kind not in _REQUIRED or (pattern.get("interval") or 0) < 1:
        raise validation_failed()
    if any(not pattern.get(name) for name in _REQUIRED[kind]):
        raise validation_failed()
    if not 0 <= (pattern.get("dayOfMonth") or 0) <= 31 or not 0 <= (pattern.get("month") or 0) <= 12:
        raise validation_failed()
    filled = {
        "type": kind,
        "interval": pattern["interval"],
        "month": pattern.get("month") or 0,
        "dayOfMonth": pattern.get("dayOfMonth") or 0,
        "firstDayOfWeek": pattern.get("firstDayOfWeek") or "sunday",
        "index": pattern.get("index") or "first",
    }
    return {**filled, "daysOfWeek": pattern["daysOfWeek"]} if pattern.get("daysOfWeek") else filled


def _normal_range(span: Json, start: Json) -> Json:
    kind, first = span.get("type"), span.get("startDate")
    if kind is None or first is None or first != start["dateTime"][:10]:
        raise validation_failed()
    if kind == "endDate" and (not span.get("endDate") or span["endDate"] < first):
        raise validation_failed()
    if kind == "numbered" and (span.get("numberOfOccurrences") or 0) < 1:
        raise validation_failed()
    zone = span.get("recurrenceTimeZone") or start["timeZone"]
    if not known_zone(zone):
        raise validation_failed()
    return {
        "type": kind,
        "startDate": first,
        "endDate": span["endDate"] if kind == "endDate" else _NO_DATE,
        "recurrenceTimeZone": zone,
        "numberOfOccurrences": span["numberOfOccurrences"] if kind == "numbered" else 0,
    }


def dates(recurrence: Json) -> Iterator[date]:
    """The days a recurrence falls on, in order; without end for ``noEnd``."""
    pattern, span = recurrence["pattern"], recurrence["range"]
    first = datetime.combine(date.fromisoformat(span["startDate"]), time())
    until = datetime.fromisoformat(span["endDate"]) if span["type"] == "endDate" else None
    count = span["numberOfOccurrences"] if span["type"] == "numbered" else None
    rule = rrule.rrule(
        _FREQUENCY[pattern["type"]],
        dtstart=first,
        interval=pattern["interval"],
        wkst=_DAYS.index(pattern["firstDayOfWeek"]),
        until=until,
        count=count,
        **_selection(pattern),
    )
    return (moment.date() for moment in rule)


def _selection(pattern: Json) -> dict[str, Any]:
    """The days within a period. Exchange takes a month's last day where the day asked for does not exist."""
    chosen: dict[str, Any] = {}
    if pattern["type"].endswith("Yearly"):
        chosen["bymonth"] = pattern["month"]
    if pattern["type"].startswith("absolute"):
        day = pattern["dayOfMonth"]
        chosen["bymonthday"] = list(range(min(day, 28), day + 1))
        chosen["bysetpos"] = -1
    elif pattern["type"] != "daily":
        chosen["byweekday"] = [_DAYS.index(day) for day in pattern["daysOfWeek"]]
    if pattern["type"].startswith("relative"):
        chosen["bysetpos"] = _INDEX[pattern["index"]]
    return chosen


def first_date(recurrence: Json) -> date | None:
    return next(dates(recurrence), None)


def slot(props: Json, day: date) -> Occurrence:
    """When a series' occurrence of a day begins and ends: at its local time, also across DST."""
    times = []
    shift = day - date.fromisoformat(props["start"]["dateTime"][:10])
    for name in ("start", "end"):
        local = datetime.fromisoformat(props[name]["dateTime"]) + shift
        times.append(local.replace(tzinfo=zone_of(props[name]["timeZone"])).timestamp())
    return Occurrence(day, times[0], times[1])


def occurrences(props: Json, start: float, end: float) -> Iterator[Occurrence]:
    """Those of a series that touch the window."""
    for day in dates(props["recurrence"]):
        found = slot(props, day)
        if found.start >= end:
            return
        if found.end > start or found.start == found.end == start:
            yield found


def overlapping(props: Json) -> bool:
    """True when an occurrence of a series lasts into the next one; two years of days show it."""
    first = slot(props, date.fromisoformat(props["start"]["dateTime"][:10]))
    if first.end - first.start <= _SHORTEST_GAP:
        return False
    found = [slot(props, day) for day in islice(dates(props["recurrence"]), _ENOUGH)]
    return any(one.end > following.start for one, following in pairwise(found))


def last_end(props: Json) -> float | None:
    """When the series is over; None without an end."""
    if props["recurrence"]["range"]["type"] == "noEnd":
        return None
    everything = (datetime.max - timedelta(days=400)).replace(tzinfo=UTC).timestamp()
    last = None
    for last in occurrences(props, -1e11, everything):  # noqa: B007 - only the last one counts
        pass
    return last.end if last else None


def occurrence_id(master_id: str, day: date) -> str:
    """An id of its own for each occurrence, from which the master and the day can be read back."""
    mark = base64.urlsafe_b64encode(f"{day:%Y%m%d}".encode()).decode()
    return master_id.removesuffix("AAA=") + "AAAX" + mark


def split_occurrence_id(identifier: str) -> tuple[str, date] | None:
    match = _OCCURRENCE_ID.match(identifier)
    if match is None:
        return None
    try:
        day = datetime.strptime(base64.urlsafe_b64decode(match[2] + "=").decode(), "%Y%m%d")
    except ValueError:
        return None
    return match[1] + "AAA=", day.date()
