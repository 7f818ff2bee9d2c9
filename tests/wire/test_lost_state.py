"""What the service forgets is found again by the marks on the items (LNK-3, PAIN-6): no double, nobody
mailed, no edit lost, and nothing that a person ended comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.mailboxes import life_cycle
from tests.marks import rule
from tests.wire.contact_stories import stamps
from tests.wire.everything import (
    MASTERS,
    ROWS,
    Everything,
    everything,
    forget,
    lose_links,
    outbox,
    pairs,
    seen,
    verified,
)
from tests.wire.people import Json, People, Person, people
from tests.wire.todo import all_tasks

TABLES = [("state",), ("items",), ("state", "items")]


@pytest.fixture
async def world() -> AsyncIterator[People]:
    async with people() as running:
        yield running


async def assert_in_step(there: Everything) -> None:
    for person in (there.ada, there.bob):
        report = await verified(person)
        assert report["value"] == []
        assert report["inStep"]


def numbers(shown: dict[str, Any]) -> dict[str, Any]:
    """How many there are of each."""
    return {
        name: {kind: len(items) for kind, items in part.items()} if isinstance(part, dict) else len(part)
        for name, part in shown.items()
    }


# --- whole tables ---------------------------------------------------------------------------------


@rule("LNK-3", "LNK-7", "PAIN-2", "PAIN-6")
@pytest.mark.parametrize("tables", TABLES)
async def test_everything_is_linked_again_and_nothing_else_happens(
    world: People, tables: tuple[str, ...]
) -> None:
    there = await everything(world)
    before = [await pairs(person) for person in (there.ada, there.bob)]
    shown = await seen(world)
    forget(world, *tables)
    await world.settle()
    assert [await pairs(person) for person in (there.ada, there.bob)] == before
    assert await seen(world) == shown
    assert await outbox(world) == []
    await assert_in_step(there)


@rule("LNK-3", "PAIN-2")
async def test_the_links_of_one_mailbox_are_made_again_while_the_others_stand(world: People) -> None:
    """Removed, its state deleted, and subscribed again."""
    there = await everything(world)
    before, shown = await pairs(there.ada), await seen(world)
    await life_cycle.remove(world.services, await there.ada.mailbox_row())
    await world.services.store.delete_mailbox(there.ada.mailbox)
    await world.settle()
    world.everybody.remove(there.ada)
    await world.subscribe(there.ada)
    await world.settle()
    assert await pairs(there.ada) == before
    assert numbers(await seen(world)) == numbers(shown)
    assert await outbox(world) == []
    await assert_in_step(there)


# --- edits meanwhile ------------------------------------------------------------------------------


@rule("LNK-3", "LNK-10", "PAIN-2", "PAIN-6")
async def test_edits_meanwhile_are_decided_like_conflicts_and_none_is_lost(world: People) -> None:
    """Nobody knows any more who changed what. Of contacts and tasks Dynamics wins, of meetings who changed
    later; empty never beats filled, and what lost is in the history."""
    there = await everything(world)
    ada = there.ada
    item = next(each for each in await ada.contacts() if each["givenName"] == "Maria")
    (row,) = await ada.rows("contacts", "firstname eq 'Maria'")
    await ada.edit_contact(item["id"], jobTitle="In Outlook", companyName="")
    await ada.edit("contacts", row["contactid"], jobtitle="In Dynamics", telephone2="4711")
    task = next(each for each in await all_tasks(ada) if each["title"] == "Call Jim")
    (row,) = await ada.rows("tasks", "subject eq 'Call Jim'")
    await ada.edit_task(task["id"], title="Called in Outlook")
    await ada.edit("tasks", row["activityid"], subject="Called in Dynamics")
    event = await one_event(ada, "Alone, from Outlook")
    (row,) = await ada.rows("appointments", "subject eq 'Alone, from Outlook'")
    await ada.edit("appointments", row["activityid"], location="Room 9")
    world.forward(minutes=1)
    await ada.graph("PATCH", f"events/{event['id']}", {"subject": "Later, in Outlook"})
    shown = numbers(await seen(world))
    forget(world, "state", "items")
    await world.settle()
    assert numbers(await seen(world)) == shown
    item = await ada.contact(item["id"]) or {}
    assert (item["jobTitle"], item["homePhones"]) == ("In Dynamics", ["4711"])
    assert "Called in Dynamics" in [each["title"] for each in await all_tasks(ada)]
    event = await one_event(ada, "Later, in Outlook")
    (row,) = await ada.rows("appointments", "subject eq 'Later, in Outlook'")
    assert event["location"]["displayName"] == row["location"] == "Room 9"
    lost = {(name, str(value)) for entry in await ada.history() for name, value in entry.lost.items()}
    assert {("jobTitle", "In Outlook"), ("subject", "Called in Outlook")} <= lost
    assert await outbox(world) == []
    await assert_in_step(there)


async def one_event(person: Person, subject: str) -> Json:
    found = (await person.graph("GET", "events?$top=200"))["value"]
    return next(dict(event) for event in found if event["subject"] == subject)


# --- what a person ended --------------------------------------------------------------------------


@rule("LNK-4", "LNK-8")
@pytest.mark.parametrize("tables", TABLES)
async def test_what_a_person_untracked_stays_so(world: People, tables: tuple[str, ...]) -> None:
    """The marks say it: crmLinkState 0 stays with the row's id. A task has no such mark; of it the index of
    items remembers."""
    there = await everything(world)
    ada = there.ada
    contact = next(each for each in await ada.contacts() if each["givenName"] == "Jim")
    await ada.edit_contact(contact["id"], categories=[])
    for subject in ("Alone, from Outlook", "Alone, from Dynamics", "Weekly from Dynamics"):
        event = await one_event(ada, subject)
        await ada.graph("PATCH", f"events/{event['id']}", {"categories": []})
    if "items" not in tables:
        task = next(each for each in await all_tasks(ada) if each["title"] == "Write to Maria")
        await ada.edit_task(task["id"], categories=[])
    await world.settle()
    assert (await stamps(ada, contact["id"]))["state"] == "0"
    shown = numbers(await seen(world))
    linked = {pair for pair in await pairs(ada) if pair[2] == "linked"}
    forget(world, *tables)
    await world.settle()
    assert await outbox(world) == []
    for entity_set in ("appointments", MASTERS, "contacts", "tasks"):
        await edit_all(there, entity_set)
    await world.settle()
    assert {pair for pair in await pairs(ada) if pair[2] == "linked"} == linked
    assert numbers(await seen(world)) == shown
    await assert_in_step(there)


# --- rows of the link table -----------------------------------------------------------------------


@rule("LNK-3", "LNK-7", "PAIN-6")
async def test_rows_whose_links_are_lost_are_not_brought_to_exchange_again(world: People) -> None:
    """The cursors stand, so nothing tells of the marks: a change of the row is the first that is heard."""
    there = await everything(world)
    shown = numbers(await seen(world))
    for person in (there.ada, there.bob):
        await lose_links(person)
    for entity_set in ROWS:
        await edit_all(there, entity_set)
    await world.settle()
    assert numbers(await seen(world)) == shown
    assert {pair[2] for pair in await pairs(there.ada)} == {"linked"}
    report = await verified(there.bob, mend=True)
    assert [(found["drift"], found["item"]["subject"]) for found in report["value"]] == [
        ("on both sides, but not linked", "Shared")
    ]
    await world.settle()
    assert await outbox(world) == []
    await assert_in_step(there)


async def edit_all(there: Everything, entity_set: str) -> None:
    """Every row but those of single occurrences."""
    name, key = ("lastname", "contactid") if entity_set == "contacts" else ("subject", "activityid")
    for row in (await there.world.web_api("GET", entity_set))["value"]:
        if row.get("instancetypecode") not in (2, 3):
            await there.ada.edit(entity_set, row[key], **{name: f"{row[name]}!"})
