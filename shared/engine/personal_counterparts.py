"""Finds the row that a tracked item may be, and the item that a row may be (CONT-9): by the id that we chose
or stamped, then by what people are known by, or tasks that were left behind (``left_behind``)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from shared.engine import filters as sync_filters
from shared.engine.left_behind import LeftBehind
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
from shared.model.values import Side
from shared.rules.contact_matching import Verdict, as_match, as_match_of, choose, same_person
from shared.rules.situation import Context

GO_ON, DROP = "go-on", "drop"
LIVE = (LinkState.LINKED, LinkState.CREATING)
KEPT_OUT = LinkState.KEPT_OUT


@dataclass(frozen=True, slots=True)
class Finding:
    """``row`` or ``item``: the counterpart. ``matches``: those of whom an administrator must say which it is.
    ``chosen``: the one that he chose. ``kept_out``: he said already that the two are not to be
    synchronized."""

    row: DynamicsRecord | None = None
    item: ExchangeItem | None = None
    matches: tuple[Match, ...] = ()
    chosen: str = ""
    kept_out: bool = False


class Counterparts:
    """Looks for counterparts of one kind in one mailbox's pass."""

    def __init__(self, services: Services, context: Context, source: PersonalItems, kind: str) -> None:
        self._services = services
        self._context = context
        self._source = source
        self._kind = kind
        self._left_behind = LeftBehind(services, context, source)

    # --- rows for items ---------------------------------------------------------------------------

    async def rows_for(
        self,
        items: Sequence[ExchangeItem],
        made: Mapping[str, str],
        answers: Mapping[str, str],
        taken: Set[str],
        read: Mapping[str, DynamicsRecord | Absence],
        *,
        everything: bool,
    ) -> Mapping[str, Finding]:
        """``made``: the id that the row has if an earlier pass made it of the item. ``taken``: rows that have
        an item. ``read``: the rows that this pass has read already. ``everything``: the items are all that
        there are."""
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
            found |= await self._people_for(left, made, answers, read)
        elif left:
            taken = taken | {each.row.id for each in found.values() if each.row}
            rows = await self._left_behind.rows_for(left, taken, everything=everything)
            found |= {item_id: Finding(row=row) for item_id, row in rows.items()}
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
        made: Mapping[str, str],
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
        new = _Book()
        for item, me, matches in zip(items, mes, answered, strict=True):
            others = [match for match in matches if match.id not in linked]
            choice = choose(me, others)
            answer = answers.get(item.id, "")
            if answer and any(match.id == answer for match in others):
                chosen[item.id] = answer
                found[item.id] = Finding(chosen=answer)
            elif answer and (answer in linked or answer in made.values()):
                found[item.id] = Finding(kept_out=True)
            elif choice.match is not None and choice.match.id not in chosen.values():
                chosen[item.id] = choice.match.id
                found[item.id] = Finding()
            elif choice.match is not None:
                found[item.id] = Finding(matches=(choice.match,))
            else:
                doubles = self._doubles(me, matches, linked) or _twins(me, new, made)
                found[item.id] = Finding(matches=choice.ask or doubles)
                if not found[item.id].matches:
                    new.add(item)
        records = await self._records(CONTACT, sorted(set(chosen.values())), read)
        for item_id, row_id in chosen.items():
            record = records.get(row_id)
            if isinstance(record, DynamicsRecord):
                found[item_id] = Finding(row=record, chosen=found[item_id].chosen)
        return found

    @staticmethod
    def _doubles(me: Match, matches: Sequence[Match], linked: Set[str]) -> tuple[Match, ...]:
        """A second contact of somebody whose row is linked to another one: making a second row unasked would
        be a duplicate. Answered with that row, it is kept out: a row has one contact in a mailbox."""
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
        tasks = await self._left_behind.items_for(left, pool, busy)
        return found | {row_id: Finding(item=item) for row_id, item in tasks.items()}

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
        mes = {record.id: as_match_of(record, user=self._context.mailbox.user_id) for record in records}
        near = await self._near_each(mes, book)
        states = await self._states({item.id for items in near.values() for item in items})
        states |= dict.fromkeys((item_id for item_id, said in answers.items() if said == DROP), KEPT_OUT)
        busy = {*busy, *(item_id for item_id, said in answers.items() if said == GO_ON)}
        free = {
            row_id: {i.id: i for i in items if i.id not in busy and states.get(i.id) not in LIVE}
            for row_id, items in near.items()
        }
        picked = {
            row_id: (free[row_id][answer], answer)
            for row_id, answer in answers.items()
            if row_id in free and answer in free[row_id]
        }
        taken = {answer for _, answer in picked.values()}
        found: dict[str, Finding] = {}
        sure: dict[str, ExchangeItem] = {}
        for row_id in mes.keys() - picked.keys():
            others = {item_id: item for item_id, item in free[row_id].items() if item_id not in taken}
            finding = _of_contacts(mes[row_id], others, states)
            found[row_id] = finding
            if finding.item is not None:
                sure[row_id] = finding.item
        for row_id in await self._seen_otherwise(sure, mes):
            found[row_id] = Finding(matches=(as_match(sure.pop(row_id)),))
        picked |= {row_id: (item, "") for row_id, item in sure.items()}
        whole = await self._whole([item for item, _ in picked.values()])
        for row_id, (item, answer) in picked.items():
            found[row_id] = Finding(item=whole.get(item.id), chosen=answer)
        return found

    async def _near_each(
        self, mes: Mapping[str, Match], book: _Book | None
    ) -> dict[str, Sequence[ExchangeItem]]:
        """Side by side, as many as the mailbox allows at once. The first alone: what it finds out about
        folders serves the others."""
        first, *others = mes.items()
        found = {first[0]: await self._near(first[1], book)}
        near = await asyncio.gather(*(self._near(me, book) for _, me in others))
        return found | {row_id: items for (row_id, _), items in zip(others, near, strict=True)}

    async def _near(self, me: Match, book: _Book | None) -> Sequence[ExchangeItem]:
        return book.like(me) if book else await self._source.search(sorted(me.emails), me.name)

    async def _seen_otherwise(
        self, sure: Mapping[str, ExchangeItem], mes: Mapping[str, Match]
    ) -> Sequence[str]:
        """Rows whose contact may just as well be another row's: it is asked, seen from the contact. Of rows
        of the mailbox's owner only those of his own count, as others never come to him."""
        rows, user = list(sure), self._context.mailbox.user_id
        seen = [as_match(sure[row_id]) for row_id in rows]
        wanted = [Likeness(tuple(sorted(me.emails)), me.name, me.company) for me in seen]
        answered = await self._services.dynamics.contacts_like(wanted, as_user=user) if wanted else ()
        linked = await self._linked({match.id for matches in answered for match in matches})
        unsure = []
        for row_id, me, matches in zip(rows, seen, answered, strict=True):
            others = [m for m in matches if m.id not in linked and (m.owned or not mes[row_id].owned)]
            choice = choose(me, [mes[row_id], *(m for m in others if m.id != row_id)])
            if choice.match is None or choice.match.id != row_id:
                unsure.append(row_id)
        return unsure

    async def _whole(self, items: Sequence[ExchangeItem]) -> Mapping[str, ExchangeItem | None]:
        if not items:
            return {}
        return await self._source.items([PlacedId(item.id, item.place) for item in items])

    async def _states(self, ids: Set[str]) -> dict[str, LinkState]:
        if not ids:
            return {}
        found = await self._services.store.links_by_exchange(self._context.mailbox.id, sorted(ids))
        return {item_id: link.state for item_id, link in found.items()}


