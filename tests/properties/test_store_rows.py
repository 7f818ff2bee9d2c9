"""Whatever ids and values the services invent, rows give back what was put into them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from shared.engine.ports import Cursor, HistoryRow, PendingDecision, Question, Window
from shared.model.decision import ItemRef
from shared.model.link import Base, Link, LinkState, Role
from shared.model.mailbox import Mailbox, MailboxState
from shared.store import chunks, history_rows, keys, limits, link_rows, registry_rows
from shared.store.codec import dumps, from_json, instant, to_json

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=400)
"""Lone surrogates and control characters too."""
MOMENTS = st.datetimes(timezones=st.just(UTC), min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
LONG_TEXT = st.builds(lambda text, times: text * times, ANY_TEXT, st.integers(1, 400))
FIELDS = st.dictionaries(st.sampled_from(["subject", "body", "attendees", "time", "x y"]), VALUES | LONG_TEXT)

LINKS = st.builds(
    Link,
    kind=st.sampled_from(["appointment", "contact"]),
    table=st.sampled_from(["appointment", "contact", "Odd/Table"]),
    dynamics_id=ANY_TEXT,
    exchange_id=st.none() | ANY_TEXT,
    state=st.sampled_from(LinkState),
    role=st.sampled_from(Role),
    generation=st.integers(0, 2**40),
    exchange_etag=st.none() | ANY_TEXT,
    base=st.builds(Base, FIELDS, FIELDS),
    reason=LONG_TEXT,
    rules=st.tuples(st.just("LNK-1"), ANY_TEXT),
    subject=ANY_TEXT,
    markers=FIELDS,
    withheld=st.lists(st.tuples(ANY_TEXT, ANY_TEXT), max_size=60).map(tuple),
    attempt_at=st.none() | MOMENTS,
    intent=FIELDS,
)
ITEMS = st.builds(ItemRef, st.just("appointment"), st.none() | ANY_TEXT, st.none() | ANY_TEXT, ANY_TEXT)
HISTORY = st.builds(
    HistoryRow,
    at=MOMENTS,
    item=ITEMS,
    action=ANY_TEXT,
    side=st.just("exchange"),
    rules=st.just(("FLD-1",)),
    reason=LONG_TEXT,
    outcome=st.just("done"),
    before=FIELDS,
    after=FIELDS,
    lost=FIELDS,
)


@given(ANY_TEXT)
@example("")
@example(" ")
@example("..")
@example("AAMkAGI=/+%#?\\")
@example("x" * 5000)
def test_any_id_becomes_a_key(identifier: str) -> None:
    key = keys.encode(identifier)
    assert keys.is_safe(key)
    assert key
    assert ":" not in key
    assert limits.utf16_bytes(key) <= limits.KEY_BYTES // 2


@given(ANY_TEXT, ANY_TEXT)
@example("AAMk", "aamk")
@example("a/b", keys.encode("a/b"))
@example("x" * 300, "x" * 301)
@example("", " ")
def test_two_ids_are_two_keys(one: str, other: str) -> None:
    assert (keys.encode(one) == keys.encode(other)) == (one == other)
    assert (keys.digest(one) == keys.digest(other)) == (one == other)


@given(st.text(max_size=200), st.integers(0, 700))
@example("📅", 40_000)
@example("ab", 32_000)
def test_a_chunked_text_is_the_same_text(text: str, times: int) -> None:
    whole = text * times
    columns = chunks.text_columns("body", whole)
    assert chunks.text_of("body", {"other": 1, **columns}) == whole
    assert list(chunks.names("body", len(columns))) == list(columns)
    assert all(limits.utf16_bytes(piece) <= limits.PROPERTY_BYTES for piece in columns.values())


@given(st.text(st.characters(exclude_categories=()), max_size=2000), st.integers(1, 50))
def test_a_packed_text_is_the_same_text(text: str, times: int) -> None:
    rows = chunks.packed_rows(text * times)
    assert chunks.unpacked(rows) == text * times
    for row in rows:
        limits.check_entity({"PartitionKey": "p", "RowKey": "r", **row})


@given(LINKS)
def test_a_link_is_the_same_after_storage(link: Link) -> None:
    stored = link_rows.store("m", link)
    again = link_rows.link(stored.row, stored.values)
    assert again is not None
    assert dumps(to_json(again)) == dumps(to_json(link))
    assert link_rows.name_in(stored.row) == stored.name
    for entity in (stored.row, *stored.values, *([stored.index] if stored.index else [])):
        limits.check_entity(entity)
        begin, end = link_rows.values_range([stored.name])
        assert (begin <= entity["RowKey"] < end) == (entity in stored.values)


@given(LINKS)
def test_a_link_with_a_value_missing_is_not_taken_for_whole(link: Link) -> None:
    stored = link_rows.store("m", link)
    if stored.values:
        assert link_rows.link(stored.row, stored.values[1:]) is None


@given(HISTORY, st.integers(0, 10))
def test_a_line_of_history_is_the_same_after_storage(row: HistoryRow, place: int) -> None:
    *beside, (line, thin) = history_rows.units("m", row, place)
    parts = [part for unit in beside for part in unit]
    again = history_rows.line(line, parts)
    assert dumps(to_json(again)) == dumps(to_json(row))
    for entity in (line, thin, *parts, *history_rows.aliases("m", [row])):
        limits.check_entity(entity)
    assert history_rows.position_in(line["RowKey"]) == history_rows.position_in(thin["RowKey"])


@given(HISTORY, HISTORY, st.integers(0, 99_999), st.integers(0, 99_999))
def test_the_newest_line_comes_first(one: HistoryRow, other: HistoryRow, place: int, beside: int) -> None:
    first, second = history_rows.order(one, place), history_rows.order(other, beside)
    if one.at != other.at:
        assert (first < second) == (one.at > other.at)
    elif place != beside:
        assert (first < second) == (place > beside)


@given(MOMENTS, MOMENTS)
def test_stored_times_sort_as_times_do(one: datetime, other: datetime) -> None:
    assert (instant(one) < instant(other)) == (one < other)
    assert datetime.fromisoformat(instant(one)) == one


@given(st.builds(Cursor, ANY_TEXT, LONG_TEXT, st.booleans(), st.builds(Window, MOMENTS, MOMENTS), MOMENTS))
def test_a_cursor_is_the_same_after_storage(cursor: Cursor) -> None:
    assert from_json(Cursor, json.loads(dumps(to_json(cursor)))) == cursor


@given(ITEMS, ANY_TEXT, MOMENTS)
def test_a_question_is_the_same_after_storage(item: ItemRef, text: str, at: datetime) -> None:
    asked = PendingDecision(text, text, Question.BRAKE, text, at, item)
    assert from_json(PendingDecision, json.loads(dumps(to_json(asked)))) == asked


@given(
    st.builds(
        Mailbox,
        id=ANY_TEXT,
        address=ANY_TEXT,
        user_id=ANY_TEXT,
        state=st.sampled_from(MailboxState),
        due_at=st.none() | MOMENTS,
        lag_seconds=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        failures=st.integers(0, 2**31 - 1),
    )
)
def test_a_mailbox_is_the_same_after_storage(mailbox: Mailbox) -> None:
    row = registry_rows.row(mailbox, confirmed=True)
    limits.check_entity(row)
    assert registry_rows.mailbox(row, None) == mailbox  # type: ignore[arg-type]


def test_a_record_of_the_next_version_is_read() -> None:
    data = {"feed": "f", "link": "l", "complete": True, "invented_later": [1]}
    assert from_json(Cursor, data) == Cursor("f", "l", True)
