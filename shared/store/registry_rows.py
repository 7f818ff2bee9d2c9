"""A mailbox as a row of table ``mailboxes``: one typed column per field, so that storage can filter.

``None`` is stored as the empty string, because a merge cannot remove a column. Times are texts of one
fixed form that sort as times do, and an unset due time sorts first: such a mailbox is due.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from shared.model.mailbox import Mailbox
from shared.store import keys
from shared.store.codec import dumps, encode, from_json
from shared.store.tables import Entity, Row

SHARDS = {"first": "m", "end": "n"}
"""Between these partitions stand all mailboxes."""

CLAIMED = frozenset({"id", "address", "user_id", "etag"})
"""Columns that only ``add`` and ``update`` may set: uniqueness hangs on them (MBX-3)."""

COLUMNS = tuple(field.name for field in fields(Mailbox) if field.name != "etag")

LONGEST = 4000
"""Characters kept of a text column; only error texts come near it."""


def check_patch(changes: Mapping[str, object]) -> None:
    """A patch names existing columns and none of those that uniqueness hangs on."""
    wrong = sorted(name for name in changes if name in CLAIMED or name not in COLUMNS)
    if wrong:
        raise ValueError(f"cannot patch {', '.join(wrong)} of a mailbox")


def key(mailbox_id: str) -> Entity:
    return {"PartitionKey": f"m{keys.shard(mailbox_id)}", "RowKey": keys.encode(mailbox_id)}


def row(mailbox: Mailbox, *, confirmed: bool) -> Entity:
    """The whole row; ``claiming`` is empty again."""
    values = columns({name: getattr(mailbox, name) for name in COLUMNS})
    return key(mailbox.id) | values | {"confirmed": confirmed, "claiming": ""}


def columns(changes: Mapping[str, Any]) -> Entity:
    """Field values as table columns."""
    return {name: _column(value) for name, value in changes.items()}


def _column(value: Any) -> Any:
    if value is None:
        return ""
    encoded = encode(value)
    return encoded[:LONGEST] if isinstance(encoded, str) else encoded


def mailbox(row: Row, etag: str | None) -> Mailbox:
    """The mailbox of a row; times and numbers that were not set come back as None."""
    data = {name: row[name] for name in COLUMNS if name in row}
    unset = {name: None for name, value in data.items() if value == "" and _nullable(name)}
    return from_json(Mailbox, {**data, **unset, "etag": etag})


def _nullable(name: str) -> bool:
    return name.endswith(("_at", "_until")) or name == "lag_seconds"


def claiming(row_keys: Iterable[str]) -> str:
    return dumps(list(row_keys))


def claimed(row: Row) -> list[str]:
    """What the mailbox is about to claim."""
    found: list[str] = json.loads(row["claiming"]) if row["claiming"] else []
    return found
