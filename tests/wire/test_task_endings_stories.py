"""Stories about how tasks end: deleted on one side or both, untracked, given away (TASK-10, TASK-11,
LNK-8)."""

from __future__ import annotations

import pytest

from tests.marks import rule
from tests.wire.people import CATEGORY, people
from tests.wire.todo import (
    SETS,
    all_rows,
    all_tasks,
    copy,
    linked,
    move,
    new_list,
    one_row,
    one_task,
    row_of,
    tracked,
    whole,
)

ENDED = {"deleted on both sides", "deleted in Dynamics and kept in Exchange"}
SET_1 = "DistinctPhysicalAndLogicalDeletesForExchangeSync"
SET_4 = "SSSTaskDeletionSyncBehaviorFromExchange"
SET_11 = "IgnoreCopiedItemsInSSSForMailbox"


@rule("TASK-10")
@pytest.mark.parametrize("table", list(SETS))
async def test_a_row_deleted_in_dynamics_takes_an_open_task_with_it_and_leaves_a_completed_one(
    table: str,
) -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        rows = [await ada.make(SETS[table], subject=name) for name in ("Open", "Done")]
        await world.settle()
        done = await one_task(ada, "Done")
        await ada.edit_task(done["id"], status="completed")
        await world.settle()
        for row in rows:
            await ada.delete(SETS[table], row["activityid"])
        await world.settle()
        (kept,) = await all_tasks(ada)
        assert (kept["id"], kept["categories"], kept["linkedResources"]) == (done["id"], [], [])
        assert {link.state.value for link in await ada.links("task")} == ENDED
        assert "it is completed" in (await ada.explain(done["id"]))["sentence"]
        await ada.edit_task(kept["id"], title="Done long ago")
        await ada.run_pass("sync now")
        await world.settle()
        assert await all_rows(ada) == []


@rule("TASK-11", "SET-4")
@pytest.mark.parametrize(
    ("setting", "left"), [(0, []), (1, ["Canceled", "Done"]), (2, ["Canceled", "Done", "Open"])]
)
@pytest.mark.parametrize("table", ["task", "phonecall", "letter", "fax"])
async def test_tasks_deleted_in_to_do_delete_their_rows_as_the_setting_says(
    table: str, setting: int, left: list[str]
) -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.setting(**{SET_4: setting})
        await world.settle()
        canceled = {"task": 6, "phonecall": 3, "letter": 5, "fax": 5}[table]
        rows = {name: await ada.make(SETS[table], subject=name) for name in ("Open", "Done", "Canceled")}
        await world.settle()
        await ada.edit_task((await one_task(ada, "Done"))["id"], status="completed")
        await ada.edit(SETS[table], rows["Canceled"]["activityid"], statecode=2, statuscode=canceled)
        await world.settle()
        for task in await all_tasks(ada):
            await ada.delete_task(task["id"])
        await world.settle()
        assert sorted(row["subject"] for row in await all_rows(ada)) == left
        for row in await all_rows(ada):
            assert SET_4 in (await ada.explain(row["activityid"]))["sentence"]
            await ada.edit(SETS[table], row["activityid"], prioritycode=2)
        await ada.run_pass("sync now")
        await world.settle()
        assert await all_tasks(ada) == []
        assert sorted(row["subject"] for row in await all_rows(ada)) == left


@rule("TASK-10", "TASK-11")
async def test_deleted_on_both_sides_at_once_is_simply_over() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await linked(world, ada)
        await ada.delete_task(task["id"])
        await ada.delete("tasks", row["activityid"])
        await world.settle()
        (link,) = await ada.links("task")
        assert link.state.value == "deleted on both sides"
        assert await all_tasks(ada) == await all_rows(ada) == []


@rule("TASK-11")
async def test_an_edit_in_dynamics_of_what_is_deleted_in_to_do_is_in_the_history() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await linked(world, ada)
        await ada.edit("tasks", row["activityid"], description="important")
        await ada.delete_task(task["id"])
        await world.settle()
        assert await all_rows(ada) == []
        deleted = [each for each in await ada.history() if each.action == "delete"]
        assert [each.before["notes"] for each in deleted] == ["important"]


@rule("TASK-10")
async def test_an_edit_in_to_do_of_what_is_deleted_in_dynamics_is_in_the_history() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await linked(world, ada)
        await ada.edit_task(task["id"], title="Call at once")
        await ada.delete("tasks", row["activityid"])
        await world.settle()
        assert await all_tasks(ada) == []
        deleted = [each for each in await ada.history() if each.action == "delete"]
        assert [each.before["subject"] for each in deleted] == ["Call at once"]


