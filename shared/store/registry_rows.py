"""A mailbox as a row of table ``mailboxes``: one typed column per field, so that storage can filter.

``None`` is stored as the empty string, because a merge cannot remove a column. Times are texts of one
fixed form that sort as times do, and an unset due time sorts first: such a mailbox is due.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from shared.model.mailbox import Mailbox
from shared.store.codec import encode, from_json

CLAIMED = frozenset({"id", "address", "user_id", "etag"})
"""Columns that only ``add`` and ``update`` may set: uniqueness hangs on them (MBX-3)."""

COLUMNS = tuple(field.name for field in fields(Mailbox) if field.name != "etag")


def check_patch(changes: Mapping[str, object]) -> None:
    """A patch names existing columns and none of those that uniqueness hangs on."""
    wrong = sorted(name for name in changes if name in CLAIMED or name not in COLUMNS)
    if wrong:
        raise ValueError(f"cannot patch {', '.join(wrong)} of a mailbox")


def columns(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Field values as table columns."""
    return {name: "" if value is None else encode(value) for name, value in changes.items()}


def row(mailbox: Mailbox) -> dict[str, Any]:
    return columns({name: getattr(mailbox, name) for name in COLUMNS})


def mailbox(entity: Mapping[str, Any], etag: str | None) -> Mailbox:
    """The mailbox of a row; times and numbers that were not set come back as None."""
    data = {name: entity[name] for name in COLUMNS if name in entity}
    unset = {name: None for name, value in data.items() if value == "" and _nullable(name)}
    return from_json(Mailbox, {**data, **unset, "etag": etag})


def _nullable(name: str) -> bool:
    return name.endswith("_at") or name == "lag_seconds"


def parse_due(now: datetime) -> str:
    return str(encode(now))
