"""Rows shared with single people and teams, and who is in which team."""

from __future__ import annotations

from collections.abc import Iterable

from local.dataverse.schema import Table
from local.dataverse.store import Store

SHARES = "shares"
RIGHTS = frozenset(
    {"ReadAccess", "WriteAccess", "AppendAccess", "AppendToAccess", "CreateAccess", "DeleteAccess"}
    | {"ShareAccess", "AssignAccess"}
)


def teams_of(store: Store, user: str) -> frozenset[str]:
    return frozenset(row["teamid"] for row in store.referring("teammembership", "systemuserid", user))


class Shares:
    """Kept beside the rows, as the service does: sharing moves no version and appears in no feed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def set(self, table: Table, row_id: str, principal: str, rights: Iterable[str]) -> None:
        """The rights of one user or team on one row from now on; none takes the share away."""
        known = {**self._of(table, row_id), principal: sorted(rights)}
        kept = {who: names for who, names in known.items() if names}
        self._store.note(SHARES, _key(table, row_id), kept or None)

    def add(self, table: Table, row_id: str, principal: str, rights: Iterable[str]) -> None:
        self.set(table, row_id, principal, {*self._of(table, row_id).get(principal, ()), *rights})

    def forget(self, table: Table, row_id: str) -> None:
        if self._of(table, row_id):
            self._store.note(SHARES, _key(table, row_id), None)

    def allows(self, right: str, principals: Iterable[str], table: Table, row_id: str) -> bool:
        shared = self._of(table, row_id)
        return any(right in shared.get(principal, ()) for principal in principals) if shared else False

    def _of(self, table: Table, row_id: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] | None = self._store.notes(SHARES).get(_key(table, row_id))
        return found or {}


def _key(table: Table, row_id: str) -> str:
    return f"{table.name}:{row_id}"
