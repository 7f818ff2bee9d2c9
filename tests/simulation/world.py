"""The whole service, unmodified, between its two stand-ins, its queues, timers and notifications, in
simulated time. People act at once; the service lives with latency and with whatever ``Chance`` has for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from local.clock import SimulatedClock
from local.dataverse.limits import Limits, ServiceProtection
from local.dataverse.stand_in import DataverseStandIn
from local.exchange.stand_in import ExchangeStandIn
from local.wire import Received, Unreachable
from shared.credentials import DevelopmentCredential
from shared.dynamics.dataverse.budget import Allowance
from shared.dynamics.dataverse.system import Dataverse
from shared.engine.ports import DecisionStore, MailboxStore, PendingDecision, Question
from shared.engine.services import Services
from shared.errors import SyncError
from shared.exchange.graph import GraphExchange
from shared.jobs import messages
from shared.jobs.sender import ServiceBusJobs
from shared.lane import Lane, working_in
from shared.mailboxes import (
    alerts,
    dead_letters,
    feed_jobs,
    jobs_of_mailbox,
    life_cycle,
    renewals,
    scheduling,
)
from shared.store.decisions import TableDecisionStore
from shared.store.mailbox_store import TableMailboxStore
from shared.web import notifications
from shared.web.http import Request
from tests.doubles.stores import connected, stores
from tests.doubles.table_service import TableService, at_once
from tests.simulation.diary import Diary
from tests.simulation.direct import go_straight
from tests.simulation.faults import CALM, SKEW, Chance, Poisoned, Rates
from tests.simulation.mails import Mails
from tests.simulation.queues import DeadLettersDouble, QueueDouble
from tests.simulation.storage import DisturbedStorage
from tests.simulation.transport import InProcess, Traffic
from tests.simulation.workers import OwnTime, Worker, in_worker, outside, served
from tests.wire.carried import Place
from tests.wire.people import DATAVERSE, EXCHANGE, FEED, People, Person

PUBLIC = "https://sync.example"
WEBHOOK_KEY = "simulated"
WEBHOOK_TABLES = ("appointment", "serviceappointment", "contact", "task")
START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)  # a Monday
HISTORY_DAYS = 90
GATHERED = "gathered"
"""The step of a pass that has read the mailbox: a job that leaves it alone does not get so far."""


@dataclass(frozen=True)
class Schedules:
    """The timers, in seconds, at the whole minutes, half minutes and half hours of the deployed template."""

    due: float = 60
    feed: float = 30
    renew: float = 1800
    watch: float = 60


@dataclass
class World(People):
    """``run_for`` lets time pass; ``jobs`` is the real sender before ``queues``, ``services`` have the real
    stores over ``storage``, and ``links`` and ``questions`` are for whoever only looks on: there nothing is
    wrong. ``poison``: sessions whose workers fail at once, whatever they are given. ``answers``: what the
    administrator says about a mailbox whenever the brake asks; ``limit``: how much the brake lets go."""

    queues: QueueDouble = field(kw_only=True)
    chance: Chance = field(kw_only=True)
    traffic: Traffic = field(kw_only=True)
    storage: TableService = field(kw_only=True)
    links: MailboxStore = field(kw_only=True)
    questions: DecisionStore = field(kw_only=True)
    mails: Mails = field(kw_only=True)
    diary: Diary = field(kw_only=True)
    endpoints: Endpoints = field(kw_only=True)
    protection: ServiceProtection = field(kw_only=True)
    poison: set[str] = field(default_factory=set)
    answers: dict[str, str] = field(default_factory=dict)
    told_no: set[str] = field(default_factory=set)
    """Mailboxes about which the administrator ever said so."""
    limit: float = float("inf")
    surprises: list[str] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    passes: int = 0
    readings: int = 0

    async def on_step(self, name: str) -> None:
        if in_worker():
            if name == GATHERED:
                self.diary.passed(served())
            self.chance.kill(name)

    async def enable(self, person: Person) -> None:
        """As an administrator subscribes a mailbox; again when it did not work."""
        for _ in range(20):
            try:
                await life_cycle.subscribe(
                    self.services, person.address, person.user, enable=True, profile="default"
                )
                self.everybody.append(person)
                return
            except SyncError:
                await asyncio.sleep(30)
        raise AssertionError("the mailbox could not be subscribed")

    def brake_holds(self, worker: Worker) -> None:
        """No pass may delete more than the brake lets go, unless an administrator was asked."""
        if len(worker.deleted) > self.limit and worker.session not in self.answers:
            self.surprises.append(f"one pass deleted {len(worker.deleted)} items: {sorted(worker.deleted)}")

    async def asked(self, person: Person) -> list[PendingDecision]:
        """What the brake asks an administrator about that mailbox."""
        found = await self.questions.of_mailbox(person.mailbox)
        return [each for each in found if each.kind is Question.BRAKE and not each.answer]

    async def run_for(self, time: timedelta) -> None:
        await asyncio.sleep(time.total_seconds())
        if self.failures:
            raise AssertionError("\n".join(self.failures))

    async def calm(self) -> None:
        """From now on nothing goes wrong."""
        self.chance.rates = CALM
        await self.control("exchange", "POST", "notifications", {"mode": "normal"})

    # --- what the host does -----------------------------------------------------------------------

    async def work(self, queue: str, body: bytes, waited: float) -> None:
        if queue == messages.DYNAMICS_FEED:
            self.readings += 1
            await feed_jobs.run(self.services, messages.feed_job(body))
        else:
            job = messages.job(body)
            if job.mailbox in self.poison:
                raise Poisoned(job.mailbox)
            self.passes += 1
            with working_in(Lane(queue)):
                await jobs_of_mailbox.run(self.services, job, waited)

    async def due_mailboxes(self) -> None:
        await scheduling.due_mailboxes(self.services)

    async def ask_for_feed(self) -> None:
        await self.services.jobs.read_feed(FEED, "net", self.services.now())

    async def renew(self) -> None:
        await renewals.renew_all(self.services)
        await scheduling.try_broken(self.services)
        before = self.services.now() - timedelta(days=HISTORY_DAYS)
        await self.services.history.drop_old(before)
        await self.services.dead_letters.drop_old(before)

    async def watch(self) -> None:
        try:
            await dead_letters.drain_all(self.services, DeadLettersDouble(self.queues, self.chance))
        finally:
            await alerts.look(self.services)

    def deploy(self, seconds: float) -> int:
        """A new version: every worker and timer is killed wherever it is, and for a while nobody is there."""
        self.endpoints.away_until = self.clock.time() + seconds
        for timer in self.timers:
            timer.stop()
            timer.start(seconds)
        return self.queues.deploy(seconds)


@dataclass
class Timer:
    """A run that fails is logged by the host, and the next one comes."""

    seconds: float
    run: Callable[[], Awaitable[None]]
    chance: Chance
    task: asyncio.Task[None] | None = None

    def start(self, after: float = 0.0) -> None:
        self.task = asyncio.create_task(self._every(after), context=outside())

    def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()

    async def _every(self, after: float) -> None:
        await asyncio.sleep(after)
        while True:
            try:
                await self.run()
            except SyncError as error:
                self.chance.happened[f"timer failed: {type(error).__name__}"] += 1
            await asyncio.sleep(self.seconds)


class Endpoints:
    """Our public functions, as Graph and Dataverse reach them: late, twice or not at all."""

    def __init__(self, clock: SimulatedClock, chance: Chance) -> None:
        self._clock = clock
        self._chance = chance
        self.services: Services | None = None
        self.away_until = 0.0

    async def post(self, url: str, content: bytes, headers: Mapping[str, str], seconds: float) -> Received:
        chance = self._chance
        wrong = chance.of_hundred("notification", chance.rates.notification)
        what = chance.kind("notification", ("lost", "late", "twice")) if wrong else ""
        chance.happened[what or "notified"] += 1
        if what == "lost":
            raise Unreachable("nobody is there")
        late = chance.seconds("very late", 1, seconds) if what == "late" else 0.0
        await asyncio.sleep(chance.seconds("latency", 0.005, 0.1) + late)
        if what == "twice":
            await self._taken(url, content, headers)
        return await self._taken(url, content, headers)

    async def _taken(self, url: str, content: bytes, headers: Mapping[str, str]) -> Received:
        services = self.services
        if services is None or self._clock.time() < self.away_until:
            raise Unreachable("the functions do not run")
        address = urlsplit(url)
        request = Request("POST", "", dict(parse_qsl(address.query)), headers, content)
        if address.path == "/api/dynamics/changes":
            answer = await notifications.dynamics(request, WEBHOOK_KEY, FEED, services.jobs, services.now)
        else:
            lifecycle = address.path == "/api/graph/lifecycle"
            answer = await notifications.graph(
                request, services.subscriptions, services.jobs, services.now, lifecycle=lifecycle
            )
        return Received(answer.status, answer.content_type.partition(";")[0], answer.body.decode())


class Apart(SimulatedClock):
    """Of a machine whose clock is some seconds ahead of the simulation's."""

    def __init__(self, clock: SimulatedClock, seconds: float) -> None:
        super().__init__(START)
        self._clock = clock
        self._seconds = seconds

    def time(self) -> float:
        return self._clock.time() + self._seconds


