"""The registry against real Table Storage: the contract, and a crash between any two of its requests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest

from shared.errors import Conflict
from shared.model.mailbox import Mailbox
from shared.store.registry import TableMailboxRegistry
from shared.store.tables import Table, Tables
from tests.contracts.registry import MailboxRegistryContract, mailbox


@pytest.fixture
def registry(tables: Tables) -> TableMailboxRegistry:
    return TableMailboxRegistry(tables)


class TestTableMailboxRegistry(MailboxRegistryContract):
    """Against Azurite."""


class Killed(BaseException):
    """The worker is gone: not an error that anything could handle."""


class DyingTable(Table):
    """Lets so many writes through and dies before the next."""

    def __init__(self, table: Table, writes: int) -> None:
        super().__init__(table._client)
        self._left = writes

    def _spend(self) -> None:
        if self._left == 0:
            raise Killed
        self._left -= 1

    async def insert(self, entity: dict) -> str:  # type: ignore[type-arg]
        self._spend()
        return await super().insert(entity)

    async def replace(self, entity: dict, etag: str) -> str:  # type: ignore[type-arg]
        self._spend()
        return await super().replace(entity, etag)

    async def change(self, entity: dict, etag: str | None = None) -> str:  # type: ignore[type-arg]
        self._spend()
        return await super().change(entity, etag)

    async def delete(self, partition: str, row: str, etag: str | None = None) -> None:
        self._spend()
        await super().delete(partition, row, etag)


def dying(tables: Tables, writes: int) -> TableMailboxRegistry:
    dying_registry = TableMailboxRegistry(tables)
    table = DyingTable(tables.table("mailboxes"), writes)
    dying_registry._table = table
    dying_registry._claims._table = table
    return dying_registry


async def mapped(registry: TableMailboxRegistry, user: str) -> list[Mailbox]:
    """Every mailbox of that user, and the proof that looking it up by user finds the same."""
    found = [each async for each in registry.all() if each.user_id == user]
    by_user = await registry.by_user(user)
    assert found == ([by_user] if by_user else [])
    return found


async def rows(tables: Tables) -> AsyncIterator[str]:
    async for row in tables.table("mailboxes").query("PartitionKey ge @a", {"a": ""}):
        yield f"{row['RowKey']}"


@pytest.mark.rule("MBX-3")
@pytest.mark.parametrize("writes", range(4))
async def test_an_addition_that_was_cut_off_is_repeated(
    tables: Tables, registry: TableMailboxRegistry, writes: int
) -> None:
    new = mailbox()
    with pytest.raises(Killed):
        await dying(tables, writes).add(new)
    assert await mapped(registry, new.user_id) == []
    added = await registry.add(new)
    assert await mapped(registry, new.user_id) == [added]


@pytest.mark.rule("MBX-3")
@pytest.mark.parametrize("writes", range(4))
async def test_an_addition_that_was_cut_off_blocks_no_other(
    tables: Tables, registry: TableMailboxRegistry, writes: int
) -> None:
    new = mailbox()
    with pytest.raises(Killed):
        await dying(tables, writes).add(new)
    other = await registry.add(mailbox(user_id=new.user_id, address=new.address))
    assert await mapped(registry, new.user_id) == [other]
    with pytest.raises(Conflict):
        await registry.add(new)
    again = await registry.add(mailbox(id=new.id))
    assert await mapped(registry, again.user_id) == [again]


@pytest.mark.rule("MBX-3")
@pytest.mark.parametrize("writes", range(3))
async def test_a_removal_that_was_cut_off_blocks_nobody(
    tables: Tables, registry: TableMailboxRegistry, writes: int
) -> None:
    first = await registry.add(mailbox())
    with pytest.raises(Killed):
        await dying(tables, writes).remove(first)
    assert len(await mapped(registry, first.user_id)) <= 1
    if writes == 0:
        await registry.remove(first)
    again = await registry.add(mailbox(user_id=first.user_id, address=first.address))
    assert await mapped(registry, first.user_id) == [again]


@pytest.mark.rule("MBX-3")
@pytest.mark.parametrize("writes", range(6))
async def test_a_change_of_user_that_was_cut_off_leaves_one_mailbox_to_a_user(
    tables: Tables, registry: TableMailboxRegistry, writes: int
) -> None:
    first = await registry.add(mailbox())
    target = str(uuid4())
    moved = replace(first, user_id=target, address=f"{target}@example.com")
    with pytest.raises(Killed):
        await dying(tables, writes).update(moved)
    for user in (first.user_id, target):
        try:
            await registry.add(mailbox(user_id=user))
        except Conflict:
            assert writes > 0 or user == first.user_id
        assert len(await mapped(registry, user)) <= 1
    present = await registry.get(first.id)
    assert present is not None
    await registry.remove(present)
    for user in (first.user_id, target):
        if not await mapped(registry, user):
            await registry.add(mailbox(user_id=user))


async def test_nothing_is_left_of_a_removed_mailbox(tables: Tables, registry: TableMailboxRegistry) -> None:
    first = await registry.add(mailbox())
    with pytest.raises(Conflict):
        await registry.add(mailbox(user_id=first.user_id))
    await registry.remove(first)
    assert [row async for row in rows(tables)] == []


async def test_requests(tables: Tables, registry: TableMailboxRegistry) -> None:
    first = await registry.add(mailbox())
    assert tables.requests == 4
    calls = (
        (registry.get(first.id), 1),
        (registry.by_user(first.user_id), 2),
        (registry.patch(first.id, failures=1), 1),
    )
    for call, expected in calls:
        before = tables.requests
        await call
        assert tables.requests - before == expected
    before = tables.requests
    assert [each async for each in registry.all()]
    assert tables.requests - before == 1
