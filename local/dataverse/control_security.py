"""``/_control``: roles of users, secured columns, rules that detect duplicates."""

from __future__ import annotations

from typing import Any

from local.control import BadRequest, ControlRequest, ControlTable, json_object
from local.dataverse.field_security import Permission
from local.dataverse.schema import Table
from local.dataverse.security import ROLES
from local.dataverse.store import Store
from local.dataverse.tables import TABLES
from local.dataverse.web_api import WebApi
from local.wire import WireAnswer

PERMISSIONS = frozenset({"read", "create", "update"})


class ControlSecurity:
    def __init__(self, store: Store, api: WebApi) -> None:
        self._store = store
        self._api = api

    def add_to(self, routes: ControlTable) -> None:
        routes.add("PUT", "roles", self._put_role)
        routes.add("PUT", "secured-columns", self._put_secured)
        routes.add("PUT", "duplicate-rules", self._put_rule)

    def _put_role(self, request: ControlRequest) -> WireAnswer:
        """``{"user", "role"}``: what a user may do from now on; no row changes by that."""
        body = json_object(request)
        user = self._user(body.get("user"))
        if body.get("role") not in ROLES:
            raise BadRequest(f"role must be one of {', '.join(sorted(ROLES))}")
        profile = self._store.journal.get("profiles", user) or {}
        self._store.journal.put("profiles", user, {**profile, "role": body["role"]})
        return WireAnswer(204)

    def _put_secured(self, request: ControlRequest) -> WireAnswer:
        """``{"table", "column", "secured"?: true, "allow"?: {user: ["read", "update", "create"]}}``."""
        body = json_object(request)
        table = _table(body.get("table"))
        column = _columns(table, [body.get("column")])[0]
        allow = body.get("allow", {})
        if not isinstance(allow, dict):
            raise BadRequest("allow must be an object of users and what they may do")
        if body.get("secured", True):
            permissions = {self._user(user): _permission(names) for user, names in allow.items()}
            self._api.security.fields.secure(table, column, permissions)
        else:
            self._api.security.fields.release(table, column)
        return WireAnswer(204)

    def _put_rule(self, request: ControlRequest) -> WireAnswer:
        """``{"table", "columns"}``: rows alike in all these columns are duplicates; ``[]`` ends the rule."""
        body = json_object(request)
        table = _table(body.get("table"))
        columns = body.get("columns")
        if not isinstance(columns, list):
            raise BadRequest("columns must be a list of names")
        self._api.duplicates.publish(table, _columns(table, columns))
        return WireAnswer(204)

    def _user(self, value: Any) -> str:
        user = str(value or "").lower()
        if self._store.get("systemuser", user) is None:
            raise BadRequest(f"there is no user {user}")
        return user


def _table(name: Any) -> Table:
    table = TABLES.get(str(name))
    if table is None:
        raise BadRequest(f"there is no table {name}")
    return table


def _columns(table: Table, names: list[Any]) -> list[str]:
    for name in names:
        if name not in table.by_name:
            raise BadRequest(f"{table.name} has no column {name}")
    return [str(name) for name in names]


def _permission(names: Any) -> Permission:
    if not isinstance(names, list) or not PERMISSIONS.issuperset(names):
        raise BadRequest(f"a permission is a list of {', '.join(sorted(PERMISSIONS))}")
    return Permission(**dict.fromkeys(names, True))
