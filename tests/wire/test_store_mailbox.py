"""The mailbox's partition against real Table Storage: the contract, and what only requests show."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from shared.engine.ports import Changes, Cursor, Fence, HeldRow, InboxRow
from shared.errors import FenceLost
from shared.model.link import Base, Link, LinkState
from shared.store.mailbox_store import TableMailboxStore
from shared.store.tables import Tables
from tests.contracts import mailbox_store
from tests.contracts.mailbox_store import DEADLINE, claimed, key, link

mailbox = mailbox_store.mailbox
LONG = "Line of a body.\n" * 2000


@pytest.fixture
def store(tables: Tables) -> TableMailboxStore:
    return TableMailboxStore(tables)


class TestTableMailboxStore(mailbox_store.MailboxStoreContract):
    """Against Azurite."""


def long_link(number: int, text: str = LONG) -> Link:
    return link(number, base=Base({"body": text}, {"body": text}))


async def keys_of(tables: Tables, mailbox: str, prefix: str) -> list[str]:
    rows = tables.table("state").keys_between(mailbox, prefix, prefix + "~")
    return [row["RowKey"] async for row in rows]


class Counting:
    """``async with Counting(tables) as count: …; count.requests``"""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.requests = 0

    async def __aenter__(self) -> Counting:
        self._before = self._tables.requests
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.requests = self._tables.requests - self._before


class TestRequests:
    """What each call costs; these numbers are the bill."""

    async def test_agenda_is_one_query_and_claim_one_write(
        self, tables: Tables, store: TableMailboxStore, mailbox: str
    ) -> None:
        await store.add_inbox(mailbox, [InboxRow("appointment", str(n)) for n in range(90)])
        async with Counting(tables) as first:
            fence = await claimed(store, mailbox)
        async with Counting(tables) as agenda:
            await store.agenda(mailbox, inbox_limit=100)
        async with Counting(tables) as second:
            await store.claim(mailbox, fence, deadline=DEADLINE, lane="sync")
        assert (first.requests, agenda.requests, second.requests) == (1, 1, 1)

    async def test_the_agenda_of_a_full_inbox_is_one_query(
        self, tables: Tables, store: TableMailboxStore, mailbox: str
    ) -> None:
        await store.add_inbox(mailbox, [InboxRow("appointment", str(n)) for n in range(1500)])
        async with Counting(tables) as count:
            agenda = await store.agenda(mailbox, inbox_limit=200)
        assert (count.requests, len(agenda.inbox), agenda.more_inbox) == (1, 200, True)

    async def test_a_link_is_one_read_by_dynamics_and_two_by_exchange(
        self, tables: Tables, store: TableMailboxStore, mailbox: str
    ) -> None:
        await store.commit(await claimed(store, mailbox), Changes(links=[link(1), long_link(2)]))
        for number, by_dynamics, by_exchange in ((1, 1, 2), (2, 2, 3)):
            async with Counting(tables) as count:
                assert len(await store.links_by_dynamics(mailbox, [key(link(number))])) == 1
            assert count.requests == by_dynamics
            async with Counting(tables) as count:
                assert len(await store.links_by_exchange(mailbox, [f"AAMk/+={number}"])) == 1
            assert count.requests == by_exchange
        async with Counting(tables) as count:
            assert await store.links_by_exchange(mailbox, ["unknown"]) == {}
        assert count.requests == 1

    async def test_many_links_cost_a_few_scans(
        self, tables: Tables, store: TableMailboxStore, mailbox: str
    ) -> None:
        many = [link(number) for number in range(600)]
        many[::6] = [long_link(number) for number in range(0, 600, 6)]
        async with Counting(tables) as commit:
            await store.commit(await claimed(store, mailbox), Changes(links=many))
        async with Counting(tables) as lookup:
            found = await store.links_by_exchange(mailbox, [f"AAMk/+={number}" for number in range(600)])
        async with Counting(tables) as scan:
            assert [each async for each in store.links(mailbox)] == many
        assert sorted(found.values(), key=lambda each: each.dynamics_id) == many
        # 1,300 rows beside the claim; one page of index rows, of links, of values
        assert commit.requests <= 15
        assert (lookup.requests, scan.requests) == (3, 2)

    async def test_one_changed_item_is_one_transaction(
        self, tables: Tables, store: TableMailboxStore, mailbox: str
    ) -> None:
        await store.add_inbox(mailbox, [InboxRow("appointment", link(1).dynamics_id)])
        fence = await store.commit(await claimed(store, mailbox), Changes(links=[long_link(1)]))
        (row,) = (await store.agenda(mailbox, inbox_limit=1)).inbox
        cursor = Cursor("calendar", "next", True)
        changes = Changes(links=[long_link(1, "short")], inbox_removed=[row], cursors=[cursor])
        async with Counting(tables) as count:
            fence = await store.commit(fence, changes)
        assert count.requests == 1
        async with Counting(tables) as count:
            await store.commit(fence, Changes(cursors=[cursor], held_added=[HeldRow("event", "1", "d")]))
        assert count.requests == 1

    async def test_announcing_is_two_reads_and_a_write(
        self, tables: Tables, store: TableMailboxStore, mailbox: str
    ) -> None:
        fence = await claimed(store, mailbox)
        async with Counting(tables) as count:
            await store.announce(fence, link(1, exchange_id=None, state=LinkState.CREATING))
        assert count.requests == 3


class TestLongValues:
    async def test_a_value_that_both_sides_show_alike_is_stored_once(
        self, tables: Tables, store: TableMailboxStore, mailbox: str
    ) -> None:
        await store.commit(await claimed(store, mailbox), Changes(links=[long_link(1)]))
        assert len(await keys_of(tables, mailbox, "v:")) == 1

    async def test_replaced_values_leave_nothing_behind(
        self, tables: Tables, store: TableMailboxStore, mailbox: str
    ) -> None:
        fence = await claimed(store, mailbox)
        seen = set()
        for text in ("a" * 2000, "b" * 2000, "short"):
            fence = await store.commit(fence, Changes(links=[long_link(1, text)]))
            seen.add(tuple(await keys_of(tables, mailbox, "v:")))
        assert {len(each) for each in seen} == {0, 1}
        assert len(seen) == 3

    async def test_another_process_that_read_the_link_removes_what_it_replaces(
        self, tables: Tables, store: TableMailboxStore, mailbox: str
    ) -> None:
        await store.commit(await claimed(store, mailbox), Changes(links=[long_link(1)]))
        other = TableMailboxStore(tables)
        fence = (await other.agenda(mailbox, inbox_limit=1)).fence
        await other.links_by_exchange(mailbox, ["AAMk/+=1"])
        assert fence is not None
        await other.commit(fence, Changes(links=[long_link(1, "short")]))
        assert await keys_of(tables, mailbox, "v:") == []

    async def test_what_another_process_removed_already_is_no_hindrance(
        self, tables: Tables, store: TableMailboxStore, mailbox: str
    ) -> None:
        fence = await store.commit(await claimed(store, mailbox), Changes(links=[long_link(1)]))
        other = TableMailboxStore(tables)
        await other.links_by_exchange(mailbox, ["AAMk/+=1"])
        fence = await other.commit(fence, Changes(links=[long_link(1, "c" * 3000)]))
        await store.commit(fence, Changes(links=[long_link(1, "short")]))
        found = await store.links_by_exchange(mailbox, ["AAMk/+=1"])
        assert found == {"AAMk/+=1": long_link(1, "short")}

    async def test_a_dropped_link_takes_all_its_rows_along(
        self, tables: Tables, store: TableMailboxStore, mailbox: str
    ) -> None:
        fence = await store.commit(await claimed(store, mailbox), Changes(links=[long_link(1)]))
        await TableMailboxStore(tables).commit(fence, Changes(dropped_links=[long_link(1)]))
        assert await keys_of(tables, mailbox, "") == ["a:fence"]

    async def test_a_link_read_while_its_value_is_replaced_is_one_or_the_other(
        self, tables: Tables, store: TableMailboxStore, mailbox: str
    ) -> None:
        fence = await store.commit(await claimed(store, mailbox), Changes(links=[long_link(1)]))
        versions = [long_link(1, f"{n} {LONG}") for n in range(25)]

        async def write() -> None:
            nonlocal fence
            for version in versions:
                fence = await store.commit(fence, Changes(links=[version]))
                await asyncio.sleep(0.02)

        writing = asyncio.create_task(write())
        reader = TableMailboxStore(tables)
        seen = set()
        while not writing.done():
            (found,) = (await reader.links_by_dynamics(mailbox, [key(link(1))])).values()
            assert found in [long_link(1), *versions]
            seen.add(found.base.exchange["body"])
        await writing
        assert len(seen) > 1

    async def test_values_too_large_for_a_transaction(
        self, tables: Tables, store: TableMailboxStore, mailbox: str
    ) -> None:
        letters = "".join(chr(0x4E00 + code % 20_000) for code in random.Random(1).randbytes(300_000))
        noise = "".join(random.Random(2).choices(letters, k=1_500_000))
        huge = long_link(1, noise)
        fence = await store.commit(await claimed(store, mailbox), Changes(links=[huge]))
        assert len(await keys_of(tables, mailbox, "v:")) > 2
        assert (await store.links_by_dynamics(mailbox, [key(huge)]))[key(huge)] == huge
        await store.commit(fence, Changes(links=[link(1)]))
        assert await keys_of(tables, mailbox, "v:") == []


class TestFence:
    async def test_two_workers_that_commit_at_once(
        self, store: TableMailboxStore, tables: Tables, mailbox: str
    ) -> None:
        """Whatever the order, a link is the one of the worker that has the fence."""
        for number in range(10):
            fence = (await store.agenda(mailbox, inbox_limit=1)).fence
            first = await store.claim(mailbox, fence, deadline=DEADLINE, lane="sync")
            other = TableMailboxStore(tables)

            async def take_over(worker: TableMailboxStore, number: int, fence: Fence) -> None:
                second = await worker.claim(mailbox, fence, deadline=DEADLINE, lane="sync")
                await worker.commit(second, Changes(links=[link(number, subject="second")]))

            results = await asyncio.gather(
                store.commit(first, Changes(links=[link(number, subject="first")])),
                take_over(other, number, first),
                return_exceptions=True,
            )
            lost = [each for each in results if isinstance(each, FenceLost)]
            assert len(lost) == 1
            found = (await store.links_by_dynamics(mailbox, [key(link(number))]))[key(link(number))]
            assert found.subject == ("second" if isinstance(results[0], FenceLost) else "first")

    async def test_a_commit_whose_answer_is_lost_is_done(
        self, tables: Tables, store: TableMailboxStore, mailbox: str
    ) -> None:
        """The token tells that the write that stands is ours, although its repeat is refused."""
        fence = await claimed(store, mailbox)
        fixed = TableMailboxStore(tables, token=lambda: "same")
        once = await fixed.commit(fence, Changes(links=[link(1)]))
        again = await fixed.commit(fence, Changes(links=[link(1)]))
        assert again.etag == once.etag
        assert await fixed.claim(mailbox, once, deadline=DEADLINE, lane="sync")
        repeated = await fixed.claim(mailbox, once, deadline=DEADLINE, lane="sync")
        assert repeated.generation == 2

    async def test_a_takeover_between_the_transactions_of_a_commit(
        self, tables: Tables, store: TableMailboxStore, mailbox: str
    ) -> None:
        """What was committed stays, the rest and the cursors never come."""
        fence = await claimed(store, mailbox)
        many = Changes(links=[link(n) for n in range(200)], cursors=[Cursor("calendar", "end", True)])
        calls = 0

        def token() -> str:
            nonlocal calls
            calls += 1
            return f"token {calls}"

        worker = TableMailboxStore(tables, token)
        original = worker._fenced.submit

        async def submit(held: Fence, operations: list) -> Fence:  # type: ignore[type-arg]
            done = await original(held, operations)
            if calls == 2:
                await store.claim(mailbox, done, deadline=DEADLINE, lane="sync")
            return done

        worker._fenced.submit = submit  # type: ignore[method-assign]
        with pytest.raises(FenceLost):
            await worker.commit(fence, many)
        assert len([each async for each in store.links(mailbox)]) == 98
        assert (await store.agenda(mailbox, inbox_limit=1)).cursors == {}

    async def test_an_announcement_loses_to_a_commit_that_came_between(
        self, tables: Tables, store: TableMailboxStore, mailbox: str
    ) -> None:
        fence = await claimed(store, mailbox)
        worker = TableMailboxStore(tables)

        async def still_mine(held: Fence) -> bool:
            await store.commit(fence, Changes(links=[link(1)]))
            return True

        worker.still_mine = still_mine  # type: ignore[method-assign]
        with pytest.raises(FenceLost):
            await worker.announce(fence, replace(link(1), state=LinkState.CREATING))
        assert (await store.links_by_dynamics(mailbox, [key(link(1))]))[key(link(1))] == link(1)
