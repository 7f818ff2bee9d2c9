"""Rows of all tables, the organization-wide row version, tombstones, and all-or-nothing writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.clock import Clock
from local.dataverse.schema import Table
from local.dataverse.tables import TABLES
from local.dataverse.version_log import VersionLog
from local.journaled import JournaledTables

Row = dict[str, Any]
"""A row as stored: a look-up is ``[logical name, id]``, everything else is as it travels."""

ROW_PREFIX = "row."
Undo = tuple[str, str, Any]


class Store:
    """Rows by table and id. Rows are never changed in place: a write puts a new one."""

    def __init__(self, tables: JournaledTables, clock: Clock) -> None:
        self.journal = tables
        self.clock = clock
        self._undo: list[Undo] | None = None
        self._index: dict[tuple[str, str], dict[str, dict[str, None]]] = defaultdict(
            lambda: defaultdict(dict)
        )
        self._changes, self._removals = VersionLog(), VersionLog()
        for table in TABLES.values():
            rows = self._rows(table.name)
            for row_id, row in rows.items():
                self._add_to_index(table, row_id, row)
            for row_id in sorted(rows, key=lambda each: int(rows[each]["versionnumber"])):
                self._changes.record(table.name, rows[row_id]["versionnumber"], row_id)
        for key in sorted(tables.table("tombstones")):
            tombstone = tables.table("tombstones")[key]
            self._removals.record(tombstone["table"], tombstone["version"], tombstone["id"])

    # --- reading --------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        """The last row version given out."""
        return int(self.journal.get("meta", "rowversion") or 0)

    def get(self, table: str, row_id: str) -> Row | None:
        return self._rows(table).get(row_id)

    def rows(self, table: str) -> list[Row]:
        return list(self._rows(table).values())

    def referring(self, table: str, column: str, row_id: str) -> list[Row]:
        """Rows of ``table`` whose look-up (or plain id) ``column`` points to that id."""
        if TABLES[table].by_name[column].indexed:
            rows = self._rows(table)
            return [rows[key] for key in self._index[table, column].get(row_id, ()) if key in rows]
        return [row for row in self.rows(table) if _id_in(row.get(column)) == row_id]

    def changed_since(self, table: str, version: int) -> list[Row]:
        """Rows as they are now that were written after that version, in the order of their versions."""
        rows = self._rows(table)
        entries = self._changes.after(table, version)
        return [rows[id_] for number, id_ in entries if id_ in rows and rows[id_]["versionnumber"] == number]

    def removed_since(self, table: str, version: int) -> list[str]:
        """Ids in the order in which they went; one that came again and went again is there twice."""
        found: list[str] = []
        for number, row_id in self._removals.after(table, version):
            stone = self.journal.get("tombstones", _tombstone_key(number))
            if stone is not None and (stone["table"], stone["id"]) == (table, row_id):
                found.append(row_id)
        return found

    # --- writing --------------------------------------------------------------------------------

    def next_version(self) -> int:
        number = self.version + 1
        self._put("meta", "rowversion", number)
        return number

    def put(self, table: Table, row: Row) -> Row:
        """Insert or replace a row; it gets the next row version."""
        stored = {**row, "versionnumber": self.next_version()}
        row_id = stored[table.primary_id]
        self._remove_from_index(table, row_id)
        self._put(ROW_PREFIX + table.name, row_id, stored)
        self._add_to_index(table, row_id, stored)
        self._changes.record(table.name, stored["versionnumber"], row_id)
        return stored

    def remove(self, table: Table, row_id: str) -> None:
        """Delete a row; change tracking remembers its id."""
        self._remove_from_index(table, row_id)
        self._put(ROW_PREFIX + table.name, row_id, None)
        version = self.next_version()
        if table.change_tracking:
            tombstone = {"table": table.name, "id": row_id, "version": version, "at": self.clock.time()}
            self._put("tombstones", _tombstone_key(version), tombstone)
            self._removals.record(table.name, version, row_id)

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Everything inside happens or, when it raises, did not happen. A nested one that raises is undone
        alone; whoever catches that inside the outer one goes on with it."""
        if self._undo is not None:
            with self._savepoint(self._undo):
                yield
            return
        with self.journal.transaction():
            self._undo = []
            try:
                yield
            except BaseException:
                self._roll_back(self._undo)
                raise
            finally:
                self._undo = None

    @contextmanager
    def _savepoint(self, undo: list[Undo]) -> Iterator[None]:
        mark = len(undo)
        try:
            yield
        except BaseException:
            self._roll_back(undo[mark:])
            del undo[mark:]
            raise

    # --- what the server knows beside the rows ----------------------------------------------------

    def notes(self, name: str) -> dict[str, Any]:
        return self.journal.table(name)

    def note(self, name: str, key: str, value: Any) -> None:
        """Remember or, with ``None``, forget something; undone with the rows of the same write."""
        self._put(name, key, value)

    # --- inside ---------------------------------------------------------------------------------

    def _rows(self, table: str) -> dict[str, Row]:
        return self.journal.table(ROW_PREFIX + table)

    def _put(self, name: str, key: str, value: Any) -> None:
        if self._undo is not None:
            self._undo.append((name, key, self.journal.get(name, key)))
        self._set(name, key, value)

    def _set(self, name: str, key: str, value: Any) -> None:
        if value is None:
            self.journal.delete(name, key)
        else:
            self.journal.put(name, key, value)

    def _roll_back(self, undo: list[Undo]) -> None:
        for name, key, before in reversed(undo):
            table = TABLES.get(name.removeprefix(ROW_PREFIX)) if name.startswith(ROW_PREFIX) else None
            if table is not None:
                self._remove_from_index(table, key)
            self._set(name, key, before)
            if table is not None and before is not None:
                self._add_to_index(table, key, before)

    def _add_to_index(self, table: Table, row_id: str, row: Row) -> None:
        for column in table.columns:
            if column.indexed and row.get(column.name):
                self._index[table.name, column.name][_id_in(row[column.name])][row_id] = None

    def _remove_from_index(self, table: Table, row_id: str) -> None:
        row = self.get(table.name, row_id)
        if row is None:
            return
        for column in table.columns:
            if column.indexed and row.get(column.name):
                self._index[table.name, column.name][_id_in(row[column.name])].pop(row_id, None)


def _tombstone_key(version: int) -> str:
    return f"{version:012d}"


def _id_in(value: Any) -> str:
    """The id that a look-up or a plain id column holds; no row has the empty one."""
    return str(value[1] if isinstance(value, list) else value or "")
