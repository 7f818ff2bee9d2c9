"""Writes under the fence: every transaction replaces the fence row on condition that nobody else did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from shared.engine.ports import Fence
from shared.errors import Conflict, FenceLost, NotFound, Transient
from shared.store import mailbox_rows
from shared.store.commit_plan import Unit
from shared.store.parallel import in_parallel
from shared.store.tables import Operation, Row, Table, TransactionRefused, Write, etag_of

ATTEMPTS = 4
"""How often a transaction is sent again without the rows that were rewritten meanwhile, before all that may
be left out is left out."""


class FencedWrites:
    """The fence row carries a token, new with each write. After a refusal or a lost answer it tells whether
    the write was ours: then it is done, not lost."""

    def __init__(self, table: Table, token: Callable[[], str]) -> None:
        self._table = table
        self._token = token

    async def claim(
        self, mailbox: str, fence: Fence | None, *, deadline: datetime, lane: str, with_it: Unit | None = None
    ) -> Fence:
        """One write, ``with_it`` in the same transaction; a read only when it did not work."""
        generation = fence.generation + 1 if fence else 1
        claimed = Fence(mailbox, generation, deadline, lane)
        token = self._token()
        row = mailbox_rows.fence_row(claimed, token)
        try:
            if with_it:
                head = Operation(Write.REPLACE if fence else Write.INSERT, row, fence.etag if fence else None)
                return replace(claimed, etag=(await self._table.submit([head, *with_it]))[0])
            if fence is None:
                return replace(claimed, etag=await self._table.insert(row))
            return replace(claimed, etag=await self._table.replace(row, fence.etag or ""))
        except (Conflict, NotFound, Transient) as error:
            done = await self._done(mailbox, token)
            if done is not None:
                return replace(claimed, etag=done)
            if isinstance(error, Transient):
                raise
            raise FenceLost(f"mailbox {mailbox} was claimed by another worker") from error

    async def still_mine(self, fence: Fence) -> bool:
        row = await self._row(fence.mailbox)
        if row is None:
            return False
        present = mailbox_rows.fence(row)
        return (present.generation, present.deadline) == (fence.generation, fence.deadline)

    async def submit(self, fence: Fence, operations: Unit) -> Fence:
        """One transaction, all or nothing save what is optional; returns the fence for the next."""
        for attempt in range(ATTEMPTS + 1):
            token = self._token()
            row = mailbox_rows.fence_row(fence, token)
            head = Operation(Write.REPLACE, row, fence.etag)
            try:
                etags = await self._table.submit([head, *operations])
                return replace(fence, etag=etags[0])
            except (TransactionRefused, Transient) as error:
                done = await self._done(fence.mailbox, token)
                if done is not None:
                    return replace(fence, etag=done)
                if isinstance(error, Transient):
                    raise
                await self._refuse_if_lost(fence, error)
                operations = await self._without_changed(operations, last=attempt == ATTEMPTS - 1)
        raise Conflict(f"commit of mailbox {fence.mailbox} is refused for another reason than its fence")

    async def _refuse_if_lost(self, fence: Fence, error: TransactionRefused) -> None:
        row = await self._row(fence.mailbox)
        if row is None or etag_of(row) != fence.etag:
            raise FenceLost(f"mailbox {fence.mailbox} was claimed by another worker") from error

    async def _without_changed(self, operations: Unit, *, last: bool) -> Unit:
        """Leave out the optional operations whose row is gone or was rewritten; at last all of them: a row
        that stays in the inbox costs a repeat, never a loss."""
        optional = [operation for operation in operations if operation.optional]
        stands = [False] * len(optional) if last else await in_parallel(self._stands, optional)
        out = {each.row_key for each, standing in zip(optional, stands, strict=True) if not standing}
        return [operation for operation in operations if operation.row_key not in out]

    async def _stands(self, operation: Operation) -> bool:
        row = await self._table.get(operation.entity["PartitionKey"], operation.row_key, ["RowKey"])
        return row is not None and operation.etag in (None, etag_of(row))

    async def _done(self, mailbox: str, token: str) -> str | None:
        """The fence's etag when the write with this token is the one that stands."""
        row = await self._row(mailbox)
        return etag_of(row) if row is not None and row.get("token") == token else None

    async def _row(self, mailbox: str) -> Row | None:
        return await self._table.get(mailbox, mailbox_rows.FENCE)
