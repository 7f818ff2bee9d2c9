"""The rules of one queue, without a network: time is a number."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from local.service_bus.queue import EXPIRED, MAX_DELIVERIES, Queue
from local.service_bus.refusals import RefusalError
from local.service_bus.store import StoredMessage
from tests.unit.amqp_bench import body_of, content, queue


def bodies(messages: Iterable[StoredMessage]) -> list[str]:
    return [body_of(message) for message in messages]


def receive_all(target: Queue, now: float) -> list[str]:
    found = []
    while (message := target.receive_and_delete(target.main, None, now)) is not None:
        found.append(body_of(message))
    return found


def dead(target: Queue) -> list[tuple[str, tuple[str, str] | None]]:
    return [(body_of(message), message.dead) for message in target.peek(target.dead, 0, 100)]


def test_messages_come_in_the_order_of_sending() -> None:
    bench = queue()
    bench.send([content("a"), content("b")], 0)
    bench.send([content("c")], 0)
    assert receive_all(bench, 0) == ["a", "b", "c"]


def test_an_abandoned_message_comes_back_first_with_its_count_raised() -> None:
    bench = queue()
    bench.send([content("a"), content("b")], 0)
    first = bench.receive(bench.main, None, 0)
    assert first is not None
    bench.abandon(bench.main, first.token, 1)
    again = bench.receive(bench.main, None, 1)
    assert again is not None
    assert (body_of(again.message), again.message.delivery_count) == ("a", 1)


def test_a_released_message_comes_back_uncounted() -> None:
    bench = queue()
    bench.send([content("a")], 0)
    first = bench.receive(bench.main, None, 0)
    assert first is not None
    bench.release(bench.main, first.token, 1)
    assert bench.peek(bench.main, 0, 1)[0].delivery_count == 0


def test_an_expired_lock_can_settle_nothing_and_the_message_comes_back() -> None:
    bench = queue()
    bench.send([content("a")], 0)
    delivery = bench.receive(bench.main, None, 0)
    assert delivery is not None
    with pytest.raises(RefusalError, match="lock supplied is invalid"):
        bench.complete(bench.main, delivery.token, 60)
    assert bench.receive(bench.main, None, 60) is None, "not before the queue has noticed"
    assert bench.pass_time(60).changed
    again = bench.receive(bench.main, None, 60)
    assert again is not None
    assert again.message.delivery_count == 1


def test_a_renewed_lock_holds_longer() -> None:
    bench = queue()
    bench.send([content("a")], 0)
    delivery = bench.receive(bench.main, None, 0)
    assert delivery is not None
    assert bench.main.renew(delivery.token, 50) == 110
    assert not bench.pass_time(60).changed
    bench.complete(bench.main, delivery.token, 100)
    assert bench.counts().active == 0


def test_the_last_failed_delivery_ends_in_the_dead_letters() -> None:
    bench = queue(max_delivery_count=2)
    bench.send([content("a")], 0)
    for _ in range(2):
        delivery = bench.receive(bench.main, None, 0)
        assert delivery is not None
        bench.abandon(bench.main, delivery.token, 0)
    sentence = "Message could not be consumed after 2 delivery attempts."
    assert dead(bench) == [("a", (MAX_DELIVERIES, sentence))]
    assert bench.receive(bench.main, None, 0) is None


def test_dead_letters_are_received_without_a_session_and_are_not_buried_again() -> None:
    bench = queue(requires_session=True, max_delivery_count=1)
    bench.send([content("a", session="s")], 0)
    lock = bench.main.accept("s", "holder", 0)
    assert lock is not None
    delivery = bench.receive(bench.main, lock, 0)
    assert delivery is not None
    bench.dead_letter(bench.main, delivery.token, "why", "because", 0)
    for count in (0, 1, 2):
        found = bench.receive(bench.dead, None, 0)
        assert found is not None
        assert found.message.delivery_count == count
        bench.abandon(bench.dead, found.token, 0)
    assert dead(bench) == [("a", ("why", "because"))]


def test_a_deferred_message_is_received_by_its_number_only() -> None:
    bench = queue()
    bench.send([content("a")], 0)
    delivery = bench.receive(bench.main, None, 0)
    assert delivery is not None
    bench.defer(bench.main, delivery.token, 0)
    assert bench.receive(bench.main, None, 0) is None
    (message,) = bench.deferred(bench.main, [1], None, 0)
    delivery = bench.main.lock(message, None, 0)
    with pytest.raises(RefusalError, match="sequence number 1"):
        bench.deferred(bench.main, [1], None, 0)
    bench.abandon(bench.main, delivery.token, 0)
    assert bench.receive(bench.main, None, 0) is None, "an abandoned deferred message stays deferred"
    assert bench.counts().deferred == 1


# --- duplicates and schedules -----------------------------------------------------------------------


def test_an_id_is_remembered_for_the_window_even_when_the_message_is_gone() -> None:
    bench = queue(duplicate_window=20.0)
    bench.send([content("a", message_id="1")], 0)
    assert receive_all(bench, 0) == ["a"]
    bench.send([content("b", message_id="1"), content("c", message_id="2"), content("d", message_id="2")], 19)
    assert receive_all(bench, 19) == ["c"]
    bench.send([content("e", message_id="1")], 20)
    assert receive_all(bench, 20) == ["e"]


def test_scheduled_messages_take_part_in_duplicate_detection_both_ways() -> None:
    bench = queue(duplicate_window=20.0)
    bench.send([content("scheduled", message_id="1", due=10)], 0)
    bench.send([content("plain", message_id="1"), content("first", message_id="2")], 1)
    bench.send([content("late", message_id="2", due=5)], 2)
    bench.pass_time(10)
    assert receive_all(bench, 10) == ["first", "scheduled"]


def test_a_scheduled_message_is_enqueued_anew_when_it_falls_due() -> None:
    bench = queue()
    (number,) = bench.send([content("later", due=10)], 0)
    bench.send([content("now")], 0)
    assert (bench.counts().scheduled, bench.counts().next_scheduled_at) == (1, 10)
    assert not bench.pass_time(9.9).changed
    assert bench.pass_time(10).changed
    assert receive_all(bench, 10) == ["now", "later"]
    with pytest.raises(RefusalError, match="sequence number"):
        bench.cancel_scheduled([number])


def test_a_cancelled_schedule_never_falls_due() -> None:
    bench = queue()
    numbers = bench.send([content("a", due=10), content("b", due=10)], 0)
    with pytest.raises(RefusalError):
        bench.cancel_scheduled([*numbers, 99])
    assert bench.counts().scheduled == 2, "all or none"
    bench.cancel_scheduled(numbers)
    assert not bench.pass_time(10).changed


def test_a_schedule_in_the_past_is_enqueued_at_once() -> None:
    bench = queue()
    bench.send([content("a", due=5)], 6)
    assert receive_all(bench, 6) == ["a"]


# --- time to live -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("to_dead_letters", "left"), [(True, [EXPIRED]), (False, [])])
def test_an_expired_message_is_dropped_or_dead_lettered(to_dead_letters: bool, left: list[str]) -> None:
    bench = queue(time_to_live=100.0, dead_letter_expired=to_dead_letters)
    bench.send([content("a", ttl=10)], 0)
    bench.send([content("b", ttl=1000)], 0)
    bench.pass_time(10)
    assert bodies(bench.peek(bench.main, 0, 9)) == ["b"], "the shorter of the two times counts"
    assert [why[0] for _, why in dead(bench) if why] == left
    bench.pass_time(100)
    assert bench.counts().active == 0


def test_a_locked_message_outlives_its_time_until_it_comes_back() -> None:
    bench = queue(time_to_live=10.0, dead_letter_expired=True)
    bench.send([content("a"), content("b")], 0)
    kept, returned = bench.receive(bench.main, None, 5), bench.receive(bench.main, None, 5)
    assert kept is not None
    assert returned is not None
    bench.pass_time(20)
    bench.complete(bench.main, kept.token, 20)
    bench.release(bench.main, returned.token, 20)
    assert [name for name, _ in dead(bench)] == ["b"]


def test_an_expired_message_is_not_delivered_even_before_anyone_noticed() -> None:
    bench = queue(time_to_live=10.0)
    bench.send([content("a")], 0)
    assert bench.receive(bench.main, None, 10) is None


# --- refusals ---------------------------------------------------------------------------------------


def test_a_session_queue_takes_no_message_without_a_session_and_then_none_of_the_batch() -> None:
    bench = queue(requires_session=True)
    with pytest.raises(RefusalError, match="requires session id"):
        bench.send([content("a", session="s"), content("b")], 0)
    assert bench.counts().active == 0


def test_a_full_queue_refuses() -> None:
    bench = queue(max_bytes=100)
    bench.send([content("x" * 60)], 0)
    with pytest.raises(RefusalError, match="maximum size"):
        bench.send([content("x" * 60)], 0)


def test_ids_have_a_longest_length() -> None:
    with pytest.raises(RefusalError, match="MessageId is longer"):
        queue().send([content(message_id="x" * 129)], 0)
