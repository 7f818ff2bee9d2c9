"""What a message about a mailbox does: a pass (in ``mailbox-bulk`` a slice of its first sync), or the answer
to an administrator's question, in the mailbox's session; and what happens when that fails (MBX-16)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

from shared import lane, telemetry
from shared.engine import first_sync
from shared.engine.gather import INBOX_LIMIT
from shared.engine.mailbox_pass import MailboxPass
from shared.engine.pass_result import PassResult
from shared.engine.personal_gather import Wanted
from shared.engine.ports import Jobs
from shared.engine.questions import explain, preview
from shared.engine.services import Services
from shared.errors import FenceLost, MailboxBroken, NotFound, OutOfBudget, ProfileBroken, SyncError, Throttled
from shared.jobs.messages import FIRST_SYNC, Job
from shared.lane import Lane
from shared.mailboxes import change_notifications, lanes, life_cycle, verification
from shared.model.feed_tables import FEED_TABLES
from shared.model.mailbox import Mailbox, MailboxState
from shared.model.profile import Profile, Retries
from shared.model.values import Value
from shared.plain_words import keeps_failing_so, sentence
from shared.rules import cadence

ASKED_AGAIN = timedelta(minutes=5)
"""A mailbox that was asked for, or is to be tried again, is due once more after so long: a message may be
lost."""
FEED_WAIT = timedelta(seconds=2)
FEED_DOUBLINGS = 5
FENCE_WAIT = timedelta(seconds=10)
PERMISSION_TRIES = 5
"""Until something that a person must mend counts as such: new permissions take minutes to reach every
server."""
HEAL = "heal"
HEAL_AGAIN = timedelta(hours=1)
"""A mailbox that is broken is tried so often: whoever mended it need not remember to enable it."""
COMPARING = frozenset({"sync now", "enable", "resume", HEAL})
QUESTIONS = frozenset({"preview", "explain", verification.CAUSE})
ABOUT_CONTACTS = "contacts"
"""The cause of a notification about contacts: the calendars have nothing to do with it."""
DUE = "due"
TOLD = frozenset({"notification", ABOUT_CONTACTS})
HINTS = frozenset({*TOLD, DUE, "dynamics", "owner", "missed"})
"""Causes that ask for a look and carry nothing else: any later pass serves them as well."""
PUSHED = frozenset({"notification", "dynamics", "owner"})
"""Hints that have nothing to do with contacts of Exchange."""
LIFE_CYCLE = frozenset({"reauthorize", "subscriptions"})
"""Graph wants a subscription to be extended, or has removed it: what it did not tell meanwhile is in the
feeds."""

log = logging.getLogger("sync.pass")


async def run(services: Services, job: Job, waited: float = 0.0) -> None:
    """Carry out one job, which ``waited`` so many seconds, in the lane that it came in. Returns normally for
    everything that was understood and scheduled again."""
    mailbox = telemetry.hashed(job.mailbox)
    name = job.cause if job.cause in QUESTIONS else "pass"
    values = {"cause": job.cause, "mailbox": mailbox, "waited_s": round(waited, 1)}
    with telemetry.span(name, job.traceparent, lane=lane.current().value, **values):
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
        at = now + cadence.back_off(job.attempt, Retries())
        await lanes.again(jobs, job, at=at, attempt=job.attempt + 1)


async def _again(services: Services, mailbox: Mailbox, job: Job, at: datetime, attempt: int) -> None:
    """Come back at that time, by a message, or where none can be sent by the net, which looks at the table.
    What is more than a hint stays in its message: raises, so that Service Bus delivers it again."""
    try:
        await lanes.again(services.jobs, job, at=at, attempt=attempt)
    except SyncError as error:
        if job.cause not in {*HINTS, "continue", FIRST_SYNC}:
            raise
        log.warning("left to the net: %s %s", type(error).__name__, error.code)
        await _note(services, mailbox.id, due_at=at, poll_at=at)


async def _run(services: Services, job: Job) -> None:
    mailbox = await services.registry.get(job.mailbox)
    if mailbox is None:
        return
    if job.cause in QUESTIONS:
        if not await lanes.passed_on(services, mailbox, job):
            await _answer(services, mailbox, job)
    elif _is_followed(mailbox, job, services.now()):
        await _try(services, mailbox, job)


def _is_followed(mailbox: Mailbox, job: Job, now: datetime) -> bool:
    if job.cause == HEAL:
        return mailbox.state is MailboxState.BROKEN
    return mailbox.state is MailboxState.ACTIVE and not _waits(mailbox, job, now)


def _waits(mailbox: Mailbox, job: Job, now: datetime) -> bool:
    """A service that asked for patience gets it: the retry that is scheduled sees what the hint is about. Of
    a mailbox that an administrator postponed nothing is done but what an administrator asks for (MBX-15)."""
    if job.cause not in {*HINTS, "continue", FIRST_SYNC}:
        return False
    if cadence.is_postponed(mailbox, now):
        return True
    hinted = job.cause in HINTS and not job.attempt
    return hinted and mailbox.failures > 0 and _retry_is_pending(mailbox, now)


def _retry_is_pending(mailbox: Mailbox, now: datetime) -> bool:
    return mailbox.retry_at is not None and mailbox.retry_at > now


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
    except life_cycle.Rejected as error:
        await _broken(services, mailbox, error)
    except ProfileBroken as error:
        if keeps_failing_so(mailbox, error, PERMISSION_TRIES) or job.cause == HEAL:
            await _broken(services, mailbox, error)
        else:
            await _later(services, mailbox, job, error)
    except SyncError as error:
        await _later(services, mailbox, job, error)


async def _profile(services: Services, mailbox: Mailbox) -> Profile:
    return await services.profiles.get(mailbox.profile) or Profile()


async def _pass(services: Services, mailbox: Mailbox, job: Job) -> None:
    started = perf_counter()
    limit = first_sync.AT_ONCE if lane.current() is Lane.BULK else INBOX_LIMIT
    agenda = await services.store.agenda(mailbox.id, inbox_limit=limit)
    if job.cause == HEAL and lanes.is_elsewhere(agenda):
        await lanes.heal(services, mailbox)
    if await lanes.elsewhere(services, mailbox, job, agenda):
        return
    first = mailbox.last_pass_at is None
    if first and not await _feed_is_ready(services):
        wait = FEED_WAIT * 2 ** min(job.attempt, FEED_DOUBLINGS)
        await _retry(services, mailbox, job, services.now() + wait)
        return
    await services.dynamics.admit()
    mailbox = await _prepare(services, mailbox, job)
    profile = await _profile(services, mailbox)
    wanted = wanted_by(job.cause, poll=cadence.is_poll(mailbox, services.now()), first=first)
    making = MailboxPass(services, mailbox, profile, lane.current())
    result = await making.run(
        agenda, reconcile=job.cause in COMPARING or first, wanted=wanted, retried=job.attempt > 0
    )
    ended = _ended(services, job, wanted, result)
    following = cadence.after(mailbox, profile, ended)
    known = await _record(services, mailbox, job, result, following, perf_counter() - started)
    wait = timedelta()
    if not result.failed:
        job = replace(job, attempt=min(job.attempt, 1))  # it repeats, and none of its repeats was in vain
    elif job.attempt:
        wait = cadence.back_off(job.attempt, profile.item_retries)
    if known and lane.current() is Lane.BULK:
        await lanes.follow(services, mailbox, job, result, wait)
    elif known and result.unfinished and result.again_at is not None:
        await _retry(services, mailbox, replace(job, cause="continue"), result.again_at + wait)
    elif known and result.again_at is not None:
        await _again(services, mailbox, replace(job, cause="continue"), result.again_at, 0)


def wanted_by(cause: str, *, poll: bool = True, first: bool = False) -> Wanted:
    """Which feeds a pass reads. A hint says what it is about; whatever else somebody asked for reads all. A
    mailbox is due for everything (``poll``), or for its task lists and its inbox only."""
    if cause in PUSHED or (cause == FIRST_SYNC and not first):
        return Wanted(contacts=False)
    if cause == DUE:
        return Wanted(contacts=poll, calendars=poll)
    everything = first or cause not in {*HINTS, *LIFE_CYCLE, "continue"}
    return Wanted(everything=everything, calendars=cause != ABOUT_CONTACTS)


def _ended(services: Services, job: Job, wanted: Wanted, result: PassResult) -> cadence.Ended:
    return cadence.Ended(
        at=services.now(),
        found=result.found,
        polled=wanted.everything or (wanted.calendars and wanted.contacts),
        told=job.cause in TOLD,
        untold=result.untold if job.cause == DUE else int(job.cause == "missed"),
        covered=result.covered,
        tasks_read_at=result.tasks_read_at,
        tracks_tasks=result.tracks_tasks,
    )


async def _retry(
    services: Services, mailbox: Mailbox, job: Job, at: datetime, **noted: Value | datetime
) -> None:
    """Come back at that time. Each hint comes here too while something does not work: only one retry is ever
    under way for all of them, or a burst would keep its size until the trouble is over. ``noted``: what else
    is to be known of the mailbox."""
    if not job.attempt and job.cause in {*HINTS, "continue"} and _retry_is_pending(mailbox, services.now()):
        if noted:
            await _note(services, mailbox.id, **noted)
        return
    if await _note(services, mailbox.id, **noted, retry_at=at, due_at=at + ASKED_AGAIN):
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
    if job.cause == HEAL:
        await life_cycle.refuse_other_sync(services, mailbox.user_id)
    if job.cause == "enable" or mailbox.last_pass_at is None:
        await life_cycle.rejoin(services, mailbox.id)
    if job.cause in LIFE_CYCLE:
        await change_notifications.repair(services, mailbox)
    elif job.cause in COMPARING or mailbox.last_pass_at is None:
        await change_notifications.ensure(services, mailbox)
    if job.cause in COMPARING and mailbox.last_pass_at is not None:
        info = await services.exchange.mailbox(mailbox.id).info()
        if info.time_zone != mailbox.time_zone:
            await services.registry.patch(mailbox.id, time_zone=info.time_zone)
            return replace(mailbox, time_zone=info.time_zone)
    return mailbox


async def _record(
    services: Services,
    mailbox: Mailbox,
    job: Job,
    result: PassResult,
    following: cadence.Next,
    seconds: float,
) -> bool:
    now, milliseconds = services.now(), int(seconds * 1000)
    numbers = {
        "actions": result.actions,
        "skipped": result.skipped,
        "echoes": result.echoes,
        "unfinished": result.unfinished,
        "held": result.held,
    }
    telemetry.passed(numbers, quiet=job.cause == DUE and not any(numbers.values()))
    retry_at = mailbox.retry_at if result.unfinished else None
    return await _note(
        services,
        mailbox.id,
        **result.noted,
        last_pass_at=now,
        last_pass_ms=milliseconds,
        due_at=following.due_at,
        poll_at=following.poll_at,
        activity=following.activity,
        untold_at=following.untold_at,
        failures=0,
        retry_at=retry_at,
        last_error="; ".join(result.errors[:3]),
        **({"state": MailboxState.ACTIVE.value} if job.cause == HEAL else {}),
    )


async def _later(
    services: Services, mailbox: Mailbox, job: Job, error: SyncError, wait: timedelta | None = None
) -> None:
    """A transient failure comes back by schedule, never by failing (design: choices). An outage is transient,
    however long: nothing is given up, only tried less often (MBX-16). Whoever waits for its turn has not
    failed, however often: only so much is noted that hints leave it to the retry."""
    if wait is None:
        retries = (await _profile(services, mailbox)).item_retries
        wait = cadence.back_off(mailbox.failures, retries, error)
    waits = isinstance(error, OutOfBudget)
    level = logging.INFO if waits else logging.WARNING
    log.log(
        level, "pass not done: %s %s; again in %ds", type(error).__name__, error.code, wait.total_seconds()
    )
    telemetry.passed({}, failed=not waits)
    at = services.now() + wait
    poll_at = min(mailbox.poll_at, at) if mailbox.poll_at else None  # should the retry's message be lost
    failures = max(mailbox.failures, 1) if waits else mailbox.failures + 1
    noted = {"failures": failures, "poll_at": poll_at, "last_error": sentence(error)}
    await _retry(services, mailbox, job, at, **noted)


async def _broken(services: Services, mailbox: Mailbox, error: SyncError) -> None:
    """A person must mend it: the mailbox stops and says why (MBX-16)."""
    log.error("mailbox broken: %s", error.code)
    telemetry.passed({}, failed=True)
    state, again_at = MailboxState.BROKEN.value, services.now() + HEAL_AGAIN
    await _note(services, mailbox.id, state=state, retry_at=again_at, last_error=sentence(error))


async def _answer(services: Services, mailbox: Mailbox, job: Job) -> None:
    """A question's answer, or the reason why there is none, goes where the administrator waits for it."""
    profile = await _profile(services, mailbox)
    answer: Mapping[str, Any]
    try:
        if job.cause == "preview":
            answer = await preview(services, mailbox, profile)
        elif job.cause == verification.CAUSE:
            answer = await verification.report_of(services, mailbox, profile, job)
        else:
            answer = await explain(services, mailbox, profile, str(job.options.get("item", "")))
    except SyncError as error:
        answer = {"error": {"code": error.code or type(error).__name__, "message": sentence(error)}}
    await services.answers.put(mailbox.id, job.request, answer)
    if job.cause == verification.CAUSE:
        await verification.go_on(services, mailbox, job, answer)
