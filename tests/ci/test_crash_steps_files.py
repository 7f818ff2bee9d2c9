"""The worker is killed with SIGKILL between steps of a pass that carries files, on real adapters over real
sockets."""

from __future__ import annotations

import asyncio

from tests.marks import rule
from tests.wire.crash_draw import drawn
from tests.wire.crash_steps import AT_ONCE, Person, World, from_exchange, killed_at, world
from tests.wire.test_attachments_road import SETS, attach_in_dynamics, attach_in_exchange, switch

__all__ = ["world"]

LARGE = bytes(range(256)) * (12 * 1024)
"""Just over three million bytes: it goes up in pieces, and Dynamics takes it as it is."""


async def prepared(world: World) -> Person:
    person = await world.person()
    await from_exchange(person)
    await person.quiet()
    await attach_in_exchange(person, "small.txt", b"small")
    await attach_in_dynamics(person, "film.mp4", LARGE)
    return person


async def lists(person: Person) -> list[list[str]]:
    """Names on both sides, with doubles."""
    event = await person.event()
    mine = (await person.graph("GET", f"/events/{event['id']}/attachments?$select=name"))["value"]
    query = f"?$select=filename&$filter=_objectid_value eq {await person.row()}"
    theirs = (await person.world.call("GET", f"{person.world.dataverse.url}/{SETS}{query}"))["value"]
    return [sorted(row["name"] for row in mine), sorted(row["filename"] for row in theirs)]


@rule("APPT-11", "LNK-11")
async def test_killed_between_steps_no_file_is_lost_or_doubled(world: World) -> None:
    """One of two is uploaded in pieces. Between which steps is drawn (``CRASH_SEED``); in memory it is
    between any two."""
    await switch(world, True)
    steps = await killed_at(world, await prepared(world), 0)
    assert steps is not None
    assert steps > 8
    slots = asyncio.Semaphore(AT_ONCE)

    async def once(step: int) -> None:
        async with slots:
            victim = await prepared(world)
            assert await killed_at(world, victim, step) is None
            await victim.quiet()
            for files in await lists(victim):
                assert files == ["film.mp4", "small.txt"], f"killed at step {step}"

    await asyncio.gather(*(once(step) for step in drawn(steps)))
