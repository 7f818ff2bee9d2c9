"""Stories against duplicates: what Microsoft's sync left behind, links that are lost, answers that are lost
(PAIN-6, LNK-11)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.doubles.tables import MemoryItemIndex, MemoryMailboxStore
from tests.marks import rule
from tests.wire.people import Killed, People, Person, people
from tests.wire.todo import (
    SETS,
    all_rows,
    all_tasks,
    copy,
    day,
    in_days,
    instant,
    linked,
    move,
    new_list,
    one_row,
    one_task,
    row_of,
    shown_day,
    tracked,
    whole,
)


async def patiently(world: People) -> None:
    """What waits for a creation that may still take effect has waited."""
    await world.settle()
    world.forward(minutes=8)
    await world.settle()


async def left_with(world: People, number: int) -> Person:
    """Somebody not subscribed yet, with so many tasks and as many open rows of the same names."""
    ada = await world.person("ada", on=False)
    for each in range(number):
        await ada.make("tasks", subject=f"Task {each}")
        await ada.add_task(f"Task {each}")
    return ada


async def in_step(person: Person) -> bool:
    """Each task has a row of its own and each row a task."""
    rows = {row["activityid"] for row in await all_rows(person)}
    links = {link.dynamics_id: link.exchange_id for link in await person.links("task") if link.linked}
    tasks = {task["id"] for task in await all_tasks(person)}
    named = {
        each["webUrl"].rpartition("=")[2]
        for task in await all_tasks(person)
        for each in task["linkedResources"]
    }
    return rows == set(links) == named and tasks == set(links.values())


# --- what is there already ------------------------------------------------------------------------


@rule("PAIN-6", "CONT-9")
async def test_tasks_left_behind_by_the_sync_before_are_adopted_by_their_open_rows() -> None:
    async with people() as world:
        ada = await world.person("ada", on=False)
        due = in_days(world, 4)
        rows = {
            table: await ada.make(entity_set, subject=f"A {table}", scheduledend=instant(due))
            for table, entity_set in SETS.items()
        }
        for table in SETS:
            await ada.add_task(f"a  {table.upper()}", dueDateTime=day(due.date().isoformat()))
        dated = await ada.make("tasks", subject="Same", scheduledend=instant(due))
        undated = await ada.make("tasks", subject="Same")
        with_due = await ada.add_task("Same", dueDateTime=day(due.date().isoformat()))
        without = await ada.add_task("Same")
        await world.subscribe(ada)
        await world.settle()
        assert len(await all_rows(ada)) == len(await all_tasks(ada)) == 6
        assert await in_step(ada)
        links = {link.dynamics_id: link.exchange_id for link in await ada.links("task")}
        assert links[dated["activityid"]] == with_due["id"]
        assert links[undated["activityid"]] == without["id"]
        for table, row in rows.items():
            task = await one_task(ada, (await row_of(ada, row, table))["subject"])
            assert task["linkedResources"][0]["webUrl"].endswith(f"etn={table}&id={row['activityid']}")


@rule("PAIN-6", "CONT-9")
async def test_several_equal_ones_pair_up_one_to_one() -> None:
    async with people() as world:
        ada = await world.person("ada", on=False)
        for _ in range(3):
            await ada.make("tasks", subject="Status report")
        for _ in range(2):
            await ada.add_task("Status report")
        await world.subscribe(ada)
        await world.settle()
        assert len(await all_rows(ada)) == len(await all_tasks(ada)) == 3
        assert await in_step(ada)


@rule("PAIN-6")
async def test_more_tasks_than_rows_make_rows_of_the_rest() -> None:
    async with people() as world:
        ada = await world.person("ada", on=False)
        await ada.make("tasks", subject="Status report")
        for _ in range(3):
            await ada.add_task("Status report")
        await world.subscribe(ada)
        await world.settle()
        assert len(await all_rows(ada)) == len(await all_tasks(ada)) == 3
        assert await in_step(ada)


async def test_untracked_tasks_of_the_same_subject_are_nobodys_business() -> None:
    async with people() as world:
        ada = await world.person("ada", on=False)
        await ada.make("tasks", subject="Call")
        mine = await ada.add_task("Call", tracked=False)
        await world.subscribe(ada)
        await world.settle()
        assert len(await all_rows(ada)) == 1
        assert len(await all_tasks(ada)) == 2
        assert (await whole(ada, mine["id"]))["linkedResources"] == []


@rule("PAIN-6")
@pytest.mark.parametrize("table", list(SETS))
async def test_completed_tasks_that_are_left_behind_make_no_second_row(table: str) -> None:
    """Their rows are closed and match no filter."""
    async with people() as world:
        ada = await world.person("ada", on=False)
        due = in_days(world, -40)
        row = await ada.make(SETS[table], subject="Long done", scheduledend=instant(due))
        await ada.edit(
            SETS[table], row["activityid"], statecode=1, statuscode={"task": 5, "letter": 4}.get(table, 2)
        )
        await ada.add_task("Long done", status="completed", dueDateTime=day(due.date().isoformat()))
        await world.subscribe(ada)
        await world.settle()
        assert [each["activityid"] for each in await all_rows(ada)] == [row["activityid"]]
        assert len(await all_tasks(ada)) == 1
        assert await in_step(ada)


@rule("PAIN-6")
async def test_done_belongs_to_done_and_a_task_completed_since_completes_its_open_row() -> None:
    async with people() as world:
        ada = await world.person("ada", on=False)
        rows = [await ada.make("tasks", subject="Status report") for _ in range(4)]
        for row in rows[:2]:
            await ada.edit("tasks", row["activityid"], statecode=1, statuscode=5)
        for status in ("completed", "completed", "completed", "notStarted"):
            await ada.add_task("Status report", status=status)
        await world.subscribe(ada)
        await world.settle()
        assert len(await all_rows(ada)) == len(await all_tasks(ada)) == 4
        assert await in_step(ada)
        assert sorted(task["status"] for task in await all_tasks(ada)) == [*["completed"] * 3, "notStarted"]
        assert sorted(row["statecode"] for row in await all_rows(ada)) == [0, 1, 1, 1]


@rule("PAIN-6")
async def test_an_open_task_never_takes_a_closed_row() -> None:
    async with people() as world:
        ada = await world.person("ada", on=False)
        row = await ada.make("tasks", subject="Status report")
        await ada.edit("tasks", row["activityid"], statecode=1, statuscode=5)
        await ada.add_task("Status report")
        await world.subscribe(ada)
        await world.settle()
        (task,) = await all_tasks(ada)
        assert task["status"] == "notStarted"
        assert len(await all_rows(ada)) == 2


@rule("PAIN-6")
async def test_what_is_tracked_later_adopts_no_old_row_of_the_same_subject() -> None:
    async with people() as world:
        ada = await world.person("ada", on=False)
        row = await ada.make("tasks", subject="Status report", description="of last year")
        await ada.edit("tasks", row["activityid"], statecode=1, statuscode=5)
        await world.subscribe(ada)
        await world.settle()
        world.forward(minutes=5)
        task = await ada.add_task("Status report", status="completed")
        await world.settle()
        assert len(await all_rows(ada)) == 2
        assert (await whole(ada, task["id"]))["body"]["content"].strip() == ""


@rule("PAIN-6")
async def test_without_polling_rows_still_find_the_tasks_that_were_left_behind() -> None:
    async with people() as world:
        ada = await world.person("ada", on=False)
        await world.profile(task_polling_minutes=0)
        await ada.make("tasks", subject="Call")
        await ada.add_task("Call")
        world.forward(minutes=5)
        await world.subscribe(ada)
        await world.settle()
        assert len(await all_rows(ada)) == len(await all_tasks(ada)) == 1
        assert await in_step(ada)


@rule("PAIN-6")
async def test_more_open_rows_than_a_pass_takes_are_still_adopted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.engine.personal_touched.LIMIT", 4)
    async with people() as world:
        ada = await left_with(world, 11)
        await world.subscribe(ada)
        await world.settle()
        assert len(await all_rows(ada)) == len(await all_tasks(ada)) == 11
        assert await in_step(ada)


@rule("PAIN-6")
async def test_lists_that_are_longer_than_a_pass_reads_are_still_adopted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.engine.personal_gather.PAGE_LIMIT", 1)
    monkeypatch.setattr("shared.exchange.todo.PAGE_SIZE", 3)
    async with people() as world:
        ada = await left_with(world, 8)
        await world.subscribe(ada)
        await world.settle()
        assert len(await all_rows(ada)) == len(await all_tasks(ada)) == 8
        assert await in_step(ada)


@rule("PAIN-6")
async def test_a_row_edited_while_the_lists_are_read_for_the_first_time_waits_for_its_task(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.engine.personal_gather.PAGE_LIMIT", 1)
    monkeypatch.setattr("shared.exchange.todo.PAGE_SIZE", 3)
    async with people() as world:
        ada = await left_with(world, 8)
        await world.profile(synchronize_tasks=False)
        await world.subscribe(ada)
        await world.settle()
        await world.profile(synchronize_tasks=True)
        await ada.run_pass()
        (row,) = await ada.rows("tasks", "subject eq 'Task 7'")
        await ada.edit("tasks", row["activityid"], description="just now")
        await world.read_feed()
        await ada.run_pass("dynamics")
        await world.settle()
        assert len(await all_rows(ada)) == len(await all_tasks(ada)) == 8
        assert (await one_task(ada, "Task 7"))["body"]["content"].strip() == "just now"
        assert await in_step(ada)


@rule("PAIN-6")
async def test_what_a_first_pass_has_no_time_for_is_still_adopted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.engine.mailbox_pass.CHUNK", 2)
    async with people() as world:

        async def slowly(name: str) -> None:
            if name == "history written":
                world.forward(minutes=2.5)

        world.services = replace(world.services, on_step=slowly)
        ada = await world.person("ada", on=False)
        for number in range(6):
            row = await ada.make("tasks", subject=f"Task {number}")
            if number % 2:
                await ada.edit("tasks", row["activityid"], statecode=1, statuscode=5)
            await ada.add_task(f"Task {number}", status="completed" if number % 2 else "notStarted")
        world.forward(seconds=5)
        await world.subscribe(ada)
        await world.settle()
        assert len(await all_rows(ada)) == len(await all_tasks(ada)) == 6
        assert await in_step(ada)


# --- lost links -----------------------------------------------------------------------------------


@rule("LNK-11", "PAIN-6")
@pytest.mark.parametrize("index_too", [True, False])
async def test_lost_links_are_made_again_from_the_linked_resources(index_too: bool) -> None:
    async with people() as world:
        ada = await world.person("ada")
        other = await new_list(ada, "Work")
        await world.settle()
        await tracked(world, ada, "Mine", importance="high")
        for table, entity_set in SETS.items():
            await ada.make(
                entity_set, subject=f"A {table}", **({"percentcomplete": 20} if table == "task" else {})
            )
        await world.settle()
        await move(ada, (await one_task(ada, "A fax"))["id"], other)
        await ada.edit_task((await one_task(ada, "A letter"))["id"], status="completed")
        await world.settle()
        forget(world, index_too=index_too)
        await ada.edit_task((await one_task(ada, "A task"))["id"], title="A task, renamed")
        await ada.run_pass("sync now")
        await patiently(world)
        assert len(await all_rows(ada)) == len(await all_tasks(ada)) == 5
        assert await in_step(ada)
        task, row = await one_task(ada, "Mine"), await one_row(ada, "Mine")
        assert (task["importance"], row["prioritycode"]) == ("high", 2)


def forget(world: People, *, index_too: bool) -> None:
    """The links are lost, and perhaps the index of items with them."""
    world.services = replace(world.services, store=MemoryMailboxStore())
    if index_too:
        world.services = replace(world.services, items=MemoryItemIndex())


async def test_what_was_untracked_stays_untracked_when_the_links_are_lost() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await linked(world, ada)
        await ada.edit_task(task["id"], categories=[])
        await world.settle()
        forget(world, index_too=False)
        await ada.run_pass("sync now")
        await patiently(world)
        assert len(await all_rows(ada)) == len(await all_tasks(ada)) == 1
        await ada.edit("tasks", row["activityid"], subject="In Dynamics")
        await patiently(world)
        assert (await one_task(ada, "Call"))["linkedResources"] == []


# --- answers that are lost ------------------------------------------------------------------------


@rule("LNK-11", "PAIN-6")
@pytest.mark.parametrize("how", ["drop-after", "drop-before", "status:503", "status:504"])
async def test_a_lost_answer_to_a_creation_in_to_do_makes_no_second_task(how: str) -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        await world.fault("exchange", how, 1, method="POST", pathContains="/tasks")
        row = await ada.make("tasks", subject="Call")
        await world.read_feed()
        await ada.run_pass()
        made = len(await all_tasks(ada))
        assert made == (1 if how == "drop-after" else 0)
        await ada.run_pass()  # within the time in which the creation may still take effect
        assert len(await all_tasks(ada)) == made
        await patiently(world)
        assert len(await all_tasks(ada)) == len(await all_rows(ada)) == 1
        assert await in_step(ada)
        await ada.edit_task((await one_task(ada, "Call"))["id"], title="Call Mary")
        await world.settle()
        assert (await row_of(ada, row))["subject"] == "Call Mary"


@rule("LNK-11", "PAIN-6")
@pytest.mark.parametrize("how", ["drop-after", "drop-before", "status:503"])
async def test_a_lost_answer_to_a_creation_in_dynamics_makes_no_second_row(how: str) -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        await world.fault("dataverse", how, 1, method="POST", pathContains="tasks")
        await ada.add_task("Call")
        await patiently(world)
        assert len(await all_tasks(ada)) == len(await all_rows(ada)) == 1
        assert await in_step(ada)


@rule("LNK-11", "PAIN-6")
@pytest.mark.parametrize("after", ["nothing", "edited", "moved", "completed", "deleted"])
async def test_a_task_whose_creation_was_not_answered_is_found_whatever_became_of_it(after: str) -> None:
    async with people() as world:
        ada = await world.person("ada")
        other = await new_list(ada, "Work")
        await world.settle()
        await world.fault("exchange", "drop-after", 1, method="POST", pathContains="/tasks")
        row = await ada.make("tasks", subject="Call", scheduledend=instant(in_days(world, 3)))
        await world.read_feed()
        await ada.run_pass()
        (made,) = await all_tasks(ada)
        if after == "edited":
            await ada.edit_task(made["id"], title="Call Mary")
        elif after == "moved":
            await move(ada, made["id"], other)
        elif after == "completed":
            await ada.edit_task(made["id"], status="completed")
        elif after == "deleted":
            await ada.delete_task(made["id"])
        await patiently(world)
        assert await in_step(ada)
        assert len(await all_tasks(ada)) == len(await all_rows(ada)) == (0 if after == "deleted" else 1)
        if after != "deleted":
            found = await row_of(ada, row)
            assert found["subject"] == ("Call Mary" if after == "edited" else "Call")
            assert found["statecode"] == (1 if after == "completed" else 0)


# --- crashes and races ----------------------------------------------------------------------------


@rule("PAIN-6")
async def test_a_worker_may_die_at_any_step_of_a_first_sync() -> None:
    """Exchange- and Dynamics-born, adopted, completed: killed at each step, and the next worker goes on."""
    step = 0
    while True:
        step += 1
        async with people() as world:
            ada = await world.person("ada", on=False)
            await ada.make("tasks", subject="From Dynamics", percentcomplete=20)
            await ada.make("phonecalls", subject="Left behind")
            await ada.add_task("Left behind")
            await ada.add_task("From To Do", status="completed")
            await world.subscribe(ada)
            await world.read_feed()
            world.kill_at = step
            died = True
            try:
                await ada.run_pass()
                await world.settle()
                died = world.kill_at is None
            except Killed:
                pass
            world.kill_at = None
            await patiently(world)
            titles = sorted(task["title"] for task in await all_tasks(ada))
            assert titles == ["From Dynamics", "From To Do", "Left behind"], step
            assert len(await all_rows(ada)) == 3, step
            assert await in_step(ada), step
        if not died:
            break
    assert step > 10


@rule("LNK-10")
@pytest.mark.parametrize("side", ["exchange", "dynamics"])
async def test_a_person_who_writes_between_our_reading_and_writing_loses_nothing(side: str) -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await linked(world, ada)

        async def interfere(name: str) -> None:
            if name != "decided" or done:
                return
            done.append(name)
            if side == "exchange":
                await ada.edit_task(task["id"], importance="high")
            else:
                await ada.edit("tasks", row["activityid"], prioritycode=2)

        done: list[str] = []
        world.services = replace(world.services, on_step=interfere)
        await ada.edit_task(task["id"], body={"content": "mine", "contentType": "text"})
        await ada.edit("tasks", row["activityid"], subject="Call Mary")
        await world.settle()
        assert done
        kept, found = await one_task(ada, "Call Mary"), await one_row(ada, "Call Mary")
        assert (kept["importance"], found["prioritycode"]) == ("high", 2)
        assert kept["body"]["content"].strip() == found["description"] == "mine"


async def test_a_copy_and_its_original_deleted_at_once_is_like_a_move() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await linked(world, ada, scheduledend=instant(in_days(world, 3)))
        second = await copy(ada, task["id"])
        await ada.delete_task(task["id"])
        await world.settle()
        assert [each["activityid"] for each in await all_rows(ada)] == [row["activityid"]]
        assert [each["id"] for each in await all_tasks(ada)] == [second]
        assert await in_step(ada)
        assert shown_day(await one_task(ada, "Call"), "dueDateTime")
