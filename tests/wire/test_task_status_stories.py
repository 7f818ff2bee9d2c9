"""Stories about how far a task is: status, per cent, completion, reminder (TASK-2 to TASK-6, TASK-9)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from shared.model.values import Direction
from tests.marks import rule
from tests.wire.people import People, Person, people
from tests.wire.todo import (
    EXTENSION,
    SETS,
    Json,
    all_rows,
    all_tasks,
    extension,
    in_days,
    instant,
    linked,
    one_row,
    one_task,
    row_of,
    shown_day,
    tracked,
    whole,
)

SHOWN = {
    "task": {
        (0, 2): "notStarted",
        (0, 3): "inProgress",
        (0, 4): "waitingOnOthers",
        (0, 7): "deferred",
        (1, 5): "completed",
        (2, 6): "completed",
    },
    "phonecall": {
        (0, 1): "notStarted",
        (1, 2): "completed",
        (1, 4): "completed",
        (2, 3): "completed",
    },
    "letter": {
        (0, 1): "notStarted",
        (0, 2): "notStarted",
        (1, 3): "completed",
        (1, 4): "completed",
        (2, 5): "completed",
    },
    "fax": {
        (0, 1): "notStarted",
        (1, 2): "completed",
        (1, 3): "completed",
        (1, 4): "completed",
        (2, 5): "completed",
    },
}
"""TASK-2 and TASK-3: every state and status reason of each table, and what To Do shows."""


def status_of(row: Json) -> tuple[int, int]:
    return row["statecode"], row["statuscode"]


async def set_status(person: Person, row: Json, state: int, reason: int, table: str = "task") -> None:
    await person.edit(SETS[table], row["activityid"], statecode=state, statuscode=reason)


async def reopen(person: Person, row: Json, table: str = "task") -> None:
    """Who opens a row again has to clear its actual end, or it counts as done (TASK-9)."""
    await person.edit(SETS[table], row["activityid"], actualend=None, statecode=0)


async def set_extension(person: Person, task: Json, **values: object) -> None:
    """Our extension as something else writes it. Such a change is in no feed, so the task is touched too."""
    where = f"todo/lists/{await person.default_list()}/tasks/{task['id']}"
    body = {"@odata.type": "microsoft.graph.openTypeExtension", **values}
    found = extension(await whole(person, task["id"]))
    if found:
        await person.graph("PATCH", f"{where}/extensions/{EXTENSION}", body)
    else:
        await person.graph("POST", f"{where}/extensions", {**body, "extensionName": EXTENSION})
    await person.graph("PATCH", where, {"status": "inProgress"})


@rule("TASK-2", "TASK-3", "FLD-19")
@pytest.mark.parametrize("table", list(SETS))
async def test_every_status_of_a_row_is_shown_in_to_do_and_stays_as_it_is(table: str) -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        rows = {status: await ada.make(SETS[table], subject=f"Row {status}") for status in SHOWN[table]}
        await world.settle()
        for status, row in rows.items():
            await set_status(ada, row, *status, table)
        await world.settle()
        for status, row in rows.items():
            task = await one_task(ada, f"Row {status}")
            assert (status, task["status"]) == (status, SHOWN[table][status])
            assert ("completedDateTime" in task) == (task["status"] == "completed")
            assert status_of(await row_of(ada, row, table)) == status
            await ada.edit_task(task["id"], importance="high")
        await world.settle()
        for status, row in rows.items():
            found = await row_of(ada, row, table)
            assert (found["prioritycode"], status_of(found)) == (2, status)
            await reopen(ada, row, table)
        await world.settle()
        assert {task["status"] for task in await all_tasks(ada)} == {"notStarted"}
        assert len(await all_tasks(ada)) == len(rows)
        assert all(link.linked for link in await ada.links("task"))


@rule("TASK-2", "TASK-4", "FLD-19")
async def test_every_status_of_to_do_reaches_a_task_row() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        wanted = {
            "notStarted": (0, 2),
            "inProgress": (0, 3),
            "waitingOnOthers": (0, 4),
            "deferred": (0, 7),
            "completed": (1, 5),
        }
        for status in wanted:
            await ada.add_task(f"New {status}", status=status)
            await ada.make("tasks", subject=f"Row {status}")
        await world.settle()
        for status in wanted:
            await ada.edit_task((await one_task(ada, f"Row {status}"))["id"], status=status)
        await world.settle()
        for status, expected in wanted.items():
            for name in (f"New {status}", f"Row {status}"):
                row, task = await one_row(ada, name), await one_task(ada, name)
                assert (name, status_of(row), task["status"]) == (name, expected, status)
                assert (row["actualend"] is not None) == (status == "completed")
                assert (row["percentcomplete"] == 100) == (status == "completed")


@rule("TASK-2", "TASK-4")
@pytest.mark.parametrize(
    ("table", "outgoing", "closed"),
    [
        ("phonecall", True, (1, 2)),
        ("phonecall", False, (1, 4)),
        ("letter", True, (1, 4)),
        ("letter", False, (1, 3)),
        ("fax", True, (1, 3)),
        ("fax", False, (1, 4)),
    ],
)
async def test_completing_in_to_do_closes_the_other_tables_in_their_own_words_and_opening_opens(
    table: str, outgoing: bool, closed: tuple[int, int]
) -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        row = await ada.make(SETS[table], subject="Ring", directioncode=outgoing)
        await world.settle()
        task = await one_task(ada, "Ring")
        await ada.edit_task(task["id"], status="inProgress")
        await world.settle()
        assert status_of(await row_of(ada, row, table)) == status_of(row)
        await ada.edit_task(task["id"], status="completed")
        await world.settle()
        found = await row_of(ada, row, table)
        assert status_of(found) == closed
        assert found["actualend"] is not None
        await ada.edit_task(task["id"], status="notStarted")
        await world.settle()
        found = await row_of(ada, row, table)
        assert (status_of(found), found["actualend"]) == ((0, 1), None)
        assert len(await all_tasks(ada)) == len(await all_rows(ada)) == 1


@rule("TASK-3", "TASK-5", "TASK-6", "FLD-14")
async def test_a_row_that_is_completed_leaves_the_filter_and_its_completion_still_arrives() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await linked(world, ada, "Finish", scheduledend=instant(in_days(world, 2)))
        assert task["isReminderOn"] is True
        await set_status(ada, row, 1, 5)
        await world.settle()
        task = await one_task(ada, "Finish")
        done = (await row_of(ada, row))["actualend"] or instant(world.clock.now())
        assert (task["status"], task["isReminderOn"]) == ("completed", False)
        assert task["completedDateTime"]["dateTime"][:10] == done[:10]
        (link,) = await ada.links("task")
        assert link.linked
        await ada.edit_task(task["id"], title="Finished")
        await ada.run_pass("sync now")
        await world.settle()
        assert (await row_of(ada, row))["subject"] == "Finished"
        await ada.edit_task(task["id"], status="notStarted")
        await world.settle()
        found = await row_of(ada, row)
        assert (status_of(found), found["actualend"]) == ((0, 2), None)
        await ada.edit("tasks", row["activityid"], subject="Again")
        await world.settle()
        assert (await one_task(ada, "Again"))["status"] == "notStarted"
        await ada.run_pass("sync now")
        assert len(await all_tasks(ada)) == len(await all_rows(ada)) == 1


@rule("TASK-3")
async def test_a_canceled_row_is_completed_in_to_do_and_stays_canceled_until_somebody_opens_it() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await linked(world, ada, "Drop it")
        await set_status(ada, row, 2, 6)
        await world.settle()
        assert (await one_task(ada, "Drop it"))["status"] == "completed"
        await ada.edit_task(task["id"], body={"content": "why", "contentType": "text"})
        await world.settle()
        found = await row_of(ada, row)
        assert (status_of(found), found["description"]) == ((2, 6), "why")
        await ada.edit_task(task["id"], status="inProgress")
        await world.settle()
        assert status_of(await row_of(ada, row)) == (0, 3)
        assert (await one_task(ada, "Drop it"))["status"] == "inProgress"


@rule("TASK-9")
async def test_an_actual_end_in_the_past_completes_in_to_do_and_opening_there_clears_it() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await linked(world, ada, "Over")
        past = world.clock.now() - timedelta(days=3)
        await ada.edit("tasks", row["activityid"], actualend=instant(past))
        await world.settle()
        task = await one_task(ada, "Over")
        assert task["status"] == "completed"
        assert task["completedDateTime"]["dateTime"][:10] == past.date().isoformat()
        assert status_of(await row_of(ada, row)) == (0, 2)
        await ada.edit_task(task["id"], status="notStarted")
        await world.settle()
        found = await row_of(ada, row)
        assert (found["actualend"], status_of(found)) == (None, (0, 2))
        await world.settle()
        assert (await one_task(ada, "Over"))["status"] == "notStarted"


@rule("FLD-13", "TASK-3", "TASK-13")
async def test_per_cent_of_a_row_is_in_the_extension_and_says_in_progress() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await linked(world, ada, "Half", percentcomplete=30)
        assert task["status"] == "inProgress"
        assert extension(await whole(ada, task["id"]))["percentComplete"] == 30
        await ada.edit("tasks", row["activityid"], percentcomplete=60)
        await world.settle()
        assert extension(await whole(ada, task["id"]))["percentComplete"] == 60
        await ada.edit("tasks", row["activityid"], percentcomplete=100)
        await world.settle()
        assert (await one_task(ada, "Half"))["status"] == "completed"


@rule("FLD-13", "TASK-4", "TASK-13")
async def test_per_cent_of_the_extension_reaches_the_row() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await tracked(world, ada, "Half")
        await set_extension(ada, task, percentComplete=40)
        await world.settle()
        assert (await row_of(ada, row))["percentcomplete"] == 40
        assert (await one_task(ada, "Half"))["status"] == "inProgress"
        await ada.edit_task(task["id"], status="completed")
        await world.settle()
        found = await row_of(ada, row)
        assert (found["percentcomplete"], status_of(found)) == (100, (1, 5))
        await ada.edit_task(task["id"], status="notStarted")
        await world.settle()
        found = await row_of(ada, row)
        assert (found["percentcomplete"], status_of(found)) == (0, (0, 2))
        await ada.edit("tasks", row["activityid"], percentcomplete=20)
        await world.settle()
        assert (await one_task(ada, "Half"))["status"] == "inProgress"
        assert extension(await whole(ada, task["id"]))["percentComplete"] == 20


async def test_completed_on_both_sides_at_once_and_opened_on_one_while_edited_on_the_other() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await linked(world, ada, "Both")
        await ada.edit_task(task["id"], status="completed")
        await set_status(ada, row, 1, 5)
        await world.settle()
        assert (await one_task(ada, "Both"))["status"] == "completed"
        assert status_of(await row_of(ada, row)) == (1, 5)
        await ada.edit_task(task["id"], status="notStarted")
        await ada.edit("tasks", row["activityid"], subject="Both again")
        await world.settle()
        assert (await one_task(ada, "Both again"))["status"] == "notStarted"
        assert status_of(await row_of(ada, row)) == (0, 2)


@rule("LNK-10")
async def test_completed_in_to_do_while_canceled_in_dynamics_ends_as_canceled() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await linked(world, ada, "Which")
        await ada.edit_task(task["id"], status="completed")
        await set_status(ada, row, 2, 6)
        await world.settle()
        assert status_of(await row_of(ada, row)) == (2, 6)
        assert (await one_task(ada, "Which"))["status"] == "completed"


@rule("TASK-6", "X-3")
@pytest.mark.parametrize(
    ("late", "set_"), [(-30, True), (20, True), (23.5, True), (24.5, False), (100, False)]
)
async def test_a_reminder_is_set_unless_the_task_was_due_more_than_a_day_ago(late: float, set_: bool) -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        due = (world.clock.now() - timedelta(hours=late)).replace(microsecond=0, second=30)
        task, _ = await linked(world, ada, "Due", scheduledend=instant(due))
        assert task["isReminderOn"] is set_
        if set_:
            assert reminder_of(task) == due


def reminder_of(task: Json) -> datetime:
    assert (task["isReminderOn"], task["reminderDateTime"]["timeZone"]) == (True, "UTC")
    return datetime.fromisoformat(task["reminderDateTime"]["dateTime"][:19] + "+00:00")


@rule("TASK-6")
async def test_the_reminder_follows_a_due_time_moved_in_dynamics_and_no_other_edit() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        due = in_days(world, 4)
        task, row = await linked(world, ada, "Due", scheduledend=instant(due))
        await ada.edit_task(task["id"], isReminderOn=False)
        await world.settle()
        await ada.edit("tasks", row["activityid"], description="more", percentcomplete=10)
        await world.settle()
        assert (await one_task(ada, "Due"))["isReminderOn"] is False
        later = due + timedelta(hours=2)
        await ada.edit("tasks", row["activityid"], scheduledend=instant(later))
        await world.settle()
        assert reminder_of(await one_task(ada, "Due")) == later
        moved = (due + timedelta(days=3)).date().isoformat()
        await ada.edit_task(task["id"], dueDateTime={"dateTime": f"{moved}T00:00:00", "timeZone": "UTC"})
        await world.settle()
        found = await row_of(ada, row)
        assert found["scheduledend"] == f"{moved}T17:00:00Z"
        assert reminder_of(await one_task(ada, "Due")) == later
        await world.settle()
        assert shown_day(await one_task(ada, "Due"), "dueDateTime") == moved


@rule("TASK-6", "TASK-9")
async def test_a_row_counts_as_open_again_once_its_actual_end_is_cleared_and_reminds_again() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        due = in_days(world, 4)
        _, row = await linked(world, ada, "Due", scheduledend=instant(due))
        await set_status(ada, row, 1, 5)
        await world.settle()
        assert (await one_task(ada, "Due"))["isReminderOn"] is False
        await set_status(ada, row, 0, 2)
        await world.settle()
        task = await one_task(ada, "Due")
        assert (task["status"], task["isReminderOn"]) == ("completed", False)
        await reopen(ada, row)
        await world.settle()
        assert (await one_task(ada, "Due"))["status"] == "notStarted"
        assert reminder_of(await one_task(ada, "Due")) == due


@rule("FLD-33")
async def test_a_completion_date_that_may_not_travel_still_lets_the_status_travel() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.profile(directions={"task": {"completed": Direction.NONE, "percent": Direction.NONE}})
        await world.settle()
        task, row = await linked(world, ada, "One way", percentcomplete=50)
        assert extension(await whole(ada, task["id"])) == {}
        await ada.edit_task(task["id"], status="completed")
        await world.settle()
        assert status_of(await row_of(ada, row)) == (1, 5)
        await ada.edit_task(task["id"], status="notStarted")
        await world.settle()
        found = await row_of(ada, row)
        assert status_of(found) == (0, 2)
        assert (await one_task(ada, "One way"))["status"] == "notStarted"


async def test_a_failing_extension_after_the_task_was_written_is_made_up_for() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await linked(world, ada, "Half", percentcomplete=10)
        await world.fault("exchange", "status:503", 1, pathContains="extensions", method="PATCH")
        await ada.edit("tasks", row["activityid"], percentcomplete=70, description="more")
        await settle_patiently(world)
        kept = await whole(ada, task["id"])
        assert extension(kept)["percentComplete"] == 70
        assert kept["body"]["content"].strip() == "more"
        assert (await row_of(ada, row))["percentcomplete"] == 70


async def settle_patiently(world: People) -> None:
    await world.settle()
    world.forward(minutes=3)
    await world.settle()
