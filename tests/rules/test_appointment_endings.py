"""How a link ends, and what that does to the other side (APPT-13, 24, 25, 30; FLT-10; LNK-8; SET-1, 2)."""

from __future__ import annotations

import pytest

from shared.model.appointment import Absence
from shared.model.decision import CancelEvent, DeleteAppointment, DeleteEvent, MarkEvent
from shared.model.event import Stamps
from shared.model.link import LinkState, Role
from shared.rules.situation import AppointmentSituation
from tests.marks import rule
from tests.rules.build import (
    CATEGORY,
    GUEST,
    OTHER_USER,
    PAST,
    at,
    attendee_copy,
    decided,
    event,
    link,
    linked,
    row,
    writes,
)

MEETING = [[GUEST, "required"]]


def gone(**changes):
    """The linked event is deleted in Exchange; keyword arguments change the row."""
    return AppointmentSituation(link=link(), event_gone=True, record=row(**changes))


def missing(absence=Absence.PHYSICAL, **changes):
    """The linked row is not there; keyword arguments change the event."""
    return AppointmentSituation(link=link(), event=event(**changes), record=absence)


# --- deleted in Exchange --------------------------------------------------------------------------


@rule("APPT-30")
def test_the_organizer_deleting_a_future_open_appointment_deletes_the_row():
    decision = decided(gone())
    assert writes(decision, DeleteAppointment)
    assert decision.link.state is LinkState.DELETED
    assert decision.actions[0].before["subject"] == "Review"


@rule("APPT-30", "LNK-8")
@pytest.mark.parametrize(
    "changes",
    [{"showAs": [1, 3]}, {"showAs": [2, 4]}, {"time": at(PAST)}],
    ids=["completed", "canceled", "past"],
)
def test_a_deletion_is_not_carried_over_for_closed_and_past_rows(changes):
    decision = decided(gone(**changes))
    assert not writes(decision, DeleteAppointment)
    assert decision.link.state is LinkState.DELETED_IN_EXCHANGE
    assert decision.link.reason


@rule("APPT-30")
def test_an_attendee_deleting_the_own_copy_deletes_nothing_in_dynamics():
    kept = link(attendee_copy(), row(organizer=OTHER_USER), role=Role.MEMBER)
    decision = decided(AppointmentSituation(link=kept, event_gone=True, record=row(organizer=OTHER_USER)))
    assert not writes(decision, DeleteAppointment)
    first_tracker = link(attendee_copy(), row(organizer=None))
    decision = decided(AppointmentSituation(link=first_tracker, event_gone=True, record=row(organizer=None)))
    assert not writes(decision, DeleteAppointment)


def test_an_item_gone_on_both_sides_just_ends():
    decision = decided(AppointmentSituation(link=link(), event_gone=True, record=Absence.PHYSICAL))
    assert not decision.actions
    assert decision.link.state is LinkState.DELETED


# --- deleted in Dynamics --------------------------------------------------------------------------


@rule("APPT-25", "APPT-26")
def test_a_deleted_row_cancels_the_organizers_future_meeting_and_mails_its_attendees():
    decision = decided(missing(attendees=MEETING))
    assert writes(decision, CancelEvent)
    assert decision.mails == {GUEST}


@rule("APPT-25")
def test_a_deleted_row_deletes_the_organizers_appointment_without_attendees():
    decision = decided(missing())
    assert writes(decision, DeleteEvent)
    assert not decision.mails


@rule("APPT-25", "LNK-8")
def test_a_deleted_row_leaves_a_past_meeting_and_anothers_meeting_alone():
    past = decided(missing(attendees=MEETING, time=at(PAST)))
    other = decided(
        AppointmentSituation(
            link=link(attendee_copy(), row(organizer=None)), event=attendee_copy(), record=Absence.PHYSICAL
        )
    )
    for decision in (past, other):
        (mark,) = writes(decision, MarkEvent)
        assert len(decision.actions) == 1
        assert mark.stamps == Stamps(link_state=0.0)
        assert mark.categories == ()
        assert decision.link.state is LinkState.DELETED_IN_DYNAMICS
        assert not decision.mails


