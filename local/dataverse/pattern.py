"""What the pattern columns of a series mean: on which days it occurs, and from when to when, in one zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from dateutil.rrule import DAILY, FR, MO, MONTHLY, SA, SU, TH, TU, WE, WEEKLY, YEARLY, rrule

from local.dataverse.errors import Refusal, refuse
from local.dataverse.store import Row
from local.dataverse.values import as_text

DAY_BITS = {1: SU, 2: MO, 4: TU, 8: WE, 16: TH, 32: FR, 64: SA}
WEEKDAYS = 62
NO_END, OCCURRENCES, END_DATE = 1, 2, 3
LAST = 5
FREQUENCIES: tuple[Literal[0, 1, 2, 3], ...] = (DAILY, WEEKLY, MONTHLY, YEARLY)
COLUMNS = frozenset(
    {
        "recurrencepatterntype",
        "interval",
        "daysofweekmask",
        "dayofmonth",
        "monthofyear",
        "instance",
        "isnthmonthly",
        "isnthyearly",
        "isweekdaypattern",
        "patternendtype",
        "occurrences",
        "patternstartdate",
        "patternenddate",
        "starttime",
        "endtime",
        "duration",
    }
)


@dataclass(frozen=True)
class Occurrence:
    """When one instance is, as the pattern has it. ``day`` is the local one."""

    day: date
    start: datetime
    end: datetime

    @property
    def start_text(self) -> str:
        return as_text(self.start)


@dataclass(frozen=True)
class Pattern:
    """The clock times are those of ``zone``, so that nine o'clock stays nine o'clock over the year."""

    zone: ZoneInfo
    begins: time
    length: timedelta
    rule: rrule

    def occurrences(self, after: datetime | None = None) -> Iterator[Occurrence]:
        """In order; with ``after`` only those that start later."""
        for day in self.rule:
            occurrence = self._on(day.date())
            if after is None or occurrence.start > after:
                yield occurrence

    def at(self, start: datetime) -> Occurrence | None:
        """The occurrence that starts at that very moment."""
        day = datetime.combine(start.astimezone(self.zone).date(), time.min)
        if not self.rule.between(day, day, inc=True):
            return None
        occurrence = self._on(day.date())
        return occurrence if occurrence.start == start else None

    def last(self) -> Occurrence | None:
        """The last one of a pattern that has an end and any occurrence at all."""
        days = list(self.rule)
        return self._on(days[-1].date()) if days else None

    def _on(self, day: date) -> Occurrence:
        local = datetime.combine(day, self.begins)
        start, end = (moment.replace(tzinfo=self.zone) for moment in (local, local + self.length))
        return Occurrence(day, start.astimezone(UTC), end.astimezone(UTC))


def read_pattern(row: Row, zone: ZoneInfo) -> Pattern:
    """The pattern of a series' row, or a refusal that says what is missing or does not go together."""
    start, end = _times(row, zone)
    first = _day(row, "patternstartdate", zone)
    return Pattern(zone, start.time(), end - start, _rule(row, first, zone))


def local_day(text: str, zone: ZoneInfo) -> date:
    """The day that a date column means: the one of its moment in that zone."""
    return datetime.fromisoformat(text).astimezone(zone).date()


def midnight(day: date, zone: ZoneInfo) -> str:
    """A day as a date column holds it."""
    return as_text(datetime.combine(day, time.min, zone))


def _times(row: Row, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Start and end as clock times in the zone."""
    for name in ("starttime", "endtime"):
        if not row.get(name):
            raise _wrong(f"{name} is missing.")
    start, end = (
        datetime.fromisoformat(row[name]).astimezone(zone).replace(tzinfo=None)
        for name in ("starttime", "endtime")
    )
    if end < start:
        raise _wrong("endtime is earlier than starttime.")
    return start, end


def _rule(row: Row, first: date, zone: ZoneInfo) -> rrule:
    kind, interval = row.get("recurrencepatterntype"), row.get("interval")
    if kind is None or interval is None:
        raise _wrong("recurrencepatterntype and interval are required.")
    _check_flags(row, kind)
    week_starts = (int(row.get("firstdayofweek") or 0) - 1) % 7
    return rrule(
        FREQUENCIES[kind],
        dtstart=datetime.combine(first, time.min),
        interval=interval,
        wkst=week_starts,
        **_days(row, kind),
        **_range(row, first, zone),
    )


def _check_flags(row: Row, kind: int) -> None:
    for flag, only in (("isnthmonthly", 2), ("isnthyearly", 3), ("isweekdaypattern", 1)):
        if row.get(flag) and kind != only:
            raise _wrong(f"{flag} does not go with recurrencepatterntype {kind}.")


def _days(row: Row, kind: int) -> dict[str, Any]:
    if kind == 0:
        return {}
    if kind == 1:
        return {"byweekday": _weekdays(row, WEEKDAYS if row.get("isweekdaypattern") else None)}
    month: dict[str, Any] = {}
    if kind == 3:
        if not row.get("monthofyear"):
            raise _wrong("monthofyear is required.")
        month = {"bymonth": row["monthofyear"]}
    if row.get("isnthmonthly" if kind == 2 else "isnthyearly"):
        if row.get("instance") is None:
            raise _wrong("instance is required.")
        position = -1 if row["instance"] == LAST else row["instance"]
        return {**month, "byweekday": _weekdays(row), "bysetpos": position}
    if row.get("dayofmonth") is None:
        raise _wrong("dayofmonth is required.")
    return {**month, **_day_of_month(row["dayofmonth"])}


def _weekdays(row: Row, only: int | None = None) -> tuple[Any, ...]:
    mask = row.get("daysofweekmask") or only
    if not mask or (only and mask != only):
        raise _wrong("daysofweekmask is required and must fit the pattern.")
    return tuple(day for bit, day in DAY_BITS.items() if mask & bit)


def _day_of_month(day: int) -> dict[str, Any]:
    """Where a month has no such day, its last one counts, as in Outlook."""
    if day <= 28:
        return {"bymonthday": day}
    return {"bymonthday": tuple(range(28, day + 1)), "bysetpos": -1}


def _range(row: Row, first: date, zone: ZoneInfo) -> dict[str, Any]:
    end_type = row.get("patternendtype")
    if end_type == NO_END:
        return {}
    if end_type == OCCURRENCES:
        if row.get("occurrences") is None:
            raise _wrong("occurrences is required.")
        return {"count": row["occurrences"]}
    if end_type != END_DATE:
        raise _wrong("patternendtype is required.")
    last = _day(row, "patternenddate", zone)
    if last < first:
        raise _wrong("patternenddate is earlier than patternstartdate.")
    return {"until": datetime.combine(last, time.min)}


def _day(row: Row, name: str, zone: ZoneInfo) -> date:
    if not row.get(name):
        raise _wrong(f"{name} is required.")
    return local_day(row[name], zone)


def _wrong(message: str) -> Refusal:
    return refuse("InvalidPattern", message=message)
