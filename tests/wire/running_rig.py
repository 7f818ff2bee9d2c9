"""The rig as outside tools drive it: by its command line, in a directory of its own, around a sample app."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
SAMPLE_APP = ROOT / "tests" / "runtime" / "apps" / "settling"
# Timers that do not fire by themselves during a test.
YEARLY = [
    f"{name}_SCHEDULE=0 0 0 1 1 *"
    for name in ("DUE_MAILBOXES", "DYNAMICS_FEED", "RENEW_SUBSCRIPTIONS", "WATCH")
]


@dataclass
class Rig:
    """One rig's command line and what it wrote."""

    directory: Path

    def run(self, *arguments: str, expected: int = 0) -> str:
        """Run one command; its output, errors included."""
        shown = subprocess.run(
            [sys.executable, "-m", "local", "--directory", str(self.directory), *arguments],
            cwd=ROOT,
            env={**os.environ, "RIG_FUNCTIONS_APP": str(SAMPLE_APP)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=150,
            check=False,
        )
        assert shown.returncode == expected, f"{arguments}: exit code {shown.returncode}\n{shown.stdout}"
        return shown.stdout

    def up(self, *arguments: str) -> str:
        settings = [part for setting in YEARLY for part in ("--env", setting)]
        return self.run("up", "--empty", *settings, *arguments)

    @property
    def endpoints(self) -> dict[str, Any]:
        return dict(json.loads((self.directory / "endpoints.json").read_text()))

    def get(self, part: str, path: str) -> Any:
        return self._request("GET", part, path).json()

    def post(self, part: str, path: str, body: object) -> Any:
        answer = self._request("POST", part, path, json=body)
        return answer.json() if answer.content else None

    def _request(self, method: str, part: str, path: str, **options: Any) -> httpx.Response:
        url = f"{self.endpoints[part]}{path}"
        answer = httpx.request(method, url, timeout=30, trust_env=False, **options)
        answer.raise_for_status()
        return answer


@contextmanager
def running_rig(directory: Path) -> Iterator[Rig]:
    rig = Rig(directory)
    try:
        rig.up()
        yield rig
    finally:
        rig.run("down")
