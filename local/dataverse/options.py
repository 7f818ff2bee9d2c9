"""OData query options of one request, checked against the table they are for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from local.dataverse.errors import Refusal, refuse
from local.dataverse.filter_parser import parse_filter
from local.dataverse.filters import Expression
from local.dataverse.odata_text import split, syntax_error
from local.dataverse.schema import Column, Table
from local.dataverse.tables import TABLES

KNOWN = frozenset(
    {"$select", "$filter", "$orderby", "$top", "$count", "$expand", "$skiptoken", "$deltatoken"}
    | {"fetchXml", "savedQuery", "userQuery", "tag"}
)
MAXIMUM_EXPANDS = 15
MAXIMUM_PAGE = 5000


@dataclass(frozen=True)
class Order:
    path: tuple[str, ...]
    column: Column
    descending: bool


@dataclass(frozen=True)
class Expand:
    navigation: str
    options: Options


@dataclass(frozen=True)
class Options:
    """What to read of the rows of one table, and which. ``select`` of ``None`` is every column."""

    select: tuple[Column, ...] | None = None
    filter: Expression | None = None
    order: tuple[Order, ...] = ()
    top: int | None = None
    count: bool = False
    expand: tuple[Expand, ...] = ()
    select_text: str | None = None


def read_query(query: str) -> dict[str, str]:
    """The query string as a mapping; names are case-sensitive and known."""
    found: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        name = unquote_plus(name)
        if name not in KNOWN:
            raise refuse("UnsupportedQueryOption", option=name)
        if name in found:
            raise syntax_error(f"the query option '{name}' was given more than once.")
        found[name] = unquote_plus(value)
    return found


def read_options(table: Table, query: Mapping[str, str], *, nested: bool = False) -> Options:
    """The options of a collection, a single row (``$select`` and ``$expand``) or an expand."""
    top = query.get("$top")
    if top is not None and not top.isdigit():
        raise refuse("InvalidQuery", message=f"Invalid value '{top}' for $top query option found.")
    count = query.get("$count", "false")
    if count not in ("true", "false"):
        raise refuse("InvalidQuery", message=f"Invalid value '{count}' for $count query option found.")
    expand = _expands(table, query["$expand"]) if "$expand" in query else ()
    if nested and expand and (top or "$orderby" in query):
        raise refuse("InvalidQuery", message="$top and $orderby are not supported with a nested $expand.")
    return Options(
        select=_select(table, query["$select"]) if "$select" in query else None,
        filter=parse_filter(query["$filter"], table) if query.get("$filter") else None,
        order=_order(table, query.get("$orderby", "")),
        top=int(top) if top is not None else None,
        count=count == "true",
        expand=expand,
        select_text=query.get("$select"),
    )


def _select(table: Table, text: str) -> tuple[Column, ...] | None:
    names = split(text, ",")
    if names == ["*"]:
        return None
    return tuple(_column(table, name) for name in names)


def _column(table: Table, name: str) -> Column:
    column = table.by_property.get(name)
    if column is None:
        raise _unknown(name, table)
    return column


def _unknown(name: str, table: Table) -> Refusal:
    message = f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{table.name}'."
    return refuse("InvalidQuery", message=message)


def _order(table: Table, text: str) -> tuple[Order, ...]:
    orders: list[Order] = []
    for part in split(text, ","):
        words = part.split()
        if len(words) > 2 or (len(words) == 2 and words[1] not in ("asc", "desc")):
            raise syntax_error(f"'{part}' is not an ordering.")
        *path, name = words[0].split("/")
        holder = table
        for step in path:
            if step not in holder.single_navigation:
                raise _unknown(step, holder)
            holder = TABLES[holder.single_navigation[step][1][0]]
        orders.append(Order(tuple(path), _column(holder, name), words[-1] == "desc"))
    return tuple(orders)


def _expands(table: Table, text: str) -> tuple[Expand, ...]:
    parts = split(text, ",")
    if len(parts) > MAXIMUM_EXPANDS:
        message = f"The number of $expand segments exceeds the maximum of {MAXIMUM_EXPANDS}."
        raise refuse("InvalidQuery", message=message)
    return tuple(_expand(table, part) for part in parts)


def _expand(table: Table, text: str) -> Expand:
    name, opened, rest = text.partition("(")
    name = name.strip()
    if name in table.single_navigation:
        child = TABLES[table.single_navigation[name][1][0]]
    elif name in table.collection_navigation:
        child = TABLES[table.collection_navigation[name].table]
    else:
        raise _unknown(name, table)
    inner: dict[str, str] = {}
    for option in split(rest.rstrip()[:-1], ";") if opened else ():
        key, _, value = option.partition("=")
        if key not in ("$select", "$filter", "$orderby", "$top", "$expand"):
            raise refuse("UnsupportedQueryOption", option=key)
        inner[key] = value
    return Expand(name, read_options(child, inner, nested=True))
