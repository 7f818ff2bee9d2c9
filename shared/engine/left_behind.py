"""Finds the row of a task that Microsoft's own sync left behind, and the task of such a row (PAIN-6): by
subject and due day, and only of what is older than our care of the mailbox, or comes in a full reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from shared.engine.ports import PersonalItems
from shared.engine.services import Services
from shared.model.personal import DynamicsRecord, ExchangeItem, PlacedId
from shared.rules.personal_marks import is_tracked
from shared.rules.situation import Context
from shared.rules.task_matching import pair_up, subjects_of


class LeftBehind:
    """Looks for counterparts of tasks in one mailbox's pass. ``everything``: a full reading is under way."""

    def __init__(self, services: Services, context: Context, source: PersonalItems) -> None:
        self._services = services
        self._context = context
        self._source = source

    async def rows_for(
        self, items: Sequence[ExchangeItem], taken: Set[str], *, everything: bool
    ) -> Mapping[str, DynamicsRecord]:
        """Of the owner's rows, open or closed, that no link of this mailbox ever named. ``taken``: rows that
        have an item."""
        old = [item for item in items if everything or self._is_old(item)]
        subjects, mailbox = subjects_of(old), self._context.mailbox
        if not subjects:
            return {}
        records = await self._services.dynamics.tasks_called(subjects, as_user=mailbox.user_id)
        asked = [(record.table, record.id) for record in records]
        links = await self._services.store.links_by_dynamics(mailbox.id, asked)
        known = taken | {link.dynamics_id for link in links.values()} | await self._ended(asked)
        free = {record.id: record for record in records if record.id not in known}
        pairs = pair_up(old, list(free.values()), self._context.zone, self._context.now)
        return {item_id: free[row_id] for item_id, row_id in pairs.items()}

    async def items_for(
        self, records: Sequence[DynamicsRecord], pool: Sequence[ExchangeItem] | None, busy: Set[str]
    ) -> Mapping[str, ExchangeItem]:
        """``pool``: all that the mailbox has, where it was just read; else it is searched. ``busy``: items
        that have a row."""
        near = pool if pool is not None else await self._near(records)
        free = {item.id: item for item in near if item.id not in busy and self._is_free(item)}
        linked = await self._linked(free) if pool is None else frozenset[str]()
        items = [item for item in free.values() if item.id not in linked]
        pairs = pair_up(items, records, self._context.zone, self._context.now)
        wanted = [PlacedId(item_id, free[item_id].place) for item_id in pairs]
        whole = await self._source.items(wanted) if wanted else {}
        return {pairs[item_id]: item for item_id, item in whole.items() if item is not None}

    async def _near(self, records: Sequence[DynamicsRecord]) -> Sequence[ExchangeItem]:
        found: dict[str, ExchangeItem] = {}
        for name in sorted({record.name for record in records if self._is_old(record)}):
            found.update({item.id: item for item in await self._source.search((), name)})
        return list(found.values())

    def _is_old(self, known: ExchangeItem | DynamicsRecord) -> bool:
        """Unchanged since the mailbox came to us."""
        since = self._context.mailbox.created_at
        return since is not None and known.modified is not None and known.modified <= since

    def _is_free(self, item: ExchangeItem) -> bool:
        """Tracked, and naming no row."""
        named = item.stamps is not None and item.stamps.tracked
        return not named and is_tracked(item, self._context)

    async def _linked(self, ids: Mapping[str, ExchangeItem]) -> frozenset[str]:
        if not ids:
            return frozenset()
        found = await self._services.store.links_by_exchange(self._context.mailbox.id, list(ids))
        return frozenset(found)

    async def _ended(self, rows: Sequence[tuple[str, str]]) -> frozenset[str]:
        """A person ended their links, though these are lost."""
        by_table: dict[str, list[str]] = {}
        for table, row_id in rows:
            by_table.setdefault(table, []).append(row_id)
        ended: set[str] = set()
        for table, ids in by_table.items():
            entries = await self._services.items.entries(table, ids)
            ended |= {row_id for row_id, e in entries.items() if self._context.mailbox.id in e.ended}
        return frozenset(ended)
