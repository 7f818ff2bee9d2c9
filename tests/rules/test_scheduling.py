"""Scheduling conflicts: what takes people's time, and what each policy does when somebody is busy."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.model.appointment import SERIES
from shared.model.decision import ActionKind, CreateAppointment, MarkEvent, UpdateAppointment
from shared.model.event import EventType
from shared.model.link import LinkState
from shared.model.profile import PrivateItems, Profile
from shared.model.recurrence import to_value
from shared.model.scheduling import Availability, Busy, SchedulingPolicy
from shared.rules import scheduling
from shared.rules.appointments import decide
from shared.rules.situation import AppointmentSituation
from tests.marks import rule
from tests.recurrences import numbered, series
from tests.rules.build import (
    CATEGORY,
    FUTURE,
    GUEST,
    MY_ADDRESS,
    PAST,
    ROW,
    at,
    attendee_copy,
    context,
    event,
    link,
    linked,
    row,
    writes,
)

LATER = at(FUTURE + timedelta(days=1))
BO = Availability((Busy("Bo Example", "systemuser", "44444444-4444-4444-4444-444444444444"),))
FREE = Availability()
SAVE, WARN, ASK = (
    context(profile=Profile(scheduling_conflicts=policy), zone="W. Europe Standard Time")
    for policy in SchedulingPolicy
)


def moved(**more):
    return linked(event(), row(), event=event(time=LATER), record=row(), **more)


def new(**more):
    return AppointmentSituation(**{"event": event(), **more})


def series_event():
    pattern = to_value(series(start_date=FUTURE.date(), **numbered(5)))
    one = event(type=EventType.SERIES_MASTER)
    return replace(one, values={**one.values, "recurrence": pattern})


# --- what takes people's time ---------------------------------------------------------------------


def claim_of(situation, context=ASK):
    return scheduling.to_be_asked(decide(situation, context), situation, context)


@rule("APPT-29")
def test_a_new_appointment_takes_the_time_of_all_its_parties():
    situation = new(event=event(attendees=[[GUEST, "required"]]))
    claim = claim_of(situation)
    (create,) = writes(decide(situation, ASK), CreateAppointment)
    assert (claim.row_id, claim.time, claim.parties) == (create.id, at(), create.parties)
    assert len(claim.parties) == 2


@rule("APPT-29")
@pytest.mark.parametrize("change", [{"time": LATER}, {"attendees": [[GUEST, "required"]]}])
def test_a_new_time_or_new_people_take_time_and_the_claim_names_time_and_people(change):
    people = [["someone@fabrikam.example", "required"]]
    was_event, was_row = event(attendees=people), row(attendees=people)
    now = event(**{"attendees": people, **change})
    situation = linked(was_event, was_row, event=now, record=was_row)
    claim = claim_of(situation)
    assert claim.row_id == ROW
    assert claim.time == change.get("time", at())
    (guest,) = now.value("attendees")
    assert [party.address for party in claim.parties] == [MY_ADDRESS, guest[0]]


@rule("APPT-29")
def test_an_open_appointment_that_becomes_scheduled_takes_time():
    situation = linked(
        event(showAs="free"), row(showAs=[0, 1]), event=event(showAs="busy"), record=row(showAs=[0, 1])
    )
    assert claim_of(situation).time == at()


@rule("APPT-29")
@pytest.mark.parametrize(
    "situation",
    [
        new(event=event(showAs="free")),
        new(event=event(showAs="tentative")),
        new(event=event(time=at(PAST))),
        linked(event(), row(), event=event(subject="Other"), record=row()),
        linked(event(), row(), event=event(), record=row(time=LATER)),
        linked(event(), row(), event=event(showAs="free", time=LATER), record=row()),
        new(event=series_event()),
    ],
    ids=["free", "tentative", "past", "other field", "changed in Dynamics", "free now", "series"],
)
def test_what_takes_nobodys_time_is_not_asked_about(situation):
    assert claim_of(situation) is None
    assert all(action.write.claim is None for action in _saves(decide(situation, WARN)))


def _saves(decision):
    return [a for a in decision.actions if isinstance(a.write, CreateAppointment | UpdateAppointment)]


# --- save, warn -----------------------------------------------------------------------------------


@rule("APPT-29")
@pytest.mark.parametrize("situation", [new(), moved()])
def test_the_policy_save_asks_nobody(situation):
    decision = decide(situation, SAVE)
    assert [a.write.claim for a in _saves(decision)] == [None]
    assert scheduling.to_be_shown(decision, situation, SAVE) is None


@rule("APPT-29", "PAIN-4")
@pytest.mark.parametrize("situation", [new(), moved()])
def test_by_default_the_write_asks_along_the_way_and_nothing_waits(situation):
    assert Profile().scheduling_conflicts is SchedulingPolicy.WARN
    decision = decide(situation, WARN)
    (saved,) = _saves(decision)
    assert saved.write.claim.time == situation.event.value("time")
    assert decision.asks is None
    assert scheduling.to_be_asked(decision, situation, WARN) is None
    shown = decide(replace(situation, availability=BO), WARN)
    assert shown.asks is None
    assert any("Bo Example" in skip.reason for skip in shown.skips)


# --- ask ------------------------------------------------------------------------------------------


@rule("APPT-29")
@pytest.mark.parametrize("situation", [new(), moved()])
def test_where_somebody_is_busy_nothing_is_written_and_the_item_waits(situation):
    decision = decide(replace(situation, availability=BO), ASK)
    assert not decision.actions
    assert decision.link == situation.link
    start = "2026-03-05" if situation.link else "2026-03-04"
    assert decision.asks.question == (
        f"Bo Example is busy on {start} from 13:00 to 14:00 (Europe/Berlin), when 'Review' is to take "
        "place. Take it to Dynamics all the same?"
    )
    (skip,) = decision.skips
    assert skip.rules == ("APPT-29",)
    assert "Bo Example" in skip.reason


@rule("APPT-29")
@pytest.mark.parametrize("said", [FREE, Availability(unchecked="no such message", everywhere=True)])
def test_where_nobody_is_busy_or_nobody_knows_it_is_saved(said):
    assert decide(replace(new(), availability=said), ASK) == decide(new(), SAVE)


def test_many_busy_people_are_named_once_each_and_nameless_ones_are_somebody():
    busy = Availability((Busy("Bo"), Busy("Cy"), Busy("Bo"), Busy("", "equipment", "van-1"), Busy("")))
    asked = decide(new(availability=busy), ASK).asks
    assert asked.question.startswith("Bo, Cy, van-1 and somebody are busy on 2026-03-04")


def test_an_all_day_question_names_the_day():
    all_day = {"allDay": True, "start": "2026-03-04", "end": "2026-03-05"}
    asked = decide(new(event=event(time=all_day), availability=BO), ASK).asks
    assert "busy on 2026-03-04 (all day), when" in asked.question


@rule("APPT-29")
def test_an_answer_holds_for_its_time_only():
    asked = decide(moved(availability=BO), ASK).asks
    (saved,) = _saves(decide(moved(availability=BO, allowed_time=asked.about), ASK))
    assert saved.write.values["time"] == LATER
    assert "APPT-29" in saved.rules
    other = event(time=at(FUTURE + timedelta(days=2)))
    elsewhere = linked(event(), row(), event=other, record=row(), availability=BO, allowed_time=asked.about)
    assert decide(elsewhere, ASK).asks.about != asked.about


@rule("APPT-29", "LNK-8")
def test_dropped_a_new_item_ends_untracked_and_only_tracking_anew_brings_it_back():
    about = decide(new(availability=BO), ASK).asks.about
    decision = decide(new(availability=BO, refused_time=about), ASK)
    (action,) = decision.actions
    assert isinstance(action.write, MarkEvent)
    assert action.write.categories == ()
    assert action.write.stamps.link_state == 0
    assert (action.kind, action.mails, action.destructive) == (ActionKind.UPDATE, (), False)
    ended = decision.link
    assert (ended.state, ended.generation) == (LinkState.KEPT_OUT, 2)
    assert "administrator" in ended.reason
    untouched = new(event=event(categories=()), link=ended)
    assert not decide(untouched, ASK).actions
    again = new(link=ended)
    assert claim_of(again) is not None
    assert claim_of(again).row_id != claim_of(new()).row_id


@rule("APPT-29")
def test_dropped_a_new_time_is_not_carried_over_and_the_rest_is():
    both = linked(event(), row(), event=event(time=LATER, subject="Renamed"), record=row())
    about = decide(replace(both, availability=BO), ASK).asks.about
    decision = decide(replace(both, refused_time=about), ASK)
    (update,) = writes(decision, UpdateAppointment)
    assert update.values == {"subject": "Renamed"}
    (action,) = decision.actions
    assert (action.fields, set(action.before), set(action.after)) == (("subject",), {"subject"}, {"subject"})
    assert "FLD-1" not in action.rules
    assert "FLD-10" in action.rules
    assert "time" in decision.absorb
    (skip,) = decision.skips
    assert (skip.rules, skip.fields) == (("APPT-29",), ("time",))
    assert "administrator" in skip.reason


@rule("APPT-29")
def test_dropped_new_people_are_not_carried_over():
    invited = event(attendees=[[GUEST, "required"]])
    situation = linked(event(), row(), event=invited, record=row())
    about = decide(replace(situation, availability=BO), ASK).asks.about
    decision = decide(replace(situation, refused_time=about), ASK)
    assert not decision.actions
    assert "attendees" in decision.absorb


def test_dropped_a_time_that_lost_nothing_is_no_loss():
    """The edit in Dynamics that the new time would have overwritten stays."""
    both = linked(event(), row(), event=event(time=LATER), record=row(time=at(FUTURE, 2)))
    assert "time" in decide(replace(both, availability=FREE), ASK).lost
    about = decide(replace(both, availability=BO), ASK).asks.about
    assert "time" not in decide(replace(both, refused_time=about), ASK).lost


@rule("APPT-29")
def test_an_attendees_tracking_is_asked_about_too():
    assert claim_of(new(event=attendee_copy())) is not None


def test_an_item_that_becomes_another_tables_is_never_held_up():
    series = link(table=SERIES)
    situation = AppointmentSituation(link=series, event=event(), record=row(table=SERIES))
    decision = decide(replace(situation, availability=BO), ASK)
    assert decision.replaced is not None
    assert decision.asks is None
    assert any(skip.code == "saved though somebody is busy" for skip in decision.skips)


def test_only_our_category_is_taken_off():
    plain = event(categories=("Other", CATEGORY))
    about = decide(new(event=plain, availability=BO), ASK).asks.about
    (write,) = writes(decide(new(event=plain, refused_time=about), ASK), MarkEvent)
    assert write.categories == ("Other",)


@rule("APPT-9", "APPT-29")
def test_a_question_says_of_a_private_item_no_more_than_dynamics_would_get():
    profile = Profile(
        scheduling_conflicts=SchedulingPolicy.ASK, private_appointments=PrivateItems.SUBJECT_ONLY
    )
    one = event(subject="Doctor")
    private = replace(one, values={**one.values, "sensitivity": "private"})
    asked = decide(new(event=private, availability=BO), context(profile=profile)).asks
    assert "Bo Example is busy" in asked.question
    assert "Doctor" not in asked.question
