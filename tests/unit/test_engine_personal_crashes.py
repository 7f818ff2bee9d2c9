"""Contacts and tasks whose worker died, or whose answers were lost, while people went on: told step by step,
as random stories had found them (``tests/properties/test_personal_properties``)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import Transient
from shared.model.link import LinkState
from shared.model.personal import CONTACT, TASK
from shared.model.profile import Brake, ContactDeletion
from shared.rules.tracking import TRACKED_CATEGORY, has_category
from tests.doubles.lost_answers import AFTER, BEFORE, LATE
from tests.doubles.personal_stories import PersonalStory
from tests.marks import rule


async def begun(kind, *, deletes=False):
    story = PersonalStory(kind)
    await story.begin(deletes=deletes)
    return story


STATUS = 6
"""Edits of a task from here on are of its status."""


def tracked(story, box):
    return [item for item in story.items(box) if has_category(item.categories)]


async def ended(story):
    await story.end()
    await story.check()


async def born_in_dynamics(kind, *, deletes=False):
    story = await begun(kind, deletes=deletes)
    story.in_dynamics("add", 0, 0, 0)
    await story.service.read_feed()
    return story


def step(number):
    return pytest.mark.parametrize("number", range(1, number + 1))


@rule("LNK-11", "TASK-11")
@step(10)
async def test_a_task_deleted_after_the_worker_died_making_its_row_stays_deleted(number):
    story = await begun(TASK)
    await story.in_exchange("add", 0, 0, 1)
    await story.happens("kill", 0, number)
    await story.in_exchange("remove", 0, 0, 0)
    await ended(story)
    assert not story.items(story.boxes[0])
    assert not story.rows()


@rule("CONT-4", "TASK-11")
@pytest.mark.parametrize("kind", [CONTACT, TASK])
async def test_a_deletion_that_could_not_be_carried_out_at_first_is_not_forgotten(kind, monkeypatch):
    story = await born_in_dynamics(kind)
    await story.service.profile(contact_deletion=ContactDeletion.DELETE_OWNED)
    await story.service.settle()
    await story.in_exchange("remove", 0, 0, 0)
    with monkeypatch.context() as patch:
        patch.setattr(story.service.dynamics, "delete_record", busy)
        await story.service.run_pass(story.boxes[0])
    assert len(story.rows()) == 1
    await ended(story)
    assert not story.rows()


@rule("EMI-17", "LNK-8")
@pytest.mark.parametrize("kind", [CONTACT, TASK])
@pytest.mark.parametrize("side", ["exchange", "dynamics"])
@step(10)
async def test_what_is_untracked_after_the_worker_died_linking_it_stays_untracked(kind, side, number):
    story = await (begun(kind) if side == "exchange" else born_in_dynamics(kind))
    if side == "exchange":
        await story.in_exchange("add", 0, 0, 1)
    await story.happens("kill", 0, number)
    there = bool(story.items(story.boxes[0]))
    await story.in_exchange("untrack", 0, 0, 0)
    await ended(story)
    assert not there or not tracked(story, story.boxes[0])


@rule("EMI-17", "LNK-8")
@pytest.mark.parametrize("kind", [CONTACT, TASK])
@step(10)
async def test_what_is_tracked_again_and_untracked_after_the_worker_died_stays_untracked(kind, number):
    """The stamp that the worker put on is no person's."""
    story = await born_in_dynamics(kind)
    await story.service.settle()
    await story.in_exchange("untrack", 0, 0, 0)
    await story.service.settle()
    await story.in_exchange("track", 0, 0, 0)
    await story.happens("kill", 0, number)
    await story.in_exchange("untrack", 0, 0, 0)
    await ended(story)
    assert not tracked(story, story.boxes[0])
    (link,) = await story.links(story.boxes[0])
    assert link.state is LinkState.UNTRACKED


