"""Looks at both sides when all is calm and says which promises were broken. It knows what people did, and
nothing of rules or links."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from shared.errors import SyncError
from shared.model.mailbox import MailboxState
from tests.simulation.faults import Killed
from tests.simulation.humans import DYNAMICS, EXCHANGE, FIELDS, Humans, Item
from tests.simulation.world import World


@dataclass(frozen=True)
class Broken:
    """A promise that was not kept, and by which item that shows."""

    promise: str
    what: str
    item: Item | None = None

    def __str__(self) -> str:
        where = f"{self.item.kind} {self.item.mark}: " if self.item else ""
        return f"{self.promise}: {where}{self.what}"


async def broken_promises(world: World, humans: Humans) -> list[Broken]:
    found = [each async for each in _of_service(world)]
    for item in humans.items:
        found += [each async for each in _of_item(world, humans, item)]
    return found


# --- the service as a whole -----------------------------------------------------------------------


async def _of_service(world: World) -> AsyncIterator[Broken]:
    for queue, error in world.queues.ended:
        if not isinstance(error, (Killed, SyncError)):  # Storage or queue away: the message comes again.
            yield Broken("the worker never fails", f"{queue}: {error!r}")
    for message in world.queues.dead:
        yield Broken("nothing is given up", f"dead letter in {message.queue}: {message.body!r}")
    for person in world.everybody:
        row = await world.services.registry.get(person.mailbox)
        if row is None or row.state is not MailboxState.ACTIVE or row.last_error:
            yield Broken("everybody is served", f"{person.address}: {row and (row.state, row.last_error)}")
        for decision in await person.decisions():
            yield Broken("nobody is asked without need", f"{person.address}: {decision}")
        agenda = await world.services.store.agenda(person.mailbox, inbox_limit=100)
        if agenda.inbox:
            yield Broken("everything is looked at", f"{person.address}: {agenda.inbox}")
    mails = (await world.control("exchange", "GET", "outbox"))["value"]
    if mails:
        yield Broken("no surprise mail", f"{[(row['kind'], row['to']) for row in mails]}")


# --- one item -------------------------------------------------------------------------------------


async def _of_item(world: World, humans: Humans, item: Item) -> AsyncIterator[Broken]:
    rows = {side: await humans.found(item, side) for side in (EXCHANGE, DYNAMICS)}
    for side, there in rows.items():
        if len(there) > 1:
            yield Broken("no duplicates", f"{len(there)} in {side}", item)
        if side in item.deleted and there and not _could_be_unmade(item, side):
            yield Broken("nothing ended comes back", f"deleted in {side}, and there again", item)
        if not item.deleted and not there:
            yield Broken("no surprise deletion" if item.born == side else "converges", f"not in {side}", item)
    if item.deleted or not all(len(there) == 1 for there in rows.values()):
        return
    history = str((await world.services.history.of_item(item.owner.mailbox, None, limit=5000, after=None))[0])
    for name in FIELDS[item.kind]:
        here, there = (humans.value(item, side, rows[side][0], name).strip() for side in rows)
        if here != there:
            yield Broken("converges", f"{name}: '{here}' in exchange, '{there}' in dynamics", item)
        for edit in item.unseen(name):
            if edit.value not in (here, there) and edit.value not in history:
                yield Broken("no edit is lost", f"{name} := {edit.value} in {edit.side} at {edit.at}", item)
        known = {edit.value for edit in item.edits if edit.field == name}
        if not known & {here, there}:
            yield Broken("no edit is lost", f"{name}: nobody ever wrote '{here}' or '{there}'", item)


def _could_be_unmade(item: Item, side: str) -> bool:
    """Exchange has no idempotency key for contacts and tasks: one that was deleted before the pass that made
    it was over cannot be told from one that was never made, so it is made (docs/assumptions.md)."""
    return item.unknown and side == EXCHANGE and item.kind != "event"
