"""Something that somebody should know: what it is, since when, and whether it is over (MBX-19)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """Microsoft's three levels. Errors and information are told, by mail in Azure; warnings are listed only,
    because they may pass by themselves (MBX-19)."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"

    @property
    def told(self) -> bool:
        return self is not Severity.WARNING


@dataclass(frozen=True, slots=True)
class Alert:
    """One condition, one row. ``key`` is what it is and of what; ``count`` how many things it is about now.
    Not ``raised_at`` yet: it was seen, but may pass. ``cleared_at``: it was over then."""

    key: str
    what: str
    severity: Severity
    first_seen_at: datetime
    last_seen_at: datetime
    mailbox: str = ""
    count: int = 1
    raised_at: datetime | None = None
    cleared_at: datetime | None = None

    @property
    def active(self) -> bool:
        return self.raised_at is not None and self.cleared_at is None
