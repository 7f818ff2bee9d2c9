"""Does it run: the clock, the change feed, the subscriptions, the mailboxes."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from shared.doctor.finding import Finding, failed, note, ok
from shared.doctor.patient import Patient
from shared.dynamics.dataverse.messages import Request
from shared.mailboxes import overview
from shared.model.feed_tables import FEED_TABLES
from shared.model.mailbox import MailboxState

SKEW = timedelta(seconds=60)
FEED_AGE = timedelta(minutes=15)
LATE = timedelta(minutes=30)
FIX_CLOCK = "Set the machine's clock (NTP). In Azure, restart the app and open a support request."
FIX_WORKER = (
    "Check that the worker runs and its timers are listed (az functionapp function list); if none is, sync "
    "its triggers again (docs/operations.md, 'worker-silent')."
)
FIX_TRACKING = (
    "Switch on 'Track changes' in the table's properties, unless nobody uses it (docs/deploy.md); it is "
    "tried again daily."
)
FIX_RENEW = "The timer renew_subscriptions mends this within half an hour; if it does not, see its log."


async def check_clock(patient: Patient) -> list[Finding]:
    """Against the time that Dataverse puts on its answers."""
    answer = await patient.dataverse.send(Request("GET", "WhoAmI", organization_wide=True), as_user=None)
    text = answer.headers.get("date")
    if not text:
        return [note("clock", "Dataverse put no time on its answer; the clock was not compared.")]
    skew = patient.services.now() - parsedate_to_datetime(text)
    if abs(skew) > SKEW:
        way = "ahead" if skew > timedelta() else "behind"
        sentence = f"Our clock is {abs(skew).total_seconds():.0f} seconds {way}."
        return [failed("clock", sentence, FIX_CLOCK)]
    return [ok("clock", "Our clock agrees with Dataverse's.")]


async def check_feed(patient: Patient) -> list[Finding]:
    services, found = patient.services, []
    cursors = await services.feeds.cursors(services.feed)
    for table in FEED_TABLES:
        cursor = cursors.get(table)
        if cursor is None or cursor.updated_at is None:
            text = f"The change feed of {table} has not been read yet."
            found.append(note("feed", text, "It is read when the first mailbox is subscribed."))
        elif not cursor.link:
            text = f"Dynamics offers no change feed of {table}; mailboxes find its changes once a day."
            found.append(note("feed", text, FIX_TRACKING))
        elif services.now() - cursor.updated_at > FEED_AGE:
            text = f"The change feed of {table} was last read {_ago(services.now(), cursor.updated_at)} ago."
            found.append(failed("feed", text, FIX_WORKER))
    return found or [ok("feed", "The change feed of Dynamics is read.")]


async def check_subscriptions(patient: Patient) -> list[Finding]:
    missing, lapsing = await overview.subscriptions_of_all(patient.services)
    if lapsing or missing:
        hours = overview.LAPSING.total_seconds() / 3600
        text = f"{missing} subscriptions are missing and {lapsing} end within {hours:.0f} h."
        return [failed("subscriptions", text, FIX_RENEW)]
    return [ok("subscriptions", "Every active mailbox has its change notifications.")]


async def check_mailboxes(patient: Patient) -> list[Finding]:
    """By id: an address is somebody's data."""
    found, now = [], patient.services.now()
    for mailbox in patient.mailboxes:
        if mailbox.state is MailboxState.BROKEN:
            text = f"Mailbox {mailbox.id} is broken: {mailbox.last_error}"
            found.append(failed("mailboxes", text, "Mend the cause, then POST …/mailboxes/{id}/enable."))
        elif mailbox.state is MailboxState.ACTIVE and overview.lateness(mailbox, now) > LATE:
            text = (
                f"Mailbox {mailbox.id} is late: its last pass was {_ago(now, mailbox.last_pass_at)} ago."
                if mailbox.last_pass_at
                else f"Mailbox {mailbox.id} has had no pass yet."
            )
            found.append(failed("mailboxes", text, FIX_WORKER))
    active = sum(mailbox.state is MailboxState.ACTIVE for mailbox in patient.mailboxes)
    return found or [ok("mailboxes", f"{active} active mailboxes, none broken, none late.")]


def _ago(now: datetime, then: datetime | None) -> str:
    minutes = (now - (then or now)).total_seconds() / 60
    return f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"
