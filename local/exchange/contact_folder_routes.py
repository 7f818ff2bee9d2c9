"""``/contactFolders`` and their ``childFolders``: read, create, rename, delete, and their delta."""

from __future__ import annotations

from typing import Any

from local.exchange.access import mailbox_of
from local.exchange.call import Answer, Call
from local.exchange.contact_folders import ContactFolders
from local.exchange.contact_view import folder_shown
from local.exchange.directory import Directory
from local.exchange.errors import item_not_found
from local.exchange.item_delta import Feed, ItemDelta
from local.exchange.item_lists import item_answer, list_answer
from local.exchange.item_store import ItemStore
from local.exchange.odata import Options, parse_options
from local.exchange.preferences import Preferences
from local.exchange.routing import Router

Json = dict[str, Any]

_LIST = frozenset({"$select", "$top", "$skip", "$count", "$filter", "$orderby"})
_SELECT = frozenset({"$select"})


class ContactFolderRoutes:
    """The default folder is not in the list; it answers to its id and to the name ``contacts``."""

    def __init__(
        self, directory: Directory, folders: ContactFolders, contacts: ItemStore, delta: ItemDelta
    ) -> None:
        self._directory = directory
        self._folders = folders
        self._contacts = contacts
        self._delta = delta

    def add_to(self, router: Router) -> None:
        top = "users/{user}/contactFolders"
        router.add("GET", f"{top}/delta", self.delta)
        for collection in (top, f"{top}/{{folder}}/childFolders"):
            router.add("GET", collection, self.list_folders)
            router.add("POST", collection, self.create)
        for path in (f"{top}/{{folder}}", f"{top}/{{folder}}/childFolders/{{child}}"):
            router.add("GET", path, self.get)
            router.add("PATCH", path, self.patch)
            router.add("DELETE", path, self.delete)

    def _parent(self, call: Call, user: Json) -> Json:
        """Whose children a collection holds."""
        name = call.params.get("folder")
        return self._folders.get(user, name) if name else self._folders.default(user)

    def _folder(self, call: Call) -> tuple[Json, Json]:
        user = mailbox_of(call, self._directory)
        parent = self._parent(call, user)
        if "child" not in call.params:
            return user, parent
        child = self._folders.get(user, call.params["child"])
        if child["parent"] != parent["id"]:
            raise item_not_found()
        return user, child

    # --- handlers -------------------------------------------------------------------------------

    def list_folders(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        options = parse_options(call, _LIST, "contactFolder")
        rows = self._folders.below(user, self._parent(call, user))
        return list_answer(call, rows, options, _show, _context(user))

    def get(self, call: Call) -> Answer:
        user, folder = self._folder(call)
        options = parse_options(call, _SELECT, "contactFolder")
        return item_answer(call, folder, options, _show, _context(user))

    def create(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        folder = self._folders.create(user, self._parent(call, user), call.body())
        return item_answer(call, folder, Options(), _show, _context(user), 201)

    def patch(self, call: Call) -> Answer:
        user, folder = self._folder(call)
        renamed = self._folders.rename(user, folder, call.body())
        return item_answer(call, renamed, Options(), _show, _context(user))

    def delete(self, call: Call) -> Answer:
        """What was in it goes with it."""
        user, folder = self._folder(call)
        for gone in self._folders.delete(user, folder):
            for contact in self._contacts.in_place(gone["id"]):
                self._contacts.remove(contact)
        return Answer(204)

    def delta(self, call: Call) -> Answer:
        """All folders of the mailbox, however deep; the default one is never told."""
        user = mailbox_of(call, self._directory)
        feed = Feed(self._folders.store, user["id"], "contactFolder", _SELECT, _told)
        return self._delta.page(call, feed)


def _show(folder: Json, _preferences: Preferences) -> Json:
    return folder_shown(folder)


def _told(folder: Json, _expand: str) -> Json | None:
    return None if folder["default"] else folder_shown(folder)


def _context(user: Json) -> str:
    return f"users('{user['id']}')/contactFolders"
