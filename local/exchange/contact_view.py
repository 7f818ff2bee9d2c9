"""A contact and a contact folder as Graph answers them."""

from __future__ import annotations

from typing import Any

from local.exchange.contact_input import ADDRESSES, DEFAULTS, EMAIL_SLOTS, SLOTS
from local.exchange.event_view import etag

Json = dict[str, Any]

_PLAIN = tuple(name for name in DEFAULTS if name not in SLOTS and name not in ADDRESSES)


def shown(contact: Json, identifier: str) -> Json:
    """The whole contact, without annotations other than the etag."""
    props = contact["props"]
    return {
        "@odata.etag": etag(contact),
        "id": identifier,
        "createdDateTime": contact["created"],
        "lastModifiedDateTime": contact["modified"],
        "changeKey": contact["changeKey"],
        "parentFolderId": contact["place"],
        **{name: props[name] for name in _PLAIN},
        **{name: [value for value in props[name] if value] for name in SLOTS},
        **dict(zip(EMAIL_SLOTS, props["emailAddresses"], strict=True)),
        **{name: props[name] for name in ADDRESSES},
    }


def folder_shown(folder: Json) -> Json:
    return {"id": folder["id"], "parentFolderId": folder["parent"], "displayName": folder["name"]}
