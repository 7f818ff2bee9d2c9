"""Appointment rows to canonical values and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.bodies.visible import normal
from shared.dynamics.dataverse.appointments import decode, encode, encode_new
from shared.dynamics.dataverse.odata import FORMATTED, LOGICAL_NAME
from shared.errors import Refused
from shared.model.party import Party, RecordRef

ROW = "1b6e5c5f-0d0e-4a51-9d05-0a1c5c0f8b11"
ANNA = "2c7f6d60-1e1f-4b62-8e16-1b2d6d109c22"
CARL = "3d807e71-2f20-4c73-9f27-2c3e7e21ad33"
ACME = "4e918f82-3031-4d84-a038-3d4f8f32be44"
TIME = {"allDay": False, "start": "2026-03-02T09:00:00Z", "end": "2026-03-02T09:30:00Z"}

Json = dict[str, Any]


def party(role: int, table: str | None = None, row_id: str = "", address: str | None = None) -> Json:
    reference = {"_partyid_value": row_id, f"_partyid_value@{LOGICAL_NAME}": table} if table else {}
    return {"participationtypemask": role, "addressused": address, "_partyid_value": None, **reference}


def row(**columns: Any) -> Json:
    return {
        "@odata.etag": 'W/"812"',
        "activityid": ROW.upper(),
        "subject": "Planning",
        "description": "One\r\nTwo  \r\n\r\n",
        "location": None,
        "scheduledstart": "2026-03-02T09:00:00Z",
        "scheduledend": "2026-03-02T09:30:00Z",
        "isalldayevent": False,
        "prioritycode": 2,
        "statecode": 3,
        "statuscode": 5,
        "globalobjectid": "040000008200E0",
        "isdraft": False,
        "instancetypecode": 0,
        "seriesid": None,
        "modifiedon": "2026-03-01T08:00:01Z",
        "_modifiedby_value": ANNA,
        "_ownerid_value": ANNA,
        f"_ownerid_value@{LOGICAL_NAME}": "systemuser",
        "_regardingobjectid_value": ACME,
        f"_regardingobjectid_value@{LOGICAL_NAME}": "account",
        "appointment_activity_parties": [
            party(9, "systemuser", ANNA, "anna@contoso.com"),
            party(8, "account", ACME),
            party(7, "systemuser", ANNA, "Anna@contoso.com"),
            {**party(5, "contact", CARL, "Carl@Example.org"), f"_partyid_value@{FORMATTED}": "Carl C."},
            {**party(6, address="who@example.org"), "unresolvedpartyname": "Who"},
            party(5, "account", ACME),
        ],
        **columns,
    }


def test_a_row_shows_the_canonical_values() -> None:
    decoded = decode(row())
    assert decoded.values == {
        "time": TIME,
        "subject": "Planning",
        "location": "",
        "body": "One\nTwo",
        "importance": 2,
        "sensitivity": False,
        "showAs": [3, 5],
        "attendees": [["carl@example.org", "required"], ["who@example.org", "optional"]],
        "organizer": ANNA,
        "regarding": {"table": "account", "id": ACME},
    }
    assert (decoded.id, decoded.etag, decoded.global_object_id) == (ROW, 'W/"812"', "040000008200E0")
    assert decoded.owner == RecordRef("systemuser", ANNA)
    assert decoded.modified == datetime(2026, 3, 1, 8, 0, 1, tzinfo=UTC)
    assert (decoded.is_draft, decoded.instance_type, decoded.series_id) == (False, 0, None)
    assert decoded.modified_by == ANNA


@pytest.mark.rule("FLD-6")
def test_parties_keep_their_address_as_sent_and_implicit_ones_are_no_parties() -> None:
    assert decode(row()).parties == (
        Party(7, "Anna@contoso.com", RecordRef("systemuser", ANNA)),
        Party(5, "Carl@Example.org", RecordRef("contact", CARL), "Carl C."),
        Party(6, "who@example.org", None, "Who"),
        Party(5, None, RecordRef("account", ACME)),
    )


def test_the_organizer_is_never_an_attendee_of_his_own_meeting() -> None:
    parties = [
        party(7, "systemuser", ANNA, "anna@contoso.com"),
        party(5, "contact", CARL, "ANNA@contoso.com"),
    ]
    assert decode(row(appointment_activity_parties=parties)).values["attendees"] == []


def test_parties_that_are_known_stay_when_the_answer_has_none() -> None:
    known = decode(row()).parties
    bare = {k: v for k, v in row().items() if k != "appointment_activity_parties"}
    assert decode(bare, known).values["attendees"] == decode(row()).values["attendees"]


def test_an_almost_empty_row_is_read_all_the_same() -> None:
    nothing = dict.fromkeys(("subject", "description", "prioritycode", "globalobjectid", "modifiedon"))
    decoded = decode(row(**nothing, _regardingobjectid_value=None, appointment_activity_parties=[]))
    assert decoded.values["subject"] == decoded.values["body"] == ""
    assert (decoded.values["importance"], decoded.values["regarding"]) == (1, None)
    assert (decoded.modified, decoded.global_object_id, decoded.organizer) == (None, None, None)


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        ("2026-03-02T09:00:00Z", None, ("2026-03-02T09:00:00Z", "2026-03-02T09:00:00Z")),
        (None, "2026-03-02T09:00:00Z", ("2026-03-02T09:00:00Z", "2026-03-02T09:00:00Z")),
        ("2026-03-02T10:00:00.123+01:00", "2026-03-02T09:30:00Z", (TIME["start"], TIME["end"])),
    ],
)
def test_times_are_utc_to_the_second_and_a_missing_edge_is_the_other_one(
    start: str | None, end: str | None, shown: tuple[str, str]
) -> None:
    time = decode(row(scheduledstart=start, scheduledend=end)).values["time"]
    assert time == {"allDay": False, "start": shown[0], "end": shown[1]}


def test_a_row_without_any_time_has_none() -> None:
    assert decode(row(scheduledstart=None, scheduledend=None)).values["time"] is None


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a\r\nb\rc\n", "a\nb\nc"),
        ("a \t\n b\u00a0\n\n", "a\n b"),
        ("a\u00a0b", "a b"),
        ("", ""),
        ("\n\nx", "\n\nx"),
    ],
)
def test_bodies_have_plain_line_ends_and_no_trailing_blanks(text: str, plain: str) -> None:
    assert normal(text) == plain


# --- encoding -------------------------------------------------------------------------------------

VALUES: tuple[tuple[str, Any, Json], ...] = (
    (
        "time",
        {"allDay": True, "start": "2026-03-01T23:00:00Z", "end": "2026-03-02T23:00:00Z"},
        {
            "scheduledstart": "2026-03-01T23:00:00Z",
            "scheduledend": "2026-03-02T23:00:00Z",
            "isalldayevent": True,
        },
    ),
    ("subject", "Planning", {"subject": "Planning"}),
    ("subject", "", {"subject": None}),
    ("location", "Room 1", {"location": "Room 1"}),
    ("body", "One\nTwo", {"description": "One\nTwo"}),
    ("importance", 0, {"prioritycode": 0}),
    ("showAs", [1, 3], {"statecode": 1, "statuscode": 3}),
    (
        "regarding",
        {"table": "opportunity", "id": ACME},
        {"regardingobjectid_opportunity_appointment@odata.bind": f"/opportunities({ACME})"},
    ),
    ("regarding", None, {"regardingobjectid_contact_appointment@odata.bind": None}),
    ("attendees", [["x@example.org", "required"]], {}),
    ("organizer", ANNA, {}),
)


@pytest.mark.parametrize(("name", "value", "columns"), VALUES)
def test_each_value_has_its_columns(name: str, value: Any, columns: Json) -> None:
    assert encode({name: value}, None) == columns


def test_a_regarding_is_cleared_by_the_name_of_the_table_it_has() -> None:
    present = {"table": "account", "id": ACME}
    assert encode({"regarding": None}, None, present) == {
        "regardingobjectid_account_appointment@odata.bind": None
    }


def test_an_unknown_value_is_a_bug_and_not_ignored() -> None:
    with pytest.raises(KeyError):
        encode({"colour": "red"}, None)


@pytest.mark.parametrize(
    "regarding", [{"table": "new_project", "id": ACME}, {"table": "account", "id": "x); drop"}]
)
def test_what_cannot_be_referred_to_is_refused_before_it_is_sent(regarding: Json) -> None:
    with pytest.raises(Refused):
        encode({"regarding": regarding}, None)


def test_an_appointment_cannot_be_left_without_a_time() -> None:
    with pytest.raises(Refused):
        encode({"time": None}, None)


@pytest.mark.rule("APPT-7")
def test_the_complete_list_of_parties_is_written_with_row_and_address() -> None:
    parties = (
        Party(7, "anna@contoso.com", RecordRef("systemuser", ANNA)),
        Party(5, "Carl@Example.org", RecordRef("contact", CARL), "Carl C."),
        Party(6, "who@example.org", None, "Who"),
        Party(5, None, RecordRef("account", ACME)),
        Party(9, None, RecordRef("systemuser", ANNA)),
    )
    assert encode({}, parties)["appointment_activity_parties"] == [
        {
            "participationtypemask": 7,
            "partyid_systemuser@odata.bind": f"/systemusers({ANNA})",
            "addressused": "anna@contoso.com",
        },
        {
            "participationtypemask": 5,
            "partyid_contact@odata.bind": f"/contacts({CARL})",
            "addressused": "Carl@Example.org",
        },
        {"participationtypemask": 6, "addressused": "who@example.org"},
        {"participationtypemask": 5, "partyid_account@odata.bind": f"/accounts({ACME})"},
    ]


@pytest.mark.parametrize(
    ("show_as", "created", "then"),
    [
        ([0, 2], 2, None),
        ([0, 1], 1, None),
        (None, 1, None),
        ([3, 5], None, {"statecode": 3, "statuscode": 5}),
        ([2, 4], None, {"statecode": 2, "statuscode": 4}),
    ],
)
def test_a_state_other_than_open_follows_the_create(
    show_as: Any, created: int | None, then: Json | None
) -> None:
    body, state = encode_new({"time": TIME, "showAs": show_as}, (), None, "")
    assert (body.get("statuscode"), state) == (created, then)
    assert "statecode" not in body


def test_a_new_row_has_an_owner_a_global_id_and_no_empty_columns() -> None:
    values = {"time": TIME, "subject": "Planning", "location": "", "regarding": None}
    body, _ = encode_new(values, (), RecordRef("systemuser", ANNA), "0400")
    assert body == {
        "scheduledstart": TIME["start"],
        "scheduledend": TIME["end"],
        "isalldayevent": False,
        "subject": "Planning",
        "statuscode": 1,
        "ownerid@odata.bind": f"/systemusers({ANNA})",
        "globalobjectid": "0400",
        "appointment_activity_parties": [],
    }
