"""The rig's directory (``.local`` in the checkout): where data, logs and the record of what runs are."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class RigError(Exception):
    """Something the person at the command line must know; printed without a traceback."""


@dataclass(frozen=True)
class RigDirectory:
    """Paths below one rig's directory."""

    path: Path = ROOT / ".local"

    @property
    def endpoints(self) -> Path:
        return self.path / "endpoints.json"

    @property
    def record(self) -> Path:
        return self.path / "rig.json"

    @property
    def clock(self) -> Path:
        return self.path / "clock"

    def log(self, part: str) -> Path:
        return self.path / "logs" / f"{part}.log"

    def state(self, part: str) -> Path:
        """A part's own data; kept by ``up --keep``."""
        return self.path / "state" / part

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One command at a time changes the rig; a second one waits."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def start_from_nothing(self) -> None:
        """Forget the last rig's data, logs and clock."""
        for folder in ("state", "logs"):
            shutil.rmtree(self.path / folder, ignore_errors=True)
        for file in (self.endpoints, self.record, self.clock):
            file.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file, None when there is no file."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a file at once or not at all; for its owner only, it may hold the rig's keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)
