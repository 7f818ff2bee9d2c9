"""The engine on its real adapters, against stand-ins: what the crash and the counting tests run."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.clock import clock
from shared.credentials import DevelopmentCredential
from shared.dynamics.dataverse.system import Dataverse
from shared.engine.services import Services
from shared.exchange.graph import GraphExchange
from shared.jobs.messages import FeedJob
from shared.mailboxes import feed_jobs
from shared.store.alerts import TableAlertStore
from shared.store.answers import TableAnswerStore
from shared.store.dead_letters import TableDeadLetterStore
from shared.store.decisions import TableDecisionStore
from shared.store.feeds import TableFeedStore
from shared.store.history import TableHistoryStore
from shared.store.items import TableItemIndex
from shared.store.mailbox_store import TableMailboxStore
from shared.store.profiles import TableProfileStore
from shared.store.registry import TableMailboxRegistry
from shared.store.subscriptions import TableSubscriptionStore
from shared.store.tables import Tables
from tests.doubles import lanes
from tests.doubles.jobs import RecordingJobs

FEED = "org.example"


@dataclass(frozen=True)
class Where:
    """How the parts are reached; JSON on the command line of a worker."""

    graph: str
    dataverse: str
    tables: str
    prefix: str


@dataclass
class Running:
    services: Services
    tables: Tables
    jobs: RecordingJobs

    async def read_feed(self, cause: str = "test") -> None:
        await feed_jobs.run(self.services, FeedJob(FEED, cause))

    async def run_pass(self, mailbox: str, cause: str = "test") -> None:
        await lanes.run_pass(self.services, self.jobs, mailbox, cause)


async def no_step(_name: str) -> None:
    """Nobody counts."""


@asynccontextmanager
async def running(
    where: Where,
    on_step: Callable[[str], Awaitable[None]] = no_step,
    settings_shared_for: timedelta = timedelta(),
) -> AsyncIterator[Running]:
    now, credential, jobs = clock(), DevelopmentCredential("app"), RecordingJobs()
    tables = Tables(where.tables, prefix=where.prefix)
    await tables.ensure()
    exchange = GraphExchange(where.graph, credential, "http://127.0.0.1:9", now)
    dynamics = Dataverse(where.dataverse, credential, now, settings_shared_for=settings_shared_for)
    services = Services(
        exchange=exchange,
        dynamics=dynamics,
        store=TableMailboxStore(tables),
        items=TableItemIndex(tables),
        history=TableHistoryStore(tables),
        decisions=TableDecisionStore(tables),
        registry=TableMailboxRegistry(tables),
        profiles=TableProfileStore(tables),
        answers=TableAnswerStore(tables, now),
        feeds=TableFeedStore(tables),
        subscriptions=TableSubscriptionStore(tables),
        dead_letters=TableDeadLetterStore(tables),
        alerts=TableAlertStore(tables),
        jobs=jobs,
        now=now,
        feed=FEED,
        on_step=on_step,
    )
    try:
        yield Running(services, tables, jobs)
    finally:
        await exchange.close()
        await dynamics.close()
        await tables.close()


async def worker(where: Where, mailbox: str, kill_at: int) -> None:
    """One reading of the feed and one pass; dies by SIGKILL at step ``kill_at`` (0: lives)."""
    steps = 0

    async def count(_name: str) -> None:
        nonlocal steps
        steps += 1
        if steps == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    async with running(where, count) as service:
        await service.read_feed("push calendar")
        await service.run_pass(mailbox, "notification")
    print(json.dumps({"steps": steps, "at": datetime.now(UTC).isoformat()}))


def main(arguments: list[str]) -> None:
    given: dict[str, Any] = json.loads(arguments[0])
    asyncio.run(worker(Where(**given["where"]), given["mailbox"], given["killAt"]))


if __name__ == "__main__":
    main(sys.argv[1:])
