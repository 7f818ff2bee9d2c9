"""What each mailbox lived through on each day: how many edits, faults and passes. It says which days were
hostile by the measure of the project: the others do not count."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from local.clock import Clock

DAY = 86_400.0
LEAST_EDITS, LEAST_KINDS, LEAST_FAULTS = 10, 3, 3


@dataclass
class MailboxDay:
    """``edits`` by kind and side. ``longest``: seconds between two passes, or one and the day's end."""

    edits: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    passes: int = 0
    longest: float = 0.0

    def missing(self, patience: float) -> str:
        """Why this was no hostile day; empty if it was. ``patience``: seconds in which a pass is due."""
        kinds = {kind for kind, _ in self.edits}
        sides = {side for _, side in self.edits}
        wanted = (
            (self.edits.total() >= LEAST_EDITS, f"{self.edits.total()} edits"),
            (len(kinds) >= LEAST_KINDS, f"{len(kinds)} kinds"),
            (len(sides) == 2, f"{len(sides)} sides"),
            (self.faults.total() >= LEAST_FAULTS, f"{self.faults.total()} faults"),
            (self.longest <= patience, f"no pass for {self.longest:.0f} s"),
        )
        return ", ".join(words for good, words in wanted if not good)


@dataclass
class Diary:
    """``began``: the first day's beginning, by the simulation's clock."""

    clock: Clock
    began: float = 0.0
    days: dict[tuple[str, int], MailboxDay] = field(default_factory=dict)
    _last: dict[str, float] = field(default_factory=dict)

    def begin(self, mailboxes: list[str]) -> None:
        self.began = self.clock.time()
        self.days.clear()
        self._last = dict.fromkeys(mailboxes, self.began)

    def edited(self, mailbox: str, kind: str, side: str) -> None:
        self._day(mailbox).edits[kind, side] += 1

    def wrong(self, mailbox: str, what: str) -> None:
        """``mailbox`` is whom the worker served to whom it happened."""
        if mailbox in self._last:
            self._day(mailbox).faults[what] += 1

    def befell_all(self, what: str) -> None:
        for mailbox in self._last:
            self.wrong(mailbox, what)

    def passed(self, mailbox: str) -> None:
        if mailbox in self._last:
            day = self._day(mailbox)
            day.passes += 1
            self._gap(mailbox, day)

    def waited(self, mailbox: str) -> float:
        """The longest time in seconds without a pass."""
        return max((day.longest for (whose, _), day in self.days.items() if whose == mailbox), default=0.0)

    def end_day(self) -> None:
        """Called when a day is over, before the next one begins."""
        for mailbox in self._last:
            self._gap(mailbox, self._day(mailbox, self.clock.time() - 1))

    def _gap(self, mailbox: str, day: MailboxDay) -> None:
        now = self.clock.time()
        day.longest = max(day.longest, now - self._last[mailbox])
        self._last[mailbox] = now

    def _day(self, mailbox: str, at: float | None = None) -> MailboxDay:
        number = int(((self.clock.time() if at is None else at) - self.began) // DAY)
        return self.days.setdefault((mailbox, number), MailboxDay())