@asynccontextmanager
async def world(
    clock: SimulatedClock,
    seed: int,
    rates: Rates | None = None,
    schedules: Schedules | None = None,
    allowed: frozenset[str] | None = None,
    limits: Limits | None = None,
    allowance: Allowance | None = None,
) -> AsyncIterator[World]:
    """With nobody in it yet, its timers running. To be entered inside ``loop.run``. ``limits``: of Dataverse,
    and how slow it is; ``allowance``: what the service allows itself of them."""
    loop = asyncio.get_running_loop()
    logging.disable(logging.ERROR)
    chance, traffic = Chance(seed, rates or Rates(), allowed), Traffic()
    now, apart = OwnTime(clock), [Random(f"{seed} apart {part}").uniform(-90, 90) for part in range(2)]
    skewed = allowed is None or SKEW in allowed
    exchange_clock, dataverse_clock = (Apart(clock, seconds * skewed) for seconds in apart)
    endpoints = Endpoints(clock, chance)

    def wake_at(moment: float, then: Callable[[], None]) -> None:
        loop.call_later(max(0.0, moment - exchange_clock.time()) + 1e-6, then, context=outside())

    exchange = ExchangeStandIn(
        exchange_clock,
        endpoints,
        random=Random(f"{seed} ids"),
        latency=0,
        sleep=asyncio.sleep,
        wake_at=wake_at,
    )
    dataverse = DataverseStandIn(dataverse_clock, endpoints, limits=limits)
    parts = {EXCHANGE: ("graph", exchange), DATAVERSE: ("dataverse", dataverse)}
    carrier = InProcess(parts, clock, chance, traffic)
    credential = DevelopmentCredential("app")
    graph = GraphExchange(f"http://{EXCHANGE}/v1.0", credential, PUBLIC, now, transport=carrier)
    dynamics = Dataverse(f"http://{DATAVERSE}", credential, now, transport=carrier, allowance=allowance)
    go_straight(graph, dynamics, carrier)
    queues = QueueDouble(clock, chance)
    storage = TableService(DisturbedStorage(chance))
    undisturbed = connected(storage.through(at_once))
    await undisturbed.ensure()

    async def on_step(name: str) -> None:
        await made.on_step(name)

    services = Services(
        exchange=graph,
        dynamics=dynamics,
        **stores(connected(storage), now),
        jobs=ServiceBusJobs(queues),
        now=now,
        feed=FEED,
        on_step=on_step,
    )
    endpoints.services = services
    async with httpx.AsyncClient(transport=carrier) as http:
        made = World(
            exchange=Place(f"http://{EXCHANGE}/v1.0", f"http://{EXCHANGE}/_control"),
            dataverse=Place(f"http://{DATAVERSE}/api/data/v9.2", f"http://{DATAVERSE}/_control"),
            clock=clock,
            http=http,
            services=services,
            jobs=services.jobs,
            queues=queues,
            chance=chance,
            traffic=traffic,
            storage=storage,
            links=TableMailboxStore(undisturbed),
            questions=TableDecisionStore(undisturbed),
            mails=Mails(exchange.outbox),
            diary=Diary(clock),
            endpoints=endpoints,
            protection=dataverse.protection,
        )
        queues.ended_work = made.brake_holds
        chance.heard = lambda what: made.diary.wrong(served(), what)
        loop.set_exception_handler(lambda _, context: made.failures.append(_told(context)))
        hook = {"url": f"{PUBLIC}/api/dynamics/changes", "key": WEBHOOK_KEY, "tables": list(WEBHOOK_TABLES)}
        await made.control("dataverse", "POST", "webhooks", hook)
        queues.start(made.work)
        made.timers = _timers(made, schedules or Schedules())
        try:
            yield made
        finally:
            for timer in made.timers:
                timer.stop()
            await dataverse.close()
            await graph.close()
            await dynamics.close()
            exchange.close()
            logging.disable(logging.NOTSET)


def _timers(made: World, at: Schedules) -> list[Timer]:
    plan = (
        (at.due, at.due, made.due_mailboxes),
        (at.feed, at.feed / 2, made.ask_for_feed),
        (at.renew, at.renew, made.renew),
        (at.watch, at.watch / 3, made.watch),
    )
    timers = [Timer(seconds, run, made.chance) for seconds, _, run in plan]
    for timer, (_, first, _) in zip(timers, plan, strict=True):
        timer.start(first)
    return timers


def _told(context: dict[str, Any]) -> str:
    error = context.get("exception")
    return f"{context.get('message')}: {error!r}"
