"""What the first syncs of a thousand events and of a thousand people cost, in requests, on real adapters over
real sockets."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from math import ceil

import pytest

from shared.engine import first_sync
from tests.marks import rule
from tests.wire.contact_book import (
    CALENDAR,
    CONTACTS,
    ENVELOPE,
    GRAPH_PARTS,
    ITEM,
    PUT_ITEM,
    PUT_ROW,
    ROW,
    a_book,
    counts,
)
from tests.wire.crash_steps import CATEGORY, Person, World, times, world
from tests.wire.people import people
from tests.wire.test_request_counts import counted, reset

__all__ = ["world"]

BATCH = 20
NEW_ITEM = "POST /users/{id}/contacts"
PER_QUERY, PER_PAGE, ROWS = 20, 100, 100
SIZE = 1000
"""People of a first sync: half of them on both sides, a quarter on each side only."""


@rule("APPT-26")
async def test_a_first_sync_of_a_thousand_events(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred of them tracked. What grows with the events is the feed's pages; with the tracked ones, the
    look-ups and writes of each."""
    monkeypatch.setattr(first_sync, "SLICE", timedelta(hours=1))  # whatever else this machine has to do
    one = await world.person(settled=False)
    for begin in range(0, 1000, BATCH):
        await _create(world, one, begin)
    await reset(world)
    for _ in range(6):
        await world.service.run_pass(one.box.id, "continue")
    used = await counted(world)
    assert len(await one.mine()) == 100
    graph, dataverse = Counter(used["graph"]), Counter(used["dataverse"])
    assert graph.pop("PATCH /users/{id}/events/{id}") == 100  # the marks
    assert sum(graph.values()) <= 40, graph
    assert sum(dataverse.values()) <= 100 * 6 + 20, dataverse


async def _create(world: World, one: Person, begin: int) -> None:
    requests = [
        {
            "id": str(number),
            "method": "POST",
            "url": f"/users/{one.box.id}/events",
            "headers": {"Content-Type": "application/json"},
            "body": {
                "subject": f"Event {number}",
                "categories": [CATEGORY] if number % 10 == 0 else [],
                **times(),
            },
        }
        for number in range(begin, begin + BATCH)
    ]
    await world.call("POST", f"{world.exchange.url}/$batch", {"requests": requests})


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
