"""What the engine needs of the outside, as Protocols. Adapters implement them; tests may too.

Every method may raise the errors of ``shared.errors``. Ids are Graph's immutable ids and lower-case GUIDs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from shared.model.alert import Alert
from shared.model.appointment import APPOINTMENT, Absence, DynamicsAppointment
from shared.model.attachment import Attachment, NewFile
from shared.model.dead_letter import DeadLetter
from shared.model.decision import (
    CancelEvent,
    CreateAppointment,
    CreateEvent,
    DeleteAppointment,
    DeleteEvent,
    ItemRef,
    MarkEvent,
    PutException,
    RemoveInstance,
    RemoveOccurrence,
    UpdateAppointment,
    UpdateEvent,
    UpdateOccurrence,
)
from shared.model.event import ExchangeEvent, Stamps
from shared.model.link import Link, Role
from shared.model.mailbox import Mailbox
from shared.model.organization import Organization
from shared.model.party import RecordRef
from shared.model.personal import (
    CreateItem,
    CreateRecord,
    DeleteItem,
    DeleteRecord,
    DynamicsRecord,
    ExchangeItem,
    FieldRights,
    MarkItem,
    Match,
    Place,
    PlacedId,
    UpdateItem,
    UpdateRecord,
)
from shared.model.profile import Profile
from shared.model.scheduling import Availability, Claim
from shared.model.sync_filter import Filters, SyncFilter
from shared.model.values import Value, Values

# --- Exchange -------------------------------------------------------------------------------------


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

    async def items(self, ids: Sequence[PlacedId]) -> Mapping[str, ExchangeItem | None]:
        """Whole items by id; None = 404. One id: a single GET; more: ``$batch`` of 20."""
        ...

    async def find_by_crm_id(self, dynamics_id: str) -> Sequence[ExchangeItem]:
        """Whole items whose stamp names this row; of tasks the lists are read through, so it is for repairs
        only."""
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


# --- Dynamics -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DynamicsUser:
    id: str
    address: str
    name: str
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class DynamicsMailboxRow:
    """What the user's ``mailbox`` row says about Microsoft's own sync (MBX-6, MBX-7, 1.8)."""

    address: str
    act_delivery_method: int
    enabled_for_act: bool
    address_approved: bool
    active: bool


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """``series``: the master's id and ``instance_type``, of an instance of a series."""

    id: str
    version: str
    owner: RecordRef | None = None
    series: str | None = None
    instance_type: int = 0
    company: str | None = None
    """Of a contact, its parent's name now, where it was asked for: a renamed account is no change of its
    contacts."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """What somebody is to be found by (CONT-9)."""

    emails: tuple[str, ...]
    name: str = ""
    company: str = ""


@dataclass(frozen=True, slots=True)
class ChangePage:
    """One page of a table's change tracking. ``link``: next link or, when ``complete``, delta link."""

    rows: tuple[ChangedRow, ...]
    removed: tuple[str, ...]
    link: str
    complete: bool


