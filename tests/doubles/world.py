"""Exchange and Dynamics in memory, behind the engine's ports: enough of both to run passes by the hundred.

The stand-ins under ``local/`` are the strict ones; this double only has what decides about convergence,
doubles and mails: versions that move, conditional writes, delivered copies, mails counted, deltas that
repeat, and answers that get lost. ``people`` edit through the plain methods, the service through the ports.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.engine.ports import (
    CalendarRef,
    ChangedItem,
    ChangedRow,
    ChangePage,
    DynamicsMailboxRow,
    DynamicsUser,
    EventPage,
    MailboxInfo,
    Subscription,
    Window,
)
from shared.errors import Conflict, CursorExpired, NotFound, Refused, UnknownResult
from shared.model.appointment import APPOINTMENT, SERIES, SERVICE, Absence, DynamicsAppointment, InstanceType
from shared.model.attachment import FileLimits
from shared.model.decision import (
    CancelEvent,
    CreateAppointment,
    CreateEvent,
    DeleteAppointment,
    DeleteEvent,
    MarkEvent,
    PutException,
    RemoveInstance,
    RemoveOccurrence,
    UpdateAppointment,
    UpdateEvent,
    UpdateOccurrence,
)
from shared.model.event import EventType, ExchangeEvent, Stamps
from shared.model.organization import Organization
from shared.model.party import Party, RecordRef
from shared.model.personal import PERSONAL_TABLES
from shared.model.scheduling import Availability, Busy, Claim
from shared.rules import attendees
from shared.rules.invitations import mailed_by_update
from shared.rules.tracking import has_category, normal_guid
from tests.doubles import series_world
from tests.doubles.files_world import DynamicsFiles, ExchangeFiles
from tests.doubles.no_people import NoItems, NoRecords
from tests.doubles.service_world import ServiceAppointments

EPOCH = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ORGANIZATION = "11111111-1111-1111-1111-111111111111"


@dataclass
class Clock:
    """Time that only moves when told to, or by a second with every edit."""

    moment: datetime = EPOCH

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, seconds: float = 1) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass
class MemoryExchange:
    """All mailboxes. ``mails``: one (kind, address) per recipient and message."""

    clock: Clock
    boxes: dict[str, MemoryMailbox] = field(default_factory=dict)
    mails: list[tuple[str, str]] = field(default_factory=list)
    lose_answers_of: set[str] = field(default_factory=set)
    watching: dict[str, Subscription] = field(default_factory=dict)
    serial: int = 0

    def add(self, mailbox_id: str, address: str) -> MemoryMailbox:
        self.boxes[mailbox_id] = MemoryMailbox(self, mailbox_id, address)
        return self.boxes[mailbox_id]

    def mailbox(self, mailbox_id: str, time_zone: str = "UTC", *, rich: bool = False) -> MemoryMailbox:
        del time_zone, rich
        return self.boxes[mailbox_id]

    def number(self) -> int:
        self.serial += 1
        return self.serial

    def by_address(self, address: str) -> MemoryMailbox | None:
        return next((box for box in self.boxes.values() if box.address == address), None)

    async def find_mailbox(self, address: str) -> MailboxInfo:
        box = self.by_address(address.lower())
        if box is None:
            raise NotFound("no such user")
        return await box.info()

    async def subscribe(
        self, mailbox_id: str, *, resource: str, client_state: str, expires_at: datetime
    ) -> Subscription:
        made = Subscription(f"sub-{self.number()}", mailbox_id, resource, expires_at)
        self.watching[made.id] = made
        return made

    async def renew_subscription(self, subscription_id: str, expires_at: datetime) -> Subscription:
        if subscription_id not in self.watching:
            raise NotFound(subscription_id)
        self.watching[subscription_id] = replace(self.watching[subscription_id], expires_at=expires_at)
        return self.watching[subscription_id]

    async def delete_subscription(self, subscription_id: str) -> None:
        self.watching.pop(subscription_id, None)

    async def subscriptions(self) -> Sequence[Subscription]:
        return list(self.watching.values())


class MemoryMailbox(ExchangeFiles):
    """One mailbox with one calendar."""

    def __init__(self, world: MemoryExchange, mailbox_id: str, address: str) -> None:
        super().__init__()
        self._number, self._forward = world.number, world.clock.forward
        self._world = world
        self.id = mailbox_id
        self.address = address
        self.items: dict[str, ExchangeEvent] = {}
        self._log: list[str] = []
        self._transactions: set[str] = set()
        self._epoch = 0
        self.page_size = 0
        """Of a full round; 0: all at once."""
        self.shows_bare_occurrences_only = False
        """Graph's feed may leave the master of a series out; occurrences then say its id and little more."""

    # --- people -----------------------------------------------------------------------------------

    def add(self, **values: Any) -> ExchangeEvent:
        """A person creates an event; its attendees are invited."""
        marks = {name: values.pop(name) for name in ("categories", "stamps") if name in values}
        return self._create({**_blank(self.address), **values}, marks)

    def edit_occurrence(self, event_id: str, date: str, **changes: Any) -> None:
        """A person changes one occurrence: it becomes an exception."""
        self._world.clock.forward()
        self._change_occurrence(self.items[event_id], date, changes)

    def remove_occurrence_of(self, event_id: str, date: str) -> None:
        """A person deletes one occurrence; as organizer that cancels it."""
        self._world.clock.forward()
        self._cancel_occurrence(self.items[event_id], date)

    def edit(self, event_id: str, **changes: Any) -> ExchangeEvent:
        """A person edits: names of fields change values, ``categories`` and ``stamps`` the marks."""
        self._world.clock.forward()
        event = self.items[event_id]
        marks = {name: changes.pop(name) for name in ("categories", "stamps") if name in changes}
        return self._change(replace(event, **marks), changes)

    def remove(self, event_id: str) -> None:
        """A person deletes; as organizer of a meeting that cancels it."""
        self._world.clock.forward()
        self._remove(event_id)

    def forget_deltas(self) -> None:
        """Every delta token given out so far is dead."""
        self._epoch += 1

    # --- the store --------------------------------------------------------------------------------

    def _create(self, values: dict[str, Any], marks: dict[str, Any]) -> ExchangeEvent:
        number = self._world.number()
        event = ExchangeEvent(
            id=f"{self.id}/event-{number}",
            etag="",
            type=EventType.SERIES_MASTER if values.get("recurrence") else EventType.SINGLE,
            ical_uid=f"ical-{number}",
            is_organizer=True,
            modified=None,
            values=values,
            has_attachments=False,
            **{"stamps": Stamps(), "categories": (), **marks},
        )
        self._put(event)
        self._deliver(event, (), attendees.addresses(values["attendees"]))
        return self.items[event.id]

    def _put(self, event: ExchangeEvent) -> ExchangeEvent:
        etag = f'W/"{self._world.number()}"'
        stamped = replace(event, etag=etag, modified=self._world.clock())
        self.items[event.id] = stamped
        self._log.append(event.id)
        return stamped

    def _change(self, event: ExchangeEvent, changes: dict[str, Any]) -> ExchangeEvent:
        before = event.value("attendees")
        changed = series_world.edited(event, changes)
        after = changed.value("attendees")
        stored = self._put(changed)
        if event.is_organizer:
            mailed = mailed_by_update(changes, before, after)
            self._deliver(stored, attendees.addresses(before), attendees.addresses(after), mailed)
            for exception in stored.exceptions.values() if mailed else ():
                self._tell("update", attendees.addresses(exception.value("attendees")))
        return stored

    def _change_occurrence(
        self, series: ExchangeEvent, date: str, changes: Mapping[str, Any]
    ) -> ExchangeEvent:
        """One mail about this occurrence to those whom it concerns."""
        before = series.exceptions.get(date, series).value("attendees")
        stored = self._put(series_world.with_exception(series, date, changes, self._world.number()))
        exception = stored.exceptions[date]
        if series.is_organizer:
            mailed = mailed_by_update(changes, before, exception.value("attendees"))
            self._tell("update", mailed)
            self._share(stored)
        return exception

    def _cancel_occurrence(self, series: ExchangeEvent, date: str) -> None:
        people = attendees.addresses(series.exceptions.get(date, series).value("attendees"))
        stored = self._put(series_world.without_occurrence(series, date))
        if series.is_organizer:
            self._tell("cancellation", people)
            self._share(stored)

    def _tell(self, kind: str, people: Iterable[str]) -> None:
        self._world.mails += [(kind, address) for address in people]

    def _share(self, series: ExchangeEvent) -> None:
        """The attendees' copies get the exceptions."""
        for address in attendees.addresses(series.value("attendees")):
            box = self._world.by_address(address)
            copy = box.copy_of(series) if box and box is not self else None
            if box and copy:
                box._put(series_world.with_exceptions_of(copy, series))

    def copy_of(self, event: ExchangeEvent) -> ExchangeEvent | None:
        return next((e for e in self.items.values() if e.ical_uid == event.ical_uid), None)

    def _deliver(
        self,
        event: ExchangeEvent,
        before: Sequence[str],
        after: Sequence[str],
        mailed: Iterable[str] | None = None,
    ) -> None:
        for address in mailed if mailed is not None else after:
            kind = "invitation" if address not in before else "update" if address in after else "cancellation"
            self._world.mails.append((kind, address))
            copy = self._world.by_address(address)
            if copy is not None and copy is not self:
                copy.receive(event, kind)

    def receive(self, event: ExchangeEvent, kind: str) -> None:
        """A meeting message arrives: the own copy is made, updated, or taken off the calendar."""
        mine = next((e for e in self.items.values() if e.ical_uid == event.ical_uid), None)
        if kind == "cancellation":
            if mine is not None:
                del self.items[mine.id]
                self._log.append(mine.id)
            return
        values = {**event.values, "regarding": None, "showAs": "tentative"}
        if mine is None:
            number = self._world.number()
            mine = replace(
                event, id=f"{self.id}/event-{number}", categories=(), stamps=Stamps(), is_organizer=False
            )
        else:
            values |= {"showAs": mine.value("showAs"), "regarding": mine.value("regarding")}
        shared = replace(mine, values=values, type=event.type)
        sender = self._world.boxes.get(event.id.partition("/")[0])
        shared = self.receive_files(sender.shelf, event, shared) if sender else shared
        self._put(series_world.with_exceptions_of(shared, event))

    def _remove(self, event_id: str) -> None:
        event = self.items.pop(event_id)
        self._log.append(event_id)
        if event.is_organizer:
            people = attendees.addresses(event.value("attendees"))
            self._deliver(event, people, (), people)

    # --- the port ---------------------------------------------------------------------------------

    @property
    def tasks(self) -> NoItems:
        return NoItems()

    @property
    def contacts(self) -> NoItems:
        return NoItems()

    async def info(self) -> MailboxInfo:
        return MailboxInfo(self.id, self.address, self.address, "UTC")

    async def calendars(self) -> Sequence[CalendarRef]:
        return [CalendarRef("default", "Calendar", is_default=True)]

    async def calendar_changes(self, calendar: CalendarRef, window: Window, link: str | None) -> EventPage:
        del calendar, window
        if link is not None and int(link.split(":")[0]) != self._epoch:
            raise CursorExpired("the sync state is not found")
        if self.page_size and (link is None or "@" in link):
            return self._page_of_round(
                *(map(int, link.split(":")[1].split("@")) if link else (len(self._log), 0))
            )
        seen = int(link.split(":")[1]) if link else None
        touched = list(self.items) if seen is None else list(dict.fromkeys(self._log[seen:]))
        bare = self.shows_bare_occurrences_only
        events = tuple(r for i in touched if i in self.items for r in _feed_rows(self.items[i], bare=bare))
        removed = tuple(i for i in touched if i not in self.items)
        return EventPage(events, removed, f"{self._epoch}:{len(self._log)}", complete=True)

    async def tracked_events(self, calendar: CalendarRef, link: str) -> EventPage:
        """Pages of two, so that every story has more than one."""
        del calendar
        marked = [e for e in self.items.values() if has_category(e.categories) or _is_stamped(e)]
        begin = int(link or 0)
        page = tuple(_alone(event) for event in marked[begin : begin + 2])
        more = begin + 2 < len(marked)
        return EventPage(page, (), str(begin + 2) if more else "", not more)

    def _page_of_round(self, begun: int, offset: int) -> EventPage:
        """In the order in which they were made; what changes meanwhile comes with the next delta."""
        there = list(self.items)[offset : offset + self.page_size]
        rows = tuple(row for each in there for row in _feed_rows(self.items[each], bare=False))
        following = offset + self.page_size
        if following >= len(self.items):
            return EventPage(rows, (), f"{self._epoch}:{begun}", complete=True)
        return EventPage(rows, (), f"{self._epoch}:{begun}@{following}", complete=False)

    async def newest_events(self, since: datetime) -> Sequence[ChangedItem]:
        changed = [each for each in self.items.values() if each.modified and each.modified >= since]
        newest = sorted(changed, key=lambda each: each.modified or since, reverse=True)
        return [ChangedItem(each.id, each.etag) for each in newest]

    async def newest_contacts(self, since: datetime) -> Sequence[ChangedItem]:
        return await self.contacts.newest(since)

    async def events(self, ids: Sequence[str]) -> Mapping[str, ExchangeEvent | None]:
        return {i: _alone(self.items[i]) if i in self.items else self._exception(i) for i in ids}

    def _exception(self, event_id: str) -> ExchangeEvent | None:
        exceptions = (each for event in self.items.values() for each in event.exceptions.values())
        return next((each for each in exceptions if each.id == event_id), None)

    async def series(self, ids: Sequence[str]) -> Mapping[str, ExchangeEvent | None]:
        return {i: self.items.get(i) for i in ids}

    async def stamps(self, ids: Sequence[str]) -> Mapping[str, Stamps | None]:
        return {i: self.items[i].stamps if i in self.items else None for i in ids}

    async def stamped_events(self) -> Mapping[str, Stamps]:
        return {i: e.stamps for i, e in self.items.items() if e.stamps and e.stamps.link_state is not None}

    async def find_by_ical_uid(self, ical_uid: str) -> Sequence[ExchangeEvent]:
        return [_alone(e) for e in self.items.values() if e.ical_uid == ical_uid]

    async def find_by_crm_id(self, dynamics_id: str) -> Sequence[ExchangeEvent]:
        return [
            _alone(e)
            for e in self.items.values()
            if e.stamps and e.stamps.crm_id and normal_guid(e.stamps.crm_id) == dynamics_id
        ]

    async def create_event(self, write: CreateEvent) -> ExchangeEvent:
        if write.transaction_id in self._transactions:
            raise Conflict("used before", code="ErrorDuplicateTransactionId")
        self._transactions.add(write.transaction_id)
        values = {**_blank(self.address), **write.values}
        event = self._create(values, {"stamps": write.stamps, "categories": write.categories})
        self._lose("create_event")
        return event

    async def update_event(self, write: UpdateEvent) -> ExchangeEvent:
        event = self._current(write.id, write.etag)
        changed = self._change(event, dict(write.values))
        self._lose("update_event")
        return _without_stamps(changed)

    async def mark_event(self, write: MarkEvent) -> ExchangeEvent:
        event = self._current(write.id, write.etag)
        old = event.stamps or Stamps()
        new = {name: value for name in Stamps.__slots__ if (value := getattr(write.stamps, name)) is not None}
        categories = event.categories if write.categories is None else write.categories
        stored = self._put(replace(event, stamps=replace(old, **new), categories=categories))
        self._lose("mark_event")
        return _without_stamps(stored)

    async def update_occurrence(self, write: UpdateOccurrence) -> ExchangeEvent:
        series = self._with_occurrence(write)
        exception = self._change_occurrence(series, write.date, dict(write.values))
        self._lose("update_occurrence")
        return exception

    async def remove_occurrence(self, write: RemoveOccurrence) -> None:
        self._cancel_occurrence(self._with_occurrence(write), write.date)
        self._lose("remove_occurrence")

    def _with_occurrence(self, write: UpdateOccurrence | RemoveOccurrence) -> ExchangeEvent:
        """The series, if it has this occurrence in the version that is meant."""
        series = self._current(write.series_id, None)
        if write.date in series.cancelled or not series_world.has_slot(series, write.date):
            raise NotFound("ErrorItemNotFound")
        exception = series.exceptions.get(write.date)
        if write.exception is not None and (exception is None or exception.id != write.exception.id):
            raise NotFound("ErrorItemNotFound")
        meant = write.exception.etag if write.exception else ""
        if meant and exception and meant != exception.etag:
            raise Conflict("ErrorIrresolvableConflict")
        return series

    async def cancel_event(self, write: CancelEvent) -> None:
        self._current(write.id, None)
        self._remove(write.id)
        self._lose("cancel_event")

    async def delete_event(self, write: DeleteEvent) -> None:
        self._current(write.id, write.etag)
        self._remove(write.id)
        self._lose("delete_event")

    def _current(self, event_id: str, etag: str | None) -> ExchangeEvent:
        event = self.items.get(event_id)
        if event is None:
            raise NotFound("ErrorItemNotFound")
        if etag and etag != event.etag:
            raise Conflict("ErrorIrresolvableConflict")
        return event

    def _lose(self, what: str) -> None:
        if what in self._world.lose_answers_of:
            self._world.lose_answers_of.discard(what)
            raise UnknownResult(f"the answer of {what} was lost")


