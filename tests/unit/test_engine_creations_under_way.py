"""Contacts and tasks that are created where an earlier creation may still take effect: Graph has no
idempotency key for them, and every machine has its own clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.engine import mailbox_pass
from shared.model.link import Link, LinkState
from shared.model.personal import CONTACT, TASK
from shared.rules.personal_intent import ANNOUNCED_FOR, CLOCKS_APART, ON_ITS_WAY, under_way
from tests.doubles import lanes
from tests.doubles.lost_answers import BEFORE, LATE
from tests.doubles.personal_stories import PersonalStory
from tests.marks import rule

KINDS = pytest.mark.parametrize("kind", [CONTACT, TASK])
NOW = datetime.fromisoformat("2026-03-02T09:00:00+00:00")
BOUND = ANNOUNCED_FOR + ON_ITS_WAY + CLOCKS_APART


async def born_in_dynamics(kind: str, count: int = 1) -> PersonalStory:
    story = PersonalStory(kind)
    await story.begin(deletes=False)
    for which in range(count):
        story.in_dynamics("add", 0, which, 0)
    await story.service.read_feed()
    return story


def calling(effect: Callable[[int], None]) -> Callable[[str], Awaitable[None]]:
    """A step that does something each time that an item is about to be created."""
    announced = 0

    async def on_step(name: str) -> None:
        nonlocal announced
        if name == "announced":
            announced += 1
            effect(announced)

    return on_step


@rule("LNK-3", "LNK-7")
@KINDS
@pytest.mark.parametrize("first", [-120, 0, 120])
@pytest.mark.parametrize("second", [-120, 0, 120])
async def test_what_one_machine_has_under_way_another_does_not_create(
    kind: str, first: int, second: int
) -> None:
    story = await born_in_dynamics(kind)
    ada = story.boxes[0]
    story.on_machine(first)
    story.lose("create {kind}", LATE)
    await story.service.run_pass(ada)
    assert not story.items(ada)
    story.on_machine(second)
    for _ in range(3):
        await story.service.run_pass(ada)
        story.service.clock.forward(20)
    await story.end()
    await story.check()
    assert len(story.items(ada)) == 1


@rule("LNK-3")
@KINDS
async def test_looking_again_and_again_does_not_put_off_what_can_be_created(kind: str) -> None:
    """Nor is it created a minute before."""
    story = await born_in_dynamics(kind)
    ada = story.boxes[0]
    story.lose("create {kind}", BEFORE)
    await story.service.run_pass(ada)
    began = story.service.clock()
    while not story.items(ada) and story.service.clock() < began + 2 * BOUND:
        story.service.clock.forward(15)
        await story.service.run_pass(ada)
    assert BOUND <= story.service.clock() - began < BOUND + timedelta(minutes=1)


@rule("LNK-3")
@KINDS
async def test_waiting_for_it_is_no_failure(kind: str) -> None:
    """Each repeat comes as soon as the one before, so that it is created when it can be."""
    story = await born_in_dynamics(kind)
    ada, service = story.boxes[0], story.service
    story.lose("create {kind}", BEFORE)
    await service.run_pass(ada)
    began = service.clock()
    while not story.items(ada):
        (again,) = (job for job in service.jobs.take() if job.cause == "continue")
        assert again.at is not None
        wait = again.at - service.clock()
        assert wait <= timedelta(minutes=1)
        assert again.attempt <= 2, "or whatever fails next would wait as if it had failed all the time"
        service.clock.forward(wait.total_seconds())
        await lanes.work(service.services, again)
    assert service.clock() - began == BOUND


@rule("LNK-3")
@KINDS
async def test_nobody_else_waits_for_it(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox_pass, "CHUNK", 1)
    story = await born_in_dynamics(kind, count=4)
    story.lose("create {kind}", BEFORE)
    await story.service.run_pass(story.boxes[0])
    assert len(story.items(story.boxes[0])) == 3
    (again,) = (job.at for job in story.service.jobs.take() if job.cause == "continue")
    now = story.service.clock()
    assert again is not None
    assert now + timedelta(seconds=30) < again <= now + timedelta(seconds=60), "it is looked for again"


@rule("LNK-3")
@KINDS
async def test_a_creation_is_not_begun_long_after_its_announcement(kind: str) -> None:
    """Nobody else could tell until when it may take effect. It is announced anew."""
    story = await born_in_dynamics(kind, count=6)
    ada = story.boxes[0]
    late = ANNOUNCED_FOR.total_seconds() + 1
    story.service.services = replace(
        story.service.services,
        on_step=calling(lambda nth: story.service.clock.forward(late) if nth == 4 else None),
    )
    await story.service.run_pass(ada)
    assert len(story.items(ada)) == 4
    await story.end()
    await story.check()
    assert len(story.items(ada)) == 6


@rule("LNK-3")
def test_only_a_creation_that_was_begun_is_waited_for() -> None:
    link = Link(CONTACT, "contact", "1", None, LinkState.CREATING, attempt_at=NOW)
    assert under_way(link, NOW + BOUND - timedelta(seconds=1)) == timedelta(seconds=1)
    assert under_way(link, NOW + BOUND) <= timedelta()
    assert under_way(replace(link, attempt_at=None), NOW) <= timedelta()
    assert under_way(replace(link, state=LinkState.LINKED), NOW) <= timedelta()
    assert under_way(None, NOW) <= timedelta()
