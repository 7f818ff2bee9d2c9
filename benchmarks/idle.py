"""What a mailbox costs in which nothing happens, a day, with healthy subscriptions; and what all share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from benchmarks import deeds
from benchmarks.ledger import DATAVERSE, EDGE, FEED, MESSAGES, PARTS, PASS, Bookkeeping, Ledger
from benchmarks.page import Table
from benchmarks.simulated import in_world
from tests.simulation.world import World

MAILBOXES = 3
SETTLED = timedelta(hours=3)
DAYS = 7
"""Long enough for renewals of subscriptions, which come every few days."""
SHARED_FOR = timedelta(hours=1)
POLLING, TASKS, COMPARISON = "polling (the net)", "task lists", "comparison with Dynamics, and filters"
RENEWAL = "subscriptions, and the mailbox's place in the timers"
OWN = (POLLING, TASKS, COMPARISON, RENEWAL)
FEED_ALL, TIMERS = "the organization's change feed", "timers that look at all mailboxes"


@dataclass(frozen=True)
class Idle:
    """Per day: what each mailbox costs, by what for, and what the organization's feed and the timers cost
    whatever their number. ``kinds``: the Dataverse requests of one mailbox by ``METHOD path``."""

    own: Mapping[str, Mapping[str, float]]
    feed: Mapping[str, float]
    timers: Mapping[str, float]
    kinds: Mapping[str, float]

    @property
    def shared(self) -> dict[str, float]:
        return {part: self.feed[part] + self.timers[part] for part in PARTS}

    @property
    def of_mailbox(self) -> dict[str, float]:
        return {part: sum(counts[part] for counts in self.own.values()) for part in PARTS}


def measure() -> Idle:
    """The feed's own timer hardly runs while the days pass, for it is the same whatever the mailboxes do; its
    day is an hour by the deployed schedule, 24 times."""
    own, timers, kinds = in_world(_days, feed=7200)
    return Idle(own, in_world(_feed), timers, kinds)


async def _people(world: World) -> None:
    """Each with one item of every kind, as in a mailbox that is used."""
    for number in range(MAILBOXES):
        person = await world.person(f"idle{number}", on=False)
        await world.enable(person)
        for kind in deeds.KINDS:
            await deeds.make(person, kind, deeds.EXCHANGE, f"{kind.name} of {number}", world.clock.now())
    await world.run_for(SETTLED)


async def _days(world: World) -> Split:
    await _people(world)
    books = Bookkeeping(world)
    await world.run_for(timedelta(days=DAYS))
    return split(books.since(), MAILBOXES, DAYS)


async def _feed(world: World) -> Counter[str]:
    await _people(world)
    books = Bookkeeping(world)
    await world.run_for(SHARED_FOR)
    times = timedelta(days=1) / SHARED_FOR
    return Counter({part: round(number * times) for part, number in books.since().of(FEED).items()})


Split = tuple[Mapping[str, Mapping[str, float]], Mapping[str, float], Mapping[str, float]]
"""Per mailbox and day by what for; per day what the timers asked; per mailbox and day Dataverse by kind."""


def split(ledger: Ledger, mailboxes: int, days: int) -> Split:
    found: dict[str, Counter[str]] = {name: Counter() for name in (*OWN, TIMERS)}
    kinds: Counter[str] = Counter()
    for (of, part, kind), number in ledger.by_kind(PASS, EDGE).items():
        found[purpose(of, part, kind)][part] += number
        kinds[kind] += number if part == DATAVERSE else 0
    found[POLLING][MESSAGES] = ledger.of(PASS)[MESSAGES]
    own = {name: _each(found[name], mailboxes * days) for name in OWN}
    return own, _each(found[TIMERS], days), {kind: n / mailboxes / days for kind, n in kinds.items() if n}


def _each(counts: Counter[str], number: int) -> dict[str, float]:
    return {part: counts[part] / number for part in PARTS}


def purpose(of: str, part: str, kind: str) -> str:
    if of == EDGE:
        return TIMERS if kind.startswith("GET") else RENEWAL
    if "subscriptions" in kind:
        return RENEWAL
    if "/todo/" in kind:
        return TASKS
    return COMPARISON if part == DATAVERSE else POLLING


def table(idle: Idle) -> Table:
    rows: list[list[object]] = [[name, *(idle.own[name][part] for part in PARTS)] for name in OWN]
    rows.append(["**one mailbox a day**", *(idle.of_mailbox[part] for part in PARTS)])
    for name, counts in ((FEED_ALL, idle.feed), (TIMERS, idle.timers)):
        rows.append([f"{name}, shared by all, a day", *(counts[part] for part in PARTS)])
    kinds = ", ".join(f"`{kind}` {number:.2f}" for kind, number in sorted(idle.kinds.items()))
    return Table(
        "An idle mailbox",
        f"In simulated time, {DAYS} days of {MAILBOXES} mailboxes with healthy subscriptions and one item of "
        "each kind in which nobody does anything; the change feed over an hour by the deployed schedule.",
        ["per day", "Graph", "Dataverse", "storage", "messages"],
        rows,
        [
            "Storage of polling is that of all passes.",
            f"Dataverse requests of one mailbox a day: {kinds or 'none'}.",
        ],
    )
