"""A link as rows of table ``state``: ``l:`` the link, ``v:`` its long values, ``x:`` its Exchange id.

A value longer than 1 KiB as JSON is taken out of the link's text and stored once, compressed, in rows of
its own that are keyed by link and hash: a body that both sides show alike is one value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.model.link import Link
from shared.store import chunks, keys
from shared.store.codec import dumps, from_json, to_json
from shared.store.tables import Entity

LONG = 1024
"""Characters of JSON from which on a value is stored apart."""

_SIDES = ("exchange", "dynamics")
_TOP = ""
_WITH_THE_LINK = ("base", "seen")
"""Not stored apart: ``seen`` is bounded, and is to be had with the link's own row."""


@dataclass(frozen=True, slots=True)
class StoredLink:
    """The rows of one link, ready to be written. ``values``: its ``v:`` rows."""

    name: str
    link: Link
    row: Entity
    values: tuple[Entity, ...]

    @property
    def index(self) -> Entity | None:
        """Leads from the Exchange id, if there is one yet, to the link."""
        mailbox, exchange_id = self.row["PartitionKey"], self.link.exchange_id
        if not exchange_id:
            return None
        return {"PartitionKey": mailbox, "RowKey": index_key(exchange_id), "link": self.name}

    @property
    def value_keys(self) -> frozenset[str]:
        return frozenset(str(value["RowKey"]) for value in self.values)


def name_of(table: str, dynamics_id: str) -> str:
    """The link's name within its mailbox."""
    return f"{keys.encode(table)}:{keys.encode(dynamics_id)}"


def link_key(name: str) -> str:
    return f"l:{name}"


def values_range(names: Sequence[str]) -> tuple[str, str]:
    """Between which keys the long values of these links stand."""
    return min(f"v:{name}:" for name in names), max(f"v:{name}{keys.END}" for name in names)


def index_key(exchange_id: str) -> str:
    """Of the row that leads to a link. It may lead to one that has another id now: the reader compares."""
    return f"x:{keys.digest(exchange_id)}"


def store(mailbox: str, link: Link) -> StoredLink:
    """The rows to be written for this link."""
    name = name_of(link.table, link.dynamics_id)
    data = to_json(link)
    long: list[list[str]] = []
    values: dict[str, Entity] = {}
    for slot, field, holder in _slots(data):
        text = dumps(holder[field])
        if len(text) > LONG:
            del holder[field]
            digest = keys.digest(text)
            long.append([slot, field, digest])
            values |= {row["RowKey"]: row for row in _value_rows(mailbox, name, digest, text)}
    row: Entity = {"PartitionKey": mailbox, "RowKey": link_key(name), "kind": link.kind}
    row |= chunks.text_columns("link", dumps(data))
    if long:
        row |= chunks.text_columns("long", dumps(long))
    return StoredLink(name, link, row, tuple(values.values()))


def _slots(data: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Every value that may be long: the fields of both bases and the link's own."""
    base = data.get("base", {})
    own = [(_TOP, field, data) for field in data if field not in _WITH_THE_LINK]
    return own + [(side, field, base[side]) for side in _SIDES if side in base for field in base[side]]


def _value_rows(mailbox: str, name: str, digest: str, text: str) -> Iterable[Entity]:
    for part, columns in enumerate(chunks.packed_rows(text)):
        yield {"PartitionKey": mailbox, "RowKey": f"v:{name}:{digest}:{part:03d}", **columns}


def name_in(row: Mapping[str, Any]) -> str:
    """The link's name, from the key of its ``l:`` row or of one of its ``v:`` rows."""
    table, dynamics_id = str(row["RowKey"]).split(":")[1:3]
    return f"{table}:{dynamics_id}"


def needs_values(row: Mapping[str, Any]) -> bool:
    return "long" in row


def link(row: Mapping[str, Any], values: Iterable[Mapping[str, Any]]) -> Link | None:
    """The link again; None when a long value is not among ``values`` (it was replaced in between)."""
    data = json.loads(chunks.text_of("link", row))
    if needs_values(row):
        parts: dict[str, list[Mapping[str, Any]]] = {}
        for value in sorted(values, key=lambda each: str(each["RowKey"])):
            parts.setdefault(str(value["RowKey"]).split(":")[3], []).append(value)
        for slot, field, digest in json.loads(chunks.text_of("long", row)):
            text = _whole(parts.get(digest, []), digest)
            if text is None:
                return None
            _holder(data, slot)[field] = json.loads(text)
    return from_json(Link, data)


def _whole(rows: list[Mapping[str, Any]], digest: str) -> str | None:
    """The value's text, proved by its hash."""
    try:
        text = chunks.unpacked(rows)
    except ValueError:
        return None
    return text if keys.digest(text) == digest else None


def _holder(data: dict[str, Any], slot: str) -> dict[str, Any]:
    if slot == _TOP:
        return data
    holder: dict[str, Any] = data.setdefault("base", {}).setdefault(slot, {})
    return holder
