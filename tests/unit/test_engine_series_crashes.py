"""Series, and a worker that dies between any two steps, is overtaken, or loses an answer: the story ends the
same, and everybody gets the same mails."""

from __future__ import annotations

import pytest

from shared.model.timezones import zone
from shared.rules.occurrence_views import Slots, dynamics_view, exchange_view
from tests.doubles import series_world
from tests.doubles.stories import (
    assert_a_lost_answer_changes_nothing,
    assert_deaths_change_nothing,
    overtaken,
    told,
)
from tests.marks import rule
from tests.unit.test_engine_series import GUEST, GUESTS, ROW, add_event, add_row, at, instant, weekly


async def tracked_with_exceptions(service, ada):
    event = add_event(ada)
    ada.edit_occurrence(event.id, "2026-03-16", subject="Once", time=at("2026-03-16", 14))
    ada.edit_occurrence(event.id, "2026-03-30", location="Room 9")
    ada.remove_occurrence_of(event.id, "2026-03-23")


async def from_dynamics_with_exceptions(service, ada):
    add_row(service, ada, attendees=GUESTS)
    service.dynamics.edit_instance(ROW, instant("2026-03-16"), subject="Once")
    service.dynamics.remove_instance_of(ROW, instant("2026-03-23"))


async def both_edited(service, ada):
    await from_dynamics_with_exceptions(service, ada)
    await service.settle()
    (event,) = ada.items.values()
    ada.edit_occurrence(event.id, "2026-03-30", location="Room 9")
    service.dynamics.edit_instance(ROW, instant("2026-03-30"), subject="From Dynamics")
    service.dynamics.edit_instance(ROW, instant("2026-03-16"), subject="Twice")


async def pattern_changed_in_exchange(service, ada):
    await tracked_with_exceptions(service, ada)
    await service.settle()
    (event,) = ada.items.values()
    ada.edit(event.id, recurrence=weekly(count=8))
    ada.edit_occurrence(event.id, "2026-04-06", subject="Anew")


async def pattern_changed_in_dynamics(service, ada):
    await from_dynamics_with_exceptions(service, ada)
    await service.settle()
    service.dynamics.edit(ROW, recurrence=series_world.in_columns(weekly(hour=11)))
    service.dynamics.edit_instance(ROW, instant("2026-03-30", 11), subject="Anew")


async def made_a_single_event(service, ada):
    await tracked_with_exceptions(service, ada)
    await service.settle()
    (event,) = ada.items.values()
    ada.edit(event.id, recurrence=None, time=at("2026-03-09", 9))


async def made_a_series_in_dynamics(service, ada):
    organizer = service.dynamics.users[ada.address]
    service.dynamics.add(ROW, organizer, subject="Demo", time=at("2026-03-09", 9), attendees=GUESTS)
    await service.settle()
    service.dynamics.make_a_series(ROW, ROW.replace("6", "7"), series_world.in_columns(weekly()))


STORIES = [
    tracked_with_exceptions,
    from_dynamics_with_exceptions,
    both_edited,
    pattern_changed_in_exchange,
    pattern_changed_in_dynamics,
    made_a_single_event,
    made_a_series_in_dynamics,
]


async def outcome(service, ada):
    """What people see in the end: both sides' content and every mail."""
    shown = ("subject", "location", "time", "recurrence")
    events = sorted(
        str(([e.value(n) for n in shown], sorted(exchange_view(e).items()) if e.is_series else []))
        for e in ada.items.values()
    )
    rows = sorted(str(([r.value(n) for n in shown], occurrences(r))) for r in service.dynamics.rows.values())
    return events, rows, sorted(service.exchange.mails)


def occurrences(row):
    return sorted(dynamics_view(row, Slots.of(None, row, zone("UTC"))).items()) if row.is_series else []


@rule("LNK-11", "APPT-36")
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_killed_between_any_two_steps_the_story_ends_the_same(story):
    await assert_deaths_change_nothing(story, outcome)


LOST = [
    ("create_appointment", tracked_with_exceptions),
    ("put_exception", tracked_with_exceptions),
    ("remove_instance", tracked_with_exceptions),
    ("create_event", from_dynamics_with_exceptions),
    ("update_occurrence", from_dynamics_with_exceptions),
    ("remove_occurrence", from_dynamics_with_exceptions),
    ("update_event", from_dynamics_with_exceptions),
    ("update_appointment", pattern_changed_in_exchange),
    ("update_event", pattern_changed_in_dynamics),
    ("delete_appointment", made_a_single_event),
    ("update_event", made_a_series_in_dynamics),
]


@pytest.mark.parametrize(("write", "story"), LOST, ids=lambda value: getattr(value, "__name__", value))
async def test_a_write_whose_answer_is_lost_is_read_back_and_not_repeated(write, story):
    await assert_a_lost_answer_changes_nothing(write, story, outcome)


async def test_two_workers_in_one_mailbox_do_not_invite_twice():
    service, ada = await told(from_dynamics_with_exceptions)
    await service.read_feed()
    await service.run_pass(ada)
    steps = len(service.steps)
    for number in range(1, steps + 1):
        service, ada = await told(from_dynamics_with_exceptions)
        await service.read_feed()
        await overtaken(service, ada, number)
        await service.settle()
        invitations = [mail for mail in service.exchange.mails if mail == ("invitation", GUEST)]
        assert len(invitations) == 1, f"overtaken at step {number}"
        assert len(ada.items) == 1
