"""What a verification calls amiss, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.model.appointment import APPOINTMENT, Absence
from shared.model.event import Stamps
from shared.model.link import LinkState
from shared.model.personal import CONTACT
from shared.model.profile import Profile
from shared.model.values import Direction
from shared.rules import drift, personal
from shared.rules.appointments import decide
from shared.rules.drift import Drift
from shared.rules.personal_situation import PersonalSituation
from shared.rules.situation import AppointmentSituation
from tests.marks import rule
from tests.rules import personal_build
from tests.rules.build import GUEST, ROW, context, event, link, linked, row
from tests.rules.personal_build import contact, contact_row

MARKS = Stamps(2.0, crm_id=ROW)
MARKED = event(stamps=MARKS)


def find(situation, **settings):
    surroundings = context(**settings)
    return drift.find(situation, decide(situation, surroundings), surroundings, decide)


def apart(**link_changes):
    """Both sides are as the link says, and say different things."""
    shown, held = event(stamps=MARKS, location="Here"), row(location="There")
    return AppointmentSituation(link=link(shown, held, **link_changes), event=shown, record=held)


@rule("LNK-10")
def test_a_pair_in_step_is_not_amiss():
    assert find(linked(MARKED, row())) is None


@rule("LNK-8")
@pytest.mark.parametrize(
    ("situation", "kind", "side"),
    [
        (AppointmentSituation(event=event()), Drift.NEVER_LINKED, "dynamics"),
        (AppointmentSituation(record=row()), Drift.NEVER_LINKED, "exchange"),
        (AppointmentSituation(event=MARKED, record=row()), Drift.NOT_LINKED, "dynamics"),
        (
            AppointmentSituation(link=link(), event_gone=True, record=row()),
            Drift.GONE_IN_EXCHANGE,
            "exchange",
        ),
        (linked(MARKED, row(), record=Absence.PHYSICAL), Drift.GONE_IN_DYNAMICS, "dynamics"),
        (
            AppointmentSituation(link=link(), event_gone=True, record=Absence.PHYSICAL),
            Drift.POINTS_TO_NOTHING,
            "exchange",
        ),
        (linked(MARKED, row(), record=row(subject="New", etag='W/"101"')), Drift.NOT_CARRIED, "exchange"),
        (linked(event(stamps=Stamps()), row()), Drift.UNMARKED, "exchange"),
        (
            AppointmentSituation(link=link(state=LinkState.CREATING), event=MARKED, record=row()),
            Drift.BEGUN,
            "dynamics",
        ),
    ],
)
def test_what_a_pass_would_have_to_do_has_a_name(situation, kind, side):
    found = find(situation)
    assert (found.drift, found.side, found.mends) == (kind, side, True)
    assert found.rules
    assert found.reason


@rule("LNK-8", "APPT-1", "APPT-3")
@pytest.mark.parametrize(
    "situation",
    [
        AppointmentSituation(event=event(categories=())),
        AppointmentSituation(record=row(organizer=None)),
        AppointmentSituation(link=link().ended(LinkState.UNTRACKED, "", ()), record=row()),
        AppointmentSituation(event=event(stamps=Stamps(0.0, crm_id=ROW), categories=()), record=row()),
    ],
)
def test_what_a_rule_leaves_alone_is_not_amiss(situation):
    assert find(situation) is None


@rule("LNK-7", "PAIN-6")
def test_a_copy_is_told_and_left_to_a_person():
    found = find(AppointmentSituation(event=MARKED, copy_of="event-2"))
    assert (found.drift, found.mends, found.rules) == (Drift.TWO_ITEMS, False, ("LNK-7",))


@rule("LNK-7", "PAIN-6")
def test_a_second_row_of_one_meeting_is_told_and_left_to_a_person():
    found = find(AppointmentSituation(record=row(), parked=True))
    assert (found.drift, found.mends) == (Drift.TWO_ROWS, False)


# --- quiet, but apart -----------------------------------------------------------------------------


@rule("LNK-10", "PAIN-6")
def test_sides_that_are_quiet_and_apart_are_found_though_the_memory_of_both_agrees():
    situation = apart()
    assert decide(situation, context()).actions == ()
    found = find(situation)
    assert (found.drift, found.fields) == (Drift.APART, ("location",))


@rule("LNK-3", "LNK-10")
def test_decided_anew_the_link_keeps_what_it_remembers_of_itself():
    """The generation, or a later creation would meet its old self."""
    situation = apart(generation=3, markers={**link().markers, "stays": True})
    fresh, anew = drift.decided_anew(situation, decide(situation, context()), context(), decide)
    assert fresh.link is None
    assert (anew.link.generation, anew.link.markers["stays"]) == (3, True)
    assert anew.lost == {"location": "Here"}


@rule("APPT-26", "PAIN-2")
def test_no_guest_hears_of_a_pair_that_is_decided_anew():
    people = [[GUEST, "required"]]
    shown = event(stamps=MARKS, attendees=people, location="Here")
    held = row(attendees=[], location="There")
    situation = AppointmentSituation(link=link(shown, held), event=shown, record=held)
    _, anew = drift.decided_anew(situation, decide(situation, context()), context(), decide)
    assert anew.actions
    assert anew.mails == frozenset()


def test_a_pair_with_something_else_to_do_is_not_decided_anew():
    changed = replace(apart(), record=row(location="There", subject="New", etag='W/"101"'))
    decision = decide(changed, context())
    assert drift.decided_anew(changed, decision, context(), decide) == (changed, decision)
    ended = linked(MARKED, row(), event=event(stamps=MARKS, categories=()))
    decision = decide(ended, context())
    assert drift.decided_anew(ended, decision, context(), decide) == (ended, decision)


@rule("FLD-33")
def test_a_difference_that_the_profile_wants_is_not_amiss():
    situation, profile = apart(), Profile(directions={APPOINTMENT: {"location": Direction.NONE}})
    surroundings = context(profile=profile)
    assert drift.find(situation, decide(situation, surroundings), surroundings, decide) is None


# --- contacts -------------------------------------------------------------------------------------


@rule("LNK-4", "LNK-8")
def test_a_contact_that_says_it_was_untracked_stays_so_though_the_links_are_lost():
    item = contact(categories=(), stamps=Stamps(0.0, crm_id=contact_row().id))
    situation = PersonalSituation(CONTACT, item=item, record=contact_row(), in_filter=True)
    decision = personal.decide(situation, context())
    assert decision.actions == ()
    assert [skip.code for skip in decision.skips] == ["ended"]
    other = replace(situation, item=replace(item, stamps=Stamps(0.0, crm_id=ROW)))
    assert personal.decide(other, context()).actions
    assert personal.decide(replace(situation, chosen=item.id), context()).actions


@rule("LNK-10")
def test_a_contact_that_is_quiet_and_apart_is_found():
    situation = personal_build.pair()
    shown = replace(situation.item, values={**situation.item.values, "jobTitle": "Here"})
    held = replace(situation.record, values={**situation.record.values, "jobTitle": "There"})
    base = replace(personal_build.linked(shown, held), generation=2)
    situation = replace(situation, item=shown, record=held, link=base)
    surroundings = context()
    found = drift.find(situation, personal.decide(situation, surroundings), surroundings, personal.decide)
    assert (found.drift, found.fields, found.side) == (Drift.APART, ("jobTitle",), "exchange")
