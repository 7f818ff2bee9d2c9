"""One place to receive from: a queue proper or its dead letters. Pure: the time comes in as an argument."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from local.service_bus.ready import Deadlines, ReadySequence
from local.service_bus.refusals import (
    message_lock_lost,
    message_not_found,
    not_allowed,
    session_lock_lost,
)
from local.service_bus.sessions import SessionLock, Sessions
from local.service_bus.store import ACTIVE, DEFERRED, Store, StoredMessage


@dataclass(eq=False, slots=True)
class Delivery:
    """A message out under a lock. In a session the session's lock is the message's."""

    token: UUID
    message: StoredMessage
    session: SessionLock | None
    until: float

    @property
    def locked_until(self) -> float:
        return self.session.locked_until if self.session is not None else self.until


# What becomes of a message after a delivery: put back, failed, ... are the queue's to say.
Aftermath = Callable[[StoredMessage, float], None]


class SubQueue:
    """Ready messages and their locks. ``put_back`` and ``failed`` are the queue's own rules."""

    def __init__(
        self, store: Store, lock_seconds: float, *, sessions: bool, put_back: Aftermath, failed: Aftermath
    ) -> None:
        self._store = store
        self._lock_seconds = lock_seconds
        self._put_back = put_back
        self._failed = failed
        self._ready = ReadySequence()
        self._deliveries: dict[UUID, Delivery] = {}
        self._deadlines: Deadlines[Delivery] = Deadlines()
        self.sessions = Sessions() if sessions else None

    # --- what is ready --------------------------------------------------------------------------

    def offer(self, message: StoredMessage) -> None:
        """The message may be received."""
        if self.sessions is None:
            self._ready.add(message.sequence)
        else:
            self.sessions.add(message.session_id or "", message.sequence)

    def withdraw(self, message: StoredMessage) -> None:
        """A message that was ready no longer is."""
        if self.sessions is None:
            self._ready.remove(message.sequence)
        else:
            self.sessions.remove(message.session_id or "", message.sequence)

    def first(self, session: SessionLock | None) -> StoredMessage | None:
        """The next message to deliver, in order of sequence numbers."""
        sequence: int | None
        if self.sessions is None:
            sequence = self._ready.first() if self._ready else None
        else:
            sequence = self.sessions.first(session.session_id) if session is not None else None
        return None if sequence is None else self._store.messages[sequence]

    # --- deliveries -----------------------------------------------------------------------------

    def lock(self, message: StoredMessage, session: SessionLock | None, now: float) -> Delivery:
        """Deliver the message under a lock."""
        if message.state == ACTIVE:
            self.withdraw(message)
        delivery = Delivery(uuid.uuid4(), message, session, now + self._lock_seconds)
        self._deliveries[delivery.token] = delivery
        if session is not None:
            session.tokens.add(delivery.token)
        else:
            self._deadlines.add(delivery.until, delivery)
        self._store.update(message, locked=True)
        return delivery

    def take_away(self, message: StoredMessage) -> None:
        """Receive and delete."""
        if message.state == ACTIVE:
            self.withdraw(message)
        self._store.remove(message)

    def deferred(self, sequence: int, session_id: str | None, *, dead: bool) -> StoredMessage:
        """The deferred message of that number, if it may be received now."""
        message = self._store.messages.get(sequence)
        if (
            message is None
            or message.state != DEFERRED
            or message.locked
            or (message.dead is not None) != dead
        ):
            raise message_not_found(sequence)
        if self.sessions is not None and message.session_id != session_id:
            raise message_not_found(sequence)
        return message

    def held(self, token: UUID, now: float) -> Delivery:
        """The delivery with this lock token, while its lock stands."""
        delivery = self._deliveries.get(token)
        if delivery is None or delivery.locked_until <= now:
            raise message_lock_lost()
        return delivery

    def renew(self, token: UUID, now: float) -> float:
        delivery = self.held(token, now)
        if delivery.session is not None:
            raise not_allowed("A message of a session is locked by its session: renew the session's lock.")
        delivery.until = now + self._lock_seconds
        self._deadlines.add(delivery.until, delivery)
        return delivery.until

    def end(self, delivery: Delivery) -> StoredMessage:
        """The delivery is over; what becomes of its message is the caller's to say."""
        del self._deliveries[delivery.token]
        if delivery.session is not None:
            delivery.session.tokens.discard(delivery.token)
        return delivery.message

    # --- sessions -------------------------------------------------------------------------------

    def accept(self, session_id: str | None, holder: object, now: float) -> SessionLock | None:
        """Lock a session for the holder; None when no session waits."""
        if self.sessions is None:
            raise not_allowed("The entity does not require sessions: a session cannot be accepted on it.")
        return self.sessions.lock(session_id, holder, now + self._lock_seconds)

    def renew_session(self, lock: SessionLock, now: float) -> float:
        if self.sessions is None or not self.sessions.is_live(lock, now):
            raise session_lock_lost(lock.session_id)
        self.sessions.renew(lock, now + self._lock_seconds)
        return lock.locked_until

    def leave_session(self, lock: SessionLock, now: float, *, failed: bool) -> None:
        """Give the session up. A holder that vanished has failed its messages; one that closed has not."""
        if self.sessions is None or self.sessions.held(lock.session_id) is not lock:
            return
        after = self._failed if failed else self._put_back
        for token in list(lock.tokens):
            after(self.end(self._deliveries[token]), now)
        self.sessions.unlock(lock)

    # --- time -----------------------------------------------------------------------------------

    def expire_locks(self, now: float) -> Iterator[SessionLock | Delivery]:
        """Take back what was locked too long; yields each lock that was lost."""
        for delivery in self._deadlines.due(now):
            if self._deliveries.get(delivery.token) is delivery and delivery.until <= now:
                self._failed(self.end(delivery), now)
                yield delivery
        if self.sessions is not None:
            for lock in list(self.sessions.expired(now)):
                self.leave_session(lock, now, failed=True)
                yield lock
