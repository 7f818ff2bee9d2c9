"""The budget of a mailbox: four in flight, and waiting when told to."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import Throttled
from shared.exchange.throttle import MailboxThrottle


class Time:
    """A clock that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, tzinfo=UTC)
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


async def _most_at_once(throttle: MailboxThrottle, wanted: list[int]) -> int:
    running = most = 0

    async def one(slots: int) -> None:
        nonlocal running, most
        async with throttle.slots(slots):
            running += min(slots, 4)
            most = max(most, running)
            await asyncio.sleep(0)
            running -= min(slots, 4)

    await asyncio.gather(*(one(slots) for slots in wanted))
    return most


async def test_four_requests_at_once_and_no_more() -> None:
    assert await _most_at_once(MailboxThrottle(Time()), [1] * 20) == 4


async def test_batches_and_single_requests_share_the_budget() -> None:
    assert await _most_at_once(MailboxThrottle(Time()), [20, 1, 3, 20, 1, 2, 4, 20]) == 4


async def test_a_short_wait_is_waited_for() -> None:
    time = Time()
    throttle = MailboxThrottle(time, time.sleep)
    throttle.hold(3)
    async with throttle.slots():
        assert time.slept == [3]


async def test_a_long_wait_is_left_to_the_next_pass() -> None:
    time = Time()
    throttle = MailboxThrottle(time, time.sleep)
    throttle.hold(60)
    with pytest.raises(Throttled) as caught:
        async with throttle.slots():
            pytest.fail("nothing may be sent")
    assert caught.value.retry_after == 60
    assert time.slept == []


async def test_a_refused_request_gives_its_slots_back() -> None:
    time = Time()
    throttle = MailboxThrottle(time, time.sleep)
    throttle.hold(60)
    for _ in range(5):
        with pytest.raises(Throttled):
            async with throttle.slots(4):
                pass
    time.now += timedelta(seconds=61)
    async with asyncio.timeout(1), throttle.slots(4):
        assert time.slept == []


async def test_the_longest_wait_counts() -> None:
    time = Time()
    throttle = MailboxThrottle(time, time.sleep)
    throttle.hold(4)
    throttle.hold(2)
    async with throttle.slots():
        assert time.slept == [4]


async def test_one_that_gives_up_waiting_for_room_takes_none() -> None:
    throttle = MailboxThrottle(Time())
    async with throttle.slots(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), throttle.slots(4):
                pytest.fail("there is no room")
    async with asyncio.timeout(1), throttle.slots(4):
        pass
