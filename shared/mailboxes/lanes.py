"""Which lane a mailbox's job is done in: its first sync in ``mailbox-bulk``, all else in ``mailbox-sync``.

A mailbox is in one lane at a time; its fence row says in which (``engine/first_sync.py``). A job that comes
to the other one does little. In ``mailbox-sync`` it notes that there is news, and sees to it that the first
sync goes on where that may be in doubt; in ``mailbox-bulk`` it says that there may be something to look at.

A first sync is a chain of messages, each of which follows one generation of the fence. One that comes late,
or again, asks for the slice that follows the present generation, under an id that whoever took the mailbox
meanwhile has used already: so a chain is mended wherever it broke, and does not become two. What no message
is left of comes back with the net.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from shared import lane
from shared.engine import first_sync
from shared.engine.pass_result import PassResult
from shared.engine.ports import Agenda, InboxRow, Jobs
from shared.engine.services import Services
from shared.errors import NotFound, Throttled, Transient
from shared.jobs.messages import FIRST_SYNC, Job
from shared.lane import Lane
from shared.mailboxes import change_notifications, life_cycle
from shared.model.mailbox import Mailbox, MailboxState

NET = timedelta(minutes=15)
"""After so long without a slice the net asks for one; longer than a message id is remembered."""
OVER = "first sync over"
RECONCILE = InboxRow("reconcile", "asked for during the first sync")
_NEWS = {
    "notification": (first_sync.CALENDARS,),
    "contacts": (first_sync.CONTACTS,),
    "dynamics": (),
    "owner": (),
    "due": (),
}
"""By cause, where there is news. Rows of Dynamics are in the inbox already; any other cause is about all."""
_EVERYWHERE = (first_sync.CALENDARS, first_sync.CONTACTS)
_WAITS = frozenset(
    {"notification", "contacts", "dynamics", "owner", "missed", "reauthorize", "subscriptions"}
)
"""Causes that know of no reason why the first sync should not go on by itself."""
_COMPARES = frozenset({"sync now", "enable", "resume", "heal"})
_REPAIRS = frozenset({"reauthorize", "subscriptions"})

log = logging.getLogger("sync.pass")


# --- sending --------------------------------------------------------------------------------------


async def again(jobs: Jobs, job: Job, *, at: datetime, attempt: int) -> None:
    """The job once more, in the lane that it came in."""
    if lane.current() is Lane.BULK:
        await jobs.first_sync(job.mailbox, after=job.after, at=at, attempt=attempt, merge=False)
    else:
        await jobs.again(job.mailbox, job.cause, at=at, attempt=attempt)


async def follow(services: Services, mailbox: Mailbox, job: Job, result: PassResult, wait: timedelta) -> None:
    """After a slice: the next one, or the other lane. ``wait``: how long more where nothing could be done.
    What cannot be sent now is left to the net."""
    at = result.again_at or services.now()
    at += wait if _is_stuck(result) else timedelta()
    try:
        if result.over:
            await _look_elsewhere(services, mailbox.id)
            return
        await _go_on(services, mailbox, job, result, at)
    except (Throttled, Transient) as error:
        log.warning("left to the net: %s %s", type(error).__name__, error.code)
        await _due(services, mailbox.id, at)
    else:
        await _due(services, mailbox.id, at + NET)


async def _go_on(services: Services, mailbox: Mailbox, job: Job, result: PassResult, at: datetime) -> None:
    await services.jobs.first_sync(
        mailbox.id,
        after=result.generation,
        at=at if at > services.now() else None,
        attempt=job.attempt + 1 if _is_stuck(result) else 0,
        merge=result.generation != job.after,
    )
    await services.on_step("slice asked for")


def _is_stuck(result: PassResult) -> bool:
    """One item that fails makes no slice wait for long."""
    return bool(result.failed) and not (result.actions or result.echoes or result.untracked)


async def _due(services: Services, mailbox_id: str, at: datetime) -> None:
    try:
        await services.registry.patch(mailbox_id, due_at=at)
    except NotFound:
        log.info("the mailbox was removed meanwhile")


# --- the other lane -------------------------------------------------------------------------------


def is_elsewhere(agenda: Agenda) -> bool:
    return first_sync.lane_of(agenda) is not lane.current()


async def heal(services: Services, mailbox: Mailbox) -> None:
    """A mailbox that broke in its first sync: when it can be reached again the next slice is followed. Raises
    what still keeps it from that."""
    await life_cycle.refuse_other_sync(services, mailbox.user_id)
    await services.exchange.mailbox(mailbox.id).info()
    await services.registry.patch(mailbox.id, state=MailboxState.ACTIVE.value, retry_at=None)


async def elsewhere(services: Services, mailbox: Mailbox, job: Job, agenda: Agenda) -> bool:
    """True when this is not the job's place or not its time any more: then whatever has to be done instead is
    done."""
    if is_elsewhere(agenda):
        if lane.current() is Lane.BULK:
            await _look_elsewhere(services, mailbox.id)
        else:
            await _note(services, mailbox, job, agenda)
        return True
    if job.cause == FIRST_SYNC and job.after < first_sync.generation_of(agenda):
        await _ask(services, mailbox.id, agenda, attempt=job.attempt)
        return True
    return False


async def _look_elsewhere(services: Services, mailbox_id: str) -> None:
    await services.jobs.hint([mailbox_id], OVER, services.now())
    await services.on_step("lane told")


async def _note(services: Services, mailbox: Mailbox, job: Job, agenda: Agenda) -> None:
    """First what is not to be forgotten, then whoever shall see it."""
    if job.cause in _REPAIRS:
        await change_notifications.repair(services, mailbox)
    rows = [InboxRow(first_sync.NEWS, feed) for feed in _NEWS.get(job.cause, _EVERYWHERE)]
    rows += [RECONCILE] if job.cause in _COMPARES else []
    if rows and first_sync.has_begun(agenda):
        await services.store.add_inbox(mailbox.id, rows)
        await services.on_step("news noted")
    waits = job.cause in _WAITS
    if not waits or not first_sync.has_begun(agenda):
        await _ask(services, mailbox.id, agenda, merge=waits)
    if not waits:
        await _due(services, mailbox.id, services.now() + NET)


async def _ask(
    services: Services, mailbox_id: str, agenda: Agenda, *, attempt: int = 0, merge: bool = True
) -> None:
    after = first_sync.generation_of(agenda)
    await services.jobs.first_sync(mailbox_id, after=after, attempt=attempt, merge=merge)
    await services.on_step("slice asked for")


async def passed_on(services: Services, mailbox: Mailbox, job: Job) -> bool:
    """A question about a mailbox in which a slice may be at work is answered between two of them."""
    if lane.current() is Lane.BULK or mailbox.state is not MailboxState.ACTIVE:
        return False
    agenda = await services.store.agenda(mailbox.id, inbox_limit=1)
    if not first_sync.is_working(agenda, services.now()):
        return False
    await services.jobs.ask(mailbox.id, job.cause, job.request, job.options, bulk=True)
    return True
