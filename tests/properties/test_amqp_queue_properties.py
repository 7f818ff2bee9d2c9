"""Any run of sends, receptions, settlements, lost holders, passing time and kills keeps a queue's promises.

Nothing acknowledged is lost or doubled, each session is first in first out, a session has one holder, and
a broker killed at any point comes back with the same messages.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from local.service_bus.journal import Change
from local.service_bus.queue import Queue
from local.service_bus.sessions import SessionLock
from local.service_bus.store import Store
from local.service_bus.sub_queue import Delivery
from tests.unit.amqp_bench import body_of, content, queue

SESSIONS = ("a", "b", "c")
MAX_DELIVERIES = 3
LOCK_SECONDS = 60.0


@dataclass
class Expected:
    """What the model believes of one message."""

    session: str
    order: float
    count: int = 0
    due: float | None = None
    where: str = "waiting"  # waiting, out, deferred, dead or done


class QueueMachine(RuleBasedStateMachine):
    """A session queue beside a plain model of it."""

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[Change] = []
        self.queue: Queue = queue(
            self.changes, requires_session=True, max_delivery_count=MAX_DELIVERIES, duplicate_window=30.0
        )
        self.now = 1000.0
        self.model: dict[str, Expected] = {}
        self.locks: list[SessionLock] = []
        self.out: dict[str, tuple[SessionLock, Delivery]] = {}
        self.seen: dict[str, float] = {}
        self.serial = 0

    # --- sending --------------------------------------------------------------------------------

    @rule(session=st.sampled_from(SESSIONS), delay=st.sampled_from([0, 0, 0, 5, 90]))
    def send(self, session: str, delay: int) -> None:
        body, due = self._next_body(), self.now + delay if delay else None
        self.queue.send([content(body, session=session, due=due)], self.now)
        self.model[body] = Expected(session, self.serial, due=due)

    @rule(session=st.sampled_from(SESSIONS), message_id=st.sampled_from("xy"))
    def send_with_id(self, session: str, message_id: str) -> None:
        body = self._next_body()
        self.queue.send([content(body, session=session, message_id=message_id)], self.now)
        if self.seen.get(message_id, -1000) <= self.now - 30:
            self.seen[message_id] = self.now
            self.model[body] = Expected(session, self.serial)

    def _next_body(self) -> str:
        self.serial += 1
        return f"m{self.serial:06}"

    # --- receiving ------------------------------------------------------------------------------

    @rule(session=st.sampled_from([None, None, *SESSIONS]))
    def accept(self, session: str | None) -> None:
        if session in {lock.session_id for lock in self.locks}:
            return
        lock = self.queue.main.accept(session, "holder", self.now)
        free = {one.session for one in self.model.values() if one.where == "waiting" and one.due is None}
        free -= {held.session_id for held in self.locks}
        if lock is None:
            assert session is None
            assert not free
            return
        assert lock.session_id == session or (session is None and lock.session_id in free)
        self.locks.append(lock)

    @precondition(lambda self: self.locks)
    @rule(data=st.data())
    def receive(self, data: st.DataObject) -> None:
        lock = data.draw(st.sampled_from(self.locks))
        delivery = self.queue.receive(self.queue.main, lock, self.now)
        waiting = [
            (expected.order, body)
            for body, expected in self.model.items()
            if expected.session == lock.session_id and expected.where == "waiting" and expected.due is None
        ]
        if not waiting:
            assert delivery is None
            return
        assert delivery is not None
        body = body_of(delivery.message)
        assert body == min(waiting)[1], "first in, first out"
        assert delivery.message.delivery_count == self.model[body].count
        self.model[body].where = "out"
        self.out[body] = (lock, delivery)

    @precondition(lambda self: self.out)
    @rule(data=st.data(), outcome=st.sampled_from(["complete", "abandon", "release", "dead", "defer"]))
    def settle(self, data: st.DataObject, outcome: str) -> None:
        body = data.draw(st.sampled_from(sorted(self.out)))
        _, delivery = self.out.pop(body)
        target, place, token = self.queue, self.queue.main, delivery.token
        expected = self.model[body]
        if outcome == "complete":
            target.complete(place, token, self.now)
            expected.where = "done"
        elif outcome == "abandon":
            target.abandon(place, token, self.now)
            self._failed(body)
        elif outcome == "release":
            target.release(place, token, self.now)
            expected.where = "waiting"
        elif outcome == "dead":
            target.dead_letter(place, token, "why", "", self.now)
            expected.where = "dead"
        else:
            target.defer(place, token, self.now)
            expected.where = "deferred"

    def _failed(self, body: str) -> None:
        expected = self.model[body]
        expected.count += 1
        expected.where = "dead" if expected.count >= MAX_DELIVERIES else "waiting"

    @precondition(lambda self: self.locks)
    @rule(data=st.data(), failed=st.booleans())
    def leave(self, data: st.DataObject, failed: bool) -> None:
        lock = data.draw(st.sampled_from(self.locks))
        self.queue.main.leave_session(lock, self.now, failed=failed)
        self._lose(lock, failed=failed)

    def _lose(self, lock: SessionLock, *, failed: bool) -> None:
        self.locks.remove(lock)
        for body in [body for body, (held, _) in self.out.items() if held is lock]:
            del self.out[body]
            if failed:
                self._failed(body)
            else:
                self.model[body].where = "waiting"

    # --- time and kills -------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 5, 31, 61]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds
        lost = self.queue.pass_time(self.now).lost
        assert {id(lock) for lock in lost} == {
            id(lock) for lock in self.locks if lock.locked_until <= self.now
        }
        for lock in lost:
            self._lose(lock, failed=True)
        self._schedules_fall_due()

    def _schedules_fall_due(self) -> None:
        due = [(one.due, body) for body, one in self.model.items() if one.due and one.due <= self.now]
        for _, body in sorted(due):
            self.serial += 1
            self.model[body].order, self.model[body].due = self.serial, None

    @rule(compacted=st.booleans())
    def killed_and_started_again(self, compacted: bool) -> None:
        history = list(self.queue.store.snapshot()) if compacted else list(self.changes)
        self.changes = history
        revived = Queue(self.queue.definition, Store(self.changes.append))
        for change in list(history):
            revived.store.replay(change)
        revived.recover(self.now)
        self.queue = revived
        for lock in list(self.locks):
            self._lose(lock, failed=True)

    # --- what always holds ----------------------------------------------------------------------

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        stored = [body_of(message) for message in self.queue.store.messages.values()]
        assert len(stored) == len(set(stored))
        assert set(stored) == {body for body, one in self.model.items() if one.where != "done"}

    @invariant()
    def counts_agree(self) -> None:
        places = [("scheduled" if one.due else one.where) for one in self.model.values()]
        counts = self.queue.counts()
        found = (counts.active, counts.scheduled, counts.locked, counts.deferred, counts.dead_lettered)
        kinds = ("waiting", "scheduled", "out", "deferred", "dead")
        assert found == tuple(places.count(kind) for kind in kinds)

    @invariant()
    def the_store_is_in_order_of_sequence_numbers(self) -> None:
        numbers = list(self.queue.store.messages)
        assert numbers == sorted(numbers)
        assert all(number < self.queue.store.next_sequence for number in numbers)


QueueMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyRunOfAQueue = QueueMachine.TestCase
