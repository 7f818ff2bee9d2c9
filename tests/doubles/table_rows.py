"""The rows of one table in the order of their keys, each with its version."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.table_filters import Filter

Key = tuple[str, str]


@dataclass(slots=True)
class Stored:
    columns: dict[str, Any]
    etag: str


@dataclass(slots=True)
class _Partition:
    rows: dict[str, Stored] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)


class Rows:
    """``etag``: gives a new one at each call."""

    def __init__(self, etag: Callable[[], str]) -> None:
        self._etag = etag
        self._partitions: dict[str, _Partition] = {}
        self._sorted: list[str] | None = []

    def get(self, partition: str, row: str) -> Stored | None:
        found = self._partitions.get(partition)
        return found.rows.get(row) if found is not None else None

    def put(self, columns: Mapping[str, Any], *, merge: bool) -> str:
        """Insert or replace, or change the named columns; the new version."""
        partition, row = columns["PartitionKey"], columns["RowKey"]
        found = self._partitions.get(partition)
        if found is None:
            found = self._partitions[partition] = _Partition()
            self._sorted = None
        present = found.rows.get(row)
        if present is None:
            insort(found.keys, row)
        kept = {**present.columns, **columns} if merge and present is not None else dict(columns)
        stored = found.rows[row] = Stored(kept, self._etag())
        return stored.etag

    def remove(self, partition: str, row: str) -> None:
        found = self._partitions[partition]
        del found.rows[row]
        del found.keys[bisect_left(found.keys, row)]
        if not found.keys:
            del self._partitions[partition]
            self._sorted = None

    def page(self, wanted: Filter, begin: Key | None, size: int) -> tuple[list[Stored], Key | None]:
        """Up to so many rows from the key on at which the last page ended, and where the next one begins."""
        rows: list[Stored] = []
        for key, stored in self._from(wanted, begin or ("", "")):
            if wanted.others and not wanted.takes(stored.columns):
                continue
            if len(rows) == size:
                return rows, key
            rows.append(stored)
        return rows, None

    def _from(self, wanted: Filter, begin: Key) -> Iterator[tuple[Key, Stored]]:
        for name in self._names(wanted, begin[0]):
            partition = self._partitions[name]
            first = max(wanted.rows.first, begin[1] if name == begin[0] else "")
            keys = partition.keys
            for place in range(bisect_left(keys, first), len(keys)):
                row = keys[place]
                if wanted.rows.beyond(row):
                    break
                if not wanted.rows.before(row):
                    yield (name, row), partition.rows[row]

    def _names(self, wanted: Filter, first: str) -> list[str]:
        """The partitions that a scan from ``first`` on goes through, in order."""
        bounds = wanted.partitions
        if bounds.first == bounds.end:
            name = bounds.first
            return [name] if name in bounds and name >= first and name in self._partitions else []
        if self._sorted is None:
            self._sorted = sorted(self._partitions)
        begin = bisect_left(self._sorted, max(bounds.first, first))
        end = len(self._sorted)
        if bounds.end is not None:
            end = bisect_left(self._sorted, bounds.end)
            end += bounds.closed and end < len(self._sorted) and self._sorted[end] == bounds.end
        found = self._sorted[begin:end]
        return found[1:] if found and bounds.before(found[0]) else found
