"""Which ids got which row version, in order, table by table: what deltas are read from."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator


class VersionLog:
    """Entries of rows that changed again, and of writes that were undone, stay: the reader compares each with
    what is stored."""

    def __init__(self) -> None:
        self._entries: dict[str, list[tuple[int, str]]] = defaultdict(list)

    def record(self, table: str, version: int, row_id: str) -> None:
        """Versions only rise; one that is given out again was undone, and so was all that followed it."""
        entries = self._entries[table]
        while entries and entries[-1][0] >= version:
            entries.pop()
        entries.append((version, row_id))

    def after(self, table: str, version: int) -> Iterator[tuple[int, str]]:
        entries = self._entries[table]
        for place in range(bisect_right(entries, (version, "\uffff")), len(entries)):
            yield entries[place]
