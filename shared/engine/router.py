"""The router: reads each Dynamics table's change feed once for the whole organization and fills the inboxes
of the mailboxes concerned. Cost grows with changes, not with mailboxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.engine.gather import TABLE, version_of
from shared.engine.ports import ChangedRow, Cursor, InboxRow, ItemEntry
from shared.engine.services import Services
from shared.errors import CursorExpired, NotFound

TABLES = (TABLE,)
PAGES_PER_RUN = 40
REMOVED = "removed"


@dataclass
class RouterResult:
    """``routed``: inbox rows written. ``more``: pages are left. ``restarted``: the token had died."""

    routed: int = 0
    own_writes: int = 0
    more: bool = False
    restarted: bool = False
    mailboxes: set[str] = field(default_factory=set)


class Router:
    """One reading of the feed of one organization; run in the organization's session, one at a time."""

    def __init__(self, services: Services, organization: str) -> None:
        self._services = services
        self._organization = organization
        self._result = RouterResult()

    async def run(self) -> RouterResult:
        for table in TABLES:
            await self._read(table)
        if self._result.mailboxes:
            await self._services.jobs.hint(sorted(self._result.mailboxes), "dynamics", self._services.now())
        return self._result

    async def _read(self, table: str) -> None:
        cursor = await self._services.feeds.cursor(self._organization, table)
        for _ in range(PAGES_PER_RUN):
            first_reading = cursor is None or bool(cursor.round)
            try:
                page = await self._services.dynamics.changes(table, cursor.link if cursor else None)
            except CursorExpired:
                if cursor is None or not cursor.link:
                    raise
                await self._restart(table)
                cursor = None
                continue
            if not first_reading:
                await self._route(table, page.rows, page.removed)
            going_on = first_reading and not page.complete
            cursor = Cursor(
                table,
                page.link,
                page.complete,
                updated_at=self._services.now(),
                round="first" if going_on else "",
            )
            await self._services.feeds.put_cursor(self._organization, cursor)
            if page.complete:
                return
        self._result.more = True

    async def _restart(self, table: str) -> None:
        """The token died: what changed meanwhile is found by every mailbox comparing for itself."""
        del table
        self._result.restarted = True
        async for mailbox in self._services.registry.all():
            await self._deliver({mailbox.id: [InboxRow("reconcile", "feed token died")]})

    # --- routing ----------------------------------------------------------------------------------

    async def _route(self, table: str, rows: Iterable[ChangedRow], removed: Iterable[str]) -> None:
        """Inbox rows first, then the hint; the cursor is saved by the caller, last of all."""
        changed = {row.id: row for row in rows}
        gone = [row_id for row_id in removed if row_id not in changed]
        if not changed and not gone:
            return
        entries = await self._services.items.entries(table, [*changed, *gone])
        boxes: dict[str, list[InboxRow]] = {}
        for row_id in gone:
            for mailbox in _mailboxes(entries.get(row_id)):
                boxes.setdefault(mailbox, []).append(InboxRow(table, row_id, REMOVED))
        await self._route_changed(table, changed, entries, boxes)
        await self._deliver(boxes)

    async def _route_changed(
        self,
        table: str,
        changed: Mapping[str, ChangedRow],
        entries: Mapping[str, ItemEntry],
        boxes: dict[str, list[InboxRow]],
    ) -> None:
        organizers = await self._organizers(list(changed))
        wanted: dict[str, set[str]] = {}
        for row_id in changed:
            for mailbox in {*_mailboxes(entries.get(row_id)), *organizers.get(row_id, ())}:
                wanted.setdefault(mailbox, set()).add(row_id)
        for mailbox, ids in wanted.items():
            known = await self._services.store.links_by_dynamics(mailbox, [(table, i) for i in sorted(ids)])
            for row_id in sorted(ids):
                link = known.get((table, row_id))
                version = version_of(changed[row_id].version)
                if link and version_of(link.dynamics_etag) == version:
                    self._result.own_writes += 1
                else:
                    boxes.setdefault(mailbox, []).append(InboxRow(table, row_id, version))

    async def _organizers(self, ids: list[str]) -> dict[str, list[str]]:
        """Per row the subscribed mailboxes of its organizers."""
        if not ids:
            return {}
        users = await self._services.dynamics.organizers(ids)
        everyone = {user for row in users.values() for user in row}
        mailboxes = await self._services.registry.by_users(everyone) if everyone else {}
        return {
            row_id: [mailboxes[user].id for user in row if user in mailboxes] for row_id, row in users.items()
        }

    async def _deliver(self, boxes: Mapping[str, list[InboxRow]]) -> None:
        now = self._services.now()
        for mailbox, rows in boxes.items():
            await self._services.store.add_inbox(mailbox, rows)
            try:
                await self._services.registry.patch(mailbox, due_at=now)
            except NotFound:
                continue  # a stale row of the index: the mailbox was removed
            self._result.routed += len(rows)
            self._result.mailboxes.add(mailbox)


def _mailboxes(entry: ItemEntry | None) -> tuple[str, ...]:
    return entry.mailboxes if entry else ()
