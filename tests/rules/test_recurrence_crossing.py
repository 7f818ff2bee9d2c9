"""A recurrence crosses over: what is said otherwise there, and what cannot be said."""

from __future__ import annotations

from datetime import date, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.model.recurrence import PatternType, Recurrence, dates, from_value, slot_of, to_value
from shared.rules.recurrence import first_day_changes_dates, to_dynamics, to_exchange
from shared.rules.recurrence_notes import Crossed, Note
from tests.marks import rule
from tests.recurrences import BERLIN, numbered, series, until

OWNER = ZoneInfo("Europe/Berlin")
NTH, NTH_YEARLY = PatternType.RELATIVE_MONTHLY, PatternType.RELATIVE_YEARLY
WORKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")


def there(r: Recurrence, owner: ZoneInfo = OWNER) -> dict[str, Any]:
    crossed = to_dynamics(to_value(r), owner)
    assert crossed.value is not None, crossed.notes
    return dict(crossed.value)


def back(value: dict[str, Any], owner: ZoneInfo = OWNER, name: str = BERLIN) -> Recurrence:
    crossed = to_exchange(value, owner, name)
    assert crossed.value is not None, crossed.notes
    return from_value(crossed.value)


def notes(crossed: Crossed) -> list[Note]:
    return [remark.note for remark in crossed.notes]


def refused(crossed: Crossed) -> Note:
    assert crossed.value is None
    return crossed.notes[-1].note


@rule("APPT-28", "FLD-11", "APPT-10")
@pytest.mark.parametrize(
    ("r", "expected"),
    [
        (series(PatternType.DAILY, interval=3), {"patternType": 0, "interval": 3}),
        (
            series(days=("sunday", "monday", "saturday"), start_date=date(2026, 1, 4)),
            {"patternType": 1, "daysMask": 67},
        ),
        (series(PatternType.ABSOLUTE_MONTHLY), {"patternType": 2, "dayOfMonth": 5}),
        (series(NTH), {"patternType": 2, "nthMonthly": True, "instance": 1, "daysMask": 2}),
        (series(PatternType.ABSOLUTE_YEARLY), {"patternType": 3, "dayOfMonth": 5, "month": 1}),
        (series(NTH_YEARLY), {"patternType": 3, "nthYearly": True, "instance": 1, "daysMask": 2, "month": 1}),
        (series(**numbered(999)), {"patternType": 1, "daysMask": 2, "endType": 2, "occurrences": 999}),
        (
            series(**until(date(2026, 7, 6))),
            {"patternType": 1, "daysMask": 2, "endType": 3, "endDate": "2026-07-05T22:00:00Z"},
        ),
        (
            series(interval=2, first_day_of_week="monday"),
            {"patternType": 1, "interval": 2, "daysMask": 2, "firstDay": 1},
        ),
    ],
)
def test_what_both_say_crosses_without_a_note(r: Recurrence, expected: dict[str, Any]) -> None:
    crossed = to_dynamics(to_value(r), OWNER)
    midnight = "2026-01-03T23:00:00Z" if r.start_date.day == 4 else "2026-01-04T23:00:00Z"
    plain = {
        **{"interval": 1, "daysMask": None, "dayOfMonth": None, "month": None, "instance": None},
        **{"nthMonthly": False, "nthYearly": False, "weekdayPattern": False},
        **{"endType": 1, "occurrences": None, "startDate": midnight, "endDate": None},
        **{"start": midnight[:8] + f"0{r.start_date.day}T08:00:00Z", "minutes": 30, "allDay": False},
        "firstDay": 0,
    }
    assert crossed == Crossed({**plain, **expected}, ())
    assert back({**plain, **expected}) == r


@rule("FLD-11")
def test_more_than_999_occurrences_become_an_end_date_with_the_same_days() -> None:
    r = series(PatternType.DAILY, **numbered(1000))
    crossed = to_dynamics(to_value(r), OWNER)
    assert notes(crossed) == [Note.END_INSTEAD_OF_COUNT]
    assert "1000" in crossed.notes[0].text
    assert crossed.notes[0].rules == ("APPT-28", "FLD-11")
    assert crossed.value is not None
    assert crossed.value["occurrences"] is None
    assert list(dates(back(dict(crossed.value)))) == list(dates(r))


@rule("FLD-11")
@pytest.mark.parametrize(
    ("r", "note"),
    [
        (series(interval=1001), Note.INTERVAL_TOO_LONG),
        (series(NTH, days=("monday", "friday")), Note.UNUSUAL_DAYS),
        (series(NTH_YEARLY, days=("sunday", "monday", "saturday")), Note.UNUSUAL_DAYS),
        (series(start_date=date(2026, 1, 6), **until(date(2026, 1, 8))), Note.NO_OCCURRENCE),
    ],
)
def test_what_dynamics_cannot_say_is_not_bent(r: Recurrence, note: Note) -> None:
    crossed = to_dynamics(to_value(r), OWNER)
    assert refused(crossed) is note
    assert crossed.notes[-1].code == note.code


