"""Workers of the queues as Service Bus has them: the SDK's receivers before the broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from azure.servicebus import NEXT_AVAILABLE_SESSION
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver
from azure.servicebus.exceptions import OperationTimeoutError, SessionLockLostError

from local.clock import Clock
from local.service_bus.broker import Broker
from local.service_bus.definitions import load_definitions
from shared.jobs import messages
from shared.jobs.connection import Connection
from shared.jobs.sender import ServiceBusJobs
from tests.contracts.workers import Work, WorkersContract
from tests.wire.conftest import free_port

WORKERS = 2
LOCK = timedelta(minutes=5, seconds=1)


class BrokerBus:
    def __init__(self, broker: Broker, clock: Clock) -> None:
        self.jobs = ServiceBusJobs(Connection(broker.connection_string))
        self._broker, self._clock = broker, clock
        self._workers: list[asyncio.Task[None]] = []
        self._closed = False

    def start(self, work: Work) -> None:
        self._workers = [asyncio.create_task(self._serve(work)) for _ in range(WORKERS)]

    def now(self) -> datetime:
        return self._clock.now()

    def let_pass(self, time: timedelta) -> None:
        self._clock.advance(time.total_seconds())

    def dead(self) -> int:
        return self._broker.entities[messages.MAILBOX_SYNC].queue.counts().dead_lettered

    def left(self) -> int:
        return len(self._broker.entities[messages.MAILBOX_SYNC].queue.store.messages) - self.dead()

    def workers_will_lose_their_locks(self) -> None:
        """Nobody renews them."""

    def locks_end(self) -> None:
        self.let_pass(LOCK)

    async def close(self) -> None:
        """The SDK swallows a cancellation now and then."""
        self._closed = True
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await self.jobs.close()

    async def _serve(self, work: Work) -> None:
        text = self._broker.connection_string
        async with ServiceBusClient.from_connection_string(text, retry_total=0) as client:
            while not self._closed:
                receiver = client.get_queue_receiver(
                    messages.MAILBOX_SYNC, session_id=NEXT_AVAILABLE_SESSION, max_wait_time=1
                )
                try:
                    async with receiver:
                        await _drain(receiver, work)
                except (OperationTimeoutError, SessionLockLostError):
                    continue


async def _drain(receiver: ServiceBusReceiver, work: Work) -> None:
    while found := await receiver.receive_messages(max_message_count=1, max_wait_time=1):
        try:
            await work(messages.job(b"".join(found[0].body)))
        except RuntimeError:
            await receiver.abandon_message(found[0])
        else:
            await receiver.complete_message(found[0])


@pytest.fixture
async def bus() -> AsyncIterator[BrokerBus]:
    clock = Clock()
    async with Broker(load_definitions(), clock, port=free_port()) as broker:
        made = BrokerBus(broker, clock)
        yield made
        await made.close()


class TestBroker(WorkersContract):
    """Over AMQP."""