@rule("LNK-8")
@pytest.mark.parametrize("origin", ["exchange", "dynamics"])
async def test_a_category_taken_off_untracks_and_put_on_again_links_to_the_same_row(origin: str) -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await (linked if origin == "dynamics" else tracked)(world, ada)
        await ada.edit_task(task["id"], categories=["Red category"])
        await world.settle()
        kept = await one_task(ada, "Call")
        assert (kept["categories"], kept["linkedResources"]) == (["Red category"], [])
        assert "untracked in Outlook" in (await ada.explain(task["id"]))["sentence"]
        await ada.edit("tasks", row["activityid"], description="in Dynamics only")
        await ada.edit_task(task["id"], importance="high")
        await world.settle()
        await ada.run_pass("sync now")
        await world.settle()
        found = await row_of(ada, row)
        assert (found["prioritycode"], found["description"]) == (1, "in Dynamics only")
        assert len(await all_tasks(ada)) == len(await all_rows(ada)) == 1
        await ada.edit_task(task["id"], categories=["Red category", CATEGORY])
        await world.settle()
        kept, found = await one_task(ada, "Call"), await one_row(ada, "Call")
        assert found["activityid"] == row["activityid"]
        assert kept["body"]["content"].strip() == found["description"] == "in Dynamics only"
        assert len(kept["linkedResources"]) == 1
        assert len([link for link in await ada.links("task") if link.linked]) == 1


@rule("LNK-8", "LNK-11")
@pytest.mark.parametrize("lost", [False, True])
async def test_untracked_and_moved_at_once_and_tracked_again_it_is_the_same_row(lost: bool) -> None:
    """Whether the answer to taking its linked resource off is lost or not."""
    async with people() as world:
        ada = await world.person("ada")
        other = await new_list(ada, "Work")
        await world.settle()
        task, row = await tracked(world, ada)
        moved = await move(ada, task["id"], other)
        await ada.edit_task(moved, other, categories=[])
        if lost:
            await world.fault("exchange", "drop-after", method="DELETE", pathContains="linkedResources")
        await world.settle()
        assert "untracked in Outlook" in (await ada.explain(moved))["sentence"]
        await ada.edit_task(moved, other, categories=[CATEGORY])
        await world.settle()
        assert [each["activityid"] for each in await all_rows(ada)] == [row["activityid"]]
        assert [link.exchange_id for link in await ada.links("task") if link.linked] == [moved]


@rule("LNK-8")
async def test_what_was_untracked_and_deleted_in_dynamics_may_be_tracked_anew() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await tracked(world, ada)
        await ada.edit_task(task["id"], categories=[])
        await world.settle()
        await ada.delete("tasks", row["activityid"])
        await world.settle()
        assert await one_task(ada, "Call")
        await ada.edit_task(task["id"], categories=[CATEGORY])
        await world.settle()
        made = await one_row(ada, "Call")
        assert made["activityid"] != row["activityid"]
        await ada.edit("tasks", made["activityid"], subject="Call now")
        await world.settle()
        assert await one_task(ada, "Call now")
        assert len(await all_tasks(ada)) == 1


async def test_a_linked_resource_taken_off_in_to_do_is_no_untracking_and_makes_no_second_row() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await linked(world, ada)
        (resource,) = task["linkedResources"]
        where = f"todo/lists/{await ada.default_list()}/tasks/{task['id']}"
        await ada.graph("DELETE", f"{where}/linkedResources/{resource['id']}")
        await ada.edit_task(task["id"], title="Call Mary")
        await world.settle()
        await ada.edit("tasks", row["activityid"], description="more")
        await world.settle()
        kept = await one_task(ada, "Call Mary")
        assert kept["body"]["content"].strip() == "more"
        assert len(await all_rows(ada)) == 1
        assert [each["webUrl"] for each in kept["linkedResources"]] == [resource["webUrl"]]


