"""The decision about a service appointment: one way, an own copy, nobody mailed (APPT-37, APPT-38)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.model.appointment import SERVICE, Absence, DynamicsAppointment
from shared.model.decision import ActionKind, CreateEvent, DeleteEvent, MarkEvent, UpdateEvent
from shared.model.event import EventType, ExchangeEvent, Stamps
from shared.model.link import Link, LinkState
from shared.model.party import Party, RecordRef
from shared.rules.appointments import decide
from shared.rules.keys import transaction_id
from shared.rules.service_fields import show_as
from shared.rules.situation import AppointmentSituation
from tests.marks import rule
from tests.rules import build
from tests.rules.build import (
    CATEGORY,
    FUTURE,
    ME,
    MY_USER,
    NOW,
    ORGANIZATION,
    OTHER_USER,
    PAST,
    ROW,
    at,
    context,
    decided,
    writes,
)

MINE = Stamps(link_state=2.0, crm_id=ROW, org_id=ORGANIZATION, object_type="4214")
FRIEND = [["friend@fabrikam.example", "required"]]
SET_1_OFF = {"DistinctPhysicalAndLogicalDeletesForExchangeSync": False}
SET_2_ON = {"SSSPropagateAppointmentCancellationsToExchange": True}


def resource(user: str = MY_USER, role: int = 10) -> Party:
    return Party(role, None, RecordRef("systemuser", user))


def service(*parties: Party, **changes: Any) -> DynamicsAppointment:
    """A reserved service appointment; without parties given, mine."""
    changes = {"organizer": None, "showAs": [3, 4], **changes}
    return replace(build.row(**changes), table=SERVICE, parties=parties or (resource(),))


def copy(**changes: Any) -> ExchangeEvent:
    """The copy that says the same."""
    return build.event(**{"stamps": MINE, **changes})


def link(**changes: Any) -> Link:
    return build.link(copy(), service(), table=SERVICE, **changes)


def linked(row: DynamicsAppointment | Absence, event: ExchangeEvent | None = None) -> AppointmentSituation:
    """In step before, and now as given."""
    return AppointmentSituation(link=link(), event=event or copy(), record=row)


def codes(decision: Any) -> list[str]:
    return [skip.code for skip in decision.skips]


# --- creation -------------------------------------------------------------------------------------


@rule("APPT-37", "APPT-38", "FLD-12", "X-1")
def test_a_copy_has_every_field_and_no_attendees() -> None:
    guests = {"attendees": [["guest@fabrikam.example", "optional"]]}
    regarding = {"table": "account", "id": OTHER_USER}
    row = service(importance=2, body="Bring the part", location="Theirs", regarding=regarding, **guests)
    decision = decided(AppointmentSituation(record=row))
    (write,) = writes(decision, CreateEvent)
    assert write.values == {
        "time": at(),
        "subject": "Review",
        "body": "Bring the part",
        "location": "Theirs",
        "importance": "high",
        "showAs": "busy",
    }
    assert write.transaction_id == transaction_id(ME, ROW, 1)
    assert (write.stamps.object_type, write.stamps.crm_id) == ("4214", ROW)
    assert (write.stamps.regarding_type, write.stamps.regarding_id) == ("1", OTHER_USER)
    assert write.stamps.withheld == '[["guest@fabrikam.example","optional"]]'
    assert write.categories == (CATEGORY,)
    assert not decision.mails
    assert decision.link.table == SERVICE


@rule("APPT-37", "FLT-8")
@pytest.mark.parametrize("role", [5, 6, 7, 10])
def test_resources_attendees_and_the_organizer_take_part(role: int) -> None:
    decision = decided(AppointmentSituation(record=service(resource(role=role))))
    assert [action.kind for action in decision.actions] == [ActionKind.CREATE]


@rule("APPT-37", "FLT-8")
@pytest.mark.parametrize(
    "party",
    [
        resource(role=9),
        resource(role=11),
        resource(OTHER_USER),
        Party(10, None, RecordRef("equipment", MY_USER)),
    ],
)
def test_owners_customers_others_and_equipment_do_not(party: Party) -> None:
    decision = decided(AppointmentSituation(record=service(party)))
    assert not decision.actions
    assert codes(decision) == ["not taking part"]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (service(time=at(NOW + timedelta(days=600))), "outside the window"),
        (service(time=None), "no time"),
        (service(showAs=[2, 9]), "canceled before it was seen"),
        (Absence.ACCESS, "no access"),
    ],
)
def test_what_is_not_exported_is_named(row: DynamicsAppointment | Absence, code: str) -> None:
    ended = AppointmentSituation(record=row)
    decision = decided(ended)
    assert not decision.actions
    assert codes(decision) == [code]


@rule("FLD-12")
@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ([0, 1], "tentative"),
        ([0, 2], "tentative"),
        ([3, 3], "busy"),
        ([3, 4], "busy"),
        ([3, 6], "busy"),
        ([3, 7], "busy"),
        ([1, 8], "free"),
        ([2, 9], "free"),
        ([2, 10], "free"),
        ([0, 100_000_001], "tentative"),
        ([3, 100_000_002], "busy"),
        ([1, 100_000_003], "free"),
    ],
)
def test_every_status_is_shown(status: list[int], shown: str) -> None:
    assert show_as(status) == shown


@rule("APPT-21")
@pytest.mark.parametrize(
    ("row", "reminds"),
    [
        (service(), True),
        (service(showAs=[0, 1]), True),
        (service(showAs=[1, 8]), False),
        (service(time=at(NOW - timedelta(days=8))), False),
    ],
)
def test_a_reminder_only_for_what_takes_time_and_is_not_long_past(
    row: DynamicsAppointment, reminds: bool
) -> None:
    (write,) = writes(decided(AppointmentSituation(record=row)), CreateEvent)
    assert write.reminder is (None if reminds else False)


# --- in step --------------------------------------------------------------------------------------


@rule("FLD-12")
@pytest.mark.parametrize(
    ("change", "written"),
    [
        ({"time": at(FUTURE, 3)}, {"time": at(FUTURE, 3)}),
        ({"subject": "Other"}, {"subject": "Other"}),
        ({"location": "Other"}, {"location": "Other"}),
        ({"body": "Other"}, {"body": "Other"}),
        ({"importance": 0}, {"importance": "low"}),
        ({"showAs": [1, 8]}, {"showAs": "free"}),
    ],
)
def test_a_change_in_dynamics_is_written_alone(change: dict[str, Any], written: dict[str, Any]) -> None:
    decision = decided(linked(service(**change)))
    assert [write.values for write in writes(decision, UpdateEvent)] == [written]
    assert len(decision.actions) == 1
    assert not decision.mails


@rule("APPT-38", "FLD-34")
@pytest.mark.parametrize(
    "edit", [{"time": at(FUTURE, 3)}, {"subject": "Mine"}, {"showAs": "oof"}, {"importance": "high"}]
)
def test_an_edit_in_outlook_is_neither_returned_nor_undone(edit: dict[str, Any]) -> None:
    decision = decided(linked(service(), copy(**edit)))
    assert not decision.actions
    assert codes(decision) == ["one way"]
    assert not set(edit) & set(decision.absorb)


@rule("FLD-34", "LNK-10")
def test_what_dynamics_changes_overwrites_the_edit_and_the_edit_is_in_the_history() -> None:
    event = copy(subject="Mine", location="My van")
    decision = decided(linked(service(subject="Theirs"), event))
    assert [write.values for write in writes(decision, UpdateEvent)] == [{"subject": "Theirs"}]
    assert decision.lost == {"subject": "Mine"}


@rule("FLD-12")
@pytest.mark.parametrize(
    "change",
    [
        {"attendees": [["guest@fabrikam.example", "required"]]},
        {"regarding": {"table": "contact", "id": OTHER_USER}},
    ],
)
def test_parties_and_regarding_are_stamped_in_a_request_that_mails_nobody(change: dict[str, Any]) -> None:
    decision = decided(linked(service(**change)))
    (write,) = (action.write for action in decision.actions)
    assert isinstance(write, MarkEvent)
    assert (write.stamps.object_type, write.categories) == ("4214", None)


@rule("APPT-38", "X-1")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"attendees": FRIEND}, "the copy has guests"),
        ({"type": EventType.SERIES_MASTER}, "the copy is a series"),
        ({"is_organizer": False}, "not the organizer"),
    ],
)
def test_a_copy_that_a_person_made_a_meeting_is_not_written_to(change: dict[str, Any], code: str) -> None:
    decision = decided(linked(service(subject="Theirs"), copy(**change)))
    assert not decision.actions
    assert codes(decision) == [code]
    assert "subject" not in decision.absorb


@rule("APPT-8")
def test_the_join_link_in_a_body_stays() -> None:
    online = copy(is_online_meeting=True)
    for change, keeps in (({"body": "Theirs"}, True), ({"location": "There"}, False)):
        (write,) = writes(decided(linked(service(**change), online)), UpdateEvent)
        assert (write.values, write.keeps_meeting) == (change, keeps)


# --- joining --------------------------------------------------------------------------------------


@rule("APPT-37", "LNK-3")
def test_a_stamped_copy_is_joined_and_dynamics_counts() -> None:
    event = copy(subject="Old", stamps=replace(MINE, crm_id=f"{{{ROW.upper()}}}"))
    decision = decided(AppointmentSituation(event=event, record=service()))
    assert [type(action.write) for action in decision.actions] == [type(None), UpdateEvent, MarkEvent]
    assert decision.link.linked
    assert decision.link.exchange_id == event.id


@rule("APPT-38")
@pytest.mark.parametrize(
    ("situation", "code"),
    [
        (AppointmentSituation(event=copy()), "made in Dynamics only"),
        (AppointmentSituation(event=copy(), record=Absence.PHYSICAL), "made in Dynamics only"),
        (AppointmentSituation(event=copy(), record=service(), copy_of="event-0"), "copied item"),
        (
            AppointmentSituation(event=copy(stamps=replace(MINE, org_id=OTHER_USER)), record=service()),
            "foreign organization",
        ),
        (
            AppointmentSituation(
                event=copy(categories=(), stamps=replace(MINE, link_state=0.0)), record=service()
            ),
            "ended",
        ),
        (AppointmentSituation(record=service(), ended_before=True), "ended"),
    ],
)
def test_nothing_is_made_of_a_stamp_alone(situation: AppointmentSituation, code: str) -> None:
    decision = decided(situation)
    assert not decision.actions
    assert codes(decision) == [code]


# --- endings --------------------------------------------------------------------------------------


@rule("APPT-38", "LNK-8")
def test_a_deletion_in_outlook_is_not_returned() -> None:
    decision = decided(AppointmentSituation(link=link(), event_gone=True, record=service()))
    assert [(action.kind, action.write) for action in decision.actions] == [(ActionKind.UNLINK, None)]
    assert decision.link.state is LinkState.DELETED_IN_EXCHANGE
    again = decided(AppointmentSituation(link=decision.link, record=service(subject="Other")))
    assert not again.actions


@rule("APPT-38", "EMI-17")
def test_untracked_the_copy_stays_and_can_be_tracked_anew() -> None:
    decision = decided(linked(service(), copy(categories=())))
    assert decision.link.state is LinkState.UNTRACKED
    assert [write.stamps for write in writes(decision, MarkEvent)] == [Stamps(link_state=0.0)]
    bare = copy(categories=(), stamps=replace(MINE, link_state=0.0))
    still = AppointmentSituation(link=decision.link, event=bare, record=service())
    assert not decided(still).actions
    anew = decided(replace(still, event=replace(bare, categories=(CATEGORY,))))
    assert anew.link.linked
    assert anew.link.generation == 2


@rule("APPT-25", "APPT-38")
def test_gone_in_dynamics_the_copy_to_come_goes_and_the_past_one_stays() -> None:
    decision = decided(linked(Absence.PHYSICAL))
    assert len(writes(decision, DeleteEvent)) == 1
    assert not decision.mails
    assert decision.link.state is LinkState.DELETED
    past = decided(linked(Absence.PHYSICAL, copy(time=at(PAST))))
    assert [action.kind for action in past.actions] == [ActionKind.UNLINK]
    assert past.link.state is LinkState.DELETED_IN_DYNAMICS


@rule("APPT-37", "FLT-10")
@pytest.mark.parametrize("row", [service(resource(OTHER_USER)), Absence.ACCESS])
def test_a_logical_end_unlinks_or_removes_as_the_organization_has_it(
    row: DynamicsAppointment | Absence,
) -> None:
    quiet = decided(linked(row))
    assert [action.kind for action in quiet.actions] == [ActionKind.UNLINK]
    assert quiet.link.state is LinkState.LEFT_FILTER
    loud = decided(linked(row), **SET_1_OFF)
    assert len(writes(loud, DeleteEvent)) == 1
    assert loud.link.state is LinkState.LEFT_FILTER
    kept = decided(linked(row, copy(attendees=FRIEND)), **SET_1_OFF)
    assert [action.kind for action in kept.actions] == [ActionKind.UNLINK]


@rule("FLT-6")
def test_who_takes_part_again_gets_the_copy_again() -> None:
    left = decided(linked(service(resource(OTHER_USER))), **SET_1_OFF).link
    back = decided(AppointmentSituation(link=left, record=service()))
    (write,) = writes(back, CreateEvent)
    assert write.transaction_id == transaction_id(ME, ROW, 2)
    other = decided(AppointmentSituation(link=left, record=service(resource(OTHER_USER))))
    assert not other.actions


@rule("APPT-24", "APPT-38")
def test_canceled_it_shows_free_time_or_goes_where_the_organization_wants_that() -> None:
    row = service(showAs=[2, 9])
    shown = decided(linked(row))
    assert [write.values for write in writes(shown, UpdateEvent)] == [{"showAs": "free"}]
    assert len(writes(decided(linked(row), **SET_2_ON), DeleteEvent)) == 1
    past = copy(time=at(PAST))
    assert not writes(decided(linked(row, past), **SET_2_ON), DeleteEvent)


@rule("FLT-10")
def test_an_administrator_can_keep_what_would_be_deleted() -> None:
    held = replace(linked(Absence.PHYSICAL), dropped=True)
    decision = decide(held, context())
    assert [action.kind for action in decision.actions] == [ActionKind.UNLINK]


def test_what_cannot_be_known_now_changes_nothing() -> None:
    situation = AppointmentSituation(link=link(), event=copy(subject="Mine"))
    decision = decided(situation)
    assert not decision.actions
    assert decision.link == situation.link
