"""The pattern columns of a recurring appointment master."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.dynamics.dataverse.series_pattern import COLUMNS, UnreadablePattern, decode, encode, encode_new
from shared.model.recurrence import PatternType, to_value
from shared.rules.recurrence import to_dynamics
from tests.marks import rule
from tests.recurrences import numbered, series
from tests.wire.dataverse_metadata import entity_types

# Mondays at 09:00 for a user in Berlin, with what forms and the server may leave behind in other columns.
ROW: dict[str, Any] = {
    "recurrencepatterntype": 1,
    "interval": 1,
    "daysofweekmask": 2,
    "dayofmonth": 17,
    "monthofyear": 0,
    "instance": 1,
    "isnthmonthly": True,
    "isnthyearly": True,
    "isweekdaypattern": False,
    "patternendtype": 1,
    "occurrences": 99,
    "patternstartdate": "2026-01-04T23:00:00Z",
    "patternenddate": "2027-01-01T23:00:00Z",
    "starttime": "2026-01-05T08:00:00Z",
    "endtime": "2026-01-05T08:30:00Z",
    "duration": 30,
    "isalldayevent": False,
    "firstdayofweek": 1,
}
VALUE = {
    "patternType": 1,
    "interval": 1,
    "daysMask": 2,
    "dayOfMonth": None,
    "month": None,
    "instance": None,
    "nthMonthly": False,
    "nthYearly": False,
    "weekdayPattern": False,
    "endType": 1,
    "occurrences": None,
    "startDate": "2026-01-04T23:00:00Z",
    "endDate": None,
    "start": "2026-01-05T08:00:00Z",
    "minutes": 30,
    "allDay": False,
    "firstDay": 1,
}


@rule("APPT-28", "FLD-11")
def test_columns_that_do_not_belong_to_the_pattern_are_not_read() -> None:
    assert decode(ROW) == VALUE


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"recurrencepatterntype": 0}, {"patternType": 0, "daysMask": None}),
        ({"recurrencepatterntype": 1, "isweekdaypattern": True}, {"weekdayPattern": True}),
        (
            {"recurrencepatterntype": 2},
            {"patternType": 2, "daysMask": 2, "instance": 1, "nthMonthly": True},
        ),
        (
            {"recurrencepatterntype": 2, "isnthmonthly": False},
            {"patternType": 2, "daysMask": None, "dayOfMonth": 17},
        ),
        (
            {"recurrencepatterntype": 3, "monthofyear": 5},
            {"patternType": 3, "instance": 1, "nthYearly": True, "month": 5},
        ),
        ({"patternendtype": 2}, {"endType": 2, "occurrences": 99}),
        ({"patternendtype": 3}, {"endType": 3, "endDate": "2027-01-01T23:00:00Z"}),
        ({"duration": None}, {}),
        ({"duration": None, "endtime": None}, {"minutes": 0}),
        ({"patternstartdate": None}, {"startDate": "2026-01-05T08:00:00Z"}),
        ({"patternstartdate": "2026-01-05"}, {"startDate": "2026-01-05"}),
        ({"firstdayofweek": None}, {"firstDay": None}),
        ({"starttime": "2026-01-05T08:00:00.0000000+00:00"}, {}),
    ],
    ids=str,
)
def test_a_row_is_read_into_one_form(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert decode({**ROW, **changes}) == {**VALUE, **expected}


@pytest.mark.parametrize(
    "changes",
    [
        {"recurrencepatterntype": None},
        {"recurrencepatterntype": 9},
        {"patternendtype": 0},
        {"patternendtype": 3, "patternenddate": None},
        {"starttime": None, "patternstartdate": None},
        {"starttime": "soon"},
        {"interval": "many"},
    ],
    ids=str,
)
def test_a_row_that_says_too_little_says_so(changes: dict[str, Any]) -> None:
    with pytest.raises(UnreadablePattern):
        decode({**ROW, **changes})


@rule("FLD-11")
@pytest.mark.parametrize("kind", PatternType)
def test_every_pattern_column_is_sent_but_no_date_that_the_server_computes(kind: PatternType) -> None:
    value = to_dynamics(to_value(series(kind, **numbered(5))), ZoneInfo("Europe/Berlin")).value
    assert value is not None
    sent = encode(value)
    assert set(sent) == set(COLUMNS.split(",")) - {"firstdayofweek"}
    assert not {"effectivestartdate", "effectiveenddate"} & set(sent)
    assert set(COLUMNS.split(",")) <= set(entity_types()["recurringappointmentmaster"].properties)


@rule("FLD-11")
def test_the_first_day_of_the_week_goes_with_a_create_only_and_nothing_empty_does() -> None:
    new = encode_new(VALUE)
    assert new["firstdayofweek"] == 1
    assert "firstdayofweek" not in encode(VALUE)
    assert None not in new.values()
    assert decode(new) == VALUE


def test_an_update_empties_what_the_pattern_before_left() -> None:
    row = {**ROW, **encode(VALUE)}
    assert [row[name] for name in ("dayofmonth", "monthofyear", "instance", "occurrences")] == [None] * 4
    assert decode(row) == VALUE


def test_the_end_is_the_start_and_the_minutes() -> None:
    sent = encode({**VALUE, "minutes": 1500})
    assert (sent["starttime"], sent["endtime"]) == ("2026-01-05T08:00:00Z", "2026-01-06T09:00:00Z")
    assert sent["duration"] == 1500
