"""The one place where settings become connected objects. Built once per process, at first use."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlsplit

from shared import telemetry
from shared.clock import Now, clock
from shared.credentials import credential
from shared.engine.ports import Jobs, SubscriptionStore
from shared.engine.services import Services
from shared.settings import Role, Settings

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from shared.jobs.dead_letters import DeadLetterQueues
    from shared.store.tables import Tables

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Edge:
    """What the public endpoints may use."""

    settings: Settings
    subscriptions: SubscriptionStore
    jobs: Jobs
    now: Now


@cache
def settings() -> Settings:
    return Settings.from_environment(os.environ)


def feed_session(values: Settings) -> str:
    """How the organization's feed is called in sessions and cursors: its host name."""
    return urlsplit(values.dataverse_url).netloc.lower()


class _Once(Generic[T]):
    """Builds something once, whoever asks first, however many ask at once."""

    def __init__(self, build: Callable[[], Awaitable[T]]) -> None:
        self._build = build
        self._value: T | None = None
        self._lock: asyncio.Lock | None = None

    async def __call__(self) -> T:
        if self._value is None:
            self._lock = self._lock or asyncio.Lock()
            async with self._lock:
                if self._value is None:
                    self._value = await self._build()
        return self._value


async def _connect_edge() -> Edge:
    """Queues and subscriptions only: what role ``ingest`` may touch."""
    from shared.jobs.connection import Connection
    from shared.jobs.messages import DYNAMICS_FEED, MAILBOX_SYNC
    from shared.jobs.sender import ServiceBusJobs
    from shared.store.subscriptions import TableSubscriptionStore

    values = settings()
    jobs = ServiceBusJobs(Connection.from_settings(values, identity()), traceparent=telemetry.traceparent)
    tables = await _tables()
    await jobs.start((MAILBOX_SYNC, DYNAMICS_FEED))
    return Edge(values, TableSubscriptionStore(tables), jobs, clock(values.clock_offset_file))


@cache
def identity() -> AsyncTokenCredential:
    """Who we are to the services; one for the whole process."""
    return credential(settings())


async def _connect_tables() -> Tables:
    from shared.store.tables import Tables

    tables = Tables.from_settings(settings(), identity())
    if settings().role != Role.INGEST:
        await tables.ensure()
    return tables


async def _connect_services() -> Services:
    """Everything a pass works with. The clients are built here, not in the first pass."""
    from shared.dynamics.dataverse.system import Dataverse
    from shared.exchange.graph import GraphExchange
    from shared.store.alerts import TableAlertStore
    from shared.store.answers import TableAnswerStore
    from shared.store.counted_history import CountedHistoryStore
    from shared.store.dead_letters import TableDeadLetterStore
    from shared.store.decisions import TableDecisionStore
    from shared.store.feeds import TableFeedStore
    from shared.store.items import TableItemIndex
    from shared.store.mailbox_store import TableMailboxStore
    from shared.store.profiles import TableProfileStore
    from shared.store.registry import TableMailboxRegistry

    values, tables, front = settings(), await _tables(), await edge()
    now = clock(values.clock_offset_file)
    return Services(
        exchange=GraphExchange(values.graph_base_url, identity(), values.public_base_url, now),
        dynamics=Dataverse(values.dataverse_url, identity(), now),
        store=TableMailboxStore(tables),
        items=TableItemIndex(tables),
        history=CountedHistoryStore(tables),
        decisions=TableDecisionStore(tables),
        registry=TableMailboxRegistry(tables),
        profiles=TableProfileStore(tables),
        answers=TableAnswerStore(tables, now),
        feeds=TableFeedStore(tables),
        subscriptions=front.subscriptions,
        dead_letters=TableDeadLetterStore(tables),
        alerts=TableAlertStore(tables),
        jobs=front.jobs,
        now=now,
        feed=feed_session(values),
    )


async def _connect_dead_letters() -> DeadLetterQueues:
    """On a connection of its own: what goes wrong with it keeps no hint from being sent."""
    from shared.jobs.connection import Connection
    from shared.jobs.dead_letters import DeadLetterQueues

    values = settings()
    return DeadLetterQueues(Connection.from_settings(values, identity()), clock(values.clock_offset_file))


async def examine() -> list[dict[str, Any]]:
    """The doctor's findings, from where this process runs."""
    from shared.doctor.examination import examine as look

    return [each.to_json() for each in await look(settings(), await services(), identity())]


_tables = _Once(_connect_tables)
edge = _Once(_connect_edge)
services = _Once(_connect_services)
dead_letters = _Once(_connect_dead_letters)
