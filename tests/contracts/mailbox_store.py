"""What every MailboxStore does: the partition of one mailbox, guarded by its fence."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.engine.ports import (
    Changes,
    Cursor,
    Fence,
    HeldRow,
    InboxRow,
    MailboxStore,
    Window,
)
from shared.errors import FenceLost
from shared.model.link import Base, Link, LinkState, Role

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DEADLINE = NOW + timedelta(minutes=2)


def link(number: int, **changes: object) -> Link:
    """A link as a pass would write it."""
    made = Link(
        kind="appointment",
        table="appointment",
        dynamics_id=f"00000000-0000-0000-0000-{number:012d}",
        exchange_id=f"AAMk/+={number}",
        exchange_etag='W/"e1"',
        base=Base({"subject": "Kickoff", "attendees": [["a@x.com", "required"]]}, {"subject": "Kickoff"}),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def key(of: Link) -> tuple[str, str]:
    return (of.table, of.dynamics_id)


@pytest.fixture
def mailbox() -> str:
    return str(uuid4())


async def claimed(store: MailboxStore, mailbox: str) -> Fence:
    return await store.claim(mailbox, None, deadline=DEADLINE, lane="sync")


class FenceContract:
    """Claiming a mailbox and keeping it."""

    async def test_a_new_mailbox_has_an_empty_agenda(self, store: MailboxStore, mailbox: str) -> None:
        agenda = await store.agenda(mailbox, inbox_limit=10)
        assert agenda.fence is None
        assert (agenda.cursors, agenda.inbox, agenda.held, agenda.more_inbox) == ({}, (), (), False)

    async def test_each_claim_is_the_next_generation(self, store: MailboxStore, mailbox: str) -> None:
        first = await claimed(store, mailbox)
        found = (await store.agenda(mailbox, inbox_limit=10)).fence
        second = await store.claim(mailbox, found, deadline=DEADLINE + timedelta(hours=1), lane="bulk")
        assert found == first
        assert (first.generation, second.generation) == (1, 2)
        assert (second.lane, second.deadline) == ("bulk", DEADLINE + timedelta(hours=1))

    async def test_a_fence_read_before_another_claim_is_lost(self, store: MailboxStore, mailbox: str) -> None:
        first = await claimed(store, mailbox)
        await store.claim(mailbox, first, deadline=DEADLINE, lane="sync")
        with pytest.raises(FenceLost):
            await store.claim(mailbox, first, deadline=DEADLINE, lane="sync")
        with pytest.raises(FenceLost):
            await store.claim(mailbox, None, deadline=DEADLINE, lane="sync")

    async def test_of_ten_workers_one_gets_the_mailbox(self, store: MailboxStore, mailbox: str) -> None:
        for fence in (None, await claimed(store, str(uuid4()))):
            name = fence.mailbox if fence else mailbox
            tries = [store.claim(name, fence, deadline=DEADLINE, lane="sync") for _ in range(10)]
            results = await asyncio.gather(*tries, return_exceptions=True)
            assert len([each for each in results if isinstance(each, Fence)]) == 1
            assert len([each for each in results if isinstance(each, FenceLost)]) == 9

    async def test_still_mine_until_the_next_claim(self, store: MailboxStore, mailbox: str) -> None:
        first = await claimed(store, mailbox)
        committed = await store.commit(first, Changes(links=[link(1)]))
        assert await store.still_mine(first)
        assert await store.still_mine(committed)
        await store.claim(mailbox, committed, deadline=DEADLINE, lane="sync")
        assert not await store.still_mine(committed)

    async def test_a_stale_worker_commits_nothing(self, store: MailboxStore, mailbox: str) -> None:
        stale = await claimed(store, mailbox)
        await store.claim(mailbox, stale, deadline=DEADLINE, lane="sync")
        with pytest.raises(FenceLost):
            await store.commit(stale, Changes(links=[link(1)], cursors=[Cursor("c", "x", True)]))
        assert await store.links_by_dynamics(mailbox, [key(link(1))]) == {}
        assert (await store.agenda(mailbox, inbox_limit=1)).cursors == {}

    async def test_links_are_announced_side_by_side_under_one_fence(
        self, store: MailboxStore, mailbox: str
    ) -> None:
        fence = await claimed(store, mailbox)
        creating = [link(n, exchange_id=None, state=LinkState.CREATING, attempt_at=NOW) for n in range(8)]
        await asyncio.gather(*(store.announce(fence, each) for each in creating))
        assert [each async for each in store.links(mailbox)] == creating
        await store.commit(fence, Changes(links=[link(n) for n in range(8)]))
        assert [each async for each in store.links(mailbox)] == [link(n) for n in range(8)]

    async def test_an_ended_link_is_announced_anew(self, store: MailboxStore, mailbox: str) -> None:
        ended = link(1).ended(LinkState.UNTRACKED, "untracked", ("LNK-8",))
        fence = await store.commit(await claimed(store, mailbox), Changes(links=[ended]))
        await store.announce(fence, replace(ended, state=LinkState.CREATING, exchange_id=None))
        found = (await store.links_by_dynamics(mailbox, [key(ended)]))[key(ended)]
        assert (found.state, found.generation) == (LinkState.CREATING, 2)

    async def test_a_stale_worker_announces_nothing(self, store: MailboxStore, mailbox: str) -> None:
        stale = await claimed(store, mailbox)
        fence = await store.claim(mailbox, stale, deadline=DEADLINE, lane="sync")
        await store.commit(fence, Changes(links=[link(1)]))
        with pytest.raises(FenceLost):
            await store.announce(stale, link(1, exchange_id=None, state=LinkState.CREATING))
        assert await store.links_by_dynamics(mailbox, [key(link(1))]) == {key(link(1)): link(1)}

    async def test_each_commit_returns_the_fence_for_the_next(
        self, store: MailboxStore, mailbox: str
    ) -> None:
        first = await claimed(store, mailbox)
        second = await store.commit(first, Changes(links=[link(1)]))
        with pytest.raises(FenceLost):
            await store.commit(first, Changes(links=[link(2)]))
        third = await store.commit(second, Changes())
        assert third.etag not in (first.etag, second.etag)
        assert third.generation == first.generation

    async def test_a_deleted_mailbox_is_empty_and_its_worker_stops(
        self, store: MailboxStore, mailbox: str
    ) -> None:
        fence = await claimed(store, mailbox)
        fence = await store.commit(fence, Changes(links=[link(n) for n in range(5)]))
        await store.delete_mailbox(mailbox)
        with pytest.raises(FenceLost):
            await store.commit(fence, Changes(links=[link(1)]))
        assert [each async for each in store.links(mailbox)] == []
        assert not await store.still_mine(fence)


class LinkContract:
    """Links by either id, whatever they hold."""

    async def test_a_link_is_found_by_both_ids_as_it_was_written(
        self, store: MailboxStore, mailbox: str
    ) -> None:
        full = link(
            1,
            state=LinkState.CREATING,
            role=Role.MEMBER,
            generation=3,
            rules=("LNK-1", "APPT-2"),
            reason="tracked",
            ical_uid="040000008200E00074C5B7101A82E008",
            subject='Zażółć "gęślą" 📅',
            markers={"category": True, "stamp": 1.0},
            withheld=(("b@x.com", "optional"),),
            noted="owned",
            turns=2,
            attempt_at=NOW,
        )
        await store.commit(await claimed(store, mailbox), Changes(links=[full]))
        assert await store.links_by_dynamics(mailbox, [key(full)]) == {key(full): full}
        assert await store.links_by_exchange(mailbox, [str(full.exchange_id)]) == {full.exchange_id: full}

    async def test_unknown_ids_are_left_out(self, store: MailboxStore, mailbox: str) -> None:
        await store.commit(await claimed(store, mailbox), Changes(links=[link(1)]))
        assert await store.links_by_exchange(mailbox, ["unknown", "AAMk/+=1"]) == {"AAMk/+=1": link(1)}
        assert await store.links_by_dynamics(mailbox, [("appointment", "unknown")]) == {}
        assert await store.links_by_exchange(str(uuid4()), ["AAMk/+=1"]) == {}

    async def test_ids_that_differ_in_case_are_two_links(self, store: MailboxStore, mailbox: str) -> None:
        pair = [link(1, exchange_id="AAMkAb="), link(2, exchange_id="AAMkaB=")]
        await store.commit(await claimed(store, mailbox), Changes(links=pair))
        found = await store.links_by_exchange(mailbox, ["AAMkAb=", "AAMkaB="])
        assert {id_: each.dynamics_id[-1] for id_, each in found.items()} == {"AAMkAb=": "1", "AAMkaB=": "2"}

    async def test_many_links_are_found_at_once(self, store: MailboxStore, mailbox: str) -> None:
        many = [link(number) for number in range(250)]
        await store.commit(await claimed(store, mailbox), Changes(links=many))
        assert len(await store.links_by_exchange(mailbox, [str(each.exchange_id) for each in many])) == 250
        assert len(await store.links_by_dynamics(mailbox, [key(each) for each in many])) == 250
        assert [each async for each in store.links(mailbox)] == many

    async def test_links_of_one_kind(self, store: MailboxStore, mailbox: str) -> None:
        contact = link(2, kind="contact", table="contact")
        await store.commit(await claimed(store, mailbox), Changes(links=[link(1), contact]))
        assert [each async for each in store.links(mailbox, "contact")] == [contact]
        assert len([each async for each in store.links(mailbox)]) == 2

    async def test_long_values_come_back_whole(self, store: MailboxStore, mailbox: str) -> None:
        body = "Ünïcödé 📅\n" * 40_000
        many = [[f"person{n}@example.com", "required"] for n in range(500)]
        long = link(1, base=Base({"body": body, "attendees": many}, {"body": body, "subject": "x"}))
        await store.commit(await claimed(store, mailbox), Changes(links=[long, link(2)]))
        assert await store.links_by_dynamics(mailbox, [key(long)]) == {key(long): long}
        assert [each async for each in store.links(mailbox)] == [long, link(2)]

    async def test_a_replaced_long_value_is_the_new_one(self, store: MailboxStore, mailbox: str) -> None:
        fence = await claimed(store, mailbox)
        for text in ("a" * 5000, "b" * 90_000, "short"):
            changed = link(1, base=Base({"body": text}, {"body": text}))
            fence = await store.commit(fence, Changes(links=[changed]))
            assert (await store.links_by_dynamics(mailbox, [key(changed)]))[key(changed)] == changed

    async def test_a_dropped_link_is_found_by_no_id(self, store: MailboxStore, mailbox: str) -> None:
        fence = await store.commit(await claimed(store, mailbox), Changes(links=[link(1), link(2)]))
        await store.commit(fence, Changes(dropped_links=[link(1), link(7)]))
        assert await store.links_by_exchange(mailbox, ["AAMk/+=1"]) == {}
        assert await store.links_by_dynamics(mailbox, [key(link(1))]) == {}
        assert [each async for each in store.links(mailbox)] == [link(2)]

    async def test_a_link_that_moves_to_another_row_keeps_its_exchange_id(
        self, store: MailboxStore, mailbox: str
    ) -> None:
        fence = await store.commit(await claimed(store, mailbox), Changes(links=[link(1)]))
        moved = link(2, exchange_id="AAMk/+=1")
        await store.commit(fence, Changes(links=[moved], dropped_links=[link(1)]))
        assert await store.links_by_exchange(mailbox, ["AAMk/+=1"]) == {"AAMk/+=1": moved}

    async def test_dropping_an_old_link_leaves_its_successor(self, store: MailboxStore, mailbox: str) -> None:
        fence = await store.commit(await claimed(store, mailbox), Changes(links=[link(1)]))
        successor = link(2, exchange_id="AAMk/+=1")
        fence = await store.commit(fence, Changes(links=[successor]))
        await store.commit(fence, Changes(dropped_links=[link(1)]))
        assert await store.links_by_exchange(mailbox, ["AAMk/+=1"]) == {"AAMk/+=1": successor}

    async def test_an_ended_link_does_not_take_the_id_from_its_successor(
        self, store: MailboxStore, mailbox: str
    ) -> None:
        ended = link(1).ended(LinkState.UNTRACKED, "untracked", ("LNK-8",))
        fence = await store.commit(await claimed(store, mailbox), Changes(links=[ended]))
        assert await store.links_by_exchange(mailbox, ["AAMk/+=1"]) == {"AAMk/+=1": ended}
        successor = link(2, exchange_id="AAMk/+=1")
        fence = await store.commit(fence, Changes(links=[successor]))
        await store.commit(fence, Changes(links=[replace(ended, noted="seen again")]))
        assert await store.links_by_exchange(mailbox, ["AAMk/+=1"]) == {"AAMk/+=1": successor}

    async def test_a_link_that_got_another_exchange_id_is_not_found_by_the_old(
        self, store: MailboxStore, mailbox: str
    ) -> None:
        fence = await store.commit(await claimed(store, mailbox), Changes(links=[link(1)]))
        renamed = link(1, exchange_id="new")
        await store.commit(fence, Changes(links=[renamed]))
        assert await store.links_by_exchange(mailbox, ["AAMk/+=1", "new"]) == {"new": renamed}

    async def test_a_link_without_an_event_yet(self, store: MailboxStore, mailbox: str) -> None:
        creating = link(1, exchange_id=None, state=LinkState.CREATING)
        await store.commit(await claimed(store, mailbox), Changes(links=[creating]))
        assert await store.links_by_dynamics(mailbox, [key(creating)]) == {key(creating): creating}


class InboxContract:
    """Inbox, held items and cursors."""

    async def test_what_was_put_off_comes_after_everything_else(
        self, store: MailboxStore, mailbox: str
    ) -> None:
        """It is another row than the same item's that came since."""
        fence = await store.claim(mailbox, None, deadline=DEADLINE, lane="sync")
        put_off = [InboxRow("appointment", f"{n}", later=True) for n in range(3)]
        fence = await store.commit(fence, Changes(inbox_added=put_off))
        await store.add_inbox(mailbox, [InboxRow("task", "t"), InboxRow("appointment", "1")])
        inbox = (await store.agenda(mailbox, inbox_limit=4)).inbox
        found = [(row.kind, row.id, row.later) for row in inbox]
        expected = [("appointment", "1", False), ("task", "t", False)]
        assert found == [*expected, ("appointment", "0", True), ("appointment", "1", True)]
        await store.commit(fence, Changes(inbox_removed=inbox))
        (left,) = (await store.agenda(mailbox, inbox_limit=4)).inbox
        assert (left.id, left.later) == ("2", True)

    async def test_a_mailbox_changes_its_lane_in_a_commit(self, store: MailboxStore, mailbox: str) -> None:
        fence = await store.claim(mailbox, None, deadline=DEADLINE, lane="mailbox-bulk")
        stale = fence
        fence = await store.commit(replace(fence, lane="mailbox-sync"), Changes())
        found = (await store.agenda(mailbox, inbox_limit=1)).fence
        assert found is not None
        assert (found.lane, found.generation, found.etag) == ("mailbox-sync", 1, fence.etag)
        with pytest.raises(FenceLost):
            await store.commit(stale, Changes())

    async def test_inbox_rows_come_with_the_agenda(self, store: MailboxStore, mailbox: str) -> None:
        await store.add_inbox(mailbox, [InboxRow("event", "AAMk/+=", "v1"), InboxRow("appointment", "d")])
        inbox = (await store.agenda(mailbox, inbox_limit=10)).inbox
        found = [(row.kind, row.id, row.version) for row in inbox]
        assert found == [("appointment", "d", ""), ("event", "AAMk/+=", "v1")]

    async def test_more_than_the_limit_stays_for_the_next_pass(
        self, store: MailboxStore, mailbox: str
    ) -> None:
        await store.add_inbox(mailbox, [InboxRow("appointment", f"{n:03d}") for n in range(120)])
        agenda = await store.agenda(mailbox, inbox_limit=50)
        assert len(agenda.inbox) == 50
        assert agenda.more_inbox
        whole = await store.agenda(mailbox, inbox_limit=120)
        assert (len(whole.inbox), whole.more_inbox) == (120, False)

    async def test_a_removed_row_is_gone(self, store: MailboxStore, mailbox: str) -> None:
        await store.add_inbox(mailbox, [InboxRow("appointment", "1"), InboxRow("appointment", "2")])
        fence = await claimed(store, mailbox)
        first, _ = (await store.agenda(mailbox, inbox_limit=10)).inbox
        fence = await store.commit(fence, Changes(links=[link(1)], inbox_removed=[first]))
        await store.commit(fence, Changes(inbox_removed=[first]))
        assert [row.id for row in (await store.agenda(mailbox, inbox_limit=10)).inbox] == ["2"]

    async def test_a_row_rewritten_meanwhile_stays_and_the_rest_is_committed(
        self, store: MailboxStore, mailbox: str
    ) -> None:
        await store.add_inbox(mailbox, [InboxRow("appointment", str(n), "v1") for n in range(4)])
        fence = await claimed(store, mailbox)
        seen = (await store.agenda(mailbox, inbox_limit=10)).inbox
        await store.add_inbox(
            mailbox, [InboxRow("appointment", "1", "v2"), InboxRow("appointment", "3", "v2")]
        )
        cursor = Cursor("calendar", "link", True)
        await store.commit(fence, Changes(links=[link(1)], inbox_removed=seen, cursors=[cursor]))
        agenda = await store.agenda(mailbox, inbox_limit=10)
        assert [(row.id, row.version) for row in agenda.inbox] == [("1", "v2"), ("3", "v2")]
        assert agenda.cursors == {"calendar": cursor}
        assert len(await store.links_by_dynamics(mailbox, [key(link(1))])) == 1

    async def test_a_row_put_back_in_the_same_commit_stays(self, store: MailboxStore, mailbox: str) -> None:
        await store.add_inbox(mailbox, [InboxRow("appointment", "1", "v1")])
        (seen,) = (await store.agenda(mailbox, inbox_limit=1)).inbox
        again = InboxRow("appointment", "1", "later")
        changes = Changes(inbox_removed=[seen], inbox_added=[again])
        await store.commit(await claimed(store, mailbox), changes)
        assert [row.version for row in (await store.agenda(mailbox, inbox_limit=1)).inbox] == ["later"]

    async def test_held_items_wait_until_removed(self, store: MailboxStore, mailbox: str) -> None:
        held = [HeldRow("appointment", "a/b", "decision-1"), HeldRow("event", "=x", "decision-1")]
        fence = await store.commit(await claimed(store, mailbox), Changes(held_added=held))
        found = (await store.agenda(mailbox, inbox_limit=1)).held
        assert [(row.kind, row.id, row.decision) for row in found] == [
            ("appointment", "a/b", "decision-1"),
            ("event", "=x", "decision-1"),
        ]
        await store.commit(fence, Changes(held_removed=found[:1]))
        assert [row.kind for row in (await store.agenda(mailbox, inbox_limit=1)).held] == ["event"]

    async def test_cursors_come_back_as_written_and_go_when_dropped(
        self, store: MailboxStore, mailbox: str
    ) -> None:
        window = Window(NOW, NOW + timedelta(days=548))
        cursors = [
            Cursor("calendar:AA/+=", "https://x/?$deltatoken=" + "ż" * 50_000, True, window, NOW, "2026-03"),
            Cursor("tasks", "t", False),
        ]
        fence = await store.commit(await claimed(store, mailbox), Changes(cursors=cursors))
        found = (await store.agenda(mailbox, inbox_limit=1)).cursors
        assert found == {cursor.feed: cursor for cursor in cursors}
        await store.commit(fence, Changes(dropped_cursors=["tasks", "never there"]))
        assert list((await store.agenda(mailbox, inbox_limit=1)).cursors) == ["calendar:AA/+="]

    async def test_a_commit_of_many_of_everything(self, store: MailboxStore, mailbox: str) -> None:
        await store.add_inbox(mailbox, [InboxRow("event", f"AAMk/+={n}") for n in range(230)])
        seen = (await store.agenda(mailbox, inbox_limit=1000)).inbox
        changes = Changes(
            links=[link(n) for n in range(230)],
            inbox_removed=seen,
            inbox_added=[InboxRow("reconcile", "weekly")],
            cursors=[Cursor("calendar", "end", True)],
        )
        await store.commit(await claimed(store, mailbox), changes)
        agenda = await store.agenda(mailbox, inbox_limit=1000)
        assert [row.kind for row in agenda.inbox] == ["reconcile"]
        assert agenda.cursors["calendar"].link == "end"
        assert len([each async for each in store.links(mailbox)]) == 230


class MailboxStoreContract(FenceContract, LinkContract, InboxContract):
    """The whole port."""
