"""What belongs to a task: linked resources, checklist items, open extensions.

They are kept in the task's row. Whether a change of them is a change of the task is not documented; here it
is none: neither the task's etag nor its list's delta shows it.
"""

from __future__ import annotations

import re
from typing import Any

from local.exchange.errors import GraphError, bad_request, invalid_todo
from local.exchange.item_store import Parts
from local.exchange.validation import checked

Json = dict[str, Any]

NONE: Json = {"linkedResources": [], "checklistItems": [], "extensions": []}
_OPEN_TYPE = "microsoft.graph.openTypeExtension"
_NAME = re.compile(r"^[A-Za-z_][\w.]*$")
_LINK = ("applicationName", "displayName", "externalId", "webUrl")
_CHECK_READ_ONLY = frozenset({"id", "createdDateTime", "checkedDateTime"})


class Children:
    """Makes and changes the rows of a task's children."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def new(self, kind: str, body: Json) -> Json:
        if kind == "extensions":
            return _new_extension(body)
        return self._new_link(body) if kind == "linkedResources" else self._new_check(body)

    def changed(self, kind: str, row: Json, body: Json) -> Json:
        if kind == "extensions":
            return _changed_extension(row, body)
        if kind == "linkedResources":
            return _whole_link({**row, **checked("linkedResource", body, ignored=frozenset({"id"}))})
        return self._checked({**row, **checked("checklistItem", body, ignored=_CHECK_READ_ONLY)}, row)

    def copied(self, task: Json, *, anew: bool = False) -> Json:
        """The children of a copy; of the next task of a series (``anew``) nothing is checked."""
        unchecked = {"isChecked": False, "checkedDateTime": None} if anew else {}
        fresh = self._parts.identifiers.guid
        return {
            "linkedResources": [{**row, "id": fresh()} for row in task["linkedResources"]],
            "checklistItems": [{**row, "id": fresh(), **unchecked} for row in task["checklistItems"]],
            "extensions": task["extensions"],
        }

    def _new_link(self, body: Json) -> Json:
        sent = checked("linkedResource", body, ignored=frozenset({"id"}))
        return _whole_link({**dict.fromkeys(_LINK), **sent, "id": self._parts.identifiers.guid()})

    def _new_check(self, body: Json) -> Json:
        sent = checked("checklistItem", body, ignored=_CHECK_READ_ONLY)
        stamps = {"id": self._parts.identifiers.guid(), "createdDateTime": self._parts.now()}
        return self._checked(
            {"displayName": None, "isChecked": False, "checkedDateTime": None, **sent, **stamps}
        )

    def _checked(self, row: Json, before: Json | None = None) -> Json:
        if not row["displayName"]:
            raise invalid_todo("a checklist item needs a displayName.")
        if not row["isChecked"]:
            return {**row, "isChecked": False, "checkedDateTime": None}
        kept = before["checkedDateTime"] if before else None
        return {**row, "checkedDateTime": kept or self._parts.now()}


def _whole_link(row: Json) -> Json:
    missing = [name for name in _LINK if not row[name]]
    if missing:
        raise invalid_todo(f"a linkedResource needs {', '.join(missing)}.")
    return row


# --- open extensions ----------------------------------------------------------------------------


def _new_extension(body: Json) -> Json:
    if str(body.get("@odata.type", "")).lstrip("#") != _OPEN_TYPE:
        raise bad_request(f"The '@odata.type' must be '{_OPEN_TYPE}'.")
    name = body.get("extensionName")
    if not isinstance(name, str) or not _NAME.match(name):
        raise bad_request("The extensionName is missing or not a valid name.")
    return {"id": name, "extensionName": name, "values": _values(body)}


def _changed_extension(row: Json, body: Json) -> Json:
    """The values sent are the extension's values from now on."""
    if body.get("extensionName", row["id"]) != row["id"]:
        raise bad_request("The extensionName cannot be changed.")
    return {**row, "values": _values(body)}


def _values(body: Json) -> Json:
    values = {name: value for name, value in body.items() if "@" not in name}
    for name in ("id", "extensionName"):
        values.pop(name, None)
    for name, value in values.items():
        elements = value if isinstance(value, list) else [value]
        if not _NAME.match(name) or any(isinstance(each, dict | list) for each in elements):
            raise bad_request(f"The value of '{name}' is no primitive and no list of primitives.")
    return values


def plain_id(kind: str, identifier: str) -> str:
    """An extension answers to its name with its type in front as well as without; in a path the type has
    lost its namespace already."""
    wanted = identifier.lower().removeprefix("microsoft.graph.")
    return wanted.removeprefix("opentypeextension.") if kind == "extensions" else identifier.lower()


def shown(kind: str, row: Json) -> Json:
    """A child as Graph answers it: the id of an extension is its name with its type in front."""
    if kind != "extensions":
        return row
    full_name = f"{_OPEN_TYPE}.{row['id']}"
    named = {"@odata.type": f"#{_OPEN_TYPE}", "id": full_name, "extensionName": row["extensionName"]}
    return {**named, **{name: value for name, value in row["values"].items() if value is not None}}


def refuse_second(kind: str, rows: list[Json], new: Json) -> None:
    if kind == "extensions" and any(row["id"].lower() == new["id"].lower() for row in rows):
        raise GraphError(409, "ErrorExtensionExists", f"An extension named '{new['id']}' exists already.")
