"""What a message of ``mailbox-sync`` does: a pass, or the answer to an administrator's question, in the
mailbox's session; and what happens when that fails (MBX-16)."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from time import perf_counter

from shared.engine.gather import TABLE
from shared.engine.mailbox_pass import MailboxPass, PassResult
from shared.engine.questions import explain, preview
from shared.engine.services import Services
from shared.errors import FenceLost, MailboxBroken, SyncError, Throttled
from shared.jobs.messages import Job
from shared.mailboxes import change_notifications, life_cycle
from shared.model.mailbox import Mailbox, MailboxState
from shared.model.profile import Profile

NET = timedelta(minutes=5)
FEED_WAIT = timedelta(seconds=2)
BACK_OFF = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=5))
COMPARING = frozenset({"sync now", "enable", "resume"})
QUESTIONS = frozenset({"preview", "explain"})

log = logging.getLogger("sync.pass")


async def run(services: Services, job: Job) -> None:
    """Carry out one job. Returns normally for everything that was understood and scheduled again."""
    mailbox = await services.registry.get(job.mailbox)
    if mailbox is None:
        return
    if job.cause in QUESTIONS:
        await _answer(services, mailbox, job)
        return
    if mailbox.state is not MailboxState.ACTIVE:
        return
    try:
        await _pass(services, mailbox, job)
    except FenceLost:
        log.info("another worker has the mailbox; stopped")
    except Throttled as error:
        await _later(services, mailbox, job, error, timedelta(seconds=error.retry_after))
    except MailboxBroken as error:
        await _broken(services, mailbox, error)
    except SyncError as error:
        wait = BACK_OFF[min(job.attempt, len(BACK_OFF) - 1)]
        await _later(services, mailbox, job, error, wait)


async def _profile(services: Services, mailbox: Mailbox) -> Profile:
    return await services.profiles.get(mailbox.profile) or Profile()


async def _pass(services: Services, mailbox: Mailbox, job: Job) -> None:
    started = perf_counter()
    if mailbox.last_pass_at is None and not await _feed_is_ready(services):
        await services.jobs.again(mailbox.id, job.cause, at=services.now() + FEED_WAIT, attempt=job.attempt)
        return
    mailbox = await _prepare(services, mailbox, job)
    profile = await _profile(services, mailbox)
    first = mailbox.last_pass_at is None
    result = await MailboxPass(services, mailbox, profile).run(reconcile=job.cause in COMPARING or first)
    await _record(services, mailbox, result, perf_counter() - started)
    if result.again_at is not None:
        attempt = job.attempt + 1 if result.unfinished else 0
        wait_until = result.again_at + (
            BACK_OFF[min(job.attempt, 3)] if result.unfinished and job.attempt else NO_WAIT
        )
        await services.jobs.again(mailbox.id, "continue", at=wait_until, attempt=attempt)


NO_WAIT = timedelta()


async def _feed_is_ready(services: Services) -> bool:
    """A mailbox's first sync starts after the change feed has its token, or changes in between are missed."""
    cursor = await services.feeds.cursor(services.feed, TABLE)
    if cursor is not None and not cursor.round:
        return True
    await services.jobs.read_feed(services.feed, "first sync", services.now())
    return False


async def _prepare(services: Services, mailbox: Mailbox, job: Job) -> Mailbox:
    """What a first pass, or a pass that was asked for, needs besides the items."""
    if job.cause == "enable":
        await life_cycle.rejoin(services, mailbox.id)
    if job.cause == "reauthorize":
        await change_notifications.reauthorize(services, mailbox.id)
    elif job.cause in ("enable", "resume", "subscriptions", "sync now") or mailbox.last_pass_at is None:
        await change_notifications.ensure(services, mailbox.id)
    if job.cause in COMPARING and mailbox.last_pass_at is not None:
        info = await services.exchange.mailbox(mailbox.id).info()
        if info.time_zone != mailbox.time_zone:
            await services.registry.patch(mailbox.id, time_zone=info.time_zone)
            return replace(mailbox, time_zone=info.time_zone)
    return mailbox


async def _record(services: Services, mailbox: Mailbox, result: PassResult, seconds: float) -> None:
    now = services.now()
    await services.registry.patch(
        mailbox.id,
        last_pass_at=now,
        last_pass_ms=int(seconds * 1000),
        due_at=now + NET,
        failures=0,
        last_error="; ".join(result.errors[:3]),
    )
    log.info(
        "pass: %d actions, %d skipped, %d echoes, %d unfinished, %d held, %d ms",
        result.actions,
        result.skipped,
        result.echoes,
        result.unfinished,
        result.held,
        int(seconds * 1000),
    )


async def _later(services: Services, mailbox: Mailbox, job: Job, error: SyncError, wait: timedelta) -> None:
    """A transient failure comes back by schedule, never by failing (design: choices)."""
    log.warning("pass not done: %s %s; again in %ds", type(error).__name__, error.code, wait.total_seconds())
    at = services.now() + wait
    await services.registry.patch(
        mailbox.id,
        failures=mailbox.failures + 1,
        last_error=f"{type(error).__name__} {error.code}".strip(),
        due_at=at + NET,
    )
    await services.jobs.again(mailbox.id, job.cause, at=at, attempt=job.attempt + 1)


async def _broken(services: Services, mailbox: Mailbox, error: MailboxBroken) -> None:
    """A person must mend it: the mailbox stops and says why (MBX-16)."""
    log.error("mailbox broken: %s", error.code)
    await services.registry.patch(
        mailbox.id, state=MailboxState.BROKEN.value, last_error=f"{error.code}: {error}"[:500]
    )


async def _answer(services: Services, mailbox: Mailbox, job: Job) -> None:
    """A question's answer, or the reason why there is none, goes where the administrator waits for it."""
    profile = await _profile(services, mailbox)
    try:
        if job.cause == "preview":
            answer = await preview(services, mailbox, profile)
        else:
            answer = await explain(services, mailbox, profile, str(job.options.get("item", "")))
    except SyncError as error:
        answer = {"error": {"code": error.code or type(error).__name__, "message": str(error)}}
    await services.answers.put(mailbox.id, job.request, answer)
