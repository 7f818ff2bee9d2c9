"""The history against real Table Storage."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from shared.errors import Refused
from shared.model.decision import ItemRef
from shared.store.history import TableHistoryStore
from shared.store.tables import Tables
from tests.contracts import history_store
from tests.contracts.history_store import NOW, reasons, row

mailbox = history_store.mailbox


@pytest.fixture
def store(tables: Tables) -> TableHistoryStore:
    return TableHistoryStore(tables)


class TestTableHistoryStore(history_store.HistoryStoreContract):
    """Against Azurite."""


async def test_a_line_is_one_transaction(tables: Tables, store: TableHistoryStore, mailbox: str) -> None:
    await store.add(mailbox, [row("first")])
    before = tables.requests
    await store.add(mailbox, [row("second", NOW + timedelta(seconds=n)) for n in range(20)])
    assert tables.requests == before + 1


async def test_reading_an_item_does_not_grow_with_the_history(
    tables: Tables, store: TableHistoryStore, mailbox: str
) -> None:
    rows = [row(str(n), item=ItemRef("appointment", f"e{n % 7}", f"d{n % 7}")) for n in range(140)]
    await store.add(mailbox, rows)
    before = tables.requests
    found, _ = await store.of_item(mailbox, "e3", limit=50, after=None)
    assert len(found) == 20
    assert tables.requests == before + 4  # the months, the other id, the lines of each id


async def test_the_same_line_written_again_is_one_line(store: TableHistoryStore, mailbox: str) -> None:
    """An answer that was lost is asked for again."""
    for _ in range(2):
        await store.add(mailbox, [row("once"), row("once")])
    assert await reasons(store, mailbox, None) == ["once", "once"]


async def test_values_that_do_not_compress_are_kept_beside_the_line(
    store: TableHistoryStore, mailbox: str
) -> None:
    noise = "".join(map(chr, random.Random(1).choices(range(0x4E00, 0x9000), k=700_000)))
    loud = row("loud", before={"body": noise}, after={"body": noise[::-1]})
    await store.add(mailbox, [row("before"), loud, row("after")])
    found, _ = await store.of_item(mailbox, "d1", limit=10, after=None)
    assert [each.reason for each in found] == ["after", "loud", "before"]
    assert found[1] == loud
    assert (await store.of_item(mailbox, None, limit=10, after=None))[0] == found


async def test_a_made_up_continuation_is_refused(store: TableHistoryStore, mailbox: str) -> None:
    for token in ("x", "e30=", "żółć"):
        with pytest.raises(Refused):
            await store.of_item(mailbox, None, limit=1, after=token)
