"""A queue on the bench for tests: no network, time as a number, a journal as a list."""

from __future__ import annotations

from typing import Any

from local.service_bus.amqp_encode import encode_described, encode_described_list
from local.service_bus.amqp_types import Symbol, Timestamp, UInt
from local.service_bus.definitions import QueueDefinition
from local.service_bus.journal import Change
from local.service_bus.message import ANNOTATIONS, DATA, HEADER, PROPERTIES, Content, parse
from local.service_bus.queue import Queue
from local.service_bus.store import Store, StoredMessage


def content(
    body: str = "body",
    *,
    session: str | None = None,
    message_id: str | None = None,
    due: float | None = None,
    ttl: float | None = None,
) -> Content:
    parts = []
    if ttl is not None:
        parts.append(encode_described_list(HEADER, [None, None, UInt(round(ttl * 1000))]))
    if due is not None:
        due_ms = Timestamp(round(due * 1000))
        parts.append(encode_described(ANNOTATIONS, {Symbol("x-opt-scheduled-enqueue-time"): due_ms}))
    parts.append(encode_described_list(PROPERTIES, [message_id, *[None] * 9, session]))
    return parse(b"".join([*parts, encode_described(DATA, body.encode())]))


def body_of(message: StoredMessage) -> str:
    return message.content.raw[-20:].rpartition(b"\xa0")[2][1:].decode()


def queue(changes: list[Change] | None = None, **settings: Any) -> Queue:
    """A queue that writes its changes to the list."""
    settings = {"lock_seconds": 60.0, "max_delivery_count": 3, **settings}
    definition = QueueDefinition("q", **settings)
    return Queue(definition, Store((changes if changes is not None else []).append))


def replayed(changes: list[Change], like: Queue, now: float) -> Queue:
    """The queue that a broker killed at this point comes back with."""
    again: list[Change] = []
    revived = Queue(like.definition, Store(again.append))
    for change in changes:
        revived.store.replay(change)
    revived.recover(now)
    return revived
