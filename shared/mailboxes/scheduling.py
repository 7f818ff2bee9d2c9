"""The net: mailboxes whose time has come are asked for a pass, whether or not anything was pushed."""

from __future__ import annotations

import logging
from datetime import datetime

from shared.engine.services import Services
from shared.errors import NotFound
from shared.mailboxes.jobs_of_mailbox import ASKED_AGAIN, HEAL
from shared.model.mailbox import MailboxState
from shared.rules import cadence

BATCH = 100

log = logging.getLogger("sync.net")


async def due_mailboxes(services: Services) -> int:
    """Fan out the due mailboxes onto the queue (MBX-14); returns how many. The pass sets the next time when
    it ends; until then a mailbox is asked for again only after a while."""
    now = services.now()
    batch: list[str] = []
    count = 0
    async for mailbox in services.registry.due(now):
        if cadence.is_postponed(mailbox, now):
            await _due_at(services, mailbox.id, mailbox.postponed_until or now)
            continue
        batch.append(mailbox.id)
        if len(batch) >= BATCH:
            count += await _ask(services, batch, now)
            batch = []
    return count + await _ask(services, batch, now)


async def _ask(services: Services, mailboxes: list[str], now: datetime) -> int:
    """The message first: should this be cut off in between, the next run asks again."""
    if mailboxes:
        await services.jobs.hint(mailboxes, "due", now)
    for mailbox in mailboxes:
        await _due_at(services, mailbox, now + ASKED_AGAIN)
    return len(mailboxes)


async def _due_at(services: Services, mailbox: str, at: datetime) -> None:
    """One that was removed meanwhile keeps nobody else from being asked for."""
    try:
        await services.registry.patch(mailbox, due_at=at)
    except NotFound:
        log.info("a due mailbox was removed meanwhile")


async def try_broken(services: Services) -> int:
    """Ask for a pass of each mailbox that is broken, now and then: what a person mended comes back by itself
    (PAIN-7). Returns how many were asked for."""
    now = services.now()
    due = [
        mailbox.id
        async for mailbox in services.registry.all()
        if mailbox.state is MailboxState.BROKEN and (mailbox.retry_at is None or mailbox.retry_at <= now)
    ]
    await services.jobs.hint(due, HEAL, now)
    return len(due)
