"""Reading appointments: by id as a user, by organizer and window, by Outlook's global id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from shared.dynamics.dataverse.activities import ACTIVITIES, APPOINTMENTS, Activity
from shared.dynamics.dataverse.appointments import PREFER, decode
from shared.dynamics.dataverse.changes import changed_row
from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.messages import Request
from shared.dynamics.dataverse.odata import (
    LOGICAL_NAME,
    address,
    any_of,
    chunks,
    guid,
    is_guid,
    literal,
    lookup,
    with_annotations,
)
from shared.dynamics.dataverse.organized import Organized, of_types, organized_rows, overlaps
from shared.dynamics.dataverse.queries import rows_of_all
from shared.engine.ports import ChangedRow, Window
from shared.errors import NotFound, Refused
from shared.model.appointment import APPOINTMENT, Absence, DynamicsAppointment, InstanceType
from shared.model.party import ParticipationType

IDS_PER_FILTER = 50

Found = dict[str, DynamicsAppointment | Absence]


def row_request(row_id: str, kind: Activity = APPOINTMENTS) -> Request:
    """One row with its parties."""
    path = address(kind.entity_set, row_id, select=kind.columns, expand=kind.expand)
    return Request("GET", path, {"Prefer": PREFER})


async def appointments(
    client: Client, ids: Sequence[str], as_user: str, kind: Activity = APPOINTMENTS
) -> Found:
    async def read(distinct: Sequence[str]) -> Found:
        if len(distinct) == 1:
            return await _one(client, distinct[0], as_user, kind)
        return await _many(client, distinct, as_user, kind)

    return await by_guid(ids, read)


async def by_guid(ids: Sequence[str], read: Callable[[Sequence[str]], Awaitable[Found]]) -> Found:
    """What is no GUID cannot be the id of a row; whoever asks by a stamp may have read anything there."""
    wanted = {row_id: guid(row_id) for row_id in ids if is_guid(row_id)}
    found: Found = {row_id: Absence.PHYSICAL for row_id in ids if row_id not in wanted}
    distinct = sorted(set(wanted.values()))
    rows = await read(distinct) if distinct else {}
    return found | {row_id: rows[normal] for row_id, normal in wanted.items()}


async def _one(client: Client, row_id: str, as_user: str, kind: Activity) -> Found:
    request = row_request(row_id, kind)
    try:
        answer = await client.send(request, as_user=as_user)
    except Refused as error:
        if not is_absent(error):
            raise
        return {row_id: await _absence(client, row_id, kind)}
    return {row_id: decode(client.body_of(request, answer), kind=kind)}


async def _absence(client: Client, row_id: str, kind: Activity) -> Absence:
    try:
        await client.send(_existence(row_id, kind), as_user=None)
    except NotFound:
        return Absence.PHYSICAL
    return Absence.ACCESS


async def _many(client: Client, ids: Sequence[str], as_user: str, kind: Activity) -> Found:
    requests = [row_request(row_id, kind) for row_id in ids]
    answers = await client.read_batch(requests, as_user=as_user)
    found: Found = {}
    unread = []
    for row_id, request, answer in zip(ids, requests, answers, strict=True):
        if answer.ok:
            found[row_id] = decode(client.body_of(request, answer), kind=kind)
        elif is_absent(error := client.error(request, answer, as_user)):
            unread.append(row_id)
        else:
            raise error
    return found | await absences(client, unread, kind)


async def absences(client: Client, ids: Sequence[str], kind: Activity) -> Found:
    """As the application, which reads everything: gone, or only not for this user (FLT-10)."""
    requests = [_existence(row_id, kind) for row_id in ids]
    answers = await client.read_batch(requests, as_user=None) if ids else []
    found: Found = {}
    for row_id, request, answer in zip(ids, requests, answers, strict=True):
        error = None if answer.ok else client.error(request, answer, None)
        if error is not None and not isinstance(error, NotFound):
            raise error
        found[row_id] = Absence.PHYSICAL if error else Absence.ACCESS
    return found


def _existence(row_id: str, kind: Activity) -> Request:
    """That the application may not read a row would say nothing about the row."""
    return Request("GET", address(kind.entity_set, row_id, select="activityid"), organization_wide=True)


def is_absent(error: Exception) -> bool:
    return isinstance(error, NotFound) or (isinstance(error, Refused) and error.status == 403)


# --- queries --------------------------------------------------------------------------------------


async def organizers(client: Client, ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Per appointment the users among its organizers, as the application."""
    return await users_taking_part(client, ids, (ParticipationType.ORGANIZER,))


async def users_taking_part(
    client: Client, ids: Sequence[str], roles: Sequence[ParticipationType]
) -> Mapping[str, Sequence[str]]:
    """Per activity the users among its parties in these roles, as the application."""
    distinct = sorted({guid(row_id) for row_id in ids})
    requests = [_party_request(chunk, roles) for chunk in chunks(distinct, IDS_PER_FILTER)]
    found: dict[str, list[str]] = {row_id: [] for row_id in distinct}
    for row in await rows_of_all(client, requests, as_user=None):
        user = lookup(row, "partyid")
        holders = found[str(row["_activityid_value"]).lower()]
        if user is not None and user.table == "systemuser" and user.id not in holders:
            holders.append(user.id)
    return found


def _party_request(ids: Sequence[str], roles: Sequence[ParticipationType]) -> Request:
    role = any_of("participationtypemask", (str(int(role)) for role in roles))
    path = address(
        "activityparties",
        select="_activityid_value,_partyid_value",
        filter=f"{role} and {any_of('_activityid_value', ids)}",
    )
    return Request("GET", path, {"Prefer": with_annotations(LOGICAL_NAME)}, organization_wide=True)


async def organized_by(client: Client, user_id: str, window: Window, as_user: str) -> Sequence[ChangedRow]:
    """Single appointments (not of a series) of this organizer that overlap the window."""
    query = Organized(APPOINTMENTS, user_id, ("ownerid",), f"{of_types(InstanceType.NONE)}{overlaps(window)}")
    return [changed_row(row) for row in await organized_rows(client, query, as_user)]


async def with_global_object_id(client: Client, global_object_id: str, table: str) -> Sequence[str]:
    """Oldest first, so that several mailboxes find the same one. A series' instances carry its id too."""
    alone = f" and instancetypecode eq {int(InstanceType.NONE)}" if table == APPOINTMENT else ""
    path = address(
        ACTIVITIES[table].entity_set,
        select="activityid",
        filter=f"globalobjectid eq {literal(global_object_id)}{alone}",
        orderby="createdon,activityid",
    )
    rows = await client.rows(path, as_user=None, organization_wide=True)
    return [str(row["activityid"]).lower() for row in rows]
