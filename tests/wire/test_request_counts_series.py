"""What a series of a year, with three exceptions, costs in requests: stable, asserted exactly, and small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.marks import rule
from tests.wire import series_stories
from tests.wire.crash_steps import CATEGORY, Person, World, world
from tests.wire.series_costs import COSTS, FIRST_FROM_DYNAMICS, FIRST_FROM_EXCHANGE, IDLE, Cost, rows
from tests.wire.series_stories import MASTERS, dataverse, instances, master, master_row, occurrences
from tests.wire.test_request_counts import counted, reset

__all__ = ["world"]

OCCURRENCES = 52


@pytest.fixture
async def person(world: World) -> Person:
    """Series are expanded to their end at once, so that no batch falls into what is counted."""
    settings = {"recurrenceexpansionsynchcreatemax": 60, "futureexpansionwindow": 140}
    await world.call("PUT", f"{world.dataverse.control_url}/organization", settings)
    return await world.person()


async def used(person: Person) -> dict[str, Any]:
    await reset(person.world)
    await person.world.service.read_feed("push calendar")
    await person.world.service.run_pass(person.box.id, "notification")
    return await counted(person.world)


async def cost(person: Person) -> Cost:
    return total(await used(person))


def total(found: dict[str, Any]) -> Cost:
    return Cost(sum(found["graph"].values()), sum(found["dataverse"].values()), found["storage"])


@rule("APPT-28")
async def test_a_first_sync_from_exchange(person: Person) -> None:
    await series_stories.from_exchange(person, OCCURRENCES)
    found = await used(person)
    assert found["graph"] == {
        "GET /users/{id}/calendarView/delta": 1,
        "GET /users/{id}/events/{id}": 1,  # the series with its exceptions
        "PATCH /users/{id}/events/{id}": 1,  # the mark
    }
    assert found["dataverse"] == {
        "GET /serviceappointments": 1,  # the feed of another table
        "GET /recurringappointmentmasters": 2,  # the feed; whether the meeting is there already
        "GET /organizations": 1,
        "PATCH /recurringappointmentmasters({id})": 2,  # created, then its status
        "POST /recurringappointmentmasters/Microsoft.Dynamics.CRM.CreateException": 3,
        "GET /recurringappointmentmasters({id})": 2,  # read back, and as it is when all is written
        "GET /appointments": 4,  # the feed; each exception as it was made, but the deleted one; all at last
        "POST /$batch": 4,
    }
    assert total(found) == COSTS[FIRST_FROM_EXCHANGE]
    assert len(await instances(person, (await master_row(person))["activityid"])) == OCCURRENCES - 1


@rule("APPT-28")
async def test_a_first_sync_from_dynamics(person: Person) -> None:
    await series_stories.from_dynamics(person, OCCURRENCES)
    found = await used(person)
    assert found["graph"] == {
        "GET /users/{id}/calendarView/delta": 1,
        "POST /users/{id}/events": 1,
        "GET /users/{id}/events/{id}/instances": 1,  # the ids of the three occurrences
        "PATCH /users/{id}/events/{id}": 4,  # two exceptions; the attendees, last; the mark
        "DELETE /users/{id}/events/{id}": 1,
        "GET /users/{id}/events/{id}": 1,  # as it is when all is written
    }
    assert found["dataverse"] == {
        "GET /serviceappointments": 1,  # the feed of another table
        "GET /appointments": 2,  # the feed; the exceptions
        "GET /recurringappointmentmasters": 1,
        "GET /activityparties": 1,
        "GET /organizations": 1,
        "GET /recurringappointmentmasters({id})": 1,
        "POST /$batch": 1,
    }
    assert total(found) == COSTS[FIRST_FROM_DYNAMICS]
    assert len(await occurrences(person, (await master(person))["id"])) == OCCURRENCES - 1


@rule("APPT-36")
async def test_edits_in_exchange_cost_the_same_however_long_the_series_is(person: Person) -> None:
    await series_stories.from_exchange(person, OCCURRENCES)
    await person.quiet()
    assert await cost(person) == COSTS[IDLE]
    event = (await master(person))["id"]
    rows = await occurrences(person, event)
    await person.graph("PATCH", f"/events/{rows[1]['id']}", {"location": {"displayName": "Room 9"}})
    assert await cost(person) == COSTS["one exception changed in Exchange"]
    await only_echoes(person)
    await person.graph("DELETE", f"/events/{rows[8]['id']}")
    assert await cost(person) == COSTS["one occurrence cancelled in Exchange"]
    await only_echoes(person)
    await person.graph("PATCH", f"/events/{event}", {"subject": "New"})
    assert await cost(person) == COSTS["the subject changed in Exchange"]
    await only_echoes(person)
    assert await cost(person) == COSTS[IDLE]
    await person.graph("PATCH", f"/events/{event}", {"categories": [CATEGORY, "Red"]})
    assert await cost(person) == COSTS["another category in Exchange, which changes nothing"]


@rule("APPT-35")
async def test_edits_in_dynamics_cost_the_same_however_long_the_series_is(person: Person) -> None:
    await series_stories.from_dynamics(person, OCCURRENCES)
    await person.quiet()
    assert await cost(person) == COSTS[IDLE]
    row = (await master_row(person))["activityid"]
    rows = await instances(person, row)
    await person.rows("PATCH", f"({rows[1]['activityid']})", {"location": "Room 9"})
    assert await cost(person) == COSTS["one exception changed in Dynamics"]
    await only_echoes(person)
    await person.rows("DELETE", f"({rows[8]['activityid']})")
    assert await cost(person) == COSTS["one instance deleted in Dynamics"]
    await only_echoes(person)
    await dataverse(person, "PATCH", f"/{MASTERS}({row})", {"subject": "New"})
    assert await cost(person) == COSTS["the subject changed in Dynamics"]
    await only_echoes(person)
    assert await cost(person) == COSTS[IDLE]


async def only_echoes(person: Person) -> None:
    """The next feed and pass show our own writes, and nothing is read or written for them on either side but
    whose row it was, or the settings."""
    graph, dynamics, storage = await cost(person)
    assert (graph, dynamics) == (1, 4)
    assert storage <= 11


def test_the_costs_are_told_where_people_look() -> None:
    performance = Path(__file__).parents[2] / "docs" / "performance.md"
    assert "\n".join(rows()) in performance.read_text()
