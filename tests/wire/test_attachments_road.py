"""Attachments through whole passes on real adapters: five megabytes both ways, and what each costs."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.model.profile import Profile
from tests.marks import rule
from tests.wire.crash_steps import Person, World, from_exchange, world
from tests.wire.test_request_counts import counted, reset

__all__ = ["world"]

FIVE_MB = bytes(range(256)) * (5 * 4096)
TEN_MB = 10 * 1024 * 1024
SETS = "activitymimeattachments"


@pytest.fixture
async def person(world: World) -> AsyncIterator[Person]:
    """Somebody with a linked item and no file; the setting is as the test puts it."""
    one = await world.person()
    await from_exchange(one)
    await one.quiet()
    yield one
    await world.service.services.profiles.put(Profile())


async def switch(world: World, on: bool) -> None:
    await world.service.services.profiles.put(Profile(synchronize_attachments=on))


async def attach_in_exchange(person: Person, name: str, content: bytes) -> None:
    event = await person.event()
    body = {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": name,
        "contentType": "text/plain",
        "contentBytes": base64.b64encode(content).decode(),
    }
    await person.graph("POST", f"/events/{event['id']}/attachments", body)


async def attach_in_dynamics(person: Person, name: str, content: bytes) -> None:
    body = {
        "objectid_appointment@odata.bind": f"/appointments({await person.row()})",
        "objecttypecode": "appointment",
        "filename": name,
        "mimetype": "text/plain",
        "body": base64.b64encode(content).decode(),
    }
    await person.world.call("POST", f"{person.world.dataverse.url}/{SETS}", body)


async def in_exchange(person: Person) -> dict[str, bytes]:
    event = await person.event()
    rows = (await person.graph("GET", f"/events/{event['id']}/attachments"))["value"]
    return {row["name"]: base64.b64decode(row["contentBytes"]) for row in rows}


async def in_dynamics(person: Person) -> dict[str, bytes]:
    query = f"?$filter=_objectid_value eq {await person.row()}"
    rows = (await person.world.call("GET", f"{person.world.dataverse.url}/{SETS}{query}"))["value"]
    return {row["filename"]: base64.b64decode(row["body"]) for row in rows}


async def limit(world: World, size: int) -> None:
    await world.call("PUT", f"{world.dataverse.control_url}/organization", {"maxuploadfilesize": size})


@rule("APPT-11", "FLD-2")
async def test_five_megabytes_travel_both_ways(world: World, person: Person) -> None:
    await switch(world, True)
    await limit(world, TEN_MB)
    await attach_in_exchange(person, "small.txt", b"small")
    await attach_in_dynamics(person, "film.mp4", FIVE_MB)
    await person.quiet()
    expected = {"small.txt": b"small", "film.mp4": FIVE_MB}
    assert await in_exchange(person) == expected
    assert await in_dynamics(person) == expected
    await person.graph("DELETE", await _path_of(person, "film.mp4"))
    await person.quiet()
    assert await in_dynamics(person) == {"small.txt": b"small"}
    await limit(world, 5_242_880)


async def _path_of(person: Person, name: str) -> str:
    event = await person.event()
    rows = (await person.graph("GET", f"/events/{event['id']}/attachments"))["value"]
    (identifier,) = [row["id"] for row in rows if row["name"] == name]
    return f"/events/{event['id']}/attachments/{identifier}"


async def change(world: World, person: Person) -> dict[str, Any]:
    """One changed subject, and what the pass after it sends."""
    event = await person.event()
    await person.graph("PATCH", f"/events/{event['id']}", {"subject": f"{event['subject']}!"})
    await reset(world)
    await world.service.run_pass(person.box.id, "notification")
    return await counted(world)


GRAPH = {"GET /users/{id}/calendarView/delta": 1, "GET /users/{id}/events/{id}": 1}
UPDATE = {"GET /organizations": 1, "PATCH /appointments({id})": 1}
DATAVERSE = {**UPDATE, "GET /appointments({id})": 1}
"""With attachments the row is read: it tells how many it has."""


@rule("APPT-11", "FLD-2")
async def test_off_no_request_is_added_even_where_there_are_files(world: World, person: Person) -> None:
    await attach_in_exchange(person, "a.txt", b"a")
    await attach_in_dynamics(person, "b.txt", b"b")
    await person.quiet()
    sent = await change(world, person)
    assert (sent["graph"], sent["dataverse"], sent["storage"]) == (GRAPH, UPDATE, 9)
    assert (list(await in_exchange(person)), list(await in_dynamics(person))) == (["a.txt"], ["b.txt"])


@rule("APPT-11")
async def test_on_no_request_is_added_where_there_is_no_file(world: World, person: Person) -> None:
    await switch(world, True)
    sent = await change(world, person)
    assert (sent["graph"], sent["dataverse"], sent["storage"]) == (GRAPH, DATAVERSE, 9)


@rule("APPT-11")
async def test_on_known_files_cost_one_list_on_each_side(world: World, person: Person) -> None:
    await switch(world, True)
    await attach_in_exchange(person, "a.txt", b"a")
    await person.quiet()
    sent = await change(world, person)
    assert sent["graph"] == {**GRAPH, "GET /users/{id}/events/{id}/attachments": 1}
    assert sent["dataverse"] == {**DATAVERSE, f"GET /{SETS}": 1}


@rule("APPT-11", "PAIN-2")
async def test_what_one_new_file_costs(world: World, person: Person) -> None:
    await switch(world, True)
    await attach_in_exchange(person, "a.txt", b"a")
    await reset(world)
    await world.service.run_pass(person.box.id, "notification")
    sent = await counted(world)
    assert sent["graph"] == {
        **GRAPH,
        "GET /users/{id}/events/{id}/attachments": 1,
        "GET /users/{id}/events/{id}/attachments/{id}/$value": 1,
    }
    assert sent["dataverse"] == {
        "GET /organizations": 1,
        "GET /appointments({id})": 2,  # as it was, and in the version that the file gave it
        f"PATCH /{SETS}({{id}})": 1,
        f"GET /{SETS}": 1,  # read back
    }
    await person.quiet()
    await reset(world)
    await world.service.run_pass(person.box.id, "notification")
    assert (await counted(world))["graph"] == {"GET /users/{id}/calendarView/delta": 1}


@rule("APPT-11")
async def test_what_the_organization_refuses_stays_and_costs_no_content(world: World, person: Person) -> None:
    await switch(world, True)
    await attach_in_exchange(person, "run.exe", b"MZ")
    await person.quiet()
    assert await in_dynamics(person) == {}
    sent = await change(world, person)
    assert sent["graph"] == {**GRAPH, "GET /users/{id}/events/{id}/attachments": 1}
    assert sent["dataverse"] == DATAVERSE
    rows, _ = await world.service.services.history.of_item(person.box.id, None, limit=50, after=None)
    assert [row.rules for row in rows if "run.exe" in row.reason] == [("APPT-11", "EMI-22")]
