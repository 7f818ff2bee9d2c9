"""What a delta is read from: versions that rise, writes that are undone, rows that went and came again."""

from __future__ import annotations

from contextlib import suppress

import pytest

from local.clock import Clock
from local.dataverse.store import Store
from local.dataverse.tables import TABLES
from local.journaled import JournaledTables

CONTACT = TABLES["contact"]


def names(store: Store, version: int) -> list[str]:
    return [row["lastname"] for row in store.changed_since("contact", version)]


def put(store: Store, row_id: str, name: str) -> int:
    return int(store.put(CONTACT, {"contactid": row_id, "lastname": name})["versionnumber"])


@pytest.fixture
def tables() -> JournaledTables:
    return JournaledTables()


@pytest.fixture
def store(tables: JournaledTables) -> Store:
    return Store(tables, Clock())


def test_a_row_comes_once_with_its_last_change_and_in_its_order(store: Store) -> None:
    first = put(store, "a", "A")
    put(store, "b", "B")
    last = put(store, "a", "A again")
    assert (names(store, 0), names(store, first), names(store, last)) == (["B", "A again"],) * 2 + ([],)


def test_what_was_undone_never_happened(store: Store) -> None:
    put(store, "a", "A")
    with suppress(RuntimeError), store.atomic():
        put(store, "a", "undone")
        put(store, "b", "undone")
        store.remove(CONTACT, "a")
        raise RuntimeError
    assert (names(store, 0), store.removed_since("contact", 0)) == (["A"], [])
    put(store, "b", "B")
    assert (names(store, 0), store.removed_since("contact", 0)) == (["A", "B"], [])


def test_a_part_that_was_undone_leaves_the_rest(store: Store) -> None:
    with store.atomic():
        put(store, "a", "A")
        with suppress(RuntimeError), store.atomic():
            store.remove(CONTACT, "a")
            put(store, "b", "undone")
            raise RuntimeError
        put(store, "c", "C")
    assert (names(store, 0), store.removed_since("contact", 0)) == (["A", "C"], [])


def test_what_went_is_told_and_what_came_again_too(store: Store) -> None:
    put(store, "a", "A")
    before = store.version
    store.remove(CONTACT, "a")
    assert (names(store, 0), store.removed_since("contact", before)) == ([], ["a"])
    put(store, "a", "again")
    assert (names(store, before), store.removed_since("contact", before)) == (["again"], ["a"])
    assert store.removed_since("contact", store.version) == store.removed_since("task", 0) == []


def test_a_store_that_is_opened_again_knows_as_much(store: Store, tables: JournaledTables) -> None:
    for row_id, name in (("b", "B"), ("a", "A"), ("b", "B again"), ("c", "C")):
        put(store, row_id, name)
    store.remove(CONTACT, "c")
    again = Store(tables, Clock())
    for version in range(store.version + 1):
        assert names(again, version) == names(store, version)
        assert again.removed_since("contact", version) == store.removed_since("contact", version)
