"""Keeping a lock while a function runs: the clock ahead, the lock over, a renewal that fails."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest
from azure.servicebus.exceptions import SessionLockLostError

from local.clock import Clock
from local.functions_host.lock_renewal import lock_kept

LIMIT = timedelta(minutes=5)


class Lock:
    """A lock of so many seconds in the machine's time, as the broker tells it, that counts its renewals."""

    def __init__(self, seconds: float, error: Exception | None = None) -> None:
        self.renewed = 0
        self.first = asyncio.Event()
        self._seconds = seconds
        self._error = error

    def until(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._seconds)

    async def renew(self) -> datetime:
        self.renewed += 1
        self.first.set()
        if self._error:
            raise self._error
        return self.until()


@pytest.mark.parametrize("ahead", [0.0, 3600.0])
async def test_a_lock_is_renewed_at_half_its_time_however_far_the_clock_is_ahead(ahead: float) -> None:
    lock = Lock(seconds=3)
    until = lock.until()
    async with asyncio.timeout(60), lock_kept(lock.renew, until, Clock(own_offset=ahead), LIMIT):
        await lock.first.wait()
        left = (until - datetime.now(UTC)).total_seconds()
    assert 0 < left <= 1.5
    assert lock.renewed == 1


async def test_a_lock_that_is_over_is_not_renewed_without_pause() -> None:
    lock = Lock(seconds=-60)
    async with asyncio.timeout(5), lock_kept(lock.renew, lock.until(), Clock(), LIMIT):
        await asyncio.sleep(0.8)
    assert 1 <= lock.renewed <= 3


async def test_renewing_ends_at_the_limit_of_host_json() -> None:
    lock, clock = Lock(seconds=1.2), Clock()
    async with asyncio.timeout(5), lock_kept(lock.renew, lock.until(), clock, LIMIT):
        clock.advance(LIMIT.total_seconds() + 1)
        await asyncio.sleep(1.2)
    assert lock.renewed <= 1


async def test_a_renewal_that_fails_is_told_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    lock = Lock(seconds=0.1, error=SessionLockLostError())
    with caplog.at_level(logging.WARNING, "functions_host"):
        async with asyncio.timeout(5), lock_kept(lock.renew, lock.until(), Clock(), LIMIT):
            await asyncio.sleep(1.3)
    assert lock.renewed == 1
    assert "could not be renewed" in caplog.text
