"""Gather contacts and tasks: what is new in their folders, lists and inbox rows, and, when asked or due, a
comparison of what the owner's filters match with what is linked (FLT-6, FLT-10)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.engine import filters as sync_filters
from shared.engine.filters import KnownFilters
from shared.engine.gather import Touched, version_of
from shared.engine.personal_touched import KIND_OF_ITEM, PersonalTouched
from shared.engine.ports import Agenda, ChangedRow, Cursor, InboxRow, ItemPage, PersonalItems
from shared.engine.services import Services
from shared.model.link import Link, LinkState
from shared.model.mailbox import Mailbox
from shared.model.personal import CONTACT, PERSONAL_TABLES, TASK, Place, kind_of
from shared.model.profile import Profile
from shared.rules.personal import may_come_back
from shared.rules.personal_marks import IN_FILTER, PLACE, STAYS

PAGE_LIMIT = 40
PLACES_AGE = timedelta(hours=1)
"""How soon a new folder or list is seen."""
NEVER_TRACKED = timedelta(hours=1)
"""How often the lists of a mailbox are read that never had a tracked task."""
RECONCILE = InboxRow("reconcile", "contacts and tasks")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which feeds this pass reads, besides those whose reading is under way. ``everything``: whatever is due
    or not (an administrator waits, or the rig settles)."""

    contacts: bool = True
    everything: bool = False


def is_on(kind: str, profile: Profile) -> bool:
    return profile.synchronize_contacts if kind == CONTACT else profile.synchronize_tasks


