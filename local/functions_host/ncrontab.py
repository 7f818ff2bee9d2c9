"""NCRONTAB as the Functions host reads it: six fields, in UTC, both day fields must match.

The grammar is NCrontab's (the C# library in the host), not cron's: Sunday is 0 and 7 is an error, a
reversed range is swapped (``Fri-Mon`` is Monday to Friday), ``a/n`` runs from ``a`` to the field's end,
names may be any beginning of an English month or day. A day counts when day-of-month *and* day-of-week
match. ``? L W # @daily`` and TimeSpans are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day

from local.functions_host.errors import AppError

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
SEARCH_DAYS = 366 * 40  # the rarest valid day, a 29 February on a given weekday, returns within 40 years

ITEM = re.compile(r"(?P<first>\*|[0-9]+|[A-Za-z]+)(?:-(?P<last>[0-9]+|[A-Za-z]+))?(?:/(?P<step>[0-9]+))?")


@dataclass(frozen=True)
class Field:
    """One of the six fields: its range and, for months and days, its names."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def parse(self, text: str) -> frozenset[int]:
        """The values that the text stands for."""
        values: set[int] = set()
        for item in text.split(","):
            values |= self._item(item, text)
        return frozenset(values)

    def _item(self, item: str, text: str) -> set[int]:
        match = ITEM.fullmatch(item)
        if match is None or (match["first"] == "*" and match["last"]):
            raise AppError(f"{self.name}: '{text}' is not NCRONTAB")
        step = int(match["step"] or 1)
        if step < 1:
            raise AppError(f"{self.name}: the step in '{text}' must be at least 1")
        return set(range(*self._bounds(match), step))

    def _bounds(self, match: re.Match[str]) -> tuple[int, int]:
        if match["first"] == "*":
            return self.low, self.high + 1
        first = self._value(match["first"])
        if not match["last"]:
            return first, (self.high if match["step"] else first) + 1
        last = self._value(match["last"])
        return min(first, last), max(first, last) + 1

    def _value(self, text: str) -> int:
        if text.isdigit():
            value = int(text)
            if not self.low <= value <= self.high:
                raise AppError(f"{self.name}: {value} is not in {self.low}-{self.high}")
            return value
        for index, name in enumerate(self.names):
            if name.lower().startswith(text.lower()):
                return index + self.low
        raise AppError(f"{self.name}: '{text}' is no name or number")


FIELDS = (
    Field("second", 0, 59),
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day", 1, 31),
    Field("month", 1, 12, MONTHS),
    Field("day of week", 0, 6, WEEKDAYS),
)


@dataclass(frozen=True)
class Schedule:
    """The moments at which a timer is due."""

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    @staticmethod
    def parse(text: str) -> Schedule:
        parts = text.split()
        if len(parts) != len(FIELDS):
            raise AppError(f"'{text}' has {len(parts)} fields, a schedule has six (seconds first)")
        fields = [field.parse(part) for field, part in zip(FIELDS, parts, strict=True)]
        return Schedule(*fields)

    def next_after(self, moment: datetime) -> datetime:
        """The first due moment later than the one given, in UTC."""
        start = moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        day, earliest = start.date(), start.time()
        for _ in range(SEARCH_DAYS):
            due = self._first_time(earliest) if self._on(day) else None
            if due is not None:
                return datetime.combine(day, due, UTC)
            day, earliest = day + timedelta(days=1), time_of_day()
        raise AppError("no day fits this schedule")

    def _on(self, day: date) -> bool:
        weekday = (day.weekday() + 1) % 7
        return day.month in self.months and day.day in self.days and weekday in self.weekdays

    def _first_time(self, earliest: time_of_day) -> time_of_day | None:
        wanted = (earliest.hour, earliest.minute, earliest.second)
        for hour in sorted(h for h in self.hours if h >= wanted[0]):
            for minute in sorted(m for m in self.minutes if (hour, m) >= wanted[:2]):
                for second in sorted(s for s in self.seconds if (hour, minute, s) >= wanted):
                    return time_of_day(hour, minute, second)
        return None
