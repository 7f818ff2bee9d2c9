"""The timer that looks after the subscriptions of all mailboxes: what ends soon is extended, what is missing
made anew, what belongs to nobody dropped.

Three scans, whatever the number of mailboxes, then requests for what needs one. How many those are is
bounded, and they are spread: a subscription lives for a week, and in which hours of two days it is renewed
follows from its id. What a run leaves undone, because it was enough or Graph asked for patience, the next
one does.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from shared.engine.ports import Cursor, SubscriptionRow
from shared.engine.services import Services
from shared.errors import SyncError
from shared.mailboxes.change_notifications import Renewal, complete, end, renewed, resources
from shared.model.mailbox import Mailbox, MailboxState
from shared.model.profile import Profile
from shared.rules.cadence import part_of

RENEW_BEFORE = timedelta(days=2)
SPREAD = timedelta(days=1)
LISTED_EVERY = timedelta(hours=6)
"""How often Graph is asked for all it has: what it lost it tells by itself, mostly."""
LISTED = "subscriptions listed"
DOUBTED = timedelta(hours=1)
"""For so long after a change of which it did not tell a subscription is looked at."""
A_RUN = 1000
"""Mailboxes that need a request in one run."""
AT_ONCE = 8
GIVE_UP = 20
"""Mailboxes with trouble after which a run ends: nothing will work now."""

T = TypeVar("T")
log = logging.getLogger("sync.subscriptions")


async def renew_all(services: Services) -> Renewal:
    """The rows are read before Graph is asked, so that one made meanwhile does not look as if Graph had lost
    it."""
    outcome, now = Renewal(), services.now()
    rows: dict[str, list[SubscriptionRow]] = defaultdict(list)
    async for row in services.subscriptions.all():
        rows[row.mailbox].append(row)
    gone = await _gone(services, [row for some in rows.values() for row in some])
    mailboxes = {mailbox.id: mailbox async for mailbox in services.registry.all()}
    for stale in [row for some in rows.values() for row in some if row.id in gone]:
        rows[stale.mailbox].remove(stale)
        await services.subscriptions.remove(stale.id)
        outcome.removed += 1
    nobodys = [row for name, some in rows.items() if name not in mailboxes for row in some]
    await _of_nobody(services, nobodys, outcome)
    profiles = {profile.id: profile for profile in await services.profiles.all()}
    todo = [
        (mailbox, profile, rows[mailbox.id])
        for mailbox in mailboxes.values()
        if mailbox.state is MailboxState.ACTIVE
        and _needs(mailbox, profile := profiles.get(mailbox.profile, Profile()), rows[mailbox.id], now)
    ]
    todo.sort(key=lambda each: (_first_end(each[2], now), part_of(f"{each[0].id} {now.isoformat()}")))
    await _all(services, todo[:A_RUN], outcome)
    return outcome


async def _gone(services: Services, rows: Sequence[SubscriptionRow]) -> set[str]:
    """What ended, and, where it is time to ask, what Graph does not have."""
    now = services.now()
    ended = {row.id for row in rows if row.expires_at <= now}
    known = (await services.feeds.cursors(services.feed)).get(LISTED)
    if known and known.updated_at and now - known.updated_at < LISTED_EVERY:
        return ended
    try:
        alive = {subscription.id for subscription in await services.exchange.subscriptions()}
    except SyncError as error:
        log.warning("subscriptions not listed: %s %s", type(error).__name__, error.code)
        return ended
    await services.feeds.put_cursors(services.feed, [Cursor(LISTED, "", complete=True, updated_at=now)])
    return ended | {row.id for row in rows if row.id not in alive}


async def _of_nobody(services: Services, rows: Iterable[SubscriptionRow], outcome: Renewal) -> None:
    for row in rows:
        await end(services, row)
        outcome.removed += 1


def _needs(mailbox: Mailbox, profile: Profile, rows: Sequence[SubscriptionRow], now: datetime) -> bool:
    """A request to Graph, that is."""
    held, wanted = [row.resource for row in rows], resources(mailbox.id, profile)
    if any(_ends_soon(row, now) for row in rows) or set(held) - set(wanted):
        return True
    if mailbox.subscribe_again_at is not None and mailbox.subscribe_again_at > now:
        return False
    return bool(set(wanted) - set(held)) or _is_doubted(mailbox, now)


def _ends_soon(row: SubscriptionRow, now: datetime) -> bool:
    return row.expires_at - now < RENEW_BEFORE + part_of(row.id) * SPREAD


def _is_doubted(mailbox: Mailbox, now: datetime) -> bool:
    """Something did not work the last time, or a change was found of which it should have told."""
    untold = mailbox.untold_at is not None and now - mailbox.untold_at < DOUBTED
    return mailbox.subscribed_until is None or untold


def _first_end(rows: Sequence[SubscriptionRow], now: datetime) -> datetime:
    return min((row.expires_at for row in rows), default=now)


async def _all(
    services: Services, todo: Sequence[tuple[Mailbox, Profile, list[SubscriptionRow]]], outcome: Renewal
) -> None:
    troubled = 0

    async def one(work: tuple[Mailbox, Profile, list[SubscriptionRow]]) -> None:
        nonlocal troubled
        if troubled >= GIVE_UP:
            return
        own = await _look_after(services, *work)
        troubled = troubled + 1 if own.trouble and not own.refused else 0
        outcome.renewed += own.renewed
        outcome.recreated += own.recreated
        outcome.removed += own.removed

    await _side_by_side(one, todo)


async def _look_after(
    services: Services, mailbox: Mailbox, profile: Profile, rows: Sequence[SubscriptionRow]
) -> Renewal:
    own, now = Renewal(), services.now()
    doubted = _is_doubted(mailbox, now)
    kept = [await renewed(services, row, own) if doubted or _ends_soon(row, now) else row for row in rows]
    await complete(services, mailbox, profile, [row for row in kept if row is not None], own)
    return own


async def _side_by_side(work: Callable[[T], Awaitable[None]], items: Iterable[T]) -> None:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> None:
        async with slots:
            await work(item)

    await asyncio.gather(*(one(item) for item in items))
