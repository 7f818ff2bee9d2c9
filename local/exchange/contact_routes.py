"""``/contacts`` of the default folder and of each contact folder: lists, single contacts and their delta."""

from __future__ import annotations

from typing import Any

from local.exchange import extended_properties
from local.exchange.access import mailbox_of
from local.exchange.call import Answer, Call
from local.exchange.contact_folders import ContactFolders
from local.exchange.contact_input import DEFAULTS, parse, settled
from local.exchange.contact_view import shown
from local.exchange.directory import Directory
from local.exchange.errors import item_not_found
from local.exchange.item_delta import Feed, ItemDelta
from local.exchange.item_lists import item_answer, list_answer, refuse_stale
from local.exchange.item_store import ItemStore
from local.exchange.odata import ITEM_OPTIONS, Options, parse_options
from local.exchange.preferences import Preferences
from local.exchange.routing import Router

Json = dict[str, Any]

_DELTA_OPTIONS = frozenset({"$select"})
_FOLDERS = ("contactFolders/{folder}", "contactFolders/{folder}/childFolders/{child}")


class ContactRoutes:
    """A contact is found below its folder, or by its id alone below ``/contacts``."""

    def __init__(
        self, directory: Directory, folders: ContactFolders, contacts: ItemStore, delta: ItemDelta
    ) -> None:
        self._directory = directory
        self._folders = folders
        self._contacts = contacts
        self._delta = delta

    def add_to(self, router: Router) -> None:
        for folder in ("", *(f"/{path}" for path in _FOLDERS)):
            collection = f"users/{{user}}{folder}/contacts"
            router.add("GET", collection, self.list_contacts)
            router.add("POST", collection, self.create)
            router.add("GET", f"{collection}/delta", self.delta)
            for method, handler in (("GET", self.get), ("PATCH", self.patch), ("DELETE", self.delete)):
                router.add(method, f"{collection}/{{contact}}", handler)

    # --- finding --------------------------------------------------------------------------------

    def _folder(self, call: Call, user: Json) -> Json:
        name = call.params.get("child") or call.params.get("folder")
        return self._folders.get(user, name) if name else self._folders.default(user)

    def _contact(self, call: Call) -> tuple[Json, Json]:
        user = mailbox_of(call, self._directory)
        contact = self._contacts.get(user["id"], call.params["contact"])
        if "folder" in call.params and contact["place"] != self._folder(call, user)["id"]:
            raise item_not_found()
        return user, contact

    def _show(self, contact: Json, preferences: Preferences) -> Json:
        return shown(contact, self._contacts.shown_id(contact, preferences))

    # --- handlers -------------------------------------------------------------------------------

    def list_contacts(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        options = parse_options(call, type_name="contact")
        contacts = self._contacts.in_place(self._folder(call, user)["id"])
        return list_answer(call, contacts, options, self._show, _context(user))

    def get(self, call: Call) -> Answer:
        user, contact = self._contact(call)
        options = parse_options(call, ITEM_OPTIONS, "contact")
        return item_answer(call, contact, options, self._show, _context(user))

    def create(self, call: Call) -> Answer:
        user = mailbox_of(call, self._directory)
        folder = self._folder(call, user)
        sent = parse(call.body())
        stamps = extended_properties.parse(sent.pop("singleValueExtendedProperties", None) or [])
        contact = self._contacts.add(
            user["id"],
            folder["id"],
            props=settled(DEFAULTS, sent),
            extended=extended_properties.merged({}, stamps),
        )
        answer = item_answer(call, contact, Options(), self._show, _context(user), 201)
        answer.headers["Location"] = f"{call.root}/users/{user['id']}/contacts/{answer.body['id']}"
        return answer

    def patch(self, call: Call) -> Answer:
        user, contact = self._contact(call)
        refuse_stale(call, contact)
        sent = parse(call.body())
        stamps = extended_properties.parse(sent.pop("singleValueExtendedProperties", None) or [])
        if sent or stamps:
            extended = extended_properties.merged(contact["extended"], stamps)
            props = settled(contact["props"], sent)
            contact = self._contacts.change(contact, props=props, extended=extended)
        return item_answer(call, contact, Options(), self._show, _context(user))

    def delete(self, call: Call) -> Answer:
        _, contact = self._contact(call)
        refuse_stale(call, contact)
        self._contacts.remove(contact)
        return Answer(204)

    def delta(self, call: Call) -> Answer:
        """Extended properties cannot be asked for here, as in the delta of events."""
        user = mailbox_of(call, self._directory)
        preferences = call.preferences

        def show(contact: Json, _expand: str) -> Json:
            return self._show(contact, preferences)

        place = self._folder(call, user)["id"]
        return self._delta.page(call, Feed(self._contacts, place, "contact", _DELTA_OPTIONS, show))


def _context(user: Json) -> str:
    return f"users('{user['id']}')/contacts"
