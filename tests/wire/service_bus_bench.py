"""The broker in this process with a clock of its own, and the unmodified SDK in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from azure.servicebus import ServiceBusMessage, ServiceBusReceivedMessage
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver, ServiceBusSender

from local.clock import Clock
from local.service_bus import Broker, QueueDefinition
from local.service_bus.entity import Entity

WAIT = 20  # seconds in which something that must come has to come
QUIET = 1  # seconds in which nothing may come; below 1 s the SDK rounds sessions' time-outs

DEFINITIONS = [
    QueueDefinition("plain"),
    QueueDefinition("strict", lock_seconds=30.0, max_delivery_count=2),
    QueueDefinition("sessions", requires_session=True, lock_seconds=30.0, max_delivery_count=3),
    QueueDefinition("unique", duplicate_window=60.0),
    QueueDefinition("brief", time_to_live=100.0, dead_letter_expired=True),
]


@dataclass
class Bench:
    broker: Broker
    clock: Clock
    client: ServiceBusClient
    _senders: dict[str, ServiceBusSender] = field(default_factory=dict)

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def entity(self, queue: str) -> Entity:
        return self.broker.entities[queue]

    def sender(self, queue: str) -> ServiceBusSender:
        """One sender per queue, kept open: the SDK takes a second over opening and closing."""
        if queue not in self._senders:
            self._senders[queue] = self.client.get_queue_sender(queue)
        return self._senders[queue]

    async def send(self, queue: str, *messages: ServiceBusMessage | list[ServiceBusMessage]) -> None:
        sender = self.sender(queue)
        for message in messages:
            await sender.send_messages(message)

    async def close(self) -> None:
        await asyncio.gather(*(sender.close() for sender in self._senders.values()))

    def receiver(self, queue: str, **options: Any) -> ServiceBusReceiver:
        return self.client.get_queue_receiver(queue, **{"max_wait_time": WAIT, **options})


@asynccontextmanager
async def running_bench(**options: Any) -> AsyncIterator[Bench]:
    clock = Clock()
    async with Broker(DEFINITIONS, clock, **options) as broker:
        connection = broker.connection_string
        async with ServiceBusClient.from_connection_string(connection, retry_total=0) as client:
            bench = Bench(broker, clock, client)
            yield bench
            await bench.close()


async def one(receiver: ServiceBusReceiver) -> ServiceBusReceivedMessage:
    """The next message; there must be one."""
    messages = await receiver.receive_messages(max_message_count=1, max_wait_time=WAIT)
    assert len(messages) == 1
    return messages[0]


async def none(receiver: ServiceBusReceiver) -> None:
    """There must be no next message."""
    assert await receiver.receive_messages(max_message_count=1, max_wait_time=QUIET) == []


async def eventually(condition: Any) -> None:
    """Wait for what the broker does on its own: at most a few of its ticks."""
    async with asyncio.timeout(WAIT):
        while not condition():  # noqa: ASYNC110 - the broker has no event for the passing of time
            await asyncio.sleep(0.01)


def text(message: ServiceBusReceivedMessage) -> str:
    return str(message)
