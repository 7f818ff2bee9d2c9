"""A task's tie to its Dynamics row: a linked resource, which people open and from which the row is read back.

To Do has no extended properties, so this is the stamp of a task (LNK-3). What other applications linked is
theirs and left alone. A task that is not tracked any more shows no such tie; which row it had is noted where
people do not see it (``todo_extension``), for it gets another id whenever it is moved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from shared.errors import Refused
from shared.model.event import Stamps

Json = dict[str, Any]

APPLICATION = "Dynamics 365"
TRACKED = 2.0
UNTRACKED = 0.0
_GUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_EXTERNAL = re.compile(rf"({_GUID})/(\w+)/({_GUID})", re.IGNORECASE)


def ours(rows: Iterable[Any]) -> Json | None:
    """The linked resource that is ours, of all that a task has."""
    return next((row for row in rows if isinstance(row, dict) and _named_row(row)), None)


def decode(resource: Json | None) -> Stamps:
    """No linked resource of ours means no stamp."""
    row = _named_row(resource) if resource else None
    if row is None:
        return Stamps()
    organization, table, identifier = row
    return Stamps(link_state=TRACKED, crm_id=identifier, org_id=organization, object_type=table)


def decode_former(text: Any) -> Stamps:
    """What a task says of the row that it had (LNK-4)."""
    row = _parsed(text)
    if row is None:
        return Stamps()
    organization, table, identifier = row
    return Stamps(link_state=UNTRACKED, crm_id=identifier, org_id=organization, object_type=table)


def former(stamps: Stamps | None) -> str | None:
    """How a task's row is noted that is not its row any more; None where it had none."""
    if stamps is None or not (stamps.org_id and stamps.object_type and stamps.crm_id):
        return None
    return _external(stamps)


def encode(stamps: Stamps, url: str, name: str) -> Json:
    """What names the row, and what people see and open; a text that is not known is left as it is."""
    texts = {"displayName": name, "webUrl": url}
    shown = {key: text for key, text in texts.items() if text}
    return {"applicationName": APPLICATION, "externalId": _external(stamps), **shown}


def as_read(written: Stamps) -> Stamps:
    """What a read would show of stamps that were just written."""
    return decode(encode(written, "", "")) if written.tracked else Stamps()


def merged(written: Stamps, present: Stamps | None) -> Stamps:
    """The stamps to write: what is given, else what is there."""
    before = present or Stamps()
    return Stamps(
        link_state=TRACKED,
        crm_id=written.crm_id or before.crm_id,
        org_id=written.org_id or before.org_id,
        object_type=written.object_type or before.object_type,
    )


def _named_row(resource: Json) -> tuple[str, str, str] | None:
    """Organization, table and row."""
    return _parsed(resource.get("externalId")) if resource.get("applicationName") == APPLICATION else None


def _parsed(text: Any) -> tuple[str, str, str] | None:
    match = _EXTERNAL.fullmatch(text.strip()) if isinstance(text, str) else None
    return (match[1].lower(), match[2].lower(), match[3].lower()) if match else None


def _external(stamps: Stamps) -> str:
    parts = (stamps.org_id, stamps.object_type, stamps.crm_id)
    text = "/".join(str(part or "").strip("{} ").lower() for part in parts)
    if not _EXTERNAL.fullmatch(text):
        raise Refused("a task's link needs an organization, a table and a row")
    return text
