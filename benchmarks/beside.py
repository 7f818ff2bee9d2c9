"""The plain sync beside ours, in the same run and against the same stand-ins."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.deeds import DYNAMICS, EXCHANGE
from benchmarks.idle import Idle
from benchmarks.in_process import Ours, ours
from benchmarks.items import Cost
from benchmarks.ledger import DATAVERSE, GRAPH, STORAGE
from benchmarks.page import Table
from benchmarks.plain import Plain, plain
from benchmarks.rig import Bench
from benchmarks.throughput import DYNAMICS as CHANGED_IN_DYNAMICS
from benchmarks.throughput import FIRST, OUTLOOK
from tests.wire.road import Person

EVENTS, WARM = 60, 3
POLL_EVERY = 300
"""Seconds: what server-side synchronization promises at best, and the shortest a timer per mailbox would
use."""
POLLS = 86_400 // POLL_EVERY
PARTS = (GRAPH, DATAVERSE, STORAGE)


@dataclass(frozen=True)
class Figures:
    """``cpu`` and ``our_cpu``: milliseconds for an event, by doing; ``one``: the requests of plain's poll
    that carried one change, by side; ``idle``: those of its poll that found nothing."""

    cpu: dict[str, float]
    our_cpu: dict[str, float]
    one: dict[str, Counter[str]]
    idle: Counter[str]


def measure(bench: Bench) -> Figures:
    """Each has a mailbox to warm up with, for modules are imported when they are first needed."""
    people = bench.people(4, "beside")
    ids = [bench.add_events(person, EVENTS if number % 2 else WARM) for number, person in enumerate(people)]
    return asyncio.run(_measured(bench, people, ids))


async def _measured(bench: Bench, people: Sequence[Person], ids: Sequence[Sequence[str]]) -> Figures:
    endpoints = bench.road.endpoints
    async with (
        plain(endpoints["graph"], endpoints["dataverse"], endpoints["table_storage"]) as made,
        ours(bench, "beside") as service,
    ):
        await made.sync(people[0].mailbox, people[0].user)
        await service.join(people[2])
        await service.passes(people[2])
        await service.join(people[3])
        beside = _Beside(bench, made, people[1])
        our_cpu = await _our_cpu(bench, service, people[3], ids[3])
        cpu = await _plain_cpu(beside, ids[1])
        return Figures(cpu, our_cpu, *await _one_by_one(beside, ids[1][0]))


async def _our_cpu(bench: Bench, service: Ours, person: Person, ids: Sequence[str]) -> dict[str, float]:
    async def used() -> float:
        cpu = time.process_time()
        await service.passes(person)
        return 1000 * (time.process_time() - cpu) / EVENTS

    cpu = {FIRST: await used()}
    rows = _all_there(bench, person)
    bench.edit_events(person, ids, "from Outlook")
    cpu[OUTLOOK] = await used()
    bench.edit_rows(rows, "from Dynamics")
    cpu[CHANGED_IN_DYNAMICS] = await used()
    return cpu


@dataclass
class _Beside:
    bench: Bench
    plain: Plain
    person: Person

    async def poll(self) -> tuple[float, Counter[str]]:
        """CPU milliseconds and requests of one."""
        self.bench.forget_requests()
        asked, cpu = self.plain.asked[0], time.process_time()
        await self.plain.sync(self.person.mailbox, self.person.user)
        milliseconds = 1000 * (time.process_time() - cpu)
        counts = Counter({part: self.bench.requests(part) for part in (GRAPH, DATAVERSE)})
        counts[STORAGE] = self.plain.asked[0] - asked
        return milliseconds, counts

    async def at_rest(self) -> tuple[float, Counter[str]]:
        """Polls until the echoes are through; their CPU, and what the last one asked. Rows of the same second
        come again, so a second has to pass."""
        await asyncio.sleep(1.1)
        polls = [await self.poll() for _ in range(2)]
        return sum(cpu for cpu, _ in polls), polls[-1][1]


async def _plain_cpu(beside: _Beside, ids: Sequence[str]) -> dict[str, float]:
    """The polls after it, in which the echoes are known, are counted as they are with ours."""

    async def used() -> float:
        return ((await beside.poll())[0] + (await beside.at_rest())[0]) / EVENTS

    cpu = {FIRST: await used()}
    rows = _all_there(beside.bench, beside.person)
    beside.bench.edit_events(beside.person, ids, "from Outlook")
    cpu[OUTLOOK] = await used()
    beside.bench.edit_rows(rows, "from Dynamics")
    cpu[CHANGED_IN_DYNAMICS] = await used()
    return cpu


async def _one_by_one(beside: _Beside, event: str) -> tuple[dict[str, Counter[str]], Counter[str]]:
    """Requests of one change from each side, and of an idle poll."""
    bench, row = beside.bench, beside.bench.rows(beside.person)[0]
    bench.edit_rows([row], "alone in its second")
    await beside.poll()
    _, idle = await beside.at_rest()
    bench.edit_events(beside.person, [event], "one more")
    one = {EXCHANGE: (await beside.poll())[1]}
    await beside.at_rest()
    bench.edit_rows([row], "one more")
    one[DYNAMICS] = (await beside.poll())[1]
    return one, idle


def _all_there(bench: Bench, person: Person) -> list[str]:
    rows = bench.rows(person)
    if len(rows) != EVENTS:
        raise AssertionError(f"{len(rows)} rows of {EVENTS} events")
    return rows


def table(found: Figures, costs: Sequence[Cost], idle: Idle, p95: float) -> Table:
    rows: list[list[object]] = []
    for doing in (FIRST, OUTLOOK, CHANGED_IN_DYNAMICS):
        rows.append(_beside(f"CPU ms per event, {doing}", found.our_cpu[doing], found.cpu[doing]))
    for side in (EXCHANGE, DYNAMICS):
        (cost,) = (c for c in costs if (c.kind, c.deed, c.side) == ("event", "changed", side))
        for part in PARTS:
            name = f"{_word(part)} requests of one event changed in {side}"
            rows.append(_beside(name, cost.carrying[part], found.one[side][part]))
    for part in PARTS:
        name = f"{_word(part)} requests of an idle mailbox a day"
        rows.append(_beside(name, idle.of_mailbox[part], found.idle[part] * POLLS))
    rows.append(
        _beside(
            "Dataverse requests of 1,000 idle mailboxes a day, the shared feed included",
            1000 * idle.of_mailbox[DATAVERSE] + idle.shared[DATAVERSE],
            1000 * found.idle[DATAVERSE] * POLLS,
        )
    )
    rows.append(_beside("seconds until a change is on the other side, 95 of 100", p95, 0.95 * POLL_EVERY))
    return Table(
        "Beside what one would write instead",
        "`benchmarks/plain.py` (the Graph SDK's typed models and retries, one request per item, a query of "
        "Dynamics for each mailbox) in the same run against the same stand-ins, one mailbox, events only, a "
        f"poll every {POLL_EVERY // 60} minutes. CPU is that of passes and polls alone in one process, "
        f"{EVENTS} events at once, the echoes' included.",
        ["", "ours", "plain", "plain / ours"],
        rows,
        [
            "Ours does more for its requests: it reads the marks of tracked items and the row as it is now, "
            "keeps a history, and looks at contacts and tasks as well. Plain loses deletions in Dynamics, "
            "and overwrites whatever was changed on the other side in between."
        ],
    )


def _beside(name: str, ours: float, theirs: float) -> list[object]:
    return [name, ours, theirs, theirs / ours if ours else "–"]


def _word(part: str) -> str:
    return part.title() if part != STORAGE else "Storage"
