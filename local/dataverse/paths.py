"""Resource paths: segments, keys, and the template under which a request is counted."""

from __future__ import annotations

from dataclasses import dataclass

from local.dataverse.errors import refuse
from local.dataverse.schema import Table
from local.dataverse.tables import ENTITY_SETS
from local.dataverse.values import as_guid

KEYED_METADATA = frozenset({"EntityDefinitions", "Attributes", "Keys", "GlobalOptionSetDefinitions"})


@dataclass(frozen=True)
class Segment:
    """``name(key)``; ``key`` is ``None`` without parentheses."""

    name: str
    key: str | None

    @property
    def template(self) -> str:
        keyed = self.key and (self.name in ENTITY_SETS or self.name in KEYED_METADATA)
        return f"{self.name}({{id}})" if keyed else self.name


def segments(path: str) -> list[Segment]:
    """The path's segments; slashes inside parentheses or quotes belong to a key."""
    found: list[Segment] = []
    for text in _split(path):
        name, opened, key = text.partition("(")
        found.append(Segment(name, key.removesuffix(")") if opened else None))
    return found


def _split(path: str) -> list[str]:
    parts, depth, quoted, start = [], 0, False, 0
    for position, character in enumerate(path):
        if character == "'":
            quoted = not quoted
        elif not quoted and character in "()":
            depth += 1 if character == "(" else -1
        elif character == "/" and depth == 0 and not quoted:
            parts.append(path[start:position])
            start = position + 1
    parts.append(path[start:])
    return [part for part in parts if part]


def template(path: str) -> str:
    return "/" + "/".join(segment.template for segment in segments(path))


def row_key(table: Table, key: str) -> str:
    """The GUID of a row. There are no alternate keys here, and a malformed GUID is one."""
    name, equals, value = key.partition("=")
    row_id = as_guid(value if equals and name == table.primary_id else key)
    if row_id is None:
        raise refuse("UnknownAlternateKey", table=table.name)
    return row_id
