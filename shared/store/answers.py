"""Table ``answers``: what a question in a mailbox's session came to, kept for an hour."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from shared.clock import Now
from shared.model.values import Value
from shared.store import chunks, keys
from shared.store.codec import dumps, instant
from shared.store.parallel import in_parallel
from shared.store.tables import Row, Tables

KEPT = timedelta(hours=1)


class TableAnswerStore:
    """The rows of an answer carry its number of parts; the first is written last, so that a reader finds all
    of an answer or none."""

    def __init__(self, tables: Tables, now: Now) -> None:
        self._table = tables.table("answers")
        self._now = now

    async def put(self, mailbox: str, request: str, answer: Mapping[str, Value]) -> None:
        at = instant(self._now())
        parts = chunks.packed_rows(dumps(answer))
        key = {"PartitionKey": keys.encode(mailbox)}
        for part, columns in reversed(list(enumerate(parts))):
            row_key = _row_key(request, part)
            await self._table.put({**key, "RowKey": row_key, "at": at, "parts": len(parts), **columns})
        await self._remove_old(key["PartitionKey"])

    async def get(self, mailbox: str, request: str) -> Mapping[str, Value] | None:
        partition = keys.encode(mailbox)
        first = await self._table.get(partition, _row_key(request, 0))
        if first is None or self._now() - datetime.fromisoformat(first["at"]) > KEPT:
            return None
        others = await in_parallel(
            lambda part: self._table.get(partition, _row_key(request, part)), range(1, first["parts"])
        )
        rows: list[Row] = [first, *(row for row in others if row is not None)]
        answer: Mapping[str, Value] = json.loads(chunks.unpacked(rows))
        return answer

    async def _remove_old(self, partition: str) -> None:
        text, old = "PartitionKey eq @p and at lt @old", instant(self._now() - KEPT)
        rows = self._table.query(text, {"p": partition, "old": old}, select=["RowKey"])
        row_keys = [str(row["RowKey"]) async for row in rows]
        await in_parallel(lambda row_key: self._table.delete(partition, row_key), row_keys)


def _row_key(request: str, part: int) -> str:
    return f"{keys.encode(request)}:{part:03d}"
