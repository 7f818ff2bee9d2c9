"""Whatever a contact's field holds, it comes to rest after one write, and Dynamics can take it (LNK-10)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.bodies.forms import units
from shared.model.personal import CONTACT, DynamicsRecord, ExchangeItem
from shared.model.values import Side, Value
from shared.rules.contact_crossing import ADDRESS_PARTS, STREET_LINES, crossing, fits, losses
from shared.rules.field_table import FieldRow, of_entity
from shared.rules.merge import FieldState, merge
from tests.marks import rule

ROWS = [row for row in of_entity(CONTACT) if row.merged]
each = settings(max_examples=40)
"""Of each field, of which many cross alike."""
letters = st.characters(blacklist_categories=["Cs", "Cc"])
words = st.text(letters, max_size=12)
# Long enough to be cut in every column, with a character of two units at the end of some.
long_words = st.builds(lambda word, n, tail: (word * n)[:320] + tail, words, st.integers(0, 40), words)
texts = words | long_words
memos = st.lists(texts, max_size=9).map("\n".join) | st.builds(lambda t: t * 400, words)
streets = st.lists(texts, max_size=6).map("\n".join)
ids = st.uuids().map(str)


def parts(keys: list[str]) -> st.SearchStrategy[dict[str, str]]:
    every = st.fixed_dictionaries({key: streets if key == "street" else texts for key in keys})
    return every.map(lambda found: {key: text for key, text in found.items() if text})


def exchange_values(row: FieldRow) -> st.SearchStrategy[Any]:
    if row.kind == "name":
        return parts(row.exchange.split(", "))
    if row.kind == "address":
        return parts(list(ADDRESS_PARTS))
    if row.kind == "list":
        return st.lists(texts.filter(str.strip), max_size=5, unique=True)
    if row.kind == "date":
        return st.none() | st.dates().map(str)
    if row.kind == "regarding":
        kinds = st.sampled_from(["1", "2", "3", "account", "contact", "lead", "other"])
        return st.none() | st.fixed_dictionaries({"type": kinds, "id": ids})
    return memos if row.kind == "memo" else texts


def dynamics_values(row: FieldRow) -> st.SearchStrategy[Any]:
    """What a person can have put there: it fits."""
    nothing = crossing(row, None, None)
    if row.kind == "list":
        return texts.map(lambda text: text[:100])
    if row.kind == "regarding":
        tables = st.sampled_from(["account", "contact"])
        return st.none() | st.fixed_dictionaries({"table": tables, "id": ids})
    return exchange_values(row).filter(lambda value: fits(row, value)).map(nothing.to_dynamics)


def stored_in_exchange(value: Value) -> Value:
    """As it reads back: with other line ends."""
    if isinstance(value, dict):
        return {key: stored_in_exchange(part) for key, part in value.items()}
    return value.replace("\n", "\r\n") if isinstance(value, str) else value


def stored_in_dynamics(row: FieldRow, value: Value) -> Value:
    """As it reads back: without blanks around it. What is too long is refused, as Dynamics does."""
    for text, limit in columns(row, value):
        assert units(text) <= limit, (row.name, text)
    if isinstance(value, dict) and row.kind != "regarding":
        stored = {key: str(part).strip() for key, part in value.items()}
        return {key: part for key, part in stored.items() if part}
    return value.strip() if isinstance(value, str) else value


def columns(row: FieldRow, value: Value) -> list[tuple[str, int]]:
    if row.kind == "regarding" or not row.limits:
        return []
    if row.kind == "name":
        keys = row.exchange.split(", ")
        return [(value.get(key, ""), row.limits[c]) for key, c in zip(keys, row.dynamics, strict=True)]
    if row.kind == "address":
        lines = value.get("street", "").split("\n")
        assert len(lines) <= STREET_LINES
        found = list(zip(lines, [row.limits[c] for c in row.dynamics[:STREET_LINES]], strict=False))
        rest = zip(ADDRESS_PARTS[1:], row.dynamics[STREET_LINES:], strict=True)
        return found + [(value.get(key, ""), row.limits[c]) for key, c in rest]
    return [(value or "", row.limit)]


class World:
    """One field on both sides and its base, carried on as the engine does."""

    def __init__(self, row: FieldRow, exchange: Value, dynamics: Value) -> None:
        self.row, self.exchange, self.dynamics = row, exchange, dynamics
        self.base: dict[str, Value] = {}

    def over(self):
        item = ExchangeItem(CONTACT, "1", "e", "f", {self.row.name: self.exchange})
        record = DynamicsRecord(CONTACT, "2", "e", {self.row.name: self.dynamics})
        return crossing(self.row, item, record)

    def step(self, winner: Side) -> str:
        """One pass: ``written``, ``held`` or nothing."""
        state = FieldState(self.row.name, self.exchange, self.dynamics, **self.base)
        merged = merge(state, self.over(), self.row.direction, winner)
        if merged.agreed:
            self.absorb()
        if merged.towards is Side.DYNAMICS:
            if not fits(self.row, self.exchange):
                assert losses(self.row, self.exchange)
                return "held"
            self.dynamics = stored_in_dynamics(self.row, self.over().to_dynamics(self.exchange))
        elif merged.towards is Side.EXCHANGE:
            self.exchange = stored_in_exchange(self.over().to_exchange(self.dynamics))
        else:
            return ""
        self.absorb()
        return "written"

    def absorb(self) -> None:
        self.base = {"base_exchange": self.exchange, "base_dynamics": self.dynamics}


@rule("LNK-10")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@each
@given(data=st.data())
def test_after_one_write_nothing_more_is_to_be_done_whoever_edits_next(row, data):
    world = World(row, data.draw(exchange_values(row)), data.draw(dynamics_values(row)))
    for _ in range(3):
        winner = data.draw(st.sampled_from(Side))
        done = world.step(winner)
        if done == "held":
            assert world.step(winner) == "held"
        else:
            assert not world.step(winner)
            assert not world.step(winner.other)
        if done == "written":
            assert world.over().agree(world.exchange, world.dynamics)
        if data.draw(st.booleans()):
            world.exchange = data.draw(exchange_values(row))
        else:
            world.dynamics = data.draw(dynamics_values(row))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@each
@given(data=st.data())
def test_what_crosses_fits_and_crosses_the_same_again(row, data):
    value = data.draw(exchange_values(row).filter(lambda value: fits(row, value)))
    over = crossing(row, None, None)
    crossed = over.to_dynamics(value)
    stored_in_dynamics(row, crossed)
    assert over.agree(value, crossed)
    assert over.to_dynamics(over.to_exchange(crossed)) == crossed


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@each
@given(data=st.data())
def test_what_does_not_come_back_whole_was_said(row, data):
    value = data.draw(exchange_values(row).filter(lambda value: fits(row, value)))
    over = crossing(row, None, None)
    back = over.to_exchange(over.to_dynamics(value))
    seen = over.essence or (lambda v: v)
    joined = row.kind == "address" and len(street_lines(value)) > STREET_LINES
    whole = joined or seen(back) == seen(value) or back == value
    assert whole or losses(row, value) or row.kind == "regarding"
    if losses(row, value):
        assert seen(back) != seen(value)
        assert all(skip.fields == (row.name,) and row.rule in skip.rules for skip in losses(row, value))


def street_lines(value: dict[str, str]) -> list[str]:
    return [line for line in value.get("street", "").split("\n") if line.strip()]
