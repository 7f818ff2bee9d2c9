"""Attachments of events: lists without contents, contents as raw bytes, files small and large.

``$select`` of a list knows only what every kind of attachment has, so contents never come along. A file from
3 MB on goes up in pieces (``uploads``); below that Graph takes it in one request only.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from shared.errors import Refused
from shared.exchange.channel import Channel
from shared.exchange.client import Json
from shared.exchange.errors import UNREADABLE
from shared.exchange.uploads import upload
from shared.model.attachment import Attachment, FileKind, NewFile

if TYPE_CHECKING:
    from kiota_abstractions.base_request_builder import BaseRequestBuilder

LARGE = 3_000_000
_FIELDS = ["id", "name", "contentType", "size", "isInline", "lastModifiedDateTime"]
_KINDS = {"itemattachment": FileKind.ITEM, "referenceattachment": FileKind.REFERENCE}
_FILE = "#microsoft.graph.fileAttachment"


class EventAttachments:
    """``event``: the request builder of an event by its id."""

    def __init__(self, channel: Channel, event: Callable[[str], Any]) -> None:
        self._channel = channel
        self._client = channel.client
        self._event = event

    def _one(self, event_id: str, attachment_id: str) -> BaseRequestBuilder:
        builder: BaseRequestBuilder = self._event(event_id).attachments.by_attachment_id(attachment_id)
        return builder

    async def all(self, event_id: str) -> Sequence[Attachment]:
        request = self._client.get("attachments", self._event(event_id).attachments, select=_FIELDS)
        return [decode(row) async for row in self._channel.rows(request)]

    async def content(self, event_id: str, attachment_id: str) -> bytes:
        request = self._client.raw("attachment_content", self._one(event_id, attachment_id))
        return await self._channel.content(request)

    async def add(self, event_id: str, file: NewFile) -> None:
        """Nobody is mailed: attendees get it with the organizer's next update."""
        if len(file.content) >= LARGE:
            await self._upload(event_id, file)
            return
        body = {
            "@odata.type": _FILE,
            "name": file.name,
            "contentType": file.content_type or None,
            "contentBytes": base64.b64encode(file.content).decode("ascii"),
        }
        builder = self._event(event_id).attachments
        await self._channel.send(self._client.write("add_attachment", "POST", builder, _said(body)))

    async def _upload(self, event_id: str, file: NewFile) -> None:
        item = {
            "attachmentType": "file",
            "name": file.name,
            "size": len(file.content),
            "contentType": file.content_type or None,
        }
        builder = self._event(event_id).attachments.create_upload_session
        request = self._client.write("upload_session", "POST", builder, {"AttachmentItem": _said(item)})
        session = (await self._channel.send(request)).body
        await upload(self._channel, str(session.get("uploadUrl")), file.content)

    async def remove(self, event_id: str, attachment_id: str) -> None:
        request = self._client.delete("remove_attachment", self._one(event_id, attachment_id))
        await self._channel.send(request)


def decode(row: Json) -> Attachment:
    """One row of a list. The content of a file never changes under its id; should it, its time would."""
    identifier, name = row.get("id"), row.get("name")
    if not isinstance(identifier, str) or not identifier:
        raise Refused("an attachment cannot be read: it has no id", code=UNREADABLE)
    size = int(row.get("size") or 0)
    return Attachment(
        id=identifier,
        name=str(name or ""),
        version=f"{row.get('lastModifiedDateTime') or ''}/{size}",
        size=size,
        kind=_kind(row),
        content_type=str(row.get("contentType") or ""),
    )


def _kind(row: Json) -> FileKind:
    named = str(row.get("@odata.type") or _FILE).rpartition(".")[2].lower()
    if named in _KINDS:
        return _KINDS[named]
    return FileKind.INLINE if row.get("isInline") else FileKind.FILE


def _said(body: Json) -> Json:
    return {name: value for name, value in body.items() if value is not None}
