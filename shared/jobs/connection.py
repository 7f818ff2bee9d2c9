"""The connection to Service Bus: one client, one sender per queue, opened when first used and kept open."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

from azure.core.credentials_async import AsyncTokenCredential
from azure.servicebus import ServiceBusMessage, ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver, ServiceBusSender

from shared.errors import Refused
from shared.jobs.errors import FAILURES, translate
from shared.settings import Settings, is_loopback

SEND_WITHIN = 10.0
"""Seconds, repeats included; whoever answers a notification must not wait longer."""
_RETRIES: dict[str, Any] = {"retry_total": 2, "retry_backoff_factor": 0.2, "retry_backoff_max": 1.0}


class Connection:
    """Sends to queues. A sender that failed is closed, and the next message opens a new one."""

    def __init__(
        self,
        connection_string: str = "",
        *,
        namespace: str = "",
        credential: AsyncTokenCredential | None = None,
    ) -> None:
        for name in ("azure.servicebus", "azure.identity"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._client = connect(connection_string, namespace, credential)
        self._senders: dict[str, ServiceBusSender] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._failures: Counter[str] = Counter()
        self._last_failure: dict[str, BaseException] = {}

    @classmethod
    def from_settings(cls, settings: Settings, credential: AsyncTokenCredential | None) -> Connection:
        """``credential`` is used with the namespace only."""
        if settings.service_bus:
            return cls(settings.service_bus)
        return cls(namespace=settings.service_bus_namespace, credential=credential)

    async def open(self, queues: Sequence[str]) -> None:
        """Open senders ahead: each takes about half a second. Raises the errors of ``shared.errors``."""
        await asyncio.gather(*(self._open(queue) for queue in queues))

    async def send(self, queue: str, messages: Sequence[ServiceBusMessage]) -> None:
        """In as few batches as they fit. A sender serves one call at a time; who waited while another call
        failed does not find out for himself, or each would wait longer than the one before."""
        if not messages:
            return
        failures = self._failures[queue]
        async with self._lock(queue):
            if self._failures[queue] != failures:
                raise translate(self._last_failure[queue], queue)
            try:
                await self._send(await self._sender(queue), messages)
            except FAILURES as failure:
                error = translate(failure, queue)
                if not isinstance(error, Refused):  # which is about this message alone
                    self._failures[queue] += 1
                    self._last_failure[queue] = failure
                await self._discard(queue)
                raise error from failure

    def dead_letters(self, queue: str) -> ServiceBusReceiver:
        """What the queue gave up. It has no sessions, whatever the queue has."""
        return self._client.get_queue_receiver(queue, sub_queue=ServiceBusSubQueue.DEAD_LETTER)

    async def close(self) -> None:
        """The senders side by side: each takes its time to say goodbye."""
        await asyncio.gather(*(self._discard(queue) for queue in list(self._senders)))
        await self._client.close()

    async def _open(self, queue: str) -> None:
        async with self._lock(queue):
            try:
                await self._sender(queue)
            except FAILURES as failure:
                await self._discard(queue)
                raise translate(failure, queue) from failure

    async def _sender(self, queue: str) -> ServiceBusSender:
        if queue not in self._senders:
            self._senders[queue] = self._client.get_queue_sender(queue)
            await self._senders[queue].__aenter__()
        return self._senders[queue]

    async def _send(self, sender: ServiceBusSender, messages: Sequence[ServiceBusMessage]) -> None:
        if len(messages) == 1:
            await sender.send_messages(messages[0], timeout=SEND_WITHIN)
            return
        batch = await sender.create_message_batch()
        for message in messages:
            try:
                batch.add_message(message)
            except ValueError:  # the batch is full
                await sender.send_messages(batch, timeout=SEND_WITHIN)
                batch = await sender.create_message_batch()
                batch.add_message(message)
        await sender.send_messages(batch, timeout=SEND_WITHIN)

    async def _discard(self, queue: str) -> None:
        sender = self._senders.pop(queue, None)
        if sender is not None:
            try:
                await sender.close()
            except FAILURES as failure:
                logging.getLogger(__name__).info("sender of %s: closing failed too: %s", queue, failure)

    def _lock(self, queue: str) -> asyncio.Lock:
        return self._locks.setdefault(queue, asyncio.Lock())


def connect(
    connection_string: str, namespace: str, credential: AsyncTokenCredential | None
) -> ServiceBusClient:
    """By the connection string if there is one, else by the namespace and the identity."""
    if connection_string:
        return ServiceBusClient.from_connection_string(connection_string, **_RETRIES)
    if credential is None:
        raise ValueError("a Service Bus namespace needs a credential")
    plain: dict[str, Any] = {"use_tls": False} if is_loopback(namespace) else {}
    return ServiceBusClient(namespace, credential, **_RETRIES, **plain)
