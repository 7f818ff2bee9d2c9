"""How often the items of the sample tenant repeat, as Graph and as Dataverse say it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from local.tenant.days import When
from shared.model.timezones import utc_of_local_midnight, zone

Json = Mapping[str, Any]
WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
FRIDAY, LAST, NUMBERED = 1 << 5, 5, 2


def for_graph(repeats: Json, when: When) -> dict[str, Any]:
    """``repeats``: ``every`` (day, week, last friday, year) and ``times``."""
    first = when.start.date()
    patterns: dict[str, dict[str, Any]] = {
        "day": {"type": "daily"},
        "week": {"type": "weekly", "daysOfWeek": [_weekday(first)]},
        "last friday": {"type": "relativeMonthly", "daysOfWeek": ["friday"], "index": "last"},
        "year": {"type": "absoluteYearly", "month": first.month, "dayOfMonth": first.day},
    }
    span = {"type": "numbered", "startDate": str(first), "numberOfOccurrences": repeats["times"]}
    return {"recurrence": {"pattern": {"interval": 1, **patterns[repeats["every"]]}, "range": span}}


def for_dataverse(repeats: Json, when: When) -> dict[str, Any]:
    """The columns of a master; its days are midnights in the zone of whoever writes it."""
    first = when.start.date()
    start, end = when.utc()
    patterns: dict[str, dict[str, Any]] = {
        "day": {"recurrencepatterntype": 0},
        "week": {"recurrencepatterntype": 1, "daysofweekmask": 1 << first.isoweekday() % 7},
        "last friday": {
            "recurrencepatterntype": 2,
            "isnthmonthly": True,
            "instance": LAST,
            "daysofweekmask": FRIDAY,
        },
        "year": {"recurrencepatterntype": 3, "monthofyear": first.month, "dayofmonth": first.day},
    }
    return {
        "interval": 1,
        **patterns[repeats["every"]],
        "patternendtype": NUMBERED,
        "occurrences": repeats["times"],
        "patternstartdate": _text(utc_of_local_midnight(first, zone(when.time_zone))),
        "starttime": _text(start),
        "endtime": _text(end),
        "isalldayevent": when.all_day,
    }


def _weekday(day: date) -> str:
    return WEEKDAYS[day.isoweekday() % 7]


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
