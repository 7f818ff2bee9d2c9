"""Finds the row that a tracked item may be, and the item that a row may be (CONT-9): by the id that we chose
or stamped, then by what people are known by. Tasks that Microsoft's own sync left behind are found by subject
and due date (PAIN-6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from shared.engine import filters as sync_filters
from shared.engine.ports import Likeness, PersonalItems
from shared.engine.services import Services
from shared.model.appointment import Absence
from shared.model.link import Link, LinkState
from shared.model.personal import (
    CONTACT,
    TASK,
    DynamicsRecord,
    ExchangeItem,
    Match,
    PlacedId,
)
from shared.rules.contact_matching import as_match, as_match_of, choose
from shared.rules.personal_marks import is_tracked
from shared.rules.situation import Context
from shared.rules.task_days import day_of

GO_ON, DROP = "go-on", "drop"


@dataclass(frozen=True, slots=True)
class Finding:
    """``row`` or ``item``: the counterpart. ``matches``: those of whom an administrator must say which it is.
    ``chosen``: the one that he chose."""

    row: DynamicsRecord | None = None
    item: ExchangeItem | None = None
    matches: tuple[Match, ...] = ()
    chosen: str = ""


class Counterparts:
    """Looks for counterparts of one kind in one mailbox's pass."""

    def __init__(self, services: Services, context: Context, source: PersonalItems, kind: str) -> None:
        self._services = services
        self._context = context
        self._source = source
        self._kind = kind

    # --- rows for items ---------------------------------------------------------------------------

    async def rows_for(
        self,
        items: Sequence[ExchangeItem],
        made: Mapping[str, str],
        answers: Mapping[str, str],
        read: Mapping[str, DynamicsRecord | Absence],
    ) -> Mapping[str, Finding]:
        """``made``: the id that the row has if an earlier pass made it of the item. ``read``: the rows that
        this pass has read already."""
        if not items:
            return {}
        known = await self._made(sorted(set(made.values())), read)
        found: dict[str, Finding] = {}
        left: list[ExchangeItem] = []
        for item in items:
            record = known.get(made[item.id])
            if isinstance(record, DynamicsRecord):
                found[item.id] = Finding(row=record)
            elif answers.get(item.id) in (GO_ON, DROP):
                found[item.id] = Finding()
            else:
                left.append(item)
        if self._kind == CONTACT and left:
            found |= await self._people_for(left, answers, read)
        return found

    async def _made(
        self, ids: Sequence[str], read: Mapping[str, DynamicsRecord | Absence]
    ) -> Mapping[str, DynamicsRecord | Absence]:
        """Nearly always there is none of them, so they are asked about together."""
        table = CONTACT if self._kind == CONTACT else TASK
        everything, user = sync_filters.everything(table), self._context.mailbox.user_id
        there = await self._services.dynamics.matching([everything], ids, as_user=user)
        return await self._records(table, sorted(row.id for row in there), read)

    async def _records(
        self, table: str, ids: Sequence[str], read: Mapping[str, DynamicsRecord | Absence]
    ) -> Mapping[str, DynamicsRecord | Absence]:
        found = {row_id: read[row_id] for row_id in ids if row_id in read}
        missing = [row_id for row_id in ids if row_id not in found]
        if not missing:
            return found
        user = self._context.mailbox.user_id
        return {**found, **await self._services.dynamics.records(table, missing, as_user=user)}

    async def _people_for(
        self,
        items: Sequence[ExchangeItem],
        answers: Mapping[str, str],
        read: Mapping[str, DynamicsRecord | Absence],
    ) -> dict[str, Finding]:
        mes = [as_match(item) for item in items]
        wanted = [Likeness(tuple(sorted(me.emails)), me.name, me.company) for me in mes]
        user = self._context.mailbox.user_id
        answered = await self._services.dynamics.contacts_like(wanted, as_user=user)
        everyone = {match.id for matches in answered for match in matches}
        linked = await self._linked(everyone)
        chosen: dict[str, str] = {}
        found: dict[str, Finding] = {}
        for item, me, matches in zip(items, mes, answered, strict=True):
            others = [match for match in matches if match.id not in linked]
            choice = choose(me, others)
            answer = answers.get(item.id, "")
            if answer and any(match.id == answer for match in others):
                chosen[item.id] = answer
                found[item.id] = Finding(chosen=answer)
            elif choice.match is not None and choice.match.id not in chosen.values():
                chosen[item.id] = choice.match.id
                found[item.id] = Finding()
            elif choice.match is not None:
                found[item.id] = Finding(matches=(choice.match,))
            else:
                found[item.id] = Finding(matches=choice.ask or self._doubles(me, matches, linked))
        records = await self._records(CONTACT, sorted(set(chosen.values())), read)
        for item_id, row_id in chosen.items():
            record = records.get(row_id)
            if isinstance(record, DynamicsRecord):
                found[item_id] = Finding(row=record, chosen=found[item_id].chosen)
        return found

    @staticmethod
    def _doubles(me: Match, matches: Sequence[Match], linked: Set[str]) -> tuple[Match, ...]:
        """A second contact of somebody whose row is linked to another one: making a second row unasked would
        be a duplicate."""
        theirs = [match for match in matches if match.id in linked]
        choice = choose(me, theirs)
        return (choice.match,) if choice.match is not None else ()

    async def _linked(self, rows: Iterable[str]) -> frozenset[str]:
        asked = [(CONTACT, row_id) for row_id in sorted(rows)]
        if not asked:
            return frozenset()
        links = await self._services.store.links_by_dynamics(self._context.mailbox.id, asked)
        return frozenset(link.dynamics_id for link in links.values() if not link.state.ended)

    # --- items for rows ---------------------------------------------------------------------------

    async def items_for(
        self,
        records: Sequence[DynamicsRecord],
        links: Mapping[str, Link],
        pool: Sequence[ExchangeItem] | None,
        busy: Set[str],
        answers: Mapping[str, str],
    ) -> Mapping[str, Finding]:
        """``pool``: all that the mailbox has, where it was just read; else the mailbox is searched. ``busy``:
        items that have a row."""
        found: dict[str, Finding] = {}
        left: list[DynamicsRecord] = []
        for record in records:
            link = links.get(record.id)
            if link is not None and link.state is LinkState.CREATING:
                items = await self._source.find_by_crm_id(record.id)
                found[record.id] = Finding(item=items[0] if items else None)
            elif answers.get(record.id) in (GO_ON, DROP):
                found[record.id] = Finding()
            elif link is None:
                left.append(record)
        if self._kind == CONTACT:
            return found | await self._contacts_for(left, pool, busy, answers)
        return found | await self._tasks_for(left, pool, busy)

    async def _contacts_for(
        self,
        records: Sequence[DynamicsRecord],
        pool: Sequence[ExchangeItem] | None,
        busy: Set[str],
        answers: Mapping[str, str],
    ) -> dict[str, Finding]:
        if not records:
            return {}
        book = _Book(pool) if pool is not None else None
        taken = set(busy)
        picked: dict[str, tuple[ExchangeItem, str]] = {}
        found: dict[str, Finding] = {}
        for record in records:
            me = as_match_of(record, user=self._context.mailbox.user_id)
            near = book.like(me) if book else await self._source.search(sorted(me.emails), me.name)
            linked = await self._linked_items([item.id for item in near if item.id not in taken])
            free = {item.id: item for item in near if item.id not in taken and item.id not in linked}
            choice = choose(me, [as_match(item) for item in free.values()])
            answer = answers.get(record.id, "")
            if answer in free:
                picked[record.id] = (free[answer], answer)
                taken.add(answer)
            elif choice.match is not None:
                picked[record.id] = (free[choice.match.id], "")
                taken.add(choice.match.id)
            else:
                found[record.id] = Finding(matches=choice.ask)
        whole = await self._whole([item for item, _ in picked.values()])
        for row_id, (item, answer) in picked.items():
            found[row_id] = Finding(item=whole.get(item.id), chosen=answer)
        return found

    async def _tasks_for(
        self, records: Sequence[DynamicsRecord], pool: Sequence[ExchangeItem] | None, busy: Set[str]
    ) -> dict[str, Finding]:
        """Only while the lists are read for the first time: tracked tasks that name no row, as Microsoft's
        own sync leaves them. Those of one subject and due date are alike, so any will do."""
        if pool is None:
            return {}
        free: dict[tuple[str, str], list[ExchangeItem]] = {}
        for item in sorted(pool, key=lambda item: item.id):
            named = item.stamps is not None and item.stamps.tracked
            if item.id not in busy and not named and is_tracked(item, self._context):
                free.setdefault(_task_key(str(item.value("subject") or ""), item.value("due")), []).append(
                    item
                )
        picked: dict[str, ExchangeItem] = {}
        for record in sorted(records, key=lambda record: record.id):
            due = record.value("due")
            day = day_of(str(due), self._context.zone) if due else None
            same = free.get(_task_key(record.name, day))
            if same:
                picked[record.id] = same.pop(0)
        whole = await self._whole(list(picked.values()))
        return {row_id: Finding(item=whole.get(item.id)) for row_id, item in picked.items()}

    async def _whole(self, items: Sequence[ExchangeItem]) -> Mapping[str, ExchangeItem | None]:
        if not items:
            return {}
        return await self._source.items([PlacedId(item.id, item.place) for item in items])

    async def _linked_items(self, ids: Sequence[str]) -> frozenset[str]:
        if not ids:
            return frozenset()
        found = await self._services.store.links_by_exchange(self._context.mailbox.id, ids)
        return frozenset(item_id for item_id, link in found.items() if not link.state.ended)


class _Book:
    """All contacts of a mailbox, by what they may be found by."""

    def __init__(self, items: Iterable[ExchangeItem]) -> None:
        self._by: dict[str, list[ExchangeItem]] = {}
        for item in items:
            me = as_match(item)
            for key in {*me.emails, _plain(me.name)} - {""}:
                self._by.setdefault(key, []).append(item)

    def like(self, me: Match) -> list[ExchangeItem]:
        found: dict[str, ExchangeItem] = {}
        for key in {*me.emails, _plain(me.name)} - {""}:
            found.update({item.id: item for item in self._by.get(key, ())})
        return list(found.values())


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def _task_key(subject: str, day: object) -> tuple[str, str]:
    return _plain(subject), str(day or "")
