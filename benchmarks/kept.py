"""What was measured already with this very code: a run that broke goes on where it was."""

from __future__ import annotations

import pickle
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Kept:
    """``code``: nothing is kept from one code to another. ``anew``: measure whatever is there."""

    code: str
    anew: bool = False

    def __call__(self, name: str, measure: Callable[[], Any]) -> Any:
        file = Path(tempfile.gettempdir()) / f"benchmarks-{self.code}" / f"{name}.pickle"
        if file.exists() and not self.anew:
            _say(f"{name}: measured already")
            return pickle.loads(file.read_bytes())
        found = measure()
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(pickle.dumps(found))
        _say(name)
        return found


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)
