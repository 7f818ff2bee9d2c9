"""A rig whose processes are killed all the time keeps its promises, with a fresh seed and with old ones."""

from __future__ import annotations

import pytest

from tests.marks import rule
from tests.rig_crashes.__main__ import show
from tests.rig_crashes.run import run
from tests.simulation.log import seed_of_the_code

FRESH = seed_of_the_code()
FAILED = (2, 14, 21)
"""2: an occurrence edited between the reading and the marking of its series was taken for an echo.
14: an event deleted after the worker died making its row came back. 21: so did a row, the other way round."""
MINUTES = 1.2


@rule("MBX-16")
@pytest.mark.parametrize("seed", [pytest.param(FRESH, id="fresh"), *FAILED])
def test_killed_processes_lose_double_and_surprise_nothing(seed: int) -> None:
    """The seed says what people do and what is killed; how processes interleave it does not."""
    print(f"seed {seed}: python -m tests.rig_crashes --seed {seed} --minutes {MINUTES}")
    outcome = run(seed, MINUTES)
    show(outcome)
    assert not outcome.broken
