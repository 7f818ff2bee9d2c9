"""Request bodies: what a caller wants to store, read strictly against the table's definition."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.dataverse.errors import Refusal, refuse
from local.dataverse.schema import Column, Table
from local.dataverse.store import Row
from local.dataverse.tables import ENTITY_SETS, TABLES
from local.dataverse.values import as_guid, stored

BIND = "@odata.bind"
REFERENCE = re.compile(r"^(?:https?://[^/]+)?/?(?:api/data/v9\.\d/)?(\w+)\(([^()]*)\)$")
UNDECLARED = (
    "An undeclared property '{name}' which only has property annotations in the payload but no property "
    "value was found in the payload. In OData, only declared navigation properties and declared named "
    "streams can be represented as properties without values."
)
UNKNOWN = "Invalid property '{name}' was found in entity 'Microsoft.Dynamics.CRM.{table}'."
DIRECT_REFERENCE = (
    "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead. "
    "({name})"
)


@dataclass
class Changes:
    """A body read: column values, and the complete list of parties when it had one."""

    values: Row = field(default_factory=dict)
    parties: list[Row] | None = None
    state: int | None = None

    @property
    def empty(self) -> bool:
        return not self.values and self.parties is None and self.state is None


@dataclass(frozen=True)
class PayloadReader:
    """Reads the body of one request; ``references`` are the Content-IDs known in its change set."""

    references: Mapping[str, str] = field(default_factory=dict)

    def read(self, table: Table, body: Mapping[str, Any], *, creating: bool) -> Changes:
        changes = Changes()
        for name, value in body.items():
            if name.endswith(BIND):
                self._bind(table, name.removesuffix(BIND), value, changes, creating)
            elif "@" not in name:
                self._property(table, name, value, changes, creating)
        return changes

    def _property(self, table: Table, name: str, value: Any, changes: Changes, creating: bool) -> None:
        column = table.by_name.get(name)
        if table.parties is not None and name == table.parties.navigation:
            changes.parties = [self._party(table, item) for item in _list(table, name, value)]
        elif name in table.collection_navigation or name in table.single_navigation:
            self._nested(table, name, value)
        elif column is None or column.type == "lookup":
            raise _unknown(table, name)
        elif column.type == "state":
            changes.state = stored(table, column, value)
        elif _settable(column, creating):
            changes.values[name] = stored(table, column, value)

    @staticmethod
    def _nested(table: Table, name: str, value: Any) -> None:
        if value is not None and not isinstance(value, (dict, list)):
            message = f"A navigation property '{name}' cannot hold a primitive value."
            raise refuse("InvalidPayload", entity_set=table.entity_set, message=message)
        raise refuse("NotInStandIn", feature=f"nested writes of {name}")

    def _bind(self, table: Table, name: str, value: Any, changes: Changes, creating: bool) -> None:
        if name not in table.single_navigation:
            message = UNDECLARED.format(name=name)
            raise refuse("InvalidPayload", entity_set=table.entity_set, message=message)
        column, targets = table.single_navigation[name]
        reference = None if value is None else self.reference(table, name, value)
        if reference is not None and reference[0] not in targets:
            message = f"The resource '{value}' is not of a type that '{name}' refers to."
            raise refuse("InvalidPayload", entity_set=table.entity_set, message=message)
        if _settable(column, creating):
            changes.values[column.name] = reference

    def reference(self, table: Table, name: str, value: Any) -> list[str]:
        """``/contacts(<guid>)`` or ``$1`` as logical name and id."""
        text = value if isinstance(value, str) else ""
        match = REFERENCE.match(self.references.get(text.lstrip("/"), text))
        target = ENTITY_SETS.get(match[1]) if match else None
        row_id = as_guid(match[2]) if match else None
        if target is None or row_id is None:
            message = f"Resource not found for the reference '{value}' of '{name}'."
            raise refuse("InvalidPayload", entity_set=table.entity_set, message=message)
        return [target.name, row_id]

    def _party(self, table: Table, item: Any) -> Row:
        if not isinstance(item, dict):
            message = "An activity party must be an object."
            raise refuse("InvalidPayload", entity_set=table.entity_set, message=message)
        party = self.read(TABLES["activityparty"], item, creating=True).values
        party.pop("activitypartyid", None)
        return party


def _settable(column: Column, creating: bool) -> bool:
    """Dataverse silently leaves out what is not valid for create or update."""
    return column.create if creating else column.update


def _unknown(table: Table, name: str) -> Refusal:
    text = DIRECT_REFERENCE if name in table.by_property else UNKNOWN
    message = text.format(name=name, table=table.name)
    return refuse("InvalidPayload", entity_set=table.entity_set, message=message)


def _list(table: Table, name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        message = f"The collection '{name}' must be an array."
        raise refuse("InvalidPayload", entity_set=table.entity_set, message=message)
    return value
