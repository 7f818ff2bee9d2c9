"""The history: one table a month, made when first written and dropped whole when older than is kept."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.engine.ports import HistoryRow
from shared.errors import NotFound, Refused
from shared.store import history_rows, keys
from shared.store.codec import dumps
from shared.store.commit_plan import Unit, packed
from shared.store.parallel import in_parallel
from shared.store.tables import Operation, Row, Table, Tables, Write


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page ended; the reader's continuation, which only this module understands."""

    month: str
    position: str

    def token(self) -> str:
        return base64.urlsafe_b64encode(dumps([self.month, self.position]).encode()).decode()

    @classmethod
    def of(cls, token: str) -> _Place:
        try:
            month, position = json.loads(base64.urlsafe_b64decode(token.encode()))
            return cls(str(month), str(position))
        except ValueError as error:
            raise Refused("this is no continuation of a history", code="badContinuation") from error

    def first_in(self, month: str) -> str:
        """What follows it in that month's table."""
        return f"{self.position}~" if month == self.month else ""


_BEGIN = _Place("z", "")


class TableHistoryStore:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def add(self, mailbox: str, rows: Sequence[HistoryRow]) -> None:
        by_month: dict[str, list[tuple[int, HistoryRow]]] = {}
        for place, row in enumerate(rows):
            by_month.setdefault(history_rows.month(row.at), []).append((place, row))
        for month, numbered in by_month.items():
            await self._add(month, mailbox, numbered)

    async def of_item(
        self, mailbox: str, item_id: str | None, *, limit: int, after: str | None
    ) -> tuple[Sequence[HistoryRow], str | None]:
        begin = _Place.of(after) if after else _BEGIN
        every = await self._months()
        prefixes = await self._prefixes(every, mailbox, item_id)
        found: list[tuple[_Place, Row]] = []
        for month in reversed(every):
            if month <= begin.month and len(found) <= limit:
                wanted = limit + 1 - len(found)
                found += await self._page(month, mailbox, prefixes, begin.first_in(month), wanted)
        lines = await in_parallel(lambda each: self._line(each[0], each[1]), found[:limit])
        rows = [line for line in lines if line is not None]
        return rows, found[limit - 1][0].token() if len(found) > limit else None

    async def drop_old(self, before: datetime) -> Sequence[str]:
        """Drop the months that ended before this moment; returns their names."""
        old = [month for month in await self._months() if month < history_rows.month(before)]
        for month in old:
            await self._tables.drop(month)
        return old

    # --- writing --------------------------------------------------------------------------------------

    async def _add(self, month: str, mailbox: str, numbered: Iterable[tuple[int, HistoryRow]]) -> None:
        lines = list(numbered)
        units = [[alias] for alias in history_rows.aliases(mailbox, [row for _, row in lines])]
        for place, row in lines:
            units += history_rows.units(mailbox, row, place)
        puts: list[Unit] = [[Operation(Write.PUT, entity) for entity in unit] for unit in units]
        for transaction in packed(puts):
            await self._submit(month, transaction)

    async def _submit(self, month: str, transaction: Unit) -> None:
        table = self._tables.table(month)
        try:
            await table.submit(transaction)
        except NotFound:
            await self._tables.create(month)
            await table.submit(transaction)

    # --- reading --------------------------------------------------------------------------------------

    async def _months(self) -> list[str]:
        return sorted(await self._tables.names("history", "historz"))

    async def _prefixes(self, months: Sequence[str], mailbox: str, item_id: str | None) -> list[str]:
        """Under which keys the lines stand: those of the id and of the ids that it was paired with."""
        if item_id is None:
            return ["t"]
        begin = f"x:{keys.encode(item_id)}"

        async def others(month: str) -> list[str]:
            rows = await self._rows(self._tables.table(month), mailbox, f"{begin}:", begin + keys.END, 1000)
            return [str(row["other"]) for row in rows]

        known = {item_id, *(id_ for found in await in_parallel(others, months) for id_ in found)}
        return [f"i:{keys.encode(id_)}" for id_ in sorted(known)]

    async def _page(
        self, month: str, mailbox: str, prefixes: Sequence[str], first: str, wanted: int
    ) -> list[tuple[_Place, Row]]:
        """The newest lines of a month from ``first`` on."""
        table = self._tables.table(month)

        async def of_prefix(prefix: str) -> list[Row]:
            return await self._rows(table, mailbox, f"{prefix}:{first}", prefix + keys.END, wanted)

        rows = [row for rows in await in_parallel(of_prefix, prefixes) for row in rows]
        placed = [(_Place(month, history_rows.position_in(row["RowKey"])), row) for row in rows]
        return sorted(placed, key=lambda each: each[0].position)[:wanted]

    async def _rows(self, table: Table, mailbox: str, first: str, end: str, wanted: int) -> list[Row]:
        """Up to so many rows; none when the month was dropped meanwhile."""
        found: list[Row] = []
        try:
            async for row in table.keys_between(mailbox, first, end, page=wanted):
                found.append(row)
                if len(found) == wanted:
                    break
        except NotFound:
            return []
        return found

    async def _line(self, place: _Place, row: Row) -> HistoryRow | None:
        """From the line's row or the thin one; None when the month was dropped meanwhile."""
        table, mailbox = self._tables.table(place.month), str(row["PartitionKey"])
        line: Row | None = row
        if "item" in row:
            line = await table.get(mailbox, history_rows.line_key(row["item"], place.position))
        if line is None:
            return None
        begin, parts = f"o:{place.position}", int(line["parts"])
        beside = await self._rows(table, mailbox, f"{begin}:", begin + keys.END, parts) if parts else []
        return history_rows.line(line, beside)
