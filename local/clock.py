"""The rig's clock: real time plus an offset that every part reads from one small file.

``local advance`` rewrites the file; all parts see the new time at once, without a message to any of
them. A stand-in can be moved alone as well (``/_control/clock``), for tests of clock skew.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path


class Clock:
    """UTC now, moved by the shared offset file (seconds, as text) and by an offset of its own."""

    def __init__(self, offset_file: Path | None = None, own_offset: float = 0.0) -> None:
        self._file = offset_file
        self._own = own_offset
        self._shared = 0.0
        self._stamp: int | None = None

    @property
    def own_offset(self) -> float:
        """Seconds by which this part alone is ahead of the others."""
        return self._own

    def advance(self, seconds: float) -> None:
        """Move this part's clock alone."""
        self._own += seconds

    def offset(self) -> float:
        """Seconds by which this clock is ahead of the machine's."""
        self._read_shared()
        return self._shared + self._own

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self.offset()

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    def _read_shared(self) -> None:
        if self._file is None:
            return
        try:
            stamp = self._file.stat().st_mtime_ns
            if stamp != self._stamp:
                self._shared = float(self._file.read_text() or 0)
                self._stamp = stamp
        except FileNotFoundError:
            self._shared = 0.0


class SimulatedClock(Clock):
    """Starts at a moment and moves only when told."""

    def __init__(self, start: datetime) -> None:
        super().__init__()
        self._start = start.timestamp()

    def time(self) -> float:
        return self._start + self.own_offset


def write_offset(offset_file: Path, seconds: float) -> None:
    """Set the shared offset; atomic, so that no reader sees half a number."""
    temporary = offset_file.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(f"{seconds}")
    temporary.replace(offset_file)


def read_offset(offset_file: Path) -> float:
    """The shared offset in seconds; 0 when nobody has moved the clock."""
    return float(offset_file.read_text() or 0) if offset_file.exists() else 0.0
