"""What a message of ``dynamics-feed`` does: one reading of the organization's change feed."""

from __future__ import annotations

import logging
from datetime import timedelta

from shared import telemetry
from shared.engine import filter_watch
from shared.engine.router import Router
from shared.engine.services import Services
from shared.errors import SyncError
from shared.jobs.messages import BadMessage, FeedJob
from shared.model.feed_tables import FEED_TABLES, tables_of
from shared.model.filter_push import ABOUT_SYSTEM, FilterPush, from_cause, shown

AGAIN = timedelta(seconds=30)

log = logging.getLogger("sync.router")


async def run(services: Services, job: FeedJob) -> None:
    """One reading of the feed, as one span; what it wakes up belongs to the same trace."""
    with telemetry.span("feed", job.traceparent, cause=shown(job.cause)):
        await _read(services, job)


async def _read(services: Services, job: FeedJob) -> None:
    """A failure is left to the net's next asking, which comes within the minute; throttling too. What a push
    says of somebody's filters nobody asks for again: it comes back."""
    try:
        await _route(services, job)
    except BadMessage as error:
        log.error("dropped: %s", error)
    except SyncError as error:
        log.warning("change feed not read: %s %s", type(error).__name__, error.code)
        if from_cause(job.cause) is not None:
            await services.jobs.read_feed(job.organization, job.cause, services.now() + AGAIN)


async def _route(services: Services, job: FeedJob) -> None:
    push = _filter_of(job)
    if push is not None:
        telemetry.note(filters=await filter_watch.user_filter_changed(services, push))
    elif job.cause == ABOUT_SYSTEM:
        known = (await services.feeds.cursors(job.organization)).get(filter_watch.FEED)
        await filter_watch.look_at_system(services, job.organization, known, told=True)
    else:
        await _read_tables(services, job)


def _filter_of(job: FeedJob) -> FilterPush | None:
    try:
        return from_cause(job.cause)
    except ValueError as error:
        raise BadMessage("a push that names no filter") from error


async def _read_tables(services: Services, job: FeedJob) -> None:
    tables, router = tables_of(job.cause), Router(services, job.organization)
    result = await router.run(tables)
    idle = not (result.routed or result.own_writes or result.more)
    telemetry.note(routed=result.routed, own_writes=result.own_writes, quiet=idle)
    if result.more:
        later = services.now() + timedelta(seconds=1)
        await services.jobs.read_feed(job.organization, "continue", later, merge=False)
    if tables == FEED_TABLES:
        known = router.cursors.get(filter_watch.FEED)
        await filter_watch.look_at_system(services, job.organization, known)
