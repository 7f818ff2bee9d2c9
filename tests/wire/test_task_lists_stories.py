"""Stories about lists: tasks move between them, lists come and go, and they are polled (TASK-13, LNK-11)."""

from __future__ import annotations

import pytest

from tests.marks import rule
from tests.wire.people import People, Person, people
from tests.wire.todo import (
    all_rows,
    all_tasks,
    linked,
    move,
    new_list,
    one_row,
    one_task,
    row_of,
    tracked,
)

DELTA = "GET /users/{}/todo/lists/{}/tasks/delta"


async def poll(world: People, person: Person) -> None:
    """The timer's pass, when the lists are due."""
    world.forward(minutes=13)
    await person.run_pass("due")


async def poll_for_an_hour(world: People, person: Person) -> None:
    for _ in range(5):
        await poll(world, person)


@rule("LNK-11", "TASK-13")
@pytest.mark.parametrize("edited", ["nothing", "in To Do", "in Dynamics", "both"])
@pytest.mark.parametrize("origin", ["exchange", "dynamics"])
async def test_a_moved_task_keeps_its_row_and_its_link(origin: str, edited: str) -> None:
    async with people() as world:
        ada = await world.person("ada")
        other = await new_list(ada, "Work")
        await world.settle()
        task, row = await (linked if origin == "dynamics" else tracked)(world, ada)
        moved = await move(ada, task["id"], other)
        assert moved != task["id"]
        if edited in ("in To Do", "both"):
            await ada.edit_task(moved, other, title="Call Mary")
        if edited in ("in Dynamics", "both"):
            await ada.edit("tasks", row["activityid"], description="more")
        await world.settle()
        (found,) = await all_tasks(ada)
        (kept,) = await all_rows(ada)
        assert (found["id"], kept["activityid"]) == (moved, row["activityid"])
        (link,) = await ada.links("task")
        assert (link.state.value, link.exchange_id, link.markers["place"]) == ("linked", moved, other)
        await ada.edit_task(moved, other, importance="high")
        await world.settle()
        await ada.edit("tasks", row["activityid"], subject="Last")
        await world.settle()
        (found,), (kept,) = await all_tasks(ada), await all_rows(ada)
        assert (found["title"], found["importance"], kept["prioritycode"]) == ("Last", "high", 2)
        expected = "more" if edited in ("in Dynamics", "both") else ""
        assert found["body"]["content"].strip() == (kept["description"] or "") == expected


@rule("LNK-11")
async def test_a_task_moved_there_and_back_and_completed_on_the_way() -> None:
    async with people() as world:
        ada = await world.person("ada")
        home, other = await ada.default_list(), await new_list(ada, "Work")
        await world.settle()
        task, row = await linked(world, ada)
        there = await move(ada, task["id"], other)
        await ada.edit_task(there, other, status="completed")
        back = await move(ada, there, home)
        await world.settle()
        assert (await row_of(ada, row))["statecode"] == 1
        assert [each["id"] for each in await all_tasks(ada)] == [back]
        assert len(await all_rows(ada)) == 1


@rule("LNK-11")
async def test_a_task_moved_to_a_list_that_is_new_goes_on_within_the_hour() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await linked(world, ada)
        await poll(world, ada)
        other = await new_list(ada, "Just made")
        moved = await move(ada, task["id"], other)
        await poll(world, ada)
        (link,) = await ada.links("task")
        assert (link.state.value, link.exchange_id) == ("linked", moved)
        await ada.edit_task(moved, other, title="Call Mary")
        await poll_for_an_hour(world, ada)
        assert (await row_of(ada, row))["subject"] == "Call Mary"
        assert len(await all_rows(ada)) == len(await all_tasks(ada)) == 1


async def test_a_task_made_in_a_new_list_is_found_within_the_hour() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        await tracked(world, ada, "First")
        await poll(world, ada)
        other = await new_list(ada, "Just made")
        await ada.add_task("Second", place=other)
        await poll_for_an_hour(world, ada)
        assert await one_row(ada, "Second")


