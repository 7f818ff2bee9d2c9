"""Keeps a Service Bus lock while a function runs, by the rig's clock.

The broker tells its clients when a lock ends in the machine's time; how long that is off counts from here
by the rig's clock, which may be moved while a function runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from azure.core.exceptions import AzureError

from local.clock import Clock

log = logging.getLogger("functions_host")
SHORTEST = timedelta(seconds=1)
LOOK_AGAIN_SECONDS = 1.0  # the rig's clock may be moved while we wait


@asynccontextmanager
async def lock_kept(
    renew: Callable[[], Awaitable[datetime]], locked_until: datetime | None, clock: Clock, limit: timedelta
) -> AsyncIterator[None]:
    """Renew at half of the lock's time, again and again, for at most ``limit``."""
    ended = asyncio.Event()
    task = asyncio.create_task(_renew(renew, locked_until, clock, limit, ended))
    try:
        yield
    finally:
        # Not cancelled: that could cut a frame of the connection that settles the message next.
        ended.set()
        await task


async def _renew(
    renew: Callable[[], Awaitable[datetime]],
    locked_until: datetime | None,
    clock: Clock,
    limit: timedelta,
    ended: asyncio.Event,
) -> None:
    last = clock.now() + limit
    while locked_until is not None:
        due = clock.now() + max(locked_until - datetime.now(UTC), SHORTEST) / 2
        while clock.now() < due:
            seconds = (due - clock.now()).total_seconds()
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), max(0.0, min(seconds, LOOK_AGAIN_SECONDS)))
            if ended.is_set() or clock.now() > last:
                return
        try:
            locked_until = await renew()
        except (AzureError, ValueError) as error:
            log.warning("a lock could not be renewed and will be lost: %s", error)
            return
