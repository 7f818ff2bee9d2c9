"""The partition of one mailbox in table ``state``: agenda, fence, links, and the commit that joins them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from shared.engine.ports import Agenda, Changes, Cursor, Fence, HeldRow, InboxRow
from shared.errors import Conflict, FenceLost, NotFound
from shared.model.link import Link
from shared.store import commit_plan, link_rows, mailbox_rows
from shared.store.commit_plan import Known, Unit
from shared.store.fenced import FencedWrites
from shared.store.link_reader import LinkReader
from shared.store.parallel import in_parallel
from shared.store.tables import Operation, Tables, Write, etag_of

BESIDE_INBOX = 250
"""Rows of an agenda beside its inbox that still come with the first page."""


def _token() -> str:
    return uuid4().hex


class TableMailboxStore:
    """``token`` gives a new text at each call."""

    def __init__(self, tables: Tables, token: Callable[[], str] = _token) -> None:
        self._table = tables.table("state")
        self._reader = LinkReader(self._table)
        self._fenced = FencedWrites(self._table, token)

    # --- the agenda and the fence ---------------------------------------------------------------------

    async def agenda(self, mailbox: str, *, inbox_limit: int) -> Agenda:
        """One query; more only for more rows than a page."""
        fence: Fence | None = None
        cursors: dict[str, Cursor] = {}
        inbox: list[InboxRow] = []
        held: list[HeldRow] = []
        page = inbox_limit + 1 + BESIDE_INBOX
        async for row in self._table.keys_between(mailbox, *mailbox_rows.AGENDA, page=page):
            if mailbox_rows.is_inbox(row):
                if len(inbox) == inbox_limit:
                    return Agenda(fence, cursors, tuple(inbox), tuple(held), more_inbox=True)
                inbox.append(mailbox_rows.inbox(row))
            elif mailbox_rows.is_cursor(row):
                cursor = mailbox_rows.cursor(row)
                cursors[cursor.feed] = cursor
            elif mailbox_rows.is_held(row):
                held.append(mailbox_rows.held(row))
            else:
                fence = mailbox_rows.fence(row)
        return Agenda(fence, cursors, tuple(inbox), tuple(held))

    async def claim(
        self,
        mailbox: str,
        fence: Fence | None,
        *,
        deadline: datetime,
        lane: str,
        links: Sequence[Link] = (),
    ) -> Fence:
        """Links too many for the claim's transaction follow in their own, under the new fence."""
        stored = [link_rows.store(mailbox, link) for link in links]
        known = await self._known(mailbox, Changes(links=links))
        units = commit_plan.transactions(mailbox, Changes(links=links), stored, known)
        claimed = await self._fenced.claim(mailbox, fence, deadline=deadline, lane=lane, with_it=units[0])
        for unit in units[1:]:
            claimed = await self._fenced.submit(claimed, unit)
        self._reader.remember(mailbox, stored)
        return claimed

    async def still_mine(self, fence: Fence) -> bool:
        return await self._fenced.still_mine(fence)

    # --- links ----------------------------------------------------------------------------------------

    async def links_by_exchange(self, mailbox: str, ids: Iterable[str]) -> Mapping[str, Link]:
        wanted = list(dict.fromkeys(ids))
        names = await self._reader.names_by_exchange(mailbox, wanted)
        links = await self._reader.by_names(mailbox, names.values())
        found = {id_: links[name] for id_, name in names.items() if name in links}
        return {id_: link for id_, link in found.items() if link.exchange_id == id_}

    async def links_by_dynamics(
        self, mailbox: str, keys: Iterable[tuple[str, str]]
    ) -> Mapping[tuple[str, str], Link]:
        names = {key: link_rows.name_of(*key) for key in keys}
        links = await self._reader.by_names(mailbox, names.values())
        return {key: links[name] for key, name in names.items() if name in links}

    def links(self, mailbox: str, kind: str | None = None) -> AsyncIterator[Link]:
        return self._reader.all(mailbox, kind)

    # --- writing --------------------------------------------------------------------------------------

    async def announce(self, fence: Fence, link: Link) -> None:
        """Not in the fence's transaction, so the order does what the fence does elsewhere: the link's row is
        read, then the fence, then the row is written if it is the one that was read."""
        stored = link_rows.store(fence.mailbox, link)
        present = await self._table.get(fence.mailbox, stored.row["RowKey"], ["RowKey"])
        if not await self.still_mine(fence):
            raise FenceLost(f"mailbox {fence.mailbox} was claimed by another worker")
        write, etag = (Write.REPLACE, etag_of(present)) if present else (Write.INSERT, None)
        units = commit_plan.link_units(stored, Operation(write, stored.row, etag), indexed=True)
        for unit in commit_plan.packed(units):
            try:
                await self._table.submit(unit)
            except Conflict as error:
                raise FenceLost(f"another worker wrote link {stored.name} meanwhile") from error

    async def commit(self, fence: Fence, changes: Changes) -> Fence:
        stored = [link_rows.store(fence.mailbox, link) for link in changes.links]
        known = await self._known(fence.mailbox, changes)
        for transaction in commit_plan.transactions(fence.mailbox, changes, stored, known):
            fence = await self._fenced.submit(fence, transaction)
        self._reader.remember(fence.mailbox, stored)
        return fence

    async def _known(self, mailbox: str, changes: Changes) -> Known:
        """Reads only for links that ended or are dropped: they must not take an Exchange id from another."""
        apart = [link for link in changes.links if link.state.ended] + list(changes.dropped_links)
        ids = {link.exchange_id for link in apart if link.exchange_id}
        holders = await self._holders(mailbox, sorted(ids)) if ids else {}
        dropped: dict[str, Sequence[str]] = {}
        for link in changes.dropped_links:
            name = link_rows.name_of(link.table, link.dynamics_id)
            dropped[name] = await self._reader.row_keys(mailbox, name)
        return Known(holders, self._reader.values_of(mailbox, changes.links), dropped)

    async def _holders(self, mailbox: str, ids: Sequence[str]) -> dict[str, str]:
        found = await self.links_by_exchange(mailbox, ids)
        return {id_: link_rows.name_of(link.table, link.dynamics_id) for id_, link in found.items()}

    async def add_inbox(self, mailbox: str, rows: Sequence[InboxRow]) -> None:
        latest = {mailbox_rows.inbox_key(row): mailbox_rows.inbox_row(mailbox, row) for row in rows}
        puts: list[Unit] = [[Operation(Write.PUT, row)] for row in latest.values()]
        for transaction in commit_plan.packed(puts) if puts else []:
            await self._table.submit(transaction)

    async def delete_mailbox(self, mailbox: str) -> None:
        """Everything. The fence goes first: its worker stops."""
        await self._table.delete(mailbox, mailbox_rows.FENCE)
        batch: Unit = []
        async for row in self._table.query("PartitionKey eq @p", {"p": mailbox}, select=["RowKey"]):
            entity = {"PartitionKey": mailbox, "RowKey": row["RowKey"]}
            batch.append(Operation(Write.DELETE, entity))
            if len(batch) == commit_plan.ROOM:
                await self._delete(batch)
                batch = []
        await self._delete(batch)

    async def _delete(self, batch: Unit) -> None:
        """One by one when a row of the batch was deleted by somebody else."""
        if not batch:
            return
        try:
            await self._table.submit(batch)
        except (Conflict, NotFound):
            entities = [operation.entity for operation in batch]
            await in_parallel(lambda row: self._table.delete(row["PartitionKey"], row["RowKey"]), entities)
