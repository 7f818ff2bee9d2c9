"""Activity parties of Dynamics: who takes part, in which role, under which address."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class ParticipationType(IntEnum):
    """``participationtypemask`` of an activity party; the ones we know."""

    REQUIRED = 5
    OPTIONAL = 6
    ORGANIZER = 7
    REGARDING = 8
    OWNER = 9
    RESOURCE = 10


@dataclass(frozen=True, slots=True)
class RecordRef:
    """A Dynamics row: table (logical name) and id (lower-case GUID without braces)."""

    table: str
    id: str


@dataclass(frozen=True, slots=True)
class Party:
    """One activity party. ``address`` is ``addressused``: the address as it was sent, which stays what it
    was when the row behind it gets another e-mail address. ``ref`` is None for an unresolved address."""

    role: int
    address: str | None
    ref: RecordRef | None
    name: str | None = None
