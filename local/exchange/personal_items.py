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

Json = dict[str, Any]

_COPIED = ("props", "extended")


class PersonalItems:
    """What a mailbox holds besides its calendars."""

    def __init__(self, parts: Parts) -> None:
        self.folders = ContactFolders(parts)
        self.contacts = ItemStore(parts, "contacts", immutable=True)

    def equip(self, user: Json) -> None:
        self.folders.equip(user)

    def add_to(self, router: Router, directory: Directory, tokens: DeltaTokens) -> None:
        delta = ItemDelta(tokens)
        ContactRoutes(directory, self.folders, self.contacts, delta).add_to(router)
        ContactFolderRoutes(directory, self.folders, self.contacts, delta).add_to(router)

    def copy(self, user: Json, kind: str, identifier: str) -> str:
        """Outlook's copy of an item: new, in the same place, with the same content, categories and stamps."""
        store = self._stores[kind]
        item = store.get(user["id"], identifier)
        facts = {name: item[name] for name in _COPIED if name in item}
        return self._shown_id(store, store.add(user["id"], item["place"], **facts))

    def move(self, user: Json, kind: str, identifier: str, target: str) -> str:
        """What dragging an item to another folder or list does in Outlook; Graph has no request for it."""
        store = self._stores[kind]
        item = store.get(user["id"], identifier)
        place = self.folders.get(user, target)
        return self._shown_id(store, store.move(item, place["id"]))

    @property
    def _stores(self) -> dict[str, ItemStore]:
        return {"contact": self.contacts}

    @staticmethod
    def _shown_id(store: ItemStore, item: Json) -> str:
        return store.shown_id(item, Preferences(immutable_ids=True))
