"""RRULE text, as the published cases have it, to our record; or the reason why no calendar can say it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from shared.model.recurrence import INDEXES, WEEKDAYS, PatternType, RangeType, Recurrence

FILES = Path(__file__).parent / "data" / "recurrence"
SHORT = dict(zip(("SU", "MO", "TU", "WE", "TH", "FR", "SA"), WEEKDAYS, strict=True))
ZONE = "W. Europe Standard Time"


class NoSuchPattern(ValueError):  # noqa: N818
    """The calendars have no such pattern."""


@dataclass(frozen=True)
class Case:
    name: str
    rule: dict[str, str]
    start: datetime
    expected: tuple[date, ...]


def published() -> Iterator[Case]:
    """The 400 cases; the few that are no single rule have an empty one."""
    for case in json.loads((FILES / "dateutil-rrule-cases.json").read_text())["cases"]:
        head, _, rule = case["rule"].partition("\nRRULE:")
        start = _moment(head.removeprefix("DTSTART:")) if rule else datetime(1997, 9, 2, 9)
        days = tuple(datetime.fromisoformat(text).date() for text in case["expected"])
        yield Case(case["test"], _parts(rule), start, days)
    for case in json.loads((FILES / "libical-rrule-cases.json").read_text())["cases"]:
        rule = {} if "UNIMPLEMENTED" in case["instances"][0] else _parts(case["rrule"])
        days = tuple(_moment(text).date() for text in case["instances"]) if rule else ()
        yield Case(case.get("title", case["rrule"]), rule, _moment(case["dtstart"]), days)


def _parts(rule: str) -> dict[str, str]:
    return dict(part.split("=") for part in rule.split(";") if part)


def _moment(text: str) -> datetime:
    return datetime.strptime(text.rstrip("Z"), "%Y%m%dT%H%M%S" if "T" in text else "%Y%m%d")


def recurrence_of(case: Case) -> Recurrence:
    """Raises ``NoSuchPattern``, whose message is the kind of reason."""
    rule = case.rule
    if not rule:
        raise NoSuchPattern("not one rule with dates")
    for key, why in _UNKNOWN.items():
        if key in rule:
            raise NoSuchPattern(why)
    if rule["FREQ"] not in _BY_FREQUENCY:
        raise NoSuchPattern("more often than daily")
    ends = _range(rule, case.start)
    pattern = _weekdays_only(rule) or _BY_FREQUENCY[rule["FREQ"]](rule, case.start.date())
    return Recurrence(
        interval=int(rule.get("INTERVAL", "1")),
        start_date=case.start.date(),
        start_time=case.start.time(),
        minutes=30,
        time_zone=ZONE,
        **pattern,
        **ends,
    )


_UNKNOWN = {
    "BYEASTER": "Easter",
    "BYWEEKNO": "weeks of the year",
    "BYYEARDAY": "days of the year",
    "BYHOUR": "times of day",
    "BYMINUTE": "times of day",
    "BYSECOND": "times of day",
}


def _range(rule: dict[str, str], start: datetime) -> dict[str, Any]:
    if "COUNT" in rule:
        return {"range_type": RangeType.NUMBERED, "occurrences": int(rule["COUNT"])}
    until = _moment(rule["UNTIL"])
    last = until.date() if "T" not in rule["UNTIL"] or until.time() >= start.time() else _before(until)
    if last < start.date():
        raise NoSuchPattern("ends before it begins")
    return {"range_type": RangeType.END_DATE, "end_date": last}


def _before(moment: datetime) -> date:
    return (moment - timedelta(days=1)).date()


def _weekdays_only(rule: dict[str, str]) -> dict[str, Any] | None:
    """ "Every Tuesday of every month" is every Tuesday."""
    if (
        rule.get("INTERVAL", "1") != "1"
        or "BYDAY" not in rule
        or set(rule) & {"BYMONTH", "BYMONTHDAY", "BYSETPOS"}
    ):
        return None
    days = rule["BYDAY"].split(",")
    return _weekly(days) if set(days) <= set(SHORT) else None


def _weekly(days: list[str], first: str = "SU") -> dict[str, Any]:
    named = {SHORT[day] for day in days}
    kept = tuple(day for day in WEEKDAYS if day in named)
    return {"type": PatternType.WEEKLY, "days": kept, "first_day_of_week": SHORT[first]}


def _of_daily(rule: dict[str, str], start: date) -> dict[str, Any]:
    if set(rule) & {"BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS"}:
        raise NoSuchPattern("days limited to some months or days")
    return {"type": PatternType.DAILY}


def _of_weekly(rule: dict[str, str], start: date) -> dict[str, Any]:
    if set(rule) & {"BYMONTH", "BYMONTHDAY", "BYSETPOS"}:
        raise NoSuchPattern("weeks limited to some months or days")
    days = rule.get("BYDAY", _short(start)).split(",")
    first = rule.get("WKST", "MO") if rule.get("INTERVAL", "1") != "1" else "SU"
    return _weekly(days, first)


def _short(day: date) -> str:
    return list(SHORT)[day.isoweekday() % 7]


def _of_monthly(rule: dict[str, str], start: date) -> dict[str, Any]:
    if "BYMONTH" in rule:
        raise NoSuchPattern("months limited to some")
    if "BYDAY" in rule:
        return {"type": PatternType.RELATIVE_MONTHLY, **_nth(rule)}
    return {"type": PatternType.ABSOLUTE_MONTHLY, "day_of_month": _month_day(rule, start, 28)}


def _of_yearly(rule: dict[str, str], start: date) -> dict[str, Any]:
    if "," in rule.get("BYMONTH", ""):
        raise NoSuchPattern("several months of a year")
    month = int(rule.get("BYMONTH", start.month))
    if "BYDAY" in rule:
        if "BYMONTH" not in rule:
            raise NoSuchPattern("weekdays of a year")
        return {"type": PatternType.RELATIVE_YEARLY, "month": month, **_nth(rule)}
    if "BYMONTHDAY" in rule and "BYMONTH" not in rule:
        raise NoSuchPattern("a day of every month of some years")
    longest = 28 if month == 2 else (date(2025, month % 12 + 1, 1) - timedelta(days=1)).day
    return {
        "type": PatternType.ABSOLUTE_YEARLY,
        "month": month,
        "day_of_month": _month_day(rule, start, longest),
    }


def _nth(rule: dict[str, str]) -> dict[str, Any]:
    if "BYMONTHDAY" in rule:
        raise NoSuchPattern("weekdays that fall on some days of the month")
    days, position = rule["BYDAY"].split(","), rule.get("BYSETPOS")
    if position is None and len(days) == 1 and len(days[0]) > 2:
        position, days = days[0][:-2].lstrip("+"), [days[0][-2:]]
    if position is None or not set(days) <= set(SHORT):
        raise NoSuchPattern("several weekdays of a month")
    if position not in _POSITIONS:
        raise NoSuchPattern("another nth than first to fourth and last")
    return {"days": _weekly(days)["days"], "index": _POSITIONS[position]}


_POSITIONS = dict(zip(("1", "2", "3", "4", "-1"), INDEXES, strict=True))


def _month_day(rule: dict[str, str], start: date, longest: int) -> int:
    """The last day of the month is day 31 (as MS-OXCICAL maps it); rules skip months without the day."""
    days = rule.get("BYMONTHDAY", str(start.day))
    if "," in days or "BYSETPOS" in rule:
        raise NoSuchPattern("several days of a month")
    if days == "-1":
        return 31
    if not 1 <= int(days) <= longest:
        raise NoSuchPattern("a day that some months lack, or counted from their end")
    return int(days)


_BY_FREQUENCY = {"DAILY": _of_daily, "WEEKLY": _of_weekly, "MONTHLY": _of_monthly, "YEARLY": _of_yearly}
