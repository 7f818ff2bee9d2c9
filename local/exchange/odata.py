"""The OData options of a query on items: what is supported, in which form, and how a list is answered."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

from local.exchange import extended_properties, filters
from local.exchange.call import Call
from local.exchange.errors import GraphError, bad_request
from local.exchange.filter_syntax import Comparison, Junction, Literal, Node, Path, parse_filter
from local.exchange.filterable import FILTERABLE
from local.exchange.schema import TYPES

Json = dict[str, Any]

DEFAULT_PAGE = 10
MAX_TOP = 1000
LIST_OPTIONS = frozenset({"$select", "$top", "$skip", "$orderby", "$count", "$filter", "$expand"})
ITEM_OPTIONS = frozenset({"$select", "$expand"})
_EXPAND = re.compile(
    r"^singleValueExtendedProperties\s*\(\s*\$filter\s*=\s*(.+)\)$", re.IGNORECASE | re.DOTALL
)


# What ``$select`` takes besides properties; it shows when it is expanded as well.
_NAVIGATION = {
    "event": {"exceptionOccurrences", "attachments"},
    "todoTask": {"linkedResources", "checklistItems", "extensions"},
}
_ITEMS = re.compile(
    r"^(exceptionOccurrences|attachments)\s*(?:\(\s*\$select\s*=\s*([\w,\s/]+)\))?$",
    re.IGNORECASE | re.DOTALL,
)
# What shows when it is expanded, whatever is selected.
_EXPANDED = (
    "singleValueExtendedProperties",
    "attachments",
    "linkedResources",
    "checklistItems",
    "extensions",
)
_ITEM_TYPES = {"exceptionoccurrences": ("exceptions", "event"), "attachments": ("attachments", "attachment")}


@dataclass(frozen=True)
class Expanded:
    """A navigation property to expand, and what to select of its items."""

    select: list[str] | None = None


@dataclass(frozen=True)
class Options:
    """``extended`` are the properties to expand, in normal form; ``order`` is (path, descending) pairs."""

    select: list[str] | None = None
    top: int = DEFAULT_PAGE
    skip: int = 0
    count: bool = False
    order: list[tuple[str, bool]] = field(default_factory=list)
    test: Callable[[Json], bool] | None = None
    extended: list[str] = field(default_factory=list)
    exceptions: Expanded | None = None
    attachments: Expanded | None = None
    children: Json = field(default_factory=dict)


def parse_options(
    call: Call,
    allowed: frozenset[str] = LIST_OPTIONS,
    type_name: str = "event",
    expanded: Callable[[str], Json] | None = None,
) -> Options:
    """``expanded`` reads the ``$expand`` of a type that is not like an event."""
    given = {key.lower(): value for key, value in call.query.items() if key.startswith("$")}
    for name in given:
        if name not in allowed:
            raise bad_request(
                f"The query specified in the URI is not valid. The option '{name}' is not supported."
            )
    order = _order(given.get("$orderby", ""), type_name)
    _refuse_inefficient(given.get("$filter", ""), order)
    read_expand = expanded or partial(_expanded, one=allowed == ITEM_OPTIONS and type_name == "event")
    return Options(
        select=selected(given["$select"], type_name) if given.get("$select") else None,
        top=number("$top", given.get("$top", str(DEFAULT_PAGE)), 1, MAX_TOP),
        skip=number("$skip", given.get("$skip", "0"), 0, 10**9),
        count=given.get("$count", "false").lower() == "true",
        order=order,
        test=filters.item_filter(given["$filter"], type_name) if given.get("$filter") else None,
        **read_expand(given.get("$expand", "")),
    )


def selected(text: str, type_name: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    known = {*TYPES[type_name], *_NAVIGATION.get(type_name, ())}
    for name in names:
        if name.split("/")[0] not in known:
            raise bad_request(
                "Parsing OData Select and Expand failed: Could not find a property named "
                f"'{name}' on type 'microsoft.graph.{type_name}'."
            )
    return [name.split("/")[0] for name in names]


def number(name: str, text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"-?\d+", text) or not least <= int(text) <= most:
        raise bad_request(
            f"Invalid value '{text}' for {name} query option found. "
            f"The value must be between {least} and {most}."
        )
    return int(text)


def _order(text: str, type_name: str) -> list[tuple[str, bool]]:
    keys = []
    sortable = FILTERABLE[type_name].sortable if type_name in FILTERABLE else frozenset()
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, direction = part.partition(" ")
        if name not in sortable or direction.strip().lower() not in ("", "asc", "desc"):
            raise bad_request(f"The sort order '{part}' is not supported.", "ErrorInvalidUrlQuery")
        keys.append((name, direction.strip().lower() == "desc"))
    return keys


def _refuse_inefficient(text: str, order: list[tuple[str, bool]]) -> None:
    if order and filters.names_extended_properties(text):
        raise GraphError(
            400, "InefficientFilter", "The restriction or sort order is too complex for this operation."
        )


def _expanded(text: str, *, one: bool) -> Json:
    """The ids named in ``singleValueExtendedProperties($filter=id eq '…' or id eq '…')``; where ``one`` event
    is read by its id, its attachments and the exceptions of its series too."""
    found: Json = {}
    for part in filter(None, (part.strip() for part in outside_parentheses(text))):
        items = _ITEMS.match(part) if one else None
        match = _EXPAND.match(part)
        if items:
            name, type_name = _ITEM_TYPES[items[1].lower()]
            found[name] = Expanded(selected(items[2], type_name) if items[2] else None)
        elif match:
            ids = named_ids(parse_filter(match[1]), part)
            found["extended"] = [extended_properties.normal_id(identifier) for identifier in ids]
        else:
            raise bad_request(f"Parsing OData Select and Expand failed: '{part}' is not supported here.")
    return found


def outside_parentheses(text: str) -> list[str]:
    """The text cut at its commas, except inside parentheses and quotes."""
    parts, depth, quoted = [""], 0, False
    for sign in text:
        quoted ^= sign == "'"
        depth += 0 if quoted else (sign == "(") - (sign == ")")
        if sign == "," and not depth and not quoted:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def named_ids(node: Node, text: str) -> list[str]:
    """The ids of ``id eq '…' or id eq '…'``."""
    if isinstance(node, Junction) and node.operator == "or":
        return [identifier for part in node.parts for identifier in named_ids(part, text)]
    equal = isinstance(node, Comparison) and node.operator == "eq" and node.left == Path(("id",))
    if equal and isinstance(node, Comparison) and isinstance(node.right, Literal):
        return [str(node.right.value)]
    raise bad_request(f"Parsing OData Select and Expand failed: '{text}' is not supported here.")


# --- answering ----------------------------------------------------------------------------------


def projected(row: Json, select: list[str] | None) -> Json:
    """The selected properties; the id and annotations always come."""
    if select is None:
        return row
    keep = {"id", *_EXPANDED, *select}
    return {name: value for name, value in row.items() if name in keep or name.startswith("@")}


def sort_rows(rows: list[Json], order: list[tuple[str, bool]]) -> list[Json]:
    """Rows are ``{"shown": …}``; the last key is sorted first, as sorting is stable."""
    for name, descending in reversed(order):
        rows = sorted(rows, key=partial(_sort_key, name), reverse=descending)
    return rows


def _sort_key(name: str, row: Json) -> str:
    value: Any = row["shown"]
    for part in name.split("/"):
        value = value.get(part) if value else None
    return "" if value is None else str(value).lower()


def next_link(call: Call, **changes: str) -> str:
    """This request's own URL with some options changed: absolute, on the host that was asked."""
    wanted = {**{key: value for key, value in call.query.items() if key.lower() not in changes}, **changes}
    query = "&".join(f"{quote(key, safe='$')}={quote(value, safe='')}" for key, value in wanted.items())
    return f"{call.root}{quoted_path(call)}?{query}"


def quoted_path(call: Call) -> str:
    return "/" + "/".join(quote(segment, safe="@=") for segment in call.segments)
