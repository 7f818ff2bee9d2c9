"""Table ``deadletters``: jobs that Service Bus gave up, newest first; one partition, for there are few."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shared.errors import Conflict
from shared.model.dead_letter import DeadLetter
from shared.store import chunks
from shared.store.codec import encode, from_json, instant, to_json
from shared.store.parallel import in_parallel
from shared.store.tables import Entity, Row, Tables

PARTITION = "letters"


class TableDeadLetterStore:
    def __init__(self, tables: Tables) -> None:
        self._table = tables.table("deadletters")

    async def add(self, letter: DeadLetter) -> bool:
        """False when it is there already: its message could not be completed the last time."""
        try:
            await self._table.insert(_entity(letter))
        except Conflict:
            return False
        return True

    async def get(self, letter_id: str) -> DeadLetter | None:
        row = await self._table.get(PARTITION, letter_id)
        return _letter(row) if row is not None else None

    async def page(
        self, *, session: str | None = None, queue: str | None = None, limit: int, after: str = ""
    ) -> tuple[Sequence[DeadLetter], bool]:
        """Newest first, those that follow the id ``after``; and whether there are more."""
        text, parameters = "PartitionKey eq @p and RowKey gt @after", {"p": PARTITION, "after": after}
        if session is not None:
            text, parameters = f"{text} and session eq @session", {**parameters, "session": session}
        if queue is not None:
            text, parameters = f"{text} and queue eq @queue", {**parameters, "queue": queue}
        found: list[DeadLetter] = []
        async for row in self._table.query(text, parameters, page=limit + 1):
            if len(found) == limit:
                return found, True
            found.append(_letter(row))
        return found, False

    async def counts(self) -> dict[str, int]:
        """How many there are by queue."""
        found: dict[str, int] = {}
        async for row in self._table.query("PartitionKey eq @p", {"p": PARTITION}, select=["queue"]):
            found[row["queue"]] = found.get(row["queue"], 0) + 1
        return found

    async def remove(self, letter_id: str) -> None:
        await self._table.delete(PARTITION, letter_id)

    async def drop_old(self, before: datetime) -> int:
        """Drop those that were recorded before this moment; returns how many."""
        text, parameters = "PartitionKey eq @p and found_at lt @old", {"p": PARTITION, "old": instant(before)}
        ids = [str(row["RowKey"]) async for row in self._table.query(text, parameters, select=["RowKey"])]
        await in_parallel(self.remove, ids)
        return len(ids)


def _entity(letter: DeadLetter) -> Entity:
    columns = {name: encode(value) for name, value in to_json(letter).items() if name not in ("id", "body")}
    body = chunks.text_columns("body", letter.body[: chunks.TEXT_LIMIT])
    return {"PartitionKey": PARTITION, "RowKey": letter.id, **columns, **body}


def _letter(row: Row) -> DeadLetter:
    return from_json(DeadLetter, {**row, "id": row["RowKey"], "body": chunks.text_of("body", row)})
