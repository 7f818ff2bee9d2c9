"""The router: reads each Dynamics table's change feed once for the whole organization and fills the inboxes
of the mailboxes concerned. Cost grows with changes, not with mailboxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.engine.filters import WATCHERS
from shared.engine.gather import version_of
from shared.engine.ports import REMOVED, ChangedRow, ChangePage, Cursor, InboxRow, ItemEntry
from shared.engine.services import Services
from shared.errors import CursorExpired, NotFound
from shared.model.appointment import SERIES, SERVICE, InstanceType
from shared.model.feed_tables import FEED_TABLES
from shared.model.link import Link
from shared.model.personal import PERSONAL_TABLES
from shared.rules.occurrence_base import versions_of

PAGES_PER_RUN = 40


@dataclass
class RouterResult:
    """``routed``: inbox rows written. ``more``: pages are left. ``restarted``: the token had died."""

    routed: int = 0
    own_writes: int = 0
    more: bool = False
    restarted: bool = False
    mailboxes: set[str] = field(default_factory=set)


@dataclass
class _Found:
    """What the feeds hold for each table: rows by id, and ids of rows that are gone. ``exceptions``: the
    versions of changed exceptions, by the series that they belong to."""

    changed: dict[str, dict[str, ChangedRow]] = field(
        default_factory=lambda: {table: {} for table in FEED_TABLES}
    )
    gone: dict[str, set[str]] = field(default_factory=lambda: {table: set() for table in FEED_TABLES})
    exceptions: dict[str, set[str]] = field(default_factory=dict)

    def take(self, table: str, page: ChangePage) -> None:
        """A changed exception is a change of its series; a plain instance says nothing that its series does
        not. A row deleted and read again before is not gone."""
        self.gone[table].update(page.removed)
        for row in page.rows:
            if not row.series:
                self.changed[table][row.id] = row
                self.gone[table].discard(row.id)
            elif row.instance_type != InstanceType.INSTANCE:
                self.exceptions.setdefault(row.series, set()).add(version_of(row.version))


class Router:
    """One reading of the feeds of one organization; run in the organization's session, one at a time.

    All tables are read before anything is routed, and a mailbox gets its rows at once: what Dynamics did in
    several tables (an appointment turned into a series) is not seen by halves."""

    def __init__(self, services: Services, organization: str) -> None:
        self._services = services
        self._organization = organization
        self._result = RouterResult()
        self._cursors: list[Cursor] = []
        self.cursors: Mapping[str, Cursor] = {}
        """As they were before."""

    async def run(self, tables: Sequence[str] = FEED_TABLES) -> RouterResult:
        """Reads these tables; what they have to do with each other is in ``model.feed_tables``."""
        found = _Found()
        self.cursors = cursors = await self._services.feeds.cursors(self._organization)
        for table in tables:
            await self._read(table, cursors.get(table), found)
        await self._route(found)
        if self._cursors:
            await self._services.feeds.put_cursors(self._organization, self._cursors)
        if self._result.mailboxes:
            await self._services.jobs.hint(sorted(self._result.mailboxes), "dynamics", self._services.now())
        return self._result

    async def _read(self, table: str, known: Cursor | None, found: _Found) -> None:
        """A table's first reading routes nothing and is resumable page by page. That a feed is not offered is
        noted by a cursor without a link: mailboxes need not wait for it."""
        cursor = known if known and known.link else None
        for _ in range(PAGES_PER_RUN):
            first_reading = cursor is None or bool(cursor.round)
            try:
                page = await self._services.dynamics.changes(table, cursor.link if cursor else None)
            except CursorExpired:
                if cursor is None or not cursor.link:
                    raise
                await self._restart()
                cursor = None
                continue
            if not page.link:
                if known is None:
                    absent = Cursor(table, "", complete=True, updated_at=self._services.now())
                    await self._services.feeds.put_cursors(self._organization, [absent])
                return
            going_on = first_reading and not page.complete
            cursor = Cursor(
                table,
                page.link,
                page.complete,
                updated_at=self._services.now(),
                round="first" if going_on else "",
            )
            if first_reading:
                await self._services.feeds.put_cursors(self._organization, [cursor])
            else:
                found.take(table, page)
                self._cursors = [*(c for c in self._cursors if c.feed != table), cursor]
            if page.complete:
                return
        self._result.more = True

    async def _restart(self) -> None:
        """The token died: what changed meanwhile is found by every mailbox comparing for itself."""
        self._result.restarted = True
        async for mailbox in self._services.registry.all():
            await self._deliver({mailbox.id: [InboxRow("reconcile", "feed token died")]})

    # --- routing ----------------------------------------------------------------------------------

    async def _route(self, found: _Found) -> None:
        """Inbox rows first, then the hint; cursors are saved by the caller, last of all."""
        for series in found.exceptions:
            found.changed[SERIES].setdefault(series, ChangedRow(series, ""))
        boxes: dict[str, list[InboxRow]] = {}
        for table in FEED_TABLES:
            await self._route_table(table, found, boxes)
        await self._deliver(boxes)

    async def _route_table(self, table: str, found: _Found, boxes: dict[str, list[InboxRow]]) -> None:
        changed, gone = found.changed[table], sorted(found.gone[table] - set(found.changed[table]))
        if not changed and not gone:
            return
        entries = await self._services.items.entries(table, [*changed, *gone])
        for row_id in gone:
            for mailbox in _mailboxes(entries.get(row_id)):
                boxes.setdefault(mailbox, []).append(InboxRow(table, row_id, REMOVED))
        if table in PERSONAL_TABLES:
            concerned = await self._wanting(table, changed)
        else:
            concerned = await self._concerned(table, list(changed))
        wanted: dict[str, set[str]] = {}
        for row_id in changed:
            for mailbox in {*_mailboxes(entries.get(row_id)), *concerned.get(row_id, ())}:
                wanted.setdefault(mailbox, set()).add(row_id)
        for mailbox, ids in wanted.items():
            rows = await self._news_for(table, mailbox, sorted(ids), found)
            boxes.setdefault(mailbox, []).extend(rows)

    async def _news_for(
        self, table: str, mailbox: str, ids: Sequence[str], found: _Found
    ) -> Sequence[InboxRow]:
        """Rows in another version than the mailbox's link holds; the rest are our own writes."""
        known = await self._services.store.links_by_dynamics(mailbox, [(table, row_id) for row_id in ids])
        rows = []
        for row_id in ids:
            version = version_of(found.changed[table][row_id].version)
            if _is_own_write(known.get((table, row_id)), version, found.exceptions.get(row_id, set())):
                self._result.own_writes += 1
            else:
                rows.append(InboxRow(table, row_id, version))
        return rows

    async def _concerned(self, table: str, ids: list[str]) -> dict[str, list[str]]:
        """Per row the subscribed mailboxes of its organizers; of a service appointment, of all who take part
        (APPT-37)."""
        if not ids:
            return {}
        dynamics = self._services.dynamics
        users = await (dynamics.service_parties if table == SERVICE else dynamics.organizers)(ids)
        everyone = {user for row in users.values() for user in row}
        mailboxes = await self._services.registry.by_users(everyone) if everyone else {}
        return {
            row_id: [mailboxes[user].id for user in row if user in mailboxes] for row_id, row in users.items()
        }

    async def _wanting(self, table: str, changed: Mapping[str, ChangedRow]) -> dict[str, list[str]]:
        """Per contact or task the mailbox of its owner, and those with a filter of their own (FLT-6): whether
        it matches is for their passes to ask."""
        owners = {row.owner.id for row in changed.values() if row.owner and row.owner.table == "systemuser"}
        mailboxes = await self._services.registry.by_users(owners) if owners else {}
        watchers = list(_mailboxes((await self._services.items.entries(WATCHERS, [table])).get(table)))
        found = {}
        for row_id, row in changed.items():
            own = mailboxes.get(row.owner.id) if row.owner else None
            found[row_id] = [*([own.id] if own else []), *watchers]
        return found

    async def _deliver(self, boxes: Mapping[str, list[InboxRow]]) -> None:
        now = self._services.now()
        for mailbox, rows in boxes.items():
            if not rows:
                continue
            await self._services.store.add_inbox(mailbox, rows)
            try:
                await self._services.registry.patch(mailbox, due_at=now)
            except NotFound:
                continue  # a stale row of the index: the mailbox was removed
            self._result.routed += len(rows)
            self._result.mailboxes.add(mailbox)


def _is_own_write(link: Link | None, version: str, exceptions: Iterable[str]) -> bool:
    """``version`` is empty where only exceptions changed."""
    if link is None:
        return False
    mine = not version or version_of(link.dynamics_etag) == version
    return mine and set(exceptions) <= versions_of(link)


def _mailboxes(entry: ItemEntry | None) -> tuple[str, ...]:
    return entry.mailboxes if entry else ()
