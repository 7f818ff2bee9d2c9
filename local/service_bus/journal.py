"""The broker's append-only journal: what was acknowledged survives SIGKILL.

Changes are collected and handed to the operating system by ``flush``, which the connections call before
they write to their sockets: nothing is acknowledged that is not on its way to disk. What one ``flush``
writes is one line of JSON, so it counts as a whole or, torn by a kill, not at all. Starting compacts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Change = list[Any]


class Journal:
    """Changes of all queues in one file; without a file, a journal that keeps nothing."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._descriptor: int | None = None
        self._pending: list[Change] = []

    def replay(self) -> Iterator[Change]:
        """The changes recorded so far, oldest first, up to a torn line."""
        if self._file is None or not self._file.exists():
            return
        with self._file.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    return
                yield from json.loads(line)

    def start(self, snapshot: Iterable[Change]) -> None:
        """Replace the journal by the changes that lead to the present state, and open it for more."""
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._file.with_suffix(".compact")
        with temporary.open("w", encoding="utf-8") as out:
            out.writelines(_line([change]) for change in snapshot)
        temporary.replace(self._file)
        self._descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND)

    def append(self, change: Change) -> None:
        if self._descriptor is not None:
            self._pending.append(change)

    def flush(self) -> None:
        """Hand everything appended to the operating system."""
        if not self._pending or self._descriptor is None:
            return
        data = _line(self._pending).encode()
        self._pending.clear()
        while data:
            data = data[os.write(self._descriptor, data) :]

    def close(self) -> None:
        self.flush()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _line(changes: list[Change]) -> str:
    return json.dumps(changes, separators=(",", ":")) + "\n"
