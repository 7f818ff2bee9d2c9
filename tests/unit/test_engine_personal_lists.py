"""Lists of telephones without gaps, and tasks whose id changes with their list, told from end to end."""

from __future__ import annotations

import pytest

from shared.model.personal import CONTACT, TASK
from tests.doubles.personal_stories import PersonalStory
from tests.doubles.stories import only
from tests.marks import rule


async def known_to_both(kind):
    story = PersonalStory(kind)
    await story.begin()
    story.in_dynamics("add", 0, 0, 0)
    await story.service.settle()
    return story


@rule("FLD-23")
@pytest.mark.parametrize("number", ["", "222"])
@pytest.mark.parametrize(
    ("first", "second"), [("businessPhone", "businessPhone2"), ("homePhone", "homePhone2")]
)
async def test_a_lone_second_number_that_dynamics_changes_or_clears_does_not_stay(first, second, number):
    story = await known_to_both(CONTACT)
    dynamics = story.service.dynamics
    row = only(dynamics.records_there)
    for text in ("111", number):
        dynamics.edit_record(row.id, **{second: text})
        await story.service.settle()
    (item,) = story.items(story.boxes[0])
    assert (item.value(first), item.value(second)) == (number, "")  # a lone one is shown as the first
    row = only(dynamics.records_there)
    assert (row.value(first), row.value(second)) == ("", number)


@rule("LNK-8", "LNK-11")
async def test_a_task_moved_and_untracked_at_once_is_the_same_when_it_is_tracked_anew():
    story = await known_to_both(TASK)
    await story.in_exchange("move", 0, 0, 0)
    await story.in_exchange("untrack", 0, 0, 0)
    await story.service.settle()
    await story.in_exchange("track", 0, 0, 0)
    await story.end()
    await story.check()
    assert len(story.rows()) == 1