def _of_contacts(me: Match, free: Mapping[str, ExchangeItem], states: Mapping[str, LinkState]) -> Finding:
    """Of the contacts that may be this row's: the one that it is, unless a person has ended that."""
    others = [as_match(item) for item in free.values()]
    choice = choose(me, others)
    said_no = {match.id for match in others if states.get(match.id) is KEPT_OUT}
    if choice.match is not None:
        if choice.match.id in said_no:
            return Finding(kept_out=True)
        if states.get(choice.match.id) is LinkState.UNTRACKED:
            return Finding(matches=(choice.match,))
        return Finding(item=free[choice.match.id])
    left = tuple(match for match in choice.ask if match.id not in said_no)
    same = any(same_person(me, match) is Verdict.SAME for match in choice.ask)
    return Finding(matches=left, kept_out=same and not left)


def _twins(me: Match, new: _Book, made: Mapping[str, str]) -> tuple[Match, ...]:
    """The same person among those of whom this very pass makes a row."""
    choice = choose(me, [as_match(item) for item in new.like(me)])
    twin = choice.match or next(iter(choice.ask), None)
    if twin is None or same_person(me, twin) is not Verdict.SAME:
        return ()
    return (replace(twin, side=Side.DYNAMICS, id=made[twin.id], linked=True),)


class _Book:
    """Contacts of a mailbox, by what they may be found by."""

    def __init__(self, items: Iterable[ExchangeItem] = ()) -> None:
        self._by: dict[str, list[ExchangeItem]] = {}
        for item in items:
            self.add(item)

    def add(self, item: ExchangeItem) -> None:
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
