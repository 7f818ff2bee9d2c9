"""Messages that wait, by session: whose turn may come is known without a look at all others."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random

Session = tuple[str, str]
"""A queue and one of its sessions."""


@dataclass
class Message:
    queue: str
    session: str
    body: bytes
    at: float
    number: int
    deliveries: int = 0
    id: str = ""
    enqueued: float = 0.0

    @property
    def turn(self) -> tuple[float, int]:
        return (self.at, self.number)


@dataclass
class Waiting:
    """``ripen`` tells the time; ``draw`` takes any session that has something due and is nobody's."""

    taken: set[Session] = field(default_factory=set)
    _messages: dict[Session, list[Message]] = field(default_factory=dict)
    _coming: list[tuple[float, int, Session]] = field(default_factory=list)
    _ready: list[Session] = field(default_factory=list)
    _places: dict[Session, int] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Message]:
        return (message for messages in self._messages.values() for message in messages)

    def add(self, message: Message) -> None:
        session = (message.queue, message.session)
        insort(self._messages.setdefault(session, []), message, key=lambda each: each.turn)
        heappush(self._coming, (*message.turn, session))

    def remove(self, message: Message) -> None:
        """One that is gone already is fine."""
        session = (message.queue, message.session)
        left = [each for each in self._messages.get(session, []) if each is not message]
        if left:
            self._messages[session] = left
        else:
            self._messages.pop(session, None)

    def first(self, session: Session, now: float) -> Message | None:
        """What comes next in a session, if it is due."""
        found = self._messages.get(session)
        return found[0] if found and found[0].at <= now else None

    def ripen(self, now: float) -> None:
        while self._coming and self._coming[0][0] <= now:
            session = heappop(self._coming)[2]
            if session not in self.taken and self.first(session, now) is not None:
                self._make_ready(session)

    def draw(self, source: Random) -> Session | None:
        """It is taken until it is given back."""
        if not self._ready:
            return None
        place = source.randrange(len(self._ready))
        session, last = self._ready[place], self._ready.pop()
        if last != session:
            self._ready[place], self._places[last] = last, place
        del self._places[session]
        self.taken.add(session)
        return session

    def give_back(self, session: Session, now: float) -> None:
        self.taken.discard(session)
        if self.first(session, now) is not None:
            self._make_ready(session)

    def nothing_due(self, now: float) -> bool:
        self.ripen(now)
        return not self._ready

    def _make_ready(self, session: Session) -> None:
        if session not in self._places:
            self._places[session] = len(self._ready)
            self._ready.append(session)
