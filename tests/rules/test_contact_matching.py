"""Who is the same person (CONT-9): two people are never made one, and what is not certain is asked."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from shared.model.party import RecordRef
from shared.model.personal import CONTACT, DynamicsRecord, ExchangeItem, Match
from shared.model.values import Side
from shared.rules.contact_matching import Choice, Verdict, as_match, as_match_of, choose, same_person
from tests.marks import rule

FAMILY = "family@home.example"
_numbers = count()


def who(name: str = "", *emails: str, company: str = "", **changes: Any) -> Match:
    number = f"row-{next(_numbers)}"
    return Match(Side.DYNAMICS, number, name, frozenset(emails), name, company, **changes)


def verdict(left: Match, right: Match) -> Verdict:
    assert same_person(left, right) is same_person(right, left)
    return same_person(left, right)


@rule("CONT-9")
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("John Smith", "Smith, John"),
        ("John Smith", "JOHN SMITH"),
        ("John Smith", "Mr. John Q. Smith, Jr."),
        ("John Smith", "Dr. John Smith, Ph.D."),
        ("John Quincy Smith", "John Q Smith"),
        ("José Núñez", "Jose Nunez"),
        ("Søren Müller", "Soren Muller"),
        ("Pat O'Brien", "O’Brien, Pat"),
        ("Jean-Luc Picard", "Jean Luc Picard"),
        ("Ｊｏｈｎ Ｓｍｉｔｈ", "John Smith"),
        ("山田 太郎", "山田太郎"),
        ("太郎 山田", "山田 太郎"),
        ("김철수", "김 철수"),
        ("Сергей Королёв", "Королев, Сергей"),
        ("", "John Smith"),
        ("", ""),
    ],
)
def test_one_address_and_names_that_go_together_are_one_person(left, right):
    assert verdict(who(left, "J@X.example"), who(right, "j@x.example", "k@x.example")) is Verdict.SAME


@rule("CONT-9")
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("John Smith", "Mary Smith"),
        ("John Smith", "Mary Brown"),
        ("John Smith", "John & Mary Smith"),
        ("John Smith Sr.", "Smith, John, Jr."),
        ("Mr. Smith", "Mrs. Smith"),
        ("Herr Schmidt", "Schmidt, Frau"),
        ("John Smith", "J. Smith"),
        ("John Smith", "Smith"),
        ("John Smith", "John"),
        ("Mary Ann Smith", "Mary Jane Smith"),
        ("John Smith (father)", "John Smith (son)"),
        ("Ing Wang", "Hon Wang"),
        ("がんま 太郎", "かんま 太郎"),
        ("王伟", "王芳"),
    ],
)
def test_one_address_and_names_that_clash_are_asked_about(left, right):
    assert verdict(who(left, FAMILY), who(right, FAMILY)) is Verdict.UNSURE


@rule("CONT-9")
@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (who("John Smith", company="Contoso"), who("Smith, John", company="CONTOSO"), Verdict.SAME),
        (
            who("John Smith", "j@x.example", company="Contoso"),
            who("John Smith", company="Contoso"),
            Verdict.SAME,
        ),
        (
            who("John Smith", "j@x.example", company="Contoso"),
            who("John Smith", "k@x.example", company="Contoso"),
            Verdict.UNSURE,
        ),
        (who("John Smith", company="Contoso"), who("John Q. Smith", company="Contoso"), Verdict.UNSURE),
        (who("John Smith", company="Contoso"), who("John Smith Jr.", company="Contoso"), Verdict.UNSURE),
        (who("John", company="Contoso"), who("John", company="Contoso"), Verdict.UNSURE),
        (who("John Smith", company="Contoso"), who("John Smith", company="Contoso Ltd."), Verdict.UNSURE),
        (
            who("John Smith", company="Contoso AG"),
            who("John Smith", company="Contoso Ltd"),
            Verdict.DIFFERENT,
        ),
        (who("John Smith", company="Contoso"), who("John Smith", company="Fabrikam"), Verdict.DIFFERENT),
        (who("John Smith", company="Contoso"), who("Mary Smith", company="Contoso"), Verdict.DIFFERENT),
        (who("", company="Contoso"), who("John Smith", company="Contoso"), Verdict.DIFFERENT),
    ],
)
def test_without_a_common_address_the_same_full_name_and_company_count(left, right, expected):
    assert verdict(left, right) is expected


@rule("CONT-9")
@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (who("John Smith"), who("John Smith"), Verdict.UNSURE),
        (who("John Smith"), who("John Smith", "j@x.example", company="Contoso"), Verdict.UNSURE),
        (who("John Smith", "j@x.example"), who("John Smith", "k@x.example"), Verdict.DIFFERENT),
        (who("John Smith"), who("John Q. Smith"), Verdict.DIFFERENT),
        (who("John"), who("John"), Verdict.DIFFERENT),
    ],
)
def test_a_name_alone_is_asked_about_at_most(left, right, expected):
    assert verdict(left, right) is expected


# --- choosing -------------------------------------------------------------------------------------


@rule("CONT-9")
def test_the_only_same_person_is_the_match_whoever_else_lives_there():
    john, mary = who("Smith, John", FAMILY), who("Mary Smith", FAMILY)
    assert choose(who("John Smith", FAMILY), [mary, john]) == Choice(match=john)
    assert choose(who("John Smith", FAMILY), [john, john]) == Choice(match=john)


@rule("CONT-9")
def test_several_of_the_same_person_are_asked_about_even_if_one_is_owned():
    first, second = who("John Smith", "j@x.example", owned=True), who("John Smith", "j@x.example")
    other = who("John Smith")
    assert choose(who("John Smith", "j@x.example"), [first, other, second]) == Choice(ask=(first, second))


@rule("CONT-9")
def test_what_is_not_certain_is_asked():
    mary, bob = who("Mary Smith", FAMILY), who("Bob Smith", FAMILY)
    stranger = who("Zoe Brown", "zoe@x.example")
    assert choose(who("John Smith", FAMILY), [mary, stranger, bob]) == Choice(ask=(mary, bob))
    assert choose(who("John Smith", FAMILY), [stranger]) == Choice()


@rule("CONT-9")
def test_what_is_linked_already_is_never_chosen_nor_asked_about():
    me = who("John Smith", FAMILY)
    linked = who("John Smith", FAMILY, linked=True)
    mary = who("Mary Smith", FAMILY)
    assert choose(me, [linked, mary]) == Choice()
    assert choose(me, [who("Mary Smith", FAMILY, linked=True)]) == Choice()
    free = who("John Smith", FAMILY)
    assert choose(me, [linked, free, mary]) == Choice(ask=(free,))


@rule("CONT-9")
@pytest.mark.parametrize("linked", [False, True])
def test_a_nameless_address_that_somebody_else_uses_too_proves_nothing(linked):
    nameless, mary = who("", FAMILY), who("Mary Smith", FAMILY, linked=linked)
    assert choose(who("John Smith", FAMILY), [nameless]) == Choice(match=nameless)
    asked = (nameless,) if linked else (nameless, mary)
    assert choose(who("John Smith", FAMILY), [nameless, mary]) == Choice(ask=asked)


# --- candidates -----------------------------------------------------------------------------------


def contact(display_name: str = "", **values: Any) -> ExchangeItem:
    return ExchangeItem(CONTACT, "contact-1", "e", "f", values, display_name=display_name)


def test_an_exchange_contact_as_a_candidate():
    name = {"title": "Dr.", "givenName": "Ada", "surname": "King", "generation": "II"}
    found = as_match(
        contact("The Countess", name=name, company=" Contoso ", email2="Ada@X.example"), linked=True
    )
    assert found.side is Side.EXCHANGE
    assert (found.id, found.name, found.company, found.linked) == (
        "contact-1",
        "Ada King ii",
        "Contoso",
        True,
    )
    assert found.emails == {"ada@x.example"}
    assert found.label == "The Countess (Contoso, ada@x.example)"


def test_a_title_counts_where_it_stands_for_a_given_name():
    assert as_match(contact(name={"title": "Mrs.", "surname": "King"})).name == "Mrs. King"


def test_a_display_name_counts_where_there_is_no_other_unless_exchange_made_it():
    assert as_match(contact("King, Ada", name={})).name == "King, Ada"
    assert as_match(contact("Contoso", name={}, company="contoso")).name == ""
    assert as_match(contact("a@x.example", email1="A@x.example")).name == ""
    assert as_match(contact("a@x.example", email1="A@x.example")).label == "a@x.example"


def test_a_row_as_a_candidate():
    user = "33333333-3333-3333-3333-333333333333"
    values = {
        "name": {"givenName": "Ada", "surname": "King"},
        "company": "Contoso",
        "email1": "ada@x.example",
    }
    row = DynamicsRecord(CONTACT, "row-1", "e", values, RecordRef("systemuser", user), name="King, Ada")
    found = as_match_of(row, user=user.upper())
    assert (found.side, found.id, found.owned, found.linked) == (Side.DYNAMICS, "row-1", True, False)
    assert (found.name, found.company, found.emails) == ("Ada King", "Contoso", {"ada@x.example"})
    assert found.label == "King, Ada (Contoso, ada@x.example)"
    assert not as_match_of(row).owned
