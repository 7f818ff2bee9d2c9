"""One run: days of people's work while everything goes wrong that can, then calm, then the question which
promises were broken. The same plan, the same run."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from local.clock import SimulatedClock
from shared.errors import SyncError
from shared.model.profile import Polling
from shared.store.codec import dumps, to_json
from tests.simulation import loop
from tests.simulation.clearing import LIMIT, administrate
from tests.simulation.deeds import SPECIAL
from tests.simulation.faults import CALM, Rates
from tests.simulation.humans import Deed, Humans
from tests.simulation.items import SIDES
from tests.simulation.kinds import KINDS
from tests.simulation.oracle import Broken, broken_promises
from tests.simulation.oracle.broken import NO_SURPRISE_DELETION
from tests.simulation.plan import Plan
from tests.simulation.weather import WORKING_HOURS, sync_now, weather
from tests.simulation.world import START, Schedules, World, world
from tests.wire.people import Person

QUIET = {
    "often": Schedules(due=60, feed=300, renew=1800, watch=300),
    "seldom": Schedules(due=60, feed=1800, renew=1800, watch=900),
}
"""The feed's net and the watch less often than deployed: in days in which nothing happens they cost the
most, and what pushes do not tell in time is found all the same."""
PATIENCE = 7200.0
"""Seconds within which each mailbox has a pass, whatever happens: the hour for which one whose jobs died
three times is left alone, and locks that nobody holds."""
SELDOM = {"item_polling": Polling(30, 60, 60, 60), "task_polling_minutes": 60}
CALM_FOR = timedelta(hours=2)
NEVER_ENDS = "the run comes to its end"


@dataclass
class Outcome:
    """``faults``: the draws that went wrong; ``deeds``: all that could be left out."""

    plan: Plan
    digest: str = ""
    broken: list[Broken] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)
    happened: Counter[str] = field(default_factory=Counter)
    edits: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    hostile: int = 0
    not_hostile: list[str] = field(default_factory=list)

    @property
    def promises(self) -> set[str]:
        return {each.promise for each in self.broken}


def hunt(plan: Plan, watcher: Callable[[str], None] | None = None) -> Outcome:
    """``watcher``: told of every request and deed."""
    clock = SimulatedClock(START)
    began = time.process_time()
    outcome = Outcome(plan)
    try:
        loop.run(clock, plan.seed, lambda: _hunted(clock, plan, outcome, watcher))
    except (SyncError, AssertionError) as error:
        outcome.broken.append(Broken(NEVER_ENDS, repr(error)))
    outcome.numbers["cpu seconds"] = round(time.process_time() - began, 2)
    return outcome


async def _hunted(
    clock: SimulatedClock, plan: Plan, outcome: Outcome, watcher: Callable[[str], None] | None
) -> None:
    async with world(clock, plan.seed, CALM, QUIET[plan.polled], plan.faults) as made:
        humans = Humans(made, story=outcome.story, special=SPECIAL)
        made.traffic.watcher = watcher
        administrator = asyncio.create_task(administrate(made))
        try:
            await _lived(made, humans, plan)
            await _calmed(made)
            outcome.broken += [Broken(NO_SURPRISE_DELETION, what) for what in made.surprises]
            outcome.broken += await broken_promises(made, humans)
            outcome.digest = await _digest(made, humans)
        finally:
            administrator.cancel()
            _count(made, plan, outcome)


async def _lived(made: World, humans: Humans, plan: Plan) -> None:
    people = [await made.person(name, on=False) for name in plan.names]
    for person in people:
        await made.enable(person)
    await made.run_for(timedelta(minutes=5))
    await made.profile(brake=LIMIT, **(SELDOM if plan.polled == "seldom" else {}))
    made.limit = LIMIT.items
    if plan.trouble:
        made.chance.rates = Rates(notification=plan.notifications)
    made.diary.begin([person.mailbox for person in people])
    begun = made.clock.time()
    for day in range(plan.days):
        elsewhere = asyncio.create_task(weather(made, humans, plan, day))
        await asyncio.gather(*(_day(made, humans, person, plan, day) for person in people))
        await elsewhere
        left = begun + day * 86400 + plan.hours * 3600 - made.clock.time()
        await made.run_for(timedelta(seconds=max(0.0, left)))
        made.diary.end_day()


async def _day(made: World, humans: Humans, person: Person, plan: Plan, day: int) -> None:
    name = person.address.partition("@")[0]
    random = Random(f"{plan.seed} {name} {day}")
    hours = min(plan.hours, WORKING_HOURS)
    moments = sorted(random.uniform(0, hours * 3600) for _ in range(plan.deeds))
    begun = made.clock.time()
    for number, moment in enumerate(moments):
        deed = f"{name}.{day}.{number}"
        if plan.happens(deed):
            await made.run_for(timedelta(seconds=max(0.0, begun + moment - made.clock.time())))
            await humans.act(Deed(deed, person, Random(f"{plan.seed} {deed}")))


async def _calmed(made: World) -> None:
    """Nothing goes wrong any more; an administrator asks for a sync now, as for any doubt."""
    await made.calm()
    await made.run_for(timedelta(minutes=15))
    for person in made.everybody:
        await sync_now(made, person)
    await made.run_for(CALM_FOR)


async def _digest(made: World, humans: Humans) -> str:
    """Of every request that was made, and of what there is at the end."""
    hashed = hashlib.sha256(made.traffic.digest.encode())
    for item in humans.items:
        for side in SIDES:
            hashed.update(repr(await KINDS[item.kind].found(item, side)).encode())
    for person in made.everybody:
        async for link in made.services.store.links(person.mailbox):
            hashed.update(dumps(to_json(link)).encode())
    return hashed.hexdigest()


def _count(made: World, plan: Plan, outcome: Outcome) -> None:
    outcome.happened = made.chance.happened
    outcome.happened["died"] = made.queues.died
    outcome.faults = made.chance.hits
    outcome.numbers |= {
        "requests": made.traffic.requests,
        "passes": made.passes,
        "readings": made.readings,
    }
    for (_, day), lived in sorted(made.diary.days.items()):
        if day >= plan.days:
            continue
        for (kind, side), count in lived.edits.items():
            outcome.edits[f"{kind} in {side}"] += count
        missing = lived.missing(PATIENCE)
        outcome.hostile += not missing
        if missing:
            outcome.not_hostile.append(missing)
