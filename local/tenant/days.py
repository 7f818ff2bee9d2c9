"""Days counted from today, so that the sample tenant never grows old."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

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
    day = local_date(now, zone(name)) + timedelta(days=described["day"])
    if "days" in described:
        return When(_at(day), _at(day + timedelta(days=described["days"])), name, all_day=True)
    return When(_at(day, described["from"]), _at(day, described["to"]), name, all_day=False)


def _at(day: date, clock: str = "00:00") -> datetime:
    return datetime.combine(day, time.fromisoformat(clock))
