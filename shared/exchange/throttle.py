"""The one throttling policy: four requests in flight per mailbox, and a time before which none is sent.

Exchange counts per application and mailbox (4 at once, 10,000 in 10 minutes) and throttled calls count too,
so after a 429 the whole mailbox waits, not only the request that was told.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime, timedelta

from shared.clock import Now
from shared.errors import Throttled

IN_FLIGHT = 4
SHORT_WAIT = 5.0

Sleep = Callable[[float], Awaitable[None]]


class MailboxThrottle:
    """The budget of one mailbox, shared by all who talk to it in this process."""

    def __init__(self, now: Now, sleep: Sleep = asyncio.sleep) -> None:
        self._now = now
        self._sleep = sleep
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._several = asyncio.Lock()
        self._not_before: datetime | None = None

    def hold(self, seconds: float) -> None:
        """No request for so long."""
        until = self._now() + timedelta(seconds=seconds)
        if self._not_before is None or until > self._not_before:
            self._not_before = until

    @asynccontextmanager
    async def slots(self, wanted: int = 1) -> AsyncIterator[None]:
        """Room for so many requests at once, when the mailbox may be asked again; raises Throttled when that
        is too far off to wait for."""
        taken = 0
        try:
            async with self._several if wanted > 1 else nullcontext():
                while taken < min(wanted, IN_FLIGHT):
                    await self._slots.acquire()
                    taken += 1
            await self._until_allowed()
            yield
        finally:
            for _ in range(taken):
                self._slots.release()

    async def pause(self, seconds: float) -> None:
        await self._sleep(seconds)

    async def _until_allowed(self) -> None:
        if self._not_before is None:
            return
        wait = (self._not_before - self._now()).total_seconds()
        if wait > SHORT_WAIT:
            raise Throttled("the mailbox was told to wait", retry_after=wait, code="waiting")
        if wait > 0:
            await self._sleep(wait)
