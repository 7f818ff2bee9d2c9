"""The history, counting decisions by their rules as they are written."""

from __future__ import annotations

from collections.abc import Sequence

from shared import telemetry
from shared.engine.ports import HistoryRow
from shared.store.history import TableHistoryStore


class CountedHistoryStore(TableHistoryStore):
    """As its base; the numbers name rules, never items."""

    async def add(self, mailbox: str, rows: Sequence[HistoryRow]) -> None:
        await super().add(mailbox, rows)
        telemetry.sums.decided(rule for row in rows for rule in row.rules)
