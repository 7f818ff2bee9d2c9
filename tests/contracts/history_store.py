"""What every HistoryStore does: newest first, found by either id, nothing cut."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from shared.engine.ports import HistoryRow, HistoryStore
from shared.model.decision import ItemRef

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BOTH = ItemRef("appointment", "AAMk/+=1", "d1", "Kickoff")


def row(reason: str, at: datetime = NOW, item: ItemRef = BOTH, **changes: object) -> HistoryRow:
    return HistoryRow(at, item, "update", "exchange", ("FLD-1",), reason, "done", **changes)  # type: ignore[arg-type]


async def reasons(store: HistoryStore, mailbox: str, item_id: str | None, limit: int = 50) -> list[str]:
    """Every page of the history."""
    found: list[str] = []
    after: str | None = None
    while True:
        rows, after = await store.of_item(mailbox, item_id, limit=limit, after=after)
        assert len(rows) <= limit
        found += [each.reason for each in rows]
        if after is None:
            return found


@pytest.fixture
def mailbox() -> str:
    return str(uuid4())


class HistoryStoreContract:
    async def test_an_item_without_history(self, store: HistoryStore, mailbox: str) -> None:
        assert await store.of_item(mailbox, "d1", limit=10, after=None) == ([], None)
        assert await store.of_item(mailbox, None, limit=10, after=None) == ([], None)

    async def test_a_row_comes_back_as_written(self, store: HistoryStore, mailbox: str) -> None:
        before = {"subject": "Old", "attendees": [["a@x.com", "required"]], "time": {"allDay": False}}
        full = row("renamed", before=before, after={"subject": "Nowy 📅"}, lost={"location": None})
        await store.add(mailbox, [full])
        assert await store.of_item(mailbox, "d1", limit=10, after=None) == ([full], None)
        assert await store.of_item(mailbox, None, limit=10, after=None) == ([full], None)

    async def test_newest_first_also_across_months_and_within_one_call(
        self, store: HistoryStore, mailbox: str
    ) -> None:
        old = NOW - timedelta(days=40)
        await store.add(mailbox, [row("1", old), row("2", old + timedelta(seconds=1)), row("3"), row("4")])
        await store.add(mailbox, [row("5", NOW + timedelta(milliseconds=1))])
        assert await reasons(store, mailbox, "d1") == ["5", "4", "3", "2", "1"]
        assert await reasons(store, mailbox, None) == ["5", "4", "3", "2", "1"]

    async def test_pages_neither_repeat_nor_lose(self, store: HistoryStore, mailbox: str) -> None:
        rows = [row(str(n), NOW + timedelta(days=20 * (n // 4))) for n in range(13)]
        await store.add(mailbox, rows)
        expected = [str(n) for n in reversed(range(13))]
        for limit in (1, 3, 13, 50):
            assert await reasons(store, mailbox, "d1", limit) == expected
            assert await reasons(store, mailbox, None, limit) == expected

    async def test_an_item_is_found_by_either_id(self, store: HistoryStore, mailbox: str) -> None:
        await store.add(mailbox, [row("both")])
        for item_id in ("d1", "AAMk/+=1"):
            assert await reasons(store, mailbox, item_id) == ["both"]
        assert await reasons(store, mailbox, "aamk/+=1") == []

    async def test_what_happened_before_the_other_id_was_known_belongs_to_the_item(
        self, store: HistoryStore, mailbox: str
    ) -> None:
        before = ItemRef("appointment", "AAMk/+=1", None)
        await store.add(mailbox, [row("seen", NOW - timedelta(days=35), before)])
        await store.add(mailbox, [row("linked")])
        await store.add(mailbox, [row("gone", NOW + timedelta(days=1), ItemRef("appointment", None, "d1"))])
        for item_id in ("d1", "AAMk/+=1"):
            assert await reasons(store, mailbox, item_id) == ["gone", "linked", "seen"]

    async def test_items_and_mailboxes_are_kept_apart(self, store: HistoryStore, mailbox: str) -> None:
        other = ItemRef("appointment", "AAMk/+=2", "d2")
        await store.add(mailbox, [row("one"), row("two", NOW + timedelta(seconds=1), other)])
        await store.add(str(uuid4()), [row("elsewhere")])
        assert await reasons(store, mailbox, "d2") == ["two"]
        assert await reasons(store, mailbox, None) == ["two", "one"]

    async def test_long_values_are_kept_whole(self, store: HistoryStore, mailbox: str) -> None:
        body = "".join(f"zeile {n} ä📅\n" for n in range(90_000))
        long = row("long", before={"body": body}, after={"body": body[::-1]}, lost={"body": body[7:]})
        await store.add(mailbox, [long])
        (found,), _ = await store.of_item(mailbox, "d1", limit=10, after=None)
        assert found == long

    async def test_many_rows_in_one_call(self, store: HistoryStore, mailbox: str) -> None:
        rows = [row(str(n), item=ItemRef("appointment", f"e{n}", f"d{n}")) for n in range(120)]
        await store.add(mailbox, rows)
        assert await reasons(store, mailbox, None) == [str(n) for n in reversed(range(120))]

    async def test_an_item_that_nobody_could_name(self, store: HistoryStore, mailbox: str) -> None:
        await store.add(mailbox, [row("nameless", item=ItemRef("event", None, None))])
        assert await reasons(store, mailbox, None) == ["nameless"]

    async def test_whole_months_are_dropped(self, store: HistoryStore, mailbox: str) -> None:
        await store.add(mailbox, [row("old", datetime(2025, 11, 30, tzinfo=UTC)), row("new")])
        dropped = await store.drop_old(datetime(2025, 12, 1, 8, tzinfo=UTC))  # type: ignore[attr-defined]
        assert list(dropped) == ["history202511"]
        assert await reasons(store, mailbox, "d1") == ["new"]
        assert list(await store.drop_old(datetime(2025, 12, 1, 8, tzinfo=UTC))) == []  # type: ignore[attr-defined]
