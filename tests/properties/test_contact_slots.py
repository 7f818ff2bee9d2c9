"""Putting a lone number into its place loses none, invents none and is done once (FLD-23)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.rules.slots import PAIRS, aligned
from tests.marks import rule

NAMES = [name for pair in PAIRS for name in pair]
numbers = st.sampled_from(["", "1", "2", "+3 4", " "])
phones = st.fixed_dictionaries({}, optional=dict.fromkeys([*NAMES, "mobilePhone"], numbers))


@given(phones, phones)
def test_every_number_stays_in_its_pair_and_everything_else_where_it_was(exchange, dynamics):
    found = aligned(exchange, dynamics)
    for pair in PAIRS:
        assert filled(found, pair) == filled(exchange, pair)
    assert found.get("mobilePhone") == exchange.get("mobilePhone")
    assert exchange.keys() <= found.keys()
    assert {name for name in found if found[name]} <= {*NAMES, "mobilePhone"}


@given(phones, phones)
def test_it_is_done_once(exchange, dynamics):
    once = aligned(exchange, dynamics)
    assert aligned(once, dynamics) == once


@rule("FLD-23")
@given(st.sampled_from(PAIRS), numbers.filter(str.strip), numbers.filter(str.strip))
def test_a_lone_second_number_is_not_taken_for_the_first(pair, theirs, mine):
    first, second = pair
    assert aligned({first: mine, second: ""}, {first: "", second: theirs}) == {first: "", second: mine}


@rule("FLD-23")
@given(phones, phones)
def test_where_dynamics_has_a_first_number_or_none_nothing_moves(exchange, dynamics):
    kept = {**dynamics, **{first: "9" for first, _ in PAIRS}}
    assert aligned(exchange, kept) == exchange
    assert aligned(exchange, {}) == exchange


def filled(values, pair):
    return [values[name] for name in pair if str(values.get(name, "")).strip()]
