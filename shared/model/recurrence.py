"""A recurrence: the one record that both sides map to, its days, and its instants (APPT-10, APPT-28).

A series is a rule about local days and a local time of day: it stays at 09:00 when clocks change. Days are
expanded by python-dateutil. Nothing here iterates without end: no series goes beyond ``HORIZON``, and what
asks about a window jumps there in whole periods instead of walking from the first day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import islice, takewhile
from typing import Any, Literal

from dateutil import rrule

from shared.model.timezones import local_date, utc_of_local_midnight, zone
from shared.model.values import Value

HORIZON = date(4500, 8, 31)  # the day on which Outlook lets a series without an end end

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONDAY_FIRST = (*WEEKDAYS[1:], WEEKDAYS[0])  # as Python and dateutil count
INDEXES = ("first", "second", "third", "fourth", "last")
MINUTES_A_DAY = 24 * 60


class NotARecurrence(ValueError):  # noqa: N818 - it names the finding
    """A record or value that describes no series; the message is for people and says why."""


class PatternType(StrEnum):
    """Graph's names."""

    DAILY = "daily"
    WEEKLY = "weekly"
    ABSOLUTE_MONTHLY = "absoluteMonthly"
    RELATIVE_MONTHLY = "relativeMonthly"
    ABSOLUTE_YEARLY = "absoluteYearly"
    RELATIVE_YEARLY = "relativeYearly"

    @property
    def has_days(self) -> bool:
        return self is PatternType.WEEKLY or self.is_relative

    @property
    def is_relative(self) -> bool:
        return self in (PatternType.RELATIVE_MONTHLY, PatternType.RELATIVE_YEARLY)

    @property
    def is_absolute(self) -> bool:
        return self in (PatternType.ABSOLUTE_MONTHLY, PatternType.ABSOLUTE_YEARLY)

    @property
    def is_yearly(self) -> bool:
        return self in (PatternType.ABSOLUTE_YEARLY, PatternType.RELATIVE_YEARLY)


