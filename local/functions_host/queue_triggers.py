"""Service Bus queue triggers: what the extension does for the app, on the ``azure-servicebus`` SDK.

A session queue is served session by session: accept the next one that has messages, hand out its
messages one at a time, leave it when nothing came for ``sessionIdleTimeout``. As in the .NET client only
a few accepts wait at once, however many sessions may be served. A function that raises gets its message
abandoned; the broker dead-letters it after ``maxDeliveryCount``.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from azure.core.exceptions import AzureError
from azure.servicebus import NEXT_AVAILABLE_SESSION, ServiceBusReceivedMessage
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver
from azure.servicebus.exceptions import OperationTimeoutError

from local.clock import Clock
from local.functions_host.errors import InvocationError
from local.functions_host.functions import Function
from local.functions_host.host_json import ServiceBusOptions
from local.functions_host.invocations import Invocations
from local.functions_host.lock_renewal import lock_kept
from local.functions_host.trigger_data import QueueMessage

log = logging.getLogger("functions_host")

ACCEPTS_AT_ONCE = 8  # each is a connection that waits; opening one takes the SDK half a second
PLAIN_RECEIVERS = 4  # a queue without sessions: connections that receive side by side
ACCEPT_SECONDS = 60.0
RECONNECT_SECONDS = 0.5
CONNECTION_ERRORS = (AzureError, OSError, ValueError)  # ValueError: the SDK's "already shut down"


@dataclass(eq=False)
class Lane:
    """One receiver being served; ``busy`` while a function runs for it."""

    task: asyncio.Task[None] | None = None
    busy: bool = False


class QueueTrigger:
    """One queue function: accepts, serves and settles for ever, also when the broker comes and goes."""

    def __init__(
        self,
        function: Function,
        queue: str,
        client: ServiceBusClient,
        options: ServiceBusOptions,
        invocations: Invocations,
        clock: Clock,
    ) -> None:
        self._function = function
        self._queue = queue
        self._client = client
        self._options = options
        self._invocations = invocations
        self._clock = clock
        self._sessions = bool(function.trigger.get("isSessionsEnabled"))
        self._auto_complete = bool(function.trigger.get("autoCompleteMessages", options.auto_complete))
        lanes = options.max_concurrent_sessions
        self._free = asyncio.Semaphore(
            lanes if self._sessions else min(options.max_concurrent_calls, PLAIN_RECEIVERS)
        )
        self._lanes: set[Lane] = set()
        self._stopping = False
        self._away = False

    async def run(self) -> None:
        """Serve the queue until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(ACCEPTS_AT_ONCE):
                group.create_task(self._accept_for_ever())

    def close(self) -> None:
        """Take nothing new from now on. To be told before ``run`` is cancelled: the SDK may swallow that."""
        self._stopping = True

    async def stop(self, grace: float) -> None:
        """Leave idle sessions at once; let running functions end and settle within the grace time."""
        self.close()
        for lane in self._lanes:
            if lane.task and not lane.busy:
                lane.task.cancel()
        tasks = [lane.task for lane in self._lanes if lane.task]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    # --- accepting ------------------------------------------------------------------------------

    async def _accept_for_ever(self) -> None:
        while not self._stopped():
            await self._free.acquire()
            receiver = await self._accept()
            if receiver is None:
                self._free.release()
            elif self._stopped():
                await _close(receiver)
            else:
                lane = Lane()
                self._lanes.add(lane)
                lane.task = asyncio.create_task(self._serve(lane, receiver))

    def _stopped(self) -> bool:
        return self._stopping

    async def _accept(self) -> ServiceBusReceiver | None:
        """A receiver with a session (or of the queue); None when there is none or no broker."""
        receiver = self._client.get_queue_receiver(
            self._queue,
            session_id=NEXT_AVAILABLE_SESSION if self._sessions else None,
            max_wait_time=ACCEPT_SECONDS,
        )
        try:
            await receiver.__aenter__()
        except OperationTimeoutError:
            await _close(receiver)
            return None
        except CONNECTION_ERRORS as error:
            self._note_away(error)
            await _close(receiver)
            await asyncio.sleep(RECONNECT_SECONDS)
            return None
        except asyncio.CancelledError:
            await _close(receiver)
            raise
        self._note_back()
        return receiver

    def _note_away(self, error: Exception) -> None:
        if not self._away:
            log.warning("queue %s cannot be reached, trying on: %s", self._queue, error)
        self._away = True

    def _note_back(self) -> None:
        if self._away:
            log.warning("queue %s is reached again", self._queue)
        self._away = False

    # --- serving --------------------------------------------------------------------------------

    async def _serve(self, lane: Lane, receiver: ServiceBusReceiver) -> None:
        try:
            while not self._stopping:
                messages = await receiver.receive_messages(1, max_wait_time=self._idle_seconds())
                if messages:
                    lane.busy = True
                    await self._handle(receiver, messages[0])
                    lane.busy = False
                elif self._sessions:
                    return
        except OperationTimeoutError:
            return  # the accept itself had found no session; the SDK says so only now
        except CONNECTION_ERRORS as error:
            log.warning("queue %s: receiver lost: %s", self._queue, error)
        finally:
            self._free.release()
            self._lanes.discard(lane)
            await _close(receiver)

    def _idle_seconds(self) -> float:
        return self._options.session_idle_timeout.total_seconds() if self._sessions else ACCEPT_SECONDS

    async def _handle(self, receiver: ServiceBusReceiver, message: ServiceBusReceivedMessage) -> None:
        """Run the function for one message and settle it by the outcome."""
        try:
            async with self._locked(receiver, message):
                await self._invocations.run(self._function, QueueMessage.received(message))
        except InvocationError:
            await receiver.abandon_message(message)
            return
        if self._auto_complete:
            await receiver.complete_message(message)

    def _locked(
        self, receiver: ServiceBusReceiver, message: ServiceBusReceivedMessage
    ) -> AbstractAsyncContextManager[None]:
        limit = self._options.max_auto_lock_renewal
        if self._sessions:
            session = receiver.session
            return lock_kept(session.renew_lock, session.locked_until_utc, self._clock, limit)
        return lock_kept(
            lambda: receiver.renew_message_lock(message), message.locked_until_utc, self._clock, limit
        )


async def _close(receiver: ServiceBusReceiver) -> None:
    """Close what may be half open; the broker frees the session when the connection is gone."""
    try:
        await receiver.close()
    except CONNECTION_ERRORS as error:
        log.debug("a receiver could not be closed in order: %s", error)
