"""Duplicate detection: published rules, and requests that ask to be held to them."""

from __future__ import annotations

from local.dataverse.call import Call
from local.dataverse.errors import refuse
from local.dataverse.organization import organization
from local.dataverse.payload import Changes
from local.dataverse.schema import Table
from local.dataverse.store import Row, Store

HEADER = "MSCRM.SuppressDuplicateDetection"
RULES = "duplicate-rules"
SWITCHES = ("isduplicatedetectionenabled", "isduplicatedetectionenabledforonlinecreateupdate")


class Duplicates:
    """A rule compares some columns of one table with every other row, inactive and unreadable ones too
    (an assumption). The Web API detects nothing unless the header says ``false``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def publish(self, table: Table, columns: list[str]) -> None:
        """One rule for a table; without columns it has none."""
        self._store.note(RULES, table.name, columns or None)

    def check(self, call: Call, table: Table, changes: Changes, before: Row | None = None) -> None:
        """Refuse what would be a duplicate; an update counts when it names a column of the rule."""
        if call.headers.get(HEADER, "true").strip().lower() != "false" or not self._enabled():
            return
        columns = self._store.notes(RULES).get(table.name, [])
        if before is not None and not any(name in changes.values for name in columns):
            return
        key = _key({**(before or {}), **changes.values}, columns)
        if key is None:
            return
        own = (before or {}).get(table.primary_id)
        for row in self._store.rows(table.name):
            if row[table.primary_id] != own and _key(row, columns) == key:
                raise refuse("DuplicateRecord")

    def _enabled(self) -> bool:
        row = organization(self._store)
        return all(row.get(name) for name in SWITCHES)


def _key(row: Row, columns: list[str]) -> tuple[str, ...] | None:
    """What is compared, without case; empty values are no reason to be alike."""
    values = [str(row.get(name) or "").strip().casefold() for name in columns]
    return tuple(values) if values and all(values) else None
