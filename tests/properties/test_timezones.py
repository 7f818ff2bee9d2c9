"""An all-day date survives the way over UTC and back, in every zone there is."""

from __future__ import annotations

from datetime import date, timedelta
from importlib.resources import files

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model.timezones import local_date, utc_of_local_midnight, zone

ZONES = sorted(set(files("tzdata").joinpath("zones").read_text().split()) - {"Factory"})
# Dynamics keeps dates from 1753 on; before 1900 clocks kept local solar time and say nothing about us.
DAYS = st.dates(min_value=date(1900, 1, 1), max_value=date(2199, 12, 31))
# Days that a place left out when it moved over the date line.
LEFT_OUT = {
    "Pacific/Apia": {date(2011, 12, 30)},
    "Pacific/Fakaofo": {date(2011, 12, 30)},
    "Pacific/Kiritimati": {date(1994, 12, 31)},
    "Pacific/Enderbury": {date(1994, 12, 31)},
    "Pacific/Kanton": {date(1994, 12, 31)},
    "Pacific/Kwajalein": {date(1993, 8, 21)},
    "Kwajalein": {date(1993, 8, 21)},
}


@settings(max_examples=40, deadline=None)
@given(day=DAYS)
def test_an_all_day_date_comes_back_from_utc_in_every_zone(day: date) -> None:
    changed = [
        name
        for name in ZONES
        if day not in LEFT_OUT.get(name, ())
        and local_date(utc_of_local_midnight(day, zone(name)), zone(name)) != day
    ]
    assert changed == []


@settings(max_examples=400, deadline=None)
@given(day=DAYS, name=st.sampled_from(ZONES))
def test_days_follow_each_other_without_overlap(day: date, name: str) -> None:
    where = zone(name)
    length = utc_of_local_midnight(day + timedelta(days=1), where) - utc_of_local_midnight(day, where)
    assert timedelta(0) <= length <= timedelta(hours=48)
    assert length > timedelta(0) or day in LEFT_OUT.get(name, ())


def test_every_day_of_every_zone_that_changes_its_clocks_at_midnight() -> None:
    """The zones whose rules touch midnight, day by day over the years that calendars hold."""
    for name in ("America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo", "America/Havana", "Atlantic/Azores"):
        where = zone(name)
        for offset in range(366 * 30):
            day = date(2000, 1, 1) + timedelta(days=offset)
            assert local_date(utc_of_local_midnight(day, where), where) == day
