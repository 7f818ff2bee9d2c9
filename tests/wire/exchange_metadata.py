"""Microsoft's metadata of Graph v1.0, and the check that a JSON value conforms to it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from defusedxml import ElementTree

METADATA = Path(__file__).parents[1] / "data" / "graph" / "graph-v1.0-outlook-subset.csdl.xml"
_EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
_PRIMITIVE = {
    "Edm.String": str,
    "Edm.Boolean": bool,
    "Edm.Int32": int,
    "Edm.Int64": int,
    "Edm.Binary": str,
    "Edm.Double": int | float,
    "Edm.DateTimeOffset": str,
    "Edm.Date": str,
    "Edm.TimeOfDay": str,
    "Edm.Guid": str,
}
_FORMS = {
    "Edm.DateTimeOffset": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z",
    "Edm.Date": r"\d{4}-\d\d-\d\d",
    "Edm.TimeOfDay": r"\d\d:\d\d:\d\d(\.\d+)?",
    "Edm.Guid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
}
# What a path's last fixed segment answers.
_ANSWERS = {
    "events": "event",
    "calendarview": "event",
    "instances": "event",
    "calendars": "calendar",
    "calendarpermissions": "calendarPermission",
    "calendar": "calendar",
    "subscriptions": "subscription",
    "mastercategories": "outlookCategory",
    "mailboxsettings": "mailboxSettings",
    "users": "user",
    "translateexchangeids": "convertIdResult",
    "supportedtimezones": "timeZoneInformation",
    "attachments": "attachment",
    "createuploadsession": "uploadSession",
    "contacts": "contact",
    "contactfolders": "contactFolder",
    "childfolders": "contactFolder",
    "lists": "todoTaskList",
    "tasks": "todoTask",
    "linkedresources": "linkedResource",
    "checklistitems": "checklistItem",
    "extensions": "openTypeExtension",
}


@cache
def _elements(kind: str) -> dict[str, Element]:
    root = ElementTree.parse(METADATA).getroot()
    return {element.get("Name", ""): element for element in root.iter(_EDM + kind)}


@cache
def properties(type_name: str) -> dict[str, tuple[str, bool]]:
    """Name to (type, nullable), inherited ones included."""
    element = _elements("EntityType").get(type_name)
    if element is None:
        element = _elements("ComplexType")[type_name]
    base = element.get("BaseType")
    inherited = properties(base.rpartition(".")[2]) if base else {}
    own = {
        prop.get("Name", ""): (prop.get("Type", ""), prop.get("Nullable") != "false")
        for prop in element.findall(_EDM + "Property")
    }
    return {**inherited, **own}


@cache
def navigation(type_name: str) -> dict[str, str]:
    element = _elements("EntityType").get(type_name)
    rows = element.findall(_EDM + "NavigationProperty") if element is not None else []
    return {row.get("Name", ""): row.get("Type", "") for row in rows}


@cache
def members(enum: str) -> tuple[str, ...]:
    return tuple(row.get("Name", "") for row in _elements("EnumType")[enum].findall(_EDM + "Member"))


def conforms(type_name: str, value: Any, where: str, *, whole: bool = False) -> None:
    """Known properties only, of their types; with ``whole`` none that is never null is missing."""
    assert isinstance(value, dict), f"{where} is no object"
    type_name = value.get("@odata.type", type_name).rpartition(".")[2]  # one of its derived types
    known = properties(type_name)
    for name, item in value.items():
        if "@" in name:
            continue
        if name not in known and type_name == "openTypeExtension":
            continue
        declared = known.get(name) or (navigation(type_name).get(name, ""), True)
        assert declared[0], f"{where}.{name} is not in the metadata"
        _check(declared[0], declared[1], item, f"{where}.{name}")
    if whole:
        missing = [name for name, (_, nullable) in known.items() if not nullable and name not in value]
        # Returned only when a master is asked for it.
        assert set(missing) <= {"cancelledOccurrences", "proxyAddresses"}, f"{where} lacks {missing}"


def _check(declared: str, nullable: bool, value: Any, where: str) -> None:
    if collection := re.fullmatch(r"Collection\((.+)\)", declared):
        assert isinstance(value, list), f"{where} is no list"
        for position, item in enumerate(value):
            _check(collection[1], False, item, f"{where}[{position}]")
    elif value is None:
        assert nullable, f"{where} is null"
    elif declared in _PRIMITIVE:
        kind: Any = _PRIMITIVE[declared]
        assert isinstance(value, kind), f"{where} is {value!r}"
        assert isinstance(value, bool) == (declared == "Edm.Boolean"), f"{where} is {value!r}"
        form = _FORMS.get(declared)
        assert form is None or re.fullmatch(form, value), f"{where} is {value!r}"
    else:
        name = declared.rpartition(".")[2]
        if name in _elements("EnumType"):
            assert value in members(name), f"{where} is {value!r}"
        else:
            conforms(name, value, where)


def check_answer(method: str, path: str, status: int, body: Any) -> None:
    """Any answer of the service: an error in Graph's form, or the resource that the path names."""
    if status >= 400:
        assert set(body["error"]) >= {"code", "message", "innerError"}, body
        assert set(body["error"]["innerError"]) >= {"date", "request-id", "client-request-id"}, body
        return
    if "$batch" in path:
        for part in body["responses"]:
            assert {"id", "status", "headers", "body"} == set(part), part
        return
    type_name = _answered_type(path)
    if body is None or type_name is None:
        return
    if "value" in body:
        for row in body["value"]:
            bare = "@removed" in row or row.get("type") == "occurrence"
            conforms(type_name, row, type_name, whole=not bare and not _narrowed(path))
    elif method != "PATCH" or type_name != "mailboxSettings":
        conforms(type_name, body, type_name, whole=not _narrowed(path) and type_name != "mailboxSettings")


def _narrowed(path: str) -> bool:
    """A link of a round holds the ``$select`` of its first request in its token."""
    return "$select" in path or ("token=" in path and "calendarview" not in path.lower())


def _answered_type(path: str) -> str | None:
    segments = re.sub(r"[(].*?[)]", "", path.partition("?")[0]).lower().rstrip("/").split("/")
    last = next((_ANSWERS[segment] for segment in reversed(segments) if segment in _ANSWERS), None)
    return None if segments[-2] == "mailboxsettings" else last
