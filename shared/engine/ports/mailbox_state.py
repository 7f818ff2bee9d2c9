"""The partition of one mailbox in table ``state``: its agenda, links and fence."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.engine.ports.exchange import Window
from shared.model.link import Link


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a feed was read to. ``link`` is opaque. For calendars with the window that it is bound to."""

    feed: str
    link: str
    complete: bool
    window: Window | None = None
    updated_at: datetime | None = None
    round: str = ""
    """Non-empty while a full round is under way: the round's name, so that its end can be told."""


REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class InboxRow:
    """Something to be looked at: ``kind`` ``appointment`` (Dynamics id), ``event`` (Exchange id),
    ``reconcile`` (id = the reason) or ``news`` (id = which of Exchange's feeds). ``version`` is a hint
    (``REMOVED`` for removals). ``later``: what a first sync put off; it comes after everything else, and is
    another row than the same item's without it."""

    kind: str
    id: str
    version: str = ""
    etag: str | None = None
    later: bool = False


@dataclass(frozen=True, slots=True)
class HeldRow:
    """An item that waits for an administrator's decision."""

    kind: str
    id: str
    decision: str
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Fence:
    """Who works on the mailbox, and in which lane it is. ``etag`` makes every claim and commit
    conditional."""

    mailbox: str
    generation: int
    deadline: datetime
    lane: str
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Agenda:
    """What one query finds at a pass's start."""

    fence: Fence | None
    cursors: Mapping[str, Cursor]
    inbox: tuple[InboxRow, ...]
    held: tuple[HeldRow, ...]
    more_inbox: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """What one commit writes. Inbox rows are removed by their etag: one rewritten meanwhile stays."""

    links: Sequence[Link] = ()
    dropped_links: Sequence[Link] = ()
    cursors: Sequence[Cursor] = ()
    dropped_cursors: Sequence[str] = ()
    inbox_added: Sequence[InboxRow] = ()
    inbox_removed: Sequence[InboxRow] = ()
    held_added: Sequence[HeldRow] = ()
    held_removed: Sequence[HeldRow] = ()


class MailboxStore(Protocol):
    """The partition of one mailbox in table ``state``."""

    async def agenda(self, mailbox: str, *, inbox_limit: int) -> Agenda: ...
    async def claim(
        self,
        mailbox: str,
        fence: Fence | None,
        *,
        deadline: datetime,
        lane: str,
        links: Sequence[Link] = (),
    ) -> Fence:
        """Next generation of the fence, and the links that note what is about to be written, in one
        transaction; raises FenceLost when somebody else was quicker."""
        ...

    async def still_mine(self, fence: Fence) -> bool: ...
    async def links_by_exchange(self, mailbox: str, ids: Iterable[str]) -> Mapping[str, Link]: ...
    async def links_by_dynamics(
        self, mailbox: str, keys: Iterable[tuple[str, str]]
    ) -> Mapping[tuple[str, str], Link]: ...
    def links(self, mailbox: str, kind: str | None = None) -> AsyncIterator[Link]: ...
    async def announce(self, fence: Fence, link: Link) -> None:
        """Write one link in state ``creating`` without touching the fence row, so that items of one pass can
        be announced side by side."""
        ...

    async def commit(self, fence: Fence, changes: Changes) -> Fence:
        """All or nothing per item, fence first: raises FenceLost when the fence moved. More than 100
        operations go in several transactions, cursors in the last."""
        ...

    async def add_inbox(self, mailbox: str, rows: Sequence[InboxRow]) -> None:
        """Insert or overwrite (a new etag), without the fence: this is how others put work in."""
        ...

    async def delete_mailbox(self, mailbox: str) -> None: ...
