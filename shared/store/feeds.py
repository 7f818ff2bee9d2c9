"""Table ``feeds``: the router's cursors, one partition per organization."""

from __future__ import annotations

import json

from shared.engine.ports import Cursor
from shared.store import chunks, keys
from shared.store.codec import dumps, from_json, to_json
from shared.store.tables import Tables


class TableFeedStore:
    def __init__(self, tables: Tables) -> None:
        self._table = tables.table("feeds")

    async def cursor(self, organization: str, table: str) -> Cursor | None:
        row = await self._table.get(keys.encode(organization), keys.encode(table))
        return from_json(Cursor, json.loads(chunks.text_of("cursor", row))) if row is not None else None

    async def put_cursor(self, organization: str, cursor: Cursor) -> None:
        columns = chunks.text_columns("cursor", dumps(to_json(cursor)))
        key = {"PartitionKey": keys.encode(organization), "RowKey": keys.encode(cursor.feed)}
        await self._table.put(key | columns)
