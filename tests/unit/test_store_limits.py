"""The limits of Table Storage are ours to keep: Azurite would let some of them pass."""

from __future__ import annotations

from typing import Any

import pytest

from shared.store import limits
from shared.store.limits import LimitExceeded, check_entity, check_transaction, utf16_bytes


def entity(**columns: Any) -> dict[str, Any]:
    return {"PartitionKey": "p", "RowKey": "r", **columns}


def test_what_is_just_within_the_limits() -> None:
    check_entity(entity(text="x" * 32_768, astral="📅" * 16_384, binary=b"x" * 65_536))
    check_entity(entity(**{f"c{n}": n for n in range(252)}))
    check_entity({"PartitionKey": "p" * 512, "RowKey": "ż" * 512})
    check_transaction([{**entity(), "RowKey": str(n)} for n in range(100)])


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"text": "x" * 32_769}, "property text is larger than 64 KiB"),
        ({"text": "📅" * 16_385}, "property text is larger than 64 KiB"),
        ({"data": b"x" * 65_537}, "property data is larger than 64 KiB"),
        ({f"c{n}": n for n in range(253)}, "253 properties, the limit is 252"),
        ({f"c{n}": "x" * 32_000 for n in range(17)}, "the entity is larger than 1 MiB"),
        ({"RowKey": "r" * 513}, "RowKey is longer than 512 characters"),
        ({"PartitionKey": "📅" * 257}, "PartitionKey is longer than 512 characters"),
        ({"RowKey": "a/b"}, "RowKey holds a character that storage forbids"),
        ({"PartitionKey": "a\x85b"}, "PartitionKey holds a character that storage forbids"),
    ],
)
def test_what_is_beyond_a_limit_is_refused_by_name(columns: dict[str, Any], words: str) -> None:
    with pytest.raises(LimitExceeded, match=words):
        check_entity(entity(**columns))


@pytest.mark.parametrize(
    ("entities", "words"),
    [
        ([], "0 operations"),
        ([{**entity(), "RowKey": str(n)} for n in range(101)], "101 operations"),
        ([entity(), {**entity(), "PartitionKey": "q", "RowKey": "s"}], "one partition"),
        ([entity(), entity()], "more than once"),
        ([{**entity(d=b"x" * 64_000), "RowKey": str(n)} for n in range(60)], "larger than 4 MiB"),
    ],
)
def test_what_is_no_transaction(entities: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(LimitExceeded, match=words):
        check_transaction(entities)


def test_a_limit_counts_as_refused_so_that_only_this_item_stops() -> None:
    assert issubclass(LimitExceeded, limits.Refused)


@pytest.mark.parametrize("text", ["", "abc", "żółć", "📅", "a\ud800b"])
def test_characters_are_counted_as_storage_counts_them(text: str) -> None:
    assert utf16_bytes(text) == len(text.encode("utf-16-le", "surrogatepass"))
