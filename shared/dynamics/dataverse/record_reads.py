"""Reading contacts, tasks, phone calls, letters and faxes by id, as a user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.dynamics.dataverse.by_id import Reading, existence_request, rows_by_id
from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.messages import Request
from shared.dynamics.dataverse.odata import address
from shared.dynamics.dataverse.records import PREFER, RecordTable, decode, table_of
from shared.model.appointment import Absence
from shared.model.personal import DynamicsRecord


async def records(
    client: Client, table: str, ids: Sequence[str], as_user: str
) -> Mapping[str, DynamicsRecord | Absence]:
    return await rows_by_id(client, ids, as_user, _reading(table_of(table)))


def row_request(row_id: str, table: RecordTable) -> Request:
    return Request("GET", address(table.entity_set, row_id, select=table.columns), {"Prefer": PREFER})


def _reading(table: RecordTable) -> Reading[DynamicsRecord]:
    return Reading(
        request=lambda row_id: row_request(row_id, table),
        existence=lambda row_id: existence_request(table.entity_set, row_id, table.key),
        decode=lambda row: decode(row, table),
    )
