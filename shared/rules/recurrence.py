"""A series' recurrence crosses over (APPT-28, FLD-11): what is said otherwise on the other side, and what
cannot be said there at all. Nothing is bent silently.

Dynamics keeps no zone with a series and expands it in the zone of the user who acts, the mailbox's owner;
Exchange keeps the zone that the organizer gave. A series therefore crosses by its instants (APPT-10).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from shared.model import recurrence, series_pattern
from shared.model.recurrence import (
    INDEXES,
    MINUTES_A_DAY,
    WEEKDAYS,
    NotARecurrence,
    PatternType,
    RangeType,
    Recurrence,
    week_matters,
)
from shared.model.series_pattern import EndKind, PatternKind
from shared.model.timezones import local_date, utc_of_local_midnight
from shared.model.timezones import zone as zone_named
from shared.model.values import Value
from shared.rules.meeting_time import instant, text_of
from shared.rules.recurrence_notes import Crossed, Note, Remark, remark

# Where two zones are compared, so many occurrences are looked at from the first one on (four years of days,
# 28 of weeks), and as many as a year has under the rules that hold from now on, as far as they are known.
COMPARED = 1461
SETTLED = date(2036, 1, 1)


class _Inexpressible(Exception):  # noqa: N818 - it never leaves this module
    def __init__(self, note: Note, detail: object = "") -> None:
        super().__init__(note.code)
        self.remark = remark(note, detail)


# --- to Dynamics ----------------------------------------------------------------------------------


def to_dynamics(value: Value, zone: ZoneInfo) -> Crossed:
    """``zone``: the mailbox owner's, in which Dynamics expands the series when the owner acts."""
    r, notes = recurrence.from_value(value), list[Remark]()
    try:
        if r.interval > series_pattern.LONGEST_INTERVAL:
            raise _Inexpressible(Note.INTERVAL_TOO_LONG, r.interval)
        r = _in_zone(_from_first(r, notes), zone, notes)
        return Crossed(_dynamics(_counted(r, notes), zone), tuple(notes))
    except _Inexpressible as reason:
        return Crossed(None, (*notes, reason.remark))


def _from_first(r: Recurrence, notes: list[Remark]) -> Recurrence:
    """The same series, said to start on its first occurrence: its periods are counted from there as well."""
    first = recurrence.first_date(r)
    if first is None:
        raise _Inexpressible(Note.NO_OCCURRENCE)
    if first == r.start_date:
        return r
    notes.append(remark(Note.START_MOVED, first.isoformat()))
    return replace(r, start_date=first)


def _counted(r: Recurrence, notes: list[Remark]) -> Recurrence:
    if r.occurrences is None or r.occurrences <= series_pattern.MOST_OCCURRENCES:
        return r
    notes.append(remark(Note.END_INSTEAD_OF_COUNT, r.occurrences))
    last = recurrence.last_date(r)
    return replace(r, range_type=RangeType.END_DATE, occurrences=None, end_date=last)


def _in_zone(r: Recurrence, zone: ZoneInfo, notes: list[Remark]) -> Recurrence:
    """The series as the owner's clock and calendar show it. All-day series are dates in every zone."""
    if r.all_day:
        return replace(r, time_zone=zone.key)
    first = recurrence.slot_on(r, r.start_date).start
    if zone_named(r.time_zone).key == zone.key:
        if first.astimezone(zone).time() != r.start_time:
            raise _Inexpressible(Note.SKIPPED_HOUR, r.start_date.isoformat())
        return replace(r, time_zone=zone.key)
    return _translated(r, first.astimezone(zone), zone, notes)


def _translated(r: Recurrence, first: datetime, zone: ZoneInfo, notes: list[Remark]) -> Recurrence:
    days = (*islice(recurrence.dates(r), COMPARED), *islice(recurrence.dates(r, SETTLED), 366))
    slots = [recurrence.slot_on(r, day) for day in days]
    shifts = {local_date(slot.start, zone) - slot.date for slot in slots}
    if len(shifts) != 1:
        raise _Inexpressible(Note.ZONE_CROSSES_MIDNIGHT)
    shift = shifts.pop()
    there = replace(_shifted(r, shift), start_time=first.time(), time_zone=zone.key)
    if shift:
        notes.append(remark(Note.OTHER_DAY, "later" if shift > timedelta(0) else "earlier"))
    drift = next((s.date for s in slots if recurrence.slot_on(there, s.date + shift).start != s.start), None)
    if drift is not None:
        notes.append(remark(Note.ZONE_DRIFT, drift.isoformat()))
    return there


