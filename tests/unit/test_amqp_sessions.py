"""Sessions of a queue: exclusive, in order, and free again when their holder goes."""

from __future__ import annotations

import pytest

from local.service_bus.queue import Queue
from local.service_bus.refusals import RefusalError
from local.service_bus.sessions import SessionLock
from tests.unit.amqp_bench import body_of, content, queue


def session_queue(*sent: str, **settings: object) -> Queue:
    """A session queue with messages spelled ``session:body``."""
    bench = queue(requires_session=True, **settings)
    for one in sent:
        session, _, body = one.partition(":")
        bench.send([content(body, session=session)], 0)
    return bench


def accept(bench: Queue, session_id: str | None = None, now: float = 0) -> SessionLock:
    lock = bench.main.accept(session_id, "holder", now)
    assert lock is not None
    return lock


def take(bench: Queue, lock: SessionLock, now: float = 0) -> str:
    delivery = bench.receive(bench.main, lock, now)
    assert delivery is not None
    return body_of(delivery.message)


def test_each_session_has_one_holder_and_the_next_free_one_is_given_out() -> None:
    bench = session_queue("a:1", "b:1", "a:2")
    assert [accept(bench).session_id, accept(bench).session_id] == ["a", "b"]
    assert bench.main.accept(None, "holder", 0) is None
    with pytest.raises(RefusalError, match="cannot be accepted"):
        accept(bench, "a")


def test_a_holder_also_gets_what_comes_later_and_nothing_else() -> None:
    bench = session_queue("a:1", "b:1")
    lock = accept(bench, "a")
    bench.send([content("2", session="a")], 0)
    assert [take(bench, lock), take(bench, lock)] == ["1", "2"]
    assert bench.receive(bench.main, lock, 0) is None


def test_order_holds_when_messages_come_back() -> None:
    bench = session_queue("a:1", "a:2", "a:3")
    lock = accept(bench)
    first, second = bench.receive(bench.main, lock, 0), bench.receive(bench.main, lock, 0)
    assert first is not None
    assert second is not None
    bench.abandon(bench.main, second.token, 0)
    bench.abandon(bench.main, first.token, 0)
    assert [take(bench, lock) for _ in range(3)] == ["1", "2", "3"]


def test_an_empty_session_can_be_accepted_by_name() -> None:
    bench = session_queue()
    lock = accept(bench, "a")
    bench.send([content("1", session="a")], 0)
    assert take(bench, lock) == "1"


@pytest.mark.parametrize(("failed", "count"), [(False, 0), (True, 1)])
def test_leaving_frees_session_and_messages_at_once(failed: bool, count: int) -> None:
    bench = session_queue("a:1")
    lock = accept(bench)
    take(bench, lock)
    bench.main.leave_session(lock, 1, failed=failed)
    again = bench.receive(bench.main, accept(bench, now=1), 1)
    assert again is not None
    assert (body_of(again.message), again.message.delivery_count) == ("1", count)


def test_an_expired_session_is_lost_with_its_messages() -> None:
    bench = session_queue("a:1")
    lock = accept(bench)
    delivery = bench.receive(bench.main, lock, 0)
    assert delivery is not None
    assert bench.pass_time(60).lost == [lock]
    with pytest.raises(RefusalError):
        bench.complete(bench.main, delivery.token, 60)
    with pytest.raises(RefusalError, match="session 'a'"):
        bench.main.renew_session(lock, 60)
    assert bench.receive(bench.main, lock, 60) is None
    assert bench.peek(bench.main, 0, 1)[0].delivery_count == 1


def test_a_renewed_session_keeps_its_messages_locked() -> None:
    bench = session_queue("a:1")
    lock = accept(bench)
    delivery = bench.receive(bench.main, lock, 0)
    assert delivery is not None
    assert bench.main.renew_session(lock, 50) == 110
    assert bench.pass_time(60).lost == []
    bench.complete(bench.main, delivery.token, 100)


def test_a_message_of_a_session_is_renewed_through_its_session() -> None:
    bench = session_queue("a:1")
    delivery = bench.receive(bench.main, accept(bench), 0)
    assert delivery is not None
    with pytest.raises(RefusalError, match="renew the session's lock"):
        bench.main.renew(delivery.token, 1)


def test_sessions_that_are_given_up_queue_behind_the_others() -> None:
    bench = session_queue("a:1", "b:1")
    first = accept(bench)
    bench.main.leave_session(first, 0, failed=False)
    assert accept(bench).session_id == "b"


def test_a_deferred_message_is_reached_only_from_its_own_session() -> None:
    bench = session_queue("a:1", "b:1")
    lock, other = accept(bench, "a"), accept(bench, "b")
    delivery = bench.receive(bench.main, lock, 0)
    assert delivery is not None
    bench.defer(bench.main, delivery.token, 0)
    with pytest.raises(RefusalError):
        bench.deferred(bench.main, [1], other, 0)
    assert [body_of(message) for message in bench.deferred(bench.main, [1], lock, 0)] == ["1"]


def test_sessions_with_messages_or_state_are_listed() -> None:
    bench = session_queue("b:1")
    bench.set_session_state("a", b"state", 5)
    assert bench.list_sessions(None) == ["a", "b"]
    assert bench.list_sessions(4) == ["a"]
    assert bench.list_sessions(5) == []
    bench.set_session_state("a", None, 6)
    assert bench.list_sessions(None) == ["b"]


def test_a_session_state_has_a_largest_size() -> None:
    with pytest.raises(RefusalError, match="exceeds the limit"):
        session_queue().set_session_state("a", bytes(256 * 1024 + 1), 0)
