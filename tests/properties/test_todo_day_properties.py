"""A day of a task stays that day, in every zone there is, on its way through Graph and back."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from importlib.resources import files

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from local.exchange import todo_dates
from local.exchange.preferences import Preferences
from local.exchange.windows_zones import IANA_BY_WINDOWS
from shared.exchange import todo_days
from shared.model.timezones import utc_of_local_midnight, zone
from tests.marks import rule

IANA = sorted(set(files("tzdata").joinpath("zones").read_text().split()) - {"Factory"})
ZONES = [*IANA, *sorted(IANA_BY_WINDOWS)]
# Dynamics keeps dates from 1753 on.
DAYS = st.dates(min_value=date(1753, 1, 1), max_value=date(9999, 12, 30))
NEAR_DAYS = st.dates(min_value=date(2012, 1, 1), max_value=date(2060, 12, 31))
# Changes of clocks at midnight, days that a place left out, the ends of the calendar, and plain ones.
FIXED = [
    *(date(2018, 11, 4), date(2017, 10, 15), date(2018, 2, 18), date(2026, 3, 8), date(2026, 11, 1)),
    *(date(2026, 3, 29), date(2026, 4, 24), date(2026, 10, 25), date(2026, 10, 30), date(2026, 7, 1)),
    *(date(2011, 12, 30), date(1994, 12, 31), date(1993, 8, 21), date(1753, 1, 1), date(9999, 12, 30)),
]
AT_MIDNIGHT = ("America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo", "America/Havana", "Atlantic/Azores")


def through_graph(day: date, zone_name: str) -> str:
    """Written by us, kept and shown by the stand-in's rule, read by us."""
    kept = todo_dates.day(todo_days.encode(day.isoformat(), zone_name))
    return todo_days.decode(todo_dates.shown(kept, Preferences()), zone_name)


def shown_in_utc(local: datetime, zone_name: str) -> dict[str, str]:
    sent = {"dateTime": local.isoformat(), "timeZone": zone_name}
    return todo_dates.shown(todo_dates.day(sent), Preferences())


@rule("TASK-5", "FLD-15", "FLD-16")
@pytest.mark.parametrize("day", FIXED)
def test_a_day_comes_back_from_graph_in_every_zone(day: date) -> None:
    assert [name for name in ZONES if through_graph(day, name) != day.isoformat()] == []


@rule("TASK-5")
@settings(max_examples=500, deadline=None)
@given(day=DAYS, name=st.sampled_from(ZONES))
def test_any_day_comes_back_from_graph_in_any_zone(day: date, name: str) -> None:
    assert through_graph(day, name) == day.isoformat()


@rule("TASK-5")
def test_every_day_of_the_zones_that_change_their_clocks_at_midnight() -> None:
    for name in AT_MIDNIGHT:
        days = [date(2000, 1, 1) + timedelta(days=number) for number in range(366 * 30)]
        assert [day for day in days if through_graph(day, name) != day.isoformat()] == []


@rule("TASK-5")
@settings(max_examples=500, deadline=None)
@given(day=NEAR_DAYS, ours=st.sampled_from(ZONES), hour=st.integers(0, 23))
def test_a_day_that_another_tool_wrote_in_utc_is_that_day(day: date, ours: str, hour: int) -> None:
    shown = shown_in_utc(datetime(day.year, day.month, day.day, hour), "UTC")
    assert todo_days.decode(shown, ours) == day.isoformat()


@rule("TASK-5")
@settings(max_examples=500, deadline=None)
@given(day=NEAR_DAYS, ours=st.sampled_from(ZONES), theirs=st.sampled_from(ZONES))
def test_a_day_written_in_a_zone_less_than_half_a_day_away_is_that_day(
    day: date, ours: str, theirs: str
) -> None:
    """As by somebody who travels, or before the mailbox got another zone."""
    apart = abs(utc_of_local_midnight(day, zone(ours)) - utc_of_local_midnight(day, zone(theirs)))
    assume(apart < timedelta(hours=11))
    assert (
        todo_days.decode(shown_in_utc(datetime(day.year, day.month, day.day), theirs), ours)
        == day.isoformat()
    )


@rule("TASK-5", "FLD-14")
@settings(max_examples=200, deadline=None)
@given(day=DAYS, name=st.sampled_from(ZONES))
def test_the_day_of_completion_has_no_zone(day: date, name: str) -> None:
    kept = todo_dates.completion(todo_days.encode_completion(day.isoformat()))
    assert todo_days.decode_completion(todo_dates.shown(kept, Preferences())) == day.isoformat()
    local = todo_dates.shown(kept, Preferences(time_zone=name))
    assert todo_days.decode_completion(local) == day.isoformat()


@pytest.mark.parametrize("name", ["tzone://Microsoft/Custom", "Nowhere Standard Time", ""])
def test_in_a_zone_that_nobody_knows_days_are_those_of_utc(name: str) -> None:
    assert todo_days.encode("2026-03-29", name) == {"dateTime": "2026-03-29T00:00:00", "timeZone": "UTC"}
    assert through_graph(date(2026, 3, 29), name) == "2026-03-29"


@pytest.mark.parametrize(
    ("shown", "zone_name", "day"),
    [
        ("2026-03-28T23:00:00", "W. Europe Standard Time", "2026-03-29"),
        ("2026-03-29T00:00:00", "W. Europe Standard Time", "2026-03-29"),
        ("2026-03-29T00:00:00", "Pacific Standard Time", "2026-03-29"),
        ("2026-03-28T22:00:00", "GMT Standard Time", "2026-03-29"),
        ("2026-03-29T05:00:00", "W. Europe Standard Time", "2026-03-29"),
        ("2018-11-04T03:00:00", "America/Sao_Paulo", "2018-11-04"),
        ("2018-11-04T02:00:00", "America/Sao_Paulo", "2018-11-04"),
        ("2026-11-01T04:00:00", "America/Havana", "2026-11-01"),
        ("2026-11-01T05:00:00", "America/Havana", "2026-11-01"),
    ],
)
def test_the_day_that_an_instant_means(shown: str, zone_name: str, day: str) -> None:
    assert todo_days.decode({"dateTime": f"{shown}.0000000", "timeZone": "UTC"}, zone_name) == day
