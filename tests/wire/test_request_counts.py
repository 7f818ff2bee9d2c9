"""What a pass costs, in requests: counts are stable, and asserted exactly."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from shared.dynamics.dataverse.organization import SHARED
from shared.engine import first_sync
from tests.marks import rule
from tests.wire.crash_steps import CATEGORY, Person, World, from_exchange, times, world
from tests.wire.real_service import running

__all__ = ["world"]

BATCH = 20
BEFORE: dict[str, int] = {}
"""Storage requests at the last reset, by table prefix."""


async def reset(world: World) -> None:
    for part in (world.exchange, world.dataverse):
        await world.call("DELETE", f"{part.control_url}/requests")
    world.service.jobs.take()
    BEFORE[world.where.prefix] = world.service.tables.requests


async def counted(world: World) -> dict[str, Any]:
    async def kinds(url: str) -> dict[str, int]:
        return dict((await world.call("GET", f"{url}/requests"))["byKind"])

    return {
        "graph": await kinds(world.exchange.control_url),
        "dataverse": await kinds(world.dataverse.control_url),
        "storage": world.service.tables.requests - BEFORE[world.where.prefix],
        "messages": len(world.service.jobs.take()),
    }


@pytest.fixture
async def person(world: World) -> Person:
    one = await world.person()
    await from_exchange(one)
    await one.quiet()
    await one.quiet()
    return one


async def test_an_idle_pass(world: World, person: Person) -> None:
    """A notification about events has nothing to do with contacts, and Dynamics is not asked for anything."""
    await reset(world)
    await world.service.run_pass(person.box.id, "notification")
    assert await counted(world) == {
        "graph": {"GET /users/{id}/calendarView/delta": 1},
        "dataverse": {},
        "storage": 4,  # mailbox, profile, agenda; the pass noted on the mailbox
        "messages": 0,
    }


async def test_an_idle_reading_of_the_change_feed(world: World, person: Person) -> None:
    await reset(world)
    await world.service.read_feed()
    assert await counted(world) == {
        "graph": {},
        "dataverse": {
            "GET /appointments": 1,
            "GET /recurringappointmentmasters": 1,
            "GET /serviceappointments": 1,
            **{f"GET /{name}": 1 for name in ("contacts", "tasks", "phonecalls", "letters", "faxes")},
        },
        "storage": 2,  # the cursors of all tables, read and written
        "messages": 0,
    }


async def test_one_changed_event(world: World, person: Person) -> None:
    event = await person.event()
    await person.graph("PATCH", f"/events/{event['id']}", {"subject": "Changed"})
    await reset(world)
    await world.service.run_pass(person.box.id, "notification")
    assert await counted(world) == {
        "graph": {
            "GET /users/{id}/calendarView/delta": 1,
            "GET /users/{id}/events/{id}": 1,  # its stamps, which the feed does not show
        },
        "dataverse": {
            "GET /organizations": 1,  # unless they were read in the last minute
            "PATCH /appointments({id})": 1,  # on condition that the row is as the link remembers it
        },
        # mailbox, profile, agenda, link (two rows); claim and intent; history; commit with cursor; mailbox
        "storage": 9,
        "messages": 0,
    }


async def test_one_changed_event_where_the_settings_are_known(world: World, person: Person) -> None:
    """The steady state: any pass of the same worker read them in the last minute."""
    async with running(world.where, settings_shared_for=SHARED) as service:
        for subject in ("Changed", "Changed again"):
            event = await person.event()
            await person.graph("PATCH", f"/events/{event['id']}", {"subject": subject})
            await reset(world)
            await service.run_pass(person.box.id, "notification")
    asked = await counted(world)
    assert asked["dataverse"] == {"PATCH /appointments({id})": 1}
    assert sum(asked["graph"].values()) == 2


async def test_one_changed_appointment(world: World, person: Person) -> None:
    await person.rows("PATCH", f"({await person.row()})", {"location": "Changed"})
    await reset(world)
    await world.service.read_feed("push calendar")
    await world.service.run_pass(person.box.id, "dynamics")
    assert await counted(world) == {
        "graph": {
            "GET /users/{id}/calendarView/delta": 1,
            "GET /users/{id}/events/{id}": 1,  # the event as it is now
            "PATCH /users/{id}/events/{id}": 1,
        },
        "dataverse": {
            "GET /appointments": 1,  # the feed
            "GET /recurringappointmentmasters": 1,  # the feed's other tables
            "GET /serviceappointments": 1,
            "GET /activityparties": 1,  # whose appointment: the feed carries no parties
            "GET /organizations": 1,
            "GET /appointments({id})": 1,
        },
        "storage": 16,
        "messages": 1,  # the hint
    }


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
