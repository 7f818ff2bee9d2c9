"""What a message of ``dynamics-feed`` does: one reading of the organization's change feed."""

from __future__ import annotations

import logging
from datetime import timedelta

from shared.engine.router import Router
from shared.engine.services import Services
from shared.errors import SyncError, Throttled
from shared.jobs.messages import FeedJob

log = logging.getLogger("sync.router")


async def run(services: Services, job: FeedJob) -> None:
    """A failure is left to the net's next asking, which comes within the minute; throttling too."""
    try:
        result = await Router(services, job.organization).run()
    except Throttled as error:
        log.warning("change feed throttled for %ds", error.retry_after)
        return
    except SyncError as error:
        log.warning("change feed not read: %s %s", type(error).__name__, error.code)
        return
    log.info("change feed: %d routed, %d own writes", result.routed, result.own_writes)
    if result.more:
        later = services.now() + timedelta(seconds=1)
        await services.jobs.read_feed(job.organization, "continue", later, merge=False)
