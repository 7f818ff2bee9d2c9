"""Pair contacts and tasks: bring each touched item together with its link and its row, and find out who may
be the same (CONT-9, PAIN-6)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace

from shared.engine.personal_counterparts import Counterparts, Finding
from shared.engine.personal_found import Found, PersonalPaired
from shared.engine.personal_reading import PersonalReading
from shared.engine.personal_touched import PersonalTouched
from shared.engine.ports import ItemEntry
from shared.engine.services import Services
from shared.model.appointment import Absence
from shared.model.link import Link, LinkState
from shared.model.personal import (
    DynamicsRecord,
    ExchangeItem,
    FieldRights,
)
from shared.model.sync_filter import Filters
from shared.rules import keys
from shared.rules.personal_intent import is_the_noted
from shared.rules.personal_marks import is_tracked, is_tracked_anew
from shared.rules.personal_situation import PersonalSituation
from shared.rules.situation import Context


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
        self._kind = kind
        self._reading = PersonalReading(services, context, filters, kind, everything=everything)
        self._counterparts = Counterparts(services, context, self._reading.source, kind)

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
        paired, work = PersonalPaired(), Found(tables=dict(touched.records))
        if touched.nothing:
            return paired
        await self._reading.load_links(touched, work)
        await self._reading.read_items(touched, work, paired)
        await self._reading.follow_moves(work)
        await self._reading.rows_of_items(work)
        await self._reading.records(touched, work, paired)
        await self._find_counterparts(touched, work, answers or {}, named)
        found = await self._situations(touched, work, answers or {})
        paired.situations = [replace(s, dropped=s.ref().dynamics in dropped) for s in found]
        return paired

    # --- who may be the same ----------------------------------------------------------------------

    async def _find_counterparts(
        self, touched: PersonalTouched, work: Found, answers: Mapping[str, str], named: Set[str]
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
        await self._pair_by_stamp(touched, work)
        rows = [
            record
            for row_id in work.alone
            if isinstance(record := work.records.get(row_id), DynamicsRecord)
            if self._reading.matches_filter(record, touched) and self._is_to_be_made(work.links.get(row_id))
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

    async def _pair_by_stamp(self, touched: PersonalTouched, work: Found) -> None:
        """Rows whose link is lost: their item, also one that a person had untracked, still names them. In a
        full reading all items were just met; else those are looked for whose row the index of items knows."""
        there = [row_id for row_id in work.alone if isinstance(work.records.get(row_id), DynamicsRecord)]
        alone = [row_id for row_id in there if row_id not in work.links]
        found: dict[str, Sequence[ExchangeItem]] = {}
        found |= {row_id: [work.untracked[row_id]] for row_id in alone if row_id in work.untracked}
        if alone and not touched.all_rows:
            await self._ask_index(alone, work)
            mine = self._context.mailbox.id
            known = [i for i in alone if mine in (*work.entries[i].mailboxes, *work.entries[i].ended)]
            missing = [row_id for row_id in known if row_id not in found]
            found |= await self._reading.source.find_by_crm_ids(missing) if missing else {}
        late = [row_id for row_id in work.alone if row_id in touched.forced and self._came_late(row_id, work)]
        found |= await self._reading.source.find_by_crm_ids(late) if late else {}
        for row_id, items in found.items():
            free = await self._free(items, work)
            if free is not None:
                work.items[free.id] = free
                work.pairs[free.id] = row_id
                work.alone.remove(row_id)

    @staticmethod
    def _came_late(row_id: str, work: Found) -> bool:
        """Its link ended, or its row went, before a pass had noted which item had been made of it: should
        that wait for an administrator, nothing but its stamp says which one it is."""
        link = work.links.get(row_id)
        if link is None or link.exchange_id is not None:
            return False
        gone = not isinstance(work.records.get(row_id), DynamicsRecord)
        return link.state.ended or (link.state is LinkState.CREATING and gone)

    async def _free(self, items: Sequence[ExchangeItem], work: Found) -> ExchangeItem | None:
        """Of the items that name a row the one that no other row has, a tracked one first."""
        ids = [item.id for item in items if work.pairs.get(item.id) is None]
        links = await self._services.store.links_by_exchange(self._context.mailbox.id, ids) if ids else {}
        free = [item for item in items if item.id in ids and not (item.id in links and links[item.id].linked)]
        return min(free, key=lambda item: not is_tracked(item, self._context), default=None)

    def _take(self, item_id: str, finding: Finding, work: Found) -> None:
        work.findings[item_id] = finding
        if finding.row is not None:
            work.records[finding.row.id] = finding.row
            work.tables[finding.row.id] = finding.row.table
            for moved in [i for i, r in work.pairs.items() if r == finding.row.id and i in work.gone]:
                del work.pairs[moved]
            work.pairs[item_id] = finding.row.id
            if finding.row.id in work.alone:
                work.alone.remove(finding.row.id)

    def _lacks_row(self, item: ExchangeItem, row_id: str | None, work: Found) -> bool:
        """It is to have one: tracked, or tracked anew when the row that it had is no more."""
        if row_id is None:
            return is_tracked(item, self._context)
        link = work.links.get(row_id)
        ended = link is not None and link.state.ended and work.records.get(row_id) is Absence.PHYSICAL
        return link is not None and ended and is_tracked_anew(item, link, self._context)

    def _made_of(self, item: ExchangeItem, work: Found) -> str:
        """The id that a pass gives to the row that it makes of this item."""
        link = next((each for each in work.links.values() if each.exchange_id == item.id), None)
        if link is None and (begun := self._begun_for(item, work)):
            return begun.dynamics_id
        generation = link.generation if link else 1
        context = self._context
        return keys.record_id(
            context.organization.id, context.mailbox.id, item.id, generation, self._reading.default_table()
        )

    @staticmethod
    def _begun_for(item: ExchangeItem, work: Found) -> Link | None:
        """A task was moved, and so got another id, while a row was made of it: the link of that pass, which
        never came to its end."""
        begun = (each for each in work.links.values() if each.state is LinkState.CREATING)
        gone = (each for each in begun if each.exchange_id in work.gone)
        return next((each for each in gone if is_the_noted(each, item)), None)

    @staticmethod
    def _is_to_be_made(link: Link | None) -> bool:
        return link is None or link.state in (LinkState.CREATING, LinkState.LEFT_FILTER)

    # --- situations -------------------------------------------------------------------------------

    async def _situations(
        self, touched: PersonalTouched, work: Found, answers: Mapping[str, str]
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
                    takes_own=self._reading.takes_own(self._table_of(record, link)),
                )
            )
        return found

    def _table_of(self, record: DynamicsRecord | Absence | None, link: Link | None) -> str:
        if isinstance(record, DynamicsRecord):
            return record.table
        return link.table if link else self._reading.default_table()

    @staticmethod
    def _link_of(item_id: str | None, work: Found) -> Link | None:
        return next((link for link in work.links.values() if item_id and link.exchange_id == item_id), None)

    def _in_filter(self, record: DynamicsRecord | Absence | None, touched: PersonalTouched) -> bool | None:
        return self._reading.matches_filter(record, touched) if isinstance(record, DynamicsRecord) else None

    async def _entries(
        self, pairs: Sequence[tuple[str | None, str | None]], work: Found
    ) -> Mapping[str, ItemEntry]:
        """Of rows without a link: whether one ended before the links were lost."""
        await self._ask_index([row_id for _, row_id in pairs if row_id and row_id not in work.links], work)
        return work.entries

    async def _ask_index(self, ids: Sequence[str], work: Found) -> None:
        by_table: dict[str, list[str]] = {}
        for row_id in ids:
            if row_id not in work.entries:
                by_table.setdefault(work.tables.get(row_id, self._reading.default_table()), []).append(row_id)
        for table, asked in by_table.items():
            found = await self._services.items.entries(table, asked)
            work.entries.update({row_id: found.get(row_id, ItemEntry(None)) for row_id in asked})

    async def _rights(
        self, pairs: Sequence[tuple[str | None, str | None]], work: Found
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
