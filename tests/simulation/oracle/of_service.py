"""The service as a whole, when nothing has gone wrong for hours: nobody is broken, waiting or given up."""

from __future__ import annotations

from collections.abc import AsyncIterator

from shared.errors import SyncError
from shared.model.mailbox import MailboxState
from tests.simulation.faults import Killed, Poisoned
from tests.simulation.oracle.broken import HEALS, NO_SURPRISE_DELETION, Broken
from tests.simulation.world import World

FORESEEN = (Killed, Poisoned, SyncError)
"""Of workers that end: killed, or storage or queue are away, and the message comes again."""


async def of_service(world: World) -> AsyncIterator[Broken]:
    for queue, error in world.queues.ended:
        if not isinstance(error, FORESEEN):
            yield Broken(HEALS, f"a worker of {queue} ended with {error!r}")
    for message in world.queues.dead:
        yield Broken(HEALS, f"a dead letter in {message.queue} that nobody recorded: {message.body!r}")
    for person in world.everybody:
        row = await world.services.registry.get(person.mailbox)
        if row is None or row.state is not MailboxState.ACTIVE or row.last_error:
            yield Broken(HEALS, f"{person.address}: {row and (row.state, row.last_error)}")
        for decision in await person.decisions():
            yield Broken(NO_SURPRISE_DELETION, f"asked without need: {person.address}: {decision}")
        agenda = await world.services.store.agenda(person.mailbox, inbox_limit=100)
        if agenda.inbox:
            yield Broken(HEALS, f"not looked at: {person.address}: {agenda.inbox}")
