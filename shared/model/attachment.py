"""Attachments of one appointment as both sides list them, and what a link remembers of them (APPT-11)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from shared.model.values import Side


class FileKind(StrEnum):
    """Only files travel; what else hangs on an event stays where it is, with its name as the reason."""

    FILE = "file"
    INLINE = "image of the body"
    ITEM = "attached item"
    REFERENCE = "address of a file elsewhere"


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attachment as a side lists it. ``version`` changes when its content may have changed; ``size`` is
    what that side measures (Exchange: more than the file has bytes). ``sha256`` is empty as long as nobody
    has read the content."""

    id: str
    name: str
    version: str
    size: int
    kind: FileKind = FileKind.FILE
    content_type: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Files:
    """What hangs on both sides of one appointment. ``unreadable``: what had to be known and could not be
    read, in words; nothing is decided about files then."""

    exchange: tuple[Attachment, ...] = ()
    dynamics: tuple[Attachment, ...] = ()
    unreadable: str = ""

    def of(self, side: Side) -> tuple[Attachment, ...]:
        return self.exchange if side is Side.EXCHANGE else self.dynamics


@dataclass(frozen=True, slots=True)
class Seen:
    """An attachment of one side as it was when both sides last agreed."""

    id: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """One file on both sides; the base of attachments. Of one that only one side has, ``left`` says why it
    was not brought over; it is not tried again until it changes there."""

    sha256: str
    exchange: Seen | None = None
    dynamics: Seen | None = None
    left: str = ""

    def of(self, side: Side) -> Seen | None:
        return self.exchange if side is Side.EXCHANGE else self.dynamics


DEFAULT_LARGEST = 5_242_880


@dataclass(frozen=True, slots=True)
class FileLimits:
    """What the Dynamics organization takes (EMI-22): ``largest`` in characters of the encoded file, blocked
    extensions in lower case and without their dot."""

    largest: int = DEFAULT_LARGEST
    blocked: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be attached, with its content."""

    name: str
    content_type: str
    content: bytes
