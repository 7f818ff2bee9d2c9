"""The body of an action: its parameters by name, each read as the type that the action declares."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from local.dataverse.call import Call
from local.dataverse.errors import Refusal, refuse
from local.dataverse.schema import Table
from local.dataverse.tables import TABLES
from local.dataverse.values import as_guid, parse_date_time

NAMESPACE = "Microsoft.Dynamics.CRM."
PRINCIPALS = ("systemuser", "team")
Entity = tuple[Table, dict[str, Any]]


class Parameters:
    """Unknown names are refused; so are missing ones, when they are asked for."""

    def __init__(self, call: Call, action: str, names: Iterable[str]) -> None:
        self._call = call
        self._action = action
        self._body = call.json_object()
        for name in self._body:
            if "@" not in name and name not in names:
                raise self._wrong(
                    f"The parameter '{name}' in the request payload is not a valid parameter for the "
                    f"operation '{action}'."
                )

    def entity(self, name: str, *tables: str) -> Entity:
        return self._entity(name, self._value(name), tables)

    def entities(self, name: str, *tables: str) -> list[Entity]:
        values = self._value(name)
        if not isinstance(values, list) or not values:
            raise self._wrong(f"The parameter '{name}' must be an array of at least one row.")
        return [self._entity(name, value, tables) for value in values]

    def access(self, name: str) -> tuple[Entity, set[str]]:
        """A ``PrincipalAccess``: a user or team, and rights by name, separated by commas."""
        value = self._value(name)
        if not isinstance(value, dict) or not isinstance(value.get("AccessMask"), str):
            raise self._wrong(f"The parameter '{name}' must have a Principal and an AccessMask.")
        rights = {part.strip() for part in value["AccessMask"].split(",") if part.strip()}
        return self._entity(name, value.get("Principal"), PRINCIPALS), rights

    def moment(self, name: str) -> datetime:
        value = self._value(name)
        moment = parse_date_time(value) if isinstance(value, str) else None
        if moment is None:
            raise self._wrong(f"Cannot convert the literal '{value}' to the expected type of '{name}'.")
        return moment

    def flag(self, name: str) -> bool:
        value = self._value(name)
        if not isinstance(value, bool):
            raise self._wrong(f"Cannot convert the literal '{value}' to the expected type of '{name}'.")
        return value

    def number(self, name: str) -> int:
        value = self._value(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._wrong(f"Cannot convert the literal '{value}' to the expected type of '{name}'.")
        return value

    # --- inside ---------------------------------------------------------------------------------

    def _value(self, name: str) -> Any:
        if self._body.get(name) is None:
            raise self._wrong(f"Required parameter '{name}' of the operation '{self._action}' is missing.")
        return self._body[name]

    def _entity(self, name: str, value: Any, tables: tuple[str, ...]) -> Entity:
        """A row of one of the tables; where several are possible, its type has to be written down."""
        kind = value.get("@odata.type") if isinstance(value, dict) else None
        table = str(kind or "").removeprefix("#").removeprefix(NAMESPACE)
        if isinstance(value, dict) and kind is None and len(tables) == 1:
            table = tables[0]
        if not isinstance(value, dict) or table not in tables:
            raise self._wrong(
                f"The parameter '{name}' must be a row with the @odata.type of a table it takes."
            )
        return TABLES[table], value

    def _wrong(self, message: str) -> Refusal:
        return refuse("InvalidPayload", entity_set=self._call.path, message=message)


def row_id(table: Table, value: dict[str, Any]) -> str | None:
    """The primary key in a row that came as a parameter."""
    given = value.get(table.primary_id)
    return as_guid(given) if isinstance(given, str) else None
