"""A user's tasks, phone calls, letters and faxes by their subject, open or closed (PAIN-6)."""

from __future__ import annotations

from collections.abc import Sequence

from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.messages import Request
from shared.dynamics.dataverse.odata import address, any_of, chunks, literal
from shared.dynamics.dataverse.records import PREFER, RecordTable, decode, table_of
from shared.model.personal import TASK_TABLES, DynamicsRecord

AT_ONCE = 20
"""Subjects in one condition."""


async def tasks_called(client: Client, subjects: Sequence[str], as_user: str) -> Sequence[DynamicsRecord]:
    """Dataverse compares texts without regard to case."""
    asked = [
        (table, _request(table, chunk, as_user))
        for table in map(table_of, TASK_TABLES)
        for chunk in chunks(sorted(set(subjects)), AT_ONCE)
    ]
    requests = [request for _, request in asked]
    answers = await client.read_batch(requests, as_user=as_user) if requests else []
    found: list[DynamicsRecord] = []
    for (table, request), answer in zip(asked, answers, strict=True):
        if not answer.ok:
            raise client.error(request, answer, as_user)
        rows = client.body_of(request, answer).get("value") or ()
        found += [decode(row, table) for row in rows]
    return found


def _request(table: RecordTable, subjects: Sequence[str], as_user: str) -> Request:
    called = any_of("subject", map(literal, subjects))
    path = address(table.entity_set, select=table.columns, filter=f"_ownerid_value eq {as_user} and {called}")
    return Request("GET", path, {"Prefer": PREFER})
