"""A job that Service Bus gave up: it failed too often, or lay in its queue for too long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """``session``: the mailbox or, of ``dynamics-feed``, the organization. ``reason`` and ``description`` are
    Service Bus' own words, ``deliveries`` how often it tried. ``cause``: why the job was sent, empty when its
    body cannot be read. ``found_at``: when it was recorded; Service Bus does not say when it gave up."""

    id: str
    queue: str
    session: str
    message_id: str
    sequence: int
    cause: str
    reason: str
    description: str
    deliveries: int
    enqueued_at: datetime
    found_at: datetime
    body: str
