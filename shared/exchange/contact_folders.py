"""The contact folders of a mailbox: the default one, and those below it however deep."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from shared.exchange.channel import Channel
from shared.exchange.client import Json, Request
from shared.model.personal import Place

DEFAULT = "default"
"""Our own id of the default folder, which Graph's list of folders does not tell."""
LIST_SIZE = 100
KIND = "contact_folders"


class ContactFolders:
    """``user`` builds the requests of the mailbox."""

    def __init__(self, channel: Channel, user: Callable[[], Any]) -> None:
        self._channel = channel
        self._client = channel.client
        self._user = user
        self._places: list[Place] = []
        self._default_id: str | None = None

    def contacts(self, place: str) -> Any:
        """Where the contacts of a place are listed; "" is the default one."""
        user = self._user()
        if place in ("", DEFAULT):
            return user.contacts
        return user.contact_folders.by_contact_folder_id(place).contacts

    async def read(self) -> list[Place]:
        """One ``$batch`` for each level of folders. A contact tells the default folder's id in the very form
        that other contacts show it; where there is none, nothing can be in that folder."""
        builder = self._client
        answers = await self._channel.read_each(
            {
                "contact": builder.get(KIND, self._user().contacts, select=["parentFolderId"], top=1),
                "folders": self._list(self._user().contact_folders),
            }
        )
        first = ((answers["contact"] or {}).get("value") or [{}])[0]
        self._default_id = first.get("parentFolderId")
        level = await self._rows(answers["folders"])
        found = list(level)
        while level:
            level = await self._below(level)
            found += level
        self._places = [Place(DEFAULT, "Contacts", is_default=True), *map(_place, found)]
        return self._places

    async def known(self) -> list[Place]:
        """As read last by this object; a pass is short."""
        return self._places or await self.read()

    async def cover(self, folder_ids: Collection[str]) -> None:
        """Read, or read again, where one of these is in no place that is known: it may be new."""
        fresh = not self._places
        await self.known()
        if not fresh and any(self.place_of(folder_id) is None for folder_id in folder_ids):
            await self.read()

    def place_of(self, folder_id: str) -> str | None:
        """None: in no contact folder. What a person deletes goes to Deleted Items and can still be read."""
        if folder_id == self._default_id:
            return DEFAULT
        return next((place.id for place in self._places if place.id == folder_id), None)

    def _list(self, builder: Any) -> Request:
        return self._client.get(KIND, builder, select=["id", "displayName"], top=LIST_SIZE)

    async def _below(self, level: list[Json]) -> list[Json]:
        folders = self._user().contact_folders
        requests = {
            row["id"]: self._list(folders.by_contact_folder_id(row["id"]).child_folders) for row in level
        }
        answers = await self._channel.read_each(requests)
        return [row for answer in answers.values() for row in await self._rows(answer)]

    async def _rows(self, answer: Json | None) -> list[Json]:
        """A folder that is gone meanwhile has nothing below it."""
        return [row async for row in self._channel.listed(KIND, answer or {})]


def _place(row: Json) -> Place:
    return Place(str(row["id"]), str(row.get("displayName") or ""))
