"""Following navigation properties from row to row, as far as the caller may read."""

from __future__ import annotations

from collections.abc import Iterable

from local.dataverse.schema import Collection, Table
from local.dataverse.security import Caller, Security
from local.dataverse.store import Row, Store
from local.dataverse.tables import TABLES


class Navigation:
    """Single-valued and collection-valued steps for one caller."""

    def __init__(self, store: Store, security: Security, caller: Caller) -> None:
        self._store = store
        self._security = security
        self._caller = caller

    def visible(self, table: Table, among: Iterable[Row] | None = None) -> list[Row]:
        """The rows of a table, or those given, that the caller may read."""
        return self._readable(table, self._store.rows(table.name) if among is None else among)

    @property
    def caller(self) -> Caller:
        return self._caller

    def shown(self, table: Table, row: Row) -> Row:
        """The row without the values that the caller may not read."""
        return self._security.fields.masked(self._caller, table, row)

    def by_id(self, table: Table, row_id: str) -> list[Row]:
        row = self._store.get(table.name, row_id)
        return [] if row is None else self._readable(table, [row])

    def single(self, table: Table, row: Row, name: str) -> tuple[Table, Row] | None:
        """The row a look-up's navigation property leads to, if it leads there and may be read."""
        column, targets = table.single_navigation[name]
        value = row.get(column.name)
        if not value or value[0] not in targets:
            return None
        target = TABLES[value[0]]
        found = self._store.get(*value)
        if found is None or not self._security.may_read(self._caller, target, found):
            return None
        return target, self.shown(target, found)

    def follow(self, table: Table, row: Row, path: Iterable[str]) -> tuple[Table, Row] | None:
        here: tuple[Table, Row] | None = (table, row)
        for name in path:
            here = self.single(here[0], here[1], name) if here else None
        return here

    def collection(self, collection: Collection, table: Table, row: Row) -> tuple[Table, list[Row]]:
        child = TABLES[collection.table]
        rows = self._store.referring(child.name, collection.column, row[table.primary_id])
        return child, self._readable(child, sorted(rows, key=lambda each: each["versionnumber"]))

    def referring(self, table: Table, column: str, row_id: str) -> list[Row]:
        return self._readable(table, self._store.referring(table.name, column, row_id))

    def _readable(self, table: Table, rows: Iterable[Row]) -> list[Row]:
        return [self.shown(table, row) for row in rows if self._security.may_read(self._caller, table, row)]
