"""What is left out of msgraph-sdk is never missed: the adapter's own tests, on the artefact's tree."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.infra.test_package import pruned

__all__ = ["pruned"]

ROOT = Path(__file__).parents[2]
ADAPTER_TESTS = sorted(str(path) for path in (ROOT / "tests" / "wire").glob("test_graph_adapter*.py"))


def test_the_graph_adapter_works_on_what_is_left(pruned: Path) -> None:
    """All of its own tests, against the stand-in, on the pruned tree."""
    assert ADAPTER_TESTS
    rerun = subprocess.run(
        [sys.executable, "-m", "pytest", "-n0", "-p", "no:cacheprovider", *ADAPTER_TESTS],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(pruned)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert rerun.returncode == 0, rerun.stdout[-6000:]
