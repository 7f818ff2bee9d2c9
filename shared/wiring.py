"""The one place where settings become connected objects. Built once per process, at first use."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlsplit

from shared import telemetry
from shared.clock import Now, clock
from shared.credentials import credential
from shared.engine.ports import Jobs, SubscriptionStore
from shared.engine.services import Services
from shared.errors import SyncError
from shared.settings import Role, Settings

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from shared.jobs.dead_letters import DeadLetterQueues
    from shared.jobs.sender import ServiceBusJobs
    from shared.store.tables import Tables

T = TypeVar("T")


log = logging.getLogger("sync.wiring")


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
    from shared.store.subscriptions import TableSubscriptionStore

    tables, sender = await _tables(), await jobs()
    await _open_ahead(sender)
    return Edge(settings(), TableSubscriptionStore(tables), sender, now())


async def _connect_jobs() -> ServiceBusJobs:
    """Nothing is sent or opened here, so it never fails: where nothing else can be reached, a job can still
    be put off."""
    from shared.jobs.connection import Connection
    from shared.jobs.sender import ServiceBusJobs

    return ServiceBusJobs(Connection.from_settings(settings(), identity()), traceparent=telemetry.traceparent)


async def _open_ahead(sender: ServiceBusJobs) -> None:
    """Only for speed: a queue that is away now is opened by the first message to it, and nobody who needs
    no queue has to wait for that."""
    from shared.jobs.messages import DYNAMICS_FEED, MAILBOX_SYNC

    try:
        await sender.start((MAILBOX_SYNC, DYNAMICS_FEED))
    except SyncError as error:
        log.warning("a queue could not be opened ahead: %s", error.code or type(error).__name__)


def now() -> Now:
    return clock(settings().clock_offset_file)


@cache
def identity() -> AsyncTokenCredential:
    """Who we are to the services; one for the whole process."""
    return credential(settings())


async def _connect_tables() -> Tables:
    from shared.store.tables import Tables

    tables = Tables.from_settings(settings(), identity())
    if settings().role != Role.INGEST:
        try:
            await tables.ensure()
        except SyncError:
            await tables.close()  # The next one who asks connects anew.
            raise
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
    return Services(
        exchange=GraphExchange(values.graph_base_url, identity(), values.public_base_url, front.now),
        dynamics=Dataverse(values.dataverse_url, identity(), front.now),
        store=TableMailboxStore(tables),
        items=TableItemIndex(tables),
        history=CountedHistoryStore(tables),
        decisions=TableDecisionStore(tables),
        registry=TableMailboxRegistry(tables),
        profiles=TableProfileStore(tables),
        answers=TableAnswerStore(tables, front.now),
        feeds=TableFeedStore(tables),
        subscriptions=front.subscriptions,
        dead_letters=TableDeadLetterStore(tables),
        alerts=TableAlertStore(tables),
        jobs=front.jobs,
        now=front.now,
        feed=feed_session(values),
        filters_every=timedelta(minutes=values.system_filters_minutes),
    )


async def _connect_dead_letters() -> DeadLetterQueues:
    """On a connection of its own: what goes wrong with it keeps no hint from being sent."""
    from shared.jobs.connection import Connection
    from shared.jobs.dead_letters import DeadLetterQueues

    return DeadLetterQueues(Connection.from_settings(settings(), identity()), now())


async def examine() -> list[dict[str, Any]]:
    """The doctor's findings, from where this process runs."""
    from shared.doctor.examination import examine as look

    return [each.to_json() for each in await look(settings(), await services(), identity())]


jobs = _Once(_connect_jobs)
_tables = _Once(_connect_tables)
edge = _Once(_connect_edge)
services = _Once(_connect_services)
dead_letters = _Once(_connect_dead_letters)
