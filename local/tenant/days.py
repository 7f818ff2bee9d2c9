"""Days counted from today, so that the sample tenant never grows old."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shared.model.timezones import local_date, utc_of_local_midnight, zone


@dataclass(frozen=True, slots=True)
class When:
    """Local begin and end in a zone; all-day ones run from midnight to the midnight after the last day."""

    start: datetime
    end: datetime
    time_zone: str
    all_day: bool

    def for_graph(self) -> dict[str, Any]:
        return {
            "start": {"dateTime": self.start.isoformat(), "timeZone": self.time_zone},
            "end": {"dateTime": self.end.isoformat(), "timeZone": self.time_zone},
            "isAllDay": self.all_day,
        }

    def for_dataverse(self) -> dict[str, Any]:
        start, end = self.utc()
        return {
            "scheduledstart": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "scheduledend": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            "isalldayevent": self.all_day,
        }

    def utc(self) -> tuple[datetime, datetime]:
        where = zone(self.time_zone)
        if self.all_day:
            return (
                utc_of_local_midnight(self.start.date(), where),
                utc_of_local_midnight(self.end.date(), where),
            )
        return (
            self.start.replace(tzinfo=where).astimezone(UTC),
            self.end.replace(tzinfo=where).astimezone(UTC),
        )


def when(described: Mapping[str, Any], now: datetime, time_zone: str) -> When:
    """The times that a data file describes, as seen from ``now`` in its own zone or ``time_zone``."""
    name = described.get("timeZone", time_zone)
    day = _day(described, local_date(now, zone(name)), name)
    if "days" in described:
        return When(_at(day), _at(day + timedelta(days=described["days"])), name, all_day=True)
    return When(_at(day, described["from"]), _at(day, described["to"]), name, all_day=False)


def _day(described: Mapping[str, Any], today: date, time_zone: str) -> date:
    """So many days from today, from the day when the clocks change next but not before two weeks have passed,
    or the last Friday so many months on."""
    if "clocksChange" in described:
        return clocks_change(today + timedelta(days=14), time_zone) + timedelta(
            days=described["clocksChange"]
        )
    if "lastFriday" in described:
        months = today.year * 12 + today.month - 1 + described["lastFriday"]
        return last_friday(date(months // 12, months % 12 + 1, 1))
    return today + timedelta(days=described["day"])


def last_friday(day: date) -> date:
    """Of that day's month."""
    last = (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return last - timedelta(days=(last.weekday() - 4) % 7)


def clocks_change(day: date, time_zone: str) -> date:
    """The first day from that one on, on which the clocks change there."""
    where = zone(time_zone)
    while _offset(day, where) == _offset(day + timedelta(days=1), where):
        day += timedelta(days=1)
    return day


def _offset(day: date, where: ZoneInfo) -> timedelta | None:
    return datetime(day.year, day.month, day.day, tzinfo=where).utcoffset()


def _at(day: date, clock: str = "00:00") -> datetime:
    return datetime.combine(day, time.fromisoformat(clock))
