"""How requests, storage and messages grow with the number of mailboxes, in simulated time: what is shared
must not grow, what is each mailbox's must stay its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from benchmarks import deeds
from benchmarks.deeds import DYNAMICS, EVENT, EXCHANGE
from benchmarks.figures import fitted
from benchmarks.ledger import DATAVERSE, EDGE, FEED, GRAPH, MESSAGES, PASS, STORAGE, Bookkeeping, Ledger
from benchmarks.page import Table
from benchmarks.simulated import in_world
from tests.simulation.world import World
from tests.wire.people import Person

SIZES = (10, 100, 1_000, 10_000)
ONE_IN = 10
"""Of so many mailboxes one sees changes: one event is changed on each side."""
SETTLED = timedelta(minutes=15)
ROUNDS = 12
"""Of so many minutes each: the first passes of ten thousand mailboxes that join at once take their time."""
WINDOW = timedelta(minutes=15)
"""How many mailboxes are polled in it depends on when they joined: what counts is what a pass costs."""
AT_ONCE = 500


@dataclass(frozen=True)
class Grown:
    """What a quarter of an hour took. ``clocked``: readings of the change feed by the clock; ``pushed``:
    those that Dataverse asked for; ``fan_out``: the timers, and the notifications taken in."""

    mailboxes: int
    changes: int
    clocked: Counter[str]
    pushed: Counter[str]
    fan_out: Counter[str]
    passes: Counter[str]


def measure(size: int) -> Grown:
    async def grown(world: World) -> Grown:
        return await _grown(world, size)

    return in_world(grown)


async def _grown(world: World, size: int) -> Grown:
    await world.profile(synchronize_contacts=False, synchronize_tasks=False)
    people = await _enabled(world, size)
    active = people[::ONE_IN]
    for person in active:
        await deeds.make(person, EVENT, EXCHANGE, "before", world.clock.now())
    links = await _settled(world, active)
    books = Bookkeeping(world)
    pause = WINDOW / len(active)
    for number, (person, ids) in enumerate(zip(active, links, strict=True)):
        side = DYNAMICS if number % 2 else EXCHANGE
        await deeds.edit(person, EVENT, side, ids, "after")
        await world.run_for(pause)
    return _of(size, len(active), books.since())


async def _settled(world: World, people: Sequence[Person]) -> list[tuple[str, str]]:
    """The link of each person's event, once all have one. Raises ``TimeoutError``."""
    for _ in range(ROUNDS):
        await world.run_for(SETTLED)
        found = [await deeds.linked(person, EVENT) for person in people]
        if all(found):
            return [links[-1] for links in found]
    raise TimeoutError(f"{sum(not links for links in found)} of {len(people)} mailboxes are not in step")


def _of(size: int, changes: int, ledger: Ledger) -> Grown:
    return Grown(
        size, changes, ledger.of(FEED, "net"), ledger.of(FEED, "push"), ledger.of(EDGE), ledger.of(PASS)
    )


async def _enabled(world: World, size: int) -> list[Person]:
    """Many at once, or the first would be polled for hours until the last is there."""
    people = [await world.person(f"p{number}", on=False) for number in range(size)]
    for begin in range(0, size, AT_ONCE):
        await asyncio.gather(*(world.enable(person) for person in people[begin : begin + AT_ONCE]))
    return people


def table(found: Sequence[Grown]) -> Table:
    rows = [
        [
            f"{each.mailboxes:,}",
            each.changes,
            each.clocked[DATAVERSE],
            each.clocked[STORAGE],
            each.pushed[DATAVERSE] / each.changes,
            each.fan_out[STORAGE],
            each.passes[MESSAGES],
            *(each.passes[part] / max(1, each.passes[MESSAGES]) for part in (GRAPH, DATAVERSE, STORAGE)),
        ]
        for each in found
    ]
    return Table(
        "Growth with the number of mailboxes",
        f"In simulated time, {minutes(WINDOW)} minutes of so many subscribed mailboxes, in one of {ONE_IN} "
        "of which one event is changed, on either side in turn; calendars only, so that ten thousand fit.",
        [
            "mailboxes",
            "changes",
            "feed by the clock: Dataverse",
            "storage",
            "feed by push: Dataverse per change",
            "timers and edge: storage",
            "passes (messages)",
            "a pass: Graph",
            "Dataverse",
            "storage",
        ],
        rows,
        _conclusions(found),
    )


def _conclusions(found: Sequence[Grown]) -> list[str]:
    def points(number: str, part: str) -> list[tuple[float, float]]:
        return [(each.mailboxes, getattr(each, number)[part]) for each in found]

    feed = fitted(points("clocked", DATAVERSE))
    timers = fitted(points("fan_out", STORAGE))
    return [
        f"The change feed by the clock: {feed.fixed:.0f} requests, and {abs(feed.each):.4f} more for each "
        f"mailbox. Timers and edge: {timers.fixed:.0f} storage requests, and {timers.each:.2f} more for each "
        "mailbox."
    ]


def minutes(time: timedelta) -> int:
    return round(time.total_seconds() / 60)
