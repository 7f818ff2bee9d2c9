"""What queues do by themselves and what they refuse: schedules, duplicates, expiry; driven by the SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from azure.servicebus import ServiceBusMessage
from azure.servicebus.exceptions import MessagingEntityNotFoundError, ServiceBusError

from tests.wire.service_bus_bench import Bench, eventually, none, one, running_bench, text


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with running_bench() as running:
        yield running


# --- schedules, duplicates, time to live ------------------------------------------------------------


async def test_scheduled_messages_fall_due_when_the_clock_is_moved(bench: Bench) -> None:
    due = datetime.now(UTC) + timedelta(minutes=5)
    sender = bench.sender("plain")
    await sender.send_messages(ServiceBusMessage("annotated", scheduled_enqueue_time_utc=due))
    numbers = await sender.schedule_messages([ServiceBusMessage("called"), ServiceBusMessage("off")], due)
    await sender.cancel_scheduled_messages(numbers[1])
    with pytest.raises(ServiceBusError):
        await sender.cancel_scheduled_messages(numbers[1])
    assert bench.entity("plain").queue.counts().scheduled == 2
    async with bench.receiver("plain") as receiver:
        await none(receiver)
        bench.advance(301)
        assert [text(await one(receiver)) for _ in range(2)] == ["annotated", "called"]


async def test_duplicates_are_dropped_within_the_window_after_processing_too(bench: Bench) -> None:
    def same(body: str) -> ServiceBusMessage:
        return ServiceBusMessage(body, message_id="same")

    await bench.send("unique", [same("a"), same("b")])
    async with bench.receiver("unique") as receiver:
        await receiver.complete_message(await one(receiver))
        await bench.send("unique", same("c"))
        assert bench.entity("unique").queue.counts().active == 0
        bench.advance(61)
        await bench.send("unique", same("d"))
        assert text(await one(receiver)) == "d"


async def test_an_expired_message_goes_to_the_dead_letters(bench: Bench) -> None:
    await bench.send("brief", ServiceBusMessage("old"))
    bench.advance(101)
    await eventually(lambda: bench.entity("brief").queue.counts().dead_lettered == 1)
    async with bench.receiver("brief", sub_queue="deadletter") as receiver:
        assert (await one(receiver)).dead_letter_reason == "TTLExpiredException"


# --- refusals ---------------------------------------------------------------------------------------


async def test_an_unknown_queue_is_refused_both_ways(bench: Bench) -> None:
    with pytest.raises(MessagingEntityNotFoundError):
        await bench.send("nowhere", ServiceBusMessage("a"))
    with pytest.raises(ServiceBusError):
        async with bench.receiver("nowhere") as receiver:
            await receiver.receive_messages(max_wait_time=1)


async def test_a_session_queue_refuses_messages_and_receivers_without_a_session(bench: Bench) -> None:
    with pytest.raises(ServiceBusError, match="requires session id"):
        await bench.send("sessions", ServiceBusMessage("a"))
    with pytest.raises(ServiceBusError):
        async with bench.receiver("sessions") as receiver:
            await receiver.receive_messages(max_wait_time=1)


async def test_a_plain_queue_refuses_session_receivers(bench: Bench) -> None:
    with pytest.raises(ServiceBusError):
        async with bench.receiver("plain", session_id="s") as receiver:
            await receiver.receive_messages(max_wait_time=1)


async def test_nothing_can_be_sent_to_the_dead_letters(bench: Bench) -> None:
    with pytest.raises(ServiceBusError):
        await bench.send("plain/$DeadLetterQueue", ServiceBusMessage("a"))
