"""Stories of appointments on real adapters over real sockets, whose worker can be killed (SIGKILL) between
the steps of a pass."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local.dataverse import Dataverse as DataverseStandIn
from local.exchange import ExchangeOnline
from shared.model.mailbox import Mailbox
from tests.wire.real_service import Running, Where, running

ROOT = Path(__file__).parents[2]
CATEGORY = "Tracked to Dynamics 365"
GUEST = "guest@fabrikam.example"
START = (datetime.now(UTC) + timedelta(days=4)).replace(hour=9, minute=0, second=0, microsecond=0)
NUMBERS = count(1)
AT_ONCE = 2
Story = Callable[["Person"], Awaitable[None]]


@dataclass
class World:
    """Stand-ins, tables and one service in this process."""

    where: Where
    service: Running
    http: aiohttp.ClientSession
    exchange: ExchangeOnline
    dataverse: DataverseStandIn

    async def call(self, method: str, url: str, body: Any = None, **headers: str) -> Any:
        sent = {"Authorization": "Bearer somebody", "Prefer": 'IdType="ImmutableId"', **headers}
        async with self.http.request(method, url, json=body, headers=sent) as response:
            assert response.status < 400, await response.text()
            return await response.json(content_type=None)

    async def person(self, *, settled: bool = True) -> Person:
        address = f"p{next(NUMBERS)}@contoso.example"
        made = await self.call(
            "POST",
            f"{self.exchange.control_url}/users",
            {"userPrincipalName": address, "displayName": "P", "timeZone": "UTC"},
        )
        user = await self.call(
            "POST",
            f"{self.dataverse.control_url}/users",
            {"internalemailaddress": address, "fullname": address},
        )
        box = Mailbox(id=made["id"], address=address, user_id=user["systemuserid"])
        await self.service.services.registry.add(box)
        person = Person(self, box)
        if settled:
            await person.quiet()
        return person


@dataclass
class Person:
    world: World
    box: Mailbox

    async def graph(self, method: str, path: str, body: Any = None) -> Any:
        return await self.world.call(method, f"{self.world.exchange.url}/users/{self.box.id}{path}", body)

    async def rows(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self.world.dataverse.url}/appointments{path}"
        return await self.world.call(method, url, body, Prefer="return=representation")

    async def event(self) -> Any:
        return (await self.graph("GET", "/events"))["value"][0]

    async def quiet(self) -> None:
        """Passes in this process until nothing is left to do."""
        for _ in range(3):
            await self.world.service.read_feed("push calendar")
            await self.world.service.run_pass(self.box.id, "notification")

    async def row(self) -> str:
        return str((await self.mine())[0]["activityid"])

    async def mine(self) -> list[Any]:
        found = await self.rows("GET", f"?$filter=_ownerid_value eq {self.box.user_id}")
        return list(found["value"])

    async def outcome(self) -> Any:
        """What people see in the end: content on both sides and every mail."""
        events = [
            (e["subject"], e["location"]["displayName"], e["start"]["dateTime"], e["categories"])
            for e in (await self.graph("GET", "/events"))["value"]
        ]
        rows = [(r["subject"], r.get("location"), r["scheduledstart"]) for r in await self.mine()]
        mails = (await self.world.call("GET", f"{self.world.exchange.control_url}/outbox"))["value"]
        mine = sorted(m["kind"] for m in mails if m["from"] == self.box.address)
        return sorted(map(str, events)), sorted(map(str, rows)), mine


# --- the stories ----------------------------------------------------------------------------------


def times() -> dict[str, Any]:
    edges = (("start", START), ("end", START + timedelta(hours=1)))
    return {n: {"dateTime": f"{t:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"} for n, t in edges}


async def from_exchange(person: Person) -> None:
    await person.graph("POST", "/events", {"subject": "Mine", "categories": [CATEGORY], **times()})


async def from_dynamics(person: Person) -> None:
    user = person.box.user_id
    await person.rows(
        "POST",
        "",
        {
            "subject": "Demo",
            "scheduledstart": f"{START:%Y-%m-%dT%H:%M:%SZ}",
            "scheduledend": f"{START + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
            "ownerid@odata.bind": f"/systemusers({user})",
            "appointment_activity_parties": [
                {"participationtypemask": 7, "partyid_systemuser@odata.bind": f"/systemusers({user})"},
                {"participationtypemask": 5, "addressused": GUEST},
            ],
        },
    )


async def both_edited(person: Person) -> None:
    await from_dynamics(person)
    await person.quiet()
    event = await person.event()
    await person.graph("PATCH", f"/events/{event['id']}", {"subject": "Edited in Exchange"})
    await person.rows("PATCH", f"({await person.row()})", {"location": "Edited in Dynamics"})


async def deleted_in_exchange(person: Person) -> None:
    await from_exchange(person)
    await person.quiet()
    await person.graph("DELETE", f"/events/{(await person.event())['id']}")


async def deleted_in_dynamics(person: Person) -> None:
    await from_dynamics(person)
    await person.quiet()
    await person.rows("DELETE", f"({await person.row()})")


async def untracked(person: Person) -> None:
    await from_exchange(person)
    await person.quiet()
    await person.graph("PATCH", f"/events/{(await person.event())['id']}", {"categories": []})


STORIES = [from_exchange, from_dynamics, both_edited, deleted_in_exchange, deleted_in_dynamics, untracked]


@pytest.fixture
async def world(azurite: str) -> AsyncIterator[World]:
    prefix = f"crash{next(NUMBERS)}x{datetime.now(UTC):%H%M%S%f}"
    async with (
        ExchangeOnline() as exchange,
        DataverseStandIn() as dataverse,
        aiohttp.ClientSession() as http,
    ):
        where = Where(exchange.url, dataverse.url.removesuffix("/api/data/v9.2"), azurite, prefix)
        async with running(where) as service:
            await service.read_feed()
            yield World(where, service, http, exchange, dataverse)


async def killed_at(world: World, person: Person, step: int) -> int | None:
    """The number of steps the worker had, or None when it was killed."""
    given = {"where": asdict(world.where), "mailbox": person.box.id, "killAt": step}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.wire.real_service",
        json.dumps(given),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    if process.returncode == -signal.SIGKILL:
        return None
    assert process.returncode == 0, err.decode()
    return int(json.loads(out.splitlines()[-1])["steps"])


async def ends_the_same(
    world: World,
    story: Story,
    outcome: Callable[[Person], Awaitable[Any]],
    drawn: Callable[[int], Sequence[int]],
    at_least: int,
) -> None:
    """Tells the story whole, and again with the worker killed at each step that is ``drawn`` of all."""
    person = await world.person()
    await story(person)
    steps = await killed_at(world, person, 0)
    assert steps is not None
    assert steps > at_least
    await person.quiet()
    expected = await outcome(person)
    slots = asyncio.Semaphore(AT_ONCE)

    async def once(step: int) -> None:
        async with slots:
            victim = await world.person()
            await story(victim)
            assert await killed_at(world, victim, step) is None
            await victim.quiet()
            assert await outcome(victim) == expected, f"killed at step {step} of {steps}"

    await asyncio.gather(*(once(step) for step in drawn(steps)))
