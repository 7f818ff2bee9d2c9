"""Gather: what is new since the last pass, on both sides, bounded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.engine.personal_touched import PersonalWork
from shared.engine.ports import (
    Agenda,
    CalendarRef,
    ChangedRow,
    Cursor,
    ExchangeMailbox,
    HistoryRow,
    InboxRow,
    Window,
)
from shared.engine.services import Services
from shared.errors import CursorExpired, NotFound
from shared.model.appointment import APPOINTMENT, SERIES, SERVICE
from shared.model.event import EventType, ExchangeEvent
from shared.model.feed_tables import CALENDAR_TABLES
from shared.model.link import Link, LinkState
from shared.model.mailbox import Mailbox
from shared.model.personal import PERSONAL_TABLES
from shared.model.profile import Profile
from shared.model.sync_filter import Filters
from shared.rules import attachments, filter_marks
from shared.rules.occurrence_base import versions_of
from shared.rules.situation import KIND
from shared.rules.skips import Reason
from shared.rules.tracking import has_category

TABLE = APPOINTMENT
TABLES = CALENDAR_TABLES
"""The Dynamics tables of what is in calendars."""
PAGE_LIMIT = 20
INBOX_LIMIT = 500
LOOK_LIMIT = 200
CALENDARS_FEED = "calendars"
CALENDARS_AGE = timedelta(days=1)
ANEW = "anew"
"""The version of inbox rows that ask for a look at a linked pair whatever its versions are and, if nothing
else is to be done with it, for a comparison as if it were linked for the first time."""
WINDOW_STEP = timedelta(days=31)
FIRST_ROUND = "first"
"""The name of a round before which nothing was known of the mailbox."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a round one pass reads: so many pages of each calendar, and no more once so many events are
    known to be tracked. ``patient``: whoever asked for a comparison with Dynamics waits until all was
    read."""

    pages: int = PAGE_LIMIT
    tracked: int = 10_000
    patient: bool = False


BOUNDS = Bounds()


@dataclass
class Touched:
    """What this pass has to look at. ``rows``: events as the feed shows them; ``look``: events to be read
    by id (removed from a feed, or retried); ``read``: those of them that were read just now; ``masters``:
    series of which only occurrences were shown; ``records``: Dynamics ids, ``tables``: the tables of those
    that are not appointments."""

    rows: dict[str, ExchangeEvent] = field(default_factory=dict)
    look: set[str] = field(default_factory=set)
    read: dict[str, ExchangeEvent] = field(default_factory=dict)
    masters: set[str] = field(default_factory=set)
    records: set[str] = field(default_factory=set)
    tables: dict[str, str] = field(default_factory=dict)
    forced: set[str] = field(default_factory=set)
    anew: set[str] = field(default_factory=set)
    """Rows whose pair is compared as if it were linked for the first time (``rules.drift``)."""
    inbox: list[InboxRow] = field(default_factory=list)
    cursors: list[Cursor] = field(default_factory=list)
    dropped_cursors: list[str] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    overflow: list[InboxRow] = field(default_factory=list)
    more: bool = False
    full_round: bool = False
    """A calendar's round ended here."""
    round_goes_on: bool = False
    """A calendar's round is under way: something may be there that was not seen yet."""
    look_for_unseen: bool = False
    """A round ended before which something may have been linked."""
    reconciled: bool = False
    urgent: set[str] = field(default_factory=set)
    """Ids, of either side, that are to be done before all others."""
    news: list[HistoryRow] = field(default_factory=list)
    """What the history has to say about the mailbox itself."""
    personal: PersonalWork = field(default_factory=PersonalWork)
    """Contacts and tasks."""
    filters: Filters = field(default_factory=Filters)
    """The owner's sync filters."""
    matching: dict[str, bool | None] = field(default_factory=dict)
    """What is known of rows and these filters."""

    def record(self, table: str, dynamics_id: str) -> None:
        """Look at this row."""
        self.records.add(dynamics_id)
        if table != TABLE:
            self.tables[dynamics_id] = table

    def force(self, table: str, dynamics_id: str) -> None:
        """Look at this row even where its version is the one already known; an ``event`` is named by its
        Exchange id."""
        if table == "event":
            self.look.add(dynamics_id)
            return
        if table in PERSONAL_TABLES:
            self.personal.of_table(table).force(table, dynamics_id)
            return
        self.record(table, dynamics_id)
        self.forced.add(dynamics_id)

    def table_of(self, dynamics_id: str) -> str:
        return self.tables.get(dynamics_id, TABLE)

    @property
    def nothing(self) -> bool:
        here = self.rows or self.look or self.masters or self.records or self.broken
        return not here and self.personal.nothing


async def _calendar_vanished(
    services: Services, mailbox: Mailbox, calendar: CalendarRef, touched: Touched
) -> None:
    """A calendar was deleted with all in it: forget its feed, read the list again, ask for every event."""
    touched.dropped_cursors += [f"calendar:{calendar.id}", CALENDARS_FEED]
    touched.cursors = [cursor for cursor in touched.cursors if cursor.feed != CALENDARS_FEED]
    touched.more = True
    await _look_for_the_unseen(services, mailbox, touched)


