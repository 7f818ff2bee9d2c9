"""Every message the mailboxes sent, in order: one row however many recipients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.clock import Clock
from local.exchange.zones import short_utc
from local.journaled import JournaledTables

Json = dict[str, Any]


class Outbox:
    """Rows of the table ``outbox``, numbered. ``listeners`` are told of each while it is sent."""

    def __init__(self, tables: JournaledTables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock
        self.listeners: list[Callable[[Json], None]] = []

    def send(self, kind: str, sender: str, recipients: list[str], subject: str) -> None:
        """``kind``: invitation, update, cancellation, response or mail. Nothing is sent to nobody."""
        if not recipients:
            return
        number = int(self._tables.get("control", "outbox") or 0) + 1
        self._tables.put("control", "outbox", number)
        at = short_utc(self._clock.now())
        row = {"kind": kind, "from": sender, "to": recipients, "subject": subject, "at": at}
        self._tables.put("outbox", f"{number:012d}", row)
        for listener in self.listeners:
            listener(row)

    def rows(self) -> list[Json]:
        table = self._tables.table("outbox")
        return [table[key] for key in sorted(table)]

    def empty(self) -> None:
        with self._tables.transaction():
            self._tables.clear("outbox")
