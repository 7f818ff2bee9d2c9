"""What To Do has no property for: percent complete and regarding, in an open extension of the task (TASK-13),
and which row a task had that is not tracked any more (LNK-4).

A PATCH replaces all values of an extension (documented), so all are written whenever one is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shared.model.values import Value, Values

Json = dict[str, Any]

NAME = "org.exchangedynamicssync.task"
EXPAND = f"extensions($filter=id eq '{NAME}')"
FIELDS = ("percent", "regarding")
_TYPE = "microsoft.graph.openTypeExtension"


def ours(rows: Iterable[Any]) -> Json | None:
    """Graph puts the type in front of the name and calls that the id."""
    return next((row for row in rows if isinstance(row, dict) and _name(row) == NAME.lower()), None)


def decode(extension: Json | None) -> Json:
    found = extension or {}
    return {"percent": _number(found.get("percentComplete")), "regarding": _regarding(found)}


def concerns(values: Values) -> bool:
    return any(name in values for name in FIELDS)


def says_something(values: Values) -> bool:
    return any(values.get(name) is not None for name in FIELDS)


def as_read(values: Values) -> Json:
    """What a read would show of values that were just written."""
    return decode(encode(values))


def former_row(extension: Json | None) -> Any:
    """As it was noted when the task was untracked; whoever reads it must expect anything."""
    return (extension or {}).get("formerRow")


def encode(values: Values, former: str | None = None) -> Json:
    """The whole extension. A value that is not there is left out, which clears it. ``former``: the row of a
    task that is not tracked any more."""
    regarding = values.get("regarding")
    pair = regarding if isinstance(regarding, Mapping) else {}
    written = {
        "percentComplete": values.get("percent"),
        "regardingType": pair.get("type"),
        "regardingId": pair.get("id"),
        "formerRow": former,
    }
    kept = {name: value for name, value in written.items() if value not in (None, "")}
    return {"@odata.type": _TYPE, "extensionName": NAME, **kept}


def _name(row: Json) -> str:
    name = str(row.get("extensionName") or row.get("id") or "").lower()
    return name.rpartition("opentypeextension.")[2]


def _number(value: Any) -> Value:
    """An integer, in whichever form it comes back."""
    try:
        return None if value is None or isinstance(value, bool) else round(float(value))
    except (TypeError, ValueError, OverflowError):
        return None


def _regarding(found: Json) -> Value:
    identifier = found.get("regardingId")
    if not isinstance(identifier, str) or not identifier:
        return None
    return {"type": str(found.get("regardingType") or "").lower(), "id": identifier.strip("{}").lower()}
