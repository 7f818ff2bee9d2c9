"""Secured columns: who may read and write their values, on rows that they may reach."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from local.dataverse.errors import refuse
from local.dataverse.schema import Table
from local.dataverse.store import Row, Store

if TYPE_CHECKING:
    from local.dataverse.security import Caller

SECURED = "secured-columns"
ADMINISTRATOR = "administrator"


@dataclass(frozen=True)
class Permission:
    """What one person may do with a secured column; nothing unless it says so."""

    read: bool = False
    create: bool = False
    update: bool = False


ALL = Permission(read=True, create=True, update=True)


class FieldSecurity:
    """A secured column is closed to everybody but administrators and those with a permission. Reading one
    without permission answers null, in filters and orders too (an assumption)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def secure(self, table: Table, column: str, permissions: dict[str, Permission]) -> None:
        stored = {user: asdict(permission) for user, permission in permissions.items()}
        self._store.note(SECURED, f"{table.name}.{column}", stored)

    def release(self, table: Table, column: str) -> None:
        self._store.note(SECURED, f"{table.name}.{column}", None)

    def secured(self, table: Table) -> set[str]:
        prefix = f"{table.name}."
        return {name.removeprefix(prefix) for name in self._store.notes(SECURED) if name.startswith(prefix)}

    def permission(self, user: str, table: Table, column: str) -> Permission | None:
        """What was given to a user, if anything was said of that user at all."""
        known: dict[str, Any] = self._store.notes(SECURED)[f"{table.name}.{column}"]
        return Permission(**known[user]) if user in known else None

    def masked(self, caller: Caller, table: Table, row: Row) -> Row:
        """The row as this caller sees it."""
        hidden = [
            name for name in self._closed(caller, table) if not self._permission(caller, table, name).read
        ]
        return {**row, **dict.fromkeys(hidden)} if hidden else row

    def require_create(self, caller: Caller, table: Table, values: Iterable[str]) -> None:
        for name in self._closed(caller, table) & set(values):
            if not self._permission(caller, table, name).create:
                raise refuse("SecuredCreate", column=name)

    def require_update(self, caller: Caller, table: Table, values: Iterable[str]) -> None:
        for name in self._closed(caller, table) & set(values):
            if not self._permission(caller, table, name).update:
                raise refuse("SecuredUpdate", column=name)

    def _closed(self, caller: Caller, table: Table) -> set[str]:
        return set() if caller.role == ADMINISTRATOR else self.secured(table)

    def _permission(self, caller: Caller, table: Table, column: str) -> Permission:
        return self.permission(caller.user, table, column) or Permission()
