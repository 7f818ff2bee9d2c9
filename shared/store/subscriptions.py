"""Table ``subscriptions``: Graph's subscriptions of ours, by id for ingest and by mailbox for their renewal.

Two rows with the same columns. The one by id is written first and removed last: whatever is cut off in
between is still listed, and put or removed again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from shared.engine.ports import SubscriptionRow
from shared.store import keys
from shared.store.codec import instant
from shared.store.tables import Entity, Row, Tables

_BY_ID = "subscription"


class TableSubscriptionStore:
    def __init__(self, tables: Tables) -> None:
        self._table = tables.table("subscriptions")

    async def get(self, subscription_id: str) -> SubscriptionRow | None:
        row = await self._table.get(_partition(subscription_id), _BY_ID)
        return _subscription(row) if row is not None else None

    async def put(self, row: SubscriptionRow) -> None:
        columns = _columns(row)
        await self._table.put({"PartitionKey": _partition(row.id), "RowKey": _BY_ID, **columns})
        await self._table.put(
            {"PartitionKey": _of_mailbox(row.mailbox), "RowKey": keys.encode(row.id), **columns}
        )

    async def remove(self, subscription_id: str) -> None:
        row = await self.get(subscription_id)
        if row is not None:
            await self._table.delete(_of_mailbox(row.mailbox), keys.encode(subscription_id))
            await self._table.delete(_partition(subscription_id), _BY_ID)

    async def of_mailbox(self, mailbox: str) -> Sequence[SubscriptionRow]:
        parameters = {"p": _of_mailbox(mailbox)}
        found = [_subscription(row) async for row in self._table.query("PartitionKey eq @p", parameters)]
        return sorted(found, key=lambda row: row.id)

    async def all(self) -> AsyncIterator[SubscriptionRow]:
        text = "PartitionKey ge @first and PartitionKey lt @end"
        async for row in self._table.query(text, {"first": "s:", "end": f"s{keys.END}"}):
            yield _subscription(row)


def _partition(subscription_id: str) -> str:
    return f"s:{keys.encode(subscription_id)}"


def _of_mailbox(mailbox: str) -> str:
    return f"m:{keys.encode(mailbox)}"


def _columns(row: SubscriptionRow) -> Entity:
    return {
        "id": row.id,
        "mailbox": row.mailbox,
        "resource": row.resource,
        "client_state_hash": row.client_state_hash,
        "expires_at": instant(row.expires_at),
    }


def _subscription(row: Row) -> SubscriptionRow:
    return SubscriptionRow(
        id=row["id"],
        mailbox=row["mailbox"],
        resource=row["resource"],
        client_state_hash=row["client_state_hash"],
        expires_at=datetime.fromisoformat(row["expires_at"]),
    )
