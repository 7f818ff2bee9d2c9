"""A series master's ``recurrence`` and times in Graph's JSON, and the canonical value of a recurrence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.exchange import event_time
from shared.model.recurrence import (
    MINUTES_A_DAY,
    WEEKDAYS,
    NotARecurrence,
    PatternType,
    RangeType,
    Recurrence,
    from_value,
    to_value,
    week_matters,
)
from shared.model.timezones import UnknownTimeZone, zone
from shared.model.values import Value

Json = dict[str, Any]


class UnreadableRecurrence(ValueError):  # noqa: N818 - it names the finding
    """A series that cannot be understood. The message is for people and quotes no content."""


# --- reading --------------------------------------------------------------------------------------


def decode(row: Json) -> dict[str, Value]:
    """The recurrence of a series master. Graph answers every key of a pattern, filled with zeros, "first",
    "sunday" and "0001-01-01" where they mean nothing: only those of its type are read."""
    try:
        return to_value(_decoded(row, row["recurrence"]["pattern"], row["recurrence"]["range"]))
    except (NotARecurrence, event_time.UnreadableTime) as error:
        raise UnreadableRecurrence(f"the series cannot be read: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, UnreadableRecurrence):
            raise
        raise UnreadableRecurrence("not shaped like a series") from error


def _decoded(row: Json, pattern: Json, span: Json) -> Recurrence:
    kind, ends = PatternType(pattern["type"]), RangeType(span["type"])
    all_day = bool(row.get("isAllDay"))
    name = span.get("recurrenceTimeZone") or row.get("originalStartTimeZone") or ""
    start_time, minutes, name = _whole_days(row, name) if all_day else _clock(row, name)
    return Recurrence(
        type=kind,
        interval=pattern["interval"],
        days=_days(pattern) if kind.has_days else (),
        day_of_month=pattern["dayOfMonth"] if kind.is_absolute else None,
        month=pattern["month"] if kind.is_yearly else None,
        index=pattern.get("index") or "first" if kind.is_relative else None,
        first_day_of_week=_first_day(pattern) if week_matters(kind, pattern["interval"]) else WEEKDAYS[0],
        range_type=ends,
        start_date=date.fromisoformat(span["startDate"]),
        end_date=date.fromisoformat(span["endDate"]) if ends is RangeType.END_DATE else None,
        occurrences=span["numberOfOccurrences"] if ends is RangeType.NUMBERED else None,
        start_time=start_time,
        minutes=minutes,
        time_zone=name,
        all_day=all_day,
    )


def _days(pattern: Json) -> tuple[str, ...]:
    named = {str(day).lower() for day in pattern["daysOfWeek"]}
    if not named.issubset(WEEKDAYS):
        raise UnreadableRecurrence("a day of the week that does not exist")
    return tuple(day for day in WEEKDAYS if day in named)


def _first_day(pattern: Json) -> str:
    return str(pattern.get("firstDayOfWeek") or WEEKDAYS[0]).lower()


def _clock(row: Json, name: str) -> tuple[time, int, str]:
    """The master's times come in UTC; the series has them in its own zone, on a clock on the wall."""
    where = _zone(name)
    start, end = (event_time.moment(row[edge]).astimezone(where) for edge in ("start", "end"))
    length = end.replace(tzinfo=None) - start.replace(tzinfo=None)
    if end < start:
        raise UnreadableRecurrence("it ends before it begins")
    return start.time(), max(0, int(length.total_seconds()) // 60), name


def _zone(name: str) -> ZoneInfo:
    try:
        return zone(name)
    except UnknownTimeZone as error:
        raise UnreadableRecurrence(
            f"the rules of its time zone are not known ({name or 'no name'})"
        ) from error


def _whole_days(row: Json, name: str) -> tuple[time, int, str]:
    """Dates are the same in every zone, so an unknown one does no harm."""
    value = event_time.decode(row["start"], row["end"], all_day=True, zones=(name,))
    days = date.fromisoformat(value["end"]) - date.fromisoformat(value["start"])
    try:
        zone(name)
    except UnknownTimeZone:
        name = event_time.UTC_NAME
    return time.min, days.days * MINUTES_A_DAY, name


# --- writing --------------------------------------------------------------------------------------


def encode(value: Value) -> Json:
    """``start``, ``end``, ``isAllDay`` and ``recurrence``, with only the keys that the type needs. Times are
    local in the series' named zone: the rule is about local time, whatever its first instant."""
    r = from_value(value)
    begin = datetime.combine(r.start_date, r.start_time)
    return {
        "start": {"dateTime": begin.isoformat(), "timeZone": r.time_zone},
        "end": {"dateTime": (begin + timedelta(minutes=r.minutes)).isoformat(), "timeZone": r.time_zone},
        "isAllDay": r.all_day,
        "recurrence": {"pattern": _pattern(r), "range": _range(r)},
    }


def _pattern(r: Recurrence) -> Json:
    keys = {name: read(r) for name, read in _PATTERN.items()}
    return {name: value for name, value in keys.items() if value is not None}


_PATTERN: Mapping[str, Callable[[Recurrence], Any]] = {
    "type": lambda r: r.type.value,
    "interval": lambda r: r.interval,
    "daysOfWeek": lambda r: list(r.days) or None,
    "dayOfMonth": lambda r: r.day_of_month,
    "month": lambda r: r.month,
    "index": lambda r: r.index,
    "firstDayOfWeek": lambda r: r.first_day_of_week if week_matters(r.type, r.interval) else None,
}


def _range(r: Recurrence) -> Json:
    span: Json = {"type": r.range_type.value, "startDate": r.start_date.isoformat()}
    if r.end_date is not None:
        span["endDate"] = r.end_date.isoformat()
    if r.occurrences is not None:
        span["numberOfOccurrences"] = r.occurrences
    return {**span, "recurrenceTimeZone": r.time_zone}
