"""The hunt in CI: five minutes of fresh seeds, and every story in which a promise was once broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.log import seed_of_the_code
from tests.simulation.plan import read_plan
from tests.simulation.run import hunt

ROOT = Path(__file__).parents[2]
FAILED: list[dict[str, Any]] = json.loads((ROOT / "tests/simulation/failed.json").read_text())
"""``plan``, ``promise`` (what was broken), ``mended`` (by which commit, or what it was)."""
MINUTES = os.environ.get("HUNT_MINUTES", "5")
WORLDS = "24"
"""At most: more than two cores get through in that time."""


@pytest.mark.slow
def test_stories_that_once_ended_badly_end_well() -> None:
    for story in FAILED:
        outcome = hunt(read_plan(story["plan"]))
        assert not outcome.broken, "\n".join(map(str, (story, *outcome.broken, *outcome.story)))


@pytest.mark.slow
def test_minutes_of_fresh_seeds_break_no_promise() -> None:
    """Fresh with every change of the code (``make hunt`` begins at the present second); each failing one is
    printed with its story made short."""
    first = str(seed_of_the_code())
    command = [sys.executable, "-m", "tests.simulation.hunt", "--minutes", MINUTES, "--stop-after", "1"]
    command += ["--first", first, "--worlds", WORLDS]
    print("the first seed:", first)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert "worlds" in done.stdout, done.stderr
    assert done.returncode == 0, done.stdout