def planned_window(profile: Profile, now: datetime) -> Window:
    """Whole days, so that passes of one day plan the same window."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Window(
        today - timedelta(days=profile.window_past_days), today + timedelta(days=profile.window_future_days)
    )


def current_window(agenda: Agenda, profile: Profile, now: datetime) -> Window:
    """The window the feeds are bound to; the planned one before the first round."""
    windows = [cursor.window for cursor in agenda.cursors.values() if cursor.window]
    return max(windows, key=lambda window: window.end) if windows else planned_window(profile, now)


async def gather(
    services: Services,
    mailbox: Mailbox,
    agenda: Agenda,
    profile: Profile,
    *,
    reconcile: bool,
    calendars: bool = True,
    bounds: Bounds = BOUNDS,
) -> Touched:
    """Read the mailbox's feeds and its inbox; reconcile with Dynamics when asked or due. ``calendars`` False:
    a hint was about something else, and the calendars are read only where their reading is under way.
    """
    touched = Touched(more=agenda.more_inbox)
    _take_inbox(agenda, touched)
    if calendars or not _all_read(agenda):
        await _read_calendars(services, mailbox, agenda, profile, touched, refresh=reconcile, bounds=bounds)
    first = not any(name.startswith("calendar:") for name in agenda.cursors)
    asked = any(row.kind == "reconcile" for row in agenda.inbox)
    if asked and bounds.patient and touched.more:
        touched.inbox = [row for row in touched.inbox if row.kind != "reconcile"]
        asked = False
    stale = _is_stale(mailbox, profile, services.now())
    if touched.look_for_unseen and not first:
        await _look_for_the_unseen(services, mailbox, touched)
    if reconcile or first or asked or stale:
        await compare_rows(
            services, mailbox, profile, current_window(agenda, profile, services.now()), touched
        )
    bound(touched)
    return touched


def _is_stale(mailbox: Mailbox, profile: Profile, now: datetime) -> bool:
    """Each mailbox counts from its own last comparison, so they do not all compare at one time of the day."""
    last = mailbox.reconciled_at
    return last is None or now - last > timedelta(hours=profile.reconcile_hours)


def _all_read(agenda: Agenda) -> bool:
    cursors = [cursor for name, cursor in agenda.cursors.items() if name.startswith("calendar:")]
    return bool(cursors) and all(cursor.complete for cursor in cursors)


async def _read_calendars(
    services: Services,
    mailbox: Mailbox,
    agenda: Agenda,
    profile: Profile,
    touched: Touched,
    *,
    refresh: bool,
    bounds: Bounds,
) -> None:
    box = services.exchange.mailbox(mailbox.id, mailbox.time_zone)
    for calendar in await _calendars(services, box, agenda, touched, refresh=refresh):
        try:
            await _read_calendar(services, box, calendar, agenda, profile, touched, bounds)
        except NotFound:
            await _calendar_vanished(services, mailbox, calendar, touched)


def _take_inbox(agenda: Agenda, touched: Touched) -> None:
    touched.inbox.extend(agenda.inbox)
    for row in agenda.inbox:
        if row.version == ANEW:
            touched.force(row.kind, row.id)
            touched.anew.add(row.id)
        elif row.kind == "event":
            touched.look.add(row.id)
        elif row.kind in TABLES:
            touched.record(row.kind, row.id)


async def _calendars(
    services: Services, box: ExchangeMailbox, agenda: Agenda, touched: Touched, *, refresh: bool
) -> Sequence[CalendarRef]:
    """The mailbox's own calendars; the list is kept as a cursor and read again daily."""
    known = agenda.cursors.get(CALENDARS_FEED)
    now = services.now()
    if known and known.updated_at and not refresh and now - known.updated_at < CALENDARS_AGE:
        return [CalendarRef(**entry) for entry in json.loads(known.link)]
    calendars = await box.calendars()
    entries = [{"id": c.id, "name": c.name, "is_default": c.is_default} for c in calendars]
    touched.cursors.append(Cursor(CALENDARS_FEED, json.dumps(entries), complete=True, updated_at=now))
    return calendars


def _due_for_roll(cursor: Cursor, profile: Profile, now: datetime) -> bool:
    """A month of the window is used up."""
    if cursor.window is None:
        return True
    return now - cursor.window.start > timedelta(days=profile.window_past_days) + WINDOW_STEP


