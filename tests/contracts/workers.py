"""What whoever works on a queue can rely on: sessions, schedules, merged messages, redelivery, dead letters,
lost locks. The broker's workers are the SDK's receivers, the double's its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from shared.jobs.messages import Job
from shared.jobs.sender import ServiceBusJobs

SOON = 30.0
"""Seconds in which what must come has to come."""
QUIET = 0.5

Work = Callable[[Job], Awaitable[None]]


class Bus(Protocol):
    """The queues of ``infra/queues.json``, with a clock that can be moved."""

    jobs: ServiceBusJobs

    def start(self, work: Work) -> None:
        """Several workers take jobs from ``mailbox-sync``. One that raises gives its message back."""

    def now(self) -> datetime: ...

    def let_pass(self, time: timedelta) -> None: ...

    def dead(self) -> int:
        """Messages of ``mailbox-sync`` that were given up."""

    def left(self) -> int:
        """Messages that are there, be they due or not."""

    def workers_will_lose_their_locks(self) -> None:
        """Those that work for longer than a while, from now on."""

    def locks_end(self) -> None:
        """That while is over."""


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not condition():  # noqa: ASYNC110 - the queues have no event for it
            await asyncio.sleep(0.02)


class WorkersContract:
    async def test_a_session_has_one_worker_at_a_time_and_keeps_its_order(self, bus: Bus) -> None:
        done: list[tuple[str, int]] = []
        at_once: list[str] = []
        beside = asyncio.Event()

        async def work(job: Job) -> None:
            assert job.mailbox not in at_once
            at_once.append(job.mailbox)
            if job.mailbox == "m2":
                beside.set()
            async with asyncio.timeout(SOON):
                await beside.wait()
            at_once.remove(job.mailbox)
            done.append((job.mailbox, job.attempt))

        for attempt in range(3):
            await bus.jobs.again("m1", "continue", attempt=attempt)
        await bus.jobs.again("m2", "continue")
        bus.start(work)
        await eventually(lambda: len(done) == 4 and bus.left() == 0)
        assert [attempt for mailbox, attempt in done if mailbox == "m1"] == [0, 1, 2]

    async def test_a_scheduled_message_waits_for_its_time(self, bus: Bus) -> None:
        done: list[int] = []

        async def work(job: Job) -> None:
            done.append(job.attempt)

        bus.start(work)
        await bus.jobs.again("m1", "retry", at=bus.now() + timedelta(hours=1), attempt=1)
        await bus.jobs.again("m1", "continue", attempt=2)
        await eventually(lambda: done == [2])
        await asyncio.sleep(QUIET)
        assert (done, bus.left()) == ([2], 1)
        bus.let_pass(timedelta(hours=1, seconds=1))
        await eventually(lambda: done == [2, 1] and bus.left() == 0)

    async def test_the_same_message_is_taken_once_in_ten_minutes_also_when_it_is_done(self, bus: Bus) -> None:
        done: list[str] = []

        async def work(job: Job) -> None:
            done.append(job.mailbox)

        bus.start(work)
        moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
        for _ in range(2):
            await bus.jobs.hint(["m1"], "event", moment)
        await eventually(lambda: done == ["m1"] and bus.left() == 0)
        await bus.jobs.hint(["m1"], "event", moment)
        assert bus.left() == 0
        bus.let_pass(timedelta(minutes=10, seconds=1))
        await bus.jobs.hint(["m1"], "event", moment)
        await eventually(lambda: done == ["m1", "m1"] and bus.left() == 0)

    async def test_ten_failures_are_the_end_of_a_message_and_then_the_next_has_its_turn(
        self, bus: Bus
    ) -> None:
        tries: list[int] = []

        async def work(job: Job) -> None:
            tries.append(job.attempt)
            if job.attempt == 1:
                raise RuntimeError("no")

        await bus.jobs.again("m1", "poison", attempt=1)
        await bus.jobs.again("m1", "continue", attempt=2)
        bus.start(work)
        await eventually(lambda: len(tries) == 11 and bus.left() == 0)
        assert tries == [1] * 10 + [2]
        assert bus.dead() == 1

    async def test_who_lost_the_lock_goes_on_beside_the_next_and_settles_nothing(self, bus: Bus) -> None:
        begun: list[int] = []
        go_on, next_may_end, first_ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def work(job: Job) -> None:
            begun.append(job.attempt)
            if len(begun) == 1:
                await go_on.wait()
                first_ended.set()
            else:
                await next_may_end.wait()

        bus.workers_will_lose_their_locks()
        await bus.jobs.again("m1", "continue")
        bus.start(work)
        await eventually(lambda: len(begun) == 1)
        bus.locks_end()
        await eventually(lambda: len(begun) == 2)
        assert not first_ended.is_set()
        next_may_end.set()
        await eventually(lambda: bus.left() == 0)
        go_on.set()
        await eventually(first_ended.is_set)
        await asyncio.sleep(QUIET)
        assert (len(begun), bus.left(), bus.dead()) == (2, 0, 0)
