"""Attachments in the in-memory world: files on events and on appointments, and how often they were asked for.

As in the stand-ins, Exchange measures more than the file has bytes, and every change of files
moves the version of the item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from shared.errors import Conflict, NotFound, Refused
from shared.model.appointment import DynamicsAppointment
from shared.model.attachment import Attachment, FileKind, FileLimits, NewFile
from shared.model.event import ExchangeEvent

OVERHEAD = 155
Stored = dict[str, tuple[Attachment, bytes]]
"""By id."""


class Shelf:
    """The files of all items of one service."""

    def __init__(self) -> None:
        self.of: dict[str, Stored] = {}
        """By the item's id."""
        self.asked: Counter[str] = Counter()
        self.refused_names: set[str] = set()
        self.unreadable: set[str] = set()

    def put(self, item: str, file: Attachment, content: bytes) -> None:
        self.of.setdefault(item, {})[file.id] = (file, content)

    def listed(self, item: str) -> list[Attachment]:
        return [file for file, _ in self.of.get(item, {}).values()]

    def shown(self, item: str) -> list[tuple[str, bytes]]:
        """Names and contents, as people see them."""
        return sorted((file.name, content) for file, content in self.of.get(item, {}).values())


class ExchangeFiles:
    """Of a mailbox. ``items``, ``_put``, ``_lose`` and the world's ``number`` are the mailbox's."""

    items: dict[str, ExchangeEvent]
    _put: Callable[[ExchangeEvent], ExchangeEvent]
    _lose: Callable[[str], None]
    _number: Callable[[], int]
    _forward: Callable[[], None]

    def __init__(self) -> None:
        self.shelf = Shelf()

    # --- people

    def attach(self, event_id: str, name: str, content: bytes, kind: FileKind = FileKind.FILE) -> Attachment:
        self._forward()
        return self._attach(event_id, name, content, kind)

    def detach(self, event_id: str, name: str) -> None:
        self._forward()
        found = next(f for f in self.shelf.listed(event_id) if f.name == name)
        self._detach(event_id, found.id)

    def files(self, event_id: str) -> list[tuple[str, bytes]]:
        return self.shelf.shown(event_id)

    # --- the store

    def _attach(self, event_id: str, name: str, content: bytes, kind: FileKind) -> Attachment:
        number = self._number()
        size = len(content) + OVERHEAD
        file = Attachment(f"att-{number}", name, f"{number}/{size}", size, kind, "text/plain")
        self.shelf.put(event_id, file, content)
        self._counted(event_id)
        return file

    def _detach(self, event_id: str, attachment_id: str) -> None:
        del self.shelf.of[event_id][attachment_id]
        self._counted(event_id)

    def _counted(self, event_id: str) -> None:
        some = any(file.kind is not FileKind.INLINE for file in self.shelf.listed(event_id))
        self._put(replace(self.items[event_id], has_attachments=some))

    def receive_files(self, sender: Shelf, sent: ExchangeEvent, mine: ExchangeEvent) -> ExchangeEvent:
        """An update brings the attendee's copy the organizer's files."""
        self.shelf.of[mine.id] = {
            f"{mine.id}:{key}": (replace(file, id=f"{mine.id}:{key}"), content)
            for key, (file, content) in sender.of.get(sent.id, {}).items()
        }
        return replace(mine, has_attachments=sent.has_attachments)

    # --- the port

    async def attachments(self, event_id: str) -> Sequence[Attachment]:
        self.shelf.asked["list"] += 1
        if event_id not in self.items:
            raise NotFound("ErrorItemNotFound")
        return self.shelf.listed(event_id)

    async def attachment_content(self, event_id: str, attachment_id: str) -> bytes:
        self.shelf.asked["content"] += 1
        if attachment_id not in self.shelf.of.get(event_id, {}):
            raise NotFound("ErrorItemNotFound")
        file, content = self.shelf.of[event_id][attachment_id]
        if file.name in self.shelf.unreadable:
            raise Refused("not to be read", code="ErrorAccessDenied", status=400)
        return content

    async def add_attachment(self, event_id: str, file: NewFile) -> None:
        if event_id not in self.items:
            raise NotFound("ErrorItemNotFound")
        if file.name in self.shelf.refused_names:
            raise Refused("too much", code="ErrorMessageSizeExceeded", status=400)
        self.shelf.asked["add"] += 1
        self._attach(event_id, file.name, file.content, FileKind.FILE)
        self._lose("add_attachment")

    async def remove_attachment(self, event_id: str, attachment_id: str) -> None:
        if attachment_id not in self.shelf.of.get(event_id, {}):
            raise NotFound("ErrorItemNotFound")
        self.shelf.asked["remove"] += 1
        self._detach(event_id, attachment_id)
        self._lose("remove_attachment")


