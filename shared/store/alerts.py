"""Table ``alerts``: what is wrong now and what was lately; one partition, read and written whole."""

from __future__ import annotations

from collections.abc import Sequence

from shared.model.alert import Alert
from shared.store import keys
from shared.store.codec import encode, from_json, to_json
from shared.store.limits import OPERATIONS
from shared.store.tables import Entity, Operation, Row, Tables, Write

PARTITION = "alerts"


class TableAlertStore:
    def __init__(self, tables: Tables) -> None:
        self._table = tables.table("alerts")

    async def all(self) -> Sequence[Alert]:
        """In the order of their keys."""
        rows = self._table.query("PartitionKey eq @p", {"p": PARTITION})
        return sorted([_alert(row) async for row in rows], key=lambda alert: alert.key)

    async def put(self, alerts: Sequence[Alert]) -> None:
        """Insert or replace."""
        await self._submit([Operation(Write.PUT, _entity(alert)) for alert in alerts])

    async def remove(self, alerts: Sequence[Alert]) -> None:
        """One that is gone already is an error of whoever read it: there is a single writer."""
        await self._submit([Operation(Write.DELETE, _key(alert)) for alert in alerts])

    async def _submit(self, operations: Sequence[Operation]) -> None:
        for begin in range(0, len(operations), OPERATIONS):
            await self._table.submit(operations[begin : begin + OPERATIONS])


def _key(alert: Alert) -> Entity:
    return {"PartitionKey": PARTITION, "RowKey": keys.encode(alert.key)}


def _entity(alert: Alert) -> Entity:
    return _key(alert) | {name: encode(value) for name, value in to_json(alert).items()}


def _alert(row: Row) -> Alert:
    return from_json(Alert, row)
