"""Reading appointments: by id as a user, by organizer and window, by Outlook's global id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import quoteattr

from shared.dynamics.dataverse.appointments import COLUMNS, EXPAND, PREFER, SET, decode
from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.messages import Request
from shared.dynamics.dataverse.odata import (
    LOGICAL_NAME,
    address,
    any_of,
    chunks,
    guid,
    instant,
    is_guid,
    literal,
    lookup,
    with_annotations,
)
from shared.dynamics.dataverse.queries import rows_of_all
from shared.engine.ports import ChangedRow, Window
from shared.errors import NotFound, Refused
from shared.model.appointment import Absence, DynamicsAppointment
from shared.model.party import ParticipationType

MORE = "Microsoft.Dynamics.CRM.morerecords"
PAGE = 5000
IDS_PER_FILTER = 50

Found = dict[str, DynamicsAppointment | Absence]


def row_request(row_id: str) -> Request:
    """One row with its parties."""
    return Request("GET", address(SET, row_id, select=COLUMNS, expand=EXPAND), {"Prefer": PREFER})


async def appointments(client: Client, ids: Sequence[str], as_user: str) -> Found:
    """What is no GUID cannot be the id of a row; whoever asks by a stamp may have read anything there."""
    wanted = {row_id: guid(row_id) for row_id in ids if is_guid(row_id)}
    found: Found = {row_id: Absence.PHYSICAL for row_id in ids if row_id not in wanted}
    distinct = sorted(set(wanted.values()))
    if not distinct:
        return found
    by_guid = await (
        _one(client, distinct[0], as_user) if len(distinct) == 1 else _many(client, distinct, as_user)
    )
    return found | {row_id: by_guid[normal] for row_id, normal in wanted.items()}


async def _one(client: Client, row_id: str, as_user: str) -> Found:
    request = row_request(row_id)
    try:
        answer = await client.send(request, as_user=as_user)
    except Refused as error:
        if not _is_absent(error):
            raise
        return {row_id: await _absence(client, row_id)}
    return {row_id: decode(client.body_of(request, answer))}


async def _absence(client: Client, row_id: str) -> Absence:
    try:
        await client.send(_existence(row_id), as_user=None)
    except NotFound:
        return Absence.PHYSICAL
    return Absence.ACCESS


async def _many(client: Client, ids: Sequence[str], as_user: str) -> Found:
    requests = [row_request(row_id) for row_id in ids]
    answers = await client.read_batch(requests, as_user=as_user)
    found: Found = {}
    unread = []
    for row_id, request, answer in zip(ids, requests, answers, strict=True):
        if answer.ok:
            found[row_id] = decode(client.body_of(request, answer))
        elif _is_absent(error := client.error(request, answer, as_user)):
            unread.append(row_id)
        else:
            raise error
    return found | await _absences(client, unread)


async def _absences(client: Client, ids: Sequence[str]) -> Found:
    """As the application, which reads everything: gone, or only not for this user (FLT-10)."""
    requests = [_existence(row_id) for row_id in ids]
    answers = await client.read_batch(requests, as_user=None) if ids else []
    found: Found = {}
    for row_id, request, answer in zip(ids, requests, answers, strict=True):
        error = None if answer.ok else client.error(request, answer, None)
        if error is not None and not isinstance(error, NotFound):
            raise error
        found[row_id] = Absence.PHYSICAL if error else Absence.ACCESS
    return found


def _existence(row_id: str) -> Request:
    """That the application may not read a row would say nothing about the row."""
    return Request("GET", address(SET, row_id, select="activityid"), organization_wide=True)


def _is_absent(error: Exception) -> bool:
    return isinstance(error, NotFound) or (isinstance(error, Refused) and error.status == 403)


# --- queries --------------------------------------------------------------------------------------


async def organizers(client: Client, ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Per appointment the users among its organizers, as the application."""
    distinct = sorted({guid(row_id) for row_id in ids})
    requests = [_organizer_request(chunk) for chunk in chunks(distinct, IDS_PER_FILTER)]
    found: dict[str, list[str]] = {row_id: [] for row_id in distinct}
    for row in await rows_of_all(client, requests, as_user=None):
        user = lookup(row, "partyid")
        holders = found[str(row["_activityid_value"]).lower()]
        if user is not None and user.table == "systemuser" and user.id not in holders:
            holders.append(user.id)
    return found


def _organizer_request(ids: Sequence[str]) -> Request:
    role = f"participationtypemask eq {int(ParticipationType.ORGANIZER)}"
    path = address(
        "activityparties",
        select="_activityid_value,_partyid_value",
        filter=f"{role} and {any_of('_activityid_value', ids)}",
    )
    return Request("GET", path, {"Prefer": with_annotations(LOGICAL_NAME)}, organization_wide=True)


async def organized_by(client: Client, user_id: str, window: Window, as_user: str) -> Sequence[ChangedRow]:
    """Pages by number: with the order by id that is stable, and a user's window is far below its limit of
    50,000 rows."""
    found: dict[str, ChangedRow] = {}
    page = 1
    while True:
        path = address(SET, fetchXml=_fetch(guid(user_id), window, page))
        body = await client.read(path, as_user=as_user, prefer=with_annotations(LOGICAL_NAME, MORE))
        rows = body.get("value") or ()
        for row in rows:
            changed = ChangedRow(str(row["activityid"]).lower(), row["@odata.etag"], lookup(row, "ownerid"))
            found[changed.id] = changed
        if not body.get(f"@{MORE}", len(rows) == PAGE):
            return list(found.values())
        page += 1


def _fetch(user_id: str, window: Window, page: int) -> str:
    """Single appointments (not of a series) of this organizer that overlap the window."""
    start, end = quoteattr(instant(window.start)), quoteattr(instant(window.end))
    return (
        f'<fetch count="{PAGE}" page="{page}"><entity name="appointment">'
        '<attribute name="activityid"/><attribute name="ownerid"/><order attribute="activityid"/>'
        '<filter><condition attribute="instancetypecode" operator="eq" value="0"/>'
        f'<condition attribute="scheduledstart" operator="lt" value={end}/>'
        f'<condition attribute="scheduledend" operator="gt" value={start}/></filter>'
        '<link-entity name="activityparty" from="activityid" to="activityid" link-type="inner" '
        'alias="organizer">'
        f'<filter><condition attribute="participationtypemask" operator="eq" '
        f'value="{int(ParticipationType.ORGANIZER)}"/>'
        f'<condition attribute="partyid" operator="eq" value="{user_id}"/></filter>'
        "</link-entity></entity></fetch>"
    )


async def with_global_object_id(client: Client, global_object_id: str) -> Sequence[str]:
    """Oldest first, so that several mailboxes find the same one."""
    path = address(
        SET,
        select="activityid",
        filter=f"globalobjectid eq {literal(global_object_id)}",
        orderby="createdon,activityid",
    )
    rows = await client.rows(path, as_user=None, organization_wide=True)
    return [str(row["activityid"]).lower() for row in rows]
