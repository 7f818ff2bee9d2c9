"""Which rows of a table changed in which place, in order: what deltas are read from.

Every change has a number that rises; a row carries the one of its last change as ``seq``. A row that left its
place leaves a trace there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from local.journaled import JournaledTables

Json = dict[str, Any]


class ChangeLog:
    """``place`` is the property of a row that says where it is: its calendar, its folder, its list."""

    def __init__(self, tables: JournaledTables, rows: str, traces: str, place: str) -> None:
        self._tables = tables
        self._rows = rows
        self._traces = traces
        self._place = place
        self._logs: dict[str, list[tuple[int, str]]] = {}
        kept = [*tables.table(traces).values(), *tables.table(rows).values()]
        for row in sorted(kept, key=lambda row: row["seq"]):
            self.record(row)

    def record(self, row: Json) -> None:
        self._logs.setdefault(row[self._place], []).append((row["seq"], row["id"]))

    def bury(self, row: Json, seq: int) -> None:
        """Leave a trace of a row in the place it is no longer in."""
        trace = {name: row[name] for name in ("id", "restId", self._place, "user")} | {"seq": seq}
        self._tables.put(self._traces, f"{row[self._place]} {row['id']}", trace)
        self.record(trace)

    def changed_since(self, place: str, seq: int) -> Iterator[tuple[int, str]]:
        """Changes after a number, oldest first; of each row only the last one."""
        log = self._logs.get(place, [])
        for position in range(bisect_right(log, (seq, "\uffff")), len(log)):
            number, row_id = log[position]
            if self._last_change(place, row_id) == number:
                yield number, row_id

    def _last_change(self, place: str, row_id: str) -> int:
        row = self._tables.get(self._rows, row_id)
        if row is not None and row[self._place] == place:
            return int(row["seq"])
        trace = self.trace(place, row_id)
        return int(trace["seq"]) if trace else -1

    def trace(self, place: str, row_id: str) -> Json | None:
        """What is left of a row that is no longer in a place."""
        return self._tables.get(self._traces, f"{place} {row_id}")

    def latest(self, place: str) -> int:
        log = self._logs.get(place)
        return log[-1][0] if log else 0
