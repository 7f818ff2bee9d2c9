"""Service Bus: may we send and receive, and do the queues have the flags that the code relies on?

The flags are found out by behaviour, with the rights of the data plane only: a message far in the future is
sent twice (one copy must stay) and called off again; a session of our own is taken and left.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from uuid import uuid4

from azure.core.exceptions import AzureError
from azure.servicebus import ServiceBusMessage, ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver, ServiceBusSender
from azure.servicebus.exceptions import MessageNotFoundError, ServiceBusError

from shared.clock import Now
from shared.doctor.finding import Finding, failed, note, ok
from shared.doctor.patient import Patient
from shared.jobs import messages
from shared.jobs.connection import connect

NAME = "queues"
FIX_ROLE = (
    "Give the worker's identity the role Azure Service Bus Data Owner on the namespace "
    "(infra/modules/roles.bicep); check ServiceBus__fullyQualifiedNamespace."
)
FIX_QUEUE = (
    "Sessions and duplicate detection cannot be changed: delete the queue while it is empty and deploy the "
    "template again, which makes it from infra/queues.json."
)
FIX_DEAD = (
    "The worker records them within five minutes; if they stay, see 'dead-letters' in docs/operations.md."
)
LOCK = timedelta(minutes=4)
"""A pass may take two minutes, and renewing a lock needs time as well."""
NO_SESSIONS = "require sessions"
"""A part of what Service Bus says when a session is asked of a queue that has none."""
OVERLAP = "passes of one mailbox could overlap."
LATER = timedelta(hours=1)
PEEKED = 20


async def check(patient: Patient) -> list[Finding]:
    """The queues side by side: opening a receiver takes the SDK half a second."""
    settings = patient.settings
    async with connect(settings.service_bus, settings.service_bus_namespace, patient.credential) as client:
        found = await asyncio.gather(
            *(_queue(client, queue, patient.services.now) for queue in messages.QUEUES)
        )
    return [finding for each in found for finding in each]


async def _queue(client: ServiceBusClient, queue: str, now: Now) -> list[Finding]:
    try:
        flags, dead = await asyncio.gather(_flags(client, queue, now), _dead_letters(client, queue))
    except (AzureError, OSError) as error:
        return [failed(NAME, f"{queue} cannot be used: {type(error).__name__}.", FIX_ROLE)]
    sentence = f"{queue}: sessions, locks and duplicate detection are as they should be."
    return [*flags, *dead] or [ok(NAME, sentence)]


async def _flags(client: ServiceBusClient, queue: str, now: Now) -> list[Finding]:
    """In a session of our own, which nobody else ever asks for."""
    session = f"doctor-{uuid4().hex}"
    try:
        async with client.get_queue_receiver(queue, session_id=session, max_wait_time=5) as receiver:
            return [
                *_lock(queue, receiver.session.locked_until_utc, now()),
                *await _duplicates(client, receiver, queue, session, now() + LATER),
            ]
    except ServiceBusError as error:
        if NO_SESSIONS in str(error).lower():
            return [failed(NAME, f"{queue} has no sessions: {OVERLAP}", FIX_QUEUE)]
        raise


def _lock(queue: str, until: datetime | None, now: datetime) -> list[Finding]:
    if until is None:
        return [failed(NAME, f"{queue} has no sessions: {OVERLAP}", FIX_QUEUE)]
    if until - now >= LOCK:
        return []
    text = f"{queue} locks a session for less than {LOCK.total_seconds():.0f} seconds."
    return [failed(NAME, text, "Set lockDuration PT5M, as infra/queues.json says.")]


async def _duplicates(
    client: ServiceBusClient, receiver: ServiceBusReceiver, queue: str, session: str, at: datetime
) -> list[Finding]:
    """Two messages of one id, to be delivered in an hour, called off at once."""
    number = uuid4().hex
    async with client.get_queue_sender(queue) as sender:
        sent = [
            await sender.schedule_messages(
                ServiceBusMessage("{}", session_id=session, message_id=number, time_to_live=LATER), at
            )
            for _ in range(2)
        ]
        kept = await receiver.peek_messages(PEEKED)
        for numbers in sent:
            await _call_off(sender, numbers)
    if len(kept) > 1:
        text = f"{queue} keeps repeated messages: a burst of notifications becomes a burst of passes."
        return [failed(NAME, text, FIX_QUEUE)]
    return []


async def _call_off(sender: ServiceBusSender, numbers: list[int]) -> None:
    """The number of a copy that duplicate detection dropped is not there, and need not be."""
    try:
        await sender.cancel_scheduled_messages(numbers)
    except MessageNotFoundError:
        return


async def _dead_letters(client: ServiceBusClient, queue: str) -> list[Finding]:
    dead = client.get_queue_receiver(queue, sub_queue=ServiceBusSubQueue.DEAD_LETTER, max_wait_time=5)
    try:
        async with dead:
            lying = await dead.peek_messages(PEEKED)
    except ServiceBusError as error:
        return [note(NAME, f"The dead letters of {queue} cannot be seen ({type(error).__name__}).", FIX_DEAD)]
    if lying:
        count = f"{len(lying)}{' or more' if len(lying) == PEEKED else ''}"
        return [note(NAME, f"{count} messages lie in the dead letter queue of {queue}.", FIX_DEAD)]
    return []