class RangeType(StrEnum):
    """Graph's names."""

    END_DATE = "endDate"
    NUMBERED = "numbered"
    NO_END = "noEnd"


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A series. Only what belongs to its type is set, so equal records are the same series.

    ``days`` are Graph's names, Sunday first. A day of the month that a month does not have is its last day,
    as Exchange takes it. ``first_day_of_week`` is Sunday unless the week matters (every second week and
    rarer). ``start_date`` need not be a day of the pattern: the first one on or after it counts.
    ``minutes`` are those of a clock on the wall. ``time_zone`` is the name as given, Windows or IANA.
    """

    type: PatternType
    interval: int
    start_date: date
    start_time: time
    minutes: int
    time_zone: str
    days: tuple[str, ...] = ()
    day_of_month: int | None = None
    month: int | None = None
    index: str | None = None
    first_day_of_week: str = WEEKDAYS[0]
    range_type: RangeType = RangeType.NO_END
    end_date: date | None = None
    occurrences: int | None = None
    all_day: bool = False

    def __post_init__(self) -> None:
        problem = _problem_of_pattern(self) or _problem_of_range(self) or _problem_of_time(self)
        if problem:
            raise NotARecurrence(problem)


@dataclass(frozen=True, slots=True)
class Slot:
    """One occurrence as the rule has it: its local day, which is its key, and its instants in UTC."""

    date: date
    start: datetime
    end: datetime


def week_matters(kind: PatternType, interval: int) -> bool:
    """Whether the day on which weeks begin can have an effect."""
    return kind is PatternType.WEEKLY and interval > 1


def _problem_of_pattern(r: Recurrence) -> str | None:
    if r.interval < 1:
        return "the interval is less than one"
    if r.days != tuple(day for day in WEEKDAYS if day in r.days) or bool(r.days) != r.type.has_days:
        return "the days of the week do not belong to the pattern"
    if (r.day_of_month in range(1, 32)) != r.type.is_absolute or (r.day_of_month or 0) not in range(32):
        return "the day of the month does not belong to the pattern"
    if (r.month in range(1, 13)) != r.type.is_yearly or (r.month or 0) not in range(13):
        return "the month does not belong to the pattern"
    if (r.index in INDEXES) != r.type.is_relative:
        return "the week of the month does not belong to the pattern"
    if r.first_day_of_week not in WEEKDAYS[: None if week_matters(r.type, r.interval) else 1]:
        return "the first day of the week does not belong to the pattern"
    return None


def _problem_of_range(r: Recurrence) -> str | None:
    if (r.end_date is not None) != (r.range_type is RangeType.END_DATE):
        return "the end date does not belong to the range"
    if (r.occurrences is not None) != (r.range_type is RangeType.NUMBERED):
        return "the number of occurrences does not belong to the range"
    if r.occurrences is not None and r.occurrences < 1:
        return "it ends after less than one occurrence"
    if r.end_date is not None and r.end_date < r.start_date:
        return "it ends before it begins"
    return "it begins beyond the horizon" if r.start_date > HORIZON else None


def _problem_of_time(r: Recurrence) -> str | None:
    if r.minutes < 0 or r.start_time.tzinfo is not None:
        return "its times are not local times"
    if r.all_day and (r.start_time != time.min or r.minutes < 1 or r.minutes % MINUTES_A_DAY):
        return "all-day occurrences are not whole days"
    return None


# --- days -----------------------------------------------------------------------------------------

_FREQUENCIES: Mapping[PatternType, Literal[0, 1, 2, 3]] = {
    PatternType.DAILY: rrule.DAILY,
    PatternType.WEEKLY: rrule.WEEKLY,
    PatternType.ABSOLUTE_MONTHLY: rrule.MONTHLY,
    PatternType.RELATIVE_MONTHLY: rrule.MONTHLY,
    PatternType.ABSOLUTE_YEARLY: rrule.YEARLY,
    PatternType.RELATIVE_YEARLY: rrule.YEARLY,
}


def dates(r: Recurrence, since: date | None = None) -> Iterator[date]:
    """The days of the series in order, lazily, from ``since`` on."""
    begin = r.start_date if since is None else max(since, r.start_date)
    if begin > HORIZON:
        return
    end = _end(r)
    for day in _pattern(r, _period_of(r, begin)):
        if day > end:
            return
        if day >= begin:
            yield day


def first_date(r: Recurrence) -> date | None:
    """None: the pattern has no day between start and end."""
    return next(dates(r), None)


def last_date(r: Recurrence) -> date | None:
    """None: the series has no end (or, see ``first_date``, no day at all)."""
    if r.range_type is RangeType.NO_END:
        return None
    end = _end(r)
    # Every period but the first, which may have begun before the start, has at least one day.
    days = _pattern(r, max(0, _period_of(r, end) - 1))
    return max(takewhile(lambda day: day <= end, days), default=None)


def contains(r: Recurrence, day: date) -> bool:
    return next(dates(r, day), None) == day


def _end(r: Recurrence) -> date:
    """No day of the series comes after this one."""
    if r.occurrences is not None:
        return _nth_date(r, r.occurrences)
    return HORIZON if r.end_date is None else min(r.end_date, HORIZON)


def _nth_date(r: Recurrence, number: int) -> date:
    """The day on which a series ends that is counted; found by counting whole periods."""
    second = _period_start(r, 1)
    first_period = list(takewhile(lambda day: day < second, _pattern(r, 0)))
    if number <= len(first_period):
        return first_period[number - 1]
    periods, rest = divmod(number - len(first_period) - 1, len(r.days) if r.type is PatternType.WEEKLY else 1)
    return next(islice(_pattern(r, periods + 1), rest, None), HORIZON)


def _pattern(r: Recurrence, period: int) -> Iterator[date]:
    """The days of the pattern from the beginning of a period on, until the horizon, not until an end."""
    begin = max(_period_start(r, period), r.start_date)
    rule = rrule.rrule(
        _FREQUENCIES[r.type],
        dtstart=datetime.combine(begin, time.min),
        until=datetime.combine(HORIZON, time.min),
        interval=r.interval,
        wkst=_MONDAY_FIRST.index(r.first_day_of_week),
        bymonth=r.month,
        bymonthday=_month_days(r),
        byweekday=[_MONDAY_FIRST.index(day) for day in r.days] or None,
        bysetpos=_position(r),
    )
    return (moment.date() for moment in rule)


def _month_days(r: Recurrence) -> list[int] | None:
    """The day asked for and, of these the last that exists, those that may stand in for it."""
    day = r.day_of_month
    return None if day is None else list(range(min(day, 28), day + 1))


def _position(r: Recurrence) -> int | None:
    if r.index is not None:
        return -1 if r.index == INDEXES[-1] else INDEXES.index(r.index) + 1
    return -1 if r.day_of_month is not None else None


def _period_start(r: Recurrence, period: int) -> date:
    """The first day of the day, week, month or year with which a period begins; capped."""
    steps = period * r.interval
    if r.type in (PatternType.DAILY, PatternType.WEEKLY):
        days = steps * (7 if r.type is PatternType.WEEKLY else 1)
        begin = _anchor(r)
        return begin + timedelta(days=days) if days <= (HORIZON - begin).days else HORIZON
    months = r.start_date.year * 12 + (0 if r.type.is_yearly else r.start_date.month - 1)
    year, month = divmod(months + steps * (12 if r.type.is_yearly else 1), 12)
    return min(date(year, month + 1, 1), HORIZON) if year <= HORIZON.year else HORIZON


def _period_of(r: Recurrence, day: date) -> int:
    """The number of the period that ``day``, which is not before the start, is in."""
    if r.type in (PatternType.DAILY, PatternType.WEEKLY):
        return (day - _anchor(r)).days // (r.interval * (7 if r.type is PatternType.WEEKLY else 1))
    years = day.year - r.start_date.year
    if r.type.is_yearly:
        return years // r.interval
    return (years * 12 + day.month - r.start_date.month) // r.interval


def _anchor(r: Recurrence) -> date:
    """The day from which days or weeks are counted: for weeks, the beginning of the first one."""
    if r.type is PatternType.DAILY:
        return r.start_date
    since_week_began = (r.start_date.weekday() - _MONDAY_FIRST.index(r.first_day_of_week)) % 7
    return r.start_date - timedelta(days=min(since_week_began, (r.start_date - date.min).days))


# --- instants -------------------------------------------------------------------------------------


def slot_on(r: Recurrence, day: date) -> Slot:
    """What an occurrence on this day would be, whether there is one or not.

    A local time that comes twice is the first one; one that is skipped is as far behind the last one that
    existed as the clock says (``shared/model/timezones.py`` takes midnights so). All-day: midnights.
    """
    where = zone(r.time_zone)
    if r.all_day:
        after = day + timedelta(days=r.minutes // MINUTES_A_DAY)
        return Slot(day, utc_of_local_midnight(day, where), utc_of_local_midnight(after, where))
    begin = datetime.combine(day, r.start_time)
    start = begin.replace(tzinfo=where).astimezone(UTC)
    end = (begin + timedelta(minutes=r.minutes)).replace(tzinfo=where).astimezone(UTC)
    return Slot(day, start, max(start, end))


def slot_of(r: Recurrence, day: date) -> Slot | None:
    """None: the rule has no occurrence on this day."""
    return slot_on(r, day) if contains(r, day) else None


def occurrences(r: Recurrence, start: datetime, end: datetime) -> Iterator[Slot]:
    """Those that touch the window, in order, lazily."""
    for day in dates(r, _day_before(r, start, r.minutes // MINUTES_A_DAY + 2)):
        slot = slot_on(r, day)
        if slot.start >= end:
            return
        if slot.end > start or slot.start >= start:
            yield slot


def overlaps(r: Recurrence, start: datetime, end: datetime) -> bool:
    return next(occurrences(r, start, end), None) is not None


def next_slot(r: Recurrence, instant: datetime) -> Slot | None:
    """The first occurrence that starts at the instant or after it."""
    slots = (slot_on(r, day) for day in dates(r, _day_before(r, instant, 2)))
    return next((slot for slot in slots if slot.start >= instant), None)


def _day_before(r: Recurrence, instant: datetime, days: int) -> date:
    """Some days before an instant; clocks, and moves over the date line, change less than two."""
    day = local_date(instant, zone(r.time_zone))
    return day - timedelta(days=min(days, (day - date.min).days))


# --- the value form -------------------------------------------------------------------------------


def to_value(r: Recurrence) -> dict[str, Value]:
    """Canonical JSON, with only what matters to the pattern type: equal values are the same series."""
    value: dict[str, Value] = {"type": r.type.value, "interval": r.interval}
    optional: Mapping[str, Value] = {
        "days": list(r.days) or None,
        "dayOfMonth": r.day_of_month,
        "month": r.month,
        "index": r.index,
        "firstDayOfWeek": r.first_day_of_week if week_matters(r.type, r.interval) else None,
    }
    value |= {name: known for name, known in optional.items() if known is not None}
    span: dict[str, Value] = {"type": r.range_type.value, "start": r.start_date.isoformat()}
    if r.end_date is not None:
        span["end"] = r.end_date.isoformat()
    if r.occurrences is not None:
        span["occurrences"] = r.occurrences
    clock: dict[str, Value] = {
        "time": r.start_time.isoformat("seconds" if r.start_time.second else "minutes"),
        "minutes": r.minutes,
        "allDay": r.all_day,
        "zone": r.time_zone,
    }
    return {**value, "range": span, **clock}


def from_value(value: Any) -> Recurrence:
    """Raises ``NotARecurrence``."""
    try:
        return _from_value(value, value["range"])
    except NotARecurrence:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise NotARecurrence("not shaped like a recurrence") from error


def _from_value(value: Mapping[str, Any], span: Mapping[str, Any]) -> Recurrence:
    end = span.get("end")
    return Recurrence(
        type=PatternType(value["type"]),
        interval=value["interval"],
        days=tuple(value.get("days", ())),
        day_of_month=value.get("dayOfMonth"),
        month=value.get("month"),
        index=value.get("index"),
        first_day_of_week=value.get("firstDayOfWeek", WEEKDAYS[0]),
        range_type=RangeType(span["type"]),
        start_date=date.fromisoformat(span["start"]),
        end_date=None if end is None else date.fromisoformat(end),
        occurrences=span.get("occurrences"),
        start_time=time.fromisoformat(value["time"]),
        minutes=value["minutes"],
        all_day=value["allDay"],
        time_zone=value["zone"],
    )
