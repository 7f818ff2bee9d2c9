"""How all mailboxes are, in numbers: what alerts and the doctor look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from shared import telemetry
from shared.engine.ports import SubscriptionRow
from shared.engine.services import Services
from shared.mailboxes.change_notifications import resources
from shared.model.mailbox import Mailbox, MailboxState
from shared.model.profile import Profile

EVERY_MINUTES = 5
FAILING = 3
"""Failures in a row after which a mailbox counts as failing: the first few pass by themselves."""
LAPSING = timedelta(hours=12)


async def measure_mailboxes(services: Services, begun: datetime) -> None:
    """Called by each minute's timer, measured every few of them: it reads the whole registry."""
    if begun.minute % EVERY_MINUTES == 0:
        everyone = [mailbox async for mailbox in services.registry.all()]
        telemetry.measured("state", **state_of(everyone, services.now()))


def state_of(mailboxes: Sequence[Mailbox], now: datetime) -> dict[str, int]:
    """How many are in which state, how many fail, and how late the latest is."""
    states = Counter(mailbox.state for mailbox in mailboxes)
    active = [mailbox for mailbox in mailboxes if mailbox.state is MailboxState.ACTIVE]
    late = [lateness(mailbox, now) for mailbox in active]
    return {
        **{state.value: states[state] for state in MailboxState},
        "failing": sum(mailbox.failures >= FAILING for mailbox in active),
        "late_s": int(max(late, default=timedelta()).total_seconds()),
    }


def lateness(mailbox: Mailbox, now: datetime) -> timedelta:
    """For how long a mailbox should have been read and was not. A first pass is due at once."""
    planned = mailbox.poll_at or mailbox.last_pass_at or mailbox.created_at or now
    planned = max(planned, mailbox.postponed_until or planned, mailbox.retry_at or planned)
    return max(now - planned, timedelta())


async def measure_subscriptions(services: Services) -> None:
    missing, lapsing = await subscriptions_of_all(services)
    telemetry.measured("subscriptions", missing=missing, lapsing=missing + lapsing)


async def subscriptions_of_all(services: Services) -> tuple[int, int]:
    """How many subscriptions active mailboxes lack, and how many end soon; without those that Graph
    refuses."""
    ends: dict[tuple[str, str], datetime] = {}
    async for row in services.subscriptions.all():
        key = _key(row)
        ends[key] = max(ends.get(key, row.expires_at), row.expires_at)
    missing, lapsing, soon = 0, 0, services.now() + LAPSING
    profiles = {profile.id: profile for profile in await services.profiles.all()}
    async for mailbox in services.registry.all():
        profile = profiles.get(mailbox.profile, Profile())
        if mailbox.state is not MailboxState.ACTIVE or is_refused(mailbox, services.now()):
            continue
        for resource in resources(mailbox.id, profile):
            end = ends.get((mailbox.id, resource))
            missing += end is None
            lapsing += end is not None and end < soon
    return missing, lapsing


def is_refused(mailbox: Mailbox, now: datetime) -> bool:
    return mailbox.subscribe_again_at is not None and mailbox.subscribe_again_at > now


def _key(row: SubscriptionRow) -> tuple[str, str]:
    return row.mailbox, row.resource
