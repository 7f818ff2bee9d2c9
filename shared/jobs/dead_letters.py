"""What the queues gave up is taken out of their dead letter queues by a timer.

Not by a trigger: a message of a dead letter queue cannot die again, so a trigger whose handling fails would
get it back at once, for ever. Here a message is completed only after it was handled; until then its lock ends
by itself, and the next run finds it again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from azure.servicebus import ServiceBusReceivedMessage
from azure.servicebus.aio import ServiceBusReceiver

from shared.clock import Now
from shared.jobs import messages
from shared.jobs.connection import Connection
from shared.jobs.errors import FAILURES, translate
from shared.model.dead_letter import DeadLetter

BATCH = 100
BATCHES = 10
"""A run takes no more out of a queue, so that it ends in time; the next one goes on."""
WAIT = 5.0
"""Seconds to wait for messages that were seen."""
WORDS = 1000
"""Characters kept of Service Bus' description."""
LATEST = 10**17
"""Microseconds since 1970, more than any time: what is subtracted from it sorts newest first."""

Handle = Callable[[Sequence[DeadLetter]], Awaitable[None]]


class DeadLetterQueues:
    def __init__(self, connection: Connection, now: Now) -> None:
        self._connection = connection
        self._now = now

    async def drain(self, queue: str, handle: Handle) -> int:
        """Hand over what was given up, then complete it; returns how many. What ``handle`` raises leaves the
        messages where they are. Raises the errors of ``shared.errors``."""
        try:
            async with self._connection.dead_letters(queue) as receiver:
                return await self._drain(receiver, queue, handle)
        except FAILURES as failure:
            raise translate(failure, queue, "dead letters not read of") from failure

    async def _drain(self, receiver: ServiceBusReceiver, queue: str, handle: Handle) -> int:
        """Looking is quick; waiting for messages where there are none takes its time."""
        count = 0
        for _ in range(BATCHES):
            if not await receiver.peek_messages(1, sequence_number=1):
                break
            batch = await receiver.receive_messages(BATCH, max_wait_time=WAIT)
            if not batch:  # the rest is locked: by a run that was cut off, or by one elsewhere
                break
            await handle([self._letter(queue, message) for message in batch])
            for message in batch:
                await receiver.complete_message(message)
            count += len(batch)
        return count

    def _letter(self, queue: str, message: ServiceBusReceivedMessage) -> DeadLetter:
        now, body = self._now(), _body(message)
        enqueued_at = message.enqueued_time_utc or now
        sequence, message_id = int(message.sequence_number or 0), str(message.message_id or "")
        return DeadLetter(
            id=letter_id(queue, sequence, message_id, enqueued_at),
            queue=queue,
            session=message.session_id or "",
            message_id=message_id,
            sequence=sequence,
            cause=_cause(body),
            reason=message.dead_letter_reason or "",
            description=(message.dead_letter_error_description or "")[:WORDS],
            deliveries=int(message.delivery_count or 0),
            enqueued_at=enqueued_at,
            found_at=now,
            body=body,
        )


def letter_id(queue: str, sequence: int, message_id: str, enqueued_at: datetime) -> str:
    """The same for the same message, however often it is read; newest first when sorted."""
    names = hashlib.sha256(json.dumps([queue, sequence, message_id]).encode()).hexdigest()[:16]
    return f"{LATEST - int(enqueued_at.timestamp() * 1_000_000):017d}-{names}"


def _body(message: ServiceBusReceivedMessage) -> str:
    body = message.body
    data = body if isinstance(body, bytes) else b"".join(bytes(part) for part in body)
    return data.decode("utf-8", "replace")


def _cause(body: str) -> str:
    """Of a job of either kind; what cannot be read has none."""
    for read in (messages.job, messages.feed_job):
        try:
            return read(body).cause
        except messages.BadMessage:
            continue
    return ""
