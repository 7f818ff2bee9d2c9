"""The contacts of one mailbox of Exchange Online, as the engine uses them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.engine.ports import ChangedItem, ItemPage
from shared.errors import Refused, UnknownResult
from shared.exchange import contact_items, stamps
from shared.exchange.channel import Channel
from shared.exchange.client import Json, Reply, Request
from shared.exchange.contact_feed import ContactFeed
from shared.exchange.contact_folders import DEFAULT, ContactFolders
from shared.exchange.errors import UNREADABLE
from shared.exchange.newest import NEWEST, newest
from shared.model.personal import (
    CreateItem,
    DeleteItem,
    ExchangeItem,
    MarkItem,
    Place,
    PlacedId,
    UpdateItem,
)
from shared.rules.tracking import TRACKED_CATEGORY

LIST_SIZE = 100


class GraphContacts:
    """Implements the engine's ``PersonalItems``. ``user`` builds the requests of the mailbox. A contact is
    found by its id in whatever folder it is."""

    def __init__(self, channel: Channel, user: Callable[[], Any]) -> None:
        self._channel = channel
        self._client = channel.client
        self._user = user
        self._folders = ContactFolders(channel, user)
        self._feed = ContactFeed(channel, self._folders, self.items)

    async def places(self) -> Sequence[Place]:
        return await self._folders.read()

    async def changes(self, links: Mapping[str, str | None]) -> Mapping[str, ItemPage]:
        return await self._feed.changes(links)

    async def newest(self, since: datetime) -> Sequence[ChangedItem]:
        found = []
        for place in await self._folders.known():
            request = self._client.get("newest_contacts", self._folders.contacts(place.id), **NEWEST)
            found += await newest(self._channel, request, since, place.id)
        return found

    # --- reading ----------------------------------------------------------------------------------

    async def items(self, ids: Sequence[PlacedId]) -> Mapping[str, ExchangeItem | None]:
        """None also for one that is in no contact folder any more."""
        requests = {
            placed.id: self._client.get(
                "contact",
                self._contact(placed.id),
                select=list(contact_items.FIELDS),
                expand=[contact_items.EXPAND],
            )
            for placed in ids
        }
        bodies = await self._channel.read_each(requests) if requests else {}
        await self._folders.cover({_folder(body) for body in bodies.values() if body is not None})
        return {contact_id: self._placed(body) if body else None for contact_id, body in bodies.items()}

    async def tracked(self, place: str, link: str) -> ItemPage:
        kind, client = "tracked_contacts", self._client
        request = client.follow(kind, link) if link else self._marked(kind, place)
        body = (await self._channel.send(request)).body
        items: list[ExchangeItem] = []
        broken: dict[str, str] = {}
        for number, row in enumerate(body.get("value") or ()):
            try:
                items.append(contact_items.decode(row, place, whole=True))
            except contact_items.UnreadableContact as error:
                broken[str(row.get("id") or f"row {number}")] = str(error)
        following = body.get("@odata.nextLink")
        onward = client.checked_link(following) if following else ""
        return ItemPage(tuple(items), (), onward, not following, broken=broken)

    def _marked(self, kind: str, place: str) -> Request:
        return self._client.get(
            kind,
            self._folders.contacts(place),
            filter=stamps.marked(TRACKED_CATEGORY),
            select=list(contact_items.FIELDS),
            expand=[contact_items.EXPAND],
            top=LIST_SIZE,
        )

    def _placed(self, body: Json) -> ExchangeItem | None:
        place = self._folders.place_of(_folder(body))
        return _read(body, place, whole=True) if place else None

    async def find_by_crm_id(self, dynamics_id: str) -> Sequence[ExchangeItem]:
        wanted = {"expand": [contact_items.EXPAND]}
        found = await self._found("find_contact", [stamps.names_row(dynamics_id)], **wanted)
        return [_read(row, place, whole=True) for place, row in found]

    async def find_by_crm_ids(self, dynamics_ids: Collection[str]) -> Mapping[str, Sequence[ExchangeItem]]:
        return {row_id: await self.find_by_crm_id(row_id) for row_id in dynamics_ids}

    async def search(self, emails: Sequence[str], name: str) -> Sequence[ExchangeItem]:
        addresses = {email.strip().lower(): None for email in emails if email.strip()}
        conditions = [f"emailAddresses/any(a:a/address eq {_quoted(address)})" for address in addresses]
        if name.strip():
            conditions.append(f"displayName eq {_quoted(name.strip())}")
        found = await self._found("search_contacts", conditions)
        return [_read(row, place, whole=False) for place, row in found]

    async def _found(self, kind: str, conditions: Sequence[str], **query: Any) -> list[tuple[str, Json]]:
        """In every folder of the mailbox: ``/users/{id}/contacts`` lists the default one only. Each contact
        once, with its place."""
        if not conditions:
            return []
        asked = [(place.id, condition) for place in await self._folders.known() for condition in conditions]
        requests = {
            str(number): self._client.get(
                kind,
                self._folders.contacts(place),
                filter=condition,
                select=list(contact_items.FIELDS),
                top=LIST_SIZE,
                **query,
            )
            for number, (place, condition) in enumerate(asked)
        }
        found: dict[str, tuple[str, Json]] = {}
        for number, body in (await self._channel.read_each(requests)).items():
            place, _ = asked[int(number)]
            async for row in self._channel.listed(kind, body or {}):
                found.setdefault(str(row.get("id")), (place, row))
        return list(found.values())

    # --- writing ----------------------------------------------------------------------------------

    async def create(self, write: CreateItem) -> ExchangeItem:
        place = write.place or DEFAULT
        body = contact_items.creation(write)
        reply = await self._send("create_contact", "POST", self._folders.contacts(place), body)
        return _written(lambda: contact_items.created(write, reply.body, place))

    async def update(self, write: UpdateItem) -> ExchangeItem:
        reply = await self._patch("update_contact", write.item, contact_items.update(write))
        return _written(lambda: contact_items.updated(write, reply.body))

    async def mark(self, write: MarkItem) -> ExchangeItem:
        reply = await self._patch("mark_contact", write.item, contact_items.mark(write))
        return _written(lambda: contact_items.marked(write, reply.body))

    async def delete(self, write: DeleteItem) -> None:
        request = self._client.delete("delete_contact", self._contact(write.item.id), write.item.etag)
        await self._channel.send(request)

    async def _patch(self, kind: str, item: ExchangeItem, body: Json) -> Reply:
        return await self._send(kind, "PATCH", self._contact(item.id), body, item.etag)

    async def _send(self, kind: str, method: str, builder: Any, body: Json, etag: str | None = None) -> Reply:
        return await self._channel.send(self._client.write(kind, method, builder, body, etag))

    def _contact(self, contact_id: str) -> Any:
        return self._user().contacts.by_contact_id(contact_id)


def _folder(body: Json) -> str:
    return str(body.get("parentFolderId") or "")


def _quoted(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))


def _read(row: Json, place: str, *, whole: bool) -> ExchangeItem:
    """A contact that cannot be read must not look like one that is gone."""
    try:
        return contact_items.decode(row, place, whole=whole)
    except contact_items.UnreadableContact as error:
        raise Refused(f"a contact cannot be read: {error}", code=UNREADABLE) from error


def _written(decode: Callable[[], ExchangeItem]) -> ExchangeItem:
    """The write was done, but what Graph has stored is not known."""
    try:
        return decode()
    except contact_items.UnreadableContact as error:
        raise UnknownResult(f"the answer to a write cannot be read: {error}", code=UNREADABLE) from error
