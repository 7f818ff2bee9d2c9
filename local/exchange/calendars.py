"""The calendars of each mailbox: the default one, those its owner made, and Birthdays, which nobody edits."""

from __future__ import annotations

from typing import Any

from local.exchange.errors import GraphError, access_denied, bad_request, item_not_found
from local.exchange.identifiers import Identifiers
from local.exchange.schema import TYPES
from local.exchange.validation import checked
from local.journaled import JournaledTables

Json = dict[str, Any]

_READ_ONLY = frozenset(TYPES["calendar"]) - {"name", "color"}


class Calendars:
    """Rows of the table ``calendars``; ``user`` says whose."""

    def __init__(self, tables: JournaledTables, identifiers: Identifiers) -> None:
        self._tables = tables
        self._identifiers = identifiers
        self._by_user: dict[str, list[str]] = {}
        for calendar in tables.table("calendars").values():
            self._by_user.setdefault(calendar["user"], []).append(calendar["id"])

    def equip(self, user: Json) -> None:
        """The calendars a new mailbox has."""
        self._add(user, "Calendar", default=True)
        self._add(user, "Birthdays", editable=False)

    def _add(
        self, user: Json, name: str, *, default: bool = False, editable: bool = True, color: str = "auto"
    ) -> Json:
        calendar = {
            "id": self._identifiers.folder(),
            "user": user["id"],
            "name": name,
            "color": color,
            "isDefaultCalendar": default,
            "canEdit": editable,
            "changeKey": self._identifiers.change_key(),
            "owner": {"name": user["displayName"], "address": user["mail"]},
        }
        self._tables.put("calendars", calendar["id"], calendar)
        self._by_user.setdefault(user["id"], []).append(calendar["id"])
        return calendar

    def of(self, user: Json) -> list[Json]:
        return [self._tables.table("calendars")[key] for key in self._by_user.get(user["id"], [])]

    def default(self, user: Json) -> Json:
        return next(calendar for calendar in self.of(user) if calendar["isDefaultCalendar"])

    def get(self, user: Json, identifier: str) -> Json:
        calendar: Json | None = self._tables.get("calendars", identifier)
        if calendar is None or calendar["user"] != user["id"]:
            raise item_not_found()
        return calendar

    def create(self, user: Json, body: Json) -> Json:
        sent = checked("calendar", body, ignored=_READ_ONLY)
        name = (sent.get("name") or "").strip()
        if not name:
            raise bad_request("The folder name is missing.", "ErrorInvalidRequest")
        self._refuse_taken(user, name)
        return self._add(user, name, color=sent.get("color") or "auto")

    def rename(self, user: Json, calendar: Json, body: Json) -> Json:
        sent = checked("calendar", body, ignored=_READ_ONLY)
        if not calendar["canEdit"]:
            raise access_denied()
        if sent.get("name") and sent["name"].lower() != calendar["name"].lower():
            self._refuse_taken(user, sent["name"])
        changes = {name: value for name, value in sent.items() if value}
        changed = {**calendar, **changes, "changeKey": self._identifiers.change_key()}
        self._tables.put("calendars", calendar["id"], changed)
        return changed

    def delete(self, user: Json, calendar: Json) -> None:
        if calendar["isDefaultCalendar"] or not calendar["canEdit"]:
            raise GraphError(
                400, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted."
            )
        self._tables.delete("calendars", calendar["id"])
        self._by_user[user["id"]].remove(calendar["id"])

    def _refuse_taken(self, user: Json, name: str) -> None:
        if any(calendar["name"].lower() == name.lower() for calendar in self.of(user)):
            raise GraphError(409, "ErrorFolderExists", "A folder with the specified name already exists.")


def shown(calendar: Json) -> Json:
    """A calendar as Graph answers it."""
    default, editable = calendar["isDefaultCalendar"], calendar["canEdit"]
    return {
        "id": calendar["id"],
        "name": calendar["name"],
        "color": calendar["color"],
        "hexColor": "",
        "isDefaultCalendar": default,
        "changeKey": calendar["changeKey"],
        "canShare": editable,
        "canViewPrivateItems": True,
        "canEdit": editable,
        "allowedOnlineMeetingProviders": ["teamsForBusiness"],
        "defaultOnlineMeetingProvider": "teamsForBusiness",
        "isTallyingResponses": default,
        "isRemovable": editable and not default,
        "owner": calendar["owner"],
    }
