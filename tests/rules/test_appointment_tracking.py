"""What comes to Dynamics, what goes to Exchange, and what is left alone by name (APPT-1 to 7, 12, LNK)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model.appointment import Absence
from shared.model.decision import CreateAppointment, CreateEvent, MarkEvent
from shared.model.event import EventType, Stamps
from shared.model.link import LinkState, Role
from shared.model.party import RecordRef
from shared.model.recurrence import to_value
from shared.rules.situation import AppointmentSituation
from tests.marks import rule
from tests.recurrences import series
from tests.rules.build import (
    CATEGORY,
    FUTURE,
    GUEST,
    ME,
    MY_USER,
    NOW,
    ORGANIZATION,
    OTHER_MAILBOX,
    OTHER_USER,
    ROW,
    at,
    attendee_copy,
    decided,
    event,
    link,
    row,
    writes,
)


def codes(decision):
    return [skip.code for skip in decision.skips]


# --- towards Dynamics -----------------------------------------------------------------------------


@rule("APPT-1", "EMI-17", "SET-12")
def test_a_categorised_event_becomes_an_appointment_and_an_uncategorised_one_does_not():
    created = writes(decided(AppointmentSituation(event=event())), CreateAppointment)
    assert [c.values["subject"] for c in created] == ["Review"]
    untracked = decided(AppointmentSituation(event=event(categories=("Red",))))
    assert not untracked.actions
    assert codes(untracked) == ["not tracked"]
    switched_off = decided(AppointmentSituation(event=event()), TrackCategorizedItems=False)
    assert codes(switched_off) == ["not tracked"]


@rule("LNK-4", "LNK-5")
@pytest.mark.parametrize(("state", "tracked"), [(None, False), (0.0, False), (1.0, True), (2.0, True)])
def test_a_stamp_tracks_as_the_app_left_it(state, tracked):
    stamped = event(categories=(), stamps=Stamps(link_state=state))
    assert bool(decided(AppointmentSituation(event=stamped)).actions) is tracked


@rule("LNK-3", "APPT-26")
def test_the_new_pair_is_stamped_and_categorised_in_a_request_that_mails_nobody():
    stamped = event(categories=("Red",), stamps=Stamps(link_state=1.0), attendees=[[GUEST, "required"]])
    decision = decided(AppointmentSituation(event=stamped))
    (mark,) = writes(decision, MarkEvent)
    assert mark.stamps.link_state == 2.0
    assert mark.stamps.org_id == ORGANIZATION
    assert mark.stamps.crm_id == writes(decision, CreateAppointment)[0].id
    assert mark.categories == ("Red", CATEGORY)
    assert not decision.mails


@rule("LNK-6", "MBX-12")
def test_an_item_of_another_organization_is_left_alone():
    foreign = event(stamps=Stamps(link_state=2.0, org_id="{99999999-9999-9999-9999-999999999999}"))
    assert codes(decided(AppointmentSituation(event=foreign))) == ["foreign organization"]
    ours = event(stamps=Stamps(link_state=2.0, org_id="{" + ORGANIZATION.upper() + "}"))
    assert decided(AppointmentSituation(event=ours)).actions


@rule("LNK-7", "SET-11")
def test_a_copy_of_a_linked_item_is_ignored_unless_the_organization_wants_it_as_new():
    copy = AppointmentSituation(event=event(id="copy", stamps=Stamps(2.0, ROW)), copy_of=ROW)
    assert codes(decided(copy)) == ["copied item"]
    (created,) = writes(decided(copy, IgnoreCopiedItemsInSSSForMailbox=False), CreateAppointment)
    (original,) = writes(decided(AppointmentSituation(event=event())), CreateAppointment)
    assert created.id != original.id


@rule("APPT-5", "MBX-23")
def test_my_own_meeting_is_created_as_me_and_owned_by_me():
    (created,) = writes(decided(AppointmentSituation(event=event())), CreateAppointment)
    assert created.owner == RecordRef("systemuser", MY_USER)
    assert created.as_user
    assert [(p.role, p.ref) for p in created.parties] == [(7, RecordRef("systemuser", MY_USER))]


@rule("APPT-5", "APPT-6", "SET-6", "MBX-23")
def test_an_attendee_tracks_for_the_organizer_and_the_application_creates():
    meeting = AppointmentSituation(event=attendee_copy(), organizer_user=OTHER_USER)
    (created,) = writes(decided(meeting), CreateAppointment)
    assert created.owner == RecordRef("systemuser", OTHER_USER)
    assert not created.as_user
    assert codes(decided(meeting, TrackAppointmentsFromNonOrganizer=False)) == ["attendees may not track"]


@rule("APPT-34")
def test_a_series_is_written_as_the_tracking_user_whose_zone_it_is_expanded_in():
    meeting, pattern = attendee_copy(), series(start_date=FUTURE.date())
    meeting = replace(
        meeting, type=EventType.SERIES_MASTER, values={**meeting.values, "recurrence": to_value(pattern)}
    )
    (created,) = writes(
        decided(AppointmentSituation(event=meeting, organizer_user=OTHER_USER)), CreateAppointment
    )
    assert created.owner == RecordRef("systemuser", OTHER_USER)
    assert created.as_user


@rule("APPT-5")
def test_an_outside_organizer_leaves_the_tracking_user_as_owner_and_no_organizer_party():
    (created,) = writes(decided(AppointmentSituation(event=attendee_copy())), CreateAppointment)
    assert created.owner == RecordRef("systemuser", MY_USER)
    assert not [p for p in created.parties if p.role == 7]


@rule("APPT-6", "SET-8")
def test_without_an_organizer_in_exchange_the_dynamics_organizer_stays_if_the_organization_says_so():
    nobody = AppointmentSituation(event=attendee_copy(organizer=None))
    (without,) = writes(decided(nobody), CreateAppointment)
    (kept,) = writes(decided(nobody, UseCrmOrganizerForEmptyExchangeOrganizer=True), CreateAppointment)
    assert not [p for p in without.parties if p.role == 7]
    assert [p.ref for p in kept.parties if p.role == 7] == [RecordRef("systemuser", MY_USER)]


@rule("APPT-6", "SET-7")
def test_the_organizers_mailbox_owns_the_content_when_it_is_subscribed():
    seen = AppointmentSituation(
        event=attendee_copy(), organizer_user=OTHER_USER, organizer_mailbox=OTHER_MAILBOX
    )
    assert decided(seen).link.role is Role.MEMBER
    assert decided(AppointmentSituation(event=attendee_copy())).link.role is Role.OWNER
    taken = AppointmentSituation(event=attendee_copy(), owner=OTHER_MAILBOX)
    assert decided(taken).link.role is Role.MEMBER


@rule("APPT-7", "FLD-6")
def test_attendees_resolve_to_one_row_each_and_unknown_ones_stay_addresses():
    meeting = event(attendees=[["known@a.example", "required"], ["new@b.example", "optional"]])
    contact = RecordRef("contact", "77777777-7777-7777-7777-777777777777")
    situation = AppointmentSituation(event=meeting, resolved={"known@a.example": contact})
    (created,) = writes(decided(situation), CreateAppointment)
    attendees = [(p.role, p.address, p.ref) for p in created.parties if p.role != 7]
    assert attendees == [(5, "known@a.example", contact), (6, "new@b.example", None)]


@rule("FLD-8")
def test_regarding_comes_from_the_stamp_and_never_from_attendees():
    account = "88888888-8888-8888-8888-888888888888"
    stamped = event(regarding={"type": "1", "id": account}, attendees=[[GUEST, "required"]])
    (created,) = writes(decided(AppointmentSituation(event=stamped)), CreateAppointment)
    assert created.values["regarding"] == {"table": "account", "id": account}
    (plain,) = writes(
        decided(AppointmentSituation(event=event(attendees=[[GUEST, "required"]]))), CreateAppointment
    )
    assert "regarding" not in plain.values


def test_a_lone_occurrence_and_an_item_outside_the_window_are_named():
    lone = decided(AppointmentSituation(event=event(type=EventType.EXCEPTION)))
    assert codes(lone) == ["lone occurrence"]
    far = decided(AppointmentSituation(event=event(time=at(NOW + timedelta(days=900)))))
    assert codes(far) == ["outside the window"]


@rule("FLD-3", "FLD-5", "FLD-10")
def test_text_too_long_for_dynamics_is_cut_at_a_character_and_the_decision_says_so():
    long = "ü" * 199 + "😀😀"
    decision = decided(AppointmentSituation(event=event(subject=long)))
    (created,) = writes(decision, CreateAppointment)
    assert created.values["subject"] == "ü" * 199
    assert [(s.code, s.fields) for s in decision.skips] == [("cut", ("subject",))]


# --- towards Exchange -----------------------------------------------------------------------------


@rule("APPT-1", "APPT-3", "APPT-20")
def test_only_the_organizers_mailbox_takes_an_appointment():
    assert writes(decided(AppointmentSituation(record=row())), CreateEvent)
    assert codes(decided(AppointmentSituation(record=row(organizer=OTHER_USER)))) == ["other organizer"]
    assert codes(decided(AppointmentSituation(record=row(organizer=None)))) == ["no organizer"]


@rule("APPT-12", "SET-10")
def test_a_draft_waits_until_it_is_sent():
    draft = AppointmentSituation(record=row(is_draft=True))
    assert codes(decided(draft, AllowSaveAsDraftAppointment=True)) == ["draft"]
    assert decided(draft).actions


@rule("LNK-3")
def test_the_create_body_carries_the_stamps_that_a_crash_is_resolved_by():
    (created,) = writes(decided(AppointmentSituation(record=row())), CreateEvent)
    assert (created.stamps.crm_id, created.stamps.link_state) == (ROW, 2.0)
    assert created.categories == (CATEGORY,)


def test_a_repeated_create_has_the_same_key_and_a_later_generation_another():
    first = writes(decided(AppointmentSituation(record=row())), CreateEvent)[0].transaction_id
    again = writes(decided(AppointmentSituation(record=row())), CreateEvent)[0].transaction_id
    creating = link(state=LinkState.CREATING, generation=2, exchange_id=None)
    later = writes(decided(AppointmentSituation(link=creating, record=row())), CreateEvent)[0]
    assert first == again != later.transaction_id


def test_a_row_that_its_owner_may_not_read_is_not_created_again():
    hidden = AppointmentSituation(event=event(stamps=Stamps(2.0, ROW)), record=Absence.ACCESS)
    assert codes(decided(hidden)) == ["no access"]


# --- ended links ----------------------------------------------------------------------------------


@rule("LNK-8")
@pytest.mark.parametrize("state", [s for s in LinkState if s.ended])
def test_an_ended_link_blocks_creation_from_either_side_until_somebody_tracks_anew(state):
    ended = link().ended(state, "why", ("LNK-8",))
    ended = replace(ended, markers={"category": False, "stamp": 0.0})
    from_dynamics = decided(AppointmentSituation(link=ended, record=row(subject="Edited")))
    assert not from_dynamics.actions
    assert codes(from_dynamics) == ["ended"]
    untouched = decided(AppointmentSituation(link=ended, event=event(categories=()), record=row()))
    assert not untouched.actions
    anew = decided(AppointmentSituation(link=ended, event=event(), record=row()))
    assert anew.link.linked
    assert anew.link.generation == ended.generation


@rule("LNK-8")
def test_a_mark_that_was_there_when_the_link_ended_is_not_tracking_anew():
    ended = link().ended(LinkState.DELETED_IN_DYNAMICS, "why", ("LNK-8",))
    ended = replace(ended, markers={"category": True, "stamp": 0.0})
    assert not decided(AppointmentSituation(link=ended, event=event(), record=row())).actions


# --- linking two items that exist -----------------------------------------------------------------


@rule("LNK-3", "PAIN-2")
def test_linking_two_existing_items_mails_nobody_whatever_differs():
    meeting = event(
        stamps=Stamps(2.0, ROW), attendees=[[GUEST, "required"]], body="", modified=NOW - timedelta(days=9)
    )
    other = row(subject="Renamed", attendees=[[GUEST, "required"]], modified=NOW, time=at(FUTURE, 2))
    decision = decided(AppointmentSituation(event=meeting, record=other))
    assert decision.link.linked
    assert not decision.mails
    assert "linking mails nobody" in codes(decision)


@rule("LNK-10")
def test_the_first_time_empty_never_beats_filled_and_the_loser_of_a_difference_is_kept():
    mine = event(stamps=Stamps(2.0, ROW), location="", modified=NOW)
    theirs = row(body="", subject="Other name", modified=NOW - timedelta(hours=1))
    decision = decided(AppointmentSituation(event=mine, record=theirs))
    changed = {name for a in decision.actions for name in a.fields}
    assert changed == {"location", "body", "subject"}
    assert decision.lost == {"subject": "Other name"}


@rule("APPT-3", "APPT-6")
def test_a_member_joins_without_moving_content():
    meeting = attendee_copy(subject="Mine")
    joined = decided(
        AppointmentSituation(event=meeting, record=row(organizer=OTHER_USER), owner=OTHER_MAILBOX)
    )
    assert joined.link.role is Role.MEMBER
    assert [a.kind.value for a in joined.actions] == ["link", "link"]
    assert "owned by another mailbox" in codes(joined)


def test_the_same_situation_always_gives_the_same_decision():
    situation = AppointmentSituation(event=event(), owner=ME)
    assert decided(situation) == decided(situation)


def test_an_appointment_without_any_time_is_named_and_a_very_long_meeting_id_is_hashed():
    assert codes(decided(AppointmentSituation(record=row(time=None)))) == ["no time"]
    (created,) = writes(decided(AppointmentSituation(event=event(ical_uid="u" * 400))), CreateAppointment)
    assert len(created.global_object_id) <= 300
