"""A first sync of thousands of items, in simulated time, while Dataverse is slow and limits what may be asked
of it: nobody else waits for it, and the mailbox itself goes on living meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from local.clock import SimulatedClock
from local.dataverse.limits import Limits
from shared.engine import first_sync
from shared.lane import Lane
from tests.simulation import loop
from tests.simulation.faults import CALM
from tests.simulation.world import START, World, world
from tests.wire.people import CATEGORY, Person

EVENTS = 2000
SLOW = Limits(operation_seconds=0.15, advised=16)
"""As documented, but each operation takes half a second: two thousand events take more execution time than
three windows of five minutes allow."""
A_FEW_SECONDS = 5.0
WITHIN = 180.0
"""Seconds: what is left of the slice that is under way, and the beginning of the next. The first sync takes
half an hour."""
EVERY = timedelta(seconds=45)
LONGEST = timedelta(hours=3)

Seen = Callable[[], Awaitable[Any]]


@dataclass
class Measured:
    """Seconds until a single change was on the other side."""

    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    """How many events of the first sync were still to come when an own change arrived."""


async def fill(person: Person, number: int) -> None:
    for each in range(number):
        day = f"2026-03-{9 + each % 20:02d}"
        times = {
            "start": {"dateTime": f"{day}T10:00:00", "timeZone": "UTC"},
            "end": {"dateTime": f"{day}T10:30:00", "timeZone": "UTC"},
        }
        body = {"subject": f"Old {each}", "categories": [CATEGORY], **times}
        await person.graph("POST", "events", body)


async def seconds_until(made: World, seen: Seen) -> float:
    began = made.clock.time()
    while not await seen():
        await made.run_for(timedelta(seconds=0.25))
        assert made.clock.time() - began < 600, "it never arrives"
    return made.clock.time() - began


async def outlook_change(made: World, person: Person, name: str) -> float:
    await person.add_contact(givenName="Kim", surname=name)

    async def seen() -> bool:
        return bool(await person.rows("contacts", f"lastname eq '{name}'"))

    return await seconds_until(made, seen)


async def dynamics_change(made: World, person: Person, row_id: str, name: str) -> float:
    await person.edit("contacts", row_id, lastname=name)

    async def seen() -> bool:
        return any(row["surname"] == name for row in await person.contacts())

    return await seconds_until(made, seen)


async def own_event(made: World, person: Person, name: str) -> float:
    at = {"dateTime": "2026-03-30T10:00:00", "timeZone": "UTC"}
    body = {"subject": name, "categories": [CATEGORY], "start": at, "end": at}
    await person.graph("POST", "events", body)

    async def seen() -> bool:
        return bool(await person.rows("appointments", f"subject eq '{name}'"))

    return await seconds_until(made, seen)


async def lane_of(made: World, person: Person) -> Lane:
    return first_sync.lane_of(await made.links.agenda(person.mailbox, inbox_limit=1))


async def appointments(person: Person) -> int:
    found = await person.web_api("GET", "appointments/$count")
    return int(found)


async def told(measured: Measured, made: World) -> None:
    anna, bert = await made.person("anna", on=False), await made.person("bert", on=False)
    await fill(bert, EVENTS)
    await made.enable(anna)
    await made.run_for(timedelta(minutes=5))
    measured.alone.append(await outlook_change(made, anna, "Alone"))
    (row,) = await anna.rows("contacts", "lastname eq 'Alone'")
    await made.run_for(timedelta(minutes=1))
    measured.alone.append(await dynamics_change(made, anna, row["contactid"], "Alonetoo"))
    await made.enable(bert)
    await made.run_for(timedelta(minutes=1))
    began, number = made.clock.now(), 0
    while await lane_of(made, bert) is Lane.BULK:
        assert made.clock.now() - began < LONGEST, "the first sync never ends"
        number += 1
        await beside(measured, made, (anna, bert), row["contactid"], number)
        await made.run_for(EVERY)


async def beside(
    measured: Measured, made: World, people: tuple[Person, Person], row_id: str, number: int
) -> None:
    anna, bert = people
    measured.beside.append(await outlook_change(made, anna, f"Beside{number}"))
    measured.beside.append(await dynamics_change(made, anna, row_id, f"There{number}"))
    if number % 4 == 1 and await lane_of(made, bert) is Lane.BULK:
        measured.own.append(await own_event(made, bert, f"Newest {number}"))
        measured.left.append(EVENTS - len(await made_of(bert)))


async def made_of(person: Person) -> list[dict[str, Any]]:
    return [row for row in await everything(person) if row["subject"].startswith("Old ")]


async def everything(person: Person) -> list[dict[str, Any]]:
    body = await person.web_api("GET", "appointments?$select=subject")
    return list(body["value"])


def test_a_first_sync_delays_nobody_and_its_own_mailbox_goes_on_living() -> None:
    clock, measured = SimulatedClock(START), Measured()

    async def main() -> None:
        async with world(clock, 1, CALM, allowed=frozenset(), limits=SLOW) as made:
            await told(measured, made)
            await made.run_for(timedelta(minutes=10))
            bert = made.everybody[1]
            rows = [row["subject"] for row in await everything(bert)]
            assert len(rows) == len(set(rows)) == EVENTS + len(measured.own)
            assert made.protection.refused == 0, "our budget keeps within the service's limits"
            assert made.queues.dead == []

    loop.run(clock, 1, main)
    print(measured)
    assert len(measured.beside) >= 10
    assert max(measured.beside) <= max(measured.alone) + A_FEW_SECONDS
    assert len(measured.own) >= 2
    assert max(measured.own) <= WITHIN
    assert measured.left[0] > EVENTS / 2
