"""Sync filters: templates (``savedquery``), what users have of them (``userquery``), and who lists which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from local.dataverse.conditions import Context
from local.dataverse.errors import refuse
from local.dataverse.fetch_model import FetchCondition, FetchFilter
from local.dataverse.fetchxml import parse_fetch
from local.dataverse.filters import Condition, Group
from local.dataverse.schema import Table
from local.dataverse.security import Caller
from local.dataverse.store import Row, Store

USER_QUERY, SAVED_QUERY = "userquery", "savedquery"
QUERIES = frozenset({USER_QUERY, SAVED_QUERY})
OFFLINE_FILTER, OUTLOOK_FILTER = 16, 256
OFFLINE_TEMPLATE, OUTLOOK_TEMPLATE = 8192, 131072
FILTERS = frozenset({OFFLINE_FILTER, OUTLOOK_FILTER})
# What an instantiated template is.
BECOMES: Mapping[int, int] = {OFFLINE_TEMPLATE: OFFLINE_FILTER, OUTLOOK_TEMPLATE: OUTLOOK_FILTER}
REQUIRED = ("name", "returnedtypecode", "querytype", "fetchxml")
COPIED = ("name", "description", "returnedtypecode", "fetchxml", "layoutxml", "columnsetxml")


def check_query(store: Store, table: Table, row: Row, caller: Caller) -> None:
    """Refuse a view that could not be run, and a second default of one kind for the same table."""
    for name in REQUIRED:
        if row.get(name) in (None, ""):
            raise refuse("InvalidArgument", message=f"The column '{name}' of {table.name} cannot be empty.")
    context = Context(caller, store.clock.now().astimezone(UTC), ZoneInfo("UTC"))
    entity = parse_fetch(str(row["fetchxml"]), context).entity
    if entity.table.name != row["returnedtypecode"]:
        message = f"The query is of '{entity.table.name}', not of '{row['returnedtypecode']}'."
        raise refuse("InvalidArgument", message=message)
    if table.name == SAVED_QUERY and row.get("isdefault"):
        _check_default(store, table, row)


def _check_default(store: Store, table: Table, row: Row) -> None:
    if row["querytype"] in FILTERS:
        raise refuse("InvalidArgument", message="Only a filter template can be a default.")
    for other in defaults(store, row["querytype"]):
        same = other["returnedtypecode"] == row["returnedtypecode"]
        if same and other[table.primary_id] != row[table.primary_id]:
            raise refuse("InvalidArgument", message=f"{other['name']} is the default already.")


def defaults(store: Store, template_type: int) -> list[Row]:
    """The active default templates of one kind, as a user who is new gets them."""
    return [
        row
        for row in store.rows(SAVED_QUERY)
        if row["querytype"] == template_type and row.get("isdefault") and row["statecode"] == 0
    ]


def instance(template: Row, user: Row) -> Row:
    """The user's own filter made of a template."""
    reference = ["systemuser", user["systemuserid"]]
    return {
        **{name: template.get(name) for name in COPIED},
        "querytype": BECOMES.get(template["querytype"], template["querytype"]),
        "parentqueryid": [SAVED_QUERY, template["savedqueryid"]],
        "ownerid": reference,
        "owninguser": reference,
        "owningbusinessunit": user.get("businessunitid"),
    }


def listed(caller: Caller, table: Table, expression: Any, rows: Iterable[Row]) -> list[Row]:
    """Nobody lists other people's views, administrators neither, but for this one question of theirs: the
    filters (``querytype`` 256 or 16) of one owner, and no condition more."""
    if table.name != USER_QUERY:
        return list(rows)
    owner = _asked_owner(expression) if caller.role == "administrator" else None
    return [row for row in rows if row["ownerid"][1] in (owner or caller.user, caller.user)]


def _asked_owner(expression: Any) -> str | None:
    if not isinstance(expression, (Group, FetchFilter)) or expression.kind != "and":
        return None
    given: dict[str, Any] = {}
    for part in expression.parts:
        if not isinstance(part, (Condition, FetchCondition)) or part.operator != "eq" or not part.operands:
            return None
        given[part.column.name] = part.operands[0]
    asked = given.keys() == {"querytype", "ownerid"} and len(expression.parts) == 2
    return str(given["ownerid"]) if asked and given["querytype"] in FILTERS else None
