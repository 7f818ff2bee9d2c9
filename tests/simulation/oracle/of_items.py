"""Each item, as both sides show it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.engine.ports import HistoryRow
from shared.rules.skips import Reason
from tests.simulation.humans import Humans
from tests.simulation.items import ARRIVES, DYNAMICS, EXCHANGE, SIDES, Item, undisputed
from tests.simulation.kinds import KINDS, SERIES
from tests.simulation.kinds.contacts import Contacts
from tests.simulation.kinds.events import Events
from tests.simulation.kinds.tasks import Tasks
from tests.simulation.oracle.broken import (
    CONVERGES,
    NO_DUPLICATES,
    NO_EDIT_LOST,
    NO_SURPRISE_DELETION,
    Broken,
)
from tests.simulation.oracle.of_answers import of_answer
from tests.simulation.oracle.of_privacy import of_copies, of_owner, of_private
from tests.simulation.oracle.of_series import of_series
from tests.simulation.world import World
from tests.wire.people import CATEGORY, Person

Rows = Mapping[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Seen:
    """An item and what there is of it; ``history``: of its owner's mailbox, as text."""

    item: Item
    rows: Rows
    history: str

    @property
    def is_one(self) -> bool:
        return all(len(there) == 1 for there in self.rows.values())


async def of_items(world: World, humans: Humans) -> AsyncIterator[Broken]:
    told = {person.mailbox: await history_of(world, person.mailbox) for person in world.everybody}
    dropped = {mailbox: _dropped(world, mailbox, rows) for mailbox, rows in told.items()}
    histories = {mailbox: str(rows) for mailbox, rows in told.items()}
    mailboxes = [(person, await shown_to(person)) for person in world.everybody]
    tables = [str(await world.web_api("GET", KINDS[name].entity_set)) for name in KINDS]
    for item in humans.items:
        item.arrives = ARRIVES + timedelta(seconds=world.diary.waited(item.owner.mailbox))
        rows = {side: await KINDS[item.kind].found(item, side) for side in SIDES}
        if item.guests.ever and dropped[item.owner.mailbox].intersection(item.ids.values()):
            continue  # what would have mailed its guests was not carried out: an administrator's word
        for broken in (
            *of_item(Seen(item, rows, histories[item.owner.mailbox])),
            *of_private(item, tables),
            *of_copies(item, mailboxes),
            *of_owner(item, rows[DYNAMICS]),
            *await _asked(world, item, rows, histories[item.owner.mailbox]),
        ):
            yield broken


def _dropped(world: World, mailbox: str, history: Sequence[HistoryRow]) -> set[str]:
    """The ids of what waited while an administrator was asked, who then said no; if somebody did."""
    if mailbox not in world.told_no:
        return set()
    rows = [row for row in history if Reason.DROPPED.sentence in row.reason]
    return {each for row in rows for each in (row.item.exchange, row.item.dynamics) if each}


async def _asked(world: World, item: Item, rows: Rows, history: str) -> list[Broken]:
    """What takes further questions."""
    found = []
    if item.kind == SERIES and item.alive and all(len(there) == 1 for there in rows.values()):
        item.ids = {side: KINDS[item.kind].id_of(side, rows[side][0]) for side in SIDES}
        found += await of_series(item, history, world.clock.now())
    made_again = item.unknown and all(rows.values())
    for side in () if item.wanted_anew or made_again else SIDES:
        for row in rows[side][:1]:
            answer = await item.owner.explain(KINDS[item.kind].id_of(side, row))
            found += of_answer(item, answer, linked=item.alive and not _never_came(item, rows[EXCHANGE]))
    return found


async def shown_to(person: Person) -> str:
    """All that is in a mailbox."""
    return "".join([str(await kind.rows_here(person)) for kind in (Events(), Contacts(), Tasks())])