def tasks_are_due(mailbox: Mailbox, profile: Profile, services: Services) -> bool:
    """Graph tells nobody of tasks, so their lists are polled."""
    if not profile.task_polling_minutes:
        return False
    if mailbox.tasks_read_at is None:
        return True
    every = timedelta(minutes=profile.task_polling_minutes)
    if not mailbox.tracks_tasks:
        every = max(every, NEVER_TRACKED)
    return services.now() - mailbox.tasks_read_at >= every


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

    async def gather(self) -> None:
        self._take_inbox()
        if is_on(CONTACT, self._profile) and (self._wanted.contacts or self._is_under_way(CONTACT)):
            await self._read_feeds(self._box.contacts, self._work.contacts)
        if is_on(TASK, self._profile) and self._reads_tasks():
            await self._read_feeds(self._box.tasks, self._work.tasks)
            self._work.asked_tasks = True
        await self._filters()
        self._touched.overflow += self._work.shed()
        self._touched.more |= bool(self._touched.overflow)

    def _take_inbox(self) -> None:
        for row in self._agenda.inbox:
            if row.kind in PERSONAL_TABLES and is_on(kind_of(row.kind), self._profile):
                self._work.of_table(row.kind).records[row.id] = row.kind
            elif row.kind in KIND_OF_ITEM and is_on(KIND_OF_ITEM[row.kind], self._profile):
                self._work.look(row.kind, row.id, row.version)

    def _reads_tasks(self) -> bool:
        if self._is_under_way(TASK):
            return True
        if not self._profile.task_polling_minutes:
            return False
        return self._wanted.everything or tasks_are_due(self._mailbox, self._profile, self._services)

    def _is_under_way(self, kind: str) -> bool:
        prefix = f"{kind}:"
        return any(name.startswith(prefix) and not c.complete for name, c in self._agenda.cursors.items())

    # --- feeds ------------------------------------------------------------------------------------

    async def _read_feeds(self, source: PersonalItems, touched: PersonalTouched) -> None:
        """All places side by side, page by page. A dead token begins a full round; at its end linked items
        that were not seen are looked up by id."""
        cursors = {p.id: self._cursor(touched.kind, p.id) for p in await self._places(source, touched.kind)}
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
                    self._place_vanished(touched.kind, place)
                if page.gone or (page.complete and not page.expired):
                    open_places.discard(place)
        self._touched.more |= bool(open_places)
        await self._end_rounds(cursors, open_places, touched, fresh=fresh)
        self._touched.cursors += cursors.values()

    def _cursor(self, kind: str, place: str) -> Cursor:
        feed = f"{kind}:{place}"
        known = self._agenda.cursors.get(feed)
        return known or Cursor(feed, "", complete=False, round=self._services.now().isoformat())

    def _take_page(self, cursor: Cursor, page: ItemPage, touched: PersonalTouched) -> Cursor:
        now = self._services.now()
        if page.expired:
            return Cursor(cursor.feed, "", complete=False, updated_at=now, round=now.isoformat())
        touched.rows.update({item.id: item for item in page.items})
        touched.removed.update(page.removed)
        touched.removed -= {item.id for item in page.items}
        touched.broken.update(page.broken)
        return Cursor(cursor.feed, page.link, page.complete, updated_at=now, round=cursor.round)

    def _place_vanished(self, kind: str, place: str) -> None:
        """A folder or list was deleted with all in it: forget its feed, read the list of places again."""
        self._touched.dropped_cursors += [f"{kind}:{place}", f"{kind}-places"]
        self._touched.cursors = [c for c in self._touched.cursors if c.feed != f"{kind}-places"]
        self._work.of(kind).all_rows = False
        self._touched.overflow.append(RECONCILE)

    async def _end_rounds(
        self, cursors: dict[str, Cursor], open_places: set[str], touched: PersonalTouched, *, fresh: bool
    ) -> None:
        ended = {place: cursor for place, cursor in cursors.items() if cursor.round and cursor.complete}
        for place, cursor in ended.items():
            cursors[place] = Cursor(cursor.feed, cursor.link, complete=True, updated_at=cursor.updated_at)
        touched.all_rows = fresh and not open_places and len(ended) == len(cursors)
        if not ended:
            return
        async for link in self._services.store.links(self._mailbox.id, touched.kind):
            place = str(link.markers.get(PLACE) or "")
            item = link.exchange_id
            if item and not link.state.ended and place in ended and item not in touched.rows:
                touched.look.setdefault(item, place)

    async def _places(self, source: PersonalItems, kind: str) -> Sequence[Place]:
        """Own folders or lists; the list is kept as a cursor and read again daily."""
        feed = f"{kind}-places"
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
        if not (is_on(CONTACT, self._profile) or is_on(TASK, self._profile)):
            return
        comparing = self._touched.reconciled
        ask = comparing or (
            (self._wanted.everything or self._wanted.contacts)
            and (self._wanted.everything or sync_filters.is_due(self._mailbox, self._services))
        )
        known = await sync_filters.known_filters(
            self._services, self._mailbox, self._profile, self._agenda, ask=ask
        )
        self._work.read_filters = known.fresh
        self._touched.filters = known.filters
        if known.changed or comparing:
            await self._compare(known)
        await self._match_touched(known)

    async def _compare(self, known: KnownFilters) -> None:
        """Not before the first reading of Exchange is complete: what is there already is not made again."""
        if any(
            not c.complete for c in self._touched.cursors if c.feed.startswith((f"{CONTACT}:", f"{TASK}:"))
        ):
            self._touched.overflow.append(RECONCILE)
            return
        if known.changed:
            await sync_filters.watch(self._services, self._mailbox, known.filters, PERSONAL_TABLES)
        links: dict[str, dict[str, Link]] = {CONTACT: {}, TASK: {}}
        for kind, found in links.items():
            async for link in self._services.store.links(self._mailbox.id, kind):
                found[link.dynamics_id] = link
        for table in PERSONAL_TABLES:
            kind = kind_of(table)
            if is_on(kind, self._profile):
                await self._compare_table(table, known, links[kind])
        if known.changed:
            self._touched.cursors.append(sync_filters.cursor_of(known, self._services))

    async def _compare_table(self, table: str, known: KnownFilters, links: Mapping[str, Link]) -> None:
        touched, filters = self._work.of_table(table), known.filters.of(table)
        user = self._mailbox.user_id
        rows = await self._services.dynamics.matching(filters, None, as_user=user) if filters else ()
        for row in rows:
            touched.matching[row.id] = True
            link = links.get(row.id)
            if (
                link is not None
                and link.linked
                and (known.settings_changed or not link.markers.get(IN_FILTER))
            ):
                touched.force(table, row.id)
            elif not _is_known(link, row):
                touched.records[row.id] = table
        outside: dict[str, Link] = {}
        for link in links.values():
            if link.table == table and link.state is LinkState.CREATING:
                touched.force(table, link.dynamics_id)  # whatever was begun comes to an end
            if link.table == table and link.linked and link.dynamics_id not in touched.matching:
                touched.matching[link.dynamics_id] = False
                leaves = link.markers.get(IN_FILTER) and not link.markers.get(STAYS)
                if leaves or known.settings_changed:
                    touched.force(table, link.dynamics_id)
                else:
                    outside[link.dynamics_id] = link
        await self._compare_outside(table, outside)

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

    async def _match_touched(self, known: KnownFilters) -> None:
        """Whether the rows of this pass match: asked of Dynamics, as the user, for these ids only; what the
        product's own filter says of a row can be read off the row (``personal_pairing``)."""
        for touched in self._work.both:
            for table in sorted(set(touched.records.values())):
                filters = known.filters.of(table)
                unknown = [
                    row_id
                    for row_id, its_table in touched.records.items()
                    if its_table == table and row_id not in touched.matching
                ]
                if not unknown or all(each.usual for each in filters):
                    continue
                found = await self._services.dynamics.matching(
                    filters, unknown, as_user=self._mailbox.user_id
                )
                matched = {row.id for row in found}
                touched.matching.update({row_id: row_id in matched for row_id in unknown})


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