@rule("TASK-11")
async def test_a_list_deleted_with_its_tasks_deletes_their_rows_as_the_setting_says() -> None:
    async with people() as world:
        ada = await world.person("ada")
        other = await new_list(ada, "Work")
        await world.settle()
        await tracked(world, ada, "Kept")
        task, _ = await tracked(world, ada, "Gone")
        await move(ada, task["id"], other)
        await world.settle()
        await ada.graph("DELETE", f"todo/lists/{other}")
        await world.settle()
        assert [row["subject"] for row in await all_rows(ada)] == ["Kept"]
        assert [found["title"] for found in await all_tasks(ada)] == ["Kept"]
        await ada.edit_task((await one_task(ada, "Kept"))["id"], importance="high")
        await world.settle()
        assert (await one_row(ada, "Kept"))["prioritycode"] == 2


async def test_a_list_deleted_between_two_polls_is_noticed_by_the_poll() -> None:
    async with people() as world:
        ada = await world.person("ada")
        other = await new_list(ada, "Work")
        await world.settle()
        task, _ = await tracked(world, ada, "Gone")
        await move(ada, task["id"], other)
        await world.settle()
        await poll(world, ada)
        await ada.graph("DELETE", f"todo/lists/{other}")
        await poll(world, ada)
        await poll(world, ada)
        assert await all_rows(ada) == []
        (link,) = await ada.links("task")
        assert link.state.ended


@rule("TASK-11", "LNK-11")
async def test_many_tasks_deleted_at_once_are_looked_for_in_the_lists_once() -> None:
    async with people() as world:
        ada = await world.person("ada")
        for name in ("One", "Two", "Three"):
            await new_list(ada, name)
        await world.settle()
        for number in range(8):
            await ada.add_task(f"Task {number}")
        await world.settle()
        for task in await all_tasks(ada):
            await ada.delete_task(task["id"])
        await world.counted("exchange")
        await poll(world, ada)
        counts = await world.counted("exchange")
        assert counts["GET /users/{id}/todo/lists/{id}/tasks"] == 4
        assert counts["GET /users/{id}/todo/lists/{id}/tasks/{id}"] == 8
        assert await all_rows(ada) == []


@rule("TASK-12")
async def test_recurring_tasks_are_left_alone_with_a_reason() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        due = {"dateTime": f"{world.clock.now():%Y-%m-%d}T00:00:00", "timeZone": "UTC"}
        rule_ = {
            "pattern": {"type": "daily", "interval": 1},
            "range": {"type": "noEnd", "startDate": due["dateTime"][:10]},
        }
        task = await ada.add_task("Each day", dueDateTime=due, recurrence=rule_)
        await world.settle()
        assert await all_rows(ada) == []
        assert "recurring tasks are not synchronized" in (await ada.explain(task["id"]))["sentence"]
        # a linked one made recurring stays, and nothing of it travels any more
        mine, row = await tracked(world, ada, "Once")
        await ada.edit_task(mine["id"], dueDateTime=due, recurrence=rule_, title="Often")
        await world.settle()
        assert (await row_of(ada, row))["subject"] == "Once"
        assert "recurring tasks" in (await ada.explain(mine["id"]))["sentence"]
        # completed it is no series any more; the next one is a new task with our link copied
        await ada.edit_task(mine["id"], status="completed")
        await world.settle()
        assert len(await all_rows(ada)) == 1
        found = await row_of(ada, row)
        assert (found["statecode"], found["subject"]) == (1, "Often")
        assert len([each for each in await all_tasks(ada) if each["title"] == "Often"]) == 2
        await world.settle()
        assert len(await all_rows(ada)) == 1


