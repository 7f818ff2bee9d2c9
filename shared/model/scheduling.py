"""Are the people free whom an appointment needs? What is asked of Dynamics, and what it says (APPT-29)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shared.model.party import Party
from shared.model.personal import Match
from shared.model.values import Value


class SchedulingPolicy(StrEnum):
    """What a profile wants done about scheduling conflicts."""

    SAVE = "save"
    """Nobody asks Dynamics."""
    WARN = "warn"
    """Dynamics is asked, the item is saved all the same, and the history says who is busy."""
    ASK = "ask"
    """Dynamics is asked first; where somebody is busy the item waits for an administrator."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The time (in Dynamics' form) that an appointment would take of its parties: all of them, whether they
    change or not."""

    row_id: str
    time: Value
    parties: tuple[Party, ...]


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody, or something, that is needed elsewhere. All texts may be empty: Dynamics may only say that
    there is a conflict."""

    name: str
    table: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Availability:
    """Dynamics' answer. ``unchecked``: why it could not say; ``everywhere``: for that reason no claim of this
    mailbox can be checked (the message is missing, or the right to it)."""

    busy: tuple[Busy, ...] = ()
    unchecked: str = ""
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What an item waits for. ``about``: what the answer will hold for (a time, a set of candidates), in a
    form to compare. ``candidates``: who it may be (CONT-9)."""

    about: str
    question: str
    candidates: tuple[Match, ...] = ()
