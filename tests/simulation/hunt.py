"""``python -m tests.simulation.hunt --seed 1 --mailboxes 2 --days 3``: days of people's work while everything
goes wrong that can, then calm, then the question which promises were broken. The same seed, the same run."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from local.clock import SimulatedClock
from shared.errors import SyncError
from shared.store.codec import dumps, to_json
from tests.simulation import loop
from tests.simulation.faults import CALM, Rates
from tests.simulation.humans import DYNAMICS, EXCHANGE, Humans
from tests.simulation.oracle import Broken, broken_promises
from tests.simulation.world import START, Schedules, World, world
from tests.wire.people import Person

NAMES = ("anna", "bert", "cleo", "dora", "emil", "fred")
DEEDS_A_DAY = 40
WORKING_HOURS = 10
WEATHERS_A_DAY = 6
QUIET = Schedules(due=60, feed=300, renew=1800)
"""The feed's net less often than deployed: in days in which nothing happens it costs the most."""
CALM_FOR = timedelta(hours=2)


@dataclass
class Outcome:
    seed: int
    digest: str = ""
    broken: list[Broken] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    seed: int
    mailboxes: int = 2
    days: int = 3
    hours: float = 24.0
    trouble: bool = True
    trace: bool = False


def hunt(plan: Plan) -> Outcome:
    clock = SimulatedClock(START)
    began = time.process_time()
    outcome = loop.run(clock, plan.seed, lambda: _hunted(clock, plan))
    outcome.numbers["cpu seconds"] = round(time.process_time() - began, 2)
    return outcome


async def _hunted(clock: SimulatedClock, plan: Plan) -> Outcome:
    async with world(clock, plan.seed, CALM, QUIET) as made:
        people = [await made.person(name, on=False) for name in NAMES[: plan.mailboxes]]
        for person in people:
            await made.enable(person)
        await made.run_for(timedelta(minutes=5))
        humans = Humans(made, Random(f"{plan.seed} humans"))
        if plan.trace:
            made.traffic.watcher = humans.story.append
        if plan.trouble:
            made.chance.rates = Rates()
        for day in range(plan.days):
            weather = asyncio.create_task(_weather(made, plan, day))
            await asyncio.gather(*(_day(made, humans, person, plan, day) for person in people))
            await weather
            await _until(made, timedelta(days=day, hours=plan.hours))
        await _calmed(made, people)
        outcome = Outcome(plan.seed, broken=await broken_promises(made, humans), story=humans.story)
        outcome.digest = await _digest(made, humans)
        outcome.numbers = {
            "requests": made.traffic.requests,
            "passes": made.passes,
            "feed readings": made.readings,
            "items": len(humans.items),
            **{name: count for name, count in sorted(made.chance.happened.items()) if count},
        }
        return outcome


async def _day(made: World, humans: Humans, person: Person, plan: Plan, day: int) -> None:
    random = Random(f"{plan.seed} {person.address} {day}")
    hours = min(plan.hours, WORKING_HOURS)
    moments = sorted(random.uniform(0, hours * 3600) for _ in range(DEEDS_A_DAY))
    begun = made.clock.time()
    for moment in moments:
        await made.run_for(timedelta(seconds=max(0.0, begun + moment - made.clock.time())))
        await humans.act(person)


async def _weather(made: World, plan: Plan, day: int) -> None:
    """What happens to everybody: tokens die, Graph forgets or warns, an administrator asks for a sync now."""
    random = Random(f"{plan.seed} weather {day}")
    for _ in range(WEATHERS_A_DAY if plan.trouble else 0):
        await made.run_for(
            timedelta(hours=random.uniform(0, 2 * min(plan.hours, WORKING_HOURS) / WEATHERS_A_DAY))
        )
        what = random.choice(("graph tokens", "dynamics tokens", "lifecycle", "sync now"))
        if what == "graph tokens":
            await made.control("exchange", "POST", "expire-delta")
        elif what == "dynamics tokens":
            await made.control("dataverse", "POST", "expire-delta")
        elif what == "lifecycle":
            event = random.choice(("reauthorizationRequired", "subscriptionRemoved", "missed"))
            await made.control("exchange", "POST", "lifecycle", {"event": event})
        else:
            await _sync_now(made, random.choice(made.everybody))
        made.chance.happened[what] += 1


async def _sync_now(made: World, person: Person) -> None:
    """It may be refused, as the administrator's page would say."""
    with suppress(SyncError):
        await made.services.jobs.again(person.mailbox, "sync now")


async def _until(made: World, time: timedelta) -> None:
    left = time - (made.clock.now() - START)
    await made.run_for(max(left, timedelta()))


async def _calmed(made: World, people: list[Person]) -> None:
    """Nothing goes wrong any more; an administrator asks for a sync now, as for any doubt."""
    await made.calm()
    await made.run_for(timedelta(minutes=15))
    for person in people:
        await _sync_now(made, person)
    await made.run_for(CALM_FOR)


async def _digest(made: World, humans: Humans) -> str:
    """Of every request that was made, and of what there is at the end."""
    hashed = hashlib.sha256(made.traffic.digest.encode())
    for item in humans.items:
        for side in (EXCHANGE, DYNAMICS):
            hashed.update(repr(await humans.found(item, side)).encode())
    for person in made.everybody:
        async for link in made.services.store.links(person.mailbox):
            hashed.update(dumps(to_json(link)).encode())
    return hashed.hexdigest()


def _show(outcome: Outcome, *, whole: bool) -> None:
    print(
        f"seed {outcome.seed}: {len(outcome.broken)} broken; sha256:{outcome.digest[:16]}; {outcome.numbers}"
    )
    for each in outcome.broken:
        print(f"  {each}")
        mark = each.item.mark if each.item else ""
        for line in outcome.story if mark else ():
            if f" {mark} " in line:
                print(f"      {line}")
    if whole:
        print("\n".join(outcome.story))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first one")
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--mailboxes", type=int, default=2, choices=range(1, len(NAMES) + 1))
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--hours", type=float, default=24.0, help="of each day")
    parser.add_argument("--no-trouble", action="store_true")
    parser.add_argument("--story", action="store_true", help="everything that people did")
    parser.add_argument("--trace", action="store_true", help="and every request")
    given = parser.parse_args()
    failed = False
    for seed in range(given.seed, given.seed + given.seeds):
        plan = Plan(seed, given.mailboxes, given.days, given.hours, not given.no_trouble, given.trace)
        try:
            outcome = hunt(plan)
        except (SyncError, AssertionError) as error:
            outcome = Outcome(seed, broken=[Broken("the run comes to its end", repr(error))])
        _show(outcome, whole=given.story or given.trace)
        failed |= bool(outcome.broken)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
