"""The present, as a callable: real time, moved by an offset file where the whole rig's clock is moved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

Now = Callable[[], datetime]


def clock(offset_file: Path | None = None) -> Now:
    """``now()`` in UTC. The file (local only) holds seconds and is read again when it was written anew."""
    if offset_file is None:
        return _real_time
    return _MovedClock(offset_file)


def _real_time() -> datetime:
    return datetime.now(UTC)


class _MovedClock:
    def __init__(self, offset_file: Path) -> None:
        self._file = offset_file
        self._written_at: int | None = None
        self._offset = timedelta()

    def __call__(self) -> datetime:
        self._read()
        return _real_time() + self._offset

    def _read(self) -> None:
        """A missing file means that nobody has moved the clock yet."""
        try:
            written_at = self._file.stat().st_mtime_ns
            if written_at != self._written_at:
                self._offset = timedelta(seconds=float(self._file.read_text() or 0))
                self._written_at = written_at
        except FileNotFoundError:
            self._offset, self._written_at = timedelta(), None