async def test_a_category_forbidden_by_the_organization_leaves_the_linked_resource_as_the_mark() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.setting(TrackCategorizedItems=False)
        await world.settle()
        await ada.add_task("Mine")
        task, row = await linked(world, ada)
        assert task["categories"] == []
        assert len(task["linkedResources"]) == 1
        assert [each["subject"] for each in await all_rows(ada)] == ["Call"]
        where = f"todo/lists/{await ada.default_list()}/tasks/{task['id']}"
        await ada.graph("DELETE", f"{where}/linkedResources/{task['linkedResources'][0]['id']}")
        await ada.edit_task(task["id"], title="Call Mary")
        await world.settle()
        assert (await row_of(ada, row))["subject"] == "Call"
        (link,) = await ada.links("task")
        assert link.state.value == "untracked in Outlook"


@rule("LNK-7", "SET-11")
@pytest.mark.parametrize("ignored", [True, False])
async def test_a_copy_of_a_linked_task_is_left_alone_or_new_as_the_setting_says(ignored: bool) -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.setting(**{SET_11: ignored})
        await world.settle()
        task, row = await linked(world, ada)
        second = await copy(ada, task["id"])
        await ada.edit_task(second, title="The copy")
        await world.settle()
        assert (await row_of(ada, row))["subject"] == "Call"
        assert sorted(each["subject"] for each in await all_rows(ada)) == (
            ["Call"] if ignored else ["Call", "The copy"]
        )
        await ada.edit("tasks", row["activityid"], description="of the first")
        await world.settle()
        assert (await one_task(ada, "Call"))["body"]["content"].strip() == "of the first"
        assert (await one_task(ada, "The copy"))["body"]["content"].strip() == ""
        if ignored:
            assert "copy of an item that is linked already" in (await ada.explain(second))["sentence"]
            return
        made = await one_row(ada, "The copy")
        resources = (await whole(ada, second))["linkedResources"]
        assert [each["webUrl"].endswith(made["activityid"]) for each in resources] == [True]


@rule("LNK-7")
async def test_the_original_of_an_ignored_copy_is_deleted_and_the_copy_makes_nothing_come_back() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.setting(**{SET_11: True})
        await world.settle()
        task, _ = await linked(world, ada)
        await copy(ada, task["id"])
        await world.settle()
        await ada.delete_task(task["id"])
        await world.settle()
        await world.settle()
        assert len(await all_tasks(ada)) == 1
        assert len(await all_rows(ada)) <= 1
        assert len([link for link in await ada.links("task") if link.linked]) == len(await all_rows(ada))


@rule("FLT-10", "SET-1")
@pytest.mark.parametrize("only_unlinks", [True, False])
async def test_a_row_given_to_somebody_else_leaves_the_one_and_comes_to_the_other(only_unlinks: bool) -> None:
    async with people() as world:
        ada, ben = await world.person("ada"), await world.person("ben")
        await world.setting(**{SET_1: only_unlinks})
        await world.settle()
        task, row = await linked(world, ada)
        await world.web_api(
            "PATCH", f"tasks({row['activityid']})", {"ownerid@odata.bind": f"/systemusers({ben.user})"}
        )
        await world.settle()
        assert [each["title"] for each in await all_tasks(ben)] == ["Call"]
        kept = await all_tasks(ada)
        assert [each["id"] for each in kept] == ([task["id"]] if only_unlinks else [])
        for each in kept:
            assert (each["categories"], each["linkedResources"]) == ([], [])
            assert "left the filter" in (await ada.explain(each["id"]))["sentence"]
        assert len(await all_rows(ben)) == 1
        await world.web_api(
            "PATCH", f"tasks({row['activityid']})", {"ownerid@odata.bind": f"/systemusers({ada.user})"}
        )
        await world.settle()
        assert len(await all_tasks(ada)) == 1
        assert len(await all_rows(ben)) == 1


@rule("FLT-6")
@pytest.mark.parametrize("role", ["usual", "administrator"])
async def test_a_completed_row_given_to_somebody_else_is_not_followed_any_more(role: str) -> None:
    """Whether its first owner may still read it or not."""
    async with people() as world:
        ada, ben = await world.person("ada", role=role), await world.person("ben")
        await world.settle()
        _, row = await linked(world, ada)
        await ada.edit("tasks", row["activityid"], statecode=1, statuscode=5)
        await world.settle()
        await world.web_api(
            "PATCH", f"tasks({row['activityid']})", {"ownerid@odata.bind": f"/systemusers({ben.user})"}
        )
        await world.settle()
        await ada.edit("tasks", row["activityid"], statecode=0, actualend=None)
        await world.settle()
        assert [each["status"] for each in await all_tasks(ben)] == ["notStarted"]
        assert [link.linked for link in await ada.links("task")] == [False]