async def _read_calendar(
    services: Services,
    box: ExchangeMailbox,
    calendar: CalendarRef,
    agenda: Agenda,
    profile: Profile,
    touched: Touched,
    bounds: Bounds,
) -> None:
    """One feed from its cursor on. A dead token or a used-up window begins a full round: its pages replace
    the cursor only from then on, and at its end linked items that were not seen are looked up by id. In the
    very first round nothing was linked before it."""
    feed = f"calendar:{calendar.id}"
    now = services.now()
    cursor = agenda.cursors.get(feed)
    if cursor is None or _due_for_roll(cursor, profile, now):
        cursor = _new_round(feed, profile, now, "" if agenda.cursors else FIRST_ROUND)
    for _ in range(PAGE_LIMIT if cursor.complete else bounds.pages):
        if cursor.round and _is_enough(touched, bounds):
            touched.more = True
            break
        try:
            page = await box.calendar_changes(calendar, _window_of(cursor, profile, now), cursor.link or None)
        except CursorExpired:
            if not cursor.link:
                raise
            cursor = _new_round(feed, profile, now)
            continue
        _take_rows(page.events, touched)
        touched.look.update(page.removed)
        touched.broken.update(page.broken)
        touched.full_round |= bool(cursor.round) and page.complete
        touched.look_for_unseen |= cursor.round not in ("", FIRST_ROUND) and page.complete
        round_name = "" if page.complete else cursor.round
        cursor = Cursor(feed, page.link, page.complete, cursor.window, now, round_name)
        if page.complete:
            break
    else:
        touched.more = True
    touched.round_goes_on |= bool(cursor.round)
    touched.cursors.append(cursor)


def _is_enough(touched: Touched, bounds: Bounds) -> bool:
    return sum(has_category(event.categories) for event in touched.rows.values()) >= bounds.tracked


def _new_round(feed: str, profile: Profile, now: datetime, name: str = "") -> Cursor:
    window = planned_window(profile, now)
    return Cursor(feed, "", complete=False, window=window, round=name or now.isoformat())


def _window_of(cursor: Cursor, profile: Profile, now: datetime) -> Window:
    return cursor.window or planned_window(profile, now)


def _take_rows(events: Sequence[ExchangeEvent], touched: Touched) -> None:
    """A later row of the same event replaces an earlier one. Occurrences and exceptions say that their series
    is to be looked at: it is read as a whole (APPT-36)."""
    for event in events:
        if event.type in (EventType.OCCURRENCE, EventType.EXCEPTION):
            touched.masters.update([event.series_master_id] if event.series_master_id else [])
        else:
            touched.rows[event.id] = event
            touched.look.discard(event.id)


async def _look_for_the_unseen(services: Services, mailbox: Mailbox, touched: Touched) -> None:
    """After a full round deletions show only as absence: ask Graph for every linked event not seen."""
    async for link in services.store.links(mailbox.id, KIND):
        if link.linked and link.exchange_id and link.exchange_id not in touched.rows:
            touched.look.add(link.exchange_id)


def may_come_back(link: Link) -> bool:
    """Of an ended link: whether Dynamics alone can bring it back. Only where no person ended it: who is taken
    off a service appointment can be put on it again, what left a filter can match again (FLT-6)."""
    if filter_marks.may_come_back(link):
        return True
    return link.table == SERVICE and link.state is LinkState.LEFT_FILTER


def version_of(etag: str | None) -> str:
    """The row version inside a Dataverse etag; compared as text."""
    return "".join(character for character in etag or "" if character.isdigit())


async def compare_rows(
    services: Services, mailbox: Mailbox, profile: Profile, window: Window, touched: Touched
) -> None:
    """Compare what Dynamics has for this user with the links: ids and versions only. The feed carries
    changes of rows, not of rights, sharing or the calendar date."""
    user = mailbox.user_id
    rows = {
        TABLE: await services.dynamics.appointments_organized_by(user, window, as_user=user),
        SERIES: await services.dynamics.series_organized_by(user, window, as_user=user),
        SERVICE: await services.dynamics.service_appointments_of(user, window, as_user=user),
    }
    links: dict[str, Link] = {link.dynamics_id: link async for link in services.store.links(mailbox.id, KIND)}
    seen: set[str] = set()
    for table, found in rows.items():
        for row in found:
            row_id = row.series or row.id
            seen.add(row_id)
            if not _is_known(links.get(row_id), row):
                touched.record(table, row_id)
    for link in links.values():
        if link.linked and link.dynamics_id not in seen:
            touched.record(link.table, link.dynamics_id)
        elif link.linked and Reason.OCCURRENCE_OUTSIDE_WINDOW.code in link.noted:
            touched.force(link.table, link.dynamics_id)
        if link.exchange_id and attachments.is_due(link, profile):
            touched.look.add(link.exchange_id)
    touched.reconciled = True


def _is_known(link: Link | None, row: ChangedRow) -> bool:
    """In the version that the link holds; of a series' exceptions it holds the versions too."""
    if link is None:
        return False
    if link.state.ended:
        return not may_come_back(link)
    if row.series:
        return version_of(row.version) in versions_of(link)
    return version_of(link.dynamics_etag) == version_of(row.version)


def bound(touched: Touched) -> None:
    """What is too much for one pass waits in the inbox."""
    touched.masters -= set(touched.rows)
    touched.overflow += [InboxRow("event", item) for item in _shed(touched.look)]
    touched.overflow += [InboxRow("event", item) for item in _shed(touched.masters)]
    touched.overflow += [InboxRow(touched.table_of(item), item) for item in _shed(touched.records)]
    touched.more |= bool(touched.overflow)


def _shed(ids: set[str]) -> list[str]:
    extra = sorted(ids)[INBOX_LIMIT:]
    ids.difference_update(extra)
    return extra
