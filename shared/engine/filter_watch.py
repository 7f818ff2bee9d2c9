"""Whose sync filters changed, asked for the organization and not for each mailbox (FLT-2, FLT-3).

The system's filters are looked at now and then. Of those of users Dataverse tells by its push, as nobody may
list other people's; what it does not tell, and what could not be followed, the daily comparison of each
mailbox finds. A mailbox concerned gets a row in its inbox, and its next pass reads the filters as its owner.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.engine.filters import CHANGED
from shared.engine.ports import Cursor, InboxRow
from shared.engine.services import Services
from shared.errors import NotFound, ProfileBroken, Refused, SyncError
from shared.model.filter_push import FilterPush
from shared.model.mailbox import Mailbox, MailboxState
from shared.rules.cadence import part_of

FEED = "system filters"
ROW = InboxRow(CHANGED, "changed")
SPREAD = timedelta(minutes=12)
"""Everybody's filters are not read at once when one of the system changed."""
AT_ONCE = 16

log = logging.getLogger("sync.filters")


async def look_at_system(
    services: Services, organization: str, known: Cursor | None, *, told: bool = False
) -> int:
    """Ask for the system's filters, when it is time or Dataverse told of them; returns how many mailboxes
    are to read theirs anew. The mark on the mailboxes comes before it is noted that they have it."""
    now = services.now()
    if known and known.updated_at and not told and now - known.updated_at < services.filters_every:
        return 0
    found = await _fingerprint(services)
    changed = known is not None and found not in ("", known.link)
    marked = await _mark_all(services, now) if changed else 0
    kept = found or (known.link if known else "")
    await services.feeds.put_cursors(organization, [Cursor(FEED, kept, complete=True, updated_at=now)])
    return marked


async def _fingerprint(services: Services) -> str:
    """Changes with any of them. Nothing where the application may not read them: asked again when it is
    time."""
    try:
        filters = await services.dynamics.system_filters()
    except (Refused, ProfileBroken) as error:
        log.warning("the filters of the system cannot be read: %s", error.code)
        return ""
    return hashlib.sha256("\n".join(sorted(filters)).encode()).hexdigest()


async def user_filter_changed(services: Services, push: FilterPush) -> int:
    """Mark the mailbox of the filter's owner, and those of the users that the push names: a filter that is
    gone has no owner any more. Returns how many were marked."""
    users = set(push.users)
    try:
        owner = await services.dynamics.filter_owner(push.filter_id)
    except SyncError as error:
        log.warning("whose filter it is cannot be read: %s %s", type(error).__name__, error.code)
    else:
        if owner is not None and not owner.sync_filter:
            return 0
        users |= {owner.user_id} if owner else set()
    mailboxes = [mailbox.id for mailbox in (await services.registry.by_users(sorted(users))).values()]
    await _mark(services, {mailbox: services.now() for mailbox in mailboxes})
    await services.jobs.hint(sorted(mailboxes), "dynamics", services.now())
    return len(mailboxes)


async def _mark_all(services: Services, now: datetime) -> int:
    active = [m async for m in services.registry.all() if m.state is not MailboxState.DISABLED]
    due = {mailbox.id: _due_at(mailbox, now) for mailbox in active}
    await _mark(services, due)
    return len(due)


def _due_at(mailbox: Mailbox, now: datetime) -> datetime:
    later = now + part_of(f"{mailbox.id} {FEED}") * SPREAD
    return min(later, mailbox.due_at or later)


async def _mark(services: Services, due: dict[str, datetime]) -> None:
    ids = sorted(due)
    for begin in range(0, len(ids), AT_ONCE):
        some: Sequence[str] = ids[begin : begin + AT_ONCE]
        await asyncio.gather(*(_mark_one(services, mailbox, due[mailbox]) for mailbox in some))


async def _mark_one(services: Services, mailbox: str, due_at: datetime) -> None:
    await services.store.add_inbox(mailbox, [ROW])
    try:
        await services.registry.patch(mailbox, due_at=due_at)
    except NotFound:
        log.info("a mailbox was removed meanwhile")
