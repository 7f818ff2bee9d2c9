"""Queues over the wire, driven by the unmodified SDK: sending, receiving, settling, refusals."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from azure.servicebus import ServiceBusMessage, ServiceBusReceivedMessage
from azure.servicebus.exceptions import (
    MessageLockLostError,
    MessageNotFoundError,
    MessageSizeExceededError,
)

from tests.wire.service_bus_bench import Bench, eventually, one, running_bench, text


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_bench() as running:
        yield running


async def test_what_is_sent_arrives_with_all_its_properties(bench: Bench) -> None:
    await bench.send(
        "plain",
        ServiceBusMessage(
            "körper",
            message_id="id",
            session_id="any",
            subject="subject",
            correlation_id="corr",
            content_type="text/plain",
            reply_to="back",
            application_properties={"n": 7, "s": "é", "u": uuid.UUID(int=5)},
            time_to_live=timedelta(seconds=90),
        ),
    )
    async with bench.receiver("plain") as receiver:
        message = await one(receiver)
        assert (text(message), message.message_id, message.session_id) == ("körper", "id", "any")
        assert (message.subject, message.correlation_id, message.reply_to) == ("subject", "corr", "back")
        assert message.application_properties == {b"n": 7, b"s": "é".encode(), b"u": uuid.UUID(int=5)}
        assert (message.time_to_live, message.delivery_count) == (timedelta(seconds=90), 0)
        assert message.sequence_number == 1
        assert message.enqueued_time_utc is not None
        await receiver.complete_message(message)
    assert bench.entity("plain").queue.counts().active == 0


async def test_lists_and_batches_arrive_as_single_messages(bench: Bench) -> None:
    sender = bench.sender("plain")
    batch = await sender.create_message_batch()
    assert batch.max_size_in_bytes == 256 * 1024
    for number in range(3):
        batch.add_message(ServiceBusMessage(f"b{number}", message_id=f"b{number}"))
    await sender.send_messages(batch)
    await sender.send_messages([ServiceBusMessage("l0"), ServiceBusMessage("l1")])
    async with bench.receiver("plain", receive_mode="receiveanddelete", prefetch_count=10) as receiver:
        received: list[ServiceBusReceivedMessage] = []
        while len(received) < 5:
            received += await receiver.receive_messages(10, max_wait_time=5)
    assert [text(message) for message in received] == ["b0", "b1", "b2", "l0", "l1"]
    assert [message.message_id for message in received[:3]] == ["b0", "b1", "b2"]
    assert bench.entity("plain").queue.counts().active == 0


async def test_a_message_of_many_frames_arrives_whole_and_a_larger_one_is_refused(bench: Bench) -> None:
    body = bytes(range(256)) * 1000
    sender = bench.sender("plain")
    await sender.send_messages(ServiceBusMessage(body))
    with pytest.raises(MessageSizeExceededError):
        await sender.send_messages(ServiceBusMessage(bytes(256 * 1024)))
    async with bench.receiver("plain") as receiver:
        message = await one(receiver)
        assert b"".join(message.body) == body
        await receiver.complete_message(message)


async def test_an_abandoned_message_ends_in_the_dead_letters(bench: Bench) -> None:
    await bench.send("strict", ServiceBusMessage("poison", application_properties={"kept": True}))
    async with bench.receiver("strict") as receiver:
        for count in (0, 1):
            message = await one(receiver)
            assert message.delivery_count == count
            await receiver.abandon_message(message)
    async with bench.receiver("strict", sub_queue="deadletter") as receiver:
        message = await one(receiver)
        assert message.dead_letter_reason == "MaxDeliveryCountExceeded"
        assert message.application_properties is not None
        assert message.application_properties[b"kept"] is True
        await receiver.complete_message(message)
    assert bench.entity("strict").queue.counts().dead_lettered == 0


async def test_a_message_can_be_dead_lettered_with_a_reason(bench: Bench) -> None:
    await bench.send("plain", ServiceBusMessage("bad"))
    async with bench.receiver("plain") as receiver:
        message = await one(receiver)
        await receiver.dead_letter_message(message, reason="why", error_description="because")
    async with bench.receiver("plain", sub_queue="deadletter") as receiver:
        message = await one(receiver)
        assert (message.dead_letter_reason, message.dead_letter_error_description) == ("why", "because")


async def test_a_deferred_message_is_received_by_number_and_settled(bench: Bench) -> None:
    await bench.send("plain", ServiceBusMessage("a"), ServiceBusMessage("b"))
    async with bench.receiver("plain") as receiver:
        for _ in range(2):
            await receiver.defer_message(await one(receiver))
        first, second = await receiver.receive_deferred_messages([1, 2])
        assert [text(first), text(second)] == ["a", "b"]
        await receiver.complete_message(first)
        await receiver.dead_letter_message(second, reason="why")
        with pytest.raises(MessageNotFoundError):
            await receiver.receive_deferred_messages([1])
    counts = bench.entity("plain").queue.counts()
    assert (counts.deferred, counts.dead_lettered) == (0, 1)


async def test_peeking_changes_nothing(bench: Bench) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    await bench.send(
        "plain", ServiceBusMessage("a"), ServiceBusMessage("b", scheduled_enqueue_time_utc=later)
    )
    async with bench.receiver("plain") as receiver:
        peeked = await receiver.peek_messages(10)
        assert [(text(message), message.state.name) for message in peeked] == [
            ("a", "ACTIVE"),
            ("b", "SCHEDULED"),
        ]
        assert await receiver.peek_messages(10, sequence_number=3) == []
        assert (await one(receiver)).delivery_count == 0


async def test_a_lock_is_renewed_over_its_first_end(bench: Bench) -> None:
    await bench.send("strict", ServiceBusMessage("a"))
    async with bench.receiver("strict") as receiver:
        message = await one(receiver)
        bench.advance(20)
        until = await receiver.renew_message_lock(message)
        assert abs((until - datetime.now(UTC)).total_seconds() - 30) < 10, "told in real time"
        bench.advance(20)
        await asyncio.sleep(0.15)
        await receiver.complete_message(message)


async def test_a_lock_that_ran_out_is_lost_and_the_message_comes_again(bench: Bench) -> None:
    await bench.send("strict", ServiceBusMessage("a"))
    async with bench.receiver("strict") as receiver:
        lost = await one(receiver)
        bench.advance(31)
        again = await one(receiver)
        assert again.delivery_count == 1
        with pytest.raises(MessageLockLostError):
            await receiver.complete_message(lost)
        with pytest.raises(MessageLockLostError):
            await receiver.renew_message_lock(lost)
        await receiver.complete_message(again)


async def test_messages_of_a_closed_receiver_stay_locked_until_their_end(bench: Bench) -> None:
    await bench.send("strict", ServiceBusMessage("a"))
    async with bench.receiver("strict") as receiver:
        await one(receiver)
    assert bench.entity("strict").queue.counts().locked == 1
    bench.advance(31)
    await eventually(lambda: bench.entity("strict").queue.counts().active == 1)


async def test_a_prefetched_message_that_was_not_asked_for_comes_back_uncounted(bench: Bench) -> None:
    await bench.send("strict", [ServiceBusMessage("a"), ServiceBusMessage("b")])
    async with bench.receiver("strict", prefetch_count=5) as receiver:
        await receiver.complete_message(await one(receiver))
    await eventually(lambda: bench.entity("strict").queue.counts().active == 1)
    async with bench.receiver("strict") as receiver:
        message = await one(receiver)
        assert (text(message), message.delivery_count) == ("b", 0)


async def test_a_waiting_receiver_is_served_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what is sent, not when the broker next looks at its clock."""
    monkeypatch.setattr(bench.broker, "tick", lambda: None)
    async with bench.receiver("plain") as receiver:
        sender = bench.sender("plain")
        await sender.send_messages(ServiceBusMessage("opens the sender"))
        await one(receiver)
        waiting = asyncio.create_task(one(receiver))
        await asyncio.sleep(0.1)
        await sender.send_messages(ServiceBusMessage("a"))
        assert text(await waiting) == "a"
