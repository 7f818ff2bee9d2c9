"""The days of a series against the dates that two other libraries publish for 400 rules."""

from __future__ import annotations

from collections import Counter
from zoneinfo import ZoneInfo

import pytest

from shared.model.recurrence import Recurrence, dates, first_date, from_value, last_date, to_value
from shared.rules.recurrence import to_dynamics, to_exchange
from shared.rules.recurrence_notes import Note
from tests.marks import rule
from tests.recurrence_rules import ZONE, Case, NoSuchPattern, published, recurrence_of

# Calendars know no such patterns. A rule that one day is understood moves from here to the covered ones.
INEXPRESSIBLE = {
    "times of day": 82,
    "weeks of the year": 63,
    "more often than daily": 41,
    "days of the year": 40,
    "Easter": 21,
    "days limited to some months or days": 18,
    "several months of a year": 13,
    "months limited to some": 9,
    "weeks limited to some months or days": 9,
    "several days of a month": 8,
    "several weekdays of a month": 7,
    "not one rule with dates": 7,
    "weekdays of a year": 6,
    "a day that some months lack, or counted from their end": 6,
    "weekdays that fall on some days of the month": 4,
    "a day of every month of some years": 3,
    "another nth than first to fourth and last": 2,
    "ends before it begins": 1,
}
COVERED = 60
# The one that Exchange can say and Dynamics cannot.
NOT_IN_DYNAMICS = (
    "The third instance into the month of one of Tuesday, Wednesday, or Thursday, for the next 3 months"
)
BY_TYPE = {
    "weekly": 28,
    "daily": 13,
    "absoluteYearly": 10,
    "relativeMonthly": 4,
    "absoluteMonthly": 3,
    "relativeYearly": 2,
}


def sorted_out() -> tuple[list[tuple[Case, Recurrence]], Counter[str]]:
    covered, reasons = [], Counter[str]()
    for case in published():
        try:
            covered.append((case, recurrence_of(case)))
        except NoSuchPattern as reason:
            reasons[str(reason)] += 1
    return covered, reasons


CASES, REASONS = sorted_out()


def test_so_many_of_the_published_rules_are_covered_and_the_others_cannot_be_said() -> None:
    print(f"{len(CASES)} of {len(CASES) + REASONS.total()} published rules are covered; the others ask for:")
    for reason, number in REASONS.most_common():
        print(f"  {number:3} {reason}")
    assert len(CASES) == COVERED
    assert Counter(str(r.type) for _, r in CASES) == BY_TYPE
    assert REASONS == INEXPRESSIBLE


@rule("APPT-28")
@pytest.mark.parametrize(("case", "r"), CASES, ids=[case.name for case, _ in CASES])
def test_a_series_falls_on_the_published_dates(case: Case, r: Recurrence) -> None:
    assert tuple(dates(r)) == case.expected
    assert (first_date(r), last_date(r)) == (case.expected[0], case.expected[-1])
    for number, day in enumerate(case.expected):
        assert tuple(dates(r, day)) == case.expected[number:]


@rule("APPT-28", "FLD-11")
@pytest.mark.parametrize(("case", "r"), CASES, ids=[case.name for case, _ in CASES])
def test_and_on_the_same_dates_after_the_way_through_dynamics(case: Case, r: Recurrence) -> None:
    zone = ZoneInfo("Europe/Berlin")
    there = to_dynamics(to_value(r), zone)
    if case.name == NOT_IN_DYNAMICS:
        assert there.value is None
        assert [remark.note for remark in there.notes] == [Note.UNUSUAL_DAYS]
        return
    assert there.value is not None
    back = to_exchange(there.value, zone, ZONE)
    assert back.value is not None
    assert tuple(dates(from_value(back.value))) == case.expected
