"""The net: mailboxes whose time has come are asked for a pass, whether or not anything was pushed."""

from __future__ import annotations

import logging
from datetime import datetime

from shared.engine.services import Services
from shared.errors import NotFound
from shared.mailboxes.jobs_of_mailbox import NET

BATCH = 100

log = logging.getLogger("sync.net")


async def due_mailboxes(services: Services) -> int:
    """Fan out the due mailboxes onto the queue (MBX-14); returns how many. The pass sets the next time when
    it ends; until then a mailbox is asked for again only after the net's interval."""
    now = services.now()
    batch: list[str] = []
    count = 0
    async for mailbox in services.registry.due(now):
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
        await _postpone(services, mailbox, now)
    return len(mailboxes)


async def _postpone(services: Services, mailbox: str, now: datetime) -> None:
    """One that was removed meanwhile keeps nobody else from being asked for."""
    try:
        await services.registry.patch(mailbox, due_at=now + NET)
    except NotFound:
        log.info("a due mailbox was removed meanwhile")
