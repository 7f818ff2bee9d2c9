"""Between which steps of a pass its worker is killed: each costs a process, so some are drawn
(``CRASH_SEED``); in memory it is between any two."""

from __future__ import annotations

import os
import random

SEED = int(os.environ.get("CRASH_SEED", "3"))
DRAWN = 7


def drawn(steps: int, between: int = DRAWN) -> list[int]:
    """The first step, the last, and some between."""
    some = random.Random(SEED).sample(range(2, steps), min(between, steps - 2))
    return sorted({1, steps, *some})
