"""A linked pair in step: the merge, conflicts, status, and what would mail people (APPT-10 to 31, LNK-10)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.model.decision import CreateEvent, MarkEvent, UpdateAppointment, UpdateEvent
from shared.model.profile import Profile
from shared.model.values import Direction
from shared.rules import status
from shared.rules.intent import with_intent
from shared.rules.situation import AppointmentSituation
from tests.marks import rule
from tests.rules.build import (
    FUTURE,
    GUEST,
    MY_USER,
    NOW,
    OTHER_USER,
    PAST,
    at,
    attendee_copy,
    context,
    decided,
    event,
    link,
    linked,
    row,
    writes,
)

MEETING = [[GUEST, "required"]]


def codes(decision):
    return [skip.code for skip in decision.skips]


# --- the merge ------------------------------------------------------------------------------------


@rule("LNK-11")
def test_nothing_changed_means_nothing_to_do():
    assert not decided(linked(event(), row())).actions


@rule("APPT-1", "LNK-9", "LNK-10")
def test_different_fields_changed_on_each_side_merge():
    decision = decided(linked(event(), row(), event=event(subject="New"), record=row(location="Room 2")))
    assert writes(decision, UpdateAppointment)[0].values == {"subject": "New"}
    assert writes(decision, UpdateEvent)[0].values == {"location": "Room 2"}
    assert not decision.lost


@rule("LNK-10")
@pytest.mark.parametrize(
    ("exchange_later", "winner"),
    [
        (timedelta(minutes=1), "exchange"),
        (timedelta(seconds=4), "dynamics"),
        (-timedelta(hours=1), "dynamics"),
    ],
)
def test_a_conflict_goes_to_the_later_change_and_to_dynamics_within_five_seconds(exchange_later, winner):
    moment = NOW - timedelta(hours=2)
    decision = decided(
        linked(
            event(),
            row(),
            event=event(subject="Exchange", modified=moment + exchange_later),
            record=row(subject="Dynamics", modified=moment),
        )
    )
    assert decision.lost == {"subject": "Dynamics" if winner == "exchange" else "Exchange"}
    kind = UpdateAppointment if winner == "exchange" else UpdateEvent
    assert writes(decision, kind)[0].values == {"subject": winner.capitalize()}


@rule("LNK-10")
def test_an_unknown_time_of_change_goes_to_dynamics():
    decision = decided(
        linked(event(), row(), event=event(subject="E", modified=None), record=row(subject="D"))
    )
    assert decision.lost == {"subject": "E"}


@rule("LNK-10", "FLD-1", "FLD-6")
def test_meeting_time_and_attendees_belong_to_the_organizers_mailbox():
    now = {"time": at(FUTURE, 2), "attendees": MEETING}
    theirs = {"time": at(FUTURE, 3), "attendees": [["x@y.example", "optional"]]}
    decision = decided(
        linked(event(), row(), event=event(**now, modified=PAST), record=row(**theirs, modified=NOW))
    )
    assert set(decision.lost) == {"time", "attendees"}
    assert writes(decision, UpdateAppointment)
    assert not writes(decision, UpdateEvent)


@rule("LNK-10")
def test_both_sides_changed_to_the_same_is_no_conflict():
    decision = decided(linked(event(), row(), event=event(subject="S"), record=row(subject="S")))
    assert not decision.actions
    assert not decision.lost


@rule("FLD-10")
def test_a_value_that_the_other_side_cut_does_not_come_back():
    long = "x" * 300
    was_event, was_row = event(subject=long), row(subject="x" * 200)
    assert not decided(linked(was_event, was_row)).actions


@rule("FLD-33", "FLD-34")
def test_a_field_directed_one_way_does_not_travel_the_other_and_is_overwritten_by_its_source():
    profile = Profile(directions={"appointment": {"location": Direction.TO_EXCHANGE}})
    edited = linked(event(), row(), event=event(location="Mine"))
    assert codes(decided(edited, profile=profile)) == ["field direction"]
    overwritten = linked(event(), row(), event=event(location="Mine"), record=row(location="Theirs"))
    decision = decided(overwritten, profile=profile)
    assert writes(decision, UpdateEvent)[0].values == {"location": "Theirs"}
    assert decision.lost == {"location": "Mine"}


@rule("FLD-1", "FLD-4", "FLD-6", "FLD-7", "FLD-8", "FLD-9")
def test_a_fixed_field_takes_no_direction():
    every = dict.fromkeys(
        ("time", "importance", "attendees", "regarding", "showAs", "organizer"), Direction.NONE
    )
    profile = Profile(directions={"appointment": every})
    changed = event(time=at(FUTURE, 2), importance="high", showAs="oof", attendees=MEETING)
    decision = decided(linked(event(), row(), event=changed), profile=profile)
    (update,) = writes(decision, UpdateAppointment)
    assert set(update.values) == {"time", "importance", "showAs"}
    assert update.parties is not None


@rule("FLD-3", "FLD-5", "FLD-10")
@pytest.mark.parametrize("name", ["body", "location", "subject"])
def test_a_settable_field_follows_its_direction(name):
    profile = Profile(directions={"appointment": {name: Direction.NONE}})
    decision = decided(linked(event(), row(), event=event(**{name: "Changed"})), profile=profile)
    assert not decision.actions


@rule("FLD-4")
@pytest.mark.parametrize(("exchange", "dynamics"), [("low", 0), ("normal", 1), ("high", 2)])
def test_importance_and_priority(exchange, dynamics):
    other = "low" if exchange != "low" else "high"
    number = {"low": 0, "high": 2}[other]
    to_row = decided(
        linked(event(importance=other), row(importance=number), event=event(importance=exchange))
    )
    assert writes(to_row, UpdateAppointment)[0].values == {"importance": dynamics}
    to_event = decided(
        linked(
            event(importance=other),
            row(importance=number),
            record=row(importance=dynamics),
            event=event(importance=other),
        )
    )
    assert writes(to_event, UpdateEvent)[0].values == {"importance": exchange}


@rule("APPT-7", "FLD-6")
def test_a_party_once_resolved_stays_while_its_address_stays():
    was_event, was_row = event(attendees=MEETING), row(attendees=MEETING)
    added = event(attendees=[*MEETING, ["new@x.example", "required"]])
    decision = decided(linked(was_event, was_row, event=added))
    parties = writes(decision, UpdateAppointment)[0].parties
    kept = [p for p in parties if p.address == GUEST]
    assert kept == [p for p in was_row.parties if p.address == GUEST]
    assert [p.role for p in parties if p.ref and p.ref.id == MY_USER] == [7]


@rule("APPT-7")
def test_a_room_stays_in_exchange_and_is_never_uninvited():
    rooms = [["room@contoso.example", "resource"]]
    was_event, was_row = event(attendees=rooms), row()
    assert not decided(linked(was_event, was_row)).actions
    decision = decided(linked(was_event, was_row, record=row(attendees=MEETING)))
    assert writes(decision, UpdateEvent)[0].values["attendees"] == [*MEETING, *rooms]


@rule("FLD-8")
def test_regarding_changed_in_dynamics_changes_the_stamp_and_mails_nobody():
    account = {"table": "account", "id": "88888888-8888-8888-8888-888888888888"}
    meeting, has = event(attendees=MEETING), row(attendees=MEETING)
    decision = decided(linked(meeting, has, record=row(attendees=MEETING, regarding=account)))
    (mark,) = writes(decision, MarkEvent)
    assert (mark.stamps.regarding_type, mark.stamps.regarding_id) == ("1", account["id"])
    assert not decision.mails


# --- time -----------------------------------------------------------------------------------------


@rule("APPT-10", "FLD-1")
def test_time_moves_as_one_aggregate():
    decision = decided(linked(event(), row(), event=event(time=at(FUTURE, 3))))
    assert writes(decision, UpdateAppointment)[0].values == {"time": at(FUTURE, 3)}


@rule("APPT-10", "FLD-1")
def test_an_all_day_event_is_midnights_of_the_mailbox_in_dynamics():
    days = {"allDay": True, "start": "2026-03-10", "end": "2026-03-12"}
    decision = decided(linked(event(), row(), event=event(time=days)), zone="W. Europe Standard Time")
    expected = {"allDay": True, "start": "2026-03-09T23:00:00Z", "end": "2026-03-11T23:00:00Z"}
    assert writes(decision, UpdateAppointment)[0].values == {"time": expected}
    back = decided(
        linked(
            event(time=days),
            row(time=expected),
            record=row(time={**expected, "end": "2026-03-10T22:59:00Z"}),
            event=event(time=days),
        ),
        zone="W. Europe Standard Time",
    )
    assert writes(back, UpdateEvent)[0].values == {"time": {**days, "end": "2026-03-11"}}


# --- status ---------------------------------------------------------------------------------------


@rule("APPT-14", "APPT-15", "APPT-16", "APPT-17", "APPT-18", "APPT-19")
@pytest.mark.parametrize(
    ("pair", "show_as"),
    [
        ((0, 1), "free"),
        ((0, 2), "tentative"),
        ((3, 5), "busy"),
        ((3, 6), "oof"),
        ((1, 3), "free"),
        ((2, 4), "free"),
    ],
)
def test_status_reads_as_show_as(pair, show_as):
    assert status.to_exchange(list(pair)) == show_as


@rule("APPT-14", "APPT-15", "APPT-16", "APPT-17", "APPT-19", "APPT-27", "FLD-9")
@pytest.mark.parametrize(
    ("show_as", "pair"),
    [
        ("free", [0, 1]),
        ("tentative", [0, 2]),
        ("busy", [3, 5]),
        ("oof", [3, 6]),
        ("workingElsewhere", [0, 1]),
    ],
)
def test_show_as_sets_the_status_of_an_open_row(show_as, pair):
    start = "oof" if show_as != "oof" else "tentative"
    began = {"oof": [3, 6], "tentative": [0, 2]}[start]
    decision = decided(linked(event(showAs=start), row(showAs=began), event=event(showAs=show_as)))
    assert writes(decision, UpdateAppointment)[0].values == {"showAs": pair}


@rule("APPT-18", "APPT-19")
@pytest.mark.parametrize("closed", [[1, 3], [2, 4]])
def test_closing_in_dynamics_shows_the_time_as_free(closed):
    decision = decided(linked(event(), row(), record=row(showAs=closed)))
    assert writes(decision, UpdateEvent)[0].values == {"showAs": "free"}


@rule("APPT-27")
def test_free_in_exchange_completes_a_canceled_row_and_the_switch_turns_that_off():
    was = linked(event(), row(showAs=[2, 4]), event=event(showAs="free"))
    decision = decided(was)
    assert [a.kind.value for a in decision.actions] == ["complete"]
    assert writes(decision, UpdateAppointment)[0].values == {"showAs": [1, 3]}
    off = decided(was, profile=Profile(complete_when_shown_as_free=False))
    assert not writes(off, UpdateAppointment)


@rule("APPT-31")
@pytest.mark.parametrize("closed", [[1, 3], [2, 4]])
def test_a_closed_row_takes_no_change_from_exchange(closed):
    was_event, was_row = event(showAs="free"), row(showAs=closed)
    changed = event(showAs="free", subject="Late edit", time=at(FUTURE, 2))
    decision = decided(linked(was_event, was_row, event=changed))
    assert not decision.actions
    assert set(codes(decision)) == {"closed in Dynamics"}


def test_a_show_as_without_a_status_is_named():
    assert codes(decided(linked(event(), row(), event=event(showAs="unknown")))) == ["unknown show-as"]


# --- who is mailed --------------------------------------------------------------------------------


@rule("APPT-20", "APPT-22")
def test_a_future_appointment_of_mine_invites_its_attendees():
    decision = decided(AppointmentSituation(record=row(attendees=MEETING)))
    assert writes(decision, CreateEvent)[0].values["attendees"] == MEETING
    assert decision.mails == {GUEST}


@rule("APPT-22", "APPT-26")
def test_a_past_appointment_is_created_without_its_attendees_who_are_kept_in_a_stamp():
    decision = decided(AppointmentSituation(record=row(attendees=MEETING, time=at(PAST))))
    (created,) = writes(decision, CreateEvent)
    assert created.values["attendees"] == []
    assert GUEST in created.stamps.withheld
    assert not decision.mails
    assert decision.link.withheld == ((GUEST, "required"),)


@rule("APPT-26")
def test_withheld_attendees_are_not_taken_for_removed():
    shown, has = event(time=at(PAST)), row(time=at(PAST), attendees=MEETING)
    was = event(time=at(PAST), attendees=MEETING)
    kept = link(was, has, withheld=((GUEST, "required"),))
    assert not decided(AppointmentSituation(link=kept, event=shown, record=has)).actions


@rule("APPT-22", "APPT-26")
def test_withheld_attendees_are_invited_when_the_meeting_is_moved_to_the_future():
    shown, has = event(time=at(PAST)), row(time=at(PAST), attendees=MEETING)
    was = event(time=at(PAST), attendees=MEETING)
    kept = link(was, has, withheld=((GUEST, "required"),))
    moved = row(time=at(FUTURE), attendees=MEETING)
    decision = decided(AppointmentSituation(link=kept, event=shown, record=moved))
    assert writes(decision, UpdateEvent)[0].values == {"time": at(FUTURE), "attendees": MEETING}
    assert decision.mails == {GUEST}
    assert decision.link.withheld == ()


@rule("APPT-22")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("subject", "New"),
        ("body", "New"),
        ("location", "New"),
        ("time", at(FUTURE, 2)),
        ("importance", 2),
        ("showAs", [0, 1]),
    ],
)
def test_a_distributed_field_mails_every_attendee(name, value):
    meeting, has = event(attendees=MEETING), row(attendees=MEETING)
    decision = decided(linked(meeting, has, record=row(attendees=MEETING, **{name: value})))
    assert decision.mails == {GUEST}


@rule("APPT-22", "APPT-26")
def test_a_change_of_attendees_alone_mails_only_those_who_join_or_leave():
    meeting, has = event(attendees=MEETING), row(attendees=MEETING)
    more = [*MEETING, ["new@x.example", "optional"]]
    decision = decided(linked(meeting, has, record=row(attendees=more)))
    assert writes(decision, UpdateEvent)[0].values == {"attendees": more}
    assert decision.mails == {"new@x.example"}


@rule("APPT-26")
def test_only_what_changed_is_patched():
    meeting, has = event(attendees=MEETING), row(attendees=MEETING)
    decision = decided(linked(meeting, has, record=row(attendees=MEETING, location="Elsewhere")))
    assert writes(decision, UpdateEvent)[0].values == {"location": "Elsewhere"}


@rule("APPT-23", "SET-3")
def test_updates_of_a_past_meeting_are_held_back_unless_the_organization_wants_them():
    was = {"time": at(PAST), "attendees": MEETING}
    situation = linked(event(**was), row(**was), record=row(**was, subject="Late"))
    held = decided(situation)
    assert not held.actions
    assert codes(held) == ["past meeting"]
    assert "subject" not in held.absorb
    sent = decided(situation, SSSUpdatePastMeetingsInNonDraftMode=True)
    assert sent.mails == {GUEST}


@rule("APPT-23")
def test_a_past_appointment_without_attendees_is_updated():
    was = {"time": at(PAST)}
    decision = decided(linked(event(**was), row(**was), record=row(**was, subject="Late")))
    assert writes(decision, UpdateEvent)[0].values == {"subject": "Late"}


@rule("APPT-3")
def test_an_edit_in_dynamics_of_somebody_elses_meeting_is_kept_and_explained():
    meeting, has = attendee_copy(), row(organizer=None, attendees=[["me@contoso.example", "required"]])
    edited = row(organizer=None, attendees=[["me@contoso.example", "required"]], subject="Mine")
    decision = decided(linked(meeting, has, record=edited))
    assert not decision.actions
    assert codes(decision) == ["not the organizer"]
    overtaken = decided(linked(meeting, has, record=edited, event=attendee_copy(subject="Theirs")))
    assert writes(overtaken, UpdateAppointment)[0].values == {"subject": "Theirs"}
    assert overtaken.lost == {"subject": "Mine"}


@rule("APPT-6", "SET-7")
def test_a_member_mailbox_moves_no_content():
    has = row(organizer=OTHER_USER)
    member = AppointmentSituation(
        link=link(attendee_copy(), has),
        event=attendee_copy(subject="New"),
        record=has,
        owner="other",
        owner_name="boss",
    )
    decision = decided(member)
    assert not decision.actions
    assert codes(decision) == ["owned by another mailbox"]


@rule("APPT-21")
@pytest.mark.parametrize(
    ("time", "show_as", "reminder"),
    [
        (at(FUTURE), [3, 5], None),
        (at(FUTURE), [0, 1], False),
        (at(FUTURE), [1, 3], False),
        (at(NOW - timedelta(days=8)), [3, 5], False),
        (at(NOW - timedelta(days=6)), [3, 5], None),
    ],
)
def test_no_reminder_long_after_the_fact_or_for_free_time(time, show_as, reminder):
    (created,) = writes(decided(AppointmentSituation(record=row(time=time, showAs=show_as))), CreateEvent)
    assert created.reminder is reminder


def test_the_context_of_a_test_is_what_it_says():
    assert context(TrackCategorizedItems=False).organization.flag("TrackCategorizedItems") is False


@rule("PAIN-2", "APPT-26")
def test_a_create_that_found_the_row_of_another_mailbox_mails_nobody():
    """Organizer and attendee track at once: the row shows the attendee's tentative, and the organizer's own
    create is on record. Nothing of that is written to the organizer's meeting."""
    meeting = event(attendees=MEETING, modified=PAST)
    create = decided(AppointmentSituation(event=meeting))
    creating = with_intent(create, AppointmentSituation(event=meeting))
    theirs = row(attendees=MEETING, showAs=[0, 2], location="Elsewhere", modified=NOW)
    decision = decided(AppointmentSituation(link=creating, event=meeting, record=theirs))
    assert not decision.mails
    assert not writes(decision, UpdateEvent)
    assert writes(decision, UpdateAppointment)[0].values == {"showAs": [3, 5], "location": "Room 1"}