@rule("TASK-12", "X-5")
async def test_tasks_made_of_flagged_messages_are_not_read() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        await world.counted("exchange")
        await poll_for_an_hour(world, ada)
        counts = await world.counted("exchange")
        names = {row["wellknownListName"] for row in await ada.lists()}
        assert "flaggedEmails" in names
        asked = sum(number for kind, number in counts.items() if kind.endswith("tasks/delta"))
        assert asked == len(names) - 1


@rule("TASK-13")
async def test_an_idle_mailbox_reads_all_its_lists_in_one_batch_every_twelve_minutes() -> None:
    async with people() as world:
        ada = await world.person("ada")
        for name in ("One", "Two", "Three", "Four"):
            await new_list(ada, name)
        await world.settle()
        await tracked(world, ada)
        await ada.run_pass("due")
        await world.counted("exchange")
        world.forward(minutes=5)
        await ada.run_pass("due")
        assert asked_lists(await world.counted("exchange")) == 0
        world.forward(minutes=8)
        read_at = (await ada.mailbox_row()).tasks_read_at
        await ada.run_pass("due")
        counts = await world.counted("exchange")
        assert asked_lists(counts) == 5
        assert counts["POST /$batch"] == 1
        later = (await ada.mailbox_row()).tasks_read_at
        assert read_at is not None
        assert later is not None
        assert later > read_at
        assert (await ada.mailbox_row()).tracks_tasks is True


def asked_lists(counts: dict[str, int]) -> int:
    return sum(number for kind, number in counts.items() if kind.endswith("/tasks/delta"))


@rule("TASK-13")
async def test_a_mailbox_that_never_tracked_a_task_is_read_hourly() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        await ada.run_pass("due")
        assert (await ada.mailbox_row()).tracks_tasks is False
        await world.counted("exchange")
        for _ in range(3):
            await poll(world, ada)
        assert asked_lists(await world.counted("exchange")) == 0
        for _ in range(2):
            await poll(world, ada)
        assert asked_lists(await world.counted("exchange")) == 1
        await ada.add_task("First")
        await poll_for_an_hour(world, ada)
        assert await one_row(ada, "First")
        assert (await ada.mailbox_row()).tracks_tasks is True
        await world.counted("exchange")
        await poll(world, ada)
        assert asked_lists(await world.counted("exchange")) == 1


@rule("TASK-13")
async def test_a_profile_may_switch_the_tasks_off() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await linked(world, ada)
        await world.profile(synchronize_tasks=False)
        await world.counted("exchange")
        await ada.edit_task(task["id"], title="Other")
        await ada.edit("tasks", row["activityid"], description="more")
        await world.settle()
        await ada.run_pass("sync now")
        assert asked_lists(await world.counted("exchange")) == 0
        assert (await all_tasks(ada))[0]["body"]["content"].strip() == ""
        assert (await all_rows(ada))[0]["subject"] != "Other"
        assert len(await all_rows(ada)) == len(await all_tasks(ada)) == 1


@rule("TASK-13")
async def test_without_polling_the_lists_are_read_only_when_somebody_asks() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await linked(world, ada)
        await world.profile(task_polling_minutes=0)
        await world.settle()
        await world.counted("exchange")
        await ada.edit_task(task["id"], title="Other")
        for _ in range(6):
            await poll(world, ada)
        assert asked_lists(await world.counted("exchange")) == 0
        await ada.edit("tasks", row["activityid"], description="more")
        await world.read_feed()
        await ada.run_pass("dynamics")
        assert (await all_tasks(ada))[0]["body"]["content"].strip() == "more"
        await ada.run_pass("sync now")
        assert (await all_rows(ada))[0]["subject"] == "Other"
        assert len(await all_rows(ada)) == len(await all_tasks(ada)) == 1


@rule("TASK-13")
@pytest.mark.parametrize("cause", ["notification", "dynamics"])
async def test_a_hint_about_something_else_reads_no_lists(cause: str) -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        await linked(world, ada)
        world.forward(minutes=5)
        await world.counted("exchange")
        await ada.run_pass(cause)
        assert asked_lists(await world.counted("exchange")) == 0
