"""``settle``: rounds of "read everything, look again" until a whole round changes nothing.

A round runs the timer that reads the Dynamics feed, waits for the queues, asks each active mailbox for a
pass, and waits again. When neither stand-in's version moved meanwhile, no inbox row is left and no series
is being expanded, every change made before the round was read and decided.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import httpx
from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.data.tables.aio import TableClient
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient, ServiceBusSender

from local.clock import Clock
from local.rig.directory import RigDirectory, RigError
from local.rig.endpoints import read_endpoints
from local.rig.functions_admin import run_function
from local.rig.record import running_record

POLL_SECONDS = 0.05
PAUSE_SECONDS = 0.5  # before a round that follows a failed one
FEED_TIMER = "dynamics_feed"
HINT_QUEUE = "mailbox-sync"
STATE_TABLE = "state"
DEAD_LETTER_TABLE = "deadletters"
# Between these the keys of a mailbox's inbox rows lie, and of what a first sync put off.
INBOX_ROWS = "a:inbox:", "a:later;"
FAILURES = (RigError, AzureError, httpx.HTTPError, OSError)  # OSError: the time-out is one


async def settle(directory: RigDirectory, timeout: float, say: Callable[[str], None]) -> list[str]:
    """Bring the rig to rest. Returns what is still pending at the time-out; nothing when it rests."""
    deadline = time.monotonic() + timeout
    endpoints = read_endpoints(directory)
    async with (
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
        Hints(endpoints["service_bus"]) as hints,
    ):
        settling = Settling(
            endpoints=endpoints,
            broker=f"http://127.0.0.1:{running_record(directory).ports.service_bus_control}",
            clock=Clock(directory.clock),
            http=http,
            hints=hints,
            deadline=deadline,
        )
        pending = await settling.until_quiet()
        for warning in await settling.dead_letters():
            say(f"warning: {warning}")
        return pending


class Hints:
    """Asks for passes of mailboxes. The sender stays open from round to round, for opening and closing one
    takes a second; after a failure the next round opens another."""

    def __init__(self, connection: str) -> None:
        self._connection = connection
        self._open = AsyncExitStack()
        self._sender: ServiceBusSender | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._sender = None
        await self._open.aclose()

    async def send(self, mailboxes: Sequence[str]) -> None:
        """With fresh ids that no duplicate detection drops."""
        if not mailboxes:
            return
        try:
            sender = self._sender or await self._opened()
            for mailbox in mailboxes:
                body = json.dumps({"mailbox": mailbox, "cause": "settle"})
                await sender.send_messages(
                    ServiceBusMessage(body, session_id=mailbox, message_id=str(uuid.uuid4()))
                )
        except BaseException:
            await self.__aexit__()
            raise

    async def _opened(self) -> ServiceBusSender:
        client = ServiceBusClient.from_connection_string(self._connection, retry_total=1)
        await self._open.enter_async_context(client)
        self._sender = await self._open.enter_async_context(client.get_queue_sender(HINT_QUEUE))
        return self._sender


@dataclass(frozen=True)
class Settling:
    """One run of ``settle``: what it looks at, and until when."""

    endpoints: dict[str, Any]
    broker: str
    clock: Clock
    http: httpx.AsyncClient
    hints: Hints
    deadline: float

    def remaining(self) -> float:
        return self.deadline - time.monotonic()

    async def until_quiet(self) -> list[str]:
        pending: list[str] = []
        while True:
            try:
                async with asyncio.timeout(max(self.remaining(), 0.001)):
                    pending = await self._round()
            except FAILURES as error:
                if self.remaining() <= 0:
                    return await self._pending_at_the_end(pending)
                pending = [str(error) or repr(error)]
                await asyncio.sleep(min(PAUSE_SECONDS, max(self.remaining(), 0)))
            if not pending:
                return []
            if self.remaining() <= 0:
                return pending

    async def _round(self) -> list[str]:
        """One round; returns what was not at rest in it."""
        expanding = await self._wait_for_series()
        before = await self._versions()
        await run_function(self.endpoints["functions"], FEED_TIMER)
        await self._queues_empty()
        mailboxes = await self._active_mailboxes()
        await self.hints.send(mailboxes)
        await self._queues_empty()
        pending = await self._inbox_rows(mailboxes)
        after = await self._versions()
        changed = [f"{name} was still being changed" for name in before if before[name] != after[name]]
        return expanding + pending + changed

    async def _pending_at_the_end(self, last_round: list[str]) -> list[str]:
        """What the unfinished round was waiting for, and what the one before had found."""
        try:
            busy = await self._busy_queues()
        except FAILURES as error:
            busy = [f"the broker does not answer: {error!r}"]
        return busy + last_round or ["a timer or a pass was still running"]

    # --- looking --------------------------------------------------------------------------------

    async def _versions(self) -> dict[str, int]:
        controls = {"exchange": "graph_control", "dataverse": "dataverse_control"}
        return {
            name: (await self._get(f"{self.endpoints[key]}/version"))["version"]
            for name, key in controls.items()
        }

    async def _wait_for_series(self) -> list[str]:
        """Dataverse makes the later instances of a series by itself, in batches seconds apart."""
        url = f"{self.endpoints['dataverse_control']}/version"
        while count := (await self._get(url))["expanding"]:
            if self.remaining() <= 0:
                return [f"{count} series in dataverse still being expanded"]
            await asyncio.sleep(POLL_SECONDS)
        return []

    async def _active_mailboxes(self) -> list[str]:
        found: list[str] = []
        url: str | None = f"{self.endpoints['admin']}/mailboxes"
        while url:
            page = await self._get(url)
            found += [mailbox["id"] for mailbox in page["value"] if mailbox["state"] == "active"]
            url = page.get("nextLink")
        return found

    async def _inbox_rows(self, mailboxes: Sequence[str]) -> list[str]:
        """Routed changes that no pass has taken yet, of active mailboxes."""
        first, end = INBOX_ROWS
        rows: list[str] = []
        connection = self.endpoints["table_storage"]
        async with TableClient.from_connection_string(connection, STATE_TABLE, retry_total=1) as table:
            try:
                query = table.query_entities(
                    "RowKey ge @first and RowKey lt @end", parameters={"first": first, "end": end}
                )
                async for row in query:
                    if row["PartitionKey"] in mailboxes:
                        rows.append(f"mailbox {row['PartitionKey']}: inbox row {row['RowKey']}")
            except ResourceNotFoundError:
                return []  # no table yet: no mailbox was ever registered
        return rows

    async def _get(self, url: str) -> dict[str, Any]:
        response = await self.http.get(url)
        if response.is_error:
            raise RigError(f"GET {url} answered {response.status_code}: {response.text[:200]}")
        return dict(response.json())

    # --- the queues -----------------------------------------------------------------------------

    async def _queues_empty(self) -> None:
        """Wait until no queue holds work; a scheduled message is work, and is waited for."""
        while await self._busy_queues():  # noqa: ASYNC110 - they are another process's
            await asyncio.sleep(POLL_SECONDS)

    async def _busy_queues(self) -> list[str]:
        return [text for queue in await self._queues() if (text := self._work_in(queue))]

    def _work_in(self, queue: dict[str, Any]) -> str | None:
        counts = [f"{queue[kind]} {kind}" for kind in ("active", "locked", "scheduled") if queue[kind]]
        if not counts:
            return None
        due = queue.get("nextScheduledAt")
        wait = (datetime.fromisoformat(due) - self.clock.now()).total_seconds() if due else 0
        when = f", the next scheduled one due in {wait:.0f} s" if wait > 0 else ""
        return f"queue {queue['name']}: {', '.join(counts)}{when}"

    async def dead_letters(self) -> list[str]:
        """Messages that were given up, whether they lie in the broker still or were recorded since: they do
        not block, but somebody should know."""
        try:
            queues, recorded = await self._queues(), await self._recorded_dead_letters()
        except FAILURES as error:
            return [f"what was given up cannot be read: {error!r}"]
        counts = {queue["name"]: queue["deadLettered"] + recorded[queue["name"]] for queue in queues}
        return [f"queue {name} has {count} dead-lettered messages" for name, count in counts.items() if count]

    async def _recorded_dead_letters(self) -> Counter[str]:
        """How many the worker took out of the broker, by queue."""
        connection, counts = self.endpoints["table_storage"], Counter[str]()
        async with TableClient.from_connection_string(connection, DEAD_LETTER_TABLE, retry_total=1) as table:
            try:
                async for row in table.list_entities(select=["queue"]):
                    counts[row["queue"]] += 1
            except ResourceNotFoundError:
                return counts  # no table yet: the app did not need it
        return counts

    async def _queues(self) -> list[dict[str, Any]]:
        return list((await self._get(f"{self.broker}/_control/queues"))["value"])
