"""Sessions of one queue: which messages wait in each, which may be accepted next, and who holds which."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from local.service_bus.ready import Deadlines, ReadySequence
from local.service_bus.refusals import session_cannot_be_locked


@dataclass(eq=False, slots=True)
class SessionLock:
    """One holder's exclusive lock on a session, present and future messages alike."""

    session_id: str
    holder: object
    locked_until: float
    tokens: set[UUID] = field(default_factory=set)


class Sessions:
    """The ready messages by session. ``_claimable`` keeps the order in which sessions came to wait."""

    def __init__(self) -> None:
        self._ready: dict[str, ReadySequence] = {}
        self._claimable: OrderedDict[str, None] = OrderedDict()
        self._locks: dict[str, SessionLock] = {}
        self._deadlines: Deadlines[SessionLock] = Deadlines()

    def add(self, session_id: str, sequence: int) -> None:
        self._ready.setdefault(session_id, ReadySequence()).add(sequence)
        self._offer(session_id)

    def remove(self, session_id: str, sequence: int) -> None:
        ready = self._ready[session_id]
        ready.remove(sequence)
        if not ready:
            del self._ready[session_id]
            self._claimable.pop(session_id, None)

    def first(self, session_id: str) -> int | None:
        ready = self._ready.get(session_id)
        return ready.first() if ready else None

    def waiting(self) -> Iterator[str]:
        """Sessions that have ready messages, locked or not."""
        return iter(self._ready)

    def lock(self, session_id: str | None, holder: object, until: float) -> SessionLock | None:
        """Lock the named session, or the one that waits longest; None when none waits."""
        if session_id is None:
            session_id = next(iter(self._claimable), None)
            if session_id is None:
                return None
        elif session_id in self._locks:
            raise session_cannot_be_locked(session_id)
        lock = SessionLock(session_id, holder, until)
        self._locks[session_id] = lock
        self._claimable.pop(session_id, None)
        self._deadlines.add(until, lock)
        return lock

    def renew(self, lock: SessionLock, until: float) -> None:
        lock.locked_until = until
        self._deadlines.add(until, lock)

    def unlock(self, lock: SessionLock) -> None:
        del self._locks[lock.session_id]
        self._offer(lock.session_id)

    def held(self, session_id: str) -> SessionLock | None:
        return self._locks.get(session_id)

    def is_live(self, lock: SessionLock, now: float) -> bool:
        return self._locks.get(lock.session_id) is lock and lock.locked_until > now

    def expired(self, now: float) -> Iterator[SessionLock]:
        """Locks that have run out and are still standing."""
        for lock in self._deadlines.due(now):
            if self._locks.get(lock.session_id) is lock and lock.locked_until <= now:
                yield lock

    def _offer(self, session_id: str) -> None:
        if session_id in self._ready and session_id not in self._locks:
            self._claimable.setdefault(session_id)