def _shifted(r: Recurrence, shift: timedelta) -> Recurrence:
    """Every day of the series a day later or earlier; a month's days cannot be moved so."""
    if not shift:
        return r
    if r.type not in (PatternType.DAILY, PatternType.WEEKLY):
        raise _Inexpressible(Note.ZONE_CROSSES_MIDNIGHT)
    moved = {_weekday_after(day, shift.days) for day in r.days}
    return replace(
        r,
        days=tuple(day for day in WEEKDAYS if day in moved),
        first_day_of_week=_weekday_after(r.first_day_of_week, shift.days)
        if week_matters(r.type, r.interval)
        else r.first_day_of_week,
        start_date=r.start_date + shift,
        end_date=None if r.end_date is None else r.end_date + shift,
    )


def _weekday_after(day: str, days: int) -> str:
    return WEEKDAYS[(WEEKDAYS.index(day) + days) % 7]


def _dynamics(r: Recurrence, zone: ZoneInfo) -> dict[str, Value]:
    start = recurrence.slot_on(r, r.start_date).start
    return {
        "patternType": int(_KINDS[r.type]),
        "interval": r.interval,
        "daysMask": _mask(r),
        "dayOfMonth": r.day_of_month,
        "month": r.month,
        "instance": None if r.index is None else INDEXES.index(r.index) + 1,
        "nthMonthly": r.type is PatternType.RELATIVE_MONTHLY,
        "nthYearly": r.type is PatternType.RELATIVE_YEARLY,
        "weekdayPattern": False,
        "endType": int(_ENDS[r.range_type]),
        "occurrences": r.occurrences,
        "startDate": text_of(utc_of_local_midnight(r.start_date, zone)),
        "endDate": None if r.end_date is None else text_of(utc_of_local_midnight(r.end_date, zone)),
        "start": text_of(start),
        "minutes": r.minutes,
        "allDay": r.all_day,
        "firstDay": WEEKDAYS.index(r.first_day_of_week),
    }


_KINDS: Mapping[PatternType, PatternKind] = {
    PatternType.DAILY: PatternKind.DAILY,
    PatternType.WEEKLY: PatternKind.WEEKLY,
    PatternType.ABSOLUTE_MONTHLY: PatternKind.MONTHLY,
    PatternType.RELATIVE_MONTHLY: PatternKind.MONTHLY,
    PatternType.ABSOLUTE_YEARLY: PatternKind.YEARLY,
    PatternType.RELATIVE_YEARLY: PatternKind.YEARLY,
}
_ENDS: Mapping[RangeType, EndKind] = {
    RangeType.NO_END: EndKind.NO_END,
    RangeType.NUMBERED: EndKind.OCCURRENCES,
    RangeType.END_DATE: EndKind.END_DATE,
}
_SETS_OF_DAYS = (series_pattern.EVERY_DAY, series_pattern.WORKING_DAYS, series_pattern.WEEKEND)


def _mask(r: Recurrence) -> int | None:
    if not r.days:
        return None
    mask = sum(1 << WEEKDAYS.index(day) for day in r.days)
    if r.type.is_relative and len(r.days) > 1 and mask not in _SETS_OF_DAYS:
        raise _Inexpressible(Note.UNUSUAL_DAYS, ", ".join(r.days))
    return mask


# --- to Exchange ----------------------------------------------------------------------------------


def to_exchange(value: Mapping[str, Any], zone: ZoneInfo, zone_name: str) -> Crossed:
    """``zone``: the mailbox owner's; ``zone_name``: the name under which Exchange shall keep it."""
    notes = list[Remark]()
    try:
        r = _from_first(_exchange(value, zone, zone_name), notes)
        return Crossed(recurrence.to_value(r), tuple(notes))
    except NotARecurrence as error:
        return Crossed(None, (*notes, remark(Note.NOT_A_PATTERN, error)))
    except _Inexpressible as reason:
        return Crossed(None, (*notes, reason.remark))


