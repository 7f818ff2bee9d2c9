"""What befalls everybody, or a whole mailbox: tokens die, Graph forgets or warns, a deploy kills all workers,
one mailbox's jobs die until they are given up, an administrator asks for a sync now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from random import Random

from shared.errors import SyncError
from tests.simulation.clearing import clear_out
from tests.simulation.humans import Humans
from tests.simulation.plan import Plan
from tests.simulation.world import World
from tests.wire.people import Person

WEATHERS_A_DAY = 7
WORKING_HOURS = 10
CLEARED = "cleared out"


async def weather(world: World, humans: Humans, plan: Plan, day: int) -> None:
    hours = 2 * min(plan.hours, WORKING_HOURS) / WEATHERS_A_DAY
    for number in range(WEATHERS_A_DAY):
        name = f"weather.{day}.{number}"
        random = Random(f"{plan.seed} {name}")
        await world.run_for(timedelta(hours=random.uniform(0, hours)))
        what = random.choice([*sorted(KINDS), CLEARED])
        if plan.trouble and plan.happens(name):
            await (clear_out(world, humans, random, name) if what == CLEARED else KINDS[what](world, random))
            world.chance.happened[what] += 1
            world.diary.befell_all(what)


async def _graph_tokens(world: World, _random: Random) -> None:
    await world.control("exchange", "POST", "expire-delta")


async def _dynamics_tokens(world: World, _random: Random) -> None:
    await world.control("dataverse", "POST", "expire-delta")


async def _lifecycle(world: World, random: Random) -> None:
    event = random.choice(("reauthorizationRequired", "subscriptionRemoved", "missed"))
    await world.control("exchange", "POST", "lifecycle", {"event": event})


async def _forgotten(world: World, _random: Random) -> None:
    await world.control("exchange", "POST", "forget-subscriptions")


async def _reordered(world: World, random: Random) -> None:
    """For an hour Graph tells everything late, twice or not at all."""
    mode = random.choice(("delay", "repeat", "drop"))
    await world.control(
        "exchange", "POST", "notifications", {"mode": mode, "seconds": random.uniform(5, 600)}
    )
    await world.run_for(timedelta(hours=1))
    await world.control("exchange", "POST", "notifications", {"mode": "normal"})


async def _deploy(world: World, random: Random) -> None:
    killed = world.deploy(random.uniform(2, 60))
    world.chance.happened["workers killed by a deploy"] += killed


async def _busy_deploy(world: World, random: Random) -> None:
    """In mid-pass, if anybody works within the next ten minutes."""
    for _ in range(6000):
        if world.queues.working:
            await world.run_for(timedelta(seconds=random.uniform(0, 0.3)))
            break
        await world.run_for(timedelta(seconds=0.1))
    await _deploy(world, random)


async def _poison(world: World, random: Random) -> None:
    """Every job of a mailbox fails until Service Bus gives one up."""
    mailbox = random.choice(world.everybody).mailbox
    world.poison.add(mailbox)
    await world.run_for(timedelta(minutes=random.uniform(5, 40)))
    world.poison.discard(mailbox)


async def _sync_now(world: World, random: Random) -> None:
    await sync_now(world, random.choice(world.everybody))


async def sync_now(world: World, person: Person) -> None:
    """It may be refused, as the administrator's page would say."""
    with suppress(SyncError):
        await world.services.jobs.again(person.mailbox, "sync now")


KINDS: Mapping[str, Callable[[World, Random], Awaitable[None]]] = {
    "graph tokens": _graph_tokens,
    "dynamics tokens": _dynamics_tokens,
    "lifecycle": _lifecycle,
    "subscriptions forgotten": _forgotten,
    "notifications disturbed": _reordered,
    "deploy": _deploy,
    "deploy in mid-pass": _busy_deploy,
    "poisoned mailbox": _poison,
    "sync now": _sync_now,
}
