"""What a pass costs, in requests: counts are stable, and asserted exactly."""

from __future__ import annotations

from typing import Any

import pytest

from shared.dynamics.dataverse.organization import SHARED
from tests.wire.crash_steps import Person, World, from_exchange, world
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
