"""Actions about who may do what: sharing single rows, and the members of teams."""

from __future__ import annotations

from typing import ClassVar
from uuid import uuid4

from local.dataverse.call import Call, Reply
from local.dataverse.errors import refuse
from local.dataverse.parameters import NAMESPACE, PRINCIPALS, Entity, Parameters, row_id
from local.dataverse.records import Records
from local.dataverse.schema import Table
from local.dataverse.security import Security
from local.dataverse.session import Session
from local.dataverse.sharing import RIGHTS
from local.dataverse.store import Row, Store
from local.dataverse.tables import TABLES

MEMBERSHIP = "teammembership"
OWNED = tuple(table.name for table in TABLES.values() if table.owned)


class AccessActions:
    UNBOUND: ClassVar[frozenset[str]] = frozenset({"GrantAccess", "ModifyAccess", "RevokeAccess"})
    ON_TEAM: ClassVar[frozenset[str]] = frozenset({"AddMembersTeam", "RemoveMembersTeam"})

    def __init__(self, store: Store, records: Records, security: Security) -> None:
        self._store = store
        self._records = records
        self._security = security

    # --- sharing --------------------------------------------------------------------------------

    def unbound(self, call: Call, session: Session, name: str) -> Reply:
        """Whoever may write a row may share it; granting adds to a share, modifying replaces it."""
        if name == "RevokeAccess":
            parameters = Parameters(call, name, ("Target", "Revokee"))
            table, row = self._target(session, parameters)
            who = self._principal(parameters.entity("Revokee", *PRINCIPALS))
            self._security.shares.set(table, row[table.primary_id], who, ())
            return Reply(204)
        parameters = Parameters(call, name, ("Target", "PrincipalAccess"))
        table, row = self._target(session, parameters)
        entity, rights = parameters.access("PrincipalAccess")
        if not rights or not rights <= RIGHTS:
            raise refuse("InvalidArgument", message=f"Invalid access rights: {', '.join(sorted(rights))}.")
        share = self._security.shares.add if name == "GrantAccess" else self._security.shares.set
        share(table, row[table.primary_id], self._principal(entity), rights)
        return Reply(204)

    def _target(self, session: Session, parameters: Parameters) -> tuple[Table, Row]:
        table, target = parameters.entity("Target", *OWNED)
        row = self._records.get(table, row_id(table, target) or "")
        self._security.require("write", session.caller, table, row)
        return table, row

    def _principal(self, entity: Entity) -> str:
        table, target = entity
        return str(self._records.get(table, row_id(table, target) or "")[table.primary_id])

    # --- teams ----------------------------------------------------------------------------------

    def on_team(self, call: Call, session: Session, key: str, name: str) -> Reply:
        team = TABLES["team"]
        self._security.require("write", session.caller, team, self._records.get(team, key))
        members = Parameters(call, name, ("Members",)).entities("Members", "systemuser")
        for user in [self._principal(member) for member in members]:
            self._remove(key, user)
            if name == "AddMembersTeam":
                self._add(key, user)
        return Reply(204)

    def _add(self, team: str, user: str) -> None:
        row = {"teammembershipid": str(uuid4()), "systemuserid": user, "teamid": team}
        self._store.put(TABLES[MEMBERSHIP], row)

    def _remove(self, team: str, user: str) -> None:
        for row in self._store.referring(MEMBERSHIP, "systemuserid", user):
            if row["teamid"] == team:
                self._store.remove(TABLES[MEMBERSHIP], row["teammembershipid"])

    @classmethod
    def is_on_row(cls, table: Table, name: str) -> bool:
        return table.name == "team" and name.removeprefix(NAMESPACE) in cls.ON_TEAM