@rule("FLT-10", "SET-1", "APPT-25", "PAIN-1")
def test_a_row_that_was_only_hidden_is_unlinked_and_never_deleted_in_exchange():
    decision = decided(missing(Absence.ACCESS, attendees=MEETING))
    assert decision.link.state is LinkState.LEFT_FILTER
    assert [a.kind.value for a in decision.actions] == ["unlink"]
    assert not decision.mails


@rule("SET-1", "FLT-10")
def test_with_the_setting_off_a_hidden_row_counts_as_deleted():
    off = {"DistinctPhysicalAndLogicalDeletesForExchangeSync": False}
    assert writes(decided(missing(Absence.ACCESS), **off), DeleteEvent)


# --- canceled in Dynamics -------------------------------------------------------------------------


@rule("APPT-24")
def test_a_cancellation_stays_in_dynamics_by_default():
    meeting, has = event(attendees=MEETING), row(attendees=MEETING)
    decision = decided(linked(meeting, has, record=row(attendees=MEETING, showAs=[2, 4])))
    assert not writes(decision, CancelEvent)
    assert decision.link.linked


@rule("APPT-24", "SET-2", "APPT-26")
def test_the_setting_takes_a_cancellation_to_the_organizers_mailbox():
    on = {"SSSPropagateAppointmentCancellationsToExchange": True}
    meeting, has = event(attendees=MEETING), row(attendees=MEETING)
    canceled = linked(meeting, has, record=row(attendees=MEETING, showAs=[2, 4]))
    decision = decided(canceled, **on)
    assert writes(decision, CancelEvent)
    assert decision.mails == {GUEST}
    past = {"attendees": MEETING, "time": at(PAST)}
    late = decided(linked(event(**past), row(**past), record=row(**past, showAs=[2, 4])), **on)
    assert not late.mails


@rule("APPT-24")
def test_a_canceled_row_that_was_never_in_exchange_is_not_brought_there():
    decision = decided(AppointmentSituation(record=row(showAs=[2, 4], attendees=MEETING)))
    assert not decision.actions
    assert not decision.mails


# --- untracked, given away ------------------------------------------------------------------------


@rule("APPT-13", "EMI-17", "LNK-8")
def test_removing_the_category_unlinks_and_keeps_both_items():
    decision = decided(linked(event(), row(), event=event(categories=("Red",), subject="Edited")))
    assert [a.kind.value for a in decision.actions] == ["unlink"]
    assert writes(decision, MarkEvent)[0].stamps.link_state == 0.0
    assert decision.link.state is LinkState.UNTRACKED
    assert decision.link.generation == 2


@rule("LNK-8")
def test_our_category_is_removed_when_the_end_came_from_dynamics_and_others_stay():
    decision = decided(missing(Absence.ACCESS, categories=("Red", CATEGORY)))
    assert writes(decision, MarkEvent)[0].categories == ("Red",)


@rule("LNK-4")
def test_a_stamp_set_back_by_the_app_untracks_where_no_category_is_used():
    kept = link(markers={"category": False, "stamp": 2.0, "isOrganizer": True})
    unstamped = event(categories=(), stamps=Stamps(link_state=0.0))
    decision = decided(AppointmentSituation(link=kept, event=unstamped, record=row()))
    assert decision.link.state is LinkState.UNTRACKED


@rule("PAIN-1")
def test_an_appointment_given_to_another_organizer_is_unlinked_and_nothing_is_canceled():
    meeting, has = event(attendees=MEETING), row(attendees=MEETING)
    decision = decided(linked(meeting, has, record=row(attendees=MEETING, organizer=OTHER_USER)))
    assert decision.link.state is LinkState.LEFT_FILTER
    assert not decision.mails
