"""The rules of one queue: sending, duplicates, schedules, expiry, delivery counts and dead letters.

Pure: no socket, no clock. Everything that must survive goes through the store, and so into the journal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from local.service_bus.definitions import MAX_ID_LENGTH, MAX_SESSION_STATE_BYTES, QueueDefinition
from local.service_bus.message import Content
from local.service_bus.ready import Deadlines
from local.service_bus.refusals import (
    bad_argument,
    message_not_found,
    message_too_large,
    not_allowed,
    queue_full,
)
from local.service_bus.sessions import SessionLock
from local.service_bus.store import ACTIVE, DEFERRED, SCHEDULED, Store, StoredMessage
from local.service_bus.sub_queue import Delivery, SubQueue

MAX_DELIVERIES = "MaxDeliveryCountExceeded"
EXPIRED = "TTLExpiredException"

_NO_SESSION = (
    "The SessionId was not set on a message, and it cannot be sent to the entity. "
    "This entity requires session id: set it to a valid value."
)


@dataclass
class Passed:
    """What the passing of time did: whether anything became ready, and which session locks were lost."""

    changed: bool = False
    lost: list[SessionLock] = field(default_factory=list)


@dataclass(frozen=True)
class Counts:
    active: int
    scheduled: int
    deferred: int
    locked: int
    dead_lettered: int
    next_scheduled_at: float | None


class Queue:
    """One queue with its dead letters."""

    def __init__(self, definition: QueueDefinition, store: Store) -> None:
        self.definition = definition
        self.store = store
        self.main = self._sub_queue(sessions=definition.requires_session)
        self.dead = self._sub_queue(sessions=False)
        self._scheduled: Deadlines[int] = Deadlines()
        self._expiries: Deadlines[int] = Deadlines()

    def _sub_queue(self, *, sessions: bool) -> SubQueue:
        seconds = self.definition.lock_seconds
        return SubQueue(self.store, seconds, sessions=sessions, put_back=self._put_back, failed=self._failed)

    def recover(self, now: float) -> None:
        """After a restart no lock stands: what was locked has failed once more, the rest is as it was."""
        for message in list(self.store.messages.values()):
            self._watch(message)
            if message.locked:
                self._failed(message, now)
            elif message.state == ACTIVE:
                self._home(message).offer(message)
        self.pass_time(now)

    # --- sending --------------------------------------------------------------------------------

    def send(self, contents: Iterable[Content], now: float) -> list[int]:
        """Enqueue or schedule all of them, or refuse all. Duplicates are dropped without a word."""
        batch = list(contents)
        for content in batch:
            self._check(content)
        if self.store.bytes + sum(len(content.raw) for content in batch) > self.definition.max_bytes:
            raise queue_full(self.definition.name)
        return [self._enqueue(content, now) for content in batch]

    def _check(self, content: Content) -> None:
        if self.definition.requires_session and content.session_id is None:
            raise not_allowed(_NO_SESSION)
        for name, value in (("SessionId", content.session_id), ("MessageId", content.message_id)):
            if value is not None and len(value) > MAX_ID_LENGTH:
                raise bad_argument(f"The {name} is longer than {MAX_ID_LENGTH} characters.")

    def _enqueue(self, content: Content, now: float) -> int:
        if self._is_duplicate(content.message_id, now):
            return self.store.skip_sequence()
        due = (
            content.scheduled_at if content.scheduled_at is not None and content.scheduled_at > now else None
        )
        message = self.store.add(content, now, due)
        self._watch(message)
        if due is None:
            self.main.offer(message)
        return message.sequence

    def _is_duplicate(self, message_id: str | None, now: float) -> bool:
        """Ids are remembered from sending on, scheduled or not, also after the message is gone."""
        window = self.definition.duplicate_window
        if window is None or message_id is None:
            return False
        seen = self.store.seen_ids.get(message_id)
        if seen is not None and seen > now - window:
            return True
        self.store.remember(message_id, now)
        return False

    def cancel_scheduled(self, sequences: Iterable[int]) -> None:
        """Remove scheduled messages, all or none."""
        messages = [self._scheduled_message(sequence) for sequence in sequences]
        for message in messages:
            self.store.remove(message)

    def _scheduled_message(self, sequence: int) -> StoredMessage:
        message = self.store.messages.get(sequence)
        if message is None or message.state != SCHEDULED:
            raise message_not_found(sequence)
        return message

    # --- receiving ------------------------------------------------------------------------------

    def receive(self, place: SubQueue, session: SessionLock | None, now: float) -> Delivery | None:
        """The next message under a lock."""
        message = self._next(place, session, now)
        return None if message is None else place.lock(message, session, now)

    def receive_and_delete(
        self, place: SubQueue, session: SessionLock | None, now: float
    ) -> StoredMessage | None:
        message = self._next(place, session, now)
        if message is not None:
            place.take_away(message)
        return message

    def _next(self, place: SubQueue, session: SessionLock | None, now: float) -> StoredMessage | None:
        if session is not None and (place.sessions is None or not place.sessions.is_live(session, now)):
            return None
        while (message := place.first(session)) is not None and self._has_expired(message, now):
            place.withdraw(message)
            self._expire(message)
        return message

    def deferred(
        self, place: SubQueue, sequences: Iterable[int], session: SessionLock | None, now: float
    ) -> list[StoredMessage]:
        """Deferred messages, all or none; an expired one is found out only here."""
        session_id = session.session_id if session else None
        found = []
        for sequence in sequences:
            message = place.deferred(sequence, session_id, dead=place is self.dead)
            if self._has_expired(message, now):
                self._expire(message)
                raise message_not_found(sequence)
            found.append(message)
        return found

    def peek(
        self, place: SubQueue, start: int, count: int, session_id: str | None = None
    ) -> list[StoredMessage]:
        """Messages in any state from a sequence number on (the store keeps them in that order)."""
        dead = place is self.dead
        found = []
        for message in self.store.messages.values():
            if message.sequence < start or (message.dead is not None) != dead:
                continue
            if session_id is None or message.session_id == session_id:
                found.append(message)
            if len(found) >= count:
                break
        return found

    # --- settling -------------------------------------------------------------------------------

    def complete(self, place: SubQueue, token: UUID, now: float) -> None:
        self.store.remove(place.end(place.held(token, now)))

    def abandon(self, place: SubQueue, token: UUID, now: float) -> None:
        self._failed(place.end(place.held(token, now)), now)

    def release(self, place: SubQueue, token: UUID, now: float) -> None:
        """Given back unused: the delivery does not count."""
        self._put_back(place.end(place.held(token, now)), now)

    def defer(self, place: SubQueue, token: UUID, now: float) -> None:
        self.store.update(place.end(place.held(token, now)), state=DEFERRED, locked=False)

    def dead_letter(self, place: SubQueue, token: UUID, reason: str, description: str, now: float) -> None:
        if place is self.dead:
            raise not_allowed("A message of the dead-letter queue cannot be dead-lettered.")
        self._bury(place.end(place.held(token, now)), reason, description)

    def _failed(self, message: StoredMessage, now: float) -> None:
        """One more failed delivery; the last one allowed ends in the dead letters."""
        count = message.delivery_count + 1
        limit = self.definition.max_delivery_count
        if message.dead is None and count >= limit:
            self.store.update(message, delivery_count=count)
            sentence = f"Message could not be consumed after {limit} delivery attempts."
            self._bury(message, MAX_DELIVERIES, sentence)
        else:
            self.store.update(message, delivery_count=count, locked=False)
            self._return(message, now)

    def _put_back(self, message: StoredMessage, now: float) -> None:
        self.store.update(message, locked=False)
        self._return(message, now)

    def _return(self, message: StoredMessage, now: float) -> None:
        """A deferred message stays deferred; an active one may be received again, unless it has expired."""
        if message.state != ACTIVE:
            return
        if self._has_expired(message, now):
            self._expire(message)
        else:
            self._home(message).offer(message)

    def _bury(self, message: StoredMessage, reason: str, description: str) -> None:
        self.store.update(message, dead=(reason, description), state=ACTIVE, locked=False)
        self.dead.offer(message)

    def _home(self, message: StoredMessage) -> SubQueue:
        return self.main if message.dead is None else self.dead

    # --- session state --------------------------------------------------------------------------

    def session_state(self, session_id: str) -> bytes | None:
        state = self.store.session_states.get(session_id)
        return None if state is None else state[0]

    def set_session_state(self, session_id: str, state: bytes | None, now: float) -> None:
        """A state stays until it is cleared, messages or not."""
        if state is not None and len(state) > MAX_SESSION_STATE_BYTES:
            raise message_too_large(len(state), MAX_SESSION_STATE_BYTES)
        self.store.set_session_state(session_id, state, now)

    def list_sessions(self, updated_after: float | None) -> list[str]:
        """Sessions with messages or a state; with a time, those whose state was set after it."""
        states = self.store.session_states.items()
        if updated_after is not None:
            return sorted(session_id for session_id, (_, at) in states if at > updated_after)
        waiting = [] if self.main.sessions is None else self.main.sessions.waiting()
        return sorted({*waiting, *self.store.session_states})

    # --- time -----------------------------------------------------------------------------------

    def pass_time(self, now: float) -> Passed:
        """Bring due everything that is due."""
        passed = Passed()
        for place in (self.main, self.dead):
            for lost in place.expire_locks(now):
                passed.changed = True
                if isinstance(lost, SessionLock):
                    passed.lost.append(lost)
        for sequence in self._scheduled.due(now):
            passed.changed |= self._activate(sequence)
        for sequence in self._expiries.due(now):
            passed.changed |= self._expire_ready(sequence, now)
        if self.definition.duplicate_window is not None:
            self.store.forget_ids_before(now - self.definition.duplicate_window)
        return passed

    def _activate(self, sequence: int) -> bool:
        message = self.store.messages.get(sequence)
        if message is None or message.state != SCHEDULED:
            return False
        self.store.activate(message)
        self._watch(message)
        self.main.offer(message)
        return True

    def _expire_ready(self, sequence: int, now: float) -> bool:
        """Expire a message that waits; one that is locked or deferred is looked at when it comes back."""
        message = self.store.messages.get(sequence)
        if (
            message is None
            or message.locked
            or message.state != ACTIVE
            or not self._has_expired(message, now)
        ):
            return False
        self.main.withdraw(message)
        self._expire(message)
        return True

    def _expire(self, message: StoredMessage) -> None:
        if self.definition.dead_letter_expired:
            self._bury(message, EXPIRED, "The message expired and was dead lettered.")
        else:
            self.store.remove(message)

    def _has_expired(self, message: StoredMessage, now: float) -> bool:
        """The time to live counts from enqueueing; in the dead letters nothing expires."""
        return message.dead is None and message.state != SCHEDULED and self._expiry(message) <= now

    def _expiry(self, message: StoredMessage) -> float:
        return message.enqueued_at + min(message.content.time_to_live, self.definition.time_to_live)

    def _watch(self, message: StoredMessage) -> None:
        """Remember when this message needs looking at."""
        if message.state == SCHEDULED and message.due_at is not None:
            self._scheduled.add(message.due_at, message.sequence)
        elif message.dead is None and self._expiry(message) != float("inf"):
            self._expiries.add(self._expiry(message), message.sequence)

    def counts(self) -> Counts:
        tally = {ACTIVE: 0, SCHEDULED: 0, DEFERRED: 0, "locked": 0, "dead": 0}
        for message in self.store.messages.values():
            kind = "dead" if message.dead else "locked" if message.locked else message.state
            tally[kind] += 1
        due = [message.due_at for message in self.store.messages.values() if message.due_at is not None]
        return Counts(
            active=tally[ACTIVE],
            scheduled=tally[SCHEDULED],
            deferred=tally[DEFERRED],
            locked=tally["locked"],
            dead_lettered=tally["dead"],
            next_scheduled_at=min(due, default=None),
        )