async def history_of(world: World, mailbox: str) -> list[HistoryRow]:
    rows, after = await world.services.history.of_item(mailbox, None, limit=500, after=None)
    found = list(rows)
    while after:
        rows, after = await world.services.history.of_item(mailbox, None, limit=500, after=after)
        found += rows
    return found


def of_item(seen: Seen) -> Iterator[Broken]:
    item = seen.item
    yield from _there(seen)
    if item.alive and seen.is_one:
        for name in KINDS[item.kind].fields:
            yield from _field(seen, name)
        yield from _facts(seen)
    if not item.alive and not item.deleted:
        yield from _left_alone(seen)


def _there(seen: Seen) -> Iterator[Broken]:
    item = seen.item
    for side, there in seen.rows.items():
        if len(there) > 1:
            yield Broken(NO_DUPLICATES, f"{len(there)} in {side}", item)
        if side in item.deleted and there and not (_could_be_unmade(item, side) or item.wanted_anew):
            yield Broken(NO_DUPLICATES, f"deleted in {side}, and there again", item)
        if item.alive and not there and not (side == EXCHANGE and _never_came(item, there)):
            promise = NO_SURPRISE_DELETION if item.born == side else CONVERGES
            yield Broken(promise, f"not in {side}", item)


def _never_came(item: Item, here: list[dict[str, Any]]) -> bool:
    """Rightly: its row was closed before anybody could look at it."""
    return not here and item.hardly_open


def _left_alone(seen: Seen) -> Iterator[Broken]:
    """What its owner does not track any more, or never did, stays where it is, and nobody marks it again."""
    item, here = seen.item, seen.rows[EXCHANGE]
    if not here:
        yield Broken(NO_SURPRISE_DELETION, "not in exchange", item)
    for row in here:
        if CATEGORY in row["categories"]:
            yield Broken(NO_DUPLICATES, "tracked again, and not by its owner", item)


def _could_be_unmade(item: Item, side: str) -> bool:
    """What was deleted before the pass that made it was over cannot be told from what was never made, so it
    is made (docs/assumptions.md). Exchange has an idempotency key, but for contacts and tasks."""
    keyed = side == EXCHANGE and item.kind in ("event", "series")
    return item.unknown and side != item.born and not keyed


def _field(seen: Seen, name: str) -> Iterator[Broken]:
    kind, item = KINDS[seen.item.kind], seen.item
    here, there = (kind.value(side, seen.rows[side][0], name) for side in SIDES)
    if here != there:
        yield Broken(CONVERGES, f"{name}: '{here}' in exchange, '{there}' in dynamics", item)
    for edit in item.unseen(name):
        if edit.value not in (here, there) and edit.value not in seen.history:
            yield Broken(NO_EDIT_LOST, f"{name} := {edit.value} in {edit.side} at {edit.at}", item)
    last = undisputed([edit for edit in item.edits if edit.field == name])
    if last and last not in (here, there) and not item.retracked:  # joined again, with nothing in common
        yield Broken(NO_EDIT_LOST, f"{name}: '{last}' was undisputed, and there is '{here}'", item)
    known = {edit.value for edit in item.edits if edit.field == name}
    if not known & {here, there}:
        yield Broken(NO_EDIT_LOST, f"{name}: nobody ever wrote '{here}' or '{there}'", item)


def _facts(seen: Seen) -> Iterator[Broken]:
    kind = KINDS[seen.item.kind]
    here, there = (kind.facts(side, seen.rows[side][0]) for side in SIDES)
    for name in here:
        if here[name] != there[name]:
            words = f"{name}: {here[name]} in exchange, {there[name]} in dynamics"
            yield Broken(CONVERGES, words, seen.item)
        last = undisputed([edit for edit in seen.item.facts if edit.field == name])
        if last and last not in (here[name], there[name]) and not seen.item.retracked:
            words = f"{name}: '{last}' was undisputed, and there is '{here[name]}'"
            yield Broken(NO_EDIT_LOST, words, seen.item)
