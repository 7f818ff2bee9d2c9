"""Writing appointments and series: every write conditional, and answered with the row as it is then.

Of a series that is its master alone: what became of its exceptions is told by reading it as a whole.
"""

from __future__ import annotations

from dataclasses import replace

from shared.dynamics.dataverse import availability
from shared.dynamics.dataverse.activities import ACTIVITIES, Activity
from shared.dynamics.dataverse.appointment_reads import row_request
from shared.dynamics.dataverse.appointments import PREFER, decode, encode, encode_new
from shared.dynamics.dataverse.client import WRITE_TAG, Client
from shared.dynamics.dataverse.messages import Answer, Json, Request
from shared.dynamics.dataverse.odata import address
from shared.errors import Refused, SyncError, UnknownResult
from shared.model.appointment import DynamicsAppointment
from shared.model.decision import CreateAppointment, DeleteAppointment, UpdateAppointment
from shared.model.scheduling import Claim


async def create(client: Client, write: CreateAppointment, as_user: str | None) -> DynamicsAppointment:
    """Under the chosen id, if it is free; a state other than Open in the same change set."""
    kind = ACTIVITIES[write.table]
    body, state = encode_new(write.values, write.parties, write.owner, write.global_object_id, kind)
    path = address(kind.entity_set, write.id, tag=WRITE_TAG)
    writes = [Request("PATCH", path, {"If-None-Match": "*"}, body)]
    if state is not None:
        writes.append(Request("PATCH", path, {"If-Match": "*"}, state))
    return await _written(client, writes, write.id, kind, as_user, write.claim)


async def update(
    client: Client, write: UpdateAppointment, as_user: str | None, known: DynamicsAppointment | None
) -> DynamicsAppointment:
    """One request when the parties are neither written nor unknown: the answer to a PATCH carries columns,
    not collections, so otherwise the row is read in the same round trip."""
    kind = ACTIVITIES[write.table]
    present = known.value("regarding") if known else None
    body = encode(write.values, write.parties, present, kind)
    match = {"If-Match": write.etag or "*"}
    if known is None or write.parties is not None or write.claim is not None:
        request = Request("PATCH", address(kind.entity_set, write.id, tag=WRITE_TAG), match, body)
        return await _written(client, [request], write.id, kind, as_user, write.claim)
    headers = {**match, "Prefer": f"return=representation,{PREFER}"}
    path = address(kind.entity_set, write.id, select=kind.columns, tag=WRITE_TAG)
    request = Request("PATCH", path, headers, body)
    answer = await client.send(request, as_user=as_user)
    row = client.body_of(request, answer)
    if not row:
        return await _read_back(client, write.id, kind, as_user)
    return decode(row, known.parties, kind)


async def delete(client: Client, write: DeleteAppointment, as_user: str | None) -> None:
    path = address(ACTIVITIES[write.table].entity_set, write.id, tag=WRITE_TAG)
    await client.send(Request("DELETE", path, {"If-Match": write.etag or "*"}), as_user=as_user)


async def _written(
    client: Client,
    writes: list[Request],
    row_id: str,
    kind: Activity,
    as_user: str | None,
    claim: Claim | None,
) -> DynamicsAppointment:
    """With what Dynamics says of the claim, if there is one: who is busy is asked before the row is saved."""
    read = row_request(row_id, kind)
    if claim is None:
        answer = await client.write_batch(writes, read, as_user=as_user)
        return await _shown(client, read, answer, row_id, kind, as_user)
    asks = availability.request(claim)
    said, answer = await client.asking_write_batch(asks, writes, read, as_user=as_user)
    row = await _shown(client, read, answer, row_id, kind, as_user)
    return replace(row, availability=availability.read_along(client, asks, said, as_user))


async def _shown(
    client: Client, read: Request, answer: Answer | None, row_id: str, kind: Activity, as_user: str | None
) -> DynamicsAppointment:
    if answer is None:
        return await _read_back(client, row_id, kind, as_user)
    return decode(client.body_of(read, answer), kind=kind)


async def _read_back(client: Client, row_id: str, kind: Activity, as_user: str | None) -> DynamicsAppointment:
    request = row_request(row_id, kind)
    return decode(await read_back(client, request, as_user), kind=kind)


async def read_back(client: Client, request: Request, as_user: str | None) -> Json:
    """The write went through but its row was not shown: read it, as the application when the user no longer
    may. When even that fails, what the row looks like now is unknown, and must not be taken for a failure
    of the write."""
    try:
        try:
            answer = await client.send(request, as_user=as_user)
        except Refused:
            answer = await client.send(request, as_user=None)
        return client.body_of(request, answer)
    except SyncError as error:
        raise UnknownResult(
            f"{request.kind}: written, but not to be read back", code=error.code, status=error.status
        ) from error
