"""The Graph subscriptions of one mailbox: created, extended, repaired, ended; and until when they tell of
everything. The timer that looks after all of them is in ``renewals``."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.engine.ports import SubscriptionRow
from shared.engine.services import Services
from shared.errors import NotFound, SyncError
from shared.model.mailbox import Mailbox
from shared.model.profile import Profile

LIFE = timedelta(minutes=10_000)
"""Graph allows 10,080 minutes for Outlook resources."""
REFUSED_FOR = timedelta(hours=6)
"""How long nothing is asked for after Graph refused a subscription: a mailbox holds 1,000 of all
applications, and nobody but a person can make room."""
FORBIDDEN = 403
CONTACTS = "/contacts"

log = logging.getLogger("sync.subscriptions")


def hash_of(client_state: str) -> str:
    """Of any text: strangers may send lone surrogates."""
    return hashlib.sha256(client_state.encode("utf-8", "surrogatepass")).hexdigest()


def is_ours(row: SubscriptionRow, client_state: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(row.client_state_hash, hash_of(client_state))


def resources(mailbox_id: str, profile: Profile) -> tuple[str, ...]:
    """What a mailbox is watched for: its events and, where they are synchronized, its contacts. Whether Graph
    tells of contacts in other folders than the default one is not said anywhere; whenever contacts are read,
    all folders are, by the net at the latest. Tasks are read by the clock, for Graph tells nobody of them."""
    events = f"/users/{mailbox_id}/events"
    return (events, f"/users/{mailbox_id}{CONTACTS}") if profile.synchronize_contacts else (events,)


@dataclass
class Renewal:
    """What was done. ``refused``: Graph will have no more subscriptions of a mailbox. ``trouble``: something
    did not work that may work later."""

    renewed: int = 0
    recreated: int = 0
    removed: int = 0
    refused: bool = False
    trouble: bool = False


async def ensure(services: Services, mailbox: Mailbox) -> int:
    """Create what is missing, end what the profile does not want any more; returns how many were created. A
    subscription that cannot be had now is no reason to stop: the net finds every change."""
    profile = await services.profiles.get(mailbox.profile) or Profile()
    rows = await services.subscriptions.of_mailbox(mailbox.id)
    outcome = Renewal()
    await complete(services, mailbox, profile, rows, outcome)
    return outcome.recreated


async def repair(services: Services, mailbox: Mailbox) -> None:
    """After a lifecycle event: extend (which reauthorizes too) what Graph still has, replace what it has not.
    Our own row says nothing about that: Graph removed the subscription, not us."""
    outcome = Renewal()
    profile = await services.profiles.get(mailbox.profile) or Profile()
    rows = await services.subscriptions.of_mailbox(mailbox.id)
    kept = [await renewed(services, row, outcome) for row in rows]
    await complete(services, mailbox, profile, [row for row in kept if row is not None], outcome)


async def complete(
    services: Services,
    mailbox: Mailbox,
    profile: Profile,
    rows: Sequence[SubscriptionRow],
    outcome: Renewal,
) -> None:
    """Make the subscriptions of a mailbox, which are these rows, what they should be, and note until when it
    may rely on them."""
    wanted, alive = resources(mailbox.id, profile), {}
    for row in rows:
        if row.resource not in wanted:
            await end(services, row)
        elif row.expires_at > services.now():
            alive[row.resource] = row
    for resource in wanted:
        if resource not in alive and _may_ask(mailbox, outcome, services.now()):
            made = await _create(services, mailbox.id, resource, outcome)
            alive |= {resource: made} if made else {}
    complete_now = not outcome.trouble and len(alive) == len(wanted)
    until = min(row.expires_at for row in alive.values()) if complete_now else None
    await _note(services, mailbox, until, refused=outcome.refused)


def _may_ask(mailbox: Mailbox, outcome: Renewal, now: datetime) -> bool:
    waits = mailbox.subscribe_again_at is not None and mailbox.subscribe_again_at > now
    return not waits and not outcome.refused


async def _note(services: Services, mailbox: Mailbox, until: datetime | None, *, refused: bool) -> None:
    """Where it is news only: this is called for every mailbox."""
    again_at = services.now() + REFUSED_FOR if refused else None if until else mailbox.subscribe_again_at
    if (until, again_at) == (mailbox.subscribed_until, mailbox.subscribe_again_at):
        return
    try:
        await services.registry.patch(mailbox.id, subscribed_until=until, subscribe_again_at=again_at)
    except NotFound:
        log.info("the mailbox was removed meanwhile")


async def _create(
    services: Services, mailbox_id: str, resource: str, outcome: Renewal
) -> SubscriptionRow | None:
    client_state = secrets.token_urlsafe(32)
    try:
        made = await services.exchange.subscribe(
            mailbox_id,
            resource=resource,
            client_state=client_state,
            expires_at=services.now() + LIFE,
        )
    except SyncError as error:
        log.warning("subscription not created: %s %s", type(error).__name__, error.code)
        outcome.refused |= error.status == FORBIDDEN
        outcome.trouble = True
        return None
    row = SubscriptionRow(made.id, mailbox_id, resource, hash_of(client_state), made.expires_at)
    await services.subscriptions.put(row)
    outcome.recreated += 1
    return row


async def renewed(services: Services, row: SubscriptionRow, outcome: Renewal) -> SubscriptionRow | None:
    """The row as it is then; None when Graph has no such subscription any more."""
    try:
        extended = await services.exchange.renew_subscription(row.id, services.now() + LIFE)
    except NotFound:
        await services.subscriptions.remove(row.id)
        outcome.removed += 1
        return None
    except SyncError as error:
        log.warning("subscription not renewed: %s %s", type(error).__name__, error.code)
        outcome.trouble = True
        return row
    row = replace(row, expires_at=extended.expires_at)
    await services.subscriptions.put(row)
    outcome.renewed += 1
    return row


async def remove_all(services: Services, mailbox_id: str) -> None:
    for row in await services.subscriptions.of_mailbox(mailbox_id):
        await end(services, row)


async def end(services: Services, row: SubscriptionRow) -> None:
    """Without its row a subscription is a stranger, and what it still sends is dropped."""
    try:
        await services.exchange.delete_subscription(row.id)
    except SyncError as error:
        log.warning("subscription not deleted, it ends by itself: %s", error.code)
    await services.subscriptions.remove(row.id)
