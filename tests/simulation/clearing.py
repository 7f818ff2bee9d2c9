"""Somebody deletes many at once: no pass may follow before an administrator has been asked. The brake holds
for a handful here, so that a handful and two are enough."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random

from shared.errors import SyncError
from shared.model.profile import Brake
from tests.simulation.humans import Deed, Humans
from tests.simulation.items import DYNAMICS, EXCHANGE, Item
from tests.simulation.kinds import KINDS, TASK
from tests.simulation.world import World
from tests.wire.people import Person

LIMIT = Brake(items=5)
MANY = 7
MINUTE = timedelta(minutes=1)
ARRIVES, ASKED = 120, 360
"""Minutes within which what was made is there, and within which somebody is asked, even after an hour of
trouble."""
FIRST_NUMBER = 30
"""Of the deeds of clearing out: no others have such numbers."""


async def clear_out(world: World, humans: Humans, random: Random, name: str) -> None:
    """All at the same moment, and while nobody works, so that one pass sees them together."""
    person = random.choice(world.everybody)
    items = [await _made(humans, person, name, number) for number in range(MANY)]
    if await _arrived(world, items):
        world.deploy(60)
        for item in items:
            await humans.delete(item, DYNAMICS)
        world.chance.happened["many deleted at once"] += 1
        await _watched(world, humans, Clearing(person, items, random.choice(("go-on", "drop"))))
    humans.items += items


async def _made(humans: Humans, person: Person, name: str, number: int) -> Item:
    _, day, weather = name.split(".")
    who = person.address.partition("@")[0]
    deed = Deed(f"{who}.{day}.{FIRST_NUMBER + int(weather) * MANY + number}", person, Random(name))
    item = humans.new(deed, TASK, DYNAMICS)
    values = {field: deed.value(item, field) for field in KINDS[TASK].fields}
    humans.tell(item, DYNAMICS, f"made {values}, to be cleared out")
    await KINDS[TASK].make(item, DYNAMICS, values)
    humans.remember(item, DYNAMICS, values)
    return item


async def _arrived(world: World, items: list[Item]) -> bool:
    for _ in range(ARRIVES):
        await world.run_for(MINUTE)
        if all([await KINDS[TASK].seen(item, EXCHANGE) for item in items]):
            return True
    return False


@dataclass
class Clearing:
    """``answer``: what the administrator will say."""

    person: Person
    items: list[Item]
    answer: str


async def _watched(world: World, humans: Humans, clearing: Clearing) -> None:
    """None may go before somebody was asked; then the answer is given."""
    for _ in range(ASKED):
        await world.run_for(MINUTE)
        asked = await world.asked(clearing.person)
        there = [await KINDS[TASK].seen(item, EXCHANGE) for item in clearing.items]
        if not all(there) and clearing.items:
            humans.complaints.append((clearing.items[0], "cleared out, and nobody was asked"))
            return
        if asked:
            await _answer(world, clearing)
            return
    humans.complaints.append((clearing.items[0], "cleared out, and nobody was asked for six hours"))


async def _answer(world: World, clearing: Clearing) -> None:
    """As the administrator's page does it, again until it is taken."""
    for _ in range(20):
        try:
            for decision in await world.asked(clearing.person):
                await clearing.person.answer(decision, clearing.answer)
            await world.services.jobs.again(clearing.person.mailbox, "decision")
            world.chance.happened[f"answered {clearing.answer}"] += 1
            return
        except SyncError:
            await world.run_for(MINUTE)
