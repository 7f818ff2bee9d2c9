"""Tracking stamps as named properties of Exchange items (LNK-3, LNK-4), readable to Microsoft's own app.

Graph's answers to writes do not echo them; reads show them only where ``$expand`` names them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from shared.model.event import Stamps

Json = dict[str, Any]

_PUBLIC_STRINGS = "{00020329-0000-0000-C000-000000000046}"
_OWN = "{e26f0cd6-af86-471c-be0c-15ea53bc9bc4}"

PROPERTIES: dict[str, str] = {
    "link_state": f"Double {_PUBLIC_STRINGS} Name crmLinkState",
    "crm_id": f"String {_PUBLIC_STRINGS} Name crmid",
    "org_id": f"String {_PUBLIC_STRINGS} Name crmorgid",
    "regarding_id": f"String {_PUBLIC_STRINGS} Name crmRegardingObjectId",
    "regarding_type": f"String {_PUBLIC_STRINGS} Name crmRegardingObjectTypeCode",
    "object_type": f"String {_PUBLIC_STRINGS} Name crmObjectTypeCode",
    "withheld": f"String {_OWN} Name exchangeDynamicsSyncWithheld",
}
_GUIDS = frozenset({"crm_id", "org_id", "regarding_id"})
_FIELDS = {identifier.lower(): name for name, identifier in PROPERTIES.items()}
_GUID = re.compile(r"^\{?([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})\}?$", re.IGNORECASE)

EXPAND = "singleValueExtendedProperties($filter={})".format(
    " or ".join(f"id eq '{identifier}'" for identifier in PROPERTIES.values())
)
STAMPED = (
    "singleValueExtendedProperties/Any("
    f"ep: ep/id eq '{PROPERTIES['link_state']}' and cast(ep/value, Edm.Double) ge 0)"
)


def marked(category: str) -> str:
    """The filter for items that carry any mark: a stamp, whatever it says, or the category."""
    quoted = category.replace("'", "''")
    return f"{STAMPED} or categories/any(c:c eq '{quoted}')"


def names_row(dynamics_id: str) -> str:
    """The filter for items whose crmid is this row's, with braces or without; Graph ignores the case."""
    guid = _plain(dynamics_id)
    either = (f"ep/value eq '{form}'" for form in (guid, f"{{{guid}}}"))
    tests = (
        f"singleValueExtendedProperties/Any(ep: ep/id eq '{PROPERTIES['crm_id']}' and {test})"
        for test in either
    )
    return " or ".join(tests)


def encode(stamps: Stamps) -> list[Json]:
    """What a create or patch writes: the fields that are not None. An empty text clears what was there."""
    rows = []
    for entry in fields(stamps):
        value = getattr(stamps, entry.name)
        if value is not None:
            rows.append({"id": PROPERTIES[entry.name], "value": _written(entry.name, value)})
    return rows


def decode(rows: Iterable[Json] | None) -> Stamps:
    """GUIDs as we write them elsewhere: lower case, without braces. What cannot be read counts as absent."""
    values: dict[str, Any] = {}
    for row in rows or ():
        name = _FIELDS.get(str(row.get("id")).lower())
        if name is not None:
            values[name] = _read(name, row.get("value"))
    return Stamps(**values)


def as_read(written: Stamps) -> Stamps:
    """What a read would show of stamps that were just written: Graph's answer to the write does not."""
    return decode(encode(written))


def regarding(stamps: Stamps) -> Json | None:
    """The canonical value of ``regarding`` (FLD-8)."""
    if not stamps.regarding_id:
        return None
    return {"type": (stamps.regarding_type or "").lower(), "id": _plain(stamps.regarding_id)}


def _written(name: str, value: Any) -> str:
    if name == "link_state":
        return f"{float(value):g}"
    text = str(value)
    return f"{{{_plain(text)}}}" if name in _GUIDS and _GUID.match(text.strip()) else text


def _read(name: str, value: Any) -> Any:
    if value is None or value == "":
        return None
    if name == "link_state":
        return _number(value)
    return _plain(str(value)) if name in _GUIDS else str(value)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _plain(guid: str) -> str:
    match = _GUID.match(guid.strip())
    return match[1].lower() if match else guid.strip()
