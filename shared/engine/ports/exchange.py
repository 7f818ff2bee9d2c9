"""What the engine needs of Exchange Online, as Protocols."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from shared.model.attachment import Attachment, NewFile
from shared.model.decision import (
    CancelEvent,
    CreateEvent,
    DeleteEvent,
    MarkEvent,
    RemoveOccurrence,
    UpdateEvent,
    UpdateOccurrence,
)
from shared.model.event import ExchangeEvent, Stamps
from shared.model.personal import (
    CreateItem,
    DeleteItem,
    ExchangeItem,
    MarkItem,
    Place,
    PlacedId,
    UpdateItem,
)


@dataclass(frozen=True, slots=True)
class CalendarRef:
    id: str
    name: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class Window:
    """A calendar window; the feed's token is bound to it."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page of ``calendarView/delta``. ``events``: rows as the feed shows them (occurrences bare, no
    stamps). ``removed``: ids with ``@removed``: no proof of deletion. ``link``: the next page's URL or,
    when ``complete``, the delta link. Rows that could not be read are in ``broken`` with the reason."""

    events: tuple[ExchangeEvent, ...]
    removed: tuple[str, ...]
    link: str
    complete: bool
    broken: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChangedItem:
    """An item of Exchange that changed, and where it is ("" where nobody asked)."""

    id: str
    etag: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class MailboxInfo:
    """A mailbox as Graph knows it. ``time_zone`` as Graph names it (usually a Windows name)."""

    id: str
    address: str
    display_name: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class ItemPage:
    """One page of the delta of a contact folder or task list. ``items``: as the feed shows them (``whole``
    False). ``removed``: ids with ``@removed``: no proof of deletion. ``link``: the next page's URL or, when
    ``complete``, the delta link. ``expired``: the token is dead, begin anew. ``gone``: the place is no more.
    Rows that could not be read are in ``broken`` with the reason."""

    items: tuple[ExchangeItem, ...] = ()
    removed: tuple[str, ...] = ()
    link: str = ""
    complete: bool = True
    expired: bool = False
    gone: bool = False
    broken: Mapping[str, str] = field(default_factory=dict)


class PersonalItems(Protocol):
    """The contacts, or the tasks, of one mailbox."""

    async def places(self) -> Sequence[Place]:
        """All contact folders (with subfolders), or all task lists. One of them is the default."""
        ...

    async def changes(self, links: Mapping[str, str | None]) -> Mapping[str, ItemPage]:
        """By place: the page behind its link (delta or next link), or the first page of a new round (None).
        Several places are asked in one ``$batch`` (of 20 at most each)."""
        ...

    async def tracked(self, place: str, link: str) -> ItemPage:
        """One page of the whole items of a place that carry a mark of ours, in whatever state, as they are
        now: no delta. ``link``: the page's, "" begins; at the end the answer is ``complete``."""
        ...

    async def items(self, ids: Sequence[PlacedId]) -> Mapping[str, ExchangeItem | None]:
        """Whole items by id; None = 404. One id: a single GET; more: ``$batch`` of 20."""
        ...

    async def find_by_crm_id(self, dynamics_id: str) -> Sequence[ExchangeItem]:
        """Whole items whose stamp names this row; of tasks the lists are read through, so it is for repairs
        only."""
        ...

    async def find_by_crm_ids(self, dynamics_ids: Collection[str]) -> Mapping[str, Sequence[ExchangeItem]]:
        """The same for several rows; the lists of tasks are read through once for all of them."""
        ...

    async def search(self, emails: Sequence[str], name: str) -> Sequence[ExchangeItem]:
        """Contacts of any folder with one of these addresses or with this display name (CONT-9); tasks: with
        this title, in any list. Items are not ``whole``."""
        ...

    async def create(self, write: CreateItem) -> ExchangeItem:
        """There is no idempotency key: raises UnknownResult when the answer is lost."""
        ...

    async def update(self, write: UpdateItem) -> ExchangeItem: ...
    async def mark(self, write: MarkItem) -> ExchangeItem: ...
    async def delete(self, write: DeleteItem) -> None:
        """Raises NotFound when it is gone already."""
        ...


