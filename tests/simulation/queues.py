"""Service Bus in memory: sessions, scheduled messages, merged hints, redelivery and dead letters, in
simulated time and in a seeded order. The sender is the real one; this is its connection."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from azure.servicebus import ServiceBusMessage

from local.clock import Clock
from shared.errors import Transient
from shared.jobs.dead_letters import Handle, letter_id
from shared.model.dead_letter import DeadLetter
from tests.simulation.faults import Chance, Killed
from tests.simulation.waiting import Message, Session, Waiting
from tests.simulation.workers import Worker, become_worker, outside, task_factory

MAX_DELIVERIES = 10
SAME_WITHIN = 600.0
"""Seconds in which a message id is known (``duplicateDetectionHistoryTimeWindow``)."""
SESSIONS_AT_ONCE = 32


Work = Callable[[str, bytes, float], Awaitable[None]]
"""What a worker does with a message of a queue that waited so many seconds."""


@dataclass
class QueueDouble:
    """``send`` is all that the sender needs; ``start(work)`` lets workers take what is there."""

    clock: Clock
    chance: Chance
    waiting: Waiting = field(default_factory=Waiting)
    dead: list[Message] = field(default_factory=list)
    died: int = 0
    delivered: Counter[str] = field(default_factory=Counter)
    ended: list[tuple[str, BaseException]] = field(default_factory=list)
    ended_work: Callable[[Worker], None] | None = None
    _work: Work | None = None
    _seen: dict[tuple[str, str], float] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=count)
    _running: set[asyncio.Task[None]] = field(default_factory=set)
    _workers: dict[asyncio.Task[BaseException | None], Worker] = field(default_factory=dict)
    _away_until: float = 0.0

    # --- the sender's side ------------------------------------------------------------------------

    async def open(self, queues: Sequence[str]) -> None:
        """Nothing is opened."""

    async def close(self) -> None:
        """Nothing is open."""

    async def send(self, queue: str, messages: Sequence[ServiceBusMessage]) -> None:
        if self.chance.of_hundred("queue refuses", self.chance.rates.storage):
            raise Transient("service bus: nothing sent", code="ServiceBusConnectionError")
        for message in messages:
            self._take(queue, message)
        if self.chance.of_hundred("queue's answer lost", self.chance.rates.storage):
            raise Transient("service bus: nothing sent", code="ServiceBusConnectionError")

    def _take(self, queue: str, message: ServiceBusMessage) -> None:
        now = self.clock.time()
        key = (queue, str(message.message_id))
        if now - self._seen.get(key, float("-inf")) < SAME_WITHIN:
            return
        self._seen[key] = now
        at = message.scheduled_enqueue_time_utc
        due = max(now, _aware(at).timestamp()) if at is not None else now
        body = b"".join(message.body) if not isinstance(message.body, bytes) else message.body
        number = next(self._numbers)
        self.waiting.add(Message(queue, str(message.session_id), body, due, number, 0, key[1], now))
        self._look_at(due)

    # --- the workers' side ------------------------------------------------------------------------

    def start(self, work: Work) -> None:
        self._work = work
        asyncio.get_running_loop().set_task_factory(task_factory)
        self._look()

    @property
    def idle(self) -> bool:
        """Nobody works, and nothing is due now."""
        return not self.waiting.taken and self.waiting.nothing_due(self.clock.time())

    def _look_at(self, moment: float) -> None:
        if self._work is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(max(0.0, moment - self.clock.time()), self._look, context=outside())

    @property
    def working(self) -> int:
        return len(self._workers)

    def deploy(self, seconds: float) -> int:
        """All workers are killed at once, whatever they are doing, and for a while there are none. Returns
        how many worked."""
        self._away_until = self.clock.time() + seconds
        working = list(self._workers)
        for task in working:
            task.cancel()
        self._look_at(self._away_until)
        return len(working)

    def _look(self) -> None:
        """Each session that has something due gets a worker, one at a time."""
        if self._now() < self._away_until:
            return
        self.waiting.ripen(self._now())
        source = self.chance.source("sessions")
        while len(self.waiting.taken) < SESSIONS_AT_ONCE:
            session = self.waiting.draw(source)
            if session is None:
                return
            self._serve(session)

    def _now(self) -> float:
        """What is due within a microsecond is due: timers are that exact."""
        return self.clock.time() + 1e-6

    def _serve(self, session: Session) -> None:
        task = asyncio.create_task(self._drain(session), context=outside())
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.result()

    async def _drain(self, session: Session) -> None:
        pause = 0.0
        try:
            await asyncio.sleep(self.chance.seconds("pick up", 0.005, 0.1))
            while (message := self._next(session)) is not None and not pause:
                pause = await self._deliver(message)
        finally:
            if pause:
                self._block(session, pause)
            else:
                self._free(session)

    def _block(self, session: Session, pause: float) -> None:
        """Its worker is gone: the session is nobody's until its lock ends."""
        asyncio.get_running_loop().call_later(pause, self._free, session, context=outside())

    def _free(self, session: Session) -> None:
        self.waiting.give_back(session, self._now())
        self._look()

    def _next(self, session: Session) -> Message | None:
        return None if self._now() < self._away_until else self.waiting.first(session, self._now())

    async def _deliver(self, message: Message) -> float:
        """Seconds for which the session's lock outlives its worker."""
        message.deliveries += 1
        self.delivered[message.queue] += 1
        lost = self.chance.of_hundred("lock lost", self.chance.rates.lock)
        work = asyncio.create_task(self._worked(message))
        if lost:
            patience = self.chance.seconds("lock", 0.05, 2)
            done, _ = await asyncio.wait({work}, timeout=patience)
            if not done:  # The next worker gets the message while this one goes on.
                self._running.add(work)
                work.add_done_callback(self._running.discard)
                return self._failed(message)
        killed = await work
        if killed is None:
            self.waiting.remove(message)
            return 0.0
        failed = self._failed(message)
        if isinstance(killed, Killed):
            return failed or self.chance.seconds("kill", 0.5, 300)
        return failed

    def _failed(self, message: Message) -> float:
        if message.deliveries >= MAX_DELIVERIES:
            self.waiting.remove(message)
            self.dead.append(message)
            self.died += 1
        return 0.0

    async def _worked(self, message: Message) -> BaseException | None:
        """One worker: when it is killed, everything that it had begun ends with it."""
        worker, task = become_worker(message.session, self.chance.skew()), asyncio.current_task()
        if self._work is None or task is None:
            raise RuntimeError("nobody works")
        self._workers[task] = worker
        try:
            await self._work(message.queue, message.body, self.clock.time() - message.at)
        except Killed as killed:
            return self._died(message, worker, killed)
        except asyncio.CancelledError:  # a deploy
            return self._died(message, worker, Killed("with all others"))
        except Exception as error:  # noqa: BLE001 - the host's: the message comes again
            self.ended.append((message.queue, error))
            return error
        finally:
            del self._workers[task]
            if self.ended_work is not None:
                self.ended_work(worker)
        return None

    def _died(self, message: Message, worker: Worker, killed: Killed) -> Killed:
        for task in list(worker.begun):
            task.cancel()
        self.ended.append((message.queue, killed))
        return killed


@dataclass
class DeadLettersDouble:
    """What was given up, as the watch timer takes it out."""

    queues: QueueDouble
    chance: Chance

    async def drain(self, queue: str, handle: Handle) -> int:
        if self.chance.of_hundred("queue refuses", self.chance.rates.storage):
            raise Transient("service bus: dead letters not read", code="ServiceBusConnectionError")
        here = [message for message in self.queues.dead if message.queue == queue]
        if here:
            await handle([_letter(message, self.queues.clock.now()) for message in here])
        self.queues.dead = [message for message in self.queues.dead if message not in here]
        return len(here)


def _letter(message: Message, now: datetime) -> DeadLetter:
    enqueued_at = datetime.fromtimestamp(message.enqueued, UTC)
    return DeadLetter(
        id=letter_id(message.queue, message.number, message.id, enqueued_at),
        queue=message.queue,
        session=message.session,
        message_id=message.id,
        sequence=message.number,
        cause=str(json.loads(message.body).get("cause", "")),
        reason="MaxDeliveryCountExceeded",
        description="",
        deliveries=message.deliveries,
        enqueued_at=enqueued_at,
        found_at=now,
        body=message.body.decode(),
    )


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
