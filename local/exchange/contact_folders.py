"""The contact folders of each mailbox: the default one, and those below it that its owner made."""

from __future__ import annotations

from typing import Any

from local.exchange.errors import GraphError, bad_request
from local.exchange.item_store import ItemStore, Parts
from local.exchange.validation import checked

Json = dict[str, Any]

WELL_KNOWN = "contacts"
_READ_ONLY = frozenset({"id", "parentFolderId"})


class ContactFolders:
    """``store`` holds them by mailbox; a folder's ``parent`` is another folder, or the mailbox's root."""

    def __init__(self, parts: Parts) -> None:
        self.store = ItemStore(parts, "contactFolders", immutable=False)
        self._identifiers = parts.identifiers

    def equip(self, user: Json) -> None:
        """The folder a mailbox has from the start."""
        if not self.store.in_place(user["id"]):
            root = self._identifiers.folder()
            self.store.add_folder(user["id"], name="Contacts", parent=root, default=True)

    def default(self, user: Json) -> Json:
        return next(folder for folder in self.store.in_place(user["id"]) if folder["default"])

    def get(self, user: Json, identifier: str) -> Json:
        """By id, or the default one by its well-known name."""
        if identifier.lower() == WELL_KNOWN:
            return self.default(user)
        return self.store.get(user["id"], identifier)

    def below(self, user: Json, parent: Json) -> list[Json]:
        """The folders directly in another."""
        return [row for row in self.store.in_place(user["id"]) if row["parent"] == parent["id"]]

    def create(self, user: Json, parent: Json, body: Json) -> Json:
        sent = checked("contactFolder", body, ignored=_READ_ONLY)
        name = self._free_name(user, parent["id"], sent.get("displayName"))
        return self.store.add_folder(user["id"], name=name, parent=parent["id"], default=False)

    def rename(self, user: Json, folder: Json, body: Json) -> Json:
        sent = checked("contactFolder", body, ignored=_READ_ONLY)
        if "displayName" not in sent or sent["displayName"] == folder["name"]:
            return folder
        _refuse_distinguished(folder)
        name = sent["displayName"]
        if (name or "").lower() != folder["name"].lower():
            name = self._free_name(user, folder["parent"], name)
        return self.store.change(folder, name=name)

    def delete(self, user: Json, folder: Json) -> list[Json]:
        """The folder and everything below it; says which folders are gone."""
        _refuse_distinguished(folder)
        gone = [row for child in self.below(user, folder) for row in self.delete(user, child)]
        self.store.remove(folder)
        return [*gone, folder]

    def _free_name(self, user: Json, parent_id: str, name: str | None) -> str:
        name = (name or "").strip()
        if not name:
            raise bad_request("The folder name is missing.", "ErrorInvalidRequest")
        siblings = [row for row in self.store.in_place(user["id"]) if row["parent"] == parent_id]
        if any(row["name"].lower() == name.lower() for row in siblings):
            raise GraphError(409, "ErrorFolderExists", "A folder with the specified name already exists.")
        return name


def _refuse_distinguished(folder: Json) -> None:
    if folder["default"]:
        raise GraphError(
            400, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be renamed or deleted."
        )