class DynamicsSystem(Protocol):
    """A Dynamics organization. ``as_user`` is a systemuserid to impersonate; None = the application user."""

    async def organization(self) -> Organization: ...
    async def changes(self, table: str, link: str | None) -> ChangePage:
        """A page of the org-wide feed; ``None`` begins one. Raises CursorExpired. A page without a link: the
        organization does not offer this feed now."""
        ...

    async def organizers(self, appointment_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Per appointment the systemuserids of its organizer parties."""
        ...

    async def find_user(self, id_or_address: str) -> DynamicsUser | None: ...
    async def mailbox_row(self, user_id: str) -> DynamicsMailboxRow | None: ...
    async def appointments(
        self, ids: Sequence[str], *, as_user: str
    ) -> Mapping[str, DynamicsAppointment | Absence]:
        """Rows with parties as that user sees them; an id not readable is looked up as the application
        (404 = PHYSICAL, found = ACCESS)."""
        ...

    async def appointments_organized_by(
        self, user_id: str, window: Window, *, as_user: str
    ) -> Sequence[ChangedRow]:
        """Ids and versions of the single appointments that overlap the window with this user as organizer."""
        ...

    async def series(
        self, ids: Sequence[str], *, as_user: str
    ) -> Mapping[str, DynamicsAppointment | Absence]:
        """Series by their master's id, whole: with parties, exceptions and deleted instances."""
        ...

    async def series_organized_by(
        self, user_id: str, window: Window, *, as_user: str
    ) -> Sequence[ChangedRow]:
        """Masters with this user as organizer that reach into the window, and their exceptions (with
        ``series``)."""
        ...

    async def series_like(self, user_id: str, subject: str, start: str) -> Sequence[str]:
        """Masters of this organizer with that subject whose first instance begins at ``start``: what an
        appointment becomes that Dynamics turned into a series (AddRecurrence deletes the appointment)."""
        ...

    async def service_appointments(
        self, ids: Sequence[str], *, as_user: str
    ) -> Mapping[str, DynamicsAppointment | Absence]:
        """As ``appointments``; those of which nothing can be known now are left out: an organization without
        service scheduling has no such table."""
        ...

    async def service_appointments_of(
        self, user_id: str, window: Window, *, as_user: str
    ) -> Sequence[ChangedRow]:
        """Ids and versions of those that overlap the window and in which this user takes part (APPT-37)."""
        ...

    async def service_parties(self, ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Per service appointment the systemuserids of those who take part."""
        ...

    async def find_by_global_object_id(
        self, global_object_id: str, table: str = APPOINTMENT
    ) -> Sequence[str]: ...
    async def resolve(
        self, addresses: Iterable[str], *, as_user: str, inactive_too: bool
    ) -> Mapping[str, RecordRef]:
        """Addresses to one row each, in the order of EMI-11 (user, contact, account …), among what the user
        may read; unknown ones are left out (APPT-7)."""
        ...

    async def users_by_address(self, addresses: Iterable[str]) -> Mapping[str, str]:
        """Enabled users (systemuserid) by their internal e-mail address, read as the application."""
        ...

    async def create_appointment(
        self, write: CreateAppointment, *, as_user: str | None
    ) -> DynamicsAppointment:
        """Raises Conflict when the id is taken (read and join), UnknownResult when the answer is lost. To a
        write with a ``claim`` the answer holds the ``availability``; so it does for an update."""
        ...

    async def update_appointment(
        self, write: UpdateAppointment, *, as_user: str | None, known: DynamicsAppointment | None = None
    ) -> DynamicsAppointment:
        """``known``: the row as it was read; its parties stay in the answer unless the write replaces them,
        which spares a second request."""
        ...

    async def delete_appointment(self, write: DeleteAppointment, *, as_user: str | None) -> None: ...
    async def put_exception(self, write: PutException, *, as_user: str | None) -> DynamicsAppointment:
        """The exception's row. Raises Conflict when the slot is an exception already or changed meanwhile,
        NotFound when the series has no such slot."""
        ...

    async def remove_instance(self, write: RemoveInstance, *, as_user: str | None) -> None:
        """Raises NotFound when it is gone already."""
        ...

    async def attachments(self, row_id: str, *, as_user: str) -> Sequence[Attachment]:
        """The files of an appointment, without contents."""
        ...

    async def attachment_content(self, attachment_id: str, *, as_user: str) -> bytes: ...
    async def add_attachment(self, row_id: str, file: NewFile, key: str, *, as_user: str) -> None:
        """Under the chosen id. Raises Conflict when it is taken."""
        ...

    async def remove_attachment(self, attachment_id: str, *, as_user: str) -> None:
        """Raises NotFound when it is gone already."""
        ...

    async def availability(self, claims: Sequence[Claim], *, as_user: str | None) -> Sequence[Availability]:
        """Who is busy, claim by claim; nothing is saved (APPT-29)."""
        ...

    # contacts, tasks, phone calls, letters, faxes
    async def records(
        self, table: str, ids: Sequence[str], *, as_user: str
    ) -> Mapping[str, DynamicsRecord | Absence]:
        """Rows as that user sees them; an id not readable is looked up as the application (404 = PHYSICAL,
        found = ACCESS)."""
        ...

    async def create_record(self, write: CreateRecord, *, as_user: str) -> DynamicsRecord:
        """Raises Conflict when the id is taken, UnknownResult when the answer is lost."""
        ...

    async def update_record(self, write: UpdateRecord, *, as_user: str) -> DynamicsRecord: ...
    async def delete_record(self, write: DeleteRecord, *, as_user: str) -> None: ...
    async def contacts_like(self, wanted: Sequence[Likeness], *, as_user: str) -> Sequence[Sequence[Match]]:
        """Per likeness the active contacts readable by that user that have one of its addresses in any of
        their three, or its full name (CONT-9). One ``$batch``, whatever their number."""
        ...

    async def tasks_called(self, subjects: Sequence[str], *, as_user: str) -> Sequence[DynamicsRecord]:
        """That user's own tasks, phone calls, letters and faxes with one of these subjects, open or closed
        (PAIN-6). One ``$batch``, whatever their number."""
        ...

    async def field_rights(self, table: str, *, as_user: str) -> FieldRights:
        """Which columns field-level security closes to that user (FLD-35); nothing is asked where the table
        has no secured column."""
        ...

    # sync filters
    async def sync_filters(self, user_id: str) -> Filters:
        """The user's active Outlook filters and the system's, of all tables (FLT-2, FLT-3)."""
        ...

    async def matching(
        self, filters: Sequence[SyncFilter], ids: Sequence[str] | None, *, as_user: str
    ) -> Sequence[ChangedRow]:
        """The rows (of one table) that match any of the filters, run by Dataverse as that user: of these ids,
        or all (None). Ids and versions only; of contacts also ``company``."""
        ...


# --- State ----------------------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
class InboxRow:
    """Something to be looked at: ``kind`` ``appointment`` (Dynamics id), ``event`` (Exchange id) or
    ``reconcile`` (id = the reason). ``version`` is a hint ("removed" for removals)."""

    kind: str
    id: str
    version: str = ""
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class HeldRow:
    """An item that waits for an administrator's decision."""

    kind: str
    id: str
    decision: str
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Fence:
    """Who works on the mailbox. ``etag`` makes every claim and commit conditional."""

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


# --- Jobs -----------------------------------------------------------------------------------------


class Jobs(Protocol):
    """Messages are hints: losing, repeating or merging any of them loses nothing."""

    async def hint(self, mailboxes: Iterable[str], cause: str, now: datetime) -> None:
        """Look at these mailboxes; bursts of a cause within a second become one message."""
        ...

    async def again(
        self, mailbox: str, cause: str, *, at: datetime | None = None, attempt: int = 0, bulk: bool = False
    ) -> None:
        """A continuation, retry or sync-now: never merged; ``at`` schedules it."""
        ...

    async def ask(self, mailbox: str, what: str, request: str, options: Mapping[str, Value]) -> None:
        """A question to be answered in the mailbox's session (preview, explain); see ``AnswerStore``."""
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
