"""The worker dies between any two steps, or an answer is lost: nothing is lost, doubled or mailed twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.doubles.stories import (
    assert_a_lost_answer_changes_nothing,
    assert_deaths_change_nothing,
    overtaken,
    told,
)
from tests.doubles.world import EPOCH
from tests.marks import rule
from tests.rules.build import CATEGORY, at

ROW = "66666666-6666-4666-8666-666666666666"
FUTURE = EPOCH + timedelta(days=3)
GUESTS = [["guest@fabrikam.example", "required"]]
INVITED = ("invitation", "guest@fabrikam.example")


async def from_exchange(service, ada):
    ada.add(subject="Born in Exchange", time=at(FUTURE), categories=(CATEGORY,))


async def from_dynamics(service, ada):
    organizer = service.dynamics.users[ada.address]
    service.dynamics.add(ROW, organizer, subject="Born in Dynamics", time=at(FUTURE), attendees=GUESTS)


async def both_edited(service, ada):
    await from_dynamics(service, ada)
    await service.settle()
    (event,) = ada.items.values()
    ada.edit(event.id, body="From Exchange")
    service.dynamics.edit(ROW, location="From Dynamics")


async def deleted_in_exchange(service, ada):
    await from_dynamics(service, ada)
    await service.settle()
    (event,) = ada.items.values()
    ada.remove(event.id)


async def deleted_in_dynamics(service, ada):
    await from_dynamics(service, ada)
    await service.settle()
    service.dynamics.remove(ROW)


async def untracked(service, ada):
    await from_exchange(service, ada)
    await service.settle()
    (event,) = ada.items.values()
    ada.edit(event.id, categories=())


STORIES = [from_exchange, from_dynamics, both_edited, deleted_in_exchange, deleted_in_dynamics, untracked]


async def outcome(service, ada):
    """What people see in the end: both sides' content and every mail."""
    shown = ("subject", "body", "location", "time")
    events = sorted(str([e.value(n) for n in shown]) for e in ada.items.values())
    rows = sorted(str([r.value(n) for n in shown]) for r in service.dynamics.rows.values())
    return events, rows, sorted(service.exchange.mails)


@rule("LNK-11")
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_killed_between_any_two_steps_the_story_ends_the_same(story):
    await assert_deaths_change_nothing(story, outcome)


LOST = [
    ("create_appointment", from_exchange),
    ("mark_event", from_exchange),
    ("create_event", from_dynamics),
    ("update_event", both_edited),
    ("update_appointment", both_edited),
    ("delete_appointment", deleted_in_exchange),
    ("cancel_event", deleted_in_dynamics),
    ("mark_event", untracked),
]


@pytest.mark.parametrize(("write", "story"), LOST, ids=lambda value: getattr(value, "__name__", value))
async def test_a_write_whose_answer_is_lost_is_read_back_and_not_repeated(write, story):
    await assert_a_lost_answer_changes_nothing(write, story, outcome)


async def test_two_workers_in_one_mailbox_do_not_invite_twice():
    """A lost session lock: the first worker is stopped at each step, a second one runs through, and the first
    goes on."""
    service, ada = await told(from_dynamics)
    await service.read_feed()
    await service.run_pass(ada)
    steps = len(service.steps)
    for number in range(1, steps + 1):
        service, ada = await told(from_dynamics)
        await service.read_feed()
        await overtaken(service, ada, number)
        await service.settle()
        assert service.exchange.mails == [INVITED], f"overtaken at step {number}"
        assert len(ada.items) == 1


@rule("LNK-10")
async def test_what_lost_a_conflict_is_in_the_history_though_the_writes_answer_was_lost(service, ada):
    """Reading back shows two sides that agree: nobody could tell any more that something was overwritten."""
    event = ada.add(subject="Before", time=at(FUTURE), categories=(CATEGORY,))
    await service.settle()
    (row_id,) = service.dynamics.rows
    ada.edit(event.id, subject="Mine")
    service.clock.forward(60)
    service.dynamics.edit(row_id, subject="Theirs")
    service.exchange.lose_answers_of.add("update_event")
    await service.settle()
    assert ada.items[event.id].value("subject") == "Theirs"
    rows, _ = await service.services.history.of_item(ada.id, None, limit=100, after=None)
    assert [dict(row.lost) for row in rows if row.lost] == [{"subject": "Mine"}]


@rule("LNK-10", "APPT-26")
async def test_an_edit_between_reading_an_event_and_marking_it_arrives(service, ada, monkeypatch):
    """Marks are written under no condition, so that nobody is mailed; their answer shows more than was
    read."""
    event = ada.add(subject="Before", time=at(FUTURE), categories=(CATEGORY,))
    mark = ada.mark_event

    async def edited_just_before(write):
        monkeypatch.undo()
        ada.edit(event.id, subject="In between")
        return await mark(write)

    monkeypatch.setattr(ada, "mark_event", edited_just_before)
    await service.settle()
    (row,) = service.dynamics.rows.values()
    assert row.value("subject") == "In between"
