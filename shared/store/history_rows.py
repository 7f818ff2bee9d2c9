"""A line of an item's history as rows of a month's table, partition = mailbox.

``i:<item>:<order>`` the line itself, ``t:<order>`` a thin row that leads to it by time, ``x:<id>:<other>``
both ids of an item once they are known, ``o:<order>:<part>`` values too long for the line's own row.
*Order* begins with the inverted time, so that the newest comes first, and is unique and repeatable: the same
line written again overwrites itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.engine.ports import HistoryRow
from shared.store import chunks, keys
from shared.store.codec import dumps, from_json, to_json
from shared.store.tables import Entity

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 10**18
_PLACES = 100_000
_VALUES = ("before", "after", "lost")


def month(at: datetime) -> str:
    """The table that holds this moment."""
    utc = at.astimezone(UTC)
    return f"history{utc.year:04d}{utc.month:02d}"


def order(row: HistoryRow, place: int) -> str:
    """``place``: the line's number within its call; later lines of one moment are newer."""
    inverted = _LAST - (row.at - _EPOCH) // timedelta(microseconds=1)
    return f"{inverted:019d}-{_PLACES - 1 - place % _PLACES:05d}-{keys.digest(dumps(to_json(row)))[:10]}"


def item_of(row: HistoryRow) -> str:
    """Lines are kept under the Dynamics id if there is one, else under the Exchange id."""
    return keys.encode(row.item.dynamics or row.item.exchange or "")


def line_key(item: str, position: str) -> str:
    return f"i:{item}:{position}"


def position_in(row_key: str) -> str:
    """The order part of a line's or a thin row's key."""
    return row_key.rsplit(":", 1)[1]


def units(mailbox: str, row: HistoryRow, place: int) -> list[list[Entity]]:
    """The rows of a line; each list is written in one transaction, in this order."""
    position, item = order(row, place), item_of(row)
    plain = replace(row, before={}, after={}, lost={})
    line: Entity = {"PartitionKey": mailbox, "RowKey": line_key(item, position)}
    line |= chunks.text_columns("row", dumps(to_json(plain)))
    columns, parts = _values(dumps({name: getattr(row, name) for name in _VALUES if getattr(row, name)}))
    thin = {"PartitionKey": mailbox, "RowKey": f"t:{position}", "item": item}
    over = [{"PartitionKey": mailbox, "RowKey": f"o:{position}:{n:03d}", **p} for n, p in enumerate(parts)]
    return [*([part] for part in over), [line | columns | {"parts": len(parts)}, thin]]


def _values(text: str) -> tuple[Entity, list[dict[str, bytes]]]:
    """Readable while the row has room, compressed in it or beside it else."""
    if len(text) <= chunks.TEXT_LIMIT:
        return chunks.text_columns("values", text), []
    packed = chunks.packed_rows(text)
    return (dict(packed[0]), []) if len(packed) == 1 and _fits(packed[0]) else ({}, packed)


def _fits(columns: Mapping[str, bytes]) -> bool:
    return sum(map(len, columns.values())) <= 2 * chunks.TEXT_LIMIT


def aliases(mailbox: str, rows: Sequence[HistoryRow]) -> list[Entity]:
    """From each id of an item to its other one."""
    found: dict[str, Entity] = {}
    for row in rows:
        exchange, dynamics = row.item.exchange, row.item.dynamics
        for this, other in ((exchange, dynamics), (dynamics, exchange)):
            if this and other:
                key = f"x:{keys.encode(this)}:{keys.encode(other)}"
                found[key] = {"PartitionKey": mailbox, "RowKey": key, "other": other}
    return list(found.values())


def line(row: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> HistoryRow:
    """The line again; ``parts``: its rows beside."""
    text = chunks.text_of("values", row) or chunks.unpacked(parts or [row])
    plain = json.loads(chunks.text_of("row", row))
    return from_json(HistoryRow, {**plain, **json.loads(text)})
