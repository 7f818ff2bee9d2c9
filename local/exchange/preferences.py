"""The ``Prefer`` header: a list in any order, of which Outlook knows five entries."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from local.exchange.errors import bad_request
from local.exchange.zones import UTC_NAME, known_zone

_ENTRY = re.compile(r'([\w.\-]+)\s*(?:=\s*("(?:[^"]*)"|[^,;\s]*))?')


@dataclass(frozen=True)
class Preferences:
    """``applied`` is what is echoed in ``Preference-Applied``."""

    time_zone: str = UTC_NAME
    text_body: bool = False
    immutable_ids: bool = False
    page_size: int | None = None
    applied: list[str] = field(default_factory=list)


def parse_preferences(header: str) -> Preferences:
    values = {name.lower(): value.strip('"') for name, value in _ENTRY.findall(header)}
    applied = []
    zone = values.get("outlook.timezone", UTC_NAME)
    if not known_zone(zone):
        raise unsupported_time_zone(zone)
    if "outlook.timezone" in values:
        applied.append(f'outlook.timezone="{zone}"')
    body_type = values.get("outlook.body-content-type", "").lower()
    if body_type in ("text", "html"):
        applied.append(f'outlook.body-content-type="{body_type}"')
    size = values.get("odata.maxpagesize", "")
    return Preferences(
        zone,
        body_type == "text",
        values.get("idtype", "").lower() == "immutableid",
        _page_size(size),
        applied,
    )


def _page_size(text: str) -> int | None:
    return int(text) if text.isdigit() and int(text) > 0 else None


def unsupported_time_zone(name: str) -> Exception:
    return bad_request(
        f"A valid TimeZone value must be specified. The following TimeZone value is not supported: '{name}'.",
        "TimeZoneNotSupportedException",
    )
