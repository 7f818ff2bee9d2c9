"""What one check came to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """``note``: nothing is broken, but somebody may want to know."""

    OK = "ok"
    NOTE = "note"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """``sentence`` says what was seen; ``fix`` what to do about it. Neither holds anybody's data."""

    check: str
    level: Level
    sentence: str
    fix: str = ""

    def to_json(self) -> dict[str, Any]:
        return {name: str(value) for name, value in asdict(self).items() if value}


def ok(check: str, sentence: str) -> Finding:
    return Finding(check, Level.OK, sentence)


def note(check: str, sentence: str, fix: str = "") -> Finding:
    return Finding(check, Level.NOTE, sentence, fix)


def failed(check: str, sentence: str, fix: str) -> Finding:
    return Finding(check, Level.FAILED, sentence, fix)
