"""What one item costs in requests, made, changed and deleted on either side, in a mailbox that is in step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import product

from benchmarks import deeds
from benchmarks.deeds import DYNAMICS, EXCHANGE, KINDS, SIDES, TASK, Kind
from benchmarks.ledger import DATAVERSE, EDGE, FEED, GRAPH, MESSAGES, PARTS, PASS, STORAGE, Bookkeeping, Work
from benchmarks.page import Table
from benchmarks.simulated import in_world
from tests.simulation.world import World
from tests.wire.people import Person

AT_REST = WATCHED = timedelta(minutes=15)
FEED_EVERY = 3600
"""The change feed is read when Dataverse says so; the net behind it is in the table of the idle day."""
SETTINGS = (DATAVERSE, "GET /organizations")
"""One reading serves all passes of a worker for a minute."""
TITLE = "Requests of one item"
DEEDS = ("changed", "made", "deleted")
TRIES = 3
SPARE = 2 * TRIES + 2


@dataclass(frozen=True)
class Cost:
    """``carrying``: the pass (and the reading of the change feed before it) that brought the change over;
    ``all_told``: with every other pass and reading in the time after it that the clock did not ask for. Each
    the least of all tries, for a pass in which something else is due reads more."""

    kind: str
    deed: str
    side: str
    carrying: Counter[str]
    all_told: Counter[str]


def measure() -> list[Cost]:
    return in_world(_costs, feed=FEED_EVERY)


async def _costs(world: World) -> list[Cost]:
    person = await world.person("ann", on=False)
    await world.enable(person)
    for kind in KINDS:
        for number in range(SPARE):
            await deeds.make(person, kind, EXCHANGE, f"{kind.name} {number}", world.clock.now())
    await world.run_for(AT_REST)
    books = Bookkeeping(world)
    found = []
    for kind, deed, side in product(KINDS, DEEDS, SIDES):
        tries = [await _try(world, books, person, kind, deed, side) for _ in range(TRIES)]
        carried, all_told = (min(counts, key=Counter.total) for counts in zip(*tries, strict=True))
        found.append(Cost(kind.name, deed, side, carried, all_told))
    return found


async def _try(
    world: World, books: Bookkeeping, person: Person, kind: Kind, deed: str, side: str
) -> tuple[Counter[str], Counter[str]]:
    await world.run_for(AT_REST)
    books.since()
    ids = (await deeds.linked(person, kind))[0]
    if deed == "made":
        await deeds.make(person, kind, side, f"new {kind.name} {world.clock.now()}", world.clock.now())
    elif deed == "changed":
        await deeds.edit(person, kind, side, ids, f"changed {world.clock.now()}")
    else:
        await deeds.delete(person, kind, side, ids)
    await world.run_for(WATCHED)
    works = list(books.since().works.values())
    carried = carrying(works, DATAVERSE if side == EXCHANGE else GRAPH)
    others = [work for work in works if work not in carried and not by_the_clock(work)]
    return total(carried), total([*carried, *others])


def carrying(works: Sequence[Work], part: str) -> list[Work]:
    """The work that wrote to the other side, and the reading of the feed that led to it. Where the rules have
    nothing written, the first pass that was asked for."""
    writers = [work for work in works if work.of != EDGE and work.writes_to(part)]
    found = writers or [work for work in works if work.of == PASS and not by_the_clock(work)][:1]
    before = works[: works.index(found[0])] if found else []
    feed = [work for work in before if work.of == FEED] if part == GRAPH else []
    return [*feed[-1:], *found]


def by_the_clock(work: Work) -> bool:
    return work.of == EDGE or work.is_for(["due", "net"])


def total(works: Sequence[Work]) -> Counter[str]:
    """Without the organization's settings, which a pass that finds them read does not read."""
    found = Counter({part: sum(work.total(part) for work in works) for part in (GRAPH, DATAVERSE, STORAGE)})
    found[DATAVERSE] -= sum(work.asked[SETTINGS] for work in works)
    found[MESSAGES] = len(works)
    return found


def table(costs: list[Cost]) -> Table:
    rows = []
    for cost in costs:
        there = DYNAMICS if cost.side == EXCHANGE else EXCHANGE
        how = "polled" if cost.kind == TASK.name and cost.side == EXCHANGE else "pushed"
        rows.append(
            [
                f"{cost.kind} {cost.deed} in {cost.side} → {there}, {how}",
                *(cost.carrying[part] for part in PARTS),
                *(cost.all_told[part] for part in PARTS),
            ]
        )
    return Table(
        TITLE,
        "In simulated time, one mailbox in step and at rest, one deed at a time: first the pass that carried "
        "it over (with the reading of the change feed before it, where it came from Dynamics), then with all "
        "that followed and was not asked for by the clock: the echoes of our own writes. The least of three.",
        [
            "one item",
            "Graph",
            "Dataverse",
            "storage",
            "messages",
            "with echoes: Graph",
            "Dataverse",
            "storage",
            "messages",
        ],
        rows,
        [
            "Parts of a `$batch` count each, as both services count them; an envelope does not. Storage: a "
            "transaction is one. A message is counted when it is delivered. Taking in a notification is one "
            "storage request more. Not counted: the organization's settings, one reading of which "
            "serves all passes of a worker for a minute.",
            _least(costs),
        ],
    )


def _least(costs: list[Cost]) -> str:
    """Beside what was aimed at: 2 of Graph, 1 of Dataverse, 4 of storage."""
    (event,) = (c for c in costs if (c.kind, c.deed, c.side) == ("event", "changed", EXCHANGE))
    graph, dataverse, storage = (event.carrying[part] for part in (GRAPH, DATAVERSE, STORAGE))
    return (
        f"One event changed in Exchange: {graph} requests of Graph (the feed; the event's stamps, which the "
        f"feed does not show), {dataverse} of Dataverse (the write, on condition that the row is as the link "
        f"remembers it), and {storage} storage transactions, where 4 were aimed at and 8 are the least. They "
        "are: mailbox; profile; cursors, inbox and fence; the link, by way of its index (2); what "
        "is about to be written; history; the result with the cursors; when the mailbox is due again. A "
        "transaction of Table Storage spans one partition of one table, the link cannot be asked for before "
        "its index has named it, and between what is announced and what is committed a worker may die, so "
        "they are two. The profile alone could be kept in memory; but what an administrator changes there, "
        "the brake first of all, is to hold at once. One changed in Dynamics costs more: the change feed is "
        "of several tables (and tells of all rows changed by then, of whatever mailbox), carries no parties, "
        "and may be older than the row, which is read again; and in Exchange the feed and the event are read "
        "before the write, lest that overwrites what somebody did there meanwhile."
    )
