"""A job that dies in a real queue, by way of the unmodified SDK: taken out once, listed, replayed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver

from local.service_bus.broker import Broker
from shared.errors import Transient
from shared.jobs import messages
from shared.jobs.connection import Connection
from shared.jobs.dead_letters import DeadLetterQueues
from shared.jobs.sender import ServiceBusJobs
from shared.mailboxes import dead_letters
from shared.model.dead_letter import DeadLetter
from shared.web.admin_api import handle
from shared.web.http import Request
from tests.doubles.service import Service
from tests.marks import rule
from tests.wire.conftest import free_port

QUEUE = messages.MAILBOX_SYNC
TRIES = 10


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def client(service_bus: Broker) -> AsyncIterator[ServiceBusClient]:
    async with ServiceBusClient.from_connection_string(service_bus.connection_string) as connected:
        yield connected


@pytest.fixture
async def queues(service_bus: Broker) -> AsyncIterator[DeadLetterQueues]:
    connection = Connection(service_bus.connection_string)
    yield DeadLetterQueues(connection, now)
    await connection.close()


def dead(broker: Broker, queue: str = QUEUE) -> int:
    return broker.entities[queue].queue.counts().dead_lettered


async def one(receiver: ServiceBusReceiver) -> str:
    (message,) = await receiver.receive_messages(1, max_wait_time=5)
    await receiver.complete_message(message)
    return str(message)


async def die(client: ServiceBusClient, text: str, *, session: str = "m1", number: str = "1") -> None:
    """Sent once, failed ten times."""
    message = ServiceBusMessage(text, session_id=session, message_id=number)
    async with client.get_queue_sender(QUEUE) as sender:
        await sender.send_messages(message)
    async with client.get_queue_receiver(QUEUE, session_id=session) as receiver:
        for _ in range(TRIES):
            (found,) = await receiver.receive_messages(1, max_wait_time=5)
            await receiver.abandon_message(found)


@rule("MBX-16")
async def test_a_job_that_fails_ten_times_is_recorded_listed_and_replayed(
    client: ServiceBusClient, queues: DeadLetterQueues, service_bus: Broker
) -> None:
    service = Service()
    box = service.person("ada", 1)
    await service.subscribe(box)
    body = messages.to_text(messages.Job(box.id, "notification"))
    await die(client, body, session=box.id)
    assert dead(service_bus) == 1
    assert await dead_letters.drain_all(service.services, queues) == 1
    assert dead(service_bus) == 0
    assert await dead_letters.drain_all(service.services, queues) == 0

    ((letter,), more) = await service.services.dead_letters.page(limit=9)
    assert not more
    assert (letter.queue, letter.session, letter.cause, letter.body) == (QUEUE, box.id, "notification", body)
    assert letter.reason == "MaxDeliveryCountExceeded"
    assert "after 10 delivery attempts" in letter.description
    assert letter.deliveries >= TRIES
    assert (letter.message_id, letter.sequence) == ("1", 1)
    assert timedelta() <= letter.found_at - letter.enqueued_at < timedelta(minutes=1)
    mailbox = await service.services.registry.get(box.id)
    assert mailbox is not None
    assert (mailbox.due_at, mailbox.failures) == (service.clock(), 1)

    jobs = ServiceBusJobs(Connection(service_bus.connection_string))
    request = Request(
        "POST",
        f"deadletters/{letter.id}",
        {},
        {"host": "127.0.0.1"},
        json.dumps({"action": "replay"}).encode(),
    )
    answer = await handle(replace(service.services, jobs=jobs), request, "loopback")
    await jobs.close()
    assert answer.status == 200
    async with client.get_queue_receiver(QUEUE, session_id=box.id) as receiver:
        assert await one(receiver) == body
    assert await service.services.dead_letters.page(limit=9) == ([], False)


async def test_what_is_not_handled_is_not_lost(
    client: ServiceBusClient, queues: DeadLetterQueues, service_bus: Broker
) -> None:
    await die(client, "no JSON")
    seen: list[DeadLetter] = []

    async def refuse(letters: Sequence[DeadLetter]) -> None:
        seen.extend(letters)
        raise Transient("no tables")

    with pytest.raises(Transient):
        await queues.drain(QUEUE, refuse)
    assert dead(service_bus) == 1
    assert [(each.cause, each.body) for each in seen] == [("", "no JSON")]


async def test_a_second_reading_gives_the_same_id(
    client: ServiceBusClient, queues: DeadLetterQueues, service_bus: Broker
) -> None:
    await die(client, "{}")
    seen: list[DeadLetter] = []

    async def take(letters: Sequence[DeadLetter]) -> None:
        seen.extend(letters)
        if len(seen) == 1:
            raise Transient("cut off")

    with pytest.raises(Transient):
        await queues.drain(QUEUE, take)
    service_bus.clock.advance(301)  # the lock ends
    assert await queues.drain(QUEUE, take) == 1
    assert seen[0].id == seen[1].id
    assert dead(service_bus) == 0


async def test_more_than_a_batch(
    client: ServiceBusClient, queues: DeadLetterQueues, service_bus: Broker
) -> None:
    """Explicitly given up, as an expired message would be: without ten tries each."""
    async with client.get_queue_sender(QUEUE) as sender:
        await sender.send_messages(
            [ServiceBusMessage("{}", session_id="m1", message_id=str(number)) for number in range(130)]
        )
    async with client.get_queue_receiver(QUEUE, session_id="m1") as receiver:
        for message in await receiver.receive_messages(130, max_wait_time=5):
            await receiver.dead_letter_message(message, reason="why", error_description="because")
        while dead(service_bus) < 130:
            for message in await receiver.receive_messages(130, max_wait_time=5):
                await receiver.dead_letter_message(message, reason="why", error_description="because")
    seen: list[DeadLetter] = []

    async def take(letters: Sequence[DeadLetter]) -> None:
        seen.extend(letters)

    assert await queues.drain(QUEUE, take) == 130
    assert len({each.id for each in seen}) == 130
    assert {(each.reason, each.description) for each in seen} == {("why", "because")}


async def test_without_a_broker_it_is_transient() -> None:
    key = "SharedAccessKeyName=x;SharedAccessKey=y"
    connection = Connection(f"Endpoint=sb://127.0.0.1:{free_port()};{key};UseDevelopmentEmulator=true")

    async def take(_letters: Sequence[DeadLetter]) -> None:
        raise AssertionError("there is nothing to take")

    with pytest.raises(Transient, match="dead letters not read of mailbox-sync"):
        await DeadLetterQueues(connection, now).drain(QUEUE, take)
    await connection.close()