class ExchangeMailbox(Protocol):
    """One mailbox; at most 4 requests in flight, counted in this object."""

    @property
    def contacts(self) -> PersonalItems: ...
    @property
    def tasks(self) -> PersonalItems: ...
    async def info(self) -> MailboxInfo: ...
    async def calendars(self) -> Sequence[CalendarRef]:
        """The default calendar and those the mailbox owns and can edit."""
        ...

    async def calendar_changes(self, calendar: CalendarRef, window: Window, link: str | None) -> EventPage:
        """The page behind ``link`` (delta or next link), or the first page of a new round.
        Raises CursorExpired."""
        ...

    async def tracked_events(self, calendar: CalendarRef, link: str) -> EventPage:
        """One page of the events of a calendar that carry a mark of ours, in whatever state and at whatever
        time, with stamps and as they are now: no delta. Of series the master only. ``link``: the page's, ""
        begins; at the end the answer is ``complete``."""
        ...

    async def newest_events(self, since: datetime) -> Sequence[ChangedItem]:
        """Single events and masters of the own calendars changed since then, newest first, some hundred of
        each calendar at most. Nothing is said of those deleted."""
        ...

    async def newest_contacts(self, since: datetime) -> Sequence[ChangedItem]:
        """The same of contacts in all folders."""
        ...

    async def events(self, ids: Sequence[str]) -> Mapping[str, ExchangeEvent | None]:
        """Events by id, with stamps; None = 404. One id: a single GET; more: ``$batch`` of 20."""
        ...

    async def series(self, ids: Sequence[str]) -> Mapping[str, ExchangeEvent | None]:
        """Series by their master's id, whole: with stamps, exceptions and cancelled dates (APPT-36: whatever
        window they lie in). None = 404; an id that is no series' comes as what it is. One request each."""
        ...

    async def stamps(self, ids: Sequence[str]) -> Mapping[str, Stamps | None]:
        """Only the stamps of these events (``$select=id``); None = 404."""
        ...

    async def stamped_events(self) -> Mapping[str, Stamps]:
        """Every event that was ever stamped (crmLinkState >= 0), for full rounds."""
        ...

    async def find_by_ical_uid(self, ical_uid: str) -> Sequence[ExchangeEvent]: ...
    async def find_by_crm_id(self, dynamics_id: str) -> Sequence[ExchangeEvent]:
        """Events whose crmid stamp names this row (with or without braces, any case)."""
        ...

    async def create_event(self, write: CreateEvent) -> ExchangeEvent:
        """Raises Conflict when the transaction id was used before, UnknownResult when the answer is lost."""
        ...

    async def update_event(self, write: UpdateEvent) -> ExchangeEvent: ...
    async def update_occurrence(self, write: UpdateOccurrence) -> ExchangeEvent:
        """The exception as Graph answers it. Raises NotFound when the series has no such occurrence."""
        ...

    async def remove_occurrence(self, write: RemoveOccurrence) -> None:
        """Raises NotFound when it is gone already."""
        ...

    async def mark_event(self, write: MarkEvent) -> ExchangeEvent: ...
    async def cancel_event(self, write: CancelEvent) -> None: ...
    async def delete_event(self, write: DeleteEvent) -> None: ...
    async def attachments(self, event_id: str) -> Sequence[Attachment]:
        """What hangs on the event, without contents. Raises NotFound."""
        ...

    async def attachment_content(self, event_id: str, attachment_id: str) -> bytes: ...
    async def add_attachment(self, event_id: str, file: NewFile) -> None:
        """Mails nobody. There is no idempotency key: UnknownResult is resolved by listing."""
        ...

    async def remove_attachment(self, event_id: str, attachment_id: str) -> None:
        """Raises NotFound when it is gone already."""
        ...


@dataclass(frozen=True, slots=True)
class Subscription:
    """A Graph change-notification subscription of ours."""

    id: str
    mailbox: str
    resource: str
    expires_at: datetime


class Exchange(Protocol):
    """Exchange Online as a whole."""

    def mailbox(self, mailbox_id: str, time_zone: str = "UTC", *, rich: bool = False) -> ExchangeMailbox:
        """``time_zone``: the mailbox's own, in which its events are written. ``rich``: bodies are read as
        HTML (APPT-8)."""
        ...

    async def find_mailbox(self, address: str) -> MailboxInfo:
        """By any of its addresses. Raises NotFound, or MailboxBroken when the user has no mailbox."""
        ...

    async def subscribe(
        self, mailbox_id: str, *, resource: str, client_state: str, expires_at: datetime
    ) -> Subscription: ...
    async def renew_subscription(self, subscription_id: str, expires_at: datetime) -> Subscription:
        """Extends and reauthorizes. Raises NotFound."""
        ...

    async def delete_subscription(self, subscription_id: str) -> None: ...
    async def subscriptions(self) -> Sequence[Subscription]:
        """All of ours that Graph still has."""
        ...
