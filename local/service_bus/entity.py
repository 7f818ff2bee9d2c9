"""A queue on the network: who waits for its messages, and what goes out to whom."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from local.clock import Clock
from local.service_bus.amqp_types import Int, Long
from local.service_bus.message import Content, compose, timestamp
from local.service_bus.queue import Queue
from local.service_bus.sending_link import SendingLink
from local.service_bus.sessions import SessionLock
from local.service_bus.store import DEFERRED, SCHEDULED, StoredMessage
from local.service_bus.sub_queue import SubQueue

if TYPE_CHECKING:
    from local.service_bus.connection import Connection

_WIRE_STATES = {DEFERRED: Int(1), SCHEDULED: Int(2)}


class Entity:
    """One queue with an outlet for its messages and one for its dead letters."""

    def __init__(self, queue: Queue, clock: Clock) -> None:
        self.queue = queue
        self._clock = clock
        self.main = Outlet(self, queue.main, clock, self.changed)
        self.dead = Outlet(self, queue.dead, clock, self.changed)
        self._pump_planned = False

    def now(self) -> float:
        return self._clock.time()

    def send(self, contents: list[Content]) -> list[int]:
        sequences = self.queue.send(contents, self.now())
        self.changed()
        return sequences

    def cancel_scheduled(self, sequences: list[int]) -> None:
        self.queue.cancel_scheduled(sequences)

    def changed(self) -> None:
        """Something may be deliverable now; looked at once per turn of the loop, however often called."""
        if not self._pump_planned:
            self._pump_planned = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        self._pump_planned = False
        self.main.pump()
        self.dead.pump()

    def pass_time(self) -> None:
        """Schedules, locks and expiry by the clock, which may have been moved."""
        passed = self.queue.pass_time(self.now())
        for lock in passed.lost:
            assert isinstance(lock.holder, SendingLink)
            lock.holder.session_lost(lock)
        if passed.changed:
            self.changed()


class Outlet:
    """Receivers of one sub-queue. Operations take the time from the clock and wake the others."""

    def __init__(self, entity: Entity, place: SubQueue, clock: Clock, changed: Callable[[], None]) -> None:
        self.entity = entity
        self.changed = changed
        self._place = place
        self._queue = entity.queue
        self._clock = clock
        self._links: dict[SendingLink, None] = {}
        self._waiting: dict[SendingLink, None] = {}

    @property
    def requires_session(self) -> bool:
        return self._place.sessions is not None

    def real_time(self, at: float) -> float:
        """Lock times go out in real time: the SDK compares them with the machine's clock."""
        return at - self._clock.offset()

    # --- receivers ------------------------------------------------------------------------------

    def add(self, link: SendingLink) -> None:
        self._links[link] = None

    def wait(self, link: SendingLink) -> None:
        """The link wants the next session that is free."""
        self._waiting[link] = None
        self.changed()

    def remove(self, link: SendingLink) -> None:
        self._links.pop(link, None)
        self._waiting.pop(link, None)

    def pump(self) -> None:
        """Give out sessions to those who wait, then messages in turn to those who have credit."""
        self._hand_out_sessions()
        able = deque(link for link in self._links if link.can_deliver())
        while able:
            link = able.popleft()
            if link.deliver_next() and link.can_deliver():
                able.append(link)
        for link in list(self._links):
            if link.drain:
                link.finish_drain()

    def _hand_out_sessions(self) -> None:
        for link in list(self._waiting):
            lock = self.accept(None, link)
            if lock is None:
                return
            del self._waiting[link]
            link.session_accepted(lock)

    # --- receiving ------------------------------------------------------------------------------

    def receive(self, session: SessionLock | None) -> tuple[UUID, bytes] | None:
        delivery = self._queue.receive(self._place, session, self.entity.now())
        if delivery is None:
            return None
        return delivery.token, self.wire(delivery.message, delivery.locked_until)

    def receive_and_delete(self, session: SessionLock | None) -> bytes | None:
        message = self._queue.receive_and_delete(self._place, session, self.entity.now())
        return None if message is None else self.wire(message)

    def receive_deferred(
        self, sequences: list[int], session: SessionLock | None, *, delete: bool
    ) -> list[tuple[UUID, bytes]]:
        now = self.entity.now()
        received = []
        for message in self._queue.deferred(self._place, sequences, session, now):
            delivery = self._place.lock(message, session, now)
            received.append((delivery.token, self.wire(message, delivery.locked_until)))
            if delete:
                self._queue.complete(self._place, delivery.token, now)
        return received

    def peek(self, start: int, count: int, session_id: str | None) -> list[bytes]:
        messages = self._queue.peek(self._place, start, count, session_id)
        return [self.wire(message, state=_WIRE_STATES.get(message.state, Int(0))) for message in messages]

    def wire(
        self, message: StoredMessage, locked_until: float | None = None, state: Int | None = None
    ) -> bytes:
        """The message as it goes to a client."""
        annotations: dict[str, Any] = {
            "x-opt-sequence-number": Long(message.sequence),
            "x-opt-enqueued-time": timestamp(message.enqueued_at),
            "x-opt-enqueue-sequence-number": Long(message.sequence),
        }
        if locked_until is not None:
            annotations["x-opt-locked-until"] = timestamp(self.real_time(locked_until))
        if state is not None or message.state == DEFERRED:
            annotations["x-opt-message-state"] = state if state is not None else _WIRE_STATES[DEFERRED]
        extra = {}
        if message.dead is not None:
            reason, description = message.dead
            extra = {"DeadLetterReason": reason, "DeadLetterErrorDescription": description}
        return compose(message.content, message.delivery_count, annotations, extra)

    # --- settling -------------------------------------------------------------------------------

    def check_held(self, token: UUID) -> None:
        self._place.held(token, self.entity.now())

    def complete(self, token: UUID) -> None:
        self._queue.complete(self._place, token, self.entity.now())

    def abandon(self, token: UUID) -> None:
        self._queue.abandon(self._place, token, self.entity.now())
        self.changed()

    def release(self, token: UUID) -> None:
        self._queue.release(self._place, token, self.entity.now())
        self.changed()

    def defer(self, token: UUID) -> None:
        self._queue.defer(self._place, token, self.entity.now())

    def dead_letter(self, token: UUID, reason: str, description: str) -> None:
        self._queue.dead_letter(self._place, token, reason, description, self.entity.now())
        self.changed()

    def renew(self, token: UUID) -> float:
        return self._place.renew(token, self.entity.now())

    # --- sessions -------------------------------------------------------------------------------

    def accept(self, session_id: str | None, link: SendingLink) -> SessionLock | None:
        return self._place.accept(session_id, link, self.entity.now())

    def renew_session(self, lock: SessionLock) -> float:
        return self._place.renew_session(lock, self.entity.now())

    def leave(self, lock: SessionLock, *, failed: bool) -> None:
        self._place.leave_session(lock, self.entity.now(), failed=failed)
        self.changed()

    def session(self, session_id: str) -> SessionLock | None:
        """The live lock on that session."""
        sessions = self._place.sessions
        lock = None if sessions is None else sessions.held(session_id)
        if sessions is None or lock is None or not sessions.is_live(lock, self.entity.now()):
            return None
        return lock

    def holder_connection(self, lock: SessionLock) -> Connection:
        assert isinstance(lock.holder, SendingLink)
        return lock.holder.channel.connection

    def session_state(self, session_id: str) -> bytes | None:
        return self._queue.session_state(session_id)

    def set_session_state(self, session_id: str, state: bytes | None) -> None:
        self._queue.set_session_state(session_id, state, self.entity.now())

    def list_sessions(self, updated_after: float | None) -> list[str]:
        return self._queue.list_sessions(updated_after)
