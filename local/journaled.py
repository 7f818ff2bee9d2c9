"""Tables in memory with an append-only journal on disk: what a stand-in acknowledged survives SIGKILL.

A value is JSON. Each transaction is one line, written and flushed to the operating system before the
caller answers its client; a half-written last line (killed in mid-write) was never acknowledged and is
dropped when the journal is read again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

Json = Any


class JournaledTables:
    """``tables[name][key] = value``, journaled. Values must not be changed in place: put them again."""

    def __init__(self, journal: Path | None = None) -> None:
        self._tables: dict[str, dict[str, Json]] = {}
        self._pending: list[list[Json]] | None = None
        self._journal: TextIO | None = None
        if journal is not None:
            self._open(journal)

    def table(self, name: str) -> dict[str, Json]:
        """The rows of one table by key; read only by convention."""
        try:
            return self._tables[name]
        except KeyError:
            return self._tables.setdefault(name, {})

    def get(self, name: str, key: str) -> Json | None:
        return self.table(name).get(key)

    def put(self, name: str, key: str, value: Json) -> None:
        self.table(name)[key] = value
        self._record([name, key, value])

    def delete(self, name: str, key: str) -> None:
        if self.table(name).pop(key, None) is not None:
            self._record([name, key])

    def clear(self, name: str) -> None:
        for key in list(self.table(name)):
            self.delete(name, key)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything put or deleted inside becomes one journal line. Nested ones join the outer."""
        if self._pending is not None:
            yield
            return
        self._pending = []
        try:
            yield
        finally:
            changes, self._pending = self._pending, None
            if changes:
                self._write(changes)

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _record(self, change: list[Json]) -> None:
        if self._pending is not None:
            self._pending.append(change)
        else:
            self._write([change])

    def _write(self, changes: list[list[Json]]) -> None:
        if self._journal is not None:
            self._journal.write(json.dumps(changes, separators=(",", ":")) + "\n")
            self._journal.flush()

    def _open(self, journal: Path) -> None:
        journal.parent.mkdir(parents=True, exist_ok=True)
        if journal.exists():
            self._replay(journal)
            self._compact(journal)
        self._journal = journal.open("a", encoding="utf-8")

    def _replay(self, journal: Path) -> None:
        for line in journal.read_text(encoding="utf-8").splitlines():
            try:
                changes = json.loads(line)
            except ValueError:
                break
            for change in changes:
                if len(change) == 3:
                    self.table(change[0])[change[1]] = change[2]
                else:
                    self.table(change[0]).pop(change[1], None)

    def _compact(self, journal: Path) -> None:
        temporary = journal.with_suffix(".compact")
        with temporary.open("w", encoding="utf-8") as out:
            for name, rows in self._tables.items():
                for key, value in rows.items():
                    out.write(json.dumps([[name, key, value]], separators=(",", ":")) + "\n")
        temporary.replace(journal)
