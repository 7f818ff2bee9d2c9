"""What is wrong now: each condition that deserves an alert is measured here, and nowhere said (MBX-19)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from shared.engine.services import Services
from shared.mailboxes.overview import FAILING, is_refused, lateness, subscriptions_of_all
from shared.model.alert import Severity
from shared.model.feed_tables import FEED_TABLES
from shared.model.mailbox import Mailbox, MailboxState
from shared.model.profile import Profile

LATE = timedelta(minutes=30)
FEED_SILENT = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Kind:
    """``patience``: how long it must last before it is an alert; many things pass by themselves."""

    severity: Severity
    sentence: str
    patience: timedelta = timedelta()


KINDS: Mapping[str, Kind] = {
    "dead-letters": Kind(
        Severity.ERROR,
        "Service Bus gave up jobs; their mailboxes are looked at again. GET /deadletters says which.",
    ),
    "mailbox-broken": Kind(
        Severity.ERROR,
        "The mailbox stopped and waits for somebody: its lastError says what to mend. It is tried again "
        "within the hour, or at once when it is enabled.",
    ),
    "mailbox-outage": Kind(
        Severity.ERROR,
        "Passes of the mailbox failed more often in a row than its profile takes for passing trouble "
        "(itemRetries.failures); they are repeated, if less often, and its lastError says why.",
    ),
    "mailbox-failing": Kind(
        Severity.WARNING,
        "Passes of the mailbox fail again and again; they are repeated, its lastError says why.",
        timedelta(minutes=15),
    ),
    "mailboxes-lag": Kind(
        Severity.ERROR, "Active mailboxes had no pass although they were due for half an hour."
    ),
    "subscriptions-lapsing": Kind(
        Severity.WARNING,
        "Change notifications are missing or end soon; changes are found by polling only.",
        timedelta(hours=1),
    ),
    "subscriptions-refused": Kind(
        Severity.WARNING,
        "Graph refuses change notifications of mailboxes (403): its limit of 1,000 a mailbox, or a right. "
        "They are polled; it is asked again every six hours.",
    ),
    "feed-silent": Kind(Severity.ERROR, "The change feed of Dynamics was not read for a quarter of an hour."),
    "decisions-waiting": Kind(
        Severity.INFORMATION,
        "Items of the mailbox wait for a decision of an administrator: GET /decisions.",
    ),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """``about`` tells conditions of one kind apart: a queue, or the mailbox."""

    what: str
    about: str = ""
    mailbox: str = ""
    count: int = 1

    @property
    def key(self) -> str:
        return f"{self.what}.{self.about}" if self.about else self.what


async def measure(services: Services) -> list[Condition]:
    """All or nothing: what cannot be measured must not look as if it were mended."""
    return [
        *await _dead_letters(services),
        *await _mailboxes(services),
        *await _subscriptions(services),
        *await _feed(services),
        *await _decisions(services),
    ]


async def _dead_letters(services: Services) -> list[Condition]:
    counts = await services.dead_letters.counts()
    return [Condition("dead-letters", queue, count=number) for queue, number in sorted(counts.items())]


async def _mailboxes(services: Services) -> list[Condition]:
    """Mailboxes that fail are not counted among those that come too late: each has its own alert."""
    found, late, refused, now = [], 0, 0, services.now()
    profiles = {profile.id: profile for profile in await services.profiles.all()}
    async for mailbox in services.registry.all():
        what = _state(mailbox, profiles.get(mailbox.profile, Profile()))
        if what:
            found.append(Condition(what, mailbox.id, mailbox.id))
        elif mailbox.state is MailboxState.ACTIVE:
            late += lateness(mailbox, now) > LATE
            refused += is_refused(mailbox, now)
    counted = {"mailboxes-lag": late, "subscriptions-refused": refused}
    return [*found, *(Condition(what, count=number) for what, number in counted.items() if number)]


def _state(mailbox: Mailbox, profile: Profile) -> str:
    if mailbox.state is MailboxState.BROKEN:
        return "mailbox-broken"
    if mailbox.state is not MailboxState.ACTIVE:
        return ""
    if mailbox.failures >= profile.item_retries.failures:
        return "mailbox-outage"
    return "mailbox-failing" if mailbox.failures >= FAILING else ""


async def _subscriptions(services: Services) -> list[Condition]:
    missing, lapsing = await subscriptions_of_all(services)
    return [Condition("subscriptions-lapsing", count=missing + lapsing)] if missing or lapsing else []


async def _feed(services: Services) -> list[Condition]:
    """A table that was never read is none that stopped: no mailbox was subscribed yet."""
    cursors = await services.feeds.cursors(services.feed)
    read = [cursors[table].updated_at for table in FEED_TABLES if table in cursors]
    silent = sum(at is not None and services.now() - at > FEED_SILENT for at in read)
    return [Condition("feed-silent", count=silent)] if silent else []


async def _decisions(services: Services) -> list[Condition]:
    waiting: dict[str, int] = {}
    for decision in await services.decisions.of_mailbox(None):
        if not decision.answer:
            waiting[decision.mailbox] = waiting.get(decision.mailbox, 0) + 1
    return [
        Condition("decisions-waiting", mailbox, mailbox, number)
        for mailbox, number in sorted(waiting.items())
    ]
