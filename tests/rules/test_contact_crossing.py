"""How single fields of a contact cross over, and what is said where Dynamics takes less (FLD-20 to 32)."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model.personal import CONTACT, DynamicsRecord, ExchangeItem
from shared.model.values import Direction, Side
from shared.rules.contact_crossing import crossing, fits, losses
from shared.rules.field_table import by_name, of_entity
from shared.rules.merge import Crossing, FieldState, merge
from tests.marks import rule

ROWS = by_name(CONTACT)
ACCOUNT = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"


def item(**values: Any) -> ExchangeItem:
    return ExchangeItem(CONTACT, "contact-1", 'W/"1"', "folder-1", values)


def record(**values: Any) -> DynamicsRecord:
    return DynamicsRecord(CONTACT, "77777777-7777-7777-7777-777777777777", 'W/"1"', values)


def over(name: str, exchange: Any = None, dynamics: Any = None) -> Crossing:
    return crossing(ROWS[name], item(**{name: exchange}), record(**{name: dynamics}))


def agree(name: str, exchange: Any, dynamics: Any) -> bool:
    return over(name, exchange, dynamics).agree(exchange, dynamics)


def test_every_field_of_a_contact_has_a_way_across():
    for row in of_entity(CONTACT):
        nothing = crossing(row, None, None)
        assert nothing.agree(nothing.to_exchange(None), nothing.to_dynamics(None)), row.name
        assert not losses(row, None)


@rule("FLD-20")
def test_a_name_crosses_part_by_part_without_the_blanks_around_it():
    name = {"title": "Dr.", "givenName": " Ada ", "middleName": "", "surname": "King", "generation": "II"}
    crossed = over("name").to_dynamics(name)
    assert crossed == {"title": "Dr.", "givenName": "Ada", "surname": "King", "generation": "II"}
    assert agree("name", name, crossed)
    assert not agree("name", name, {**crossed, "surname": "Lovelace"})


@rule("FLD-20")
def test_a_suffix_that_is_too_long_is_cut_in_its_own_column_and_said():
    name = {"surname": "Perreault", "generation": "ing. jr, M.Sc."}
    assert over("name").to_dynamics(name) == {"surname": "Perreault", "generation": "ing. jr, M"}
    [said] = losses(ROWS["name"], name)
    assert said.fields == ("name",)
    assert "generation: 10 characters" in said.reason
    assert said.rules[0] == "FLD-20"


def test_a_change_of_one_part_in_dynamics_leaves_what_it_cut_of_another_in_exchange():
    long = "Wolfeschlegelsteinhausenbergerdorff" * 2
    shown = {"givenName": "Hubert", "surname": long}
    edited = {"givenName": "Hugo", "surname": long[:50]}
    assert over("name", shown, edited).to_exchange(edited) == {"givenName": "Hugo", "surname": long}


@rule("FLD-22")
def test_e_mail_addresses_that_differ_in_case_only_are_the_same():
    assert agree("email1", "Ada@Contoso.example", "ada@contoso.example ")
    assert not agree("email1", "ada@contoso.example", "ada@fabrikam.example")


@rule("FLD-23")
def test_a_telephone_number_is_compared_as_text_but_for_the_blanks_around_it():
    assert agree("mobilePhone", " +1 (425) 555-0100", "+1 (425) 555-0100")
    assert not agree("mobilePhone", "+14255550100", "+1 (425) 555-0100")


@pytest.mark.parametrize("name", ["businessPhone", "email2", "webPage", "governmentId"])
def test_half_a_number_or_address_is_none_so_it_is_not_sent_and_said(name):
    row = ROWS[name]
    assert fits(row, "7" * row.limit)
    assert not losses(row, "7" * row.limit)
    assert not fits(row, "7" * (row.limit + 1))
    [said] = losses(row, "7" * (row.limit + 1))
    assert said.code == "too long"
    assert f"{row.limit} characters" in said.reason
    assert row.rule in said.rules


@rule("FLD-26")
def test_a_text_is_cut_between_characters_and_stays_agreed():
    long = "x" * 99 + "🎉" + "y"
    crossed = over("jobTitle").to_dynamics(long)
    assert crossed == "x" * 99
    assert agree("jobTitle", long, crossed)
    assert [said.code for said in losses(ROWS["jobTitle"], long)] == ["shortened"]


@rule("FLD-29")
def test_line_ends_and_blanks_at_the_end_are_no_difference_of_notes():
    assert agree("notes", "one \r\ntwo\r\n", "one\ntwo")
    assert not agree("notes", "one\r\ntwo", "one two")


@rule("FLD-27")
def test_dates_cross_unless_they_are_older_than_dynamics_knows():
    assert over("birthday").to_dynamics("1815-12-10") == "1815-12-10"
    assert over("birthday").to_exchange(None) is None
    assert fits(ROWS["birthday"], "1753-01-01")
    assert not fits(ROWS["birthday"], "1752-12-31")
    assert "1753" in losses(ROWS["birthday"], "1685-03-21")[0].reason


@rule("FLD-27")
def test_children_are_a_list_here_and_a_text_there():
    assert over("children").to_dynamics(["Ann", "Bo"]) == "Ann, Bo"
    assert over("children").to_exchange("Ann; Bo,Cy\nAnn") == ["Ann", "Bo", "Cy"]
    assert agree("children", ["Ann", "Bo"], "Ann;Bo")
    assert not agree("children", ["Ann", "Bo"], "Bo, Ann")


def test_a_child_that_does_not_fit_is_left_out_whole_and_the_rest_stays_agreed():
    names = ["A" * 200, "B" * 100]
    assert over("children").to_dynamics(names) == "A" * 200
    assert agree("children", names, "A" * 200)
    assert "255 characters" in losses(ROWS["children"], names)[0].reason
    assert over("children").to_dynamics(["C" * 300]) == "C" * 255


@rule("FLD-31")
def test_a_street_of_five_lines_stands_in_three_and_is_the_same():
    address = {"street": "Hall 3\r\nGate 2\nFloor 1\n\nRoom 9\nDesk 4", "city": "Delft"}
    crossed = over("businessAddress").to_dynamics(address)
    assert crossed == {"street": "Hall 3\nGate 2\nFloor 1, Room 9, Desk 4", "city": "Delft"}
    assert agree("businessAddress", address, crossed)
    assert not losses(ROWS["businessAddress"], address)


@rule("FLD-31")
def test_a_change_of_the_city_in_dynamics_leaves_the_lines_of_the_street_in_exchange():
    address = {"street": "Hall 3\nGate 2\nFloor 1\nRoom 9", "city": "Delft"}
    edited = {**over("businessAddress").to_dynamics(address), "city": "Leiden"}
    assert over("businessAddress", address, edited).to_exchange(edited) == {**address, "city": "Leiden"}


def test_every_part_of_an_address_has_its_own_limit():
    address = {"street": f"{'s' * 260}\nx", "city": "c" * 81, "state": "t" * 50, "postalCode": "p" * 21}
    crossed = over("otherAddress").to_dynamics(address)
    assert crossed == {
        "street": f"{'s' * 250}\nx",
        "city": "c" * 80,
        "state": "t" * 50,
        "postalCode": "p" * 20,
    }
    [said] = losses(ROWS["otherAddress"], address)
    assert "street: 250, city: 80, postalCode: 20 characters" in said.reason


@rule("FLD-21")
@pytest.mark.parametrize(
    ("stamp", "table"),
    [
        ({"type": "1", "id": f"{{{ACCOUNT.upper()}}}"}, "account"),
        ({"type": "account", "id": ACCOUNT}, "account"),
        ({"type": "2", "id": ACCOUNT}, "contact"),
    ],
)
def test_an_account_or_a_contact_is_a_parent(stamp, table):
    assert over("regarding").to_dynamics(stamp) == {"table": table, "id": ACCOUNT}
    assert agree("regarding", stamp, {"table": table, "id": ACCOUNT})
    assert fits(ROWS["regarding"], stamp)


@rule("FLD-21")
@pytest.mark.parametrize("kind", ["3", "opportunity", "10042", ""])
def test_nothing_else_is_a_parent_so_it_is_held_and_said(kind):
    stamp = {"type": kind, "id": ACCOUNT}
    assert not fits(ROWS["regarding"], stamp)
    assert losses(ROWS["regarding"], stamp)[0].code == "not a parent"
    assert agree("regarding", stamp, None)
    assert not agree("regarding", stamp, {"table": "account", "id": ACCOUNT})


@rule("CONT-6")
def test_a_typed_company_never_goes_to_dynamics():
    row = ROWS["company"]
    for base in ({}, {"base_exchange": "", "base_dynamics": ""}):
        state = FieldState("company", "Fabrikam", "", **base)
        assert merge(state, over("company"), row.direction, Side.EXCHANGE).held
    assert row.direction is Direction.TO_EXCHANGE
