"""OData text: literals, queries, paths, and the preferences we ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import UUID

from shared.model.party import RecordRef

T = TypeVar("T")

LOGICAL_NAME = "Microsoft.Dynamics.CRM.lookuplogicalname"
FORMATTED = "OData.Community.Display.V1.FormattedValue"
# Readable in a URL; everything else, "+" and "&" above all, is escaped.
_PLAIN = "$(),;=:'/*!@"


def with_annotations(*names: str) -> str:
    """The value of ``Prefer`` that asks for these annotations."""
    return f'odata.include-annotations="{",".join(names)}"'


def literal(text: str) -> str:
    """A string in a filter; its quotes are doubled."""
    return "'" + text.replace("'", "''") + "'"


def guid(text: str) -> str:
    """A GUID as Dataverse writes it. Raises ValueError, so that nothing else gets into a URL."""
    return str(UUID(text.strip()))


def is_guid(text: str) -> bool:
    try:
        guid(text)
    except ValueError:
        return False
    return True


def instant(moment: datetime) -> str:
    """To the second, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC) if text else None


def any_of(column: str, values: Iterable[str]) -> str:
    """A filter for any of some values (already literals), in parentheses."""
    return "(" + " or ".join(f"{column} eq {value}" for value in values) + ")"


def address(entity_set: str, row_id: str | None = None, **options: str) -> str:
    """``set(id)?$select=…``; options in the order given, system options without their ``$``."""
    path = entity_set if row_id is None else f"{entity_set}({guid(row_id)})"
    plain = {"tag", "fetchXml"}
    query = "&".join(
        f"{name if name in plain else '$' + name}={quote(value, safe=_PLAIN)}"
        for name, value in options.items()
    )
    return f"{path}?{query}" if query else path


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def lookup(row: Mapping[str, Any], column: str) -> RecordRef | None:
    """A look-up with the table that its annotation names."""
    value = row.get(f"_{column}_value")
    table = row.get(f"_{column}_value@{LOGICAL_NAME}")
    return RecordRef(str(table), str(value).lower()) if value and table else None