def _blank(organizer: str) -> dict[str, Any]:
    return {
        "time": None,
        "subject": "",
        "body": "",
        "location": "",
        "importance": "normal",
        "showAs": "busy",
        "attendees": [],
        "organizer": organizer,
        "regarding": None,
    }


def _is_stamped(event: ExchangeEvent) -> bool:
    return event.stamps is not None and event.stamps.link_state is not None


def _alone(event: ExchangeEvent) -> ExchangeEvent:
    """As a read by id shows a series: its master only."""
    return replace(event, exceptions={}, cancelled=frozenset())


def _feed_rows(event: ExchangeEvent, *, bare: bool) -> Iterable[ExchangeEvent]:
    """A series as its master and its exceptions, or only as an occurrence without content."""
    if bare and event.is_series:
        occurrence = replace(
            event, id=f"{event.id}/bare", type=EventType.OCCURRENCE, series_master_id=event.id
        )
        yield replace(_alone(occurrence), values={}, categories=(), stamps=None)
        return
    yield _without_stamps(_alone(event))
    yield from event.exceptions.values()


def _without_stamps(event: ExchangeEvent) -> ExchangeEvent:
    """As the calendar feed and the answers to writes show it."""
    values = {name: value for name, value in event.values.items() if name != "regarding"}
    return replace(event, stamps=None, values=values)


