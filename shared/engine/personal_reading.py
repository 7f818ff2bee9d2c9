"""Reads the contacts, or tasks, and rows that a pass has to do with: whole, once, and with what the owner's
filters say of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shared.engine.filters import matches
from shared.engine.gather import version_of
from shared.engine.personal_found import Found, PersonalPaired, crm_id, has_ended
from shared.engine.personal_touched import PersonalTouched
from shared.engine.ports import PersonalItems
from shared.engine.services import Services
from shared.errors import Refused
from shared.model.appointment import Absence
from shared.model.link import Link
from shared.model.personal import (
    CONTACT,
    PERSONAL_TABLES,
    TASK_TABLES,
    DynamicsRecord,
    ExchangeItem,
    PlacedId,
)
from shared.model.sync_filter import Filters
from shared.rules import tracking
from shared.rules.personal_marks import PLACE, is_owned, is_seen_otherwise, is_tracked
from shared.rules.situation import Context


class PersonalReading:
    """Reads for one mailbox's pass. ``everything``: untracked items too (explain)."""

    def __init__(
        self, services: Services, context: Context, filters: Filters, kind: str, *, everything: bool
    ) -> None:
        self._services = services
        self._context = context
        self._filters = filters
        self._kind = kind
        self._everything = everything
        box = services.exchange.mailbox(context.mailbox.id, context.mailbox.time_zone)
        self.source: PersonalItems = box.contacts if kind == CONTACT else box.tasks

    # --- the Exchange side ------------------------------------------------------------------------

    async def load_links(self, touched: PersonalTouched, work: Found) -> None:
        store, mailbox = self._services.store, self._context.mailbox.id
        ids = {*touched.rows, *touched.look, *touched.removed}
        found = await store.links_by_exchange(mailbox, ids) if ids else {}
        work.links.update({link.dynamics_id: link for link in found.values() if link.kind == self._kind})
        keys_of = [(table, row_id) for row_id, table in touched.records.items() if row_id not in work.links]
        if keys_of:
            known = await store.links_by_dynamics(mailbox, keys_of)
            work.links.update({link.dynamics_id: link for link in known.values()})
        work.tables.update({link.dynamics_id: link.table for link in work.links.values()})

    async def read_items(self, touched: PersonalTouched, work: Found, paired: PersonalPaired) -> None:
        """Whole items: those that are linked and changed, carry a mark, or may carry one that feeds do not
        show. Echoes of our own writes are dropped here."""
        live_last = sorted(work.links.values(), key=has_ended, reverse=True)
        by_exchange = {link.exchange_id: link for link in live_last if link.exchange_id}
        wanted: dict[str, str] = dict(touched.look)
        for item_id, row in touched.rows.items():
            link = by_exchange.get(item_id)
            if link is not None and link.linked and link.exchange_etag == row.etag:
                paired.echoes += 1
            else:
                wanted[item_id] = row.place
        for item_id in touched.removed:
            link = by_exchange.get(item_id)
            if link is not None and not link.state.ended:
                wanted[item_id] = str(link.markers.get(PLACE) or "")
        for item_id, item in (await self._whole(wanted, touched)).items():
            link = by_exchange.get(item_id)
            live = link is not None and not link.state.ended
            if item is None:
                if live:
                    work.gone.add(item_id)
            elif live or self._everything or is_tracked(item, self._context) or link is not None:
                work.items[item_id] = item
            else:
                paired.untracked += 1
                work.untracked |= {row_id: item} if (row_id := crm_id(item)) else {}
            if link is not None and (item is not None or live):
                work.pairs[item_id] = link.dynamics_id
            elif item_id in work.items:
                work.pairs[item_id] = None

    async def _whole(
        self, wanted: Mapping[str, str], touched: PersonalTouched
    ) -> Mapping[str, ExchangeItem | None]:
        """One that Graph refuses is recorded and never blocks its neighbours."""
        read: dict[str, ExchangeItem | None] = {i: touched.read[i] for i in wanted if i in touched.read}
        ids = [PlacedId(item_id, place) for item_id, place in sorted(wanted.items()) if item_id not in read]
        if not ids:
            return read
        try:
            return {**read, **await self.source.items(ids)}
        except Refused as error:
            if len(ids) == 1:
                touched.broken[ids[0].id] = f"{error.code or error.status}: {error}"
                return read
        found = read
        for one in ids:
            found.update(await self._whole({one.id: one.place}, touched))
        return found

    async def follow_moves(self, work: Found) -> None:
        """A task that is moved to another list gets another id (LNK-11): before it counts as deleted, the
        item that names its row is looked for."""
        lost = {
            row_id: item_id
            for item_id, row_id in work.pairs.items()
            if item_id in work.gone and row_id and row_id in work.links
        }
        if not lost:
            return
        named = {row_id: item for item in work.items.values() if (row_id := crm_id(item)) and row_id in lost}
        if self._kind != CONTACT:
            unseen = sorted(lost.keys() - named.keys())
            found = await self.source.find_by_crm_ids(unseen) if unseen else {}
            named |= {row_id: items[0] for row_id, items in found.items() if items}
        for row_id, item in named.items():
            work.pairs.pop(lost[row_id], None)
            work.gone.discard(lost[row_id])
            work.items[item.id] = item
            work.pairs[item.id] = row_id
            work.moved.add(item.id)

    async def rows_of_items(self, work: Found) -> None:
        """The row that an unlinked item's stamp names, or that an earlier, broken pass made of it. An item
        whose stamp names the row of another live item is a copy (LNK-7)."""
        named: dict[str, tuple[str, str]] = {}
        for item_id, row_id in work.pairs.items():
            item = work.items.get(item_id)
            stamped = crm_id(item) if item is not None and row_id is None else None
            if item is not None and stamped:
                named[item_id] = (tracking.stamped_table(item) or self.default_table(), stamped)
        known = await self._services.store.links_by_dynamics(
            self._context.mailbox.id, {key for key in named.values() if key[1] not in work.links}
        )
        work.links.update({link.dynamics_id: link for link in known.values()})
        for item_id, (table, row_id) in named.items():
            if table not in PERSONAL_TABLES:
                continue
            link = work.links.get(row_id)
            work.tables.setdefault(row_id, table)
            if link is not None and link.linked and link.exchange_id and link.exchange_id != item_id:
                if await self._is_alive(link, work):
                    work.copies[item_id] = link.exchange_id
                    continue
                work.moved.add(item_id)
                work.pairs.pop(link.exchange_id, None)
                work.gone.discard(link.exchange_id)
            elif link is not None and await self._is_of_another(work.items[item_id], link, work):
                continue
            if row_id not in {value for key, value in work.pairs.items() if key != item_id}:
                work.pairs[item_id] = row_id

    async def _is_of_another(self, task: ExchangeItem, link: Link, work: Found) -> bool:
        """A task notes the row that it had until it was untracked, and so does a copy: the next one of a
        recurring task, for example. Only one that was moved may take the row back."""
        noted = self._kind != CONTACT and task.stamps is not None and not task.stamps.tracked
        return noted and link.exchange_id not in (None, task.id) and await self._is_alive(link, work)

    async def _is_alive(self, link: Link, work: Found) -> bool:
        item_id = link.exchange_id or ""
        if item_id in work.items:
            return True
        if item_id in work.gone:
            return False
        found = await self.source.items([PlacedId(item_id, str(link.markers.get(PLACE) or ""))])
        return found.get(item_id) is not None

    # --- the Dynamics side ------------------------------------------------------------------------

    async def records(self, touched: PersonalTouched, work: Found, paired: PersonalPaired) -> None:
        wanted = {row_id for row_id in work.pairs.values() if row_id} | set(touched.records)
        await self._read_records(wanted, work)
        await self._match(touched, work)
        with_item = {row_id for row_id in work.pairs.values() if row_id}
        unread: dict[str, str] = {}
        for row_id in sorted(touched.records, key=lambda row_id: has_ended(work.links.get(row_id))):
            if row_id in with_item:
                continue
            link = work.links.get(row_id)
            if link is None or not link.exchange_id:
                work.alone.append(row_id)
            elif not self._is_news(work.records.get(row_id), link, row_id, touched):
                paired.echoes += 1
            elif link.exchange_id in unread or (link.state.ended and not touched.matching.get(row_id, True)):
                work.alone.append(row_id)
            else:
                unread[link.exchange_id] = row_id
        await self._leave_to_others(unread, work)
        places = {
            item_id: str(work.links[row_id].markers.get(PLACE) or "") for item_id, row_id in unread.items()
        }
        for item_id, item in (await self._whole(places, touched)).items():
            row_id = unread[item_id]
            if item is not None:
                work.items[item_id] = item
            else:
                work.gone.add(item_id)
            work.pairs[item_id] = row_id
        for item_id, row_id in unread.items():
            link = work.links[row_id]
            if item_id in work.gone and link.state.ended:
                work.pairs.pop(item_id, None)
                work.gone.discard(item_id)
                work.alone.append(row_id)
        if any(item_id in work.gone for item_id in unread):
            await self.follow_moves(work)

    async def _leave_to_others(self, unread: dict[str, str], work: Found) -> None:
        """An item that a row had until its link ended may be another row's now."""
        found = await self._services.store.links_by_exchange(self._context.mailbox.id, sorted(unread))
        for item_id, link in found.items():
            row_id = unread[item_id]
            if link.dynamics_id != row_id and not link.state.ended:
                work.alone.append(row_id)
                del unread[item_id]

    async def _match(self, touched: PersonalTouched, work: Found) -> None:
        """Whether the rows of this pass match: asked of Dynamics, as the user, for these ids only. What the
        product's own filter says of a row can be read off the row."""
        by_table: dict[str, list[str]] = {}
        for row_id, record in work.records.items():
            if isinstance(record, DynamicsRecord) and row_id not in touched.matching:
                by_table.setdefault(record.table, []).append(row_id)
        user = self._context.mailbox.user_id
        for table, ids in sorted(by_table.items()):
            if table in self._filters.custom_tables:
                found = await matches(self._services, user, self._filters, table, ids)
                touched.matching.update({row_id: found.takes(row_id) for row_id in ids})

    def _is_news(
        self, record: DynamicsRecord | Absence | None, link: Link, row_id: str, touched: PersonalTouched
    ) -> bool:
        """Another version than the link holds, or the filters say something else of it."""
        if row_id in touched.forced or not isinstance(record, DynamicsRecord) or not link.linked:
            return True
        if is_seen_otherwise(link, self.matches_filter(record, touched)):
            return True
        return version_of(record.etag) != version_of(link.dynamics_etag)

    async def _read_records(self, ids: Iterable[str], work: Found) -> None:
        by_table: dict[str, list[str]] = {}
        for row_id in sorted(set(ids) - work.records.keys()):
            by_table.setdefault(work.tables.get(row_id, self.default_table()), []).append(row_id)
        user = self._context.mailbox.user_id
        for table, row_ids in sorted(by_table.items()):
            work.records.update(await self._services.dynamics.records(table, row_ids, as_user=user))

    def default_table(self) -> str:
        return CONTACT if self._kind == CONTACT else TASK_TABLES[0]

    def matches_filter(self, record: DynamicsRecord, touched: PersonalTouched) -> bool | None:
        """Whether the row matches the owner's filters, None where nobody knows. What the product's own filter
        says (own and open) can be read off the row."""
        if record.id in touched.matching:
            return touched.matching[record.id]
        if self.takes_own(record.table) and is_owned(record, self._context) and record.state == 0:
            return True
        unknown = self._filters.unread or record.table in self._filters.custom_tables
        return None if unknown else False

    def takes_own(self, table: str) -> bool:
        return any(each.usual for each in self._filters.of(table))
