"""Timer triggers: fires what is due by the rig's clock, so that moving the clock makes timers due."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from local.clock import Clock
from local.functions_host.app_settings import resolve
from local.functions_host.errors import InvocationError
from local.functions_host.functions import TIMER, Function
from local.functions_host.invocations import Invocations
from local.functions_host.ncrontab import Schedule
from local.functions_host.trigger_data import TimerTick

POLL_SECONDS = 0.1  # how soon a moved clock is noticed


class Timer:
    """One timer function. Its runs never overlap, whoever asks for them."""

    def __init__(self, function: Function, schedule: Schedule, clock: Clock, invocations: Invocations):
        self.function = function
        self._schedule = schedule
        self._clock = clock
        self._invocations = invocations
        self._one_at_a_time = asyncio.Lock()
        self._last: datetime | None = None
        self.next = schedule.next_after(clock.now())

    def due(self) -> bool:
        return not self._one_at_a_time.locked() and self._clock.now() >= self.next

    async def fire(self) -> None:
        """Run because it is due; occurrences missed meanwhile are one run, as in the real host."""
        self._last, due = self.next, self.next
        self.next = self._schedule.next_after(self._clock.now())
        with suppress(InvocationError):  # logged; a timer has no retry, the next occurrence is it
            await self._run(TimerTick(due, self.next))
        self.next = self._schedule.next_after(self._clock.now())

    async def run_now(self) -> None:
        """Run because a person asks; waits for a run under way. A failure is raised."""
        await self._run(TimerTick(self._last, self.next))

    async def _run(self, tick: TimerTick) -> None:
        async with self._one_at_a_time:
            await self._invocations.run(self.function, tick)


class TimerTriggers:
    """All timers of the app and the one loop that watches the clock for them."""

    def __init__(self, invocations: Invocations, clock: Clock, settings: Mapping[str, str]) -> None:
        self.timers = {
            function.name: Timer(function, _schedule(function, settings), clock, invocations)
            for function in invocations.functions.values()
            if function.kind == TIMER
        }
        self._runs: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Watch for ever; cancelled at the host's end, which cuts no run short."""
        while True:
            for timer in self.timers.values():
                if timer.due():
                    run = asyncio.create_task(timer.fire())
                    self._runs.add(run)
                    run.add_done_callback(self._runs.discard)
            await asyncio.sleep(POLL_SECONDS)


def _schedule(function: Function, settings: Mapping[str, str]) -> Schedule:
    return Schedule.parse(resolve(str(function.trigger["schedule"]), settings))
