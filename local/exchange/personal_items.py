"""Contacts and To Do of every mailbox: their stores, their routes, and what Outlook does by hand."""

from __future__ import annotations

from typing import Any

from local.exchange.contact_folder_routes import ContactFolderRoutes
from local.exchange.contact_folders import ContactFolders
from local.exchange.contact_routes import ContactRoutes
from local.exchange.delta import DeltaTokens
from local.exchange.directory import Directory
from local.exchange.item_delta import ItemDelta
from local.exchange.item_store import ItemStore, Parts
from local.exchange.preferences import Preferences
from local.exchange.routing import Router
from local.exchange.todo_child_routes import TodoChildRoutes
from local.exchange.todo_lists import TodoLists
from local.exchange.todo_routes import TodoListRoutes
from local.exchange.todo_task_routes import TodoTaskRoutes
from local.exchange.todo_tasks import TodoTasks

Json = dict[str, Any]

DELETED_ITEMS = "deleteditems"


class PersonalItems:
    """What a mailbox holds besides its calendars."""

    def __init__(self, parts: Parts) -> None:
        self._identifiers = parts.identifiers
        self.folders = ContactFolders(parts)
        self.contacts = ItemStore(parts, "contacts", immutable=True)
        self.lists = TodoLists(parts)
        self.tasks = TodoTasks(parts)

    def equip(self, user: Json) -> None:
        self.folders.equip(user)
        self.lists.equip(user)

    def add_to(self, router: Router, directory: Directory, tokens: DeltaTokens) -> None:
        delta = ItemDelta(tokens)
        ContactRoutes(directory, self.folders, self.contacts, delta).add_to(router)
        ContactFolderRoutes(directory, self.folders, self.contacts, delta).add_to(router)
        TodoListRoutes(directory, self.lists, self.tasks.store, delta).add_to(router)
        one = TodoTaskRoutes(directory, self.lists, self.tasks, delta)
        one.add_to(router)
        TodoChildRoutes(self.tasks, one).add_to(router)

    def copy(self, user: Json, kind: str, identifier: str) -> str:
        """Outlook's copy of an item: new, in the same place, with the same content, categories and stamps."""
        store = self._store(kind)
        item = store.get(user["id"], identifier)
        facts = {"props": item["props"]}
        if kind == "contact":
            facts["extended"] = item["extended"]
        else:
            facts |= {"bodyModified": item["bodyModified"], **self.tasks.children.copied(item)}
        return _id(store, store.add(user["id"], item["place"], **facts))

    def move(self, user: Json, kind: str, identifier: str, target: str) -> str:
        """What dragging an item to another folder or list does in Outlook; Graph has no request for it."""
        store = self._store(kind)
        item = store.get(user["id"], identifier)
        return _id(store, store.move(item, self._place(user, kind, target)))

    def _place(self, user: Json, kind: str, target: str) -> str:
        """A contact in Deleted Items is in no contact folder, and is still read by its id."""
        if kind == "contact" and target == DELETED_ITEMS:
            return self._identifiers.folder()
        place = self.folders.get(user, target) if kind == "contact" else self.lists.get(user, target)
        return str(place["id"])

    def _store(self, kind: str) -> ItemStore:
        return self.contacts if kind == "contact" else self.tasks.store


def _id(store: ItemStore, item: Json) -> str:
    """The immutable one, of items that have one."""
    return store.shown_id(item, Preferences(immutable_ids=True))
