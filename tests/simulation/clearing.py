"""Somebody deletes many at once: no pass may follow before an administrator has been asked. The brake holds
for a handful here, so that a handful and two are enough."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from random import Random

from shared.errors import SyncError
from shared.model.profile import Brake
from tests.simulation.humans import Deed, Humans
from tests.simulation.items import ARRIVES, DYNAMICS, EXCHANGE, Item
from tests.simulation.kinds import KINDS, TASK
from tests.simulation.world import World
from tests.wire.people import Person

LIMIT = Brake(items=5)
MANY = 7
MINUTE = timedelta(minutes=1)
ASKED = 360
"""Minutes within which somebody is asked, even after an hour of trouble."""
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
        await _watched(world, items, random.choice(("go-on", "drop")))
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
    for _ in range(ARRIVES // MINUTE):
        await world.run_for(MINUTE)
        if all([await KINDS[TASK].seen(item, EXCHANGE) for item in items]):
            return True
    return False


async def _watched(world: World, items: list[Item], answer: str) -> None:
    """Until somebody is asked, or all are gone: a router that died halfway shows passes a few at a time, and
    the brake is about one pass (``World.brake_holds``)."""
    person = items[0].owner
    for _ in range(ASKED):
        await world.run_for(MINUTE)
        if await world.asked(person):
            world.answers[person.mailbox] = answer
            world.told_no |= {person.mailbox} if answer == "drop" else set()
            world.chance.happened[f"asked, and told to {answer}"] += 1
            return
        if not any([await KINDS[TASK].seen(item, EXCHANGE) for item in items]):
            world.chance.happened["cleared out little by little"] += 1
            return


async def administrate(world: World) -> None:
    """An administrator looks every now and then at what is asked about mailboxes that were cleared out: a
    pass that died between its question and what it holds asks again."""
    while True:
        await asyncio.sleep(600)
        for person in world.everybody:
            if person.mailbox in world.answers:
                await _answer(world, person)


async def _answer(world: World, person: Person) -> None:
    """As the administrator's page does it; what fails is tried again the next time."""
    with suppress(SyncError):
        for decision in await world.asked(person):
            await person.answer(decision, world.answers[person.mailbox])
            await world.services.jobs.again(person.mailbox, "decision")
