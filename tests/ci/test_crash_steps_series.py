"""The worker is killed with SIGKILL between steps of passes over series, on real adapters over real sockets.

A series takes more steps than single items do, so some of them are drawn; the seed is in the name.
"""

from __future__ import annotations

import pytest

from tests.marks import rule
from tests.wire import series_stories
from tests.wire.crash_draw import SEED, drawn
from tests.wire.crash_steps import Story, World, ends_the_same, world

__all__ = ["world"]

STORIES = [series_stories.from_exchange, series_stories.from_dynamics, series_stories.pattern_changed]


@rule("LNK-11", "APPT-35")
@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.__name__}-seed{SEED}")
async def test_killed_between_steps_the_series_ends_the_same(world: World, story: Story) -> None:
    await ends_the_same(world, story, series_stories.outcome, drawn, 6)
