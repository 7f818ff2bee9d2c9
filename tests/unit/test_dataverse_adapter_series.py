"""Rows of series to canonical values and back, and what was deleted of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.dynamics.dataverse.activities import ACTIVITIES, APPOINTMENTS, MASTERS
from shared.dynamics.dataverse.appointments import decode, encode, encode_new
from shared.dynamics.dataverse.changes import changed_row
from shared.dynamics.dataverse.deleted_instances import original_starts
from shared.dynamics.dataverse.odata import LOGICAL_NAME
from shared.dynamics.dataverse.tables import FEEDS
from shared.engine.ports import ChangedRow
from shared.errors import Refused
from shared.model.party import Party, RecordRef
from tests.marks import rule

SERIES = "1b6e5c5f-0d0e-4a51-9d05-0a1c5c0f8b11"
GROUP = "5fa2a093-4142-4e95-b149-4ea0a043cf55"
ANNA = "2c7f6d60-1e1f-4b62-8e16-1b2d6d109c22"
ACME = "4e918f82-3031-4d84-a038-3d4f8f32be44"
FIRST = datetime(2026, 3, 16, 8, tzinfo=UTC)

Json = dict[str, Any]


def row(**columns: Any) -> Json:
    """A master: every Monday at nine in Berlin, six times."""
    return {
        "@odata.etag": 'W/"812"',
        "activityid": SERIES.upper(),
        "subject": "Stand-up",
        "statecode": 3,
        "statuscode": 5,
        "instancetypecode": 1,
        "_groupid_value": GROUP.upper(),
        "scheduledstart": None,
        "scheduledend": None,
        "recurrencepatterntype": 1,
        "interval": 1,
        "daysofweekmask": 2,
        "patternendtype": 2,
        "occurrences": 6,
        "patternstartdate": "2026-03-15T23:00:00Z",
        "starttime": "2026-03-16T08:00:00Z",
        "endtime": "2026-03-16T08:30:00Z",
        "duration": 30,
        "isalldayevent": False,
        "recurringappointmentmaster_activity_parties": [
            {
                "participationtypemask": 7,
                "addressused": "anna@contoso.com",
                "_partyid_value": ANNA,
                f"_partyid_value@{LOGICAL_NAME}": "systemuser",
            }
        ],
        **columns,
    }


@rule("APPT-28")
def test_a_master_shows_its_pattern_its_first_slot_and_its_parties() -> None:
    series = decode(row(), kind=MASTERS)
    assert (series.table, series.is_series, series.id, series.group_id) == (
        "recurringappointmentmaster",
        True,
        SERIES,
        GROUP,
    )
    assert series.values["time"] == {
        "allDay": False,
        "start": "2026-03-16T08:00:00Z",
        "end": "2026-03-16T08:30:00Z",
    }
    assert series.values["organizer"] == ANNA
    pattern = series.values["recurrence"]
    assert isinstance(pattern, dict)
    assert (pattern["patternType"], pattern["daysMask"], pattern["occurrences"]) == (1, 2, 6)


def test_a_pattern_that_cannot_be_read_leaves_the_series_readable() -> None:
    series = decode(row(recurrencepatterntype=9), kind=MASTERS)
    assert series.values["subject"] == "Stand-up"
    assert series.values["time"] is None
    assert series.values["recurrence"] == {"unreadable": "not shaped like a recurrence pattern"}


@rule("APPT-28")
def test_a_master_is_written_by_its_pattern_and_not_by_times() -> None:
    values = decode(row(), kind=MASTERS).values
    written = {"time": values["time"], "recurrence": values["recurrence"], "location": ""}
    body = encode(written, None, kind=MASTERS)
    assert "scheduledstart" not in body
    assert body["location"] is None
    assert (body["recurrencepatterntype"], body["starttime"]) == (1, "2026-03-16T08:00:00Z")
    assert decode({**row(), **body}, kind=MASTERS).values["recurrence"] == values["recurrence"]


@rule("APPT-28")
def test_a_new_master_has_its_pattern_and_no_empty_columns() -> None:
    values = decode(row(), kind=MASTERS).values
    body, state = encode_new(values, (), RecordRef("systemuser", ANNA), "0400", MASTERS)
    assert None not in body.values()
    assert (body["daysofweekmask"], body["occurrences"]) == (2, 6)
    assert state == {"statecode": 3, "statuscode": 5}
    assert "patternenddate" not in body


@pytest.mark.parametrize("recurrence", [None, {"unreadable": "its zone"}])
def test_a_series_is_not_written_without_a_readable_pattern(recurrence: Any) -> None:
    with pytest.raises(Refused):
        encode({"recurrence": recurrence}, None, kind=MASTERS)
    with pytest.raises(Refused):
        encode_new({"subject": "Stand-up", "recurrence": recurrence}, (), None, "", MASTERS)
    with pytest.raises(Refused):
        encode({"recurrence": decode(row(), kind=MASTERS).values["recurrence"]}, None)


def test_regarding_and_parties_go_by_the_names_of_the_table() -> None:
    party = Party(7, "anna@contoso.com", RecordRef("systemuser", ANNA))
    body = encode({"regarding": {"table": "account", "id": ACME}}, (party,), kind=MASTERS)
    assert body == {
        "regardingobjectid_account_recurringappointmentmaster@odata.bind": f"/accounts({ACME})",
        "recurringappointmentmaster_activity_parties": [
            {
                "participationtypemask": 7,
                "partyid_systemuser@odata.bind": f"/systemusers({ANNA})",
                "addressused": "anna@contoso.com",
            }
        ],
    }
    cleared = encode({"regarding": None}, None, {"table": "account", "id": ACME}, MASTERS)
    assert cleared == {"regardingobjectid_account_recurringappointmentmaster@odata.bind": None}


def test_every_feed_that_is_an_activity_is_read_from_its_own_set() -> None:
    assert list(FEEDS)[:3] == ["recurringappointmentmaster", "appointment", "serviceappointment"]
    assert {name: FEEDS[name].entity_set for name in ACTIVITIES} == {
        name: kind.entity_set for name, kind in ACTIVITIES.items()
    }


@rule("APPT-35")
def test_an_instance_says_in_the_feed_which_series_it_is_of() -> None:
    told = {"activityid": ACME, "@odata.etag": 'W/"3"', "seriesid": SERIES.upper(), "instancetypecode": 3}
    assert changed_row(told) == ChangedRow(ACME, 'W/"3"', None, SERIES, 3)
    old_link = {"activityid": ACME, "@odata.etag": 'W/"3"'}
    assert changed_row(old_link) == ChangedRow(ACME, 'W/"3"', None, None, 0)


@rule("APPT-35")
def test_an_exception_is_known_by_its_series_and_original_start() -> None:
    columns = {"seriesid": SERIES.upper(), "originalstartdate": "2026-03-23T08:00:00Z", "instancetypecode": 3}
    exception = decode({**row(), **columns, "appointment_activity_parties": []})
    assert (exception.table, exception.series_id) == (APPOINTMENTS.table, SERIES)
    assert (exception.original_start, exception.instance_type) == ("2026-03-23T08:00:00Z", 3)


# --- deleted instances ----------------------------------------------------------------------------


@rule("APPT-35")
@pytest.mark.parametrize(
    "text",
    [
        "2026-03-23T08:00:00Z,2026-03-30T07:00:00Z",
        "2026-03-23T08:00:00;2026-03-30T07:00:00",
        "2026-03-23 08:00:00.000 | 2026-03-30 07:00",
        "2026-03-23T09:00:00+01:00\n2026-03-30T09:00:00+02:00\n",
        "[2026-03-23T08:00:00.0000000Z] [2026-03-30T07:00:00.0000000Z]",
    ],
)
def test_deleted_instances_are_read_however_they_are_separated(text: str) -> None:
    assert original_starts(text, FIRST) == {"2026-03-23T08:00:00Z", "2026-03-30T07:00:00Z"}


@pytest.mark.parametrize(("first", "clock"), [(FIRST, "08:00:00"), (None, "00:00:00")])
def test_a_bare_day_has_the_time_of_the_pattern(first: datetime | None, clock: str) -> None:
    assert original_starts("2026-03-23", first) == {f"2026-03-23T{clock}Z"}


@pytest.mark.parametrize("text", [None, "", " , "])
def test_a_series_from_which_nothing_was_deleted(text: str | None) -> None:
    assert original_starts(text, FIRST) == frozenset()


@pytest.mark.parametrize(
    "text", ["3/23/2026 8:00:00 AM", "2026-02-30", "2026-03-23T08:00:00Z,soon", "{8f0c}", "2026-03-23T25:00"]
)
def test_what_cannot_be_read_does_not_look_as_if_nothing_was_deleted(text: str) -> None:
    with pytest.raises(Refused) as refused:
        original_starts(text, FIRST)
    assert refused.value.code == "unreadable"
