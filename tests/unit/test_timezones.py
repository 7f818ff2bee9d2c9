"""Zone names of Exchange, Windows and IANA, and the edges of all-day items."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from shared.model.timezones import (
    UnknownTimeZone,
    local_date,
    utc_of_local_midnight,
    windows_name,
    zone,
)

DATA = Path(__file__).parents[1] / "data"
MOMENT = datetime(2026, 1, 5, 12)


def documented_zones(style: int) -> list[str]:
    """The aliases in one of the two answers of the documented supportedTimeZones example."""
    page = json.loads((DATA / "graph" / "examples" / "outlookuser-supportedtimezones.json").read_text())
    answers = [exchange["body"]["value"] for exchange in page["exchanges"] if exchange["kind"] == "response"]
    return [row["alias"] for row in answers[style]]


def windows_rows() -> list[tuple[str, list[str]]]:
    text = files("shared.model").joinpath("data", "windows-zones.csv").read_text()
    return [(line.split(",")[0], line.split(",")[1].split()) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("w. europe standard time", "Europe/Berlin"),
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("Asia/Calcutta", "Asia/Calcutta"),
        ("Asia/Kolkata", "Asia/Kolkata"),
        ("US/Pacific-New", "America/Los_Angeles"),
        ("UTC", "UTC"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("UTC-11", "Etc/GMT+11"),
        ("UTC+13", "Etc/GMT-13"),
        ("Kamchatka Standard Time", "Asia/Kamchatka"),
    ],
)
def test_a_zone_is_found_under_each_of_its_names(name: str, key: str) -> None:
    assert zone(name).key == key


@pytest.mark.parametrize(
    "name",
    [
        "",
        "tzone://Microsoft/Custom",
        "Customized Time Zone",
        "Mars/Olympus",
        "../etc/passwd",
        "America",
        "Factory",
    ],
)
def test_what_is_no_zone_is_refused_by_name(name: str) -> None:
    with pytest.raises(UnknownTimeZone) as caught:
        zone(name)
    assert caught.value.name == name
    assert isinstance(caught.value, ValueError)
    with pytest.raises(UnknownTimeZone):
        windows_name(name)


@pytest.mark.parametrize(
    ("iana", "windows"),
    [
        ("Europe/Berlin", "W. Europe Standard Time"),
        ("Asia/Calcutta", "India Standard Time"),
        ("Asia/Kolkata", "India Standard Time"),
        ("Europe/Kyiv", "FLE Standard Time"),
        ("US/Samoa", "UTC-11"),
        ("Etc/UTC", "UTC"),
        ("UTC", "UTC"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("Asia/Kamchatka", "Russia Time Zone 11"),
        ("Etc/GMT+2", "UTC-02"),
        ("W. Europe Standard Time", "W. Europe Standard Time"),
    ],
)
def test_an_iana_zone_has_its_windows_name(iana: str, windows: str) -> None:
    assert windows_name(iana) == windows


def test_two_independent_extractions_of_cldr_agree_on_every_zone() -> None:
    other = json.loads((DATA / "timezone" / "exchangelib-iana-to-windows.json").read_text())[
        "iana_to_windows"
    ]
    ours = {iana for _, zones in windows_rows() for iana in zones}
    assert ours == set(other)
    assert {iana: windows_name(iana) for iana in other} == {
        iana: row["windows"] for iana, row in other.items()
    }


def test_every_windows_zone_resolves_and_comes_back_under_its_own_name() -> None:
    renamed = {}
    for windows, zones in windows_rows():
        assert zone(windows).utcoffset(MOMENT) == ZoneInfo(zones[0]).utcoffset(MOMENT)
        if windows_name(zone(windows).key) != windows:
            renamed[windows] = windows_name(zone(windows).key)
    assert renamed == {
        "Kamchatka Standard Time": "Russia Time Zone 11",
        "Mid-Atlantic Standard Time": "UTC-02",
    }


@pytest.mark.parametrize("name", documented_zones(0))
def test_every_windows_zone_of_the_graph_documentation_resolves(name: str) -> None:
    assert windows_name(zone(name).key) == name


@pytest.mark.parametrize("name", documented_zones(1))
def test_every_iana_zone_of_the_graph_documentation_resolves(name: str) -> None:
    assert zone(name).key == name


@pytest.mark.parametrize(
    ("day", "name", "begins"),
    [
        (date(2026, 1, 5), "W. Europe Standard Time", "2026-01-04T23:00:00+00:00"),
        (date(2026, 7, 5), "W. Europe Standard Time", "2026-07-04T22:00:00+00:00"),
        (date(2026, 3, 29), "Europe/Berlin", "2026-03-28T23:00:00+00:00"),
        (date(2026, 10, 25), "Europe/Berlin", "2026-10-24T22:00:00+00:00"),
        (date(2026, 1, 5), "UTC", "2026-01-05T00:00:00+00:00"),
        (date(2026, 1, 5), "Pacific/Kiritimati", "2026-01-04T10:00:00+00:00"),
        (date(2026, 1, 5), "Asia/Kathmandu", "2026-01-04T18:15:00+00:00"),
    ],
)
def test_a_day_begins_at_its_local_midnight(day: date, name: str, begins: str) -> None:
    assert utc_of_local_midnight(day, zone(name)) == datetime.fromisoformat(begins)


@pytest.mark.parametrize(
    ("day", "name", "begins"),
    [
        (date(2018, 11, 4), "America/Sao_Paulo", "2018-11-04T03:00:00+00:00"),
        (date(2022, 3, 27), "Asia/Beirut", "2022-03-26T22:00:00+00:00"),
        (date(2024, 4, 26), "Africa/Cairo", "2024-04-25T22:00:00+00:00"),
    ],
)
def test_a_day_without_midnight_begins_when_the_clocks_go_forward(day: date, name: str, begins: str) -> None:
    instant = utc_of_local_midnight(day, zone(name))
    assert instant == datetime.fromisoformat(begins)
    assert instant.astimezone(zone(name)).hour == 1
    assert local_date(instant, zone(name)) == day
    assert local_date(instant - timedelta(seconds=1), zone(name)) == day - timedelta(days=1)


@pytest.mark.parametrize(
    ("day", "name", "begins"),
    [
        (date(2026, 11, 1), "America/Havana", "2026-11-01T04:00:00+00:00"),
        (date(2025, 10, 26), "Atlantic/Azores", "2025-10-26T00:00:00+00:00"),
    ],
)
def test_a_day_with_two_midnights_begins_at_the_first(day: date, name: str, begins: str) -> None:
    where = zone(name)
    instant = utc_of_local_midnight(day, where)
    assert instant == datetime.fromisoformat(begins)
    assert (instant + timedelta(hours=1)).astimezone(where).hour == 0
    assert local_date(instant - timedelta(seconds=1), where) == day - timedelta(days=1)


def test_a_day_that_a_place_left_out_begins_with_the_next_one() -> None:
    samoa = zone("Samoa Standard Time")
    skipped = utc_of_local_midnight(date(2011, 12, 30), samoa)
    assert skipped == utc_of_local_midnight(date(2011, 12, 31), samoa)
    assert local_date(skipped, samoa) == date(2011, 12, 31)


def test_a_time_without_an_offset_is_no_instant() -> None:
    with pytest.raises(ValueError, match="offset"):
        local_date(datetime(2026, 1, 5), zone("UTC"))


def test_one_instant_is_another_day_elsewhere() -> None:
    instant = datetime(2026, 1, 5, 11, tzinfo=UTC)
    assert local_date(instant, zone("Line Islands Standard Time")) == date(2026, 1, 6)
    assert local_date(instant, zone("Dateline Standard Time")) == date(2026, 1, 4)