@pytest.mark.parametrize("days", [WORKDAYS, ("sunday", "saturday"), ("sunday", *WORKDAYS, "saturday")])
def test_the_nth_day_working_day_and_weekend_day_cross(days: tuple[str, ...]) -> None:
    r = series(NTH, index="last", days=days, start_date=date(2026, 1, 30))
    assert list(islice(dates(back(there(r))), 24)) == list(islice(dates(r), 24))


@rule("APPT-28")
def test_every_working_day_is_monday_to_friday_however_dynamics_says_it() -> None:
    weekly = there(series(days=WORKDAYS))
    for kind, mask in ((1, 62), (1, None), (0, None)):
        said = {**weekly, "patternType": kind, "daysMask": mask, "weekdayPattern": True}
        assert back(said) == series(days=WORKDAYS)


@rule("FLD-11")
def test_every_third_working_day_is_no_pattern_of_exchange() -> None:
    said = {**there(series(PatternType.DAILY)), "weekdayPattern": True, "interval": 3}
    assert refused(to_exchange(said, OWNER, BERLIN)) is Note.EVERY_OTHER_WORKING_DAY


@rule("FLD-11")
@pytest.mark.parametrize(
    "changes",
    [
        {"daysMask": None},
        {"patternType": 2, "daysMask": None},
        {"patternType": 3, "dayOfMonth": 5, "month": 0},
        {"patternType": 2, "nthMonthly": True, "instance": 6},
        {"endType": 2},
        {"endType": 3},
        {"endType": 3, "endDate": "2025-01-01T23:00:00Z"},
    ],
    ids=str,
)
def test_columns_that_are_no_pattern_say_why(changes: dict[str, Any]) -> None:
    crossed = to_exchange({**there(series()), **changes}, OWNER, BERLIN)
    assert refused(crossed) is Note.NOT_A_PATTERN
    assert "{detail}" not in crossed.notes[-1].text


@rule("APPT-28")
def test_exchange_gets_a_start_that_is_an_occurrence() -> None:
    """Dynamics takes a start before the first day of the pattern; Graph wants start and first day alike."""
    said = {**there(series()), "startDate": "2026-01-06T23:00:00Z", "start": "2026-01-07T08:00:00Z"}
    crossed = to_exchange(said, OWNER, BERLIN)
    assert notes(crossed) == [Note.START_MOVED]
    assert crossed.value == to_value(series(start_date=date(2026, 1, 12)))


@pytest.mark.parametrize(
    ("text", "owner", "expected"),
    [
        ("2026-01-04T23:00:00Z", "Europe/Berlin", "2026-01-05"),
        ("2026-07-04T22:00:00Z", "Europe/Berlin", "2026-07-05"),
        ("2026-01-05T05:00:00Z", "America/New_York", "2026-01-05"),
        ("2026-01-04T15:00:00Z", "Asia/Tokyo", "2026-01-05"),
        ("2026-01-05", "America/New_York", "2026-01-05"),
        ("2026-01-05T00:00:00Z", "America/New_York", "2026-01-05"),  # a bare date in an instant's clothes
        ("2026-01-05T08:00:00Z", "Europe/Berlin", "2026-01-05"),
    ],
)
def test_the_day_of_a_pattern_is_a_day_of_the_owner(text: str, owner: str, expected: str) -> None:
    zone = ZoneInfo(owner)
    value = {**there(series(PatternType.DAILY, time_zone=owner), zone), "startDate": text}
    assert back(value, zone, owner).start_date == date.fromisoformat(expected)


# --- zones ----------------------------------------------------------------------------------------


@rule("APPT-10")
def test_a_zone_with_the_same_clock_changes_is_another_name_for_the_same_instants() -> None:
    london = ZoneInfo("Europe/London")
    crossed = to_dynamics(to_value(series()), london)
    assert crossed.notes == ()
    again = back(there(series(), london), london, "GMT Standard Time")
    assert again.start_time == time(8)
    for day in islice(dates(series()), 200):
        mine, theirs = slot_of(series(), day), slot_of(again, day)
        assert mine is not None
        assert theirs is not None
        assert (mine.start, mine.end) == (theirs.start, theirs.end)


@rule("APPT-10")
def test_an_owner_whose_clocks_change_on_other_days_is_told_from_when_it_drifts() -> None:
    new_york = ZoneInfo("America/New_York")
    crossed = to_dynamics(to_value(series()), new_york)
    assert notes(crossed) == [Note.ZONE_DRIFT]
    assert "2026-03-09" in crossed.notes[0].text  # New York changes on the 8th, Berlin on the 29th
    assert there(series(), new_york)["start"] == "2026-01-05T08:00:00Z"
    before = series(**until(date(2026, 3, 2)))
    assert to_dynamics(to_value(before), new_york).notes == ()


