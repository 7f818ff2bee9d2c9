"""Table ``feeds``: the router's cursors, one partition per organization."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from shared.engine.ports import Cursor
from shared.store import chunks, keys
from shared.store.codec import dumps, from_json, to_json
from shared.store.tables import Entity, Operation, Tables, Write


class TableFeedStore:
    def __init__(self, tables: Tables) -> None:
        self._table = tables.table("feeds")

    async def cursors(self, organization: str) -> Mapping[str, Cursor]:
        text, parameters = "PartitionKey eq @partition", {"partition": keys.encode(organization)}
        rows = [row async for row in self._table.query(text, parameters)]
        found = [from_json(Cursor, json.loads(chunks.text_of("cursor", row))) for row in rows]
        return {cursor.feed: cursor for cursor in found}

    async def put_cursors(self, organization: str, cursors: Sequence[Cursor]) -> None:
        await self._table.submit([Operation(Write.PUT, _entity(organization, each)) for each in cursors])


def _entity(organization: str, cursor: Cursor) -> Entity:
    columns = chunks.text_columns("cursor", dumps(to_json(cursor)))
    return {"PartitionKey": keys.encode(organization), "RowKey": keys.encode(cursor.feed)} | columns
