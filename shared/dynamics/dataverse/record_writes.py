"""Writing contacts, tasks, phone calls, letters and faxes: every write conditional, and answered with the
row as it is then."""

from __future__ import annotations

from shared.dynamics.dataverse.appointment_writes import read_back
from shared.dynamics.dataverse.client import WRITE_TAG, Client
from shared.dynamics.dataverse.messages import Json, Request
from shared.dynamics.dataverse.odata import address
from shared.dynamics.dataverse.record_reads import row_request
from shared.dynamics.dataverse.records import PREFER, RecordTable, decode, encode, encode_new, table_of
from shared.model.personal import CreateRecord, DeleteRecord, DynamicsRecord, UpdateRecord

DETECT = {"MSCRM.SuppressDuplicateDetection": "false"}
"""The Web API looks for duplicates only where it is asked to (CONT-8)."""
ANSWER_WITH_ROW = f"return=representation,{PREFER}"


async def create(client: Client, write: CreateRecord, as_user: str) -> DynamicsRecord:
    """Under the chosen id, if it is free; a state other than Open in the same change set."""
    table = table_of(write.table)
    body, state = encode_new(write)
    condition = {"If-None-Match": "*", **(DETECT if write.detect_duplicates else {})}
    if state is None:
        return await _answered(client, write.id, table, condition, body, as_user)
    path = address(table.entity_set, write.id, tag=WRITE_TAG)
    writes = [Request("PATCH", path, condition, body), Request("PATCH", path, {"If-Match": "*"}, state)]
    read = row_request(write.id, table)
    answer = await client.write_batch(writes, read, as_user=as_user)
    if answer is None:
        return decode(await read_back(client, read, as_user), table)
    return decode(client.body_of(read, answer), table)


async def update(client: Client, write: UpdateRecord, as_user: str) -> DynamicsRecord:
    condition = {"If-Match": write.etag or "*"}
    return await _answered(client, write.id, table_of(write.table), condition, encode(write), as_user)


async def delete(client: Client, write: DeleteRecord, as_user: str) -> None:
    path = address(table_of(write.table).entity_set, write.id, tag=WRITE_TAG)
    await client.send(Request("DELETE", path, {"If-Match": write.etag or "*"}), as_user=as_user)


async def _answered(
    client: Client, row_id: str, table: RecordTable, condition: dict[str, str], body: Json, as_user: str
) -> DynamicsRecord:
    """One write whose answer shows the row. One that shows none is read: it was written all the same."""
    path = address(table.entity_set, row_id, select=table.columns, tag=WRITE_TAG)
    request = Request("PATCH", path, {**condition, "Prefer": ANSWER_WITH_ROW}, body)
    answer = await client.send(request, as_user=as_user)
    row = client.body_of(request, answer)
    if not row:
        row = await read_back(client, row_request(row_id, table), as_user)
    return decode(row, table)
