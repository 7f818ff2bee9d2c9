"""Which Outlook filters a user has (FLT-2 to FLT-5), read as that user in one ``$batch``.

A user who never had a filter gets what the product would give at the first setup: the default templates
stand in. One who switched them all off has none, and that is what was wanted.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.fetch_filters import UnreadableFilter, is_usual, parse
from shared.dynamics.dataverse.messages import Json, Request
from shared.dynamics.dataverse.odata import address, guid
from shared.dynamics.dataverse.queries import pages_of
from shared.engine.ports import FilterOwner
from shared.errors import Refused
from shared.model.appointment import APPOINTMENT, SERIES, SERVICE
from shared.model.personal import PERSONAL_TABLES
from shared.model.sync_filter import FilterOrigin, Filters, SyncFilter, union

OUTLOOK_FILTER, OUTLOOK_TEMPLATE = 256, 131072
ACTIVE = 0
TABLES = frozenset({APPOINTMENT, SERIES, SERVICE, *PERSONAL_TABLES})
COLUMNS = "name,returnedtypecode,fetchxml,statecode"
log = logging.getLogger(__name__)


async def sync_filters(client: Client, user_id: str) -> Filters:
    requests = _of_user(guid(user_id)), _of_system()
    own, common = await client.read_batch(requests, as_user=user_id)
    users = await pages_of(client, requests[0], own, user_id)
    if common.status == 403:  # not this user's, but the organization's all the same
        systems = await client.rows(requests[1].path, as_user=None, organization_wide=True)
    else:
        systems = await pages_of(client, requests[1], common, user_id)
    return union(
        [
            *_filters((row for row in users if row["statecode"] == ACTIVE), FilterOrigin.USER),
            *_filters((row for row in systems if _is(row, OUTLOOK_FILTER)), FilterOrigin.SYSTEM),
            *_filters(
                (row for row in systems if not users and _is(row, OUTLOOK_TEMPLATE)), FilterOrigin.TEMPLATE
            ),
        ]
    )


async def system_filters(client: Client) -> list[str]:
    rows = await client.rows(_of_system().path, as_user=None, organization_wide=True)
    return [f"{row['savedqueryid']} {row['@odata.etag']}" for row in rows]


async def filter_owner(client: Client, filter_id: str) -> FilterOwner | None:
    path = address(f"userqueries({guid(filter_id)})", select="querytype,_ownerid_value")
    try:
        row = await client.read(path, as_user=None)
    except Refused:
        return None
    return FilterOwner(str(row["_ownerid_value"]).lower(), row["querytype"] == OUTLOOK_FILTER)


def _of_user(user_id: str) -> Request:
    """All of them: one that is switched off says that the user has been set up."""
    condition = f"querytype eq {OUTLOOK_FILTER} and _ownerid_value eq {user_id}"
    return Request("GET", address("userqueries", select=f"userqueryid,{COLUMNS}", filter=condition))


def _of_system() -> Request:
    kinds = f"querytype eq {OUTLOOK_FILTER} or (querytype eq {OUTLOOK_TEMPLATE} and isdefault eq true)"
    path = address(
        "savedqueries",
        select=f"savedqueryid,querytype,{COLUMNS}",
        filter=f"statecode eq {ACTIVE} and ({kinds})",
    )
    return Request("GET", path)


def _is(row: Json, kind: int) -> bool:
    return bool(row["querytype"] == kind)


def _filters(rows: Iterable[Json], origin: FilterOrigin) -> Iterable[SyncFilter]:
    for row in rows:
        if row["returnedtypecode"] in TABLES:
            yield _filter(row, origin)


def _filter(row: Json, origin: FilterOrigin) -> SyncFilter:
    """One that cannot be read stays: it matches neither nothing nor everything, it cannot be run."""
    table, text = str(row["returnedtypecode"]), str(row.get("fetchxml") or "")
    filter_id = str(row.get("userqueryid") or row.get("savedqueryid")).lower()
    try:
        usual = is_usual(parse(text, table), table)
    except UnreadableFilter as error:
        log.warning("the sync filter %s of %s cannot be read: %s", filter_id, table, error)
        usual = False
    return SyncFilter(
        id=filter_id,
        table=table,
        name=str(row.get("name") or ""),
        fetch_xml=text,
        version=str(row["@odata.etag"]),
        origin=origin,
        usual=usual,
    )
