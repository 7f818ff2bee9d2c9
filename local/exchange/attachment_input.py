"""What a POST of an attachment says, checked by Graph's rules."""

from __future__ import annotations

import base64
import binascii
import json
import mimetypes
from typing import Any

from local.exchange.errors import GraphError, bad_request, body_unreadable, validation_failed
from local.exchange.event_input import READ_ONLY
from local.exchange.event_input import parse as parse_event
from local.exchange.validation import checked

Json = dict[str, Any]

_READ_ONLY = frozenset({"id", "lastModifiedDateTime", "size", "contentLocation"})
_KINDS = {"fileattachment": "file", "itemattachment": "item", "referenceattachment": "reference"}

SMALLEST_UPLOAD = 3_000_000
LARGEST_UPLOAD = 150 * 1024 * 1024


def kind_of(body: Json) -> str:
    """By ``@odata.type``, with or without ``#``, in any case: the base type alone says nothing."""
    name = str(body.get("@odata.type") or "").lstrip("#").lower()
    kind = _KINDS.get(name.removeprefix("microsoft.graph."))
    if kind is None:
        raise body_unreadable(
            "Cannot create an abstract class: '@odata.type' must name a kind of attachment."
        )
    return kind


def parse(body: Json) -> tuple[Json, bytes]:
    """The facts of the attachment and its content."""
    kind = kind_of(body)
    if kind == "reference":
        raise bad_request("Reference attachments cannot be created in v1.0.", "ErrorInvalidRequest")
    item = body.get("item") if kind == "item" else None
    sent = checked(
        f"{kind}Attachment", {key: value for key, value in body.items() if key != "item"}, ignored=_READ_ONLY
    )
    if not sent.get("name"):
        raise validation_failed()
    facts = {"kind": kind, "name": sent["name"], "isInline": bool(sent.get("isInline"))}
    if kind == "item":
        shown = _item(item)
        return {**facts, "item": shown}, json.dumps(shown).encode()
    facts |= {"contentId": sent.get("contentId"), "contentType": _content_type(sent)}
    return facts, _content(sent.get("contentBytes"))


def _content_type(sent: Json) -> str:
    guessed = mimetypes.guess_type(sent["name"])[0]
    return str(sent.get("contentType") or guessed or "application/octet-stream")


def _content(text: str | None) -> bytes:
    if text is None:
        raise validation_failed()
    try:
        return base64.b64decode(text.encode(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise body_unreadable("Cannot convert the literal to the expected type 'Edm.Binary'.") from error


def _item(item: Any) -> Json:
    """An attached event as it was sent; messages and contacts cannot be attached here."""
    if not isinstance(item, dict):
        raise validation_failed()
    kind = str(item.get("@odata.type") or "").lstrip("#").lower()
    if kind != "microsoft.graph.event":
        raise bad_request(f"An item of type '{kind}' cannot be attached here.", "ErrorInvalidRequest")
    parse_event(item)
    return checked("event", item, ignored=READ_ONLY)


def parse_upload(body: Json) -> Json:
    """``AttachmentItem`` of ``createUploadSession``: a file of 3 to 150 MB."""
    named = {name.lower(): value for name, value in body.items()}
    if set(named) - {"attachmentitem"} or not isinstance(named.get("attachmentitem"), dict):
        raise body_unreadable("The parameter 'AttachmentItem' is missing or not the only one.")
    sent = checked("attachmentItem", named["attachmentitem"])
    if sent.get("attachmentType") != "file":
        raise bad_request("Only files can be uploaded in pieces.", "ErrorInvalidRequest")
    if not sent.get("name") or not sent.get("size"):
        raise validation_failed()
    if sent["size"] < SMALLEST_UPLOAD:
        raise GraphError(
            400,
            "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize",
            "The attachment size is less than the minimum of an upload session.",
        )
    if sent["size"] > LARGEST_UPLOAD:
        raise bad_request("The attachment size exceeds 150 MB.", "ErrorAttachmentSizeLimitExceeded")
    facts = {"kind": "file", "name": sent["name"], "isInline": bool(sent.get("isInline"))}
    facts |= {"contentId": sent.get("contentId"), "contentType": _content_type(sent)}
    return {"facts": facts, "size": sent["size"]}
