"""What a contact is called when its name is written (FLD-20)."""

from __future__ import annotations

from typing import Any

from local.exchange.contact_input import DEFAULTS, settled
from shared.model.personal import CONTACT, ExchangeItem
from shared.rules.contact_names import display_name_to_send, full_name, generated_display_name
from tests.marks import rule

OLD = {"title": "Dr.", "givenName": "Ada", "middleName": "B.", "surname": "King", "generation": "II"}
NEW = {**OLD, "surname": "Lovelace"}


def item(display_name: str, **values: Any) -> ExchangeItem:
    return ExchangeItem(CONTACT, "1", "e", "f", values, display_name=display_name)


def test_a_full_name_is_first_middle_and_last():
    assert full_name({"name": OLD}) == "Ada B. King"
    assert full_name({"name": {"surname": " King "}}) == "King"
    assert full_name({"name": {}, "company": "Contoso"}) == ""


def test_a_generated_name_is_what_exchange_makes():
    email = {"name": "The desk", "address": "desk@contoso.example"}
    for name, company in ((OLD, "Contoso"), ({}, "Contoso"), ({}, "")):
        sent = {**name, "companyName": company, "emailAddresses": [email, None, None]}
        made = settled(DEFAULTS, sent)["displayName"]
        assert generated_display_name(name, company, ["The desk"]) == made


@rule("FLD-20")
def test_a_display_name_that_a_person_chose_is_sent_along():
    assert display_name_to_send(item("The Countess"), OLD, NEW) == "The Countess"


@rule("FLD-20")
def test_a_display_name_that_nobody_chose_follows_the_name():
    for made in ("Ada B. King", "Dr. Ada B. King II", " Ada B. King ", ""):
        assert display_name_to_send(item(made), OLD, NEW) == "Ada B. Lovelace"
    assert display_name_to_send(None, None, NEW) == "Ada B. Lovelace"


def test_what_stood_for_a_name_gives_way_to_one():
    assert display_name_to_send(item("Contoso", company="Contoso"), {}, NEW) == "Ada B. Lovelace"
    assert display_name_to_send(item("a@b.example", email1="a@b.example"), {}, NEW) == "Ada B. Lovelace"
    assert display_name_to_send(item("The desk", company="Contoso"), {}, NEW) == "The desk"


def test_where_no_name_is_left_exchange_makes_one_of_the_company():
    assert display_name_to_send(None, None, {}) is None
    assert display_name_to_send(item("Ada B. King", company="Contoso"), OLD, {}) is None
