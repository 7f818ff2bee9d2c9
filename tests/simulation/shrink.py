"""A failing run made short: fewer days, deeds and faults, as long as the same promise is broken."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.simulation.faults import SKEW
from tests.simulation.plan import Plan
from tests.simulation.run import Outcome, hunt
from tests.simulation.weather import WEATHERS_A_DAY

Run = Callable[[Plan], Outcome]


@dataclass
class Shrinking:
    """``promise``: what has to stay broken; ``until``: when to be content with what was reached."""

    promise: str
    best: Outcome
    until: float
    run: Run = hunt
    runs: int = 0

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.until

    def fails(self, plan: Plan) -> bool:
        self.runs += 1
        outcome = self.run(plan)
        if self.promise not in outcome.promises:
            return False
        self.best = outcome
        return True

    # --- what may be left out ---------------------------------------------------------------------

    def days(self) -> None:
        for days in range(1, self.best.plan.days):
            if not self.over and self.fails(replace(self.best.plan, days=days)):
                return

    def deeds(self) -> None:
        names = sorted(self.best.plan.only or all_names(self.best.plan))
        self._without(names, lambda left: replace(self.best.plan, only=frozenset(left)))

    def mailboxes(self) -> None:
        """The last ones, if nobody of them does anything any more."""
        for number in range(1, self.best.plan.mailboxes):
            if not self.over and self.fails(replace(self.best.plan, mailboxes=number)):
                return

    def faults(self) -> None:
        hits = list(dict.fromkeys((*self.best.faults, SKEW)))
        if not self.over and self.fails(replace(self.best.plan, faults=frozenset(hits))):
            self._without(hits, lambda left: replace(self.best.plan, faults=frozenset(left)))

    def _without(self, parts: list[str], plan: Callable[[list[str]], Plan]) -> None:
        """Delta debugging: leave out halves, then quarters, down to single ones."""
        size = len(parts)
        while parts and size and not self.over:
            size = max(1, size // 2)
            found = False
            for begin in range(0, len(parts), size):
                left = parts[:begin] + parts[begin + size :]
                if not self.over and self.fails(plan(left)):
                    parts, found = left, True
                    break
            if size == 1 and not found:
                return
            size = size * 2 if found else size


def all_names(plan: Plan) -> list[str]:
    """Of the deeds of all people and of what befalls everybody."""
    deeds = [f"{n}.{d}.{i}" for n in plan.names for d in range(plan.days) for i in range(plan.deeds)]
    return deeds + [f"weather.{d}.{i}" for d in range(plan.days) for i in range(WEATHERS_A_DAY)]


def shrunk(outcome: Outcome, seconds: float, run: Run = hunt) -> Outcome:
    """The shortest story found in that time in which the first promise that was broken is broken again."""
    work = Shrinking(outcome.broken[0].promise, outcome, time.monotonic() + seconds, run)
    for step in (work.days, work.deeds, work.mailboxes, work.faults, work.deeds):
        step()
    return work.best
