"""The canonical value of a Dynamics recurrence pattern: what a recurring appointment master says.

``{"patternType", "interval", "daysMask", "dayOfMonth", "month", "instance", "nthMonthly", "nthYearly",
"weekdayPattern", "endType", "occurrences", "startDate", "endDate", "start", "minutes", "allDay",
"firstDay"}``; what does not belong to the kind of pattern or of end is None, so equal values are the same
series. ``start`` is an instant (``…Z``): the first start; its time of day in the acting user's zone is the
time of the series, for Dynamics keeps no zone. ``startDate`` and ``endDate`` are instants: midnights there.
"""

from __future__ import annotations

from enum import IntEnum


class PatternKind(IntEnum):
    DAILY = 0
    WEEKLY = 1
    MONTHLY = 2
    YEARLY = 3


class EndKind(IntEnum):
    NO_END = 1
    OCCURRENCES = 2
    END_DATE = 3


# Bits of the mask of days: Sunday is the lowest.
EVERY_DAY = 127
WORKING_DAYS = 62
WEEKEND = 65
MOST_OCCURRENCES = 999
LONGEST_INTERVAL = 1000
