"""Pair contacts and tasks: bring each touched item together with its link and its row, and find out who may
be the same (CONT-9, PAIN-6)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from shared.engine.filters import matches
from shared.engine.gather import version_of
from shared.engine.personal_counterparts import Counterparts, Finding
from shared.engine.personal_touched import PersonalTouched
from shared.engine.ports import ItemEntry, PersonalItems
from shared.engine.services import Services
from shared.errors import Refused
from shared.model.appointment import Absence
from shared.model.link import Link, LinkState
from shared.model.personal import (
    CONTACT,
    PERSONAL_TABLES,
    TASK_TABLES,
    DynamicsRecord,
    ExchangeItem,
    FieldRights,
    PlacedId,
    kind_of,
)
from shared.model.sync_filter import Filters
from shared.rules import keys, tracking
from shared.rules.personal_intent import is_the_noted
from shared.rules.personal_marks import PLACE, is_owned, is_seen_otherwise, is_tracked, is_tracked_anew
from shared.rules.personal_situation import PersonalSituation
from shared.rules.situation import Context


@dataclass
class PersonalPaired:
    """The situations to decide, and how many items needed no decision."""

    situations: list[PersonalSituation] = field(default_factory=list)
    echoes: int = 0
    untracked: int = 0


@dataclass
class _Work:
    """What has been found out so far. ``pairs``: (exchange id, dynamics id)."""

    links: dict[str, Link] = field(default_factory=dict)
    items: dict[str, ExchangeItem] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    records: dict[str, DynamicsRecord | Absence] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    pairs: dict[str, str | None] = field(default_factory=dict)
    """Exchange id to Dynamics id."""
    alone: list[str] = field(default_factory=list)
    """Rows without an item."""
    copies: dict[str, str] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)
    findings: dict[str, Finding] = field(default_factory=dict)
    """By the id of the item, or of the row that has none."""


class PersonalPairing:
    """Pairs the touched contacts, or tasks, of one mailbox. ``everything``: untracked items too (explain)."""

    def __init__(
        self,
        services: Services,
        context: Context,
        filters: Filters,
        kind: str,
        *,
        everything: bool = False,
    ) -> None:
        self._services = services
        self._context = context
        self._filters = filters
        self._kind = kind
        self._everything = everything
        box = services.exchange.mailbox(context.mailbox.id, context.mailbox.time_zone)
        self._source: PersonalItems = box.contacts if kind == CONTACT else box.tasks
        self._counterparts = Counterparts(services, context, self._source, kind)

    async def pair(
        self,
        touched: PersonalTouched,
        answers: Mapping[str, str] | None = None,
        dropped: frozenset[str] = frozenset(),
        named: frozenset[str] = frozenset(),
    ) -> PersonalPaired:
        """``answers``: what an administrator said about items or rows that may be the same, by their id.
        ``dropped``: rows about which he said no to the brake. ``named``: whom a question names that is not
        answered yet; rows wait with it."""
        paired, work = PersonalPaired(), _Work(tables=dict(touched.records))
        if touched.nothing:
            return paired
        await self._load_links(touched, work)
        await self._read_items(touched, work, paired)
        await self._follow_moves(work)
        await self._rows_of_items(work)
        await self._records(touched, work, paired)
        await self._find_counterparts(touched, work, answers or {}, named)
        found = await self._situations(touched, work, answers or {})
        paired.situations = [replace(s, dropped=s.ref().dynamics in dropped) for s in found]
        return paired

    # --- the Exchange side ------------------------------------------------------------------------

    async def _load_links(self, touched: PersonalTouched, work: _Work) -> None:
        store, mailbox = self._services.store, self._context.mailbox.id
        ids = {*touched.rows, *touched.look, *touched.removed}
        found = await store.links_by_exchange(mailbox, ids) if ids else {}
        work.links.update({link.dynamics_id: link for link in found.values() if link.kind == self._kind})
        keys_of = [(table, row_id) for row_id, table in touched.records.items() if row_id not in work.links]
        if keys_of:
            known = await store.links_by_dynamics(mailbox, keys_of)
            work.links.update({link.dynamics_id: link for link in known.values()})
        work.tables.update({link.dynamics_id: link.table for link in work.links.values()})

    async def _read_items(self, touched: PersonalTouched, work: _Work, paired: PersonalPaired) -> None:
        """Whole items: those that are linked and changed, carry a mark, or may carry one that feeds do not
        show. Echoes of our own writes are dropped here."""
        live_last = sorted(work.links.values(), key=_has_ended, reverse=True)
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
            if link is not None and (item is not None or live):
                work.pairs[item_id] = link.dynamics_id
            elif item_id in work.items:
                work.pairs[item_id] = None

    async def _whole(
        self, wanted: Mapping[str, str], touched: PersonalTouched
    ) -> Mapping[str, ExchangeItem | None]:
        """One that Graph refuses is recorded and never blocks its neighbours."""
        ids = [PlacedId(item_id, place) for item_id, place in sorted(wanted.items())]
        if not ids:
            return {}
        try:
            return await self._source.items(ids)
        except Refused as error:
            if len(ids) == 1:
                touched.broken[ids[0].id] = f"{error.code or error.status}: {error}"
                return {}
        found: dict[str, ExchangeItem | None] = {}
        for one in ids:
            found.update(await self._whole({one.id: one.place}, touched))
        return found

    async def _follow_moves(self, work: _Work) -> None:
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
            found = await self._source.find_by_crm_ids(unseen) if unseen else {}
            named |= {row_id: items[0] for row_id, items in found.items() if items}
        for row_id, item in named.items():
            work.pairs.pop(lost[row_id], None)
            work.gone.discard(lost[row_id])
            work.items[item.id] = item
            work.pairs[item.id] = row_id
            work.moved.add(item.id)

    async def _rows_of_items(self, work: _Work) -> None:
        """The row that an unlinked item's stamp names, or that an earlier, broken pass made of it. An item
        whose stamp names the row of another live item is a copy (LNK-7)."""
        named: dict[str, tuple[str, str]] = {}
        for item_id, row_id in work.pairs.items():
            item = work.items.get(item_id)
            stamped = crm_id(item) if item is not None and row_id is None else None
            if item is not None and stamped:
                named[item_id] = (tracking.stamped_table(item) or self._default_table(), stamped)
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
            if row_id not in {value for key, value in work.pairs.items() if key != item_id}:
                work.pairs[item_id] = row_id

    async def _is_alive(self, link: Link, work: _Work) -> bool:
        item_id = link.exchange_id or ""
        if item_id in work.items:
            return True
        if item_id in work.gone:
            return False
        found = await self._source.items([PlacedId(item_id, str(link.markers.get(PLACE) or ""))])
        return found.get(item_id) is not None

    # --- the Dynamics side ------------------------------------------------------------------------

    async def _records(self, touched: PersonalTouched, work: _Work, paired: PersonalPaired) -> None:
        wanted = {row_id for row_id in work.pairs.values() if row_id} | set(touched.records)
        await self._read_records(wanted, work)
        await self._match(touched, work)
        with_item = {row_id for row_id in work.pairs.values() if row_id}
        unread: dict[str, str] = {}
        for row_id in sorted(touched.records, key=lambda row_id: _has_ended(work.links.get(row_id))):
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
            await self._follow_moves(work)

    async def _leave_to_others(self, unread: dict[str, str], work: _Work) -> None:
        """An item that a row had until its link ended may be another row's now."""
        found = await self._services.store.links_by_exchange(self._context.mailbox.id, sorted(unread))
        for item_id, link in found.items():
            row_id = unread[item_id]
            if link.dynamics_id != row_id and not link.state.ended:
                work.alone.append(row_id)
                del unread[item_id]

    async def _match(self, touched: PersonalTouched, work: _Work) -> None:
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
        if is_seen_otherwise(link, self._matches(record, touched)):
            return True
        return version_of(record.etag) != version_of(link.dynamics_etag)

    async def _read_records(self, ids: Iterable[str], work: _Work) -> None:
        by_table: dict[str, list[str]] = {}
        for row_id in sorted(set(ids) - work.records.keys()):
            by_table.setdefault(work.tables.get(row_id, self._default_table()), []).append(row_id)
        user = self._context.mailbox.user_id
        for table, row_ids in sorted(by_table.items()):
            work.records.update(await self._services.dynamics.records(table, row_ids, as_user=user))

    def _default_table(self) -> str:
        return CONTACT if self._kind == CONTACT else TASK_TABLES[0]

    # --- who may be the same ----------------------------------------------------------------------

    async def _find_counterparts(
        self, touched: PersonalTouched, work: _Work, answers: Mapping[str, str], named: Set[str]
    ) -> None:
        """For tracked items without a row, rows; for rows that are to come to Exchange, items."""
        items = [
            work.items[item_id]
            for item_id, row_id in work.pairs.items()
            if item_id in work.items and item_id not in work.copies
            if self._lacks_row(work.items[item_id], row_id, work)
        ]
        made = {item.id: self._made_of(item, work) for item in items}
        taken = {row_id for row_id in work.pairs.values() if row_id}
        rows_found = await self._counterparts.rows_for(
            items, made, answers, taken, work.records, everything=touched.full_round
        )
        for item_id, finding in rows_found.items():
            self._take(item_id, finding, work)
        rows = [
            record
            for row_id in work.alone
            if isinstance(record := work.records.get(row_id), DynamicsRecord)
            if self._matches(record, touched) and self._is_to_be_made(work.links.get(row_id))
        ]
        taken = {row_id for row_id in work.pairs.values() if row_id}
        asked = {*named} | {
            match.id for finding in work.findings.values() for match in finding.matches if finding.row is None
        }
        rows = [record for record in rows if record.id not in taken and record.id not in asked]
        pool = list(touched.rows.values()) if touched.all_rows else None
        busy = set(work.pairs) - {i for i, row_id in work.pairs.items() if row_id is None}
        found = await self._counterparts.items_for(rows, work.links, pool, busy, answers)
        for row_id, finding in found.items():
            work.findings[row_id] = finding
            if finding.item is not None:
                work.items[finding.item.id] = finding.item
                work.pairs[finding.item.id] = row_id
                work.alone.remove(row_id)
        work.alone = [row_id for row_id in work.alone if row_id not in taken and row_id not in asked]

    def _take(self, item_id: str, finding: Finding, work: _Work) -> None:
        work.findings[item_id] = finding
        if finding.row is not None:
            work.records[finding.row.id] = finding.row
            work.tables[finding.row.id] = finding.row.table
            for moved in [i for i, r in work.pairs.items() if r == finding.row.id and i in work.gone]:
                del work.pairs[moved]
            work.pairs[item_id] = finding.row.id
            if finding.row.id in work.alone:
                work.alone.remove(finding.row.id)

    def _lacks_row(self, item: ExchangeItem, row_id: str | None, work: _Work) -> bool:
        """It is to have one: tracked, or tracked anew when the row that it had is no more."""
        if row_id is None:
            return is_tracked(item, self._context)
        link = work.links.get(row_id)
        ended = link is not None and link.state.ended and work.records.get(row_id) is Absence.PHYSICAL
        return link is not None and ended and is_tracked_anew(item, link, self._context)

    def _made_of(self, item: ExchangeItem, work: _Work) -> str:
        """The id that a pass gives to the row that it makes of this item."""
        link = next((each for each in work.links.values() if each.exchange_id == item.id), None)
        if link is None and (begun := self._begun_for(item, work)):
            return begun.dynamics_id
        generation = link.generation if link else 1
        context = self._context
        return keys.record_id(
            context.organization.id, context.mailbox.id, item.id, generation, self._default_table()
        )

    @staticmethod
    def _begun_for(item: ExchangeItem, work: _Work) -> Link | None:
        """A task was moved, and so got another id, while a row was made of it: the link of that pass, which
        never came to its end."""
        begun = (each for each in work.links.values() if each.state is LinkState.CREATING)
        gone = (each for each in begun if each.exchange_id in work.gone)
        return next((each for each in gone if is_the_noted(each, item)), None)

    @staticmethod
    def _is_to_be_made(link: Link | None) -> bool:
        return link is None or link.state in (LinkState.CREATING, LinkState.LEFT_FILTER)

    def _matches(self, record: DynamicsRecord, touched: PersonalTouched) -> bool | None:
        """Whether the row matches the owner's filters, None where nobody knows. What the product's own filter
        says (own and open) can be read off the row."""
        if record.id in touched.matching:
            return touched.matching[record.id]
        if self._takes_own(record.table) and is_owned(record, self._context) and record.state == 0:
            return True
        unknown = self._filters.unread or record.table in self._filters.custom_tables
        return None if unknown else False

    def _takes_own(self, table: str) -> bool:
        return any(each.usual for each in self._filters.of(table))

    # --- situations -------------------------------------------------------------------------------

    async def _situations(
        self, touched: PersonalTouched, work: _Work, answers: Mapping[str, str]
    ) -> list[PersonalSituation]:
        pairs: list[tuple[str | None, str | None]] = list(work.pairs.items())
        pairs += [(None, row_id) for row_id in dict.fromkeys(work.alone)]
        entries = await self._entries(pairs, work)
        rights = await self._rights(pairs, work)
        found = []
        for item_id, row_id in pairs:
            item = work.items.get(item_id or "")
            record = work.records.get(row_id or "")
            link = work.links.get(row_id or "") or self._link_of(item_id, work)
            finding = work.findings.get(item_id or "") or work.findings.get(row_id or "") or Finding()
            answer = answers.get(item_id or "") or answers.get(row_id or "") or ""
            entry = entries.get(row_id or "")
            found.append(
                PersonalSituation(
                    kind=self._kind,
                    link=link,
                    item=item,
                    item_gone=item_id in work.gone,
                    record=record,
                    in_filter=self._in_filter(record, touched),
                    matches=finding.matches,
                    chosen=finding.chosen,
                    apart=answer == "go-on",
                    kept_out=answer == "drop" or finding.kept_out,
                    copy_of=work.copies.get(item_id or ""),
                    ended_before=bool(entry and self._context.mailbox.id in entry.ended),
                    rights=rights.get(self._table_of(record, link), FieldRights()),
                    moved=item_id in work.moved,
                    takes_own=self._takes_own(self._table_of(record, link)),
                )
            )
        return found

    def _table_of(self, record: DynamicsRecord | Absence | None, link: Link | None) -> str:
        if isinstance(record, DynamicsRecord):
            return record.table
        return link.table if link else self._default_table()

    @staticmethod
    def _link_of(item_id: str | None, work: _Work) -> Link | None:
        return next((link for link in work.links.values() if item_id and link.exchange_id == item_id), None)

    def _in_filter(self, record: DynamicsRecord | Absence | None, touched: PersonalTouched) -> bool | None:
        return self._matches(record, touched) if isinstance(record, DynamicsRecord) else None

    async def _entries(
        self, pairs: Sequence[tuple[str | None, str | None]], work: _Work
    ) -> Mapping[str, ItemEntry]:
        """Of rows without a link: whether one ended before the links were lost."""
        by_table: dict[str, list[str]] = {}
        for _, row_id in pairs:
            if row_id and row_id not in work.links:
                by_table.setdefault(work.tables.get(row_id, self._default_table()), []).append(row_id)
        found: dict[str, ItemEntry] = {}
        for table, ids in by_table.items():
            found.update(await self._services.items.entries(table, ids))
        return found

    async def _rights(
        self, pairs: Sequence[tuple[str | None, str | None]], work: _Work
    ) -> Mapping[str, FieldRights]:
        tables = {
            self._table_of(work.records.get(row_id or ""), work.links.get(row_id or ""))
            for _, row_id in pairs
        }
        user = self._context.mailbox.user_id
        answers = await asyncio.gather(
            *(self._services.dynamics.field_rights(table, as_user=user) for table in sorted(tables))
        )
        return dict(zip(sorted(tables), answers, strict=True))


def _has_ended(link: Link | None) -> bool:
    return link is not None and link.state.ended


def crm_id(item: ExchangeItem) -> str | None:
    """The row that the item's stamp names."""
    stamp = item.stamps.crm_id if item.stamps else None
    guid = tracking.normal_guid(stamp) if stamp else ""
    return guid if len(guid) == 36 else None


def of_kind(kind: str) -> tuple[str, ...]:
    """The Dynamics tables of contacts, or of tasks."""
    return tuple(table for table in PERSONAL_TABLES if kind_of(table) == kind)
