"""Runs a measurement in a simulated world in which nothing goes wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from local.clock import SimulatedClock
from tests.simulation import loop
from tests.simulation.faults import CALM
from tests.simulation.world import START, Schedules, World, world

T = TypeVar("T")
SEED = 5
WATCH = 300
"""Seconds, as deployed; the simulation otherwise watches more often."""


def in_world(measure: Callable[[World], Awaitable[T]], *, feed: float = 30) -> T:
    """``feed``: seconds between readings of the change feed by the clock; 30 as deployed."""
    clock = SimulatedClock(START)

    async def main() -> T:
        async with world(clock, SEED, CALM, Schedules(feed=feed, watch=WATCH)) as made:
            return await measure(made)

    return loop.run(clock, SEED, main)
