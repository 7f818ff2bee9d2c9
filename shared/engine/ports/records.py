"""What is kept beside the mailboxes' own state: the index of items, history, questions, the registry."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from shared.model.decision import (
    ItemRef,
)
from shared.model.link import Role
from shared.model.mailbox import Mailbox
from shared.model.profile import Profile
from shared.model.values import Value, Values


@dataclass(frozen=True, slots=True)
class ItemLink:
    mailbox: str
    exchange_id: str | None
    role: Role


@dataclass(frozen=True, slots=True)
class ItemEntry:
    """What table ``items`` knows of one Dynamics row."""

    owner: str | None
    mailboxes: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    """Mailboxes whose link with the row ended: remembered here too, so that a lost link table brings nothing
    back that a person ended."""


class ItemIndex(Protocol):
    """Table ``items``: which mailboxes hold a Dynamics row, and which of them owns its content."""

    async def entry(self, table: str, dynamics_id: str) -> ItemEntry: ...
    async def entries(self, table: str, ids: Sequence[str]) -> Mapping[str, ItemEntry]: ...
    async def join(self, table: str, dynamics_id: str, mailbox: str) -> None: ...
    async def leave(self, table: str, dynamics_id: str, mailbox: str) -> None:
        """Also gives up ownership; as if the mailbox had never held the row."""
        ...

    async def end(self, table: str, dynamics_id: str, mailbox: str) -> None:
        """Leave for good: the mailbox is among ``ended`` until it joins again."""
        ...

    async def own(self, table: str, dynamics_id: str, mailbox: str, *, instead_of: str | None) -> str:
        """Take ownership by conditional insert (``instead_of`` None) or conditional replacement; returns the
        owner that stands afterwards, which may be another mailbox."""
        ...

    async def by_ical_uid(self, ical_uid: str) -> str | None:
        """The Dynamics id under which this meeting is known."""
        ...

    async def put_ical_uid(self, ical_uid: str, dynamics_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One line of an item's history; ``lost`` are the values that lost a conflict."""

    at: datetime
    item: ItemRef
    action: str
    side: str
    rules: tuple[str, ...]
    reason: str
    outcome: str
    before: Values = field(default_factory=dict)
    after: Values = field(default_factory=dict)
    lost: Values = field(default_factory=dict)


class HistoryStore(Protocol):
    async def add(self, mailbox: str, rows: Sequence[HistoryRow]) -> None: ...
    async def of_item(
        self, mailbox: str, item_id: str | None, *, limit: int, after: str | None
    ) -> tuple[Sequence[HistoryRow], str | None]:
        """Newest first; ``item_id`` either side's id, None = the whole mailbox. Returns rows and a
        continuation."""
        ...

    async def drop_old(self, before: datetime) -> Sequence[str]:
        """Drop the months that ended before this moment; returns their names."""
        ...


class Question(StrEnum):
    BRAKE = "brake"
    AMBIGUOUS = "ambiguous"
    SCHEDULING = "scheduling"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Candidate:
    id: str
    label: str


@dataclass(frozen=True, slots=True)
class PendingDecision:
    """What waits for an administrator. ``answer`` is empty until given. ``about``: what it will hold for (of
    a scheduling question, the time)."""

    id: str
    mailbox: str
    kind: Question
    question: str
    asked_at: datetime
    item: ItemRef | None = None
    candidates: tuple[Candidate, ...] = ()
    about: str = ""
    answer: str = ""
    etag: str | None = None


class DecisionStore(Protocol):
    async def put(self, decision: PendingDecision) -> None: ...
    async def of_mailbox(self, mailbox: str | None) -> Sequence[PendingDecision]: ...
    async def get(self, decision_id: str) -> PendingDecision | None: ...
    async def remove(self, decision: PendingDecision) -> None: ...


class MailboxRegistry(Protocol):
    """Table ``mailboxes``."""

    async def get(self, mailbox_id: str) -> Mailbox | None: ...
    async def by_user(self, user_id: str) -> Mailbox | None: ...
    async def by_users(self, user_ids: Iterable[str]) -> Mapping[str, Mailbox]: ...
    async def add(self, mailbox: Mailbox) -> Mailbox:
        """Raises Conflict when the mailbox or its Dynamics user is mapped already (MBX-3)."""
        ...

    async def update(self, mailbox: Mailbox) -> Mailbox:
        """Conditional on ``etag``; raises Conflict."""
        ...

    async def patch(self, mailbox_id: str, **changes: Value | datetime) -> None:
        """Unconditional change of some columns (due_at, last_pass_at …); the mailbox must exist."""
        ...

    async def remove(self, mailbox: Mailbox) -> None: ...
    def all(self) -> AsyncIterator[Mailbox]: ...
    def due(self, now: datetime) -> AsyncIterator[Mailbox]:
        """Active mailboxes whose due time has come."""
        ...


class ProfileStore(Protocol):
    async def get(self, profile_id: str) -> Profile | None: ...
    async def put(self, profile: Profile) -> None: ...
    async def all(self) -> Sequence[Profile]: ...
