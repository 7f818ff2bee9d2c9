"""The task lists of each mailbox: the default one, that of flagged messages, and those its owner made."""

from __future__ import annotations

from typing import Any

from local.exchange.errors import invalid_todo
from local.exchange.event_view import etag
from local.exchange.item_store import ItemStore, Parts
from local.exchange.validation import checked

Json = dict[str, Any]

FLAGGED = "flaggedEmails"
_READ_ONLY = frozenset({"id", "isOwner", "isShared", "wellknownListName"})


class TodoLists:
    """``store`` holds them by mailbox. Two lists may have the same name."""

    def __init__(self, parts: Parts) -> None:
        self.store = ItemStore(parts, "todoLists", immutable=False)

    def equip(self, user: Json) -> None:
        """The lists a mailbox has from the start."""
        if not self.of(user):
            self.store.add_folder(user["id"], name="Tasks", wellKnown="defaultList")
            self.store.add_folder(user["id"], name="Flagged Emails", wellKnown=FLAGGED)

    def of(self, user: Json) -> list[Json]:
        return self.store.in_place(user["id"])

    def get(self, user: Json, identifier: str) -> Json:
        return self.store.get(user["id"], identifier)

    def create(self, user: Json, body: Json) -> Json:
        return self.store.add_folder(user["id"], name=_name(body), wellKnown="none")

    def rename(self, row: Json, body: Json) -> Json:
        _refuse_well_known(row)
        return self.store.change(row, name=_name(body))

    def delete(self, row: Json) -> None:
        _refuse_well_known(row)
        self.store.remove(row)


def shown(row: Json) -> Json:
    """A list as Graph answers it."""
    return {
        "@odata.etag": etag(row),
        "id": row["id"],
        "displayName": row["name"],
        "isOwner": True,
        "isShared": False,
        "wellknownListName": row["wellKnown"],
    }


def _name(body: Json) -> str:
    name = (checked("todoTaskList", body, ignored=_READ_ONLY).get("displayName") or "").strip()
    if not name:
        raise invalid_todo("a task list needs a displayName.")
    return name


def _refuse_well_known(row: Json) -> None:
    if row["wellKnown"] != "none":
        raise invalid_todo("a built-in list cannot be renamed or deleted.")
