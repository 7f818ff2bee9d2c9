"""What is asked for before a contact is made in Dynamics (SET-22, CONT-8)."""

from __future__ import annotations

import pytest

from shared.rules.contact_validation import looks_like_email, problems
from tests.marks import rule


@rule("SET-22")
@pytest.mark.parametrize(
    "values",
    [
        {"name": {"givenName": "Ada"}},
        {"name": {"surname": "King"}, "email1": ""},
        {"name": {}, "company": "Contoso"},
        {"email3": "ada@contoso.example"},
    ],
)
def test_one_thing_to_be_known_by_is_enough(values):
    assert problems(values) == []


@rule("SET-22")
@pytest.mark.parametrize("values", [{}, {"name": {"title": "Dr."}, "company": " ", "mobilePhone": "1"}])
def test_a_contact_without_anything_to_be_known_by_is_not_made(values):
    [said] = problems(values)
    assert said.code == "nothing to be known by"
    assert "SET-22" in said.rules


@rule("SET-22")
def test_each_wrong_address_is_named_with_its_field():
    said = problems({"email1": "ada@contoso", "email2": "b@contoso.example", "email3": "/o=Org/cn=ada"})
    assert [skip.fields for skip in said] == [("email1",), ("email3",)]
    assert "“ada@contoso”" in said[0].reason


@pytest.mark.parametrize(
    "text",
    [
        "a@b.example",
        "o'neil+x@sub.contoso.co.uk",
        "jürgen@bücher.example",
        '"a b"@c.example',
        "a@[192.0.2.1]",
    ],
)
def test_addresses(text):
    assert looks_like_email(text)


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "@b.example",
        "a@",
        "a@@b.example",
        "a b@c.example",
        "a@b..example",
        "a..b@c.example",
        ".a@b.example",
        "a@b.example, c@d.example",
        "Ada <a@b.example>",
        "a@-.example",
        "a@b.example.",
    ],
)
def test_no_addresses(text):
    assert not looks_like_email(text)
