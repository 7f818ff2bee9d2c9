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


def in_world(measure: Callable[[World], Awaitable[T]], schedules: Schedules | None = None) -> T:
    clock = SimulatedClock(START)

    async def main() -> T:
        async with world(clock, SEED, CALM, schedules) as made:
            return await measure(made)

    return loop.run(clock, SEED, main)
