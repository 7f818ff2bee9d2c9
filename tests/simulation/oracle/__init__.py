"""Looks at both sides when all is calm and says which promises were broken. It knows what people did, and
nothing of rules or links."""

from __future__ import annotations

from tests.simulation.humans import Humans
from tests.simulation.oracle.broken import Broken
from tests.simulation.oracle.of_items import of_items
from tests.simulation.oracle.of_mails import of_mails
from tests.simulation.oracle.of_service import of_service
from tests.simulation.world import World

__all__ = ["Broken", "broken_promises"]


async def broken_promises(world: World, humans: Humans) -> list[Broken]:
    found = [each async for each in of_service(world)]
    found += of_mails(world.mails, humans.items)
    return found + [each async for each in of_items(world, humans)]
