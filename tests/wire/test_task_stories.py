"""Stories about tasks: they come and go both ways, field by field (TASK-1, TASK-8, FLD-15 to FLD-18)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from shared.model.values import Direction
from tests.marks import rule
from tests.wire.people import people
from tests.wire.todo import (
    SETS,
    all_rows,
    all_tasks,
    day,
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


@rule("TASK-1", "TASK-5", "FLD-15", "FLD-17", "FLD-18")
@pytest.mark.parametrize("table", list(SETS))
async def test_a_row_of_each_of_the_four_tables_becomes_a_task(table: str) -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        due = in_days(world, 3)
        row = await ada.make(
            SETS[table], subject="Ask Bob", description="about it", prioritycode=2, scheduledend=instant(due)
        )
        await world.settle()
        task = await one_task(ada, "Ask Bob")
        assert (task["importance"], task["status"]) == ("high", "notStarted")
        assert task["body"]["content"].strip() == "about it"
        assert shown_day(task, "dueDateTime") == due.date().isoformat()
        (resource,) = task["linkedResources"]
        assert resource["webUrl"].endswith(f"etn={table}&id={row['activityid']}")
        assert resource["displayName"] == "Ask Bob"
        await ada.edit_task(task["id"], title="Ask Bob again", importance="low")
        await world.settle()
        found = await row_of(ada, row, table)
        assert (found["subject"], found["prioritycode"]) == ("Ask Bob again", 0)
        assert len(await all_rows(ada)) == len(await all_tasks(ada)) == 1


@rule("TASK-1", "TASK-8")
async def test_a_tracked_task_becomes_a_task_of_the_user_that_begins_now() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        _, row = await tracked(
            world, ada, "Write", importance="high", body={"content": "x", "contentType": "text"}
        )
        assert row["_ownerid_value"] == ada.user
        began = datetime.fromisoformat(row["actualstart"])
        assert abs(world.clock.now() - began) < timedelta(minutes=2)
        assert (row["prioritycode"], row["description"], row["statuscode"]) == (2, "x", 2)
        assert len(await all_rows(ada)) == 1


async def test_an_untracked_task_stays_in_to_do() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task = await ada.add_task("Mine", tracked=False)
        await world.settle()
        assert await all_rows(ada) == []
        assert (await one_task(ada, "Mine"))["linkedResources"] == []
        assert "nobody tracks" in (await ada.explain(task["id"]))["sentence"]


@rule("FLD-16", "TASK-7")
async def test_a_start_without_a_due_date_is_due_that_day_on_both_sides() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        start = in_days(world, 4, 9)
        task, row = await linked(world, ada, "Begin", scheduledstart=instant(start))
        assert shown_day(task, "startDateTime") == shown_day(task, "dueDateTime") == start.date().isoformat()
        found = await row_of(ada, row)
        assert found["scheduledend"] is None
        other = (start + timedelta(days=2)).date().isoformat()
        _, made = await tracked(world, ada, "Start", startDateTime=day(other))
        assert made["scheduledstart"][:10] == made["scheduledend"][:10] == other


@rule("FLD-18")
async def test_the_regarding_travels_in_the_extension_both_ways() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        account = await ada.web_api("POST", "accounts", {"name": "Contoso"})
        other = await ada.web_api("POST", "accounts", {"name": "Fabrikam"})
        bind = {"regardingobjectid_account_task@odata.bind": f"/accounts({account['accountid']})"}
        task, row = await linked(world, ada, "Offer", **bind)
        said = extension(await whole(ada, task["id"]))
        assert (said["regardingType"], said["regardingId"]) == ("1", account["accountid"])
        where = f"todo/lists/{await ada.default_list()}/tasks/{task['id']}"
        await ada.graph(
            "PATCH",
            f"{where}/extensions/org.exchangedynamicssync.task",
            {
                "@odata.type": "microsoft.graph.openTypeExtension",
                "regardingType": "1",
                "regardingId": other["accountid"],
            },
        )
        await ada.edit_task(task["id"], title="Offer 2")  # an extension's change alone is in no feed
        await world.settle()
        found = await row_of(ada, row)
        assert found["_regardingobjectid_value"] == other["accountid"]
        await ada.edit("tasks", row["activityid"], **{"regardingobjectid_account_task@odata.bind": None})
        await world.settle()
        assert "regardingId" not in extension(await whole(ada, task["id"]))


@rule("FLD-17")
async def test_notes_that_are_too_long_are_cut_said_so_and_do_not_go_back_and_forth() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        long = "word " * 500
        task, row = await tracked(world, ada, "Long", body={"content": long, "contentType": "text"})
        assert 1990 <= len(row["description"]) <= 2000
        told = [each for each in await ada.history(task["id"]) if "cut" in each.reason]
        assert len(told) == 1
        assert "2000" in told[0].reason
        await ada.edit_task(task["id"], importance="high")
        await ada.edit("tasks", row["activityid"], subject="Longer")
        await world.settle()
        kept = await one_task(ada, "Longer")
        assert len(kept["body"]["content"].strip()) == len(long.strip())
        assert len([each for each in await ada.history(task["id"]) if "cut" in each.reason]) == 1
        await ada.edit("tasks", row["activityid"], description="short")
        await world.settle()
        assert (await one_task(ada, "Longer"))["body"]["content"].strip() == "short"


@rule("FLD-17", "FLD-33", "FLD-34")
async def test_a_field_goes_where_the_administrator_lets_it_go() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.profile(
            directions={
                "task": {"notes": Direction.NONE, "due": Direction.TO_EXCHANGE, "subject": Direction.BOTH}
            }
        )
        await world.settle()
        due = in_days(world, 3)
        task, row = await linked(world, ada, "Way", description="secret", scheduledend=instant(due))
        assert task["body"]["content"].strip() == ""
        later = (due + timedelta(days=5)).date().isoformat()
        await ada.edit_task(task["id"], title="Way 2", dueDateTime=day(later))
        await world.settle()
        found = await row_of(ada, row)

        assert (found["subject"], found["scheduledend"]) == ("Way 2", instant(due))
        assert shown_day(await one_task(ada, "Way 2"), "dueDateTime") == later
        moved = due + timedelta(days=1)
        await ada.edit("tasks", row["activityid"], scheduledend=instant(moved))
        await world.settle()
        assert shown_day(await one_task(ada, "Way 2"), "dueDateTime") == moved.date().isoformat()


@rule("LNK-10")
async def test_different_fields_changed_on_both_sides_meet_and_of_one_field_dynamics_wins() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        task, row = await linked(world, ada, "Call", description="old")
        await ada.edit_task(task["id"], title="Call Mary", body={"content": "mine", "contentType": "text"})
        await ada.edit("tasks", row["activityid"], prioritycode=2, description="theirs")
        await world.settle()
        kept, found = await one_task(ada, "Call Mary"), await one_row(ada, "Call Mary")
        assert (kept["importance"], kept["body"]["content"].strip()) == ("high", "theirs")
        assert (found["prioritycode"], found["description"]) == (2, "theirs")
        lost = [each.lost for each in await ada.history(task["id"]) if each.lost]
        assert [dict(each) for each in lost] == [{"notes": "mine"}]


@rule("TASK-13")
async def test_the_deep_link_opens_the_row_and_a_subject_may_be_empty() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        row = await ada.make("letters", description="no subject")
        await world.settle()
        (task,) = await all_tasks(ada)
        assert task["title"] == "(no subject)"
        (resource,) = task["linkedResources"]
        assert f"etn=letter&id={row['activityid']}" in resource["webUrl"]
        await ada.edit_task(task["id"], importance="high")
        await world.settle()
        found = await row_of(ada, row, "letter")
        assert not found["subject"]
        assert found["prioritycode"] == 2


@rule("FLD-36", "X-3", "TASK-6")
async def test_what_people_do_with_labels_and_reminders_in_outlook_stays_there() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await world.settle()
        due = in_days(world, 5)
        task, row = await linked(world, ada, "Remind", scheduledend=instant(due))
        assert task["isReminderOn"] is True
        before = await ada.row("tasks", row["activityid"])
        mine = {"dateTime": f"{in_days(world, 1):%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}
        await ada.edit_task(
            task["id"], reminderDateTime=mine, categories=[*task["categories"], "Red category"]
        )
        await world.settle()
        assert await ada.row("tasks", row["activityid"]) == before
        await ada.edit("tasks", row["activityid"], subject="Remind me", prioritycode=2)
        await world.settle()
        kept = await one_task(ada, "Remind me")
        assert kept["reminderDateTime"]["dateTime"][:19] == mine["dateTime"]
        assert "Red category" in kept["categories"]
        assert kept["isReminderOn"]
        assert await one_row(ada, "Remind me")
