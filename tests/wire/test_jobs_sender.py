"""Sending jobs through the unmodified Service Bus SDK to a broker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.servicebus.aio import ServiceBusClient, ServiceBusSender

from local.service_bus.amqp_decode import decode
from local.service_bus.broker import Broker
from local.service_bus.definitions import load_definitions
from local.service_bus.message import DATA
from local.service_bus.store import StoredMessage
from shared.credentials import DevelopmentCredential
from shared.errors import Refused, Transient
from shared.jobs import messages
from shared.jobs.connection import SEND_WITHIN, Connection
from shared.jobs.sender import ServiceBusJobs
from tests.contracts.jobs import Delivered, JobsContract, Receive
from tests.wire.conftest import free_port


@pytest.fixture
def now() -> datetime:
    """Real time: the broker delivers what is scheduled when its time has come."""
    return datetime.now(UTC)


@pytest.fixture
async def jobs(service_bus: Broker) -> AsyncIterator[ServiceBusJobs]:
    connected = ServiceBusJobs(Connection(service_bus.connection_string))
    yield connected
    await connected.close()


def stored(broker: Broker, queue: str) -> list[StoredMessage]:
    """What the broker holds, scheduled messages included."""
    return list(broker.entities[queue].queue.store.messages.values())


def body(message: StoredMessage) -> str:
    """The message's data section as text."""
    raw, position = message.content.raw, 0
    while position < len(raw):
        section, position = decode(raw, position)
        if section.descriptor == DATA:
            return bytes(section.value).decode()
    raise AssertionError("the message has no data section")


def jobs_in(broker: Broker, queue: str) -> list[messages.Job]:
    return [messages.job(body(message)) for message in stored(broker, queue)]


class TestServiceBusJobs(JobsContract):
    @pytest.fixture
    def receive(self, service_bus: Broker) -> Receive:
        seen: dict[str, int] = {}

        async def receive(queue: str) -> list[Delivered]:
            new = [each for each in stored(service_bus, queue) if each.sequence > seen.get(queue, 0)]
            seen[queue] = max((each.sequence for each in new), default=seen.get(queue, 0))
            return [Delivered(queue, str(each.session_id), json.loads(body(each))) for each in new]

        return receive


async def test_a_hint_is_received_in_its_session_when_its_second_is_over(
    jobs: ServiceBusJobs, service_bus: Broker, now: datetime
) -> None:
    await jobs.hint(["m1"], "event", now)
    async with (
        ServiceBusClient.from_connection_string(service_bus.connection_string) as client,
        client.get_queue_receiver(messages.MAILBOX_SYNC, session_id="m1") as receiver,
    ):
        (message,) = await receiver.receive_messages(max_wait_time=5)
        await receiver.complete_message(message)
    late = message.enqueued_time_utc - messages.bucket_end(now)
    assert timedelta() <= late < timedelta(seconds=1)
    assert messages.job(b"".join(message.body)) == messages.Job("m1", "event")
    assert (message.content_type, message.session_id) == ("application/json", "m1")


async def test_the_next_second_is_another_message(
    jobs: ServiceBusJobs, service_bus: Broker, now: datetime
) -> None:
    for second in (5, 5, 4):
        await jobs.hint(["m1"], "event", now - timedelta(seconds=second))
    assert len(stored(service_bus, messages.MAILBOX_SYNC)) == 2


async def test_a_retry_waits_for_its_time(jobs: ServiceBusJobs, service_bus: Broker, now: datetime) -> None:
    later = now.replace(microsecond=0) + timedelta(hours=1)
    await jobs.again("m1", "retry", at=later)
    await jobs.again("m1", "now")
    waiting, ready = stored(service_bus, messages.MAILBOX_SYNC)
    assert (waiting.state, waiting.due_at) == ("scheduled", later.timestamp())
    assert ready.state == "active"


