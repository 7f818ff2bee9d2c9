"""Reading appointments: by id as a user, by organizer and window, by Outlook's global id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.dynamics.dataverse.activities import ACTIVITIES, APPOINTMENTS, Activity
from shared.dynamics.dataverse.appointments import PREFER, decode
from shared.dynamics.dataverse.by_id import Reading, existence_request, rows_by_id
from shared.dynamics.dataverse.changes import changed_row
from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.messages import Request
from shared.dynamics.dataverse.odata import (
    LOGICAL_NAME,
    address,
    any_of,
    chunks,
    guid,
    literal,
    lookup,
    with_annotations,
)
from shared.dynamics.dataverse.organized import Organized, of_types, organized_rows, overlaps
from shared.dynamics.dataverse.queries import rows_of_all
from shared.engine.ports import ChangedRow, Window
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
    return await rows_by_id(client, ids, as_user, _reading(kind))


def _reading(kind: Activity) -> Reading[DynamicsAppointment]:
    return Reading(
        request=lambda row_id: row_request(row_id, kind),
        existence=lambda row_id: existence(row_id, kind),
        decode=lambda row: decode(row, kind=kind),
    )


def existence(row_id: str, kind: Activity) -> Request:
    return existence_request(kind.entity_set, row_id, "activityid")


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
