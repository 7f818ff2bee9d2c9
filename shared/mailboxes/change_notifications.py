"""The Graph subscriptions of each mailbox: created, renewed before they end, repaired when missing."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from collections.abc import Set
from dataclasses import dataclass
from datetime import timedelta

from shared.engine.ports import SubscriptionRow
from shared.engine.services import Services
from shared.errors import NotFound, SyncError
from shared.model.mailbox import Mailbox, MailboxState
from shared.model.profile import Profile

LIFE = timedelta(minutes=10_000)
"""Graph allows 10,080 minutes for Outlook resources."""
RENEW_BEFORE = timedelta(days=2)
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


async def ensure(services: Services, mailbox: Mailbox) -> int:
    """Create what is missing, end what the profile does not want any more; returns how many were created. A
    subscription that cannot be had now is no reason to stop: the net finds every change."""
    wanted = resources(mailbox.id, await services.profiles.get(mailbox.profile) or Profile())
    alive = set()
    for row in await services.subscriptions.of_mailbox(mailbox.id):
        if row.resource not in wanted:
            await _remove(services, row)
        elif row.expires_at > services.now():
            alive.add(row.resource)
    created = 0
    for resource in wanted:
        if resource not in alive:
            created += await _create(services, mailbox.id, resource)
    return created


async def _create(services: Services, mailbox_id: str, resource: str) -> int:
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
        return 0
    row = SubscriptionRow(made.id, mailbox_id, resource, hash_of(client_state), made.expires_at)
    await services.subscriptions.put(row)
    return 1


@dataclass
class Renewal:
    """What one run of the timer did."""

    renewed: int = 0
    recreated: int = 0
    removed: int = 0


async def renew_all(services: Services) -> Renewal:
    """Renew what ends soon, re-create what Graph no longer has, drop what belongs to no mailbox. The rows
    are read before Graph is asked, so that one made meanwhile does not look as if Graph had lost it."""
    outcome = Renewal()
    rows = [row async for row in services.subscriptions.all()]
    alive = {subscription.id for subscription in await services.exchange.subscriptions()}
    mailboxes = {mailbox.id: mailbox async for mailbox in services.registry.all()}
    for row in rows:
        mailbox = mailboxes.get(row.mailbox)
        await _look_after(services, row, alive, mailbox.state if mailbox else None, outcome)
    for _, mailbox in sorted(mailboxes.items()):
        if mailbox.state is MailboxState.ACTIVE:
            outcome.recreated += await ensure(services, mailbox)
    return outcome


async def _look_after(
    services: Services, row: SubscriptionRow, alive: Set[str], state: MailboxState | None, outcome: Renewal
) -> None:
    """One subscription; that of a paused mailbox is left to end by itself."""
    if row.id not in alive or row.expires_at <= services.now():
        await services.subscriptions.remove(row.id)
        outcome.removed += 1
    elif state is None:
        await _remove(services, row)
        outcome.removed += 1
    elif state is MailboxState.ACTIVE and row.expires_at - services.now() < RENEW_BEFORE:
        await _renew(services, row, outcome)


async def _renew(services: Services, row: SubscriptionRow, outcome: Renewal) -> None:
    try:
        renewed = await services.exchange.renew_subscription(row.id, services.now() + LIFE)
    except NotFound:
        await services.subscriptions.remove(row.id)
        outcome.removed += 1
    except SyncError as error:
        log.warning("subscription not renewed: %s %s", type(error).__name__, error.code)
    else:
        await services.subscriptions.put(
            SubscriptionRow(row.id, row.mailbox, row.resource, row.client_state_hash, renewed.expires_at)
        )
        outcome.renewed += 1


async def repair(services: Services, mailbox: Mailbox) -> None:
    """After a lifecycle event: extend (which reauthorizes too) what Graph still has, replace what it has not.
    Our own row says nothing about that: Graph removed the subscription, not us."""
    outcome = Renewal()
    for row in await services.subscriptions.of_mailbox(mailbox.id):
        await _renew(services, row, outcome)
    await ensure(services, mailbox)


async def remove_all(services: Services, mailbox_id: str) -> None:
    for row in await services.subscriptions.of_mailbox(mailbox_id):
        await _remove(services, row)


async def _remove(services: Services, row: SubscriptionRow) -> None:
    """Without its row a subscription is a stranger, and what it still sends is dropped."""
    try:
        await services.exchange.delete_subscription(row.id)
    except SyncError as error:
        log.warning("subscription not deleted, it ends by itself: %s", error.code)
    await services.subscriptions.remove(row.id)