@rule("LNK-11")
@step(10)
async def test_a_task_moved_after_the_worker_died_making_its_row_gets_no_second_row(number):
    story = await begun(TASK)
    await story.in_exchange("add", 0, 0, 1)
    await story.happens("kill", 0, number)
    await story.in_exchange("move", 0, 0, 0)
    await ended(story)
    assert len(story.items(story.boxes[0])) == 1
    assert len(story.rows()) == 1


@rule("CONT-5", "FLT-10")
@pytest.mark.parametrize("kind", [CONTACT, TASK])
@pytest.mark.parametrize("deletes", [False, True])
@step(10)
async def test_what_left_the_filter_while_the_worker_died_is_no_persons_doing(kind, deletes, number):
    story = await born_in_dynamics(kind, deletes=deletes)
    await story.service.settle()
    story.in_dynamics("assign", 1, 0, 0)
    await story.service.read_feed()
    await story.happens("kill", 0, number)
    await ended(story)
    ada, bob = story.boxes
    assert not tracked(story, ada)
    assert len(story.items(ada)) == (not deletes)
    assert len(tracked(story, bob)) == 1
    assert len(story.rows()) == 1
    (link,) = await story.links(ada)
    assert link.state is LinkState.LEFT_FILTER


@rule("FLT-6")
@step(10)
async def test_a_contact_that_came_back_while_the_worker_died_unlinking_it_is_linked_again(number):
    story = await born_in_dynamics(CONTACT)
    await story.service.settle()
    story.in_dynamics("state", 0, 0, 0)
    await story.service.read_feed()
    await story.happens("kill", 0, number)
    story.in_dynamics("state", 0, 0, 0)
    await ended(story)
    (link,) = await story.links(story.boxes[0])
    assert link.linked


@rule("FLT-6")
@pytest.mark.parametrize("kind", [CONTACT, TASK])
@pytest.mark.parametrize("how", [BEFORE, AFTER, LATE])
@pytest.mark.parametrize("what", ["remove", "assign"])
async def test_an_item_whose_row_went_before_its_creation_was_known_does_not_stay(kind, how, what):
    story = await born_in_dynamics(kind)
    story.lose("create {kind}", how)
    await story.happens("dynamics", 0, 0)
    story.in_dynamics(what, 1, 0, 0)
    await ended(story)
    assert not tracked(story, story.boxes[0])
    assert len(story.rows()) == (what == "assign")


@rule("FLT-6")
@pytest.mark.parametrize("kind", [CONTACT, TASK])
@pytest.mark.parametrize("answer", ["go-on", "drop"])
async def test_an_item_that_turned_up_late_and_waited_for_an_answer_is_dealt_with(kind, answer):
    story = await born_in_dynamics(kind)
    await story.service.profile(brake=Brake(items=0))
    story.lose("create {kind}", LATE)
    await story.happens("dynamics", 0, 0)
    story.in_dynamics("remove", 1, 0, 0)
    await story.end()
    assert len(tracked(story, story.boxes[0])) == 1
    await answered(story, answer)


@rule("FLT-6")
@pytest.mark.parametrize("kind", [CONTACT, TASK])
@pytest.mark.parametrize("answer", ["go-on", "drop"])
async def test_an_item_whose_link_was_not_finished_and_waited_for_an_answer_is_dealt_with(
    kind, answer, monkeypatch
):
    story = await born_in_dynamics(kind)
    ada = story.boxes[0]
    await story.service.profile(brake=Brake(items=0))
    await story.happens("kill", 0, 6)  # the item is made
    with monkeypatch.context() as patch:
        patch.setattr(type(ada.of(kind)), "mark", busy)
        await story.happens("dynamics", 0, 0)
    (link,) = await story.links(ada)
    assert (link.state, link.exchange_id) == (LinkState.CREATING, None)
    story.in_dynamics("remove", 1, 0, 0)
    await story.service.read_feed()
    await story.service.run_pass(ada)  # asks, and the next one knows the answer
    assert len(tracked(story, ada)) == 1
    await answered(story, answer)


