"""Claims of table ``mailboxes``: this user, this address belongs to that mailbox and to no other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.errors import Conflict, NotFound
from shared.store import keys
from shared.store import registry_rows as rows
from shared.store.tables import Entity, Row, Table, etag_of

ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed: its row's key, without the mailbox that has it."""

    row_key: str

    @classmethod
    def of_user(cls, user_id: str) -> Claim:
        return cls(f"user:{keys.encode(user_id)}")

    @classmethod
    def of_address(cls, address: str) -> Claim:
        return cls(f"address:{keys.encode(address.lower())}")

    def entity(self, mailbox_id: str) -> Entity:
        return {"PartitionKey": self.partition, "RowKey": self.row_key, "mailbox": mailbox_id}

    @property
    def partition(self) -> str:
        return f"c{keys.shard(self.row_key)}"


def claims_of(user_id: str, address: str) -> tuple[Claim, ...]:
    return (Claim.of_user(user_id), Claim.of_address(address))


class Claims:
    def __init__(self, table: Table) -> None:
        self._table = table

    async def holder(self, claim: Claim) -> str | None:
        """The mailbox that the claim leads to, which may be gone or have moved on."""
        row = await self._table.get(claim.partition, claim.row_key)
        return str(row["mailbox"]) if row is not None else None

    async def held(self, claim: Claim, mailbox_id: str) -> tuple[Claim, str] | None:
        """The claim with its version, when it leads to this mailbox."""
        row = await self._table.get(claim.partition, claim.row_key)
        return (claim, etag_of(row)) if row is not None and row["mailbox"] == mailbox_id else None

    async def take(self, claim: Claim, mailbox_id: str) -> str:
        """Its new version; raises Conflict when a mailbox really has it. A claim of our own is written anew:
        whoever is about to release the former version then releases nothing."""
        for _ in range(ATTEMPTS):
            try:
                return await self._table.insert(claim.entity(mailbox_id))
            except Conflict:
                row = await self._table.get(claim.partition, claim.row_key)
            if row is None or not await self._free(claim, row, mailbox_id):
                continue
            try:
                return await self._table.replace(claim.entity(mailbox_id), etag_of(row))
            except (Conflict, NotFound):
                continue
        raise Conflict(f"{claim.row_key} is claimed by several at once")

    async def release(self, taken: Iterable[tuple[Claim, str]]) -> None:
        for claim, etag in taken:
            try:
                await self._table.delete(claim.partition, claim.row_key, etag)
            except Conflict:
                continue

    async def _free(self, claim: Claim, row: Row, mailbox_id: str) -> bool:
        """True when the claim may be replaced; an unconfirmed holder loses its row first."""
        if row["mailbox"] == mailbox_id:
            return True
        key = rows.key(row["mailbox"])
        holder = await self._table.get(key["PartitionKey"], key["RowKey"])
        if holder is None or not _has(holder, claim):
            return True
        if holder["confirmed"]:
            raise Conflict(f"{claim.row_key} belongs to mailbox {row['mailbox']}")
        try:
            await self._table.delete(key["PartitionKey"], key["RowKey"], etag_of(holder))
        except Conflict:
            return False
        return True


def _has(holder: Row, claim: Claim) -> bool:
    """Whether the mailbox has the claim, or is about to."""
    return claim in claims_of(holder["user_id"], holder["address"]) or claim.row_key in rows.claimed(holder)
