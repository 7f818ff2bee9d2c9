"""The two names of one occurrence."""

from __future__ import annotations

from datetime import date, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.model.recurrence import PatternType, Recurrence, dates, to_value
from shared.model.timezones import zone
from shared.rules.slot_keys import SlotKeys, slot_keys
from tests.recurrences import ZONES, any_series, series, until


def keys(r: Recurrence, owner: str) -> SlotKeys:
    found = slot_keys(to_value(r), ZoneInfo(owner))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("r", "owner", "day", "start"),
    [
        (series(), "Europe/Berlin", "2026-03-23", "2026-03-23T08:00:00Z"),
        (series(), "Europe/Berlin", "2026-03-30", "2026-03-30T07:00:00Z"),
        (series(), "Europe/London", "2026-03-30", "2026-03-30T07:00:00Z"),
        # New York changes its clocks three weeks before Berlin: Dynamics keeps 03:00 there.
        (series(), "America/New_York", "2026-03-16", "2026-03-16T07:00:00Z"),
        # 23:00 in Berlin is the next morning in Tokyo; the day is Berlin's.
        (series(start_time=time(23)), "Asia/Tokyo", "2026-01-12", "2026-01-12T22:00:00Z"),
        # All-day: midnight of the owner.
        (
            series(start_time=time(0), minutes=1440, all_day=True),
            "America/New_York",
            "2026-01-12",
            "2026-01-12T05:00:00Z",
        ),
    ],
)
def test_an_occurrence_is_found_by_either_name(r: Recurrence, owner: str, day: str, start: str) -> None:
    assert keys(r, owner).original_start(day) == start
    assert keys(r, owner).day(start) == day


def test_what_is_no_occurrence_has_no_other_name() -> None:
    ending = keys(series(**until(date(2026, 2, 1))), "Europe/Berlin")
    assert ending.original_start("2026-01-13") is None
    assert ending.original_start("2026-02-02") is None
    assert ending.day("2026-01-13T08:00:00Z") is None


def test_a_series_that_dynamics_cannot_say_has_no_names_there() -> None:
    r = series(PatternType.RELATIVE_MONTHLY, days=("monday", "friday"))
    assert slot_keys(to_value(r), ZoneInfo("Europe/Berlin")) is None


@given(r=any_series(), owner=st.sampled_from(ZONES), after=st.integers(0, 2000))
def test_the_names_undo_each_other(r: Recurrence, owner: str, after: int) -> None:
    found = slot_keys(to_value(r), zone(owner))
    assume(found is not None)
    assert found is not None
    for day in islice(dates(r, r.start_date + timedelta(days=after)), 20):
        start = found.original_start(day.isoformat())
        assert start is not None
        assert found.day(start) == day.isoformat()
