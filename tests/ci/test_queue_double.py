"""The simulation's queues keep the contract that the broker's workers keep, in real time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from local.clock import Clock
from shared.jobs import messages
from shared.jobs.sender import ServiceBusJobs
from tests.contracts.workers import Work, WorkersContract
from tests.simulation.faults import CALM, Chance, Rates
from tests.simulation.queues import QueueDouble


class DoubledBus:
    def __init__(self) -> None:
        self.clock = Clock()
        self.queues = QueueDouble(self.clock, Chance(1, CALM))
        self.jobs = ServiceBusJobs(self.queues)

    def start(self, work: Work) -> None:
        async def job(queue: str, body: bytes, waited: float) -> None:
            await work(messages.job(body))

        self.queues.start(job)

    def now(self) -> datetime:
        return self.clock.now()

    def let_pass(self, time: timedelta) -> None:
        self.clock.advance(time.total_seconds())
        self.queues._look()

    def dead(self) -> int:
        return len(self.queues.dead)

    def left(self) -> int:
        return len(list(self.queues.waiting))

    def workers_will_lose_their_locks(self) -> None:
        self.queues.chance.rates = Rates(0, 0, 0, 0, 0, lock=100)

    def locks_end(self) -> None:
        """By themselves, within two seconds."""
        self.queues.chance.rates = CALM


@pytest.fixture
def bus() -> DoubledBus:
    return DoubledBus()


class TestQueueDouble(WorkersContract):
    """Without a broker."""
