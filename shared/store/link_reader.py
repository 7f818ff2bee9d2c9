"""Reading links: few by point reads side by side, many by one scan; long values only where there are some."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from shared.errors import Transient
from shared.model.link import Link
from shared.store import keys, link_rows
from shared.store.link_rows import StoredLink
from shared.store.parallel import in_parallel
from shared.store.tables import Row, Table

SCAN_FROM = 250
"""So many links are read by a scan of the mailbox's links: a page of a thousand costs what one row costs."""
FEW = 16
"""So many links get their long values by a query each; more by one query over all that lies between."""
READS = 5
REMEMBERED = 5000


class LinkReader:
    """Also remembers which long values a link had when it was last read, so that a commit removes those that
    it replaces. Forgetting or being wrong costs a few bytes left behind, never a value."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._values: OrderedDict[tuple[str, str], frozenset[str]] = OrderedDict()

    async def names_by_exchange(self, mailbox: str, ids: Sequence[str]) -> dict[str, str]:
        """Where the index rows lead, unverified."""
        if len(ids) >= SCAN_FROM:
            wanted = {link_rows.index_key(id_): id_ for id_ in ids}
            rows = self._table.keys_between(mailbox, "x:", f"x{keys.END}", select=["RowKey", "link"])
            return {wanted[row["RowKey"]]: row["link"] async for row in rows if row["RowKey"] in wanted}

        async def one(exchange_id: str) -> Row | None:
            return await self._table.get(mailbox, link_rows.index_key(exchange_id))

        found = await in_parallel(one, ids)
        return {id_: row["link"] for id_, row in zip(ids, found, strict=True) if row is not None}

    async def by_names(self, mailbox: str, names: Iterable[str]) -> dict[str, Link]:
        wanted = sorted(set(names))
        if len(wanted) >= SCAN_FROM:
            asked = set(wanted)
            scan = self._table.keys_between(mailbox, "l:", f"l{keys.END}")
            rows = [row async for row in scan if link_rows.name_in(row) in asked]
        else:
            found = await in_parallel(lambda name: self._row(mailbox, name), wanted)
            rows = [row for row in found if row is not None]
        return await self._links(mailbox, rows)

    async def all(self, mailbox: str, kind: str | None) -> AsyncIterator[Link]:
        """Page by page, in the order of their keys."""
        page: list[Row] = []
        async for row in self._table.keys_between(mailbox, "l:", f"l{keys.END}"):
            if kind in (None, row["kind"]):
                page.append(row)
            if len(page) == 1000:
                for link in (await self._links(mailbox, page)).values():
                    yield link
                page = []
        for link in (await self._links(mailbox, page)).values():
            yield link

    async def row_keys(self, mailbox: str, name: str) -> list[str]:
        """Every row of one link, its index row left out."""
        found = [row["RowKey"] for row in await self._value_rows(mailbox, [name], ["RowKey"])]
        present = await self._table.get(mailbox, link_rows.link_key(name), ["RowKey"])
        return [*found, link_rows.link_key(name)] if present is not None else found

    def values_of(self, mailbox: str, links: Iterable[Link]) -> dict[str, frozenset[str]]:
        """The long values that the links had when they were last read or written here."""
        names = [link_rows.name_of(link.table, link.dynamics_id) for link in links]
        return {name: self._values[mailbox, name] for name in names if (mailbox, name) in self._values}

    def remember(self, mailbox: str, links: Iterable[StoredLink]) -> None:
        for stored in links:
            self._remember(mailbox, stored.name, stored.value_keys)

    def _remember(self, mailbox: str, name: str, values: frozenset[str]) -> None:
        self._values.pop((mailbox, name), None)
        if values:
            self._values[mailbox, name] = values
        while len(self._values) > REMEMBERED:
            self._values.popitem(last=False)

    async def _row(self, mailbox: str, name: str) -> Row | None:
        return await self._table.get(mailbox, link_rows.link_key(name))

    async def _links(self, mailbox: str, rows: Sequence[Row]) -> dict[str, Link]:
        """By name, with their long values."""
        values = await self._long_values(mailbox, [row for row in rows if link_rows.needs_values(row)])
        links: dict[str, Link] = {}
        for row in rows:
            name = link_rows.name_in(row)
            own = values.get(name, [])
            self._remember(mailbox, name, frozenset(str(value["RowKey"]) for value in own))
            link = link_rows.link(row, own) or await self._read_again(mailbox, name)
            if link is not None:
                links[name] = link
        return links

    async def _read_again(self, mailbox: str, name: str) -> Link | None:
        """A long value was replaced between the two reads; None when the link was dropped."""
        for _ in range(READS):
            row = await self._row(mailbox, name)
            if row is None:
                return None
            link = link_rows.link(row, await self._value_rows(mailbox, [name]))
            if link is not None:
                return link
        raise Transient(f"the long values of link {name} do not hold still")

    async def _long_values(self, mailbox: str, rows: Sequence[Row]) -> Mapping[str, list[Row]]:
        names = [link_rows.name_in(row) for row in rows]
        if len(names) <= FEW:
            found = await in_parallel(lambda name: self._value_rows(mailbox, [name]), names)
            return dict(zip(names, found, strict=True))
        grouped: dict[str, list[Row]] = {name: [] for name in names}
        for row in await self._value_rows(mailbox, names):
            if (name := link_rows.name_in(row)) in grouped:
                grouped[name].append(row)
        return grouped

    async def _value_rows(
        self, mailbox: str, names: Sequence[str], select: Sequence[str] | None = None
    ) -> list[Row]:
        begin, end = link_rows.values_range(names)
        return [row async for row in self._table.keys_between(mailbox, begin, end, select=select)]