def _exchange(value: Mapping[str, Any], zone: ZoneInfo, zone_name: str) -> Recurrence:
    kind, all_day = _pattern_type(value), bool(value["allDay"])
    end = EndKind(value["endType"])
    return Recurrence(
        type=kind,
        interval=value["interval"],
        days=_days(value) if kind.has_days else (),
        day_of_month=value["dayOfMonth"] if kind.is_absolute else None,
        month=value["month"] if kind.is_yearly else None,
        index=_index(value) if kind.is_relative else None,
        first_day_of_week=WEEKDAYS[value["firstDay"] or 0 if week_matters(kind, value["interval"]) else 0],
        range_type=next(span for span, number in _ENDS.items() if number is end),
        start_date=_day(value["startDate"], zone),
        end_date=_end_day(value, zone) if end is EndKind.END_DATE else None,
        occurrences=value["occurrences"] if end is EndKind.OCCURRENCES else None,
        start_time=time.min if all_day else instant(value["start"]).astimezone(zone).time(),
        minutes=_whole_days(value["minutes"]) if all_day else value["minutes"],
        time_zone=zone_name,
        all_day=all_day,
    )


def _pattern_type(value: Mapping[str, Any]) -> PatternType:
    kind = PatternKind(value["patternType"])
    if kind is PatternKind.DAILY and value["weekdayPattern"]:
        if value["interval"] != 1:
            raise _Inexpressible(Note.EVERY_OTHER_WORKING_DAY, value["interval"])
        return PatternType.WEEKLY
    relative = value["nthMonthly"] if kind is PatternKind.MONTHLY else value["nthYearly"]
    return next(t for t, k in _KINDS.items() if k is kind and t.is_relative == bool(relative))


def _days(value: Mapping[str, Any]) -> tuple[str, ...]:
    """``isweekdaypattern`` is "every working day", documented for weekly patterns and read on daily ones."""
    mask = series_pattern.WORKING_DAYS if value["weekdayPattern"] else value["daysMask"] or 0
    return tuple(day for bit, day in enumerate(WEEKDAYS) if mask >> bit & 1)


def _index(value: Mapping[str, Any]) -> str | None:
    instance = value["instance"]
    return INDEXES[instance - 1] if instance in range(1, 6) else None


def _day(text: str, zone: ZoneInfo) -> date:
    """The day that ``patternstartdate`` means: the date of an instant, which normally is midnight in the
    zone; but midnight of UTC is a bare date, if it is not midnight in the zone."""
    if len(text) == 10:
        return date.fromisoformat(text)
    moment = instant(text)
    day = local_date(moment, zone)
    if moment.time() == time.min and moment != utc_of_local_midnight(day, zone):
        return moment.astimezone(UTC).date()
    return day


def _end_day(value: Mapping[str, Any], zone: ZoneInfo) -> date:
    if value["endDate"] is None:
        raise NotARecurrence("it ends on a date that is not given")
    return _day(value["endDate"], zone)


def _whole_days(minutes: int) -> int:
    """An all-day row covers the day it ends in (23:59, say); a day of 25 hours is one day."""
    return max(1, -(-(minutes - 120) // MINUTES_A_DAY)) * MINUTES_A_DAY


# --- the first day of the week --------------------------------------------------------------------


def first_day_changes_dates(wanted: Mapping[str, Any], present: Mapping[str, Any], zone: ZoneInfo) -> bool:
    """Whether a pattern, written onto a row, gets other days because the row keeps its first day of the
    week (it can be given on create only). The first week from the start tells: a day that belongs to the
    first period under one reckoning only is missing there under the other."""
    kept = {**wanted, "firstDay": present["firstDay"]}
    first, second = (_exchange(value, zone, zone.key) for value in (wanted, kept))
    return _first_week(first) != _first_week(second)


def _first_week(r: Recurrence) -> list[date]:
    return [day for day in islice(recurrence.dates(r), 7) if day < r.start_date + timedelta(weeks=1)]
