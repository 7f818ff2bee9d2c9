"""Writing single instances of a series: exceptions made, changed and deleted (APPT-35)."""

from __future__ import annotations

from shared.dynamics.dataverse.activities import MASTERS
from shared.dynamics.dataverse.appointment_writes import delete, read_back, update
from shared.dynamics.dataverse.appointments import decode, encode
from shared.dynamics.dataverse.client import WRITE_TAG, Client
from shared.dynamics.dataverse.messages import Json, Request
from shared.dynamics.dataverse.odata import guid
from shared.dynamics.dataverse.series_reads import exceptions_request
from shared.errors import UnknownResult
from shared.model.appointment import DynamicsAppointment
from shared.model.decision import DeleteAppointment, PutException, RemoveInstance, UpdateAppointment

ACTION = f"{MASTERS.entity_set}/Microsoft.Dynamics.CRM.CreateException"
STATE = frozenset({"statecode", "statuscode"})


async def put_exception(client: Client, write: PutException, as_user: str | None) -> DynamicsAppointment:
    """A row that is there is patched; a plain instance becomes an exception by the action, whether Dynamics
    has made its row yet or not."""
    if write.exception is not None:
        known = UpdateAppointment(write.exception.id, write.exception.etag, write.values, write.parties)
        return await update(client, known, as_user, None)
    made = await _make(client, write, as_user)
    wanted = write.values.get("showAs")
    if wanted is None or made.value("showAs") == wanted:
        return made
    # A state cannot be created; the id of what was made is known only now.
    return await update(
        client, UpdateAppointment(made.id, made.etag, {"showAs": wanted}), as_user, known=made
    )


async def _make(client: Client, write: PutException, as_user: str | None) -> DynamicsAppointment:
    target = encode(write.values, write.parties)
    target = {name: value for name, value in target.items() if name not in STATE and not _clears(name, value)}
    read = exceptions_request(write.series_id, write.original_start)
    post = _action(write.series_id, write.original_start, target, deleted=False)
    answer = await client.write_batch([post], read, as_user=as_user)
    body = client.body_of(read, answer) if answer else await read_back(client, read, as_user)
    rows = list(body.get("value") or ())
    if len(rows) != 1:
        raise UnknownResult(f"{post.kind}: written, but not to be read back")
    return decode(rows[0])


def _clears(name: str, value: object) -> bool:
    """A new row has no look-up to clear."""
    return value is None and name.endswith("@odata.bind")


async def remove_instance(client: Client, write: RemoveInstance, as_user: str | None) -> None:
    if write.exception is not None:
        await delete(client, DeleteAppointment(write.exception.id, write.exception.etag), as_user)
        return
    request = _action(write.series_id, write.original_start, {}, deleted=True)
    await client.send(request, as_user=as_user)


def _action(series_id: str, original_start: str, target: Json, *, deleted: bool) -> Request:
    """``about``: so that a missing party is not taken for a missing series."""
    body = {
        "Target": {
            "@odata.type": "Microsoft.Dynamics.CRM.appointment",
            **target,
            "seriesid": guid(series_id),
        },
        "OriginalStartDate": original_start,
        "IsDeleted": deleted,
    }
    return Request("POST", f"{ACTION}?tag={WRITE_TAG}", body=body, about=(guid(series_id),))
