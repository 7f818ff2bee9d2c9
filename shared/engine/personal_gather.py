"""Gather contacts and tasks: what is new in their folders, lists and inbox rows, and, when asked or due, a
comparison of what the owner's filters match with what is linked (FLT-6, FLT-10)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.engine import appointment_filters, closed_kinds
from shared.engine import filters as sync_filters
from shared.engine.closed_kinds import places_feed
from shared.engine.filters import KnownFilters
from shared.engine.gather import ANEW, FIRST_ROUND, Touched, version_of
from shared.engine.personal_touched import KIND_OF_ITEM, PersonalTouched
from shared.engine.ports import Agenda, ChangedRow, Cursor, InboxRow, ItemPage, PersonalItems
from shared.engine.services import Services
from shared.errors import SyncError
from shared.model.link import Link, LinkState
from shared.model.mailbox import Mailbox
from shared.model.personal import CONTACT, PERSONAL_TABLES, TASK, Place, kind_of
from shared.model.profile import Profile
from shared.rules import cadence
from shared.rules.personal import may_come_back
from shared.rules.personal_marks import PLACE, is_seen_otherwise

PAGE_LIMIT = 40
PLACES_AGE = timedelta(hours=1)
"""How soon a new folder or list is seen."""
RECONCILE = InboxRow("reconcile", "contacts and tasks")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which feeds this pass reads, besides those whose reading is under way. ``everything``: whatever is due
    or not (an administrator waits, or the rig settles)."""

    contacts: bool = True
    everything: bool = False
    calendars: bool = True


def is_on(kind: str, profile: Profile) -> bool:
    return profile.synchronize_contacts if kind == CONTACT else profile.synchronize_tasks


def tasks_are_due(mailbox: Mailbox, profile: Profile, now: datetime) -> bool:
    tracks = mailbox.tracks_tasks
    due_at = cadence.tasks_due_at(mailbox.id, profile, mailbox.tasks_read_at, tracks_tasks=tracks)
    return due_at is not None and now >= due_at


