"""``calendarPermissions``: with whom the default calendar is shared; who may write in it is a delegate."""

from __future__ import annotations

from typing import Any

from local.exchange.access import mailbox_of
from local.exchange.call import Answer, Call
from local.exchange.directory import Directory
from local.exchange.errors import bad_request, item_not_found
from local.exchange.event_routes import EventRoutes
from local.exchange.identifiers import Identifiers
from local.exchange.routing import Router
from local.exchange.validation import checked
from local.journaled import JournaledTables

Json = dict[str, Any]

_ROLES = ["freeBusyRead", "limitedRead", "read", "write"]
_DELEGATES = ("write", "delegateWithoutPrivateEventAccess", "delegateWithPrivateEventAccess")
_READ_ONLY = frozenset({"id", "allowedRoles"})


class PermissionRoutes:
    """Rows of the table ``permissions``, one list per calendar."""

    def __init__(
        self,
        tables: JournaledTables,
        directory: Directory,
        event_routes: EventRoutes,
        identifiers: Identifiers,
    ) -> None:
        self._tables = tables
        self._directory = directory
        self._one = event_routes
        self._identifiers = identifiers

    def add_to(self, router: Router) -> None:
        path = "users/{user}/calendar/calendarPermissions"
        router.add("GET", path, self.list_all)
        router.add("POST", path, self.create)
        router.add("DELETE", f"{path}/{{permission}}", self.delete)

    def _rows(self, calendar: Json) -> list[Json]:
        rows: list[Json] = self._tables.get("permissions", calendar["id"]) or []
        return rows

    def list_all(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        context = f"{call.root}/$metadata#users('{user['id']}')/calendar/calendarPermissions"
        return Answer(200, {"@odata.context": context, "value": self._rows(self._one.calendar(call, user))})

    def create(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        calendar = self._one.calendar(call, user)
        sent = checked("calendarPermission", call.body(), ignored=_READ_ONLY)
        person = self._directory.by_address((sent.get("emailAddress") or {}).get("address") or "")
        if person is None or not sent.get("role"):
            raise bad_request(
                "A permission needs a person of the organization and a role.", "ErrorInvalidRequest"
            )
        row = {
            "id": self._identifiers.folder(),
            "role": sent["role"],
            "allowedRoles": _ROLES,
            "isInsideOrganization": True,
            "isRemovable": True,
            "emailAddress": self._directory.address_of(person),
        }
        self._put(user, calendar, [*self._rows(calendar), row])
        context = f"{call.root}/$metadata#users('{user['id']}')/calendar/calendarPermissions/$entity"
        return Answer(201, {"@odata.context": context, **row})

    def delete(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        calendar = self._one.calendar(call, user)
        rows = self._rows(calendar)
        left = [row for row in rows if row["id"] != call.params["permission"]]
        if len(left) == len(rows):
            raise item_not_found()
        self._put(user, calendar, left)
        return Answer(204)

    def _put(self, user: Json, calendar: Json, rows: list[Json]) -> None:
        self._tables.put("permissions", calendar["id"], rows)
        addresses = [row["emailAddress"]["address"] for row in rows if row["role"] in _DELEGATES]
        people = [self._directory.by_address(address) for address in addresses]
        self._directory.put({**user, "delegates": [person["id"] for person in people if person]})
