"""The worker is killed with SIGKILL between steps of a pass, on real adapters over real sockets."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.marks import rule
from tests.unit import test_engine_crashes
from tests.wire.crash_draw import drawn
from tests.wire.crash_steps import AT_ONCE, STORIES, World, killed_at, world

__all__ = ["world"]

BETWEEN = 4


@rule("LNK-11")
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_killed_between_steps_the_story_ends_the_same(world: World, story: Any) -> None:
    person = await world.person()
    await story(person)
    steps = await killed_at(world, person, 0)
    assert steps is not None
    assert steps > 4
    await person.quiet()
    expected = await person.outcome()
    slots = asyncio.Semaphore(AT_ONCE)

    async def once(step: int) -> None:
        async with slots:
            victim = await world.person()
            await story(victim)
            assert await killed_at(world, victim, step) is None
            await victim.quiet()
            assert await victim.outcome() == expected, f"killed at step {step}"

    await asyncio.gather(*(once(step) for step in drawn(steps, BETWEEN)))


def test_the_stories_are_those_of_the_in_memory_test() -> None:
    assert [story.__name__ for story in STORIES] == [story.__name__ for story in test_engine_crashes.STORIES]
