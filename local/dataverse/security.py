"""Who is asking, and which rows that person may read and write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from local.dataverse.errors import refuse
from local.dataverse.field_security import FieldSecurity
from local.dataverse.schema import Kind, Table
from local.dataverse.sharing import Shares, teams_of
from local.dataverse.store import Row, Store
from local.dataverse.tables import TABLES

Access = Literal["read", "write", "delete"]
Reach = Literal["organization", "own", "own or party", "none"]


# What a row must be shared with for each; beside that a role's reach decides.
SHARED_RIGHTS: Mapping[Access, str] = {
    "read": "ReadAccess",
    "write": "WriteAccess",
    "delete": "DeleteAccess",
}


@dataclass(frozen=True)
class Rights:
    read: Reach
    write: Reach


# `usual` and `restricted` are the roles of the rig's interface. Rows of the system itself (users,
# business units, the organization, views) are no one's records: everybody reads them.
ROLES: Mapping[str, Mapping[Kind, Rights]] = {
    "administrator": {
        kind: Rights("organization", "organization")
        for kind in ("activity", "customer", "system", "personal", "party", "attachment")
    },
    "usual": {
        "activity": Rights("own or party", "own"),
        "customer": Rights("organization", "own"),
        "system": Rights("organization", "none"),
        "personal": Rights("own", "own"),
        "party": Rights("own or party", "own"),
        "attachment": Rights("own or party", "own"),
    },
    "restricted": {
        "activity": Rights("own", "own"),
        "customer": Rights("own", "own"),
        "system": Rights("organization", "none"),
        "personal": Rights("own", "own"),
        "party": Rights("own", "own"),
        "attachment": Rights("own", "own"),
    },
}


@dataclass(frozen=True)
class Caller:
    """``user`` is whose rights count; ``behind`` is who really calls when that is someone else;
    ``tag`` is what the request calls itself (``?tag=``) for those who listen to events."""

    user: str
    role: str
    behind: str | None = None
    service: bool = False
    tag: str | None = None

    def rights(self, table: Table) -> Rights:
        return ROLES[self.role][table.kind]


class Security:
    """Decides about single rows. The application user and administrators reach the whole organization,
    so the intersection of the caller's and the impersonated user's rights is that user's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.fields = FieldSecurity(store)
        self.shares = Shares(store)

    def may_read(self, caller: Caller, table: Table, row: Row) -> bool:
        return self.may("read", caller, table, row)

    def may(self, access: Access, caller: Caller, table: Table, row: Row) -> bool:
        rights = caller.rights(table)
        return self._within(caller, rights.read if access == "read" else rights.write, access, table, row)

    def require(self, access: Access, caller: Caller, table: Table, row: Row) -> None:
        """A row the caller may not reach exists for them only as a 403; lists leave it out."""
        if not self.may(access, caller, table, row):
            raise refuse(
                "PrivilegeDenied", user=caller.user, access=access, table=table.name, id=row[table.primary_id]
            )

    def require_organization_read(self, caller: Caller, table: Table) -> None:
        if caller.rights(table).read != "organization":
            raise refuse(
                "PrivilegeDenied", user=caller.user, access="organization-level read", table=table.name, id=""
            )

    def _within(self, caller: Caller, reach: Reach, access: Access, table: Table, row: Row) -> bool:
        if reach == "organization":
            return True
        if reach == "none":
            return False
        if table.parent_column:
            return self._within_parent(caller, reach, access, row.get(table.parent_column))
        principals = {caller.user, *teams_of(self._store, caller.user)}
        if row.get("ownerid", [None, None])[1] in principals:
            return True
        if self.shares.allows(SHARED_RIGHTS[access], principals, table, row[table.primary_id]):
            return True
        return reach == "own or party" and self._is_party(caller.user, row[table.primary_id])

    def _within_parent(
        self, caller: Caller, reach: Reach, access: Access, reference: list[str] | None
    ) -> bool:
        if not reference:
            return False
        parent = self._store.get(*reference)
        return parent is not None and self._within(caller, reach, access, TABLES[reference[0]], parent)

    def _is_party(self, user: str, activity_id: str) -> bool:
        parties = self._store.referring("activityparty", "activityid", activity_id)
        return any((party.get("partyid") or [None, None])[1] == user for party in parties)
