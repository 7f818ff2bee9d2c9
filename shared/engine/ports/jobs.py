"""Messages, and what belongs to them: answers, feeds, subscriptions, what died and what is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.engine.ports.mailbox_state import Cursor
from shared.model.alert import Alert
from shared.model.dead_letter import DeadLetter
from shared.model.values import Value


class Jobs(Protocol):
    """Messages are hints: losing, repeating or merging any of them loses nothing."""

    async def hint(self, mailboxes: Iterable[str], cause: str, now: datetime) -> None:
        """Look at these mailboxes; bursts of a cause within a second become one message."""
        ...

    async def again(self, mailbox: str, cause: str, *, at: datetime | None = None, attempt: int = 0) -> None:
        """A continuation, retry or sync-now: never merged; ``at`` schedules it."""
        ...

    async def first_sync(
        self,
        mailbox: str,
        *,
        after: int,
        at: datetime | None = None,
        attempt: int = 0,
        merge: bool = True,
    ) -> None:
        """Go on with the mailbox's first sync, in the lane for that. ``after``: the generation of its fence,
        so that a message that comes late is known as such; within minutes, those of one generation and
        attempt are one (unless not ``merge``)."""
        ...

    async def ask(
        self, mailbox: str, what: str, request: str, options: Mapping[str, Value], *, bulk: bool = False
    ) -> None:
        """A question to be answered in the mailbox's session (preview, explain); see ``AnswerStore``.
        ``bulk``: its session in the lane of first syncs."""
        ...

    async def read_feed(
        self, organization: str, cause: str, now: datetime, *, merge: bool = True
    ) -> None: ...
    async def resend(self, queue: str, session: str, body: str) -> None:
        """A message that was sent before, as it was, under an id of its own."""
        ...


class AnswerStore(Protocol):
    """Results of questions asked through ``Jobs.ask``; JSON, kept for an hour."""

    async def put(self, mailbox: str, request: str, answer: Mapping[str, Value]) -> None: ...
    async def get(self, mailbox: str, request: str) -> Mapping[str, Value] | None: ...


class FeedStore(Protocol):
    """Cursors of the router by Dynamics table, one partition per organization: all are read at once, and
    written at once or not at all."""

    async def cursors(self, organization: str) -> Mapping[str, Cursor]: ...
    async def put_cursors(self, organization: str, cursors: Sequence[Cursor]) -> None: ...


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """A subscription as ingest looks it up. Only a hash of the client state is kept."""

    id: str
    mailbox: str
    resource: str
    client_state_hash: str
    expires_at: datetime


class SubscriptionStore(Protocol):
    async def get(self, subscription_id: str) -> SubscriptionRow | None: ...
    async def put(self, row: SubscriptionRow) -> None: ...
    async def remove(self, subscription_id: str) -> None: ...
    async def of_mailbox(self, mailbox: str) -> Sequence[SubscriptionRow]: ...
    def all(self) -> AsyncIterator[SubscriptionRow]: ...


class DeadLetterStore(Protocol):
    """Table ``deadletters``: jobs that Service Bus gave up, newest first."""

    async def add(self, letter: DeadLetter) -> bool:
        """False when it is there already."""
        ...

    async def get(self, letter_id: str) -> DeadLetter | None: ...
    async def page(
        self, *, session: str | None = None, queue: str | None = None, limit: int, after: str = ""
    ) -> tuple[Sequence[DeadLetter], bool]:
        """Those that follow the id ``after``, and whether there are more."""
        ...

    async def counts(self) -> Mapping[str, int]:
        """How many there are by queue."""
        ...

    async def remove(self, letter_id: str) -> None: ...
    async def drop_old(self, before: datetime) -> int:
        """Drop those recorded before this moment; returns how many."""
        ...


class AlertStore(Protocol):
    """Table ``alerts``; one writer."""

    async def all(self) -> Sequence[Alert]: ...
    async def put(self, alerts: Sequence[Alert]) -> None: ...
    async def remove(self, alerts: Sequence[Alert]) -> None: ...
