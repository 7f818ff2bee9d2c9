"""The pattern columns of a recurring appointment master, and the canonical value of a Dynamics pattern.

Starting point are the columns as the table's reference names them. Two facts shape this module:
``patternstartdate`` and ``patternenddate`` look like dates but are instants (Edm.DateTimeOffset, user
local: midnight of the day in the acting user's zone), and ``firstdayofweek`` is valid for create only.
The effective dates are computed by the server and never sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared.dynamics.dataverse import odata
from shared.model.series_pattern import EndKind, PatternKind
from shared.model.values import Value

Json = dict[str, Any]


FIRST_DAY = "firstdayofweek"
COLUMNS = (
    "recurrencepatterntype,interval,daysofweekmask,dayofmonth,monthofyear,instance,isnthmonthly,isnthyearly,"
    "isweekdaypattern,patternendtype,occurrences,patternstartdate,patternenddate,starttime,endtime,duration,"
    "isalldayevent,firstdayofweek"
)


class UnreadablePattern(ValueError):  # noqa: N818 - it names the finding
    """A master whose pattern columns say too little; the message is for people."""


def decode(row: Mapping[str, Any]) -> dict[str, Value]:
    """Columns that do not belong to the kind of pattern or of end are None, whatever a form or the server
    left in them. ``start`` is the instant of the pattern's first start, ``startDate`` and ``endDate`` are
    instants, or dates should an organization answer such."""
    try:
        return _decoded(row)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, UnreadablePattern):
            raise
        raise UnreadablePattern("not shaped like a recurrence pattern") from error


def _decoded(row: Mapping[str, Any]) -> dict[str, Value]:
    kind, end = PatternKind(row["recurrencepatterntype"]), EndKind(row["patternendtype"])
    nth_monthly = kind is PatternKind.MONTHLY and bool(row.get("isnthmonthly"))
    nth_yearly = kind is PatternKind.YEARLY and bool(row.get("isnthyearly"))
    by_weekday = nth_monthly or nth_yearly
    by_day = kind in (PatternKind.MONTHLY, PatternKind.YEARLY) and not by_weekday
    start = row.get("starttime") or row.get("patternstartdate")
    if not start:
        raise UnreadablePattern("the series has no start")
    return {
        "patternType": int(kind),
        "interval": int(row.get("interval") or 1),
        "daysMask": _number(row, "daysofweekmask", kind is PatternKind.WEEKLY or by_weekday),
        "dayOfMonth": _number(row, "dayofmonth", by_day),
        "month": _number(row, "monthofyear", kind is PatternKind.YEARLY),
        "instance": _number(row, "instance", by_weekday),
        "nthMonthly": nth_monthly,
        "nthYearly": nth_yearly,
        "weekdayPattern": not by_day and not by_weekday and bool(row.get("isweekdaypattern")),
        "endType": int(end),
        "occurrences": _number(row, "occurrences", end is EndKind.OCCURRENCES),
        "startDate": _day(row.get("patternstartdate") or start),
        "endDate": _day(row["patternenddate"]) if end is EndKind.END_DATE else None,
        "start": odata.instant(_moment(start)),
        "minutes": _minutes(row, start),
        "allDay": bool(row.get("isalldayevent")),
        "firstDay": _number(row, FIRST_DAY, True),
    }


def _number(row: Mapping[str, Any], column: str, belongs: bool) -> int | None:
    value = row.get(column)
    return int(value) if belongs and value is not None else None


def _moment(text: str) -> datetime:
    read = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _day(text: str) -> str:
    return date.fromisoformat(text).isoformat() if len(text) == 10 else odata.instant(_moment(text))


def _minutes(row: Mapping[str, Any], start: str) -> int:
    if row.get("duration") is not None:
        return max(0, int(row["duration"]))
    end = row.get("endtime")
    return max(0, int((_moment(end) - _moment(start)).total_seconds()) // 60) if end else 0


def encode(value: Mapping[str, Any]) -> Json:
    """Every pattern column that may be updated; what does not belong to the pattern is emptied."""
    start = _moment(value["start"])
    return {
        "recurrencepatterntype": value["patternType"],
        "interval": value["interval"],
        "daysofweekmask": value["daysMask"],
        "dayofmonth": value["dayOfMonth"],
        "monthofyear": value["month"],
        "instance": value["instance"],
        "isnthmonthly": value["nthMonthly"],
        "isnthyearly": value["nthYearly"],
        "isweekdaypattern": value["weekdayPattern"],
        "patternendtype": value["endType"],
        "occurrences": value["occurrences"],
        "patternstartdate": value["startDate"],
        "patternenddate": value["endDate"],
        "starttime": odata.instant(start),
        "endtime": odata.instant(start + timedelta(minutes=value["minutes"])),
        "duration": value["minutes"],
        "isalldayevent": value["allDay"],
    }


def encode_new(value: Mapping[str, Any]) -> Json:
    """The columns of a create: without the empty ones, and with the first day of the week."""
    columns = {**encode(value), FIRST_DAY: value["firstDay"]}
    return {name: known for name, known in columns.items() if known is not None}
