"""Sends change notifications and lifecycle events: a little later, grouped, until somebody takes them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.clock import Clock
from local.exchange.event_view import etag
from local.exchange.events import Events
from local.exchange.identifiers import Identifiers
from local.exchange.subscriptions import Subscriptions
from local.journaled import JournaledTables
from local.wire import Outgoing, Unreachable

Json = dict[str, Any]

TENANT_ID = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
LATENCY_SECONDS = 0.1
GIVE_UP_SECONDS = 4 * 3600
ANSWER_SECONDS = 10.0
LARGEST_GROUP = 100
_TICK = 0.05
MODES = ("normal", "drop", "repeat", "delay")

WakeAt = Callable[[float, Callable[[], None]], None]
"""Call this back at that time of the clock."""


@dataclass
class Pending:
    """A group of notifications on its way; ``tries`` have failed so far."""

    url: str
    rows: list[Json]
    due: float
    born: float
    tries: int = 0


class Notifier:
    """Sends what is due by the stand-in's clock: a task looks every moment, for the clock may jump; or, where
    there is ``wake_at``, it is woken."""

    def __init__(
        self,
        tables: JournaledTables,
        clock: Clock,
        events: Events,
        subscriptions: Subscriptions,
        identifiers: Identifiers,
        outgoing: Outgoing,
        wake_at: WakeAt | None = None,
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._events = events
        self._subscriptions = subscriptions
        self._identifiers = identifiers
        self._outgoing = outgoing
        self._wake_at = wake_at
        self._pending: list[Pending] = []
        self._sending: set[asyncio.Task[None]] = set()
        self._loop_task: asyncio.Task[None] | None = None
        events.listeners.append(self.changed)

    def start(self) -> None:
        self._loop_task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        for task in (*self._sending, self._loop_task):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    # --- what is to be sent ---------------------------------------------------------------------

    def set_mode(self, mode: str, seconds: float) -> None:
        self._tables.put("control", "notifications", {"mode": mode, "seconds": seconds})

    def changed(self, change: str, event: Json) -> None:
        """Subscriptions to a mailbox's events cover its default calendar."""
        calendar = self._tables.get("calendars", event["calendar"])
        if calendar is None or not calendar["isDefaultCalendar"]:
            return
        self._tell("event", None, change, event)

    def contact_changed(self, change: str, contact: Json) -> None:
        """A subscription to contacts covers one folder."""
        self._tell("contact", contact["place"], change, contact)

    def _tell(self, kind: str, folder: str | None, change: str, item: Json) -> None:
        for subscription in self._subscriptions.of_user(item["user"]):
            watched = (subscription.get("kind", "event"), subscription.get("folder"))
            if watched == (kind, folder) and change in subscription["changeType"].split(","):
                self._enqueue(subscription["notificationUrl"], self._row(subscription, kind, change, item))

    def _row(self, subscription: Json, kind: str, change: str, item: Json) -> Json:
        identifier = item["id"] if subscription["immutable"] else item["restId"]
        type_name = kind.capitalize()
        resource = f"Users/{item['user']}/{type_name}s/{identifier}"
        return {
            "id": self._identifiers.guid(),
            **_envelope(subscription),
            "changeType": change,
            "resource": resource,
            "resourceData": {
                "@odata.type": f"#Microsoft.Graph.{type_name}",
                "@odata.id": resource,
                "@odata.etag": etag(item),
                "id": identifier,
            },
        }

    def _enqueue(self, url: str, row: Json) -> None:
        setting = self._tables.get("control", "notifications") or {"mode": "normal", "seconds": 0}
        if setting["mode"] == "drop":
            return
        now = self._clock.time()
        later = setting["seconds"] if setting["mode"] == "delay" else 0
        for _ in range(2 if setting["mode"] == "repeat" else 1):
            self._add(Pending(url, [row], now + LATENCY_SECONDS + later, now))

    def _add(self, new: Pending) -> None:
        """Joins a group to the same endpoint that is due then; a repetition goes in a group of its own."""
        for group in self._pending:
            fits = group.url == new.url and not group.tries and len(group.rows) < LARGEST_GROUP
            if fits and abs(group.due - new.due) < LATENCY_SECONDS and new.rows[0] not in group.rows:
                group.rows += new.rows
                return
        self._put(new)

    def lifecycle(self, event: str, subscription: Json) -> None:
        url = subscription["lifecycleNotificationUrl"]
        if event == "subscriptionRemoved":
            self._subscriptions.remove(subscription["id"])
        if url:
            now = self._clock.time()
            row = {**_envelope(subscription), "lifecycleEvent": event}
            self._put(Pending(url, [row], now + LATENCY_SECONDS, now))

    # --- sending --------------------------------------------------------------------------------

    def _put(self, group: Pending) -> None:
        self._pending.append(group)
        if self._wake_at is not None:
            self._wake_at(group.due, self.send_due)

    async def _run(self) -> None:
        while True:
            self.send_due()
            await asyncio.sleep(_TICK)

    def send_due(self) -> None:
        now = self._clock.time()
        due = [group for group in self._pending if group.due <= now]
        self._pending = [group for group in self._pending if group.due > now]
        for group in due:
            task = asyncio.create_task(self._send(group))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _send(self, group: Pending) -> None:
        body = json.dumps({"value": group.rows}).encode()
        headers = {"Content-Type": "application/json"}
        try:
            received = await self._outgoing.post(group.url, body, headers, ANSWER_SECONDS)
            taken = 200 <= received.status < 300
        except Unreachable:
            taken = False
        if not taken:
            self._retry(group)

    def _retry(self, group: Pending) -> None:
        """Twice as long after every failure, for four hours."""
        now = self._clock.time()
        group.tries += 1
        group.due = now + min(2 ** (group.tries - 1), 600)
        if group.due - group.born <= GIVE_UP_SECONDS:
            self._put(group)


def _envelope(subscription: Json) -> Json:
    return {
        "subscriptionId": subscription["id"],
        "subscriptionExpirationDateTime": subscription["expirationDateTime"],
        "clientState": subscription["clientState"],
        "tenantId": TENANT_ID,
    }
