"""What a message of ``mailbox-sync`` does: a pass, or the answer to an administrator's question, in the
mailbox's session; and what happens when that fails (MBX-16)."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from time import perf_counter

from shared import telemetry
from shared.engine.mailbox_pass import MailboxPass, PassResult
from shared.engine.personal_gather import Wanted
from shared.engine.ports import Jobs
from shared.engine.questions import explain, preview
from shared.engine.services import Services
from shared.errors import FenceLost, MailboxBroken, NotFound, ProfileBroken, SyncError, Throttled
from shared.jobs.messages import Job
from shared.mailboxes import change_notifications, life_cycle
from shared.mailboxes.plain_words import sentence
from shared.model.feed_tables import FEED_TABLES
from shared.model.mailbox import Mailbox, MailboxState
from shared.model.profile import Profile
from shared.model.values import Value

NET = timedelta(minutes=5)
FEED_WAIT = timedelta(seconds=2)
FEED_DOUBLINGS = 5
FENCE_WAIT = timedelta(seconds=10)
BACK_OFF = tuple(timedelta(seconds=seconds) for seconds in (2, 10, 30, 120, 300))
COMPARING = frozenset({"sync now", "enable", "resume"})
QUESTIONS = frozenset({"preview", "explain"})
ABOUT_CONTACTS = "contacts"
"""The cause of a notification about contacts: the calendars have nothing to do with it."""
HINTS = frozenset({"notification", ABOUT_CONTACTS, "due", "dynamics", "owner", "missed"})
"""Causes that ask for a look and carry nothing else: any later pass serves them as well."""
PUSHED = frozenset({"notification", "dynamics", "owner"})
"""Hints that have nothing to do with contacts of Exchange."""

log = logging.getLogger("sync.pass")


async def run(services: Services, job: Job, waited: float = 0.0) -> None:
    """Carry out one job, which ``waited`` so many seconds. Returns normally for everything that was
    understood and scheduled again."""
    mailbox = telemetry.hashed(job.mailbox)
    name = job.cause if job.cause in QUESTIONS else "pass"
    with telemetry.span(name, job.traceparent, cause=job.cause, mailbox=mailbox, waited_s=round(waited, 1)):
        await _carry_out(services, job)


async def _carry_out(services: Services, job: Job) -> None:
    try:
        await _run(services, job)
    except SyncError as error:
        log.warning("state not reached: %s %s", type(error).__name__, error.code)
        await put_off(services.jobs, job, services.now())


async def put_off(jobs: Jobs, job: Job, now: datetime) -> None:
    """Come back by schedule, later each time, where nothing but the queue is needed. A question is not
    repeated: by then nobody waits for its answer."""
    if job.cause not in QUESTIONS:
        await jobs.again(job.mailbox, job.cause, at=now + _step(job.attempt), attempt=job.attempt + 1)


async def _again(services: Services, mailbox: Mailbox, job: Job, at: datetime, attempt: int) -> None:
    """Come back at that time, by a message, or where none can be sent by the net, which looks at the table.
    What is more than a hint stays in its message: raises, so that Service Bus delivers it again."""
    try:
        await services.jobs.again(mailbox.id, job.cause, at=at, attempt=attempt)
    except SyncError as error:
        if job.cause not in {*HINTS, "continue"}:
            raise
        log.warning("left to the net: %s %s", type(error).__name__, error.code)
        await _note(services, mailbox.id, due_at=at)


async def _run(services: Services, job: Job) -> None:
    mailbox = await services.registry.get(job.mailbox)
    if mailbox is None:
        return
    if job.cause in QUESTIONS:
        await _answer(services, mailbox, job)
    elif mailbox.state is MailboxState.ACTIVE and not _waits_for_retry(mailbox, job, services.now()):
        await _try(services, mailbox, job)


def _waits_for_retry(mailbox: Mailbox, job: Job, now: datetime) -> bool:
    """A service that asked for patience gets it: the retry that is scheduled sees what the hint is about."""
    return job.cause in HINTS and not job.attempt and mailbox.failures > 0 and _retry_is_pending(mailbox, now)


def _retry_is_pending(mailbox: Mailbox, now: datetime) -> bool:
    return mailbox.retry_at is not None and mailbox.retry_at > now


def _step(number: int) -> timedelta:
    return BACK_OFF[min(number, len(BACK_OFF) - 1)]


async def _try(services: Services, mailbox: Mailbox, job: Job) -> None:
    """One pass, and what its failure means (MBX-16)."""
    try:
        await _pass(services, mailbox, job)
    except FenceLost:
        log.info("another worker has the mailbox; later")
        await _again(services, mailbox, job, services.now() + FENCE_WAIT, job.attempt + 1)
    except Throttled as error:
        await _later(services, mailbox, job, error, timedelta(seconds=max(error.retry_after, 1)))
    except MailboxBroken as error:
        await _broken(services, mailbox, error)
    except ProfileBroken as error:
        if mailbox.failures >= len(BACK_OFF):
            await _broken(services, mailbox, error)
        else:  # new permissions take minutes to reach every server
            await _later(services, mailbox, job, error, _step(mailbox.failures))
    except SyncError as error:
        await _later(services, mailbox, job, error, _step(mailbox.failures))


async def _profile(services: Services, mailbox: Mailbox) -> Profile:
    return await services.profiles.get(mailbox.profile) or Profile()


async def _pass(services: Services, mailbox: Mailbox, job: Job) -> None:
    started = perf_counter()
    first = mailbox.last_pass_at is None
    if first and not await _feed_is_ready(services):
        wait = FEED_WAIT * 2 ** min(job.attempt, FEED_DOUBLINGS)
        await _retry(services, mailbox, job, services.now() + wait)
        return
    mailbox = await _prepare(services, mailbox, job)
    profile = await _profile(services, mailbox)
    result = await MailboxPass(services, mailbox, profile).run(
        reconcile=job.cause in COMPARING or first, wanted=wanted_by(job.cause)
    )
    known = await _record(services, mailbox, job, result, perf_counter() - started)
    if known and result.unfinished and result.again_at is not None:
        wait = _step(job.attempt) if job.attempt else timedelta()
        await _retry(services, mailbox, replace(job, cause="continue"), result.again_at + wait)
    elif known and result.again_at is not None:
        await _again(services, mailbox, replace(job, cause="continue"), result.again_at, 0)


def wanted_by(cause: str) -> Wanted:
    """Which feeds a pass reads. A hint says what it is about; whatever else somebody asked for reads all."""
    if cause in PUSHED:
        return Wanted(contacts=False)
    everything = cause not in {*HINTS, "continue"}
    return Wanted(everything=everything, calendars=cause != ABOUT_CONTACTS)


async def _retry(services: Services, mailbox: Mailbox, job: Job, at: datetime) -> None:
    """Come back at that time. Each hint comes here too while something does not work: only one retry is ever
    under way for all of them, or a burst would keep its size until the trouble is over."""
    if not job.attempt and job.cause in {*HINTS, "continue"} and _retry_is_pending(mailbox, services.now()):
        return
    if await _note(services, mailbox.id, retry_at=at, due_at=at + NET):
        await _again(services, mailbox, job, at, job.attempt + 1)


async def _note(services: Services, mailbox_id: str, **changes: Value | datetime) -> bool:
    """False when the mailbox was removed meanwhile: then there is nothing to note, and nothing to repeat."""
    try:
        await services.registry.patch(mailbox_id, **changes)
    except NotFound:
        log.info("the mailbox was removed meanwhile")
        return False
    return True


async def _feed_is_ready(services: Services) -> bool:
    """A mailbox's first sync starts after the change feed has its token of each table, or changes in between
    are missed."""
    cursors = await services.feeds.cursors(services.feed)
    if all(table in cursors and not cursors[table].round for table in FEED_TABLES):
        return True
    await services.jobs.read_feed(services.feed, "first sync", services.now())
    return False


async def _prepare(services: Services, mailbox: Mailbox, job: Job) -> Mailbox:
    """What a first pass, or a pass that was asked for, needs besides the items."""
    if job.cause == "enable" or mailbox.last_pass_at is None:
        await life_cycle.rejoin(services, mailbox.id)
    if job.cause in ("reauthorize", "subscriptions"):
        await change_notifications.repair(services, mailbox)
    elif job.cause in COMPARING or mailbox.last_pass_at is None:
        await change_notifications.ensure(services, mailbox)
    if job.cause in COMPARING and mailbox.last_pass_at is not None:
        info = await services.exchange.mailbox(mailbox.id).info()
        if info.time_zone != mailbox.time_zone:
            await services.registry.patch(mailbox.id, time_zone=info.time_zone)
            return replace(mailbox, time_zone=info.time_zone)
    return mailbox


async def _record(services: Services, mailbox: Mailbox, job: Job, result: PassResult, seconds: float) -> bool:
    now, milliseconds = services.now(), int(seconds * 1000)
    numbers = {
        "actions": result.actions,
        "skipped": result.skipped,
        "echoes": result.echoes,
        "unfinished": result.unfinished,
        "held": result.held,
    }
    telemetry.passed(numbers, quiet=job.cause == "due" and not any(numbers.values()))
    retry_at = mailbox.retry_at if result.unfinished else None
    return await _note(
        services,
        mailbox.id,
        last_pass_at=now,
        last_pass_ms=milliseconds,
        due_at=now + NET,
        failures=0,
        retry_at=retry_at,
        last_error="; ".join(result.errors[:3]),
    )


async def _later(services: Services, mailbox: Mailbox, job: Job, error: SyncError, wait: timedelta) -> None:
    """A transient failure comes back by schedule, never by failing (design: choices)."""
    log.warning("pass not done: %s %s; again in %ds", type(error).__name__, error.code, wait.total_seconds())
    telemetry.passed({}, failed=True)
    if await _note(services, mailbox.id, failures=mailbox.failures + 1, last_error=sentence(error)):
        await _retry(services, mailbox, job, services.now() + wait)


async def _broken(services: Services, mailbox: Mailbox, error: SyncError) -> None:
    """A person must mend it: the mailbox stops and says why (MBX-16)."""
    log.error("mailbox broken: %s", error.code)
    telemetry.passed({}, failed=True)
    state = MailboxState.BROKEN.value
    await _note(services, mailbox.id, state=state, retry_at=None, last_error=sentence(error))


async def _answer(services: Services, mailbox: Mailbox, job: Job) -> None:
    """A question's answer, or the reason why there is none, goes where the administrator waits for it."""
    profile = await _profile(services, mailbox)
    try:
        if job.cause == "preview":
            answer = await preview(services, mailbox, profile)
        else:
            answer = await explain(services, mailbox, profile, str(job.options.get("item", "")))
    except SyncError as error:
        answer = {"error": {"code": error.code or type(error).__name__, "message": sentence(error)}}
    await services.answers.put(mailbox.id, job.request, answer)
