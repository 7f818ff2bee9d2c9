"""The worker is killed with SIGKILL between steps of passes over series, on real adapters over real sockets.

A series takes more steps than single items do, so some of them are drawn; the seed is in the name.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.marks import rule
from tests.wire import series_stories
from tests.wire.crash_draw import SEED, drawn
from tests.wire.crash_steps import AT_ONCE, World, killed_at, world

__all__ = ["world"]

STORIES = [series_stories.from_exchange, series_stories.from_dynamics, series_stories.pattern_changed]


@rule("LNK-11", "APPT-35")
@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.__name__}-seed{SEED}")
async def test_killed_between_steps_the_series_ends_the_same(world: World, story: Any) -> None:
    person = await world.person()
    await story(person)
    steps = await killed_at(world, person, 0)
    assert steps is not None
    assert steps > 6
    await person.quiet()
    expected = await series_stories.outcome(person)
    slots = asyncio.Semaphore(AT_ONCE)

    async def once(step: int) -> None:
        async with slots:
            victim = await world.person()
            await story(victim)
            assert await killed_at(world, victim, step) is None
            await victim.quiet()
            assert await series_stories.outcome(victim) == expected, f"killed at step {step} of {steps}"

    await asyncio.gather(*(once(step) for step in drawn(steps)))
