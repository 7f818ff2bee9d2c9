"""Table ``decisions``: what waits for an administrator, by mailbox; a second row leads there by id."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from shared.engine.ports import PendingDecision
from shared.errors import Conflict, NotFound
from shared.store import chunks, keys
from shared.store.codec import dumps, from_json, to_json
from shared.store.tables import Entity, Row, Tables, etag_of

_QUESTION = "d:"
_INDEX = "index"


class TableDecisionStore:
    def __init__(self, tables: Tables) -> None:
        self._table = tables.table("decisions")

    async def put(self, decision: PendingDecision) -> None:
        """Conditional when it was read before. A question put anew keeps the answer that it has: the answer
        is a column of its own, which is written only when it is given."""
        entity = _entity(decision)
        if decision.etag is not None:
            try:
                await self._table.replace({"answer": "", **entity}, decision.etag)
            except NotFound as error:
                raise Conflict(f"decision {decision.id} is gone") from error
            return
        index = {"PartitionKey": _index(decision.id), "RowKey": _INDEX, "mailbox": decision.mailbox}
        await self._table.put(index)
        await self._table.merge(entity)

    async def of_mailbox(self, mailbox: str | None) -> Sequence[PendingDecision]:
        text, parameters = "RowKey ge @first and RowKey lt @end", {"first": _QUESTION, "end": f"d{keys.END}"}
        if mailbox is not None:
            text, parameters = f"PartitionKey eq @p and {text}", {**parameters, "p": keys.encode(mailbox)}
        found = [_decision(row) async for row in self._table.query(text, parameters)]
        return sorted(found, key=lambda decision: (decision.mailbox, decision.id))

    async def get(self, decision_id: str) -> PendingDecision | None:
        index = await self._table.get(_index(decision_id), _INDEX)
        if index is None:
            return None
        row = await self._table.get(keys.encode(index["mailbox"]), _row_key(decision_id))
        return _decision(row) if row is not None else None

    async def remove(self, decision: PendingDecision) -> None:
        """The question first: an index row that leads nowhere is harmless."""
        await self._table.delete(keys.encode(decision.mailbox), _row_key(decision.id), decision.etag)
        await self._table.delete(_index(decision.id), _INDEX)


def _index(decision_id: str) -> str:
    return f"id:{keys.encode(decision_id)}"


def _row_key(decision_id: str) -> str:
    return f"{_QUESTION}{keys.encode(decision_id)}"


def _entity(decision: PendingDecision) -> Entity:
    columns = chunks.text_columns("decision", dumps(to_json(replace(decision, answer="", etag=None))))
    entity: Entity = {
        "PartitionKey": keys.encode(decision.mailbox),
        "RowKey": _row_key(decision.id),
        "chunks": len(columns),
        **columns,
    }
    return entity | ({"answer": decision.answer} if decision.answer else {})


def _decision(row: Row) -> PendingDecision:
    """A merge leaves the chunks of a longer text behind; their number tells them apart."""
    data = json.loads("".join(row[name] for name in chunks.names("decision", row["chunks"])))
    return replace(from_json(PendingDecision, data), answer=row.get("answer", ""), etag=etag_of(row))
