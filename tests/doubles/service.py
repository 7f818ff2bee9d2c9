"""The whole service in one process: the real engine, rules and job code over in-memory ports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared.engine.services import Services
from shared.jobs.messages import FeedJob
from shared.mailboxes import feed_jobs
from shared.model.mailbox import Mailbox
from shared.model.profile import Profile
from tests.doubles import lanes
from tests.doubles.jobs import RecordingJobs
from tests.doubles.tables import (
    MemoryAlertStore,
    MemoryAnswerStore,
    MemoryDeadLetterStore,
    MemoryDecisionStore,
    MemoryFeedStore,
    MemoryHistoryStore,
    MemoryItemIndex,
    MemoryMailboxRegistry,
    MemoryMailboxStore,
    MemoryProfileStore,
    MemorySubscriptionStore,
)
from tests.doubles.world import Clock, MemoryDynamics, MemoryExchange, MemoryMailbox

FEED = "org.example"


class Killed(BaseException):
    """The worker dies here: nothing in the product may catch it."""


class Service:
    """Subscribed mailboxes, their people's edits, and ``settle()``."""

    exchange_type: type[MemoryExchange] = MemoryExchange
    dynamics_type: type[MemoryDynamics] = MemoryDynamics

    def __init__(self) -> None:
        self.clock = Clock()
        self.exchange = self.exchange_type(self.clock)
        self.dynamics = self.dynamics_type(self.clock)
        self.jobs = RecordingJobs()
        self.steps: list[str] = []
        self.kill_at: int | None = None
        self.overtake_at: int | None = None
        self.overtaker: MemoryMailbox | None = None
        self.services = Services(
            exchange=self.exchange,
            dynamics=self.dynamics,
            store=MemoryMailboxStore(),
            items=MemoryItemIndex(),
            history=MemoryHistoryStore(),
            decisions=MemoryDecisionStore(),
            registry=MemoryMailboxRegistry(),
            profiles=MemoryProfileStore(),
            answers=MemoryAnswerStore(self.clock),
            feeds=MemoryFeedStore(),
            subscriptions=MemorySubscriptionStore(),
            dead_letters=MemoryDeadLetterStore(),
            alerts=MemoryAlertStore(),
            jobs=self.jobs,
            now=self.clock,
            feed=FEED,
            on_step=self._step,
        )

    async def _step(self, name: str) -> None:
        self.steps.append(name)
        if self.kill_at is not None and len(self.steps) == self.kill_at:
            self.kill_at = None
            raise Killed(name)
        if self.overtake_at == len(self.steps) and self.overtaker is not None:
            self.overtake_at = None
            await self.run_pass(self.overtaker, "second worker")

    def person(self, name: str, number: int) -> MemoryMailbox:
        """A mailbox and the Dynamics user behind it, not subscribed yet."""
        address = f"{name}@contoso.example"
        self.dynamics.users[address] = f"{number:08d}-0000-4000-8000-000000000000"
        return self.exchange.add(f"{number:08d}-aaaa-4000-8000-000000000000", address)

    async def subscribe(self, box: MemoryMailbox) -> None:
        user = self.dynamics.users[box.address]
        await self.services.registry.add(Mailbox(id=box.id, address=box.address, user_id=user))
        await self.jobs.again(box.id, "enable")

    async def profile(self, **changes: Any) -> None:
        await self.services.profiles.put(replace(Profile(), **changes))

    # --- running ----------------------------------------------------------------------------------

    async def run_pass(self, box: MemoryMailbox, cause: str = "test") -> None:
        await lanes.run_pass(self.services, self.jobs, box.id, cause)

    async def read_feed(self) -> None:
        await feed_jobs.run(self.services, FeedJob(FEED, "test"))

    async def settle(self, rounds: int = 12) -> int:
        """Passes and feed readings until nothing changes any more; returns the rounds it took."""
        for number in range(1, rounds + 1):
            before = self._state()
            await self.read_feed()
            for box in list(self.exchange.boxes.values()):
                await self.run_pass(box)
            await self._take_jobs()
            if self._state() == before:
                return number
        raise AssertionError(f"still changing after {rounds} rounds")

    async def _take_jobs(self) -> None:
        for job in self.jobs.take():
            if job.queue == "dynamics-feed":
                await self.read_feed()
            else:
                self.clock.forward(30)
                await lanes.work(self.services, job)

    def _state(self) -> tuple[object, ...]:
        return self.exchange.serial, self.dynamics.version, len(self.dynamics.log)
