"""What contacts and tasks cost, in requests: a first sync, one changed item, idle passes. Counts are stable,
and asserted exactly. Parts of a ``$batch`` are counted each, and so is its envelope."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from math import ceil
from typing import Any

import pytest

from shared.engine import first_sync, mailbox_pass, personal_touched
from shared.store.tables import Tables
from tests.marks import rule
from tests.wire.people import CATEGORY, KEPT, Killed, People, Person, people

ENVELOPE = "POST /$batch"
CALENDAR = {"GET /users/{id}/calendarView/delta": 1}
CONTACTS = "GET /users/{id}/contacts/delta"
FOLDERS = {"GET /users/{id}/contactFolders": 1, "GET /users/{id}/contacts": 1}
"""Asked in one envelope whenever it matters in which folder a contact is."""
ITEM, PUT_ITEM = "GET /users/{id}/contacts/{id}", "PATCH /users/{id}/contacts/{id}"
NEW_ITEM = "POST /users/{id}/contacts"
ROW, PUT_ROW = "GET /contacts({id})", "PATCH /contacts({id})"
SETTINGS = {"GET /organizations": 1}
FEED = dict.fromkeys(
    (f"GET /{table}" for table in ("recurringappointmentmasters", "serviceappointments", "appointments")), 1
)
FEED |= dict.fromkeys(
    (f"GET /{table}" for table in ("contacts", "tasks", "phonecalls", "letters", "faxes")), 1
)
GRAPH_PARTS, PER_QUERY, PER_PAGE, IDS, ROWS = 20, 20, 100, 500, 100
STORAGE_OUTLOOK, STORAGE_DYNAMICS = 9, 19
SIZE = 1000
"""People of a first sync: half of them on both sides, a quarter on each side only."""


def names(prefix: str, number: int) -> list[str]:
    return [f"{prefix}{n}" for n in range(number)]


class Book:
    """People whom both sides know, and those whom one knows."""

    def __init__(self, size: int) -> None:
        self.both = names("both", size // 2)
        self.outlook = names("outlook", size // 4)
        self.dynamics = names("dynamics", size // 4)

    async def fill(self, world: People, ada: Person) -> None:
        here = [*self.both, *self.outlook]
        for begin in range(0, len(here), GRAPH_PARTS):
            await _create(world, ada, here[begin : begin + GRAPH_PARTS])
        slots = asyncio.Semaphore(8)

        async def make(name: str) -> None:
            async with slots:
                await ada.make(
                    "contacts",
                    firstname=name.title(),
                    lastname="Jones",
                    emailaddress1=f"{name}@people.example",
                    telephone1="5",
                )

        await asyncio.gather(*(make(name) for name in [*self.both, *self.dynamics]))

    async def check(self, ada: Person) -> None:
        """Everybody once on each side, and nobody has to be asked about."""
        everybody = sorted(f"{name.title()} Jones" for name in [*self.both, *self.outlook, *self.dynamics])
        assert sorted(row["displayName"] for row in await _all_contacts(ada)) == everybody
        assert sorted(row["fullname"] for row in await ada.rows("contacts")) == everybody
        assert not await ada.decisions()
        assert all(link.linked for link in await ada.links("contact"))


async def _all_contacts(ada: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) % 500 == 0:
        page = await ada.graph("GET", f"contacts?$top=500&$skip={len(found)}")
        if not page["value"]:
            break
        found += page["value"]
    return found


async def _create(world: People, ada: Person, some: list[str]) -> None:
    requests = [
        {
            "id": name,
            "method": "POST",
            "url": f"/users/{ada.mailbox}/contacts",
            "headers": {"Content-Type": "application/json"},
            "body": {
                "categories": [CATEGORY],
                "givenName": name.title(),
                "surname": "Jones",
                "jobTitle": "Buyer",
                "emailAddresses": [{"address": f"{name}@people.example"}],
            },
        }
        for name in some
    ]
    headers = {"Authorization": "Bearer somebody", "Prefer": KEPT}
    answer = await world.http.post(
        f"{world.exchange.url}/$batch", json={"requests": requests}, headers=headers
    )
    assert all(part["status"] == 201 for part in answer.json()["responses"]), answer.text


async def a_book(world: People, size: int) -> tuple[Person, Book]:
    ada, book = await world.person("ada", on=False), Book(size)
    await book.fill(world, ada)
    await world.subscribe(ada)
    await world.read_feed()
    await reset(world)
    return ada, book


async def reset(world: People) -> None:
    world.jobs.take()
    await world.counted("exchange")
    await world.counted("dataverse")


async def counts(world: People) -> tuple[dict[str, int], dict[str, int]]:
    return await world.counted("exchange"), await world.counted("dataverse")


# --- the first sync -------------------------------------------------------------------------------


@rule("CONT-9")
async def test_a_first_sync_asks_about_many_at_once_and_writes_each_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What grows with the people are readings of each item and row, and the writes. LNK-3 wants a mark on
    each item, so those whom both know and whose content differs on both sides are written twice in
    Exchange."""
    monkeypatch.setattr(first_sync, "SLICE", timedelta(hours=1))  # whatever else this machine has to do
    async with people() as world:
        ada, book = await a_book(world, SIZE)
        await ada.run_pass("enable")
        rounds = 0
        while world.jobs.sent:
            await world.take_jobs()
            rounds += 1
            assert rounds < 10
        graph, dataverse = await counts(world)
        await book.check(ada)
        both, outlook, dynamics = len(book.both), len(book.outlook), len(book.dynamics)
        tracked, rows = both + outlook, both + dynamics
        assert graph.pop(PUT_ITEM) == 2 * both + outlook
        assert graph.pop(NEW_ITEM) == dynamics
        assert dataverse.pop(PUT_ROW) == both + outlook
        # read once more where a slice ended in between, and rows looked for by their stamps
        assert tracked <= graph.pop(ITEM) <= 2 * tracked
        assert rows <= dataverse.pop(ROW) <= 2 * rows
        assert graph.pop("GET /users/{id}/contacts") <= 2 * dynamics + rounds + 2
        assert graph.pop(CONTACTS) <= 2 * SIZE // PER_PAGE + rounds
        assert graph.pop(ENVELOPE) <= ceil(2 * tracked / GRAPH_PARTS) + dynamics
        assert sum(graph.values()) <= 40, graph
        # who may be whom, what matches the filters, and what an earlier pass may have made
        assert dataverse.pop("GET /contacts") <= ceil(2 * tracked / PER_QUERY)
        assert dataverse.pop(ENVELOPE) <= 2 * ceil(rows / ROWS) + 20
        assert sum(dataverse.values()) <= 30, dataverse
        await ada.run_pass("continue")
        graph, dataverse = await counts(world)
        assert graph == {**CALENDAR, CONTACTS: 1}
        assert dataverse == {}