@rule("APPT-10")
def test_an_old_daily_series_is_measured_by_the_rules_that_hold_now() -> None:
    """Moscow changed its clocks with Berlin from 1997 on, and no longer since 2011."""
    moscow = ZoneInfo("Europe/Moscow")
    r = series(PatternType.DAILY, start_date=date(1997, 1, 1))
    together = series(PatternType.DAILY, start_date=date(1997, 1, 1), **until(date(2009, 12, 31)))
    assert notes(to_dynamics(to_value(r), moscow)) == [Note.ZONE_DRIFT]
    assert to_dynamics(to_value(together), moscow).notes == ()


@rule("APPT-10")
def test_a_meeting_at_night_is_on_another_weekday_in_the_owners_zone() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    night = series(start_time=time(23), interval=2, first_day_of_week="monday", **until(date(2026, 3, 16)))
    crossed = to_dynamics(to_value(night), tokyo)
    assert notes(crossed) == [Note.OTHER_DAY]
    value = there(night, tokyo)
    assert (value["daysMask"], value["firstDay"]) == (4, 2)  # Tuesdays, in weeks that begin on Tuesday
    moved = [day - timedelta(days=1) for day in dates(back(value, tokyo, "Tokyo Standard Time"))]
    assert moved == list(dates(night))


@rule("APPT-10", "FLD-11")
@pytest.mark.parametrize(
    ("r", "owner"),
    [
        (series(PatternType.ABSOLUTE_MONTHLY, start_time=time(23)), "Asia/Tokyo"),
        (series(NTH, start_time=time(1)), "America/New_York"),
        # Summer time in Berlin puts 07:30 in Tokyo at 06:30: both are mornings; 16:30 crosses midnight.
        (series(start_time=time(16, 30)), "Asia/Tokyo"),
    ],
)
def test_days_that_no_pattern_of_the_owners_zone_has_are_refused(r: Recurrence, owner: str) -> None:
    assert refused(to_dynamics(to_value(r), ZoneInfo(owner))) is Note.ZONE_CROSSES_MIDNIGHT


@rule("APPT-10")
def test_a_first_start_that_clocks_skip_has_no_time_of_day_in_dynamics() -> None:
    r = series(PatternType.DAILY, start_date=date(2026, 3, 29), start_time=time(2, 30))
    assert refused(to_dynamics(to_value(r), OWNER)) is Note.SKIPPED_HOUR


@rule("APPT-10")
@pytest.mark.parametrize("owner", ["Asia/Tokyo", "America/New_York", "Europe/Berlin"])
def test_all_day_series_are_dates_in_every_zone(owner: str) -> None:
    zone = ZoneInfo(owner)
    r = series(NTH, start_time=time(0), minutes=1440, all_day=True)
    crossed = to_dynamics(to_value(r), zone)
    assert crossed.notes == ()
    assert crossed.value is not None
    assert crossed.value["start"] == crossed.value["startDate"]
    assert back(dict(crossed.value), zone) == r


@rule("APPT-10")
@pytest.mark.parametrize(("minutes", "days"), [(1439, 1), (1380, 1), (1500, 1), (0, 1), (2879, 2), (3480, 3)])
def test_an_all_day_row_covers_the_day_it_ends_in(minutes: int, days: int) -> None:
    r = series(start_time=time(0), minutes=1440, all_day=True)
    assert back({**there(r), "minutes": minutes}).minutes == days * 1440


# --- the first day of the week ---------------------------------------------------------------------


@rule("FLD-11")
@pytest.mark.parametrize(
    ("r", "kept", "changes"),
    [
        (series(interval=2, days=("sunday", "monday"), first_day_of_week="monday"), 0, True),
        (series(interval=2, days=("monday", "friday"), first_day_of_week="monday"), 0, False),
        (series(interval=2, days=("monday", "friday"), first_day_of_week="monday"), 3, True),
        (series(interval=2, days=("sunday", "monday"), first_day_of_week="monday"), 1, False),
        (series(days=("sunday", "monday")), 3, False),
        (series(PatternType.ABSOLUTE_MONTHLY), 3, False),
        (series(interval=2, days=("sunday", "monday"), first_day_of_week="monday", **numbered(1)), 0, False),
    ],
)
def test_a_row_keeps_its_first_day_of_the_week_which_may_give_other_days(
    r: Recurrence, kept: int, changes: bool
) -> None:
    wanted = there(r)
    assert first_day_changes_dates(wanted, {**wanted, "firstDay": kept}, OWNER) is changes
