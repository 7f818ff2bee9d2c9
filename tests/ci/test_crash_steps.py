"""The worker is killed with SIGKILL between steps of a pass, on real adapters over real sockets."""

from __future__ import annotations

import pytest

from tests.marks import rule
from tests.unit import test_engine_crashes
from tests.wire.crash_draw import drawn
from tests.wire.crash_steps import STORIES, Person, Story, World, ends_the_same, world

__all__ = ["world"]

BETWEEN = 4


@rule("LNK-11")
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_killed_between_steps_the_story_ends_the_same(world: World, story: Story) -> None:
    await ends_the_same(world, story, Person.outcome, lambda steps: drawn(steps, BETWEEN), 4)


def test_the_stories_are_those_of_the_in_memory_test() -> None:
    assert [story.__name__ for story in STORIES] == [story.__name__ for story in test_engine_crashes.STORIES]
