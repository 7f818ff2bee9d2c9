"""What a message of ``dynamics-feed`` does: one reading of the organization's change feed."""

from __future__ import annotations

import logging
from datetime import timedelta

from shared import telemetry
from shared.engine.router import Router
from shared.engine.services import Services
from shared.errors import SyncError, Throttled
from shared.jobs.messages import FeedJob
from shared.model.feed_tables import tables_of

log = logging.getLogger("sync.router")


async def run(services: Services, job: FeedJob) -> None:
    """One reading of the feed, as one span; what it wakes up belongs to the same trace."""
    with telemetry.span("feed", job.traceparent, cause=job.cause):
        await _read(services, job)


async def _read(services: Services, job: FeedJob) -> None:
    """A failure is left to the net's next asking, which comes within the minute; throttling too."""
    try:
        await _route(services, job)
    except Throttled as error:
        log.warning("change feed throttled for %ds", error.retry_after)
    except SyncError as error:
        log.warning("change feed not read: %s %s", type(error).__name__, error.code)


async def _route(services: Services, job: FeedJob) -> None:
    result = await Router(services, job.organization).run(tables_of(job.cause))
    idle = not (result.routed or result.own_writes or result.more)
    telemetry.note(routed=result.routed, own_writes=result.own_writes, quiet=idle)
    if result.more:
        later = services.now() + timedelta(seconds=1)
        await services.jobs.read_feed(job.organization, "continue", later, merge=False)