@rule("CONT-9", "LNK-11")
async def test_a_first_sync_cut_into_many_passes_makes_nobody_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pass ends at its limit, or sheds what is too much, and comes back by a message."""
    monkeypatch.setattr(first_sync, "SLICE", timedelta(0))
    monkeypatch.setattr(mailbox_pass, "CHUNK", 10)
    monkeypatch.setattr(personal_touched, "LIMIT", 25)
    async with people() as world:
        ada, book = await a_book(world, 60)
        await ada.run_pass("enable")
        rounds = 0
        while world.jobs.sent:
            await world.take_jobs()
            rounds += 1
            assert rounds < 40
        assert world.steps.count("slice asked for") > 4
        await book.check(ada)


@rule("CONT-9", "LNK-11")
@pytest.mark.parametrize("step", [3, 40, 90, 170])
async def test_a_first_sync_killed_in_the_middle_makes_nobody_twice(step: int) -> None:
    async with people() as world:
        ada, book = await a_book(world, 40)
        world.kill_at = len(world.steps) + step
        with pytest.raises(Killed):
            await ada.run_pass("enable")
        world.forward(minutes=3)
        await world.settle()
        await book.check(ada)


# --- one changed contact --------------------------------------------------------------------------


async def in_step(world: People) -> tuple[Person, dict[str, Any], str]:
    """Ada, a contact, and its row."""
    ada = await world.person("ada")
    await world.settle()
    contact = await ada.add_contact(
        givenName="Mary", surname="Jones", emailAddresses=[{"address": "mary@people.example"}]
    )
    await world.settle()
    await world.settle()
    await reset(world)
    (row,) = await ada.rows("contacts")
    return ada, contact, row["contactid"]


async def test_a_contact_changed_in_outlook(tables: Tables) -> None:
    async with people(tables) as world:
        ada, contact, _ = await in_step(world)
        await ada.edit_contact(contact["id"], mobilePhone="777")
        await reset(world)
        tables.requests = 0
        await ada.run_pass("contacts")
        storage = tables.requests
        graph, dataverse = await counts(world)
        assert graph == {CONTACTS: 1, ITEM: 1, **FOLDERS, ENVELOPE: 1}
        assert dataverse == {**SETTINGS, ROW: 1, PUT_ROW: 1}
        # mailbox, profile, agenda, link; claim and intent; history; commit, cursors; mailbox
        assert storage == STORAGE_OUTLOOK
        await world.read_feed()
        await ada.run_pass("contacts")
        graph, dataverse = await counts(world)
        assert graph == {CONTACTS: 1}
        assert dataverse == FEED  # our own write is known by its version: no mailbox is told


async def test_a_contact_changed_in_dynamics(tables: Tables) -> None:
    async with people(tables) as world:
        ada, _, row_id = await in_step(world)
        await ada.edit("contacts", row_id, jobtitle="Buyer")
        await reset(world)
        tables.requests = 0
        await world.read_feed()
        await ada.run_pass("dynamics")
        storage = tables.requests
        graph, dataverse = await counts(world)
        assert graph == {**CALENDAR, ITEM: 1, PUT_ITEM: 1, **FOLDERS, ENVELOPE: 1}
        assert dataverse == {**FEED, **SETTINGS, ROW: 1}
        # feed: cursors, item, mailbox of its owner (twice), watchers, link; inbox; mailbox; cursors. Pass:
        # mailbox, profile, agenda, link by row, by item (twice); claim and intent; history; commit; mailbox
        assert storage == STORAGE_DYNAMICS
        await ada.run_pass("contacts")
        graph, dataverse = await counts(world)
        assert graph == {CONTACTS: 1}
        assert not set(dataverse) - set(SETTINGS)


# --- nothing to do --------------------------------------------------------------------------------


async def test_an_idle_poll_of_five_lists_is_one_batch_of_five() -> None:
    async with people() as world:
        ada = await world.person("ada")
        for number in range(4):
            await ada.graph("POST", "todo/lists", {"displayName": f"List {number}"})
        await ada.add_task("Call")
        await world.settle()
        world.forward(minutes=13)
        await ada.run_pass("due")
        world.forward(minutes=13)
        await reset(world)
        await ada.run_pass("due")
        graph, _ = await counts(world)
        polled = {"GET /users/{id}/todo/lists/{id}/tasks/delta": 5, ENVELOPE: 1}
        assert graph == {**CALENDAR, CONTACTS: 1, **polled}


async def test_an_idle_pass_after_a_notification_asks_nothing_about_contacts_and_tasks() -> None:
    async with people() as world:
        ada, _, _ = await in_step(world)
        await ada.run_pass("contacts")
        await reset(world)
        await ada.run_pass("notification")
        assert await counts(world) == (CALENDAR, {})
        await ada.run_pass("contacts")
        assert await counts(world) == ({CONTACTS: 1}, {})
