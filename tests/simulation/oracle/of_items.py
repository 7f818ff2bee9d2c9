"""Each item, as both sides show it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.simulation.humans import Humans
from tests.simulation.items import EXCHANGE, SIDES, Item
from tests.simulation.kinds import KINDS
from tests.simulation.oracle.broken import (
    CONVERGES,
    NO_DUPLICATES,
    NO_EDIT_LOST,
    NO_SURPRISE_DELETION,
    Broken,
)
from tests.simulation.world import World

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
    histories = {person.mailbox: await history_of(world, person.mailbox) for person in world.everybody}
    for item in humans.items:
        rows = {side: await KINDS[item.kind].found(item, side) for side in SIDES}
        for broken in of_item(Seen(item, rows, histories[item.owner.mailbox])):
            yield broken


async def history_of(world: World, mailbox: str) -> str:
    rows, _ = await world.services.history.of_item(mailbox, None, limit=50_000, after=None)
    return str(rows)


def of_item(seen: Seen) -> Iterator[Broken]:
    item = seen.item
    yield from _there(seen)
    if item.alive and seen.is_one:
        for name in KINDS[item.kind].fields:
            yield from _field(seen, name)
        yield from _facts(seen)


def _there(seen: Seen) -> Iterator[Broken]:
    item = seen.item
    for side, there in seen.rows.items():
        if len(there) > 1:
            yield Broken(NO_DUPLICATES, f"{len(there)} in {side}", item)
        if side in item.deleted and there and not _could_be_unmade(item, side):
            yield Broken(NO_DUPLICATES, f"deleted in {side}, and there again", item)
        if item.alive and not there:
            promise = NO_SURPRISE_DELETION if item.born == side else CONVERGES
            yield Broken(promise, f"not in {side}", item)


def _could_be_unmade(item: Item, side: str) -> bool:
    """Exchange has no idempotency key for contacts and tasks: one that was deleted before the pass that made
    it was over cannot be told from one that was never made, so it is made (docs/assumptions.md)."""
    return item.unknown and side == EXCHANGE and item.kind not in ("event", "series")


def _field(seen: Seen, name: str) -> Iterator[Broken]:
    kind, item = KINDS[seen.item.kind], seen.item
    here, there = (kind.value(side, seen.rows[side][0], name) for side in SIDES)
    if here != there:
        yield Broken(CONVERGES, f"{name}: '{here}' in exchange, '{there}' in dynamics", item)
    for edit in item.unseen(name):
        if edit.value not in (here, there) and edit.value not in seen.history:
            yield Broken(NO_EDIT_LOST, f"{name} := {edit.value} in {edit.side} at {edit.at}", item)
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
