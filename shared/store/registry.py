"""Table ``mailboxes``: the subscribed mailboxes, 256 shards; one mailbox, one user, one address (MBX-3).

A mailbox's row, the claim of its user and the claim of its address stand in different partitions, so no
transaction joins them. Adding goes: the row, *unconfirmed*; the claims, each inserted if nobody has it;
the row again, *confirmed*, if it is still the one that was written. Readers see confirmed rows only.
Whoever finds a claim that leads to an unconfirmed row takes that row away first, so that its owner's last
step fails. A crash between any two steps leaves nothing that the next attempt does not take over.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from shared.errors import Conflict, NotFound
from shared.model.mailbox import Mailbox
from shared.model.values import Value
from shared.store import registry_rows as rows
from shared.store.claims import Claim, Claims, claims_of
from shared.store.codec import instant
from shared.store.parallel import in_parallel
from shared.store.tables import Row, Tables, etag_of

_CONFIRMED = "PartitionKey ge @first and PartitionKey lt @end and confirmed eq true"


class TableMailboxRegistry:
    def __init__(self, tables: Tables) -> None:
        self._table = tables.table("mailboxes")
        self._claims = Claims(self._table)

    # --- reading --------------------------------------------------------------------------------------

    async def get(self, mailbox_id: str) -> Mailbox | None:
        row = await self._row(mailbox_id)
        return rows.mailbox(row, etag_of(row)) if row is not None and row["confirmed"] else None

    async def by_user(self, user_id: str) -> Mailbox | None:
        """Two reads; a claim that leads to a mailbox of another user is nobody's."""
        mailbox_id = await self._claims.holder(Claim.of_user(user_id))
        mailbox = await self.get(mailbox_id) if mailbox_id is not None else None
        return mailbox if mailbox is not None and mailbox.user_id == user_id else None

    async def by_users(self, user_ids: Iterable[str]) -> Mapping[str, Mailbox]:
        wanted = list(dict.fromkeys(user_ids))
        found = await in_parallel(self.by_user, wanted)
        return {user: mailbox for user, mailbox in zip(wanted, found, strict=True) if mailbox is not None}

    async def all(self) -> AsyncIterator[Mailbox]:
        async for row in self._table.query(_CONFIRMED, rows.SHARDS):
            yield rows.mailbox(row, etag_of(row))

    async def due(self, now: datetime) -> AsyncIterator[Mailbox]:
        """One filtered scan, which is fine up to some 100,000 mailboxes. An unset due time sorts first."""
        text = f"{_CONFIRMED} and state eq @state and due_at le @now"
        parameters = {**rows.SHARDS, "state": "active", "now": instant(now)}
        async for row in self._table.query(text, parameters):
            yield rows.mailbox(row, etag_of(row))

    # --- writing --------------------------------------------------------------------------------------

    async def add(self, mailbox: Mailbox) -> Mailbox:
        etag = await self._place(mailbox)
        taken: list[tuple[Claim, str]] = []
        try:
            for claim in claims_of(mailbox.user_id, mailbox.address):
                taken.append((claim, await self._claims.take(claim, mailbox.id)))
            etag = await self._table.replace(rows.row(mailbox, confirmed=True), etag)
        except (Conflict, NotFound) as error:
            await self._withdraw(mailbox, etag, taken)
            raise Conflict(f"mailbox {mailbox.id} was not added: {error}") from error
        return replace(mailbox, etag=etag)

    async def update(self, mailbox: Mailbox) -> Mailbox:
        if mailbox.etag is None:
            raise Conflict(f"mailbox {mailbox.id} was never read")
        row = await self._row(mailbox.id)
        if row is None or not row["confirmed"]:
            raise NotFound(f"mailbox {mailbox.id} is not mapped")
        wanted = claims_of(mailbox.user_id, mailbox.address)
        before = claims_of(row["user_id"], row["address"])
        if wanted == before:
            etag = await self._table.replace(rows.row(mailbox, confirmed=True), mailbox.etag)
            return replace(mailbox, etag=etag)
        return await self._move(mailbox, wanted=wanted, before=before)

    async def patch(self, mailbox_id: str, **changes: Value | datetime) -> None:
        rows.check_patch(changes)
        await self._table.change(rows.key(mailbox_id) | rows.columns(changes))

    async def remove(self, mailbox: Mailbox) -> None:
        """The claims are read before the row goes and removed as they were read: should the mailbox be added
        anew in between, its claims are other versions and stay."""
        claims = claims_of(mailbox.user_id, mailbox.address)
        held = [await self._claims.held(claim, mailbox.id) for claim in claims]
        key = rows.key(mailbox.id)
        await self._table.delete(key["PartitionKey"], key["RowKey"])
        await self._claims.release(pair for pair in held if pair is not None)

    # --- the steps ------------------------------------------------------------------------------------

    async def _row(self, mailbox_id: str) -> Row | None:
        key = rows.key(mailbox_id)
        return await self._table.get(key["PartitionKey"], key["RowKey"])

    async def _place(self, mailbox: Mailbox) -> str:
        """The unconfirmed row, in place of one that an earlier attempt left."""
        entity = rows.row(mailbox, confirmed=False)
        try:
            return await self._table.insert(entity)
        except Conflict:
            present = await self._row(mailbox.id)
        if present is None or present["confirmed"]:
            raise Conflict(f"mailbox {mailbox.id} is mapped already")
        try:
            return await self._table.replace(entity, etag_of(present))
        except NotFound as error:
            raise Conflict(f"mailbox {mailbox.id} is being added by another worker") from error

    async def _withdraw(self, mailbox: Mailbox, etag: str, taken: Sequence[tuple[Claim, str]]) -> None:
        """Take back what is still ours; what another attempt made its own stays."""
        key = rows.key(mailbox.id)
        try:
            await self._table.delete(key["PartitionKey"], key["RowKey"], etag)
        except Conflict:
            return
        await self._claims.release(taken)

    async def _move(self, mailbox: Mailbox, *, wanted: Sequence[Claim], before: Sequence[Claim]) -> Mailbox:
        """To another user or address. The row first says what it is about to claim, so that nobody takes the
        new claims for stale ones."""
        new = [claim for claim in wanted if claim not in before]
        about = {"claiming": rows.claiming(claim.row_key for claim in new)}
        etag = await self._table.change(rows.key(mailbox.id) | about, mailbox.etag)
        taken: list[tuple[Claim, str]] = []
        try:
            for claim in new:
                taken.append((claim, await self._claims.take(claim, mailbox.id)))
        except Conflict:
            await self._table.change(rows.key(mailbox.id) | {"claiming": ""}, etag)
            await self._claims.release(taken)
            raise
        old = [await self._claims.held(claim, mailbox.id) for claim in before if claim not in wanted]
        etag = await self._table.replace(rows.row(mailbox, confirmed=True), etag)
        await self._claims.release(pair for pair in old if pair is not None)
        return replace(mailbox, etag=etag)
