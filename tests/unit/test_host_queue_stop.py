"""The host stops listening to a queue although the SDK swallowed the cancellation."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from local.clock import Clock
from local.functions_host.functions import Function
from local.functions_host.host_json import ServiceBusOptions
from local.functions_host.invocations import Invocations
from local.functions_host.queue_triggers import QueueTrigger

FUNCTION = Function.from_raw_bindings(
    "work",
    ['{"name": "message", "type": "serviceBusTrigger", "direction": "IN", "queueName": "q", '
     '"connection": "ServiceBus", "isSessionsEnabled": true}'],
)  # fmt: skip


class Receiver:
    """Waits for a session, and takes a cancellation for the end of the wait."""

    def __init__(self, log: list[str]) -> None:
        self._log = log

    async def __aenter__(self) -> Receiver:
        self._log.append("accepting")
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            self._log.append("swallowed")
        return self

    async def receive_messages(self, *_given: object, **_options: object) -> list[Any]:
        self._log.append("served")
        return []

    async def close(self) -> None:
        self._log.append("closed")


class Client:
    def __init__(self) -> None:
        self.log: list[str] = []

    def get_queue_receiver(self, *_given: object, **_options: object) -> Receiver:
        return Receiver(self.log)


class Nothing:
    functions = (FUNCTION,)


async def test_a_swallowed_cancellation_keeps_no_queue_open(tmp_path: Path) -> None:
    client: Any = Client()
    invoker: Any = Nothing()
    invocations, clock = Invocations(invoker, timedelta(minutes=1)), Clock(tmp_path / "clock")
    trigger = QueueTrigger(FUNCTION, "q", client, ServiceBusOptions(), invocations, clock)
    listening = asyncio.create_task(trigger.run())
    await asyncio.sleep(0.01)
    accepting = client.log.count("accepting")
    assert accepting > 0
    trigger.close()
    listening.cancel()
    await asyncio.wait([listening], timeout=2)
    assert listening.done()
    await trigger.stop(1)
    assert client.log.count("closed") == client.log.count("swallowed") == accepting
    assert "served" not in client.log
