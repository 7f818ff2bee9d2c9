"""Single-value extended (MAPI named) properties: their ids in one normal form, their values as text."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from local.exchange import mapi_tags
from local.exchange.errors import GraphError, bad_request
from local.exchange.zones import short_utc

Extended = dict[str, str]

_TYPES = (
    "ApplicationTime",
    "Binary",
    "Boolean",
    "CLSID",
    "Currency",
    "Double",
    "Error",
    "Float",
    "Integer",
    "Long",
    "Null",
    "Object",
    "Short",
    "String",
    "SystemTime",
)
_KINDS = {name.lower(): name for name in _TYPES}
_GUID = r"\{?([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})\}?"
_NAMED = re.compile(rf"^(\w+) {_GUID} Name (.+)$", re.IGNORECASE | re.DOTALL)
_NUMBERED = re.compile(rf"^(\w+) {_GUID} Id (0x[0-9a-fA-F]+)$", re.IGNORECASE)
_TAGGED = re.compile(r"^(\w+) (0x[0-9a-fA-F]+)$", re.IGNORECASE)


def normal_id(identifier: str) -> str:
    """``Type {guid} Name X``: the GUID in lower case, the name as it is, for it is case-sensitive."""
    text = identifier.strip()
    if match := _NAMED.match(text):
        return f"{_kind(match[1], text)} {{{match[2].lower()}}} Name {match[3]}"
    if match := _NUMBERED.match(text):
        return f"{_kind(match[1], text)} {{{match[2].lower()}}} Id {int(match[3], 16):#x}"
    if match := _TAGGED.match(text):
        return _tagged(_kind(match[1], text), int(match[2], 16), identifier)
    raise _bad_id(identifier)


def _tagged(kind: str, tag: int, identifier: str) -> str:
    if not mapi_tags.fits(kind, tag):
        raise _bad_id(identifier)
    return f"{kind} {tag:#x}"


def parse(rows: list[dict[str, Any]]) -> dict[str, str | None]:
    """What a POST or PATCH sets; None removes the property."""
    parsed: dict[str, str | None] = {}
    for row in rows:
        if not row.get("id"):
            raise bad_request("The property id is missing.", "ErrorInvalidProperty")
        identifier = normal_id(str(row["id"]))
        value = row.get("value")
        parsed[identifier] = None if value is None else _normal_value(identifier, value)
    return parsed


def merged(stored: Extended, changes: dict[str, str | None]) -> Extended:
    both = {**stored, **changes}
    return {key: value for key, value in both.items() if value is not None}


def shown(stored: Extended, wanted: list[str]) -> list[dict[str, str]]:
    """The rows for ``$expand``: only those asked for, only those that are there."""
    return [{"id": key, "value": stored[key]} for key in wanted if key in stored]


def _kind(name: str, identifier: str) -> str:
    if name.lower() not in _KINDS:
        raise _bad_id(identifier)
    return _KINDS[name.lower()]


def _normal_value(identifier: str, value: str) -> str:
    """Numbers come back as .NET prints them: ``2.0`` is stored as a double and read as ``2``."""
    kind = identifier.split(" ", 1)[0]
    try:
        if kind in ("Integer", "Short", "Long"):
            return str(int(value))
        if kind in ("Double", "Float", "Currency", "ApplicationTime"):
            number = float(value)
            return str(int(number)) if number.is_integer() else repr(number)
        if kind == "SystemTime":
            return short_utc(_moment(value))
    except ValueError as error:
        raise bad_request(
            f"The value '{value}' does not fit the type {kind}.", "ErrorInvalidProperty"
        ) from error
    if kind == "Boolean":
        return "true" if value.lower() in ("true", "1") else "false"
    return value


def _moment(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _bad_id(identifier: str) -> GraphError:
    return bad_request(
        f"The property id '{identifier}' is invalid. The property id should be in the format "
        "'{type} {guid} Name {name}', '{type} {guid} Id {id}' or '{type} {proptag}'.",
        "ErrorInvalidProperty",
    )
