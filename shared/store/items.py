"""Table ``items``: which mailboxes hold a Dynamics row, which of them owns it, and who knows an iCalUId.

Partition = Dynamics table and id: an ``owner`` row and an ``m:`` row per mailbox. A meeting's iCalUId has
a partition of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.engine.ports import ItemEntry
from shared.errors import Conflict, NotFound
from shared.store import keys
from shared.store.parallel import in_parallel
from shared.store.tables import Entity, Tables, etag_of

_OWNER = "owner"
_MEMBERS = "m:"
ATTEMPTS = 5


class TableItemIndex:
    def __init__(self, tables: Tables) -> None:
        self._table = tables.table("items")

    async def entry(self, table: str, dynamics_id: str) -> ItemEntry:
        owner: str | None = None
        mailboxes: list[str] = []
        ended: list[str] = []
        parameters = {"partition": _partition(table, dynamics_id)}
        async for row in self._table.query("PartitionKey eq @partition", parameters):
            if row["RowKey"] == _OWNER:
                owner = row["mailbox"]
            elif row.get("ended"):
                ended.append(row["mailbox"])
            else:
                mailboxes.append(row["mailbox"])
        return ItemEntry(owner, tuple(sorted(mailboxes)), tuple(sorted(ended)))

    async def entries(self, table: str, ids: Sequence[str]) -> Mapping[str, ItemEntry]:
        """Those that any mailbox holds; a query each, side by side."""
        wanted = list(dict.fromkeys(ids))
        found = await in_parallel(lambda id_: self.entry(table, id_), wanted)
        return {id_: entry for id_, entry in zip(wanted, found, strict=True) if entry != ItemEntry(None)}

    async def join(self, table: str, dynamics_id: str, mailbox: str) -> None:
        await self._table.put(_member(table, dynamics_id, mailbox))

    async def leave(self, table: str, dynamics_id: str, mailbox: str) -> None:
        """Ownership first: a member without it is harmless, an owner that is no member is not."""
        await self._give_up(table, dynamics_id, mailbox)
        member = _member(table, dynamics_id, mailbox)
        await self._table.delete(member["PartitionKey"], member["RowKey"])

    async def end(self, table: str, dynamics_id: str, mailbox: str) -> None:
        await self._give_up(table, dynamics_id, mailbox)
        await self._table.put({**_member(table, dynamics_id, mailbox), "ended": True})

    async def _give_up(self, table: str, dynamics_id: str, mailbox: str) -> None:
        for _ in range(ATTEMPTS):
            row = await self._table.get(_partition(table, dynamics_id), _OWNER)
            if row is None or row["mailbox"] != mailbox:
                break
            try:
                await self._table.delete(row["PartitionKey"], _OWNER, etag_of(row))
            except Conflict:
                continue
            break

    async def own(self, table: str, dynamics_id: str, mailbox: str, *, instead_of: str | None) -> str:
        """One write when nobody owns the item yet; the row that stands decides, so a lost answer does too."""
        entity = {"PartitionKey": _partition(table, dynamics_id), "RowKey": _OWNER, "mailbox": mailbox}
        for _ in range(ATTEMPTS):
            try:
                if instead_of is None:
                    await self._table.insert(entity)
                    return mailbox
                row = await self._table.get(entity["PartitionKey"], _OWNER)
                if row is None:
                    instead_of = None
                elif row["mailbox"] != instead_of:
                    return str(row["mailbox"])
                else:
                    await self._table.replace(entity, etag_of(row))
                    return mailbox
            except (Conflict, NotFound):
                standing = await self._table.get(entity["PartitionKey"], _OWNER)
                if standing is not None and standing["mailbox"] != instead_of:
                    return str(standing["mailbox"])
        raise Conflict(f"the owner of {table} {dynamics_id} keeps changing")

    async def by_ical_uid(self, ical_uid: str) -> str | None:
        row = await self._table.get(_uid_partition(ical_uid), "uid")
        return str(row["dynamics"]) if row is not None else None

    async def put_ical_uid(self, ical_uid: str, dynamics_id: str) -> None:
        await self._table.put(
            {"PartitionKey": _uid_partition(ical_uid), "RowKey": "uid", "dynamics": dynamics_id}
        )


def _partition(table: str, dynamics_id: str) -> str:
    return f"{keys.encode(table)}:{keys.encode(dynamics_id)}"


def _uid_partition(ical_uid: str) -> str:
    return f"uid:{keys.digest(ical_uid)}"


def _member(table: str, dynamics_id: str, mailbox: str) -> Entity:
    row_key = f"{_MEMBERS}{keys.encode(mailbox)}"
    return {"PartitionKey": _partition(table, dynamics_id), "RowKey": row_key, "mailbox": mailbox}