class PersonalGathering:
    """Gathers contacts and tasks for one pass."""

    def __init__(
        self,
        services: Services,
        mailbox: Mailbox,
        agenda: Agenda,
        profile: Profile,
        touched: Touched,
        wanted: Wanted,
    ) -> None:
        self._services = services
        self._mailbox = mailbox
        self._agenda = agenda
        self._profile = profile
        self._touched = touched
        self._wanted = wanted
        self._work = touched.personal
        self._box = services.exchange.mailbox(mailbox.id, mailbox.time_zone)
        self._begins = False
        """A kind is read for the first time, or for the first time again."""

    async def gather(self) -> None:
        self._take_inbox()
        self._begins = any(
            is_on(kind, self._profile) and not self._was_read(kind) for kind in (CONTACT, TASK)
        )
        await self._read(CONTACT, self._box.contacts, due=self._wanted.contacts)
        await self._read(TASK, self._box.tasks, due=self._tasks_are_due())
        await self._filters()
        self._touched.overflow += self._work.shed()
        self._touched.more |= bool(self._touched.overflow)

    def _take_inbox(self) -> None:
        for row in self._agenda.inbox:
            if row.version == ANEW:
                continue  # forced already
            if row.kind in PERSONAL_TABLES and is_on(kind_of(row.kind), self._profile):
                self._work.of_table(row.kind).records[row.id] = row.kind
            elif row.kind in KIND_OF_ITEM and is_on(KIND_OF_ITEM[row.kind], self._profile):
                self._work.look(row.kind, row.id, row.version)

    def _tasks_are_due(self) -> bool:
        return self._wanted.everything or tasks_are_due(self._mailbox, self._profile, self._services.now())

    async def _read(self, kind: str, source: PersonalItems, *, due: bool) -> None:
        """The feeds of one kind, unless it is off or we are not let at it."""
        closed = kind in closed_kinds.notes_of(self._agenda)
        if not is_on(kind, self._profile):
            self._touched.dropped_cursors += [closed_kinds.feed_of(kind)] if closed else []
            closed_kinds.leave_out(kind, self._touched, self._agenda)
        elif closed and not self._may_try(kind):
            closed_kinds.leave_out(kind, self._touched, self._agenda)
        elif due or not self._was_read(kind) or self._is_under_way(kind):
            self._work.asked_tasks |= kind == TASK
            try:
                await self._read_feeds(source, self._work.of(kind))
            except SyncError as error:
                accident = not closed and closed_kinds.may_be_accident(error, self._mailbox)
                if accident or not closed_kinds.by_exchange(error):
                    raise
                self._close(kind, closed_kinds.note_about_exchange(kind, error))
            else:
                if closed:
                    closed_kinds.reopen(kind, self._touched, self._services.now())

    def _may_try(self, kind: str) -> bool:
        now = self._services.now()
        return self._wanted.everything or closed_kinds.is_to_be_tried(kind, self._agenda, now)

    def _close(self, kind: str, why: str) -> None:
        closed_kinds.close(kind, why, self._touched, self._agenda, self._services.now())

    def _is_open(self, kind: str) -> bool:
        return is_on(kind, self._profile) and kind not in self._work.left_out

    def _was_read(self, kind: str) -> bool:
        """Since it was last switched on, or let in again."""
        return places_feed(kind) in self._agenda.cursors

    def _is_under_way(self, kind: str) -> bool:
        prefix = f"{kind}:"
        return any(name.startswith(prefix) and not c.complete for name, c in self._agenda.cursors.items())

    # --- feeds ------------------------------------------------------------------------------------

    async def _read_feeds(self, source: PersonalItems, touched: PersonalTouched) -> None:
        """All places side by side, page by page. A dead token begins a full round; at its end linked items
        that were not seen are looked up by id, as are those of a place that is gone."""
        cursors = {p.id: self._cursor(touched.kind, p.id) for p in await self._places(source, touched.kind)}
        vanished = self._places_read_before(touched.kind) - cursors.keys()
        fresh = bool(cursors) and all(not cursor.link for cursor in cursors.values())
        open_places = set(cursors)
        for _ in range(PAGE_LIMIT):
            if not open_places:
                break
            asked = {place: cursors[place].link or None for place in sorted(open_places)}
            for place, page in (await source.changes(asked)).items():
                cursors[place] = self._take_page(cursors[place], page, touched)
                if page.gone:
                    del cursors[place]
                    vanished.add(place)
                if page.gone or (page.complete and not page.expired):
                    open_places.discard(place)
        touched.full_round = any(cursor.round for cursor in cursors.values())
        if open_places:
            await self._wait_with_rows(touched)
        await self._end_rounds(cursors, open_places, touched, fresh=fresh)
        if vanished:
            await self._places_vanished(touched, vanished)
        self._touched.cursors += cursors.values()

    async def _wait_with_rows(self, touched: PersonalTouched) -> None:
        """Not all is read yet: a row that is not linked may have an item that was not seen, and is not made
        again."""
        self._touched.more = True
        keys = [(table, row_id) for row_id, table in touched.records.items()]
        links = await self._services.store.links_by_dynamics(self._mailbox.id, keys) if keys else {}
        for table, row_id in keys:
            link = links.get((table, row_id))
            if link is None or not link.linked:
                self._touched.overflow.append(InboxRow(table, row_id))
                del touched.records[row_id]

    def _cursor(self, kind: str, place: str) -> Cursor:
        feed = f"{kind}:{place}"
        known = self._agenda.cursors.get(feed)
        name = self._services.now().isoformat() if self._agenda.cursors else FIRST_ROUND
        return known or Cursor(feed, "", complete=False, round=name)

    def _take_page(self, cursor: Cursor, page: ItemPage, touched: PersonalTouched) -> Cursor:
        now = self._services.now()
        if page.expired:
            return Cursor(cursor.feed, "", complete=False, updated_at=now, round=now.isoformat())
        touched.rows.update({item.id: item for item in page.items})
        touched.removed.update(page.removed)
        touched.removed -= {item.id for item in page.items}
        touched.broken.update(page.broken)
        return Cursor(cursor.feed, page.link, page.complete, updated_at=now, round=cursor.round)

    def _places_read_before(self, kind: str) -> set[str]:
        prefix = f"{kind}:"
        return {feed.removeprefix(prefix) for feed in self._agenda.cursors if feed.startswith(prefix)}

    async def _places_vanished(self, touched: PersonalTouched, places: set[str]) -> None:
        """Folders or lists were deleted with all in them, or moved out of reach: forget their feeds, read the
        list of places again, and look for what was linked there."""
        kind = touched.kind
        self._touched.dropped_cursors += [*(f"{kind}:{place}" for place in sorted(places)), places_feed(kind)]
        self._touched.cursors = [c for c in self._touched.cursors if c.feed != places_feed(kind)]
        touched.all_rows = False
        self._touched.overflow.append(RECONCILE)
        async for link in self._services.store.links(self._mailbox.id, kind):
            place = str(link.markers.get(PLACE) or "")
            if link.linked and link.exchange_id and place in places and link.exchange_id not in touched.rows:
                touched.look.setdefault(link.exchange_id, place)

    async def _end_rounds(
        self, cursors: dict[str, Cursor], open_places: set[str], touched: PersonalTouched, *, fresh: bool
    ) -> None:
        ended = {place: cursor for place, cursor in cursors.items() if cursor.round and cursor.complete}
        for place, cursor in ended.items():
            cursors[place] = Cursor(cursor.feed, cursor.link, complete=True, updated_at=cursor.updated_at)
        touched.all_rows = fresh and not open_places and len(ended) == len(cursors)
        ended = {place: cursor for place, cursor in ended.items() if cursor.round != FIRST_ROUND}
        if not ended:
            return
        async for link in self._services.store.links(self._mailbox.id, touched.kind):
            place = str(link.markers.get(PLACE) or "")
            item = link.exchange_id
            if item and not link.state.ended and place in ended and item not in touched.rows:
                touched.look.setdefault(item, place)

    async def _places(self, source: PersonalItems, kind: str) -> Sequence[Place]:
        """Own folders or lists; the list is kept as a cursor and read again daily."""
        feed = places_feed(kind)
        known = self._agenda.cursors.get(feed)
        now = self._services.now()
        fresh = known and known.updated_at and now - known.updated_at < PLACES_AGE
        if known and fresh and not self._wanted.everything:
            return [Place(**entry) for entry in json.loads(known.link)]
        places = [place for place in await source.places() if place.own]
        entries = [
            {"id": place.id, "name": place.name, "is_default": place.is_default, "own": place.own}
            for place in places
        ]
        self._touched.cursors.append(Cursor(feed, json.dumps(entries), complete=True, updated_at=now))
        return places

    # --- filters ----------------------------------------------------------------------------------

    async def _filters(self) -> None:
        """Ask for the filters when they may have changed; compare when they did, or when it is time."""
        comparing = self._touched.reconciled or self._begins
        now, everything = self._services.now(), self._wanted.everything
        ask = comparing or everything or sync_filters.is_due(self._mailbox, self._profile, self._agenda, now)
        try:
            known = await sync_filters.known_filters(
                self._services, self._mailbox, self._profile, self._agenda, ask=ask
            )
        except SyncError as error:
            self._close_all(error)
            return
        self._work.read_filters = known.fresh
        self._touched.filters = known.filters
        trouble = dict(known.trouble)
        if known.changed or comparing:
            meetings = await appointment_filters.compare(
                self._services, self._mailbox, self._profile, self._agenda, self._touched, known
            )
            found = await self._compare(known)
            if found is None:
                return
            trouble = {**meetings, **found}
        if known.fresh:
            trouble.pop(sync_filters.FEED, None)
            trouble |= {sync_filters.FEED: known.unread} if known.unread else {}
        self._touched.news += sync_filters.note_rows(known.trouble, trouble, self._services.now())
        if known.changed or trouble != known.trouble:
            self._touched.cursors.append(sync_filters.cursor_of(known, trouble, self._services))

    def _close_all(self, error: SyncError) -> None:
        """Without filters nobody knows what comes from Dynamics."""
        if not closed_kinds.by_dynamics(error):
            raise error
        for kind in (CONTACT, TASK):
            if self._is_open(kind):
                self._close(kind, closed_kinds.note(kind, error))

    async def _unless_refused(self, kind: str, asking: Awaitable[Mapping[str, str]]) -> Mapping[str, str]:
        """Nothing, and the kind left out, where Dynamics does not let us ask."""
        try:
            return await asking
        except SyncError as error:
            if not closed_kinds.by_dynamics(error):
                raise
            self._close(kind, closed_kinds.note(kind, error))
            return {}

    async def _compare(self, known: KnownFilters) -> Mapping[str, str] | None:
        """Why filters cannot be run, by their ids. None: not before the first reading of Exchange is
        complete, or what is there already would be made again."""
        if any(
            not c.complete for c in self._touched.cursors if c.feed.startswith((f"{CONTACT}:", f"{TASK}:"))
        ):
            self._touched.overflow.append(RECONCILE)
            return None
        tables = [table for table in PERSONAL_TABLES if is_on(kind_of(table), self._profile)]
        wanted = known.filters.custom_tables.intersection(tables)
        if not known.filters.unread:
            await sync_filters.watch(self._services, self._mailbox.id, wanted, PERSONAL_TABLES)
        links: dict[str, dict[str, Link]] = {CONTACT: {}, TASK: {}}
        for kind, found in links.items():
            async for link in self._services.store.links(self._mailbox.id, kind):
                found[link.dynamics_id] = link
        trouble: dict[str, str] = {}
        for table in tables:
            kind = kind_of(table)
            if self._is_open(kind):
                comparing = self._compare_table(table, known, links[kind])
                trouble |= await self._unless_refused(kind, comparing)
        return trouble

    async def _compare_table(
        self, table: str, known: KnownFilters, links: Mapping[str, Link]
    ) -> Mapping[str, str]:
        touched, user = self._work.of_table(table), self._mailbox.user_id
        settings = known.settings_changed
        found = await sync_filters.matches(self._services, user, known.filters, table)
        for row in found.rows.values():
            touched.matching[row.id] = True
            link = links.get(row.id)
            news = not _is_known(link, row)
            if link is None or not link.linked:
                touched.records |= {row.id: table} if news else {}
            elif news or settings or is_seen_otherwise(link, True):
                touched.force(table, row.id)
        outside: dict[str, Link] = {}
        for link in links.values():
            if link.table == table and link.state is LinkState.CREATING:
                touched.force(table, link.dynamics_id)  # whatever was begun comes to an end
            if link.table == table and link.linked and link.dynamics_id not in found.rows:
                takes = touched.matching[link.dynamics_id] = found.takes(link.dynamics_id)
                if settings or is_seen_otherwise(link, takes):
                    touched.force(table, link.dynamics_id)
                else:
                    outside[link.dynamics_id] = link
        await self._compare_outside(table, outside)
        return found.broken

    async def _compare_outside(self, table: str, links: Mapping[str, Link]) -> None:
        """Linked rows that match no filter, as closed tasks: what was changed or deleted, maybe while the
        feed was broken."""
        if not links:
            return
        touched, user = self._work.of_table(table), self._mailbox.user_id
        found = await self._services.dynamics.matching(
            [sync_filters.everything(table)], sorted(links), as_user=user
        )
        versions = {row.id: version_of(row.version) for row in found}
        for row_id, link in links.items():
            if versions.get(row_id) != version_of(link.dynamics_etag):
                touched.force(table, row_id)


def _is_known(link: Link | None, row: ChangedRow) -> bool:
    """In the version that the link holds, and under the parent's name that it holds."""
    if link is None:
        return False
    if link.state.ended:
        return not may_come_back(link)
    if not link.linked:
        return False
    renamed = row.company is not None and link.base.dynamics.get("company", row.company) != row.company
    return version_of(link.dynamics_etag) == version_of(row.version) and not renamed