@dataclass
class MemoryDynamics(ServiceAppointments, DynamicsFiles, NoRecords):
    """The appointments of one organization, org-wide rights, change tracking."""

    clock: Clock
    users: dict[str, str] = field(default_factory=dict)
    """Address to systemuserid."""
    rows: dict[str, DynamicsAppointment] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    """Rows that no user may read."""
    contacts: dict[str, RecordRef] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    lose_answers_of: set[str] = field(default_factory=set)
    act_delivery_method: int = 2
    refused_subjects: set[str] = field(default_factory=set)
    """A customer's plug-in refuses rows with these subjects."""
    own_rows_only: set[str] = field(default_factory=set)
    """systemuserids that may make rows of their own only."""
    made_as: dict[str, str | None] = field(default_factory=dict)
    """As whom a row was made last, or was to be made."""
    engaged: dict[str, tuple[str, Any]] = field(default_factory=dict)
    """systemuserid to name and the one time at which that user is needed elsewhere."""
    cannot_say: str = ""
    """Why this organization never says who is busy."""
    asked: int = 0
    """Requests for nothing but who is busy."""
    version: int = 100
    log: list[str] = field(default_factory=list)
    epoch: int = 0
    limits: FileLimits = field(default_factory=FileLimits)

    # --- people -----------------------------------------------------------------------------------

    def add(self, row_id: str, organizer: str | None, **values: Any) -> DynamicsAppointment:
        table = SERIES if "recurrence" in values else APPOINTMENT
        blank = {**_blank(""), "importance": 1, "showAs": [3, 5], "organizer": organizer}
        parties = tuple(
            Party(5 if r == "required" else 6, a, self.contacts.get(a))
            for a, r in values.get("attendees", [])
        )
        head = (Party(7, None, RecordRef("systemuser", organizer)),) if organizer else ()
        row = DynamicsAppointment(row_id, "", None, {**blank, **values}, (*head, *parties), table=table)
        return self._put(row)

    def take_in(self, row: DynamicsAppointment) -> None:
        """A row as it is."""
        self.clock.forward()
        self._put(row)

    def give_to(self, row_id: str, organizer: str) -> None:
        """Another user becomes the organizer."""
        self.clock.forward()
        row = self.rows[row_id]
        others = tuple(party for party in row.parties if party.role != 7)
        parties = (Party(7, None, RecordRef("systemuser", organizer)), *others)
        self._put(replace(row, values={**row.values, "organizer": organizer}, parties=parties))

    def edit_instance(self, row_id: str, original_start: str, **values: Any) -> None:
        """A person changes one instance of a series: it becomes an exception."""
        self.clock.forward()
        self._put_exception(self.rows[row_id], original_start, values, None)

    def remove_instance_of(self, row_id: str, original_start: str) -> None:
        self.clock.forward()
        self._remove_instance(self.rows[row_id], original_start)

    def make_a_series(self, row_id: str, new_id: str, recurrence: Mapping[str, Any]) -> DynamicsAppointment:
        """AddRecurrence: the appointment is copied to a new series and deleted."""
        self.clock.forward()
        row = self.rows.pop(row_id)
        self.log.append(row_id)
        values = {**row.values, "recurrence": recurrence}
        return self._put(replace(row, id=new_id, values=values, table=SERIES))

    def edit(self, row_id: str, **values: Any) -> DynamicsAppointment:
        self.clock.forward()
        row = self.rows[row_id]
        parties = row.parties
        if "attendees" in values:
            parties = attendees.parties_for(values["attendees"], row.parties, self.contacts, row.organizer)
        if self._splits(row, values):
            self._park(row)
            row = self.rows[row_id]
            left = series_world.from_now_on(values["recurrence"], self.clock())
            values = {**values, "recurrence": left}
        return self._put(series_world.written(row, values, parties, self.number))

    def number(self) -> int:
        self.version += 1
        return self.version

    def _splits(self, row: DynamicsAppointment, values: Mapping[str, Any]) -> bool:
        """A new pattern for a series with past instances cuts it in two (facts: recurrence)."""
        return row.is_series and "recurrence" in values and series_world.has_past(row, self.clock())

    def _park(self, row: DynamicsAppointment) -> None:
        """The past goes to a series of its own, of the same group."""
        group = row.group_id or f"group-{row.id}"
        self.rows[row.id] = replace(row, group_id=group)
        parked = series_world.history_of(row, self.clock())
        self._put(replace(parked, id=series_world.parked_id(row.id, self.version), group_id=group))

    def remove(self, row_id: str) -> None:
        self.clock.forward()
        del self.rows[row_id]
        self.log.append(row_id)

    def _put(self, row: DynamicsAppointment) -> DynamicsAppointment:
        self.version += 1
        stored = replace(row, etag=f'W/"{self.version}"', modified=self.clock())
        self.rows[row.id] = stored
        self.log.append(row.id)
        return stored

    # --- the port ---------------------------------------------------------------------------------

    async def admit(self) -> None:
        """Everybody may begin."""

    async def organization(self, *, shared: bool = False) -> Organization:
        del shared
        return Organization(ORGANIZATION, dict(self.settings), self.limits)

    async def changes(self, table: str, link: str | None) -> ChangePage:
        if link is not None and int(link.split(":")[0]) != self.epoch:
            raise CursorExpired("0x80044352")
        if table == SERVICE and not self.service_scheduling:
            return ChangePage((), (), "", complete=True)
        if table in PERSONAL_TABLES:
            return ChangePage((), (), f"{self.epoch}:{len(self.log)}", complete=True)
        begin = int(link.split(":")[1]) if link else 0
        touched = list(self.rows) if link is None else list(dict.fromkeys(self.log[begin:]))
        rows = tuple(row for i in touched if i in self.rows for row in _changed(self.rows[i], table))
        removed = tuple(i for i in touched if i not in self.rows)
        return ChangePage(rows, removed, f"{self.epoch}:{len(self.log)}", complete=True)

    async def organizers(self, appointment_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        known = {i: self.rows[i].value("organizer") for i in appointment_ids if i in self.rows}
        return {i: [str(user)] for i, user in known.items() if user}

    async def find_user(self, id_or_address: str) -> DynamicsUser | None:
        for address, user in self.users.items():
            if id_or_address.lower() in (address, user):
                return DynamicsUser(user, address, address)
        return None

    async def mailbox_row(self, user_id: str) -> DynamicsMailboxRow | None:
        del user_id
        return DynamicsMailboxRow("", self.act_delivery_method, True, True, True)

    async def appointments(
        self, ids: Sequence[str], *, as_user: str
    ) -> Mapping[str, DynamicsAppointment | Absence]:
        del as_user
        return {i: self._read(i) for i in ids}

    def _read(self, row_id: str) -> DynamicsAppointment | Absence:
        if row_id not in self.rows:
            instances = (each for row in self.rows.values() for each in row.exceptions.values())
            return next((each for each in instances if each.id == row_id), Absence.PHYSICAL)
        return Absence.ACCESS if row_id in self.hidden else self.rows[row_id]

    async def appointments_organized_by(
        self, user_id: str, window: Window, *, as_user: str
    ) -> Sequence[ChangedRow]:
        del window, as_user
        rows = [row for row in self._organized(user_id) if row.table == APPOINTMENT]
        return [ChangedRow(row.id, row.etag) for row in rows]

    async def series_organized_by(
        self, user_id: str, window: Window, *, as_user: str
    ) -> Sequence[ChangedRow]:
        del window, as_user
        series = [row for row in self._organized(user_id) if row.is_series]
        return [row for each in series for table in (SERIES, APPOINTMENT) for row in _changed(each, table)]

    async def series_like(self, user_id: str, subject: str, start: str) -> Sequence[str]:
        return [
            row.id
            for row in self._organized(user_id)
            if row.is_series and row.value("subject") == subject
            if series_world.first_start(row) == start
        ]

    def _organized(self, user_id: str) -> list[DynamicsAppointment]:
        return [r for r in self.rows.values() if r.value("organizer") == user_id and r.id not in self.hidden]

    async def series(
        self, ids: Sequence[str], *, as_user: str
    ) -> Mapping[str, DynamicsAppointment | Absence]:
        del as_user
        return {i: self._read(i) for i in ids}

    async def find_by_global_object_id(
        self, global_object_id: str, table: str = APPOINTMENT
    ) -> Sequence[str]:
        rows = [row for row in self.rows.values() if row.table == table]
        return [r.id for r in rows if r.global_object_id == global_object_id]

    async def resolve(
        self, addresses: Iterable[str], *, as_user: str, inactive_too: bool
    ) -> Mapping[str, RecordRef]:
        del as_user, inactive_too
        return {a: self.contacts[a] for a in addresses if a in self.contacts}

    async def users_by_address(self, addresses: Iterable[str]) -> Mapping[str, str]:
        return {a: self.users[a] for a in addresses if a in self.users}

    async def create_appointment(
        self, write: CreateAppointment, *, as_user: str | None
    ) -> DynamicsAppointment:
        if as_user in self.own_rows_only and write.owner and write.owner.id != as_user:
            raise Refused("no right to make the rows of others", code="0x80040220", status=403)
        self.made_as[write.id] = as_user
        self._ask_plug_in(write.values)
        if write.id in self.rows:
            raise Conflict("0x80040237")
        organizer = next((p.ref.id for p in write.parties if p.role == 7 and p.ref), None)
        values = {**_blank(""), **write.values, "organizer": organizer, "attendees": _listed(write.parties)}
        row = self._put(
            DynamicsAppointment(
                write.id,
                "",
                None,
                values,
                write.parties,
                write.owner,
                global_object_id=write.global_object_id,
                table=write.table,
            )
        )
        self._lose("create_appointment")
        return self._told(row, write.claim)

    async def update_appointment(
        self, write: UpdateAppointment, *, as_user: str | None, known: DynamicsAppointment | None = None
    ) -> DynamicsAppointment:
        del as_user, known
        if write.id in self.hidden:
            raise Refused("principal user is missing a privilege", code="0x80040220", status=403)
        self._ask_plug_in(write.values)
        row = self._current(write.id, write.etag)
        values = dict(write.values)
        parties = row.parties
        if write.parties is not None:
            parties = write.parties
            values["attendees"] = _listed(parties)
        if self._splits(row, values):
            self._park(row)
            row = self.rows[row.id]
            values["recurrence"] = series_world.from_now_on(values["recurrence"], self.clock())
        stored = self._put(series_world.written(row, values, parties, self.number))
        self._lose("update_appointment")
        return self._told(replace(stored, exceptions={}, cancelled=frozenset()), write.claim)

    async def put_exception(self, write: PutException, *, as_user: str | None) -> DynamicsAppointment:
        del as_user
        series = self._with_instance(write)
        if write.exception is None and write.original_start in series.exceptions:
            raise Conflict("0x8004e107")
        exception = self._put_exception(series, write.original_start, write.values, write.parties)
        self._lose("put_exception")
        return exception

    async def remove_instance(self, write: RemoveInstance, *, as_user: str | None) -> None:
        del as_user
        self._remove_instance(self._with_instance(write), write.original_start)
        self._lose("remove_instance")

    def _with_instance(self, write: PutException | RemoveInstance) -> DynamicsAppointment:
        series = self.rows.get(write.series_id)
        if series is None or not series_world.has_instance(series, write.original_start):
            raise NotFound("0x8004e109")
        exception = series.exceptions.get(write.original_start)
        if write.exception is not None:
            if exception is None or exception.id != write.exception.id:
                raise NotFound("0x80040217")
            if write.exception.etag and write.exception.etag != exception.etag:
                raise Conflict("0x80060882")
        return series

    def _put_exception(
        self,
        series: DynamicsAppointment,
        original_start: str,
        values: Mapping[str, Any],
        parties: tuple[Party, ...] | None,
    ) -> DynamicsAppointment:
        """Only the exception's own row gets a new version."""
        changes = dict(values)
        if parties is not None:
            changes["attendees"] = _listed(parties)
        number = self.number()
        changed = series_world.with_instance(series, original_start, changes, number, parties, self.clock())
        self.rows[series.id] = changed
        self.log.append(series.id)
        return changed.exceptions[original_start]

    def _remove_instance(self, series: DynamicsAppointment, original_start: str) -> None:
        """The series' own row remembers its deleted instances, so it gets a new version."""
        exceptions = {s: e for s, e in series.exceptions.items() if s != original_start}
        self._put(replace(series, exceptions=exceptions, cancelled=series.cancelled | {original_start}))

    async def delete_appointment(self, write: DeleteAppointment, *, as_user: str | None) -> None:
        del as_user
        self._current(write.id, write.etag)
        del self.rows[write.id]
        self.log.append(write.id)
        self._lose("delete_appointment")

    async def availability(self, claims: Sequence[Claim], *, as_user: str | None) -> Sequence[Availability]:
        del as_user
        self.asked += 1
        return [self._availability(claim) for claim in claims]

    def _availability(self, claim: Claim) -> Availability:
        if self.cannot_say:
            return Availability(unchecked=self.cannot_say, everywhere=True)
        people = [party.ref.id for party in claim.parties if party.ref]
        busy = [
            Busy(self.engaged[user][0], "systemuser", user)
            for user in people
            if user in self.engaged and _overlap(self.engaged[user][1], claim.time)
        ]
        return Availability(tuple(busy))

    def _told(self, row: DynamicsAppointment, claim: Claim | None) -> DynamicsAppointment:
        return replace(row, availability=self._availability(claim)) if claim else row

    def _ask_plug_in(self, values: Mapping[str, Any]) -> None:
        if values.get("subject") in self.refused_subjects:
            raise Refused("a plug-in refused it", code="0x80040265", status=400)

    def _current(self, row_id: str, etag: str) -> DynamicsAppointment:
        row = self.rows.get(row_id)
        if row is None:
            raise NotFound("0x80040217")
        if row.etag != etag:
            raise Conflict("0x80060882")
        return row

    def _lose(self, what: str) -> None:
        if what in self.lose_answers_of:
            self.lose_answers_of.discard(what)
            raise UnknownResult(f"the answer of {what} was lost")


def _changed(row: DynamicsAppointment, table: str) -> Iterable[ChangedRow]:
    """The row as the feed of a table shows it: a series in its own, its exceptions among the appointments."""
    if row.table == table:
        yield ChangedRow(row.id, row.etag)
    if row.is_series and table == APPOINTMENT:
        for exception in row.exceptions.values():
            yield ChangedRow(
                exception.id, exception.etag, series=row.id, instance_type=InstanceType.EXCEPTION
            )


def _overlap(one: Any, other: Any) -> bool:
    return bool(one["start"] < other["end"] and other["start"] < one["end"])


def _listed(parties: Sequence[Party]) -> Any:
    roles = {5: "required", 6: "optional"}
    return attendees.as_value(
        (p.address.lower(), roles[p.role]) for p in parties if p.address and p.role in roles
    )
