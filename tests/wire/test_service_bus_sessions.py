"""Sessions over the wire, driven by the unmodified SDK."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from azure.servicebus import NEXT_AVAILABLE_SESSION, ServiceBusMessage
from azure.servicebus.exceptions import (
    OperationTimeoutError,
    SessionCannotBeLockedError,
    SessionLockLostError,
)

from tests.wire.service_bus_bench import Bench, none, one, running_bench, text

QUEUE = "sessions"


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_bench() as running:
        yield running


def message(body: str, session: str) -> ServiceBusMessage:
    return ServiceBusMessage(body, session_id=session)


async def test_the_next_available_session_is_waited_for(bench: Bench) -> None:
    sender = bench.sender(QUEUE)

    async def receive() -> tuple[str, str]:
        async with bench.receiver(QUEUE, session_id=NEXT_AVAILABLE_SESSION) as receiver:
            got = await one(receiver)
            await receiver.complete_message(got)
            return receiver.session.session_id, text(got)

    waiting = asyncio.create_task(receive())
    await asyncio.sleep(0.6)
    await sender.send_messages(message("a", "first"))
    assert await waiting == ("first", "a")


async def test_without_a_session_the_wait_ends_in_a_timeout(bench: Bench) -> None:
    with pytest.raises(OperationTimeoutError):
        async with bench.receiver(QUEUE, session_id=NEXT_AVAILABLE_SESSION, max_wait_time=1) as receiver:
            await receiver.receive_messages(max_wait_time=1)


async def test_sessions_are_exclusive_and_handed_out_in_turn(bench: Bench) -> None:
    await bench.send(QUEUE, message("a1", "a"), message("b1", "b"))
    async with (
        bench.receiver(QUEUE, session_id=NEXT_AVAILABLE_SESSION) as first,
        bench.receiver(QUEUE, session_id=NEXT_AVAILABLE_SESSION) as second,
    ):
        assert (first.session.session_id, second.session.session_id) == ("a", "b")
        assert [text(await one(first)), text(await one(second))] == ["a1", "b1"]
        with pytest.raises(SessionCannotBeLockedError):
            async with bench.receiver(QUEUE, session_id="a") as third:
                await third.receive_messages(max_wait_time=1)


async def test_order_holds_through_abandoning(bench: Bench) -> None:
    await bench.send(QUEUE, [message(str(number), "s") for number in range(4)])
    async with bench.receiver(QUEUE, session_id="s") as receiver:
        await receiver.complete_message(await one(receiver))
        await receiver.abandon_message(await one(receiver))
        again = await one(receiver)
        assert (text(again), again.delivery_count) == ("1", 1)
        await receiver.complete_message(again)
        rest = [await one(receiver), await one(receiver)]
        assert [text(got) for got in rest] == ["2", "3"]


async def test_a_session_state_stays_and_can_be_cleared(bench: Bench) -> None:
    async with bench.receiver(QUEUE, session_id="s") as receiver:
        assert await receiver.session.get_state() is None
        await receiver.session.set_state(b"\x00state")
    async with bench.receiver(QUEUE, session_id="s") as receiver:
        assert await receiver.session.get_state() == b"\x00state"
        await receiver.session.set_state(None)
        assert await receiver.session.get_state() is None


async def test_closing_frees_the_session_and_its_messages_uncounted(bench: Bench) -> None:
    await bench.send(QUEUE, message("a", "s"))
    async with bench.receiver(QUEUE, session_id="s") as receiver:
        await one(receiver)
    async with bench.receiver(QUEUE, session_id=NEXT_AVAILABLE_SESSION) as receiver:
        assert (await one(receiver)).delivery_count == 0


async def test_a_vanished_holder_frees_the_session_at_once_and_the_delivery_counts(bench: Bench) -> None:
    await bench.send(QUEUE, message("a", "s"))
    async with bench.receiver(QUEUE, session_id="s") as receiver:
        await one(receiver)
        for connection in list(bench.broker.connections):
            assert connection._transport is not None
            connection._transport.abort()
        async with bench.receiver(QUEUE, session_id=NEXT_AVAILABLE_SESSION) as heir:
            got = await one(heir)
            assert (text(got), got.delivery_count) == ("a", 1)
            await heir.complete_message(got)


async def test_a_session_lock_is_renewed_and_told_in_real_time(bench: Bench) -> None:
    bench.advance(3600)
    await bench.send(QUEUE, message("a", "s"))
    async with bench.receiver(QUEUE, session_id="s") as receiver:
        assert abs((receiver.session.locked_until_utc - datetime.now(UTC)).total_seconds() - 30) < 10
        got = await one(receiver)
        bench.advance(20)
        until = await receiver.session.renew_lock()
        assert abs((until - datetime.now(UTC)).total_seconds() - 30) < 10
        bench.advance(20)
        await asyncio.sleep(0.15)
        await receiver.complete_message(got)


async def test_a_session_that_ran_out_is_lost_and_settles_nothing(bench: Bench) -> None:
    await bench.send(QUEUE, message("a", "s"))
    async with bench.receiver(QUEUE, session_id="s") as receiver:
        lost = await one(receiver)
        bench.advance(31)
        await asyncio.sleep(0.15)
        with pytest.raises(SessionLockLostError):
            await receiver.complete_message(lost)
        with pytest.raises(SessionLockLostError):
            await receiver.session.renew_lock()
    async with bench.receiver(QUEUE, session_id="s") as receiver:
        got = await one(receiver)
        assert got.delivery_count == 1
        await receiver.complete_message(got)


async def test_a_deferred_message_of_a_session_is_settled_over_management(bench: Bench) -> None:
    await bench.send(QUEUE, message("a", "s"))
    async with bench.receiver(QUEUE, session_id="s") as receiver:
        await receiver.defer_message(await one(receiver))
        (got,) = await receiver.receive_deferred_messages([1])
        assert text(got) == "a"
        await receiver.complete_message(got)
    assert bench.entity(QUEUE).queue.counts().deferred == 0


async def test_the_dead_letters_of_a_session_queue_need_no_session(bench: Bench) -> None:
    await bench.send(QUEUE, message("a", "s"))
    async with bench.receiver(QUEUE, session_id="s") as receiver:
        await receiver.dead_letter_message(await one(receiver), reason="why")
        await none(receiver)
    async with bench.receiver(QUEUE, sub_queue="deadletter") as receiver:
        got = await one(receiver)
        assert (got.session_id, got.dead_letter_reason) == ("s", "why")
        await receiver.complete_message(got)


async def test_no_other_connection_can_renew_or_touch_a_held_session(bench: Bench) -> None:
    async with (
        bench.receiver(QUEUE, session_id="mine") as holder,
        bench.receiver(QUEUE, session_id="yours") as other,
    ):
        await holder.session.get_state()
        other.session._session_id = "mine"
        with pytest.raises(SessionLockLostError):
            await other.session.set_state("stolen")
        assert await holder.session.get_state() is None


async def test_sessions_with_messages_or_state_are_listed(bench: Bench) -> None:
    before = datetime.now(UTC)
    await bench.send(QUEUE, message("b", "b"))
    async with bench.receiver(QUEUE, session_id="a") as receiver:
        await receiver.session.set_state("state")
    assert [name async for name in bench.client.list_queue_sessions(QUEUE)] == ["a", "b"]
    recent = bench.client.list_queue_sessions(QUEUE, state_updated_after=before)
    assert [name async for name in recent] == ["a"]
