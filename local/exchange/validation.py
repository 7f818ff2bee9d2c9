"""Request bodies against the tables of ``schema``: unknown properties and wrong values are refused."""

from __future__ import annotations

import re
from typing import Any

from local.exchange.errors import body_unreadable
from local.exchange.schema import ENUMS, TYPES

_COLLECTION = re.compile(r"^Collection\((.+)\)$")
_EXTENDED = {"singleValueExtendedProperties": "Collection(graph.singleValueLegacyExtendedProperty)"}
# Types that have no extended properties, and what they have instead.
_NAVIGATION: dict[str, dict[str, str]] = {
    "todoTask": {
        "linkedResources": "Collection(graph.linkedResource)",
        "checklistItems": "Collection(graph.checklistItem)",
    },
    "todoTaskList": {},
    "linkedResource": {},
    "checklistItem": {},
}
_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_OFFSET_TIME = re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$")


def checked(type_name: str, body: dict[str, Any], *, ignored: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The body's known properties with canonical enum values; ``ignored`` (read-only) ones are left out."""
    properties, navigation = TYPES[type_name], _NAVIGATION.get(type_name, _EXTENDED)
    result = {}
    for name, value in body.items():
        if "@" in name:
            continue
        declared = properties.get(name) or navigation.get(name)
        if declared is None:
            raise unknown_property(name, type_name)
        if name not in ignored:
            result[name] = _value(declared.rstrip("!"), value)
    return result


def unknown_property(name: str, type_name: str) -> Exception:
    return body_unreadable(
        f"The property '{name}' does not exist on type 'microsoft.graph.{type_name}'. Make sure to only use "
        "property names that are defined by the type or mark the type as open type."
    )


def _value(declared: str, value: Any) -> Any:
    if value is None:
        return None
    if collection := _COLLECTION.match(declared):
        if not isinstance(value, list):
            raise _wrong(declared)
        if None in value:
            raise _wrong(collection[1])
        return [_value(collection[1], item) for item in value]
    if not declared.startswith("graph."):
        return _primitive(declared, value)
    name = declared.removeprefix("graph.")
    if name in ENUMS:
        return enum_value(name, value)
    if not isinstance(value, dict):
        raise _wrong(declared)
    return checked(name, value)


def enum_value(name: str, value: Any) -> str:
    """An enum member in any case, as Graph takes it."""
    found = next((member for member in ENUMS[name] if member.lower() == str(value).lower()), None)
    if found is None:
        raise body_unreadable(f"Requested value '{value}' was not found.")
    return found


def _primitive(declared: str, value: Any) -> Any:
    fits = {
        "Edm.String": isinstance(value, str),
        "Edm.Boolean": isinstance(value, bool),
        "Edm.Int32": isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31,
        "Edm.Int64": isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63,
        "Edm.Double": isinstance(value, int | float) and not isinstance(value, bool),
        "Edm.Date": isinstance(value, str) and bool(_DATE.match(value)),
        "Edm.DateTimeOffset": isinstance(value, str) and bool(_OFFSET_TIME.match(value)),
    }.get(declared, isinstance(value, str))
    if not fits:
        raise _wrong(declared)
    return value


def _wrong(declared: str) -> Exception:
    return body_unreadable(f"Cannot convert a value to target type '{declared}'.")
