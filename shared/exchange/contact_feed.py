"""The feeds of the contact folders: a page of ``contacts/delta`` of each, several in one ``$batch``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from shared.engine.ports import ItemPage
from shared.errors import CursorExpired, NotFound, Refused, SyncError
from shared.exchange import contact_items
from shared.exchange.channel import Channel
from shared.exchange.client import Json, Request
from shared.exchange.contact_folders import ContactFolders
from shared.model.personal import ExchangeItem, PlacedId

PAGE_SIZE = 100
KIND = "contact_delta"

Read = Callable[[Sequence[PlacedId]], Awaitable[Mapping[str, ExchangeItem | None]]]


class ContactFeed:
    """``read`` reads contacts by id. Nothing is selected: Graph does not say whether a feed that selects
    tells changes of the rest, and it does say that extended properties cannot be asked for."""

    def __init__(self, channel: Channel, folders: ContactFolders, read: Read) -> None:
        self._channel = channel
        self._client = channel.client
        self._folders = folders
        self._read = read

    async def changes(self, links: Mapping[str, str | None]) -> dict[str, ItemPage]:
        """What ends the feed of one place ends no other's."""
        requests: dict[str, Request] = {}
        answers: dict[str, Json | SyncError] = {}
        for place, link in links.items():
            try:
                requests[place] = self._request(place, link)
            except CursorExpired as error:
                answers[place] = error
        if requests:
            answers |= await self._channel.answer_each(requests)
        return {place: await self._page(place, answers[place]) for place in links}

    def _request(self, place: str, link: str | None) -> Request:
        if link:
            return self._client.follow(KIND, link, PAGE_SIZE)
        return self._client.get(KIND, self._folders.contacts(place).delta, PAGE_SIZE)

    async def _page(self, place: str, answer: Json | SyncError) -> ItemPage:
        if isinstance(answer, CursorExpired):
            return ItemPage(expired=True)
        if isinstance(answer, NotFound):
            return ItemPage(gone=True)
        if isinstance(answer, SyncError):
            raise answer
        done = "@odata.deltaLink" in answer
        following = self._client.checked_link(answer.get("@odata.deltaLink") or answer.get("@odata.nextLink"))
        page = _Page(place)
        for number, row in enumerate(answer.get("value") or ()):
            page.take(number, row)
        await self._complete(page)
        return ItemPage(tuple(page.items), tuple(page.removed), following, done, broken=page.broken)

    async def _complete(self, page: _Page) -> None:
        """Rows that show only what changed are read by id; one that is gone meanwhile is a removed row."""
        if not page.partial:
            return
        try:
            found = await self._read([PlacedId(contact_id, page.place) for contact_id in page.partial])
        except Refused as error:
            page.broken |= dict.fromkeys(page.partial, str(error))
            return
        for contact_id in page.partial:
            item = found[contact_id]
            if item is None:
                page.removed.append(contact_id)
            else:
                page.items.append(item)


class _Page:
    """What a page's rows turn out to be."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.items: list[ExchangeItem] = []
        self.removed: list[str] = []
        self.partial: list[str] = []
        self.broken: dict[str, str] = {}

    def take(self, number: int, row: Any) -> None:
        contact_id = row.get("id") if isinstance(row, dict) else None
        if not isinstance(contact_id, str) or not contact_id:
            self.broken[f"row {number}"] = "no id"
        elif "@removed" in row:
            self.removed.append(contact_id)
        elif not contact_items.is_complete(row):
            self.partial.append(contact_id)
        else:
            self._decode(contact_id, row)

    def _decode(self, contact_id: str, row: Json) -> None:
        try:
            self.items.append(contact_items.decode(row, self.place, whole=False))
        except contact_items.UnreadableContact as error:
            self.broken[contact_id] = str(error)
