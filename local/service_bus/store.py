"""The durable facts of one queue: its messages, session states and remembered message ids.

Every method that changes something is one journaled change; ``replay`` does the same again from the
journal. Locks are not durable, but that a message was out under a lock is: after a crash it has had a
failed delivery.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from local.service_bus.journal import Change
from local.service_bus.message import Content, parse

ACTIVE, SCHEDULED, DEFERRED = "active", "scheduled", "deferred"

Record = Callable[[Change], None]


@dataclass(slots=True)
class StoredMessage:
    """A message and where it stands. ``dead`` (reason, description) says that it is in the dead letters."""

    sequence: int
    content: Content
    enqueued_at: float
    state: str = ACTIVE
    due_at: float | None = None
    delivery_count: int = 0
    locked: bool = False
    dead: tuple[str, str] | None = None

    @property
    def session_id(self) -> str | None:
        return self.content.session_id


class Store:
    """Messages by sequence number, session states by id, and when each message id was seen."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self.messages: dict[int, StoredMessage] = {}
        self.session_states: dict[str, tuple[bytes, float]] = {}
        self.seen_ids: OrderedDict[str, float] = OrderedDict()
        self.next_sequence = 1
        self.bytes = 0

    # --- changes --------------------------------------------------------------------------------

    def add(self, content: Content, now: float, due_at: float | None = None) -> StoredMessage:
        """A new message; with ``due_at`` it is scheduled."""
        state = SCHEDULED if due_at is not None else ACTIVE
        message = StoredMessage(self.next_sequence, content, now, state, due_at)
        self._put(message)
        self._record(["put", *_row(message)])
        return message

    def activate(self, message: StoredMessage) -> None:
        """A scheduled message falls due: it is enqueued as if sent now, under a new sequence number."""
        new = self.next_sequence
        self._record(["activate", message.sequence, new])
        self._activate(message.sequence, new)

    def update(self, message: StoredMessage, **fields: Any) -> None:
        """Change ``state``, ``delivery_count``, ``locked`` or ``dead``."""
        for name, value in fields.items():
            setattr(message, name, value)
        self._record(["set", message.sequence, fields])

    def remove(self, message: StoredMessage) -> None:
        self._drop(message.sequence)
        self._record(["del", message.sequence])

    def skip_sequence(self) -> int:
        """A sequence number for a message that is not stored (a duplicate that was scheduled)."""
        self.next_sequence += 1
        self._record(["next", self.next_sequence])
        return self.next_sequence - 1

    def remember(self, message_id: str, now: float) -> None:
        self.seen_ids.pop(message_id, None)
        self.seen_ids[message_id] = now
        self._record(["seen", message_id, now])

    def set_session_state(self, session_id: str, state: bytes | None, now: float) -> None:
        self._set_state(session_id, state, now)
        self._record(["state", session_id, None if state is None else _text(state), now])

    def forget_ids_before(self, oldest: float) -> None:
        """Not journaled: replay forgets by the same rule."""
        while self.seen_ids:
            message_id = next(iter(self.seen_ids))
            if self.seen_ids[message_id] > oldest:
                return
            del self.seen_ids[message_id]

    # --- replay ---------------------------------------------------------------------------------

    def replay(self, change: Change) -> None:
        """Apply a change read from the journal."""
        kind, *values = change
        if kind == "put":
            self._put(_message(values))
        elif kind == "activate":
            self._activate(values[0], values[1])
        elif kind == "set":
            message = self.messages[values[0]]
            for name, value in values[1].items():
                setattr(message, name, tuple(value) if isinstance(value, list) else value)
        elif kind == "del":
            self._drop(values[0])
        elif kind == "next":
            self.next_sequence = values[0]
        elif kind == "seen":
            self.seen_ids.pop(values[0], None)
            self.seen_ids[values[0]] = values[1]
        elif kind == "state":
            self._set_state(values[0], None if values[1] is None else b64decode(values[1]), values[2])
        else:
            raise ValueError(f"unknown journal entry {kind!r}")

    def snapshot(self) -> Iterator[Change]:
        """The fewest changes that lead to this state."""
        for message in self.messages.values():
            yield ["put", *_row(message)]
        yield from (["seen", message_id, at] for message_id, at in self.seen_ids.items())
        for session_id, (state, at) in self.session_states.items():
            yield ["state", session_id, _text(state), at]
        yield ["next", self.next_sequence]

    # --- the same without the journal -----------------------------------------------------------

    def _put(self, message: StoredMessage) -> None:
        self.messages[message.sequence] = message
        self.next_sequence = max(self.next_sequence, message.sequence + 1)
        self.bytes += len(message.content.raw)

    def _activate(self, old: int, new: int) -> None:
        message = self.messages.pop(old)
        assert message.due_at is not None
        message.sequence, message.state = new, ACTIVE
        message.enqueued_at, message.due_at = message.due_at, None
        self.messages[new] = message
        self.next_sequence = new + 1

    def _drop(self, sequence: int) -> None:
        self.bytes -= len(self.messages.pop(sequence).content.raw)

    def _set_state(self, session_id: str, state: bytes | None, at: float) -> None:
        if state is None:
            self.session_states.pop(session_id, None)
        else:
            self.session_states[session_id] = (state, at)


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _row(message: StoredMessage) -> list[Any]:
    return [
        message.sequence,
        _text(message.content.raw),
        message.enqueued_at,
        message.state,
        message.due_at,
        message.delivery_count,
        message.locked,
        message.dead,
    ]


def _message(row: list[Any]) -> StoredMessage:
    sequence, raw, enqueued_at, state, due_at, count, locked, dead = row
    return StoredMessage(
        sequence,
        parse(b64decode(raw)),
        enqueued_at,
        state,
        due_at,
        count,
        locked,
        tuple(dead) if dead else None,
    )
