"""A host that waits is given a message: it does not come back again and again to ask for one."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient

from local.clock import Clock
from local.functions_host.functions import Function
from local.functions_host.host_json import ServiceBusOptions
from local.functions_host.invocations import Invocations
from local.functions_host.queue_triggers import ACCEPTS_AT_ONCE, QueueTrigger
from local.service_bus.broker import Broker
from local.service_bus.connection import Connection
from shared.jobs.messages import MAILBOX_SYNC

FUNCTION = Function.from_raw_bindings(
    "work",
    [f'{{"name": "message", "type": "serviceBusTrigger", "direction": "IN", "queueName": "{MAILBOX_SYNC}", '
     '"connection": "ServiceBus", "isSessionsEnabled": true}'],
)  # fmt: skip
QUIET = 2.0
"""Seconds in which who asks again and again would have asked again."""


class Runs:
    """Notes on which connection each function's message came."""

    functions = (FUNCTION,)

    def __init__(self, broker: Broker) -> None:
        self._outlet = broker.entities[MAILBOX_SYNC].main
        self.came_on: asyncio.Queue[Connection] = asyncio.Queue()

    async def invoke(self, _function: Function, message: Any) -> None:
        lock = self._outlet.session(message.properties["SessionId"])
        assert lock is not None
        self.came_on.put_nowait(self._outlet.holder_connection(lock))


async def all_wait(broker: Broker, others: set[Connection]) -> set[Connection]:
    """The host's connections, when all are there."""
    while len(found := set(broker.connections) - others) < ACCEPTS_AT_ONCE:  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.02)
    return found


async def test_a_message_comes_on_a_connection_that_waited_for_it(
    service_bus: Broker, tmp_path: Path
) -> None:
    runs: Any = Runs(service_bus)
    invocations, clock = Invocations(runs, timedelta(minutes=1)), Clock(tmp_path / "clock")
    async with (
        ServiceBusClient.from_connection_string(service_bus.connection_string) as client,
        client.get_queue_sender(MAILBOX_SYNC) as sender,
    ):
        own = set(service_bus.connections)
        trigger = QueueTrigger(FUNCTION, MAILBOX_SYNC, client, ServiceBusOptions(), invocations, clock)
        listening = asyncio.create_task(trigger.run())
        try:
            async with asyncio.timeout(30):
                waiting = await all_wait(service_bus, own)
                await asyncio.sleep(QUIET)
                for number in range(3):
                    await sender.send_messages(ServiceBusMessage(b"{}", session_id=f"quick {number}"))
                    assert await runs.came_on.get() in waiting
        finally:
            trigger.close()
            listening.cancel()
            await asyncio.wait([listening])
            await trigger.stop(1)
