"""``/_control``: roles of users, secured columns, rules that detect duplicates."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from local.control import bad_request, json_object
from local.dataverse.field_security import Permission
from local.dataverse.schema import Table
from local.dataverse.security import ROLES
from local.dataverse.store import Store
from local.dataverse.tables import TABLES
from local.dataverse.web_api import WebApi

PERMISSIONS = frozenset({"read", "create", "update"})


class ControlSecurity:
    def __init__(self, store: Store, api: WebApi) -> None:
        self._store = store
        self._api = api

    def add_to(self, app: web.Application) -> None:
        app.router.add_put("/_control/roles", self._put_role)
        app.router.add_put("/_control/secured-columns", self._put_secured)
        app.router.add_put("/_control/duplicate-rules", self._put_rule)

    async def _put_role(self, request: web.Request) -> web.Response:
        """``{"user", "role"}``: what a user may do from now on; no row changes by that."""
        body = await json_object(request)
        user = self._user(body.get("user"))
        if body.get("role") not in ROLES:
            raise bad_request(f"role must be one of {', '.join(sorted(ROLES))}")
        profile = self._store.journal.get("profiles", user) or {}
        self._store.journal.put("profiles", user, {**profile, "role": body["role"]})
        return web.Response(status=204)

    async def _put_secured(self, request: web.Request) -> web.Response:
        """``{"table", "column", "secured"?: true, "allow"?: {user: ["read", "update", "create"]}}``."""
        body = await json_object(request)
        table = _table(body.get("table"))
        column = _columns(table, [body.get("column")])[0]
        allow = body.get("allow", {})
        if not isinstance(allow, dict):
            raise bad_request("allow must be an object of users and what they may do")
        if body.get("secured", True):
            permissions = {self._user(user): _permission(names) for user, names in allow.items()}
            self._api.security.fields.secure(table, column, permissions)
        else:
            self._api.security.fields.release(table, column)
        return web.Response(status=204)

    async def _put_rule(self, request: web.Request) -> web.Response:
        """``{"table", "columns"}``: rows alike in all these columns are duplicates; ``[]`` ends the rule."""
        body = await json_object(request)
        table = _table(body.get("table"))
        columns = body.get("columns")
        if not isinstance(columns, list):
            raise bad_request("columns must be a list of names")
        self._api.duplicates.publish(table, _columns(table, columns))
        return web.Response(status=204)

    def _user(self, value: Any) -> str:
        user = str(value or "").lower()
        if self._store.get("systemuser", user) is None:
            raise bad_request(f"there is no user {user}")
        return user


def _table(name: Any) -> Table:
    table = TABLES.get(str(name))
    if table is None:
        raise bad_request(f"there is no table {name}")
    return table


def _columns(table: Table, names: list[Any]) -> list[str]:
    for name in names:
        if name not in table.by_name:
            raise bad_request(f"{table.name} has no column {name}")
    return [str(name) for name in names]


def _permission(names: Any) -> Permission:
    if not isinstance(names, list) or not PERMISSIONS.issuperset(names):
        raise bad_request(f"a permission is a list of {', '.join(sorted(PERMISSIONS))}")
    return Permission(**dict.fromkeys(names, True))
