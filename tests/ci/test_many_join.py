"""Many mailboxes join an organization at once: more than its limits allow to be read at once. Each waits for
its turn, none fails, and what a mailbox costs does not depend on how many others there are."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from local.clock import SimulatedClock
from shared.dynamics.dataverse.budget import Allowance
from shared.engine import first_sync
from shared.lane import Lane
from shared.mailboxes import overview
from tests.simulation import loop
from tests.simulation.faults import CALM
from tests.simulation.world import START, World, world
from tests.wire.people import CATEGORY, Person

ALONE, MANY = 20, 240
ALLOWED = Allowance(requests=1000)
"""A fifth of what is really there, so that a crowd is five times as large."""
MINUTE = timedelta(minutes=1)


@dataclass
class Joined:
    """``minutes`` until the last had its event in Dynamics; ``failing``: the most at any minute."""

    mailboxes: int
    minutes: int
    deliveries: int
    asked: Counter[str]
    failing: int


def joined(mailboxes: int) -> Joined:
    clock = SimulatedClock(START)

    async def main() -> Joined:
        async with world(clock, 1, CALM, allowed=frozenset(), allowance=ALLOWED) as made:
            return await together(made, mailboxes)

    return loop.run(clock, 1, main)


async def together(made: World, number: int) -> Joined:
    people = [await made.person(f"p{each}", on=False) for each in range(number)]
    for person in people:
        times = {"dateTime": "2026-03-09T10:00:00", "timeZone": "UTC"}
        await person.graph(
            "POST", "events", {"subject": "Here", "categories": [CATEGORY], "start": times, "end": times}
        )
    await made.run_for(MINUTE)
    before = Counter(made.traffic.by_kind)
    await asyncio.gather(*(made.enable(person) for person in people))
    minutes, failing = 0, 0
    while not all([await is_through(made, person) for person in people]):
        minutes += 1
        assert minutes < 240, "they are never through"
        await made.run_for(MINUTE)
        everyone = [mailbox async for mailbox in made.services.registry.all()]
        failing = max(failing, overview.state_of(everyone, made.services.now())["failing"])
    asked = made.traffic.by_kind - before
    assert [await rows(person) for person in people] == [1] * number
    assert made.protection.refused == 0, "our budget keeps within the service's limits"
    return Joined(number, minutes, made.queues.delivered[Lane.BULK], asked, failing)


async def is_through(made: World, person: Person) -> bool:
    mailbox = await made.services.registry.get(person.mailbox)
    agenda = await made.links.agenda(person.mailbox, inbox_limit=1)
    return (
        mailbox is not None and mailbox.last_pass_at is not None and first_sync.lane_of(agenda) is Lane.SYNC
    )


async def rows(person: Person) -> int:
    found: int = await person.web_api("GET", "appointments/$count")
    return found


def test_a_mailbox_costs_about_the_same_however_many_join_at_once() -> None:
    alone, many = joined(ALONE), joined(MANY)
    print(alone, many, sep="\n")
    least = many.asked["dataverse"] / (ALLOWED.requests * ALLOWED.bulk) * ALLOWED.window / 60
    assert many.minutes > alone.minutes, "it is no crowd"
    assert many.minutes < 1.5 * least + 15, "the budget is used"
    assert many.deliveries / many.mailboxes < alone.deliveries / alone.mailboxes + 4
    assert many.asked["graph"] / many.mailboxes < 1.2 * alone.asked["graph"] / alone.mailboxes
    assert many.failing == 0, "who waits for its turn has not failed"