async def test_a_thousand_hints_are_a_few_sendings(
    jobs: ServiceBusJobs, service_bus: Broker, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    await jobs.start([messages.MAILBOX_SYNC])
    sendings, send = [], ServiceBusSender.send_messages

    async def counted(sender: ServiceBusSender, *given: Any, **options: Any) -> None:
        sendings.append(given)
        await send(sender, *given, **options)

    monkeypatch.setattr(ServiceBusSender, "send_messages", counted)
    await jobs.hint([f"mailbox {number}" for number in range(1000)], "due", now + timedelta(hours=1))
    assert len(sendings) <= 2
    assert len({each.session_id for each in stored(service_bus, "mailbox-sync")}) == 1000


async def test_many_callers_share_one_sender(
    jobs: ServiceBusJobs, service_bus: Broker, now: datetime
) -> None:
    await jobs.start()
    open_before = len(service_bus.connections)
    await asyncio.gather(*(jobs.hint([f"m{n}"], "event", now) for n in range(50)))
    assert len(service_bus.connections) == open_before
    assert len(stored(service_bus, "mailbox-sync")) == 50


async def test_an_open_sender_serves_every_notification(
    jobs: ServiceBusJobs, service_bus: Broker, now: datetime
) -> None:
    """Opening one takes half a second, which nobody who answers a notification should wait for."""
    await jobs.start()
    opened = set(service_bus.connections)
    for number in range(20):
        await jobs.hint([f"m{number}"], "event", now)
        assert set(service_bus.connections) == opened


async def test_the_development_credential_works_too(service_bus: Broker) -> None:
    connection = Connection(
        namespace=f"127.0.0.1:{service_bus.port}", credential=DevelopmentCredential("app")
    )
    jobs = ServiceBusJobs(connection)
    await jobs.again("m1", "now")
    await jobs.close()
    assert len(stored(service_bus, "mailbox-sync")) == 1


async def test_without_a_broker_it_is_transient_and_soon() -> None:
    port = free_port()
    key = "SharedAccessKeyName=x;SharedAccessKey=y"
    text = f"Endpoint=sb://127.0.0.1:{port};{key};UseDevelopmentEmulator=true"
    jobs = ServiceBusJobs(Connection(text))
    async with asyncio.timeout(SEND_WITHIN * 10):
        with pytest.raises(Transient):
            await jobs.again("m1", "now")
        with pytest.raises(Transient):
            await jobs.start()
    async with Broker(load_definitions(), port=port) as broker:
        await jobs.again("m1", "back")
        assert len(stored(broker, "mailbox-sync")) == 1
        await jobs.close()


async def test_a_broker_that_comes_back_is_found_again(now: datetime) -> None:
    port = free_port()
    async with Broker(load_definitions(), port=port) as broker:
        jobs = ServiceBusJobs(Connection(broker.connection_string))
        await jobs.again("m1", "before")
    async with Broker(load_definitions(), port=port) as broker:
        await jobs.again("m1", "after")
        assert len(stored(broker, "mailbox-sync")) == 1
        await jobs.close()


async def test_an_unknown_queue_is_transient(service_bus: Broker) -> None:
    connection = Connection(service_bus.connection_string)
    with pytest.raises(Transient):
        await connection.open(["no-such-queue"])
    await connection.close()


async def test_what_cannot_be_a_session_is_refused(jobs: ServiceBusJobs, now: datetime) -> None:
    for session in ("", "x" * 129):
        with pytest.raises(Refused):
            await jobs.hint([session], "event", now)


async def test_a_question_larger_than_a_message_is_refused(jobs: ServiceBusJobs) -> None:
    with pytest.raises(Refused):
        await jobs.ask("m1", "preview", "r1", {"huge": "x" * 1_200_000})


async def test_a_trace_goes_along_and_ids_come_from_outside(service_bus: Broker) -> None:
    connection = Connection(service_bus.connection_string)
    jobs = ServiceBusJobs(connection, fresh=lambda: "id 1", traceparent=lambda: "00-1-2-01")
    await jobs.again("m1", "now")
    await jobs.close()
    (message,) = stored(service_bus, "mailbox-sync")
    assert message.content.message_id == "id 1"
    assert jobs_in(service_bus, "mailbox-sync") == [messages.Job("m1", "now", traceparent="00-1-2-01")]


async def test_who_waits_while_a_call_fails_does_not_try_for_himself(now: datetime) -> None:
    """Notifications that come while the broker is away are refused together, not one after the other."""
    asked = 0

    async def hangs_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        writer.close()

    away = await asyncio.start_server(hangs_up, "127.0.0.1", 0)
    port = away.sockets[0].getsockname()[1]
    key = "SharedAccessKeyName=x;SharedAccessKey=y"
    jobs = ServiceBusJobs(Connection(f"Endpoint=sb://127.0.0.1:{port};{key};UseDevelopmentEmulator=true"))
    async with away:
        with pytest.raises(Transient):
            await jobs.hint(["m0"], "notification", now)
        one, asked = asked, 0
        answers = await asyncio.gather(
            *(jobs.hint([f"m{number}"], "notification", now) for number in range(1, 20)),
            return_exceptions=True,
        )
        await jobs.close()
    assert [type(answer) for answer in answers] == [Transient] * 19
    assert 0 < asked <= one
