"""When somebody who was sent away may come back: each has a turn of his own. Told the same moment, all but
the first few would find the budget used up again, and the more there are the more often."""

from __future__ import annotations

LONGEST = 900.0
"""Seconds: whoever stands further back comes then, and is told again; so a line that is estimated too long,
or whose members have gone, keeps nobody waiting in vain."""
HOPE = 0.75
"""Turns follow each other somewhat faster than passes did of late: rather sent away once more than a budget
that is not used."""


class Line:
    """Times are seconds of any one clock."""

    def __init__(self) -> None:
        self._last = float("-inf")

    def turn(self, now: float, wait: float, pace: float) -> float:
        """Seconds from now: not before ``wait``, and ``pace`` seconds, more or less, behind whoever asked
        before."""
        behind = self._last + HOPE * pace
        self._last = max(now + wait, min(behind, now + LONGEST))
        return self._last - now
