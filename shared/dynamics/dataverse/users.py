"""Users of the organization and what their mailbox rows say about Microsoft's own synchronization."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.messages import Request
from shared.dynamics.dataverse.odata import address, any_of, chunks, guid, is_guid, literal
from shared.dynamics.dataverse.queries import rows_of_all
from shared.engine.ports import DynamicsMailboxRow, DynamicsUser
from shared.errors import NotFound

SET = "systemusers"
USER_COLUMNS = "systemuserid,internalemailaddress,fullname,isdisabled"
MAILBOX_COLUMNS = "emailaddress,actdeliverymethod,enabledforact,emailrouteraccessapproval,statecode"
ADDRESSES_PER_FILTER = 25
APPROVED, ACTIVE = 1, 0
NO_DELIVERY = 2


async def find_user(client: Client, id_or_address: str) -> DynamicsUser | None:
    """Of several users with the address an enabled one comes first, then the oldest."""
    if is_guid(id_or_address):
        return await _by_id(client, id_or_address)
    path = address(
        SET,
        select=USER_COLUMNS,
        filter=f"internalemailaddress eq {literal(id_or_address.strip())}",
        orderby="isdisabled,createdon,systemuserid",
    )
    rows = await client.rows(path, as_user=None, organization_wide=True)
    return _user(rows[0]) if rows else None


async def _by_id(client: Client, user_id: str) -> DynamicsUser | None:
    path = address(SET, user_id, select=USER_COLUMNS)
    try:
        return _user(await client.read(path, as_user=None, organization_wide=True))
    except NotFound:
        return None


def _user(row: Mapping[str, Any]) -> DynamicsUser:
    return DynamicsUser(
        str(row["systemuserid"]).lower(),
        row.get("internalemailaddress") or "",
        row.get("fullname") or "",
        bool(row.get("isdisabled")),
    )


async def users_by_address(client: Client, addresses: Iterable[str]) -> Mapping[str, str]:
    """Enabled users by lower-case address; of several the oldest."""
    wanted = sorted({text.strip().lower() for text in addresses if text.strip()})
    requests = [
        Request(
            "GET",
            address(
                SET,
                select="systemuserid,internalemailaddress",
                filter=f"isdisabled eq false and {any_of('internalemailaddress', map(literal, chunk))}",
                orderby="createdon,systemuserid",
            ),
            organization_wide=True,
        )
        for chunk in chunks(wanted, ADDRESSES_PER_FILTER)
    ]
    found: dict[str, str] = {}
    for row in await rows_of_all(client, requests, as_user=None):
        found.setdefault(str(row["internalemailaddress"]).lower(), str(row["systemuserid"]).lower())
    return {text: found[text] for text in wanted if text in found}


async def mailbox_row(client: Client, user_id: str) -> DynamicsMailboxRow | None:
    """The user's mailbox row; an active one first."""
    path = address(
        "mailboxes",
        select=MAILBOX_COLUMNS,
        filter=f"_regardingobjectid_value eq {guid(user_id)}",
        orderby="statecode,createdon,mailboxid",
    )
    rows = await client.rows(path, as_user=None, organization_wide=True)
    return _mailbox(rows[0]) if rows else None


def _mailbox(row: Mapping[str, Any]) -> DynamicsMailboxRow:
    method = row.get("actdeliverymethod")
    return DynamicsMailboxRow(
        address=row.get("emailaddress") or "",
        act_delivery_method=NO_DELIVERY if method is None else int(method),
        enabled_for_act=bool(row.get("enabledforact")),
        address_approved=row.get("emailrouteraccessapproval") == APPROVED,
        active=row.get("statecode") == ACTIVE,
    )
