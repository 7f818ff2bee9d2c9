"""The small rows of a mailbox's partition: its fence, cursors, inbox and held items (``a:``, the agenda)."""

from __future__ import annotations

import json
from datetime import datetime

from shared.engine.ports import Cursor, Fence, HeldRow, InboxRow
from shared.store import chunks, keys
from shared.store.codec import dumps, from_json, instant, to_json
from shared.store.tables import Entity, Row, etag_of

AGENDA = ("a:", "b")
"""The agenda is what stands between these keys: cursors, fence, held, inbox and what was put off, in this
order."""

FENCE = "a:fence"
_CURSOR, _HELD, _INBOX, _LATER = "a:cursor:", "a:held:", "a:inbox:", "a:later:"


def is_cursor(row: Row) -> bool:
    return str(row["RowKey"]).startswith(_CURSOR)


def is_held(row: Row) -> bool:
    return str(row["RowKey"]).startswith(_HELD)


def is_inbox(row: Row) -> bool:
    return str(row["RowKey"]).startswith((_INBOX, _LATER))


def fence_row(fence: Fence, token: str) -> Entity:
    """``token`` is new with each write: whoever finds theirs knows that a lost answer was a yes."""
    return {
        "PartitionKey": fence.mailbox,
        "RowKey": FENCE,
        "generation": fence.generation,
        "deadline": instant(fence.deadline),
        "lane": fence.lane,
        "token": token,
    }


def fence(row: Row) -> Fence:
    return Fence(
        mailbox=str(row["PartitionKey"]),
        generation=int(row["generation"]),
        deadline=datetime.fromisoformat(row["deadline"]),
        lane=str(row["lane"]),
        etag=etag_of(row),
    )


def cursor_key(feed: str) -> str:
    return f"{_CURSOR}{keys.encode(feed)}"


def cursor_row(mailbox: str, cursor: Cursor) -> Entity:
    columns = chunks.text_columns("cursor", dumps(to_json(cursor)))
    return {"PartitionKey": mailbox, "RowKey": cursor_key(cursor.feed), **columns}


def cursor(row: Row) -> Cursor:
    return from_json(Cursor, json.loads(chunks.text_of("cursor", row)))


def inbox_key(row: InboxRow) -> str:
    return f"{_LATER if row.later else _INBOX}{keys.encode(row.kind)}:{keys.encode(row.id)}"


def inbox_row(mailbox: str, row: InboxRow) -> Entity:
    key = inbox_key(row)
    return {"PartitionKey": mailbox, "RowKey": key, "kind": row.kind, "id": row.id, "version": row.version}


def inbox(row: Row) -> InboxRow:
    later = str(row["RowKey"]).startswith(_LATER)
    return InboxRow(str(row["kind"]), str(row["id"]), str(row["version"]), etag_of(row), later)


def held_key(row: HeldRow) -> str:
    return f"{_HELD}{keys.encode(row.kind)}:{keys.encode(row.id)}"


def held_row(mailbox: str, row: HeldRow) -> Entity:
    key = held_key(row)
    return {"PartitionKey": mailbox, "RowKey": key, "kind": row.kind, "id": row.id, "decision": row.decision}


def held(row: Row) -> HeldRow:
    return HeldRow(str(row["kind"]), str(row["id"]), str(row["decision"]), etag_of(row))