async def busy(*_args, **_options):
    raise Transient("busy", status=503)


async def answered(story, answer):
    """The brake's question, and what comes of it."""
    ada = story.boxes[0]
    (question,) = await story.service.services.decisions.of_mailbox(ada.id)
    await story.service.services.decisions.put(replace(question, answer=answer))
    await story.end()
    there = answer == "drop" or story.kind == CONTACT
    assert len(story.items(ada)) == there, "a contact is only unlinked"
    assert not tracked(story, ada)
    assert not await story.service.services.decisions.of_mailbox(ada.id)


@rule("TASK-6")
async def test_a_task_whose_status_changed_after_the_worker_died_goes_on():
    story = await born_in_dynamics(TASK)
    await story.happens("kill", 0, 6)
    story.in_dynamics("state", 0, 0, 2)
    await ended(story)
    (item,) = story.items(story.boxes[0])
    assert item.value("status") == "inProgress"


@rule("FLT-6", "FLT-10")
@pytest.mark.parametrize("what", ["remove", "edit"])
async def test_a_closed_task_that_changed_while_the_feed_was_broken_is_found_by_comparing(what):
    story = await born_in_dynamics(TASK)
    await story.service.settle()
    story.in_dynamics("state", 0, 0, 0)
    await story.service.settle()
    await story.happens("dynamics token", 0, 0)
    story.in_dynamics(what, 0, 0, 0)
    await ended(story)
    (link,) = await story.links(story.boxes[0])
    assert link.state is (LinkState.LINKED if what == "edit" else LinkState.DELETED_IN_DYNAMICS)


@rule("FLT-6", "LNK-8")
async def test_a_task_opened_again_whose_answer_was_lost_has_not_left_the_filter():
    """Its row was closed when the pass asked, and matched no filter; read again it is open."""
    story = await born_in_dynamics(TASK)
    await story.service.settle()
    await story.in_exchange("edit", 0, 0, STATUS)
    await story.service.settle()
    assert [row.state for row in story.rows()] == [1]
    await story.in_exchange("edit", 0, 0, STATUS)
    story.lose("update {kind} row", AFTER)
    await ended(story)
    assert [row.state for row in story.rows()] == [0]
    told, _ = await story.service.services.history.of_item(story.boxes[0].id, None, limit=100, after=None)
    assert "unlink" not in {row.action for row in told}


@rule("LNK-4", "LNK-8", "LNK-11")
@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("order", [("track", "move"), ("move", "track")])
async def test_a_task_that_is_moved_while_it_is_untracked_comes_back_to_its_row(order, seen):
    """To Do gives it another id; only what untracking noted on it tells whose it was."""
    story = await born_in_dynamics(TASK)
    await story.service.settle()
    await story.in_exchange("untrack", 0, 0, 0)
    await story.service.settle()
    for what in order:
        await story.in_exchange(what, 0, 0, 0)
        if seen:
            await story.service.settle()
    await ended(story)
    assert len(story.rows()) == 1
    links = {link.state: link.exchange_id for link in await story.links(story.boxes[0])}
    assert links == {LinkState.LINKED: story.items(story.boxes[0])[0].id}


@rule("LNK-7", "LNK-8")
async def test_a_copy_of_an_untracked_task_gets_a_row_of_its_own_when_it_is_tracked():
    story = await born_in_dynamics(TASK)
    await story.service.settle()
    await story.in_exchange("untrack", 0, 0, 0)
    await story.service.settle()
    tasks = story.boxes[0].tasks
    (untracked,) = tasks.items_there.values()
    copy = tasks.add(subject="k0c begun")
    tasks.items_there[copy.id] = replace(tasks.items_there[copy.id], stamps=untracked.stamps)
    tasks.categorize(copy.id, TRACKED_CATEGORY)
    await ended(story)
    rows = {row.name for row in story.rows()}
    assert rows == {untracked.value("subject"), "k0c begun"}
