"""A master's ``deletedexceptionslist``: the one place that knows how it is written, which is not documented.

Taken are ISO dates and times (UTC unless an offset is given) between any separators; a bare day has the time
of day of the pattern's start. Anything else is refused: what was deleted must not look as if it were there.
"""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Any

from shared.dynamics.dataverse.odata import instant
from shared.errors import Refused

UNREADABLE = "unreadable"

_ENTRY = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})"
    r"(?:[T ](?P<time>\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?(?P<offset>Z|[+-]\d{2}:\d{2})?)?"
)
_SAYS_SOMETHING = re.compile(r"\w")


def original_starts(text: Any, first: datetime | None) -> frozenset[str]:
    """Of the deleted instances, as instants (``…Z``). ``first``: the start of the pattern, in UTC."""
    written = str(text or "")
    if _SAYS_SOMETHING.search(_ENTRY.sub("", written)):
        raise _unreadable()
    try:
        return frozenset(_original_start(entry, first) for entry in _ENTRY.finditer(written))
    except ValueError as error:
        raise _unreadable() from error


def _original_start(entry: re.Match[str], first: datetime | None) -> str:
    clock = entry["time"] or (first.time() if first else time.min).isoformat()
    offset = (entry["offset"] or "Z").replace("Z", "+00:00")
    return instant(datetime.fromisoformat(f"{entry['day']}T{clock}{offset}"))


def _unreadable() -> Refused:
    return Refused("the list of deleted instances of a series cannot be read", code=UNREADABLE)