class DynamicsFiles:
    """Of an organization. ``rows``, ``_put``, ``_lose`` and ``number`` are the organization's."""

    rows: dict[str, DynamicsAppointment]
    limits: FileLimits
    number: Callable[[], int]
    _put: Callable[[DynamicsAppointment], DynamicsAppointment]
    _lose: Callable[[str], None]
    clock: Any

    @property
    def shelf(self) -> Shelf:
        if not hasattr(self, "_shelf"):
            self._shelf = Shelf()
        return self._shelf

    # --- people

    def attach(self, row_id: str, name: str, content: bytes) -> Attachment:
        self.clock.forward()
        return self._attach(row_id, name, content, f"mime-{self.number()}")

    def detach(self, row_id: str, name: str) -> None:
        self.clock.forward()
        found = next(f for f in self.shelf.listed(row_id) if f.name == name)
        self._detach(row_id, found.id)

    def files(self, row_id: str) -> list[tuple[str, bytes]]:
        return self.shelf.shown(row_id)

    # --- the store

    def _attach(self, row_id: str, name: str, content: bytes, key: str) -> Attachment:
        file = Attachment(key, name, f'W/"{self.number()}"', len(content), content_type="text/plain")
        self.shelf.put(row_id, file, content)
        self._counted(row_id)
        return file

    def _detach(self, row_id: str, attachment_id: str) -> None:
        del self.shelf.of[row_id][attachment_id]
        self._counted(row_id)

    def _counted(self, row_id: str) -> None:
        self._put(replace(self.rows[row_id], attachment_count=len(self.shelf.of[row_id])))

    def _holder(self, attachment_id: str) -> str:
        for row_id, stored in self.shelf.of.items():
            if attachment_id in stored and row_id in self.rows:
                return row_id
        raise NotFound("0x80040217")

    # --- the port

    async def attachments(self, row_id: str, *, as_user: str) -> Sequence[Attachment]:
        del as_user
        self.shelf.asked["list"] += 1
        return self.shelf.listed(row_id) if row_id in self.rows else []

    async def attachment_content(self, attachment_id: str, *, as_user: str) -> bytes:
        del as_user
        self.shelf.asked["content"] += 1
        return self.shelf.of[self._holder(attachment_id)][attachment_id][1]

    async def add_attachment(self, row_id: str, file: NewFile, key: str, *, as_user: str) -> None:
        del as_user
        if row_id not in self.rows:
            raise NotFound("0x80040217")
        if any(key in stored for stored in self.shelf.of.values()):
            raise Conflict("0x80040237")
        extension = file.name.rpartition(".")[2].lower()
        if extension in self.limits.blocked or -(-len(file.content) // 3) * 4 > self.limits.largest:
            raise Refused("blocked or too large", code="0x80043e09", status=400)
        self.shelf.asked["add"] += 1
        self._attach(row_id, file.name, file.content, key)
        self._lose("add_attachment")

    async def remove_attachment(self, attachment_id: str, *, as_user: str) -> None:
        del as_user
        row_id = self._holder(attachment_id)
        self.shelf.asked["remove"] += 1
        self._detach(row_id, attachment_id)
        self._lose("remove_attachment")
