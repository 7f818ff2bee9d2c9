"""Contacts as other programs write them go to Dynamics and back; what does not come back was said before."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from shared.model.personal import CONTACT, DynamicsRecord, ExchangeItem
from shared.model.values import Side, Value, Values, is_empty
from shared.rules.contact_crossing import crossing, fits, losses
from shared.rules.contact_matching import Verdict, as_match, as_match_of, same_person
from shared.rules.contact_names import full_name
from shared.rules.contact_validation import problems
from shared.rules.field_table import of_entity
from shared.rules.merge import FieldState, merge
from tests.marks import rule
from tests.vcards import FILES, read

CARDS = [pytest.param(card, id=f"{path.stem}-{n}") for path in FILES for n, card in enumerate(read(path), 1)]
ROWS = [row for row in of_entity(CONTACT) if row.merged]


def in_dynamics(card: Values) -> Values:
    return {
        row.name: crossing(row, None, None).to_dynamics(card[row.name])
        for row in ROWS
        if fits(row, card[row.name])
    }


def on_one_line(value: Value) -> Value:
    """An address with the lines of its street after commas, as Dynamics has those below the third."""
    if not isinstance(value, Mapping):
        return value
    return {part: str(text).replace("\n", ", ") for part, text in value.items()}


def test_every_card_of_every_file_is_read():
    assert len(FILES) == 12
    assert len(CARDS) == 15
    filled = {name for card in CARDS for name, value in card.values[0].items() if not is_empty(value)}
    assert {row.name for row in ROWS} - filled == {
        "regarding",
        "businessPhone2",
        "homePhone2",
        "ftpSite",
        "governmentId",
    }


@rule("CONT-1")
@pytest.mark.parametrize("card", CARDS)
def test_a_card_comes_back_from_dynamics_as_it_was_but_for_what_was_said(card):
    row_values = in_dynamics(card)
    assert row_values.keys() == {row.name for row in ROWS}
    for row in ROWS:
        over = crossing(row, None, None)
        back = over.to_exchange(row_values[row.name])
        seen = over.essence or (lambda value: value)
        same = on_one_line(seen(back)) == on_one_line(seen(card[row.name]))
        assert same or losses(row, card[row.name]), row.name


@rule("CONT-1")
@pytest.mark.parametrize("card", CARDS)
def test_once_both_sides_have_a_card_nothing_is_to_be_done(card):
    row_values = in_dynamics(card)
    item = ExchangeItem(CONTACT, "1", "e", "f", card)
    record = DynamicsRecord(CONTACT, "2", "e", row_values)
    for row in ROWS:
        state = FieldState(row.name, card[row.name], row_values[row.name])
        assert merge(state, crossing(row, item, record), row.direction, Side.DYNAMICS).agreed, row.name


def test_the_only_thing_that_is_lost_is_a_suffix_of_thirteen_characters():
    said = [
        (row.name, skip.reason)
        for card in CARDS
        for row in ROWS
        for skip in losses(row, card.values[0][row.name])
    ]
    assert [name for name, _ in said] == ["name"]
    assert "generation: 10 characters" in said[0][1]


@rule("SET-22")
@pytest.mark.parametrize("card", CARDS)
def test_a_real_card_has_what_a_contact_needs(card):
    assert problems(card) == []


@rule("CONT-9")
@pytest.mark.parametrize("card", CARDS)
def test_a_card_is_the_same_person_as_its_row(card):
    values = in_dynamics(card)
    row = as_match_of(DynamicsRecord(CONTACT, "2", "e", values, name=full_name(values)))
    assert same_person(as_match(ExchangeItem(CONTACT, "1", "e", "f", card)), row) is Verdict.SAME
