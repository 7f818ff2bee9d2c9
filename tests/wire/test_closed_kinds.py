"""A mailbox whose contacts or tasks the service may not touch: the rest goes on, and once let in nothing was
missed and nobody is doubled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from shared.web import views
from tests.marks import rule
from tests.wire.people import People, Person, people

FOREVER = 100_000
OF_TASKS = {"pathContains": "/todo/"}
CONTACTS = {"pathContains": "/contact"}


@pytest_asyncio.fixture
async def world() -> AsyncIterator[People]:
    async with people() as made:
        yield made


async def notes(person: Person) -> list[str]:
    rows = await person.history()
    return [row.reason for row in rows if row.item.kind == "mailbox"]


async def appointments(person: Person) -> list[str]:
    return sorted(row["subject"] for row in await person.rows("appointments"))


async def add_event(person: Person, subject: str) -> None:
    times = {
        name: {
            "dateTime": f"{person.world.clock.now() + timedelta(days=days):%Y-%m-%dT12:00:00}",
            "timeZone": "UTC",
        }
        for name, days in (("start", 3), ("end", 4))
    }
    body = {"subject": subject, "categories": ["Tracked to Dynamics 365"], **times}
    await person.graph("POST", "events", body)


@rule("MBX-16")
@pytest.mark.parametrize("status", [401, 403])
async def test_without_the_right_to_tasks_all_else_goes_on_and_it_is_said_once(
    world: People, status: int
) -> None:
    await world.fault("exchange", f"status:{status}", FOREVER, **OF_TASKS)
    ada = await world.person("ada")
    await add_event(ada, "Seen")
    await ada.add_contact(givenName="Mary", surname="Jones", emailAddresses=[{"address": "m@x.example"}])
    await ada.make("tasks", subject="From Dynamics")
    await world.settle()
    await world.settle()
    assert [row["lastname"] for row in await ada.rows("contacts")] == ["Jones"]
    assert await appointments(ada) == ["Seen"]
    assert (await ada.mailbox_row()).state == "active"
    (note,) = await notes(ada)
    agenda = await world.services.store.agenda(ada.mailbox, inbox_limit=1)
    shown = views.mailbox_details(await ada.mailbox_row(), world.clock.now(), agenda, {}, [])
    assert shown["notes"] == [note]
    assert "Tasks.ReadWrite.All" in note
    assert "synchronizeTasks" in note
    assert str(status) in note
    assert await ada.links("task") == []


@rule("MBX-16")
async def test_a_token_that_was_refused_now_and_then_closes_nothing(world: People) -> None:
    ada = await world.person("ada")
    await world.settle()
    await ada.add_task("Here")
    await world.fault("exchange", "status:401", 2, **OF_TASKS)
    for _ in range(3):  # a pass that failed changed nothing, and so it would be settled
        await world.settle()
    assert [row["subject"] for row in await ada.rows("tasks")] == ["Here"]
    assert await notes(ada) == []


async def test_once_let_in_again_what_happened_meanwhile_is_found_and_nothing_is_doubled(
    world: People,
) -> None:
    ada = await world.person("ada")
    first = await ada.add_task("Linked")
    row = await ada.make("tasks", subject="Linked too")
    await world.settle()
    before = {link.dynamics_id for link in await ada.links("task")}
    assert len(before) == 2
    await world.fault("exchange", "status:403", FOREVER, **OF_TASKS)
    await ada.make("tasks", subject="Meanwhile in Dynamics")
    await ada.edit("tasks", row["activityid"], subject="Edited meanwhile")
    gone = next(iter(before - {row["activityid"]}))
    await world.settle()
    await world.control("exchange", "DELETE", "faults")
    await ada.edit_task(first["id"], importance="high")
    await ada.add_task("Meanwhile in To Do")
    await world.read_feed()
    await ada.run_pass("dynamics")
    assert len(await ada.links("task")) == 2, "not before it is asked for again"
    world.forward(hours=1, minutes=1)
    await ada.run_pass("due")
    await world.settle()
    assert sorted(task["title"] for task in await ada.tasks()) == [
        "Edited meanwhile",
        "Linked",
        "Meanwhile in Dynamics",
        "Meanwhile in To Do",
    ]
    assert sorted(each["subject"] for each in await ada.rows("tasks")) == [
        "Edited meanwhile",
        "Linked",
        "Meanwhile in Dynamics",
        "Meanwhile in To Do",
    ]
    assert (await ada.row("tasks", gone) or {})["prioritycode"] == 2
    assert [note.split(":")[0] for note in await notes(ada)] == [
        "tasks are left out",
        "tasks are synchronized again",
    ]


@rule("MBX-16")
async def test_contacts_that_may_not_be_read_on_either_side_stop_nothing_else(world: People) -> None:
    ada = await world.person("ada")
    await ada.add_contact(givenName="Mary", surname="Jones", emailAddresses=[{"address": "m@x.example"}])
    await world.settle()
    for part, where in (("exchange", CONTACTS), ("dataverse", {"pathContains": "/userqueries"})):
        await world.fault(part, "status:403", FOREVER, **where)
        await add_event(ada, f"While {part} is closed")
        await ada.make("contacts", firstname="Bob", lastname=part, emailaddress1=f"{part}@x.example")
        await world.settle()
        assert f"While {part} is closed" in await appointments(ada)
        assert (await ada.mailbox_row()).state == "active"
        await world.control(part, "DELETE", "faults")
        await ada.run_pass("sync now")
        await world.settle()
        assert part in [contact["surname"] for contact in await ada.contacts()]
    assert len(await ada.contacts()) == len(await ada.rows("contacts")) == 3


async def test_switched_off_and_on_again_catches_up_whatever_pass_comes_first(world: People) -> None:
    ada = await world.person("ada")
    mary = await ada.add_contact(
        givenName="Mary", surname="Jones", emailAddresses=[{"address": "m@x.example"}]
    )
    await ada.add_task("Call")
    await world.settle()
    await world.profile(synchronize_contacts=False, synchronize_tasks=False)
    await ada.edit_contact(mary["id"], jobTitle="CFO")
    await ada.make("contacts", firstname="Bob", lastname="Ray", emailaddress1="b@x.example")
    await ada.make("tasks", subject="Write")
    await world.settle()
    assert [contact["surname"] for contact in await ada.contacts()] == ["Jones"]
    await world.profile(synchronize_contacts=True, synchronize_tasks=True)
    await ada.run_pass("dynamics")
    await world.settle()
    assert sorted(contact["surname"] for contact in await ada.contacts()) == ["Jones", "Ray"]
    assert sorted(str(row["jobtitle"]) for row in await ada.rows("contacts")) == ["CFO", "None"]
    assert sorted(task["title"] for task in await ada.tasks()) == ["Call", "Write"]
    assert sorted(row["subject"] for row in await ada.rows("tasks")) == ["Call", "Write"]


@rule("MBX-16")
async def test_without_the_right_to_write_contacts_each_is_refused_and_told(world: People) -> None:
    ada = await world.person("ada")
    await world.settle()
    await world.fault("exchange", "status:403", FOREVER, method="POST", **CONTACTS)
    await ada.make("contacts", firstname="Bob", lastname="Ray", emailaddress1="b@x.example")
    await add_event(ada, "Seen")
    await world.settle()
    assert await appointments(ada) == ["Seen"]
    assert (await ada.mailbox_row()).state == "active"
    assert "refused" in [row.outcome for row in await ada.history() if row.item.kind == "contact"]
