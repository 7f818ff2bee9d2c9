"""Writes whose answer gets lost: before they took effect, after it, or so that they take effect later on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from shared.errors import SyncError, UnknownResult

T = TypeVar("T")
BEFORE, AFTER, LATE = "before", "after", "late"
UNDER_WAY = timedelta(seconds=45)
"""So long a late write is on its way."""


class Now(Protocol):
    def __call__(self) -> datetime: ...


class Line:
    """The line to one service. ``lost``: what is to be lost next, by the name of the write, and how."""

    def __init__(self, now: Now) -> None:
        self.lost: dict[str, str] = {}
        self._now = now
        self._late: list[tuple[datetime, Callable[[], object]]] = []

    def carry(self, what: str, effect: Callable[[], T]) -> T:
        self.arrive()
        how = self.lost.pop(what, "")
        if how == LATE:
            self._late.append((self._now() + UNDER_WAY, effect))
        answer = effect() if how in ("", AFTER) else None
        if how or answer is None:
            raise UnknownResult(f"the answer of {what} was lost ({how})")
        return answer

    def arrive(self) -> None:
        """What was under way long enough takes effect, if it still can."""
        due = [effect for at, effect in self._late if at <= self._now()]
        self._late = [(at, effect) for at, effect in self._late if at > self._now()]
        for effect in due:
            with suppress(SyncError):
                effect()
