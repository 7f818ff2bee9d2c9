"""Registered webhooks: each change of their tables is posted a moment after the commit."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable
from typing import Any

from local.control import Sleep
from local.dataverse.execution_context import LARGEST_MESSAGE, execution_context, stripped
from local.dataverse.organization import organization
from local.dataverse.records import Event
from local.dataverse.store import Store
from local.wire import Outgoing, Unreachable

DELAY_SECONDS = 0.05
TIMEOUT_SECONDS = 60
RETRIED = frozenset({502, 503, 504})
TABLE = "webhooks"
log = logging.getLogger(__name__)


class Webhooks:
    """Delivery is a hint: one retry and only on 502, 503 and 504, then the message is lost."""

    def __init__(self, store: Store, outgoing: Outgoing, sleep: Sleep) -> None:
        self._store = store
        self._outgoing = outgoing
        self._sleep = sleep
        self._tasks: set[asyncio.Task[None]] = set()

    def register(self, url: str, key: str, tables: list[str]) -> None:
        self._store.journal.put(TABLE, url, {"url": url, "key": key, "tables": tables})

    def registrations(self) -> list[dict[str, Any]]:
        return list(self._store.journal.table(TABLE).values())

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def publish(self, events: Iterable[Event]) -> None:
        """Send what was committed, later and in the background."""
        for event in events:
            for webhook in self.registrations():
                if event.table.name in webhook["tables"]:
                    task = asyncio.create_task(self._send(webhook, event))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)

    async def _send(self, webhook: dict[str, Any], event: Event) -> None:
        message = execution_context(event, organization(self._store), self._store.clock.now())
        headers = {
            "Content-Type": "application/json",
            "x-ms-dynamics-organization": "127.0.0.1",
            "x-ms-dynamics-entity-name": event.table.name,
            "x-ms-dynamics-request-name": event.message,
            "x-ms-correlation-request-id": message["CorrelationId"],
            "x-webhook-key": webhook["key"],
        }
        body = json.dumps(message).encode()
        if len(body) > LARGEST_MESSAGE:
            body = json.dumps(stripped(message)).encode()
            headers["x-ms-dynamics-msg-size-exceeded"] = "true"
        await self._sleep(DELAY_SECONDS)
        if await self._post(webhook["url"], headers, body) in RETRIED:
            await self._post(webhook["url"], headers, body)

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        try:
            return (await self._outgoing.post(url, body, headers, TIMEOUT_SECONDS)).status
        except Unreachable as error:
            log.warning("webhook %s failed: %s", url, error)
            return 0
