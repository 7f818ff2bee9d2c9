"""Sending jobs with the Service Bus SDK: one client, one open sender a queue.

The output binding of Functions cannot set session, message id or schedule, so it is not used.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.errors import Transient
from shared.jobs.messages import (
    DYNAMICS_FEED,
    MAILBOX_BULK,
    MAILBOX_SYNC,
    FeedJob,
    Job,
    bucket_end,
    merge_key,
    to_text,
)
from shared.model.values import Value
from shared.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.servicebus import ServiceBusMessage
    from azure.servicebus.aio import ServiceBusClient, ServiceBusSender


def _new_id() -> str:
    return uuid.uuid4().hex


class ServiceBusJobs:
    """The engine's ``Jobs``. ``new_id`` gives a fresh text at each call."""

    def __init__(self, connect: Callable[[], ServiceBusClient], new_id: Callable[[], str] = _new_id) -> None:
        self._connect = connect
        self._new_id = new_id
        self._client: ServiceBusClient | None = None
        self._senders: dict[str, ServiceBusSender] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    @classmethod
    def from_settings(cls, settings: Settings, credential: AsyncTokenCredential | None) -> ServiceBusJobs:
        """``credential`` is used with the namespace only. Imports the SDK when first connected."""
        return cls(lambda: _client(settings, credential))

    async def start(self, queues: Sequence[str] = (MAILBOX_SYNC, DYNAMICS_FEED)) -> None:
        """Open the senders ahead of the first message: opening one takes a good part of a second."""
        await asyncio.gather(*(self._sender(queue) for queue in queues))

    async def close(self) -> None:
        for sender in self._senders.values():
            await sender.close()
        self._senders.clear()
        if self._client is not None:
            await self._client.close()
            self._client = None

    # --- the port ---------------------------------------------------------------------------------

    async def hint(self, mailboxes: Iterable[str], cause: str, now: datetime) -> None:
        at = bucket_end(now)
        messages = [self._message(to_text(Job(m, cause)), m, merge_key(m, cause, now), at) for m in mailboxes]
        await self._send(MAILBOX_SYNC, messages)

    async def again(
        self, mailbox: str, cause: str, *, at: datetime | None = None, attempt: int = 0, bulk: bool = False
    ) -> None:
        queue = MAILBOX_BULK if bulk else MAILBOX_SYNC
        body = to_text(Job(mailbox, cause, attempt=attempt))
        await self._send(queue, [self._message(body, mailbox, self._new_id(), at)])

    async def ask(self, mailbox: str, what: str, request: str, options: Mapping[str, Value]) -> None:
        body = to_text(Job(mailbox, what, request=request, options=options))
        await self._send(MAILBOX_SYNC, [self._message(body, mailbox, self._new_id(), None)])

    async def read_feed(self, organization: str, cause: str, now: datetime, *, merge: bool = True) -> None:
        body = to_text(FeedJob(organization, cause))
        number, at = (
            (merge_key(organization, cause, now), bucket_end(now)) if merge else (self._new_id(), None)
        )
        await self._send(DYNAMICS_FEED, [self._message(body, organization, number, at)])

    # --- sending ----------------------------------------------------------------------------------

    @staticmethod
    def _message(body: str, session: str, number: str, at: datetime | None) -> ServiceBusMessage:
        from azure.servicebus import ServiceBusMessage

        return ServiceBusMessage(
            body,
            session_id=session,
            message_id=number,
            content_type="application/json",
            scheduled_enqueue_time_utc=at,
        )

    async def _send(self, queue: str, messages: Sequence[ServiceBusMessage]) -> None:
        """All of them, in as few sends as fit; raises Transient when the queue does not take them."""
        from azure.servicebus.exceptions import ServiceBusError

        if not messages:
            return
        try:
            sender = await self._sender(queue)
            async with self._locks[queue]:
                await self._send_in_batches(sender, messages)
        except (ServiceBusError, OSError, TimeoutError) as error:
            await self._forget(queue)
            raise Transient(f"queue {queue} did not take the message", code=type(error).__name__) from error

    @staticmethod
    async def _send_in_batches(sender: ServiceBusSender, messages: Sequence[ServiceBusMessage]) -> None:
        if len(messages) == 1:
            await sender.send_messages(messages[0])
            return
        batch = await sender.create_message_batch()
        for message in messages:
            try:
                batch.add_message(message)
            except ValueError:
                await sender.send_messages(batch)
                batch = await sender.create_message_batch()
                batch.add_message(message)
        await sender.send_messages(batch)

    async def _sender(self, queue: str) -> ServiceBusSender:
        lock = self._locks.setdefault(queue, asyncio.Lock())
        async with lock:
            if queue not in self._senders:
                if self._client is None:
                    self._client = self._connect()
                sender = self._client.get_queue_sender(queue)
                await sender.__aenter__()
                self._senders[queue] = sender
            return self._senders[queue]

    async def _forget(self, queue: str) -> None:
        """A sender that failed is opened anew next time."""
        sender = self._senders.pop(queue, None)
        if sender is not None:
            await sender.close()


def _client(settings: Settings, credential: Any) -> ServiceBusClient:
    from azure.servicebus.aio import ServiceBusClient

    options: dict[str, Any] = {"retry_total": 2, "retry_backoff_factor": 0.2}
    if settings.service_bus:
        return ServiceBusClient.from_connection_string(settings.service_bus, **options)
    return ServiceBusClient(settings.service_bus_namespace, credential, **options)
