"""What contacts and tasks cost, in requests: one changed item, idle passes. Counts are stable, and asserted
exactly. Parts of a ``$batch`` are counted each, and so is its envelope. A first sync of many:
``tests/ci/test_first_syncs.py``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.engine import first_sync, mailbox_pass, personal_touched
from shared.store.tables import Tables
from tests.marks import rule
from tests.wire.contact_book import (
    CALENDAR,
    CONTACTS,
    ENVELOPE,
    ITEM,
    PUT_ITEM,
    PUT_ROW,
    ROW,
    a_book,
    counts,
    reset,
)
from tests.wire.people import Killed, People, Person, people

FOLDERS = {"GET /users/{id}/contactFolders": 1, "GET /users/{id}/contacts": 1}
"""Asked in one envelope whenever it matters in which folder a contact is."""
SETTINGS = {"GET /organizations": 1}
FEED = dict.fromkeys(
    (f"GET /{table}" for table in ("recurringappointmentmasters", "serviceappointments", "appointments")), 1
)
FEED |= dict.fromkeys(
    (f"GET /{table}" for table in ("contacts", "tasks", "phonecalls", "letters", "faxes")), 1
)
STORAGE_OUTLOOK, STORAGE_DYNAMICS = 9, 19


# --- the first sync -------------------------------------------------------------------------------


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
