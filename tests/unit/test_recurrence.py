"""A series by hand: its days, its instants over changing clocks, and its value."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from itertools import islice
from typing import Any

import pytest

from shared.model.recurrence import (
    HORIZON,
    NotARecurrence,
    PatternType,
    Recurrence,
    Slot,
    contains,
    dates,
    first_date,
    from_value,
    last_date,
    next_slot,
    occurrences,
    overlaps,
    slot_of,
    slot_on,
    to_value,
)
from tests.marks import rule
from tests.recurrences import numbered, series, until

MONTHLY, YEARLY = PatternType.ABSOLUTE_MONTHLY, PatternType.ABSOLUTE_YEARLY
NTH, NTH_YEARLY = PatternType.RELATIVE_MONTHLY, PatternType.RELATIVE_YEARLY
WEEKLY, DAILY = PatternType.WEEKLY, PatternType.DAILY


def days(text: str) -> list[date]:
    return [date.fromisoformat(day) for day in text.split()]


@rule("APPT-28")
@pytest.mark.parametrize(
    ("r", "expected"),
    [
        # A month without the day: its last one (so does Exchange).
        (series(MONTHLY, day_of_month=31), "2026-01-31 2026-02-28 2026-03-31 2026-04-30"),
        (series(YEARLY, month=2, day_of_month=29), "2026-02-28 2027-02-28 2028-02-29 2029-02-28"),
        (series(MONTHLY, day_of_month=3, interval=5), "2026-06-03 2026-11-03 2027-04-03 2027-09-03"),
        (series(NTH, index="last", days=("friday",)), "2026-01-30 2026-02-27 2026-03-27 2026-04-24"),
        (series(NTH, days=("sunday", "saturday")), "2026-02-01 2026-03-01 2026-04-04 2026-05-02"),
        (series(NTH_YEARLY, month=11, index="fourth", days=("thursday",)), "2026-11-26 2027-11-25"),
        (series(DAILY, interval=3), "2026-01-05 2026-01-08 2026-01-11"),
        (series(WEEKLY, days=("monday", "friday")), "2026-01-05 2026-01-09 2026-01-12"),
    ],
)
def test_a_series_falls_on_these_days(r: Recurrence, expected: str) -> None:
    assert list(islice(dates(r), len(expected.split()))) == days(expected)


@pytest.mark.parametrize(
    ("first_day", "expected"),
    [("monday", "2026-01-11 2026-01-20 2026-01-25"), ("sunday", "2026-01-18 2026-01-20 2026-02-01")],
)
def test_the_first_day_of_the_week_decides_which_sunday_is_two_weeks_on(
    first_day: str, expected: str
) -> None:
    r = series(
        interval=2, days=("sunday", "tuesday"), start_date=date(2026, 1, 7), first_day_of_week=first_day
    )
    assert list(islice(dates(r), 3)) == days(expected)


@pytest.mark.parametrize(
    ("r", "first", "last"),
    [
        (series(**numbered(3)), "2026-01-05", "2026-01-19"),
        (series(**until(date(2026, 1, 18))), "2026-01-05", "2026-01-12"),
        (series(start_date=date(2026, 1, 7), **numbered(1)), "2026-01-12", "2026-01-12"),
        (series(DAILY, **numbered(10**9)), "2026-01-05", HORIZON.isoformat()),
        (series(MONTHLY, day_of_month=3, **numbered(13)), "2026-02-03", "2027-02-03"),
    ],
)
def test_a_series_ends_on_its_last_occurrence(r: Recurrence, first: str, last: str) -> None:
    assert first_date(r) == date.fromisoformat(first)
    assert last_date(r) == date.fromisoformat(last)


def test_a_series_may_have_no_day_at_all_or_no_end() -> None:
    empty = series(start_date=date(2026, 1, 6), **until(date(2026, 1, 8)))
    assert (first_date(empty), last_date(empty)) == (None, None)
    assert last_date(series()) is None
    assert contains(series(), date(4000, 1, 3))
    assert not contains(series(), date(4000, 1, 4))
    assert not contains(series(), date(2025, 12, 29))


@rule("APPT-10")
@pytest.mark.parametrize(
    ("day", "clock", "start"),
    [
        ("2026-03-28", "09:00", "08:00"),
        ("2026-03-29", "09:00", "07:00"),
        ("2026-10-24", "09:00", "07:00"),
        ("2026-10-25", "09:00", "08:00"),
        ("2026-03-29", "02:30", "01:30"),  # skipped: 03:30 on the clocks
        ("2026-10-25", "02:30", "00:30"),  # twice: the first time
    ],
)
def test_a_series_keeps_its_local_time_when_clocks_change(day: str, clock: str, start: str) -> None:
    slot = slot_of(series(DAILY, start_time=time.fromisoformat(clock)), date.fromisoformat(day))
    assert slot is not None
    assert slot.start == datetime.fromisoformat(f"{day}T{start}:00+00:00")


def test_an_all_day_occurrence_is_from_midnight_to_midnight_even_if_the_day_has_23_hours() -> None:
    r = series(DAILY, start_time=time(0), minutes=1440, all_day=True)
    slot = slot_of(r, date(2026, 3, 29))
    assert slot == Slot(
        date(2026, 3, 29), datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)
    )


def test_a_window_is_touched_by_what_reaches_into_it() -> None:
    r = series(minutes=3 * 1440)  # from Monday 08:00Z to Thursday 08:00Z
    wednesday, friday = datetime(2026, 1, 7, tzinfo=UTC), datetime(2026, 1, 9, tzinfo=UTC)
    assert [slot.date for slot in occurrences(r, wednesday, friday)] == [date(2026, 1, 5)]
    assert not overlaps(r, datetime(2026, 1, 8, 8, tzinfo=UTC), friday)
    following = next_slot(r, wednesday)
    assert following == slot_on(r, date(2026, 1, 12))
    assert next_slot(series(**numbered(1)), friday) is None


@pytest.mark.parametrize(
    ("r", "expected"),
    [
        (series(DAILY), {"type": "daily", "interval": 1}),
        (series(days=("monday", "friday")), {"type": "weekly", "interval": 1, "days": ["monday", "friday"]}),
        (
            series(interval=2, first_day_of_week="monday"),
            {"type": "weekly", "interval": 2, "days": ["monday"], "firstDayOfWeek": "monday"},
        ),
        (series(MONTHLY), {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 5}),
        (series(NTH), {"type": "relativeMonthly", "interval": 1, "days": ["monday"], "index": "first"}),
        (series(YEARLY), {"type": "absoluteYearly", "interval": 1, "dayOfMonth": 5, "month": 1}),
        (
            series(NTH_YEARLY),
            {"type": "relativeYearly", "interval": 1, "days": ["monday"], "month": 1, "index": "first"},
        ),
    ],
)
def test_a_value_has_the_keys_that_matter_to_its_type(r: Recurrence, expected: dict[str, Any]) -> None:
    clock = {"time": "09:00", "minutes": 30, "allDay": False, "zone": "W. Europe Standard Time"}
    assert to_value(r) == {**expected, "range": {"type": "noEnd", "start": "2026-01-05"}, **clock}


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "hourly"},
        {"interval": 0},
        {"interval": "1"},
        {"days": ["friday", "monday"]},
        {"days": ["moonday"]},
        {"days": []},
        {"dayOfMonth": 1},
        {"month": 1},
        {"index": "first"},
        {"firstDayOfWeek": "monday"},  # weeks in a row: the first day says nothing
        {"range": {"type": "noEnd"}},
        {"range": {"type": "noEnd", "start": "2026-01-05", "end": "2026-02-01"}},
        {"range": {"type": "endDate", "start": "2026-01-05"}},
        {"range": {"type": "endDate", "start": "2026-01-05", "end": "2026-01-04"}},
        {"range": {"type": "numbered", "start": "2026-01-05", "occurrences": 0}},
        {"range": {"type": "noEnd", "start": "4501-01-01"}},
        {"time": "25:00"},
        {"time": "09:00+01:00"},
        {"minutes": -1},
        {"allDay": True},
        {"zone": ...},
    ],
)
def test_what_is_no_series_is_refused(changes: dict[str, Any]) -> None:
    value = {name: part for name, part in {**to_value(series()), **changes}.items() if part is not ...}
    with pytest.raises(NotARecurrence):
        from_value(value)


@pytest.mark.parametrize("value", [None, "weekly", [], {}])
def test_neither_is_something_of_another_shape(value: Any) -> None:
    with pytest.raises(NotARecurrence):
        from_value(value)
