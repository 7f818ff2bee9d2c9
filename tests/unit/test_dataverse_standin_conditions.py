"""Periods, literals and splitting: the parts of queries that need no server."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from local.dataverse.conditions import NEGATED, OPERATORS, Context, matches
from local.dataverse.odata_text import split, tokens
from local.dataverse.organization import merge_settings
from local.dataverse.schema import Column
from local.dataverse.security import Caller
from local.dataverse.values import utf16_length

OSLO = ZoneInfo("Europe/Oslo")
# A Sunday evening in UTC that is already Monday in Oslo, the night before a month ends.
NOW = datetime(2026, 3, 29, 22, 30, tzinfo=UTC)
TRUE_WHEN_EMPTY = {
    *("null", "ne", "neq", "not-in", "not-between", "not-like", "not-begin-with", "not-end-with"),
    *("not-contains", "not-on", "ne-userid", "ne-businessid"),
}
MOMENT = Column("scheduledstart", "datetime")


def holds(value: str, operator: str, *operands: object, zone: ZoneInfo = OSLO) -> bool:
    return matches(MOMENT, value, operator, operands, Context(Caller("u", "usual"), NOW, zone))


@pytest.mark.parametrize(
    ("value", "operator", "operands", "expected"),
    [
        ("2026-03-29T22:00:00Z", "today", (), True),
        ("2026-03-29T21:59:59Z", "today", (), False),
        ("2026-03-30T21:59:59Z", "today", (), True),
        ("2026-03-29T21:59:59Z", "yesterday", (), True),
        # The clocks go forward on that Sunday: it has 23 hours.
        ("2026-03-28T23:00:00Z", "yesterday", (), True),
        ("2026-03-28T22:59:59Z", "yesterday", (), False),
        ("2026-03-30T22:00:00Z", "tomorrow", (), True),
        ("2026-02-28T23:00:00Z", "this-month", (), True),
        ("2026-03-31T22:00:00Z", "this-month", (), False),
        ("2026-03-31T22:00:00Z", "next-month", (), True),
        ("2026-02-28T22:59:59Z", "last-month", (), True),
        ("2025-12-31T23:00:00Z", "this-year", (), True),
        ("2025-12-31T22:59:59Z", "last-year", (), True),
        # Weeks begin on Sunday.
        ("2026-03-28T23:00:00Z", "this-week", (), True),
        ("2026-03-28T22:59:59Z", "last-week", (), True),
        ("2026-03-26T23:00:00Z", "last-x-days", (3,), True),
        ("2026-03-26T22:59:59Z", "last-x-days", (3,), False),
        ("2026-03-29T22:31:00Z", "last-x-days", (3,), False),
        ("2026-04-01T21:59:59Z", "next-x-days", (2,), True),
        ("2026-04-01T22:00:00Z", "next-x-days", (2,), False),
        ("2026-03-29T20:30:00Z", "last-x-hours", (2,), True),
        ("2026-03-29T20:29:00Z", "last-x-hours", (2,), False),
        ("2026-04-30T21:00:00Z", "next-x-months", (1,), True),
        ("2026-04-30T22:00:00Z", "next-x-months", (1,), False),
        ("2026-03-27T22:00:00Z", "olderthan-x-days", (2,), True),
        ("2026-03-27T22:31:00Z", "olderthan-x-days", (2,), False),
        ("2026-03-29T22:24:59Z", "olderthan-x-minutes", (5,), True),
        ("2026-03-29T22:26:00Z", "olderthan-x-minutes", (5,), False),
        ("2026-03-29T20:29:00Z", "olderthan-x-hours", (2,), True),
        ("2026-03-29T20:31:00Z", "olderthan-x-hours", (2,), False),
        ("2026-03-15T22:29:00Z", "olderthan-x-weeks", (2,), True),
        ("2026-03-15T22:31:00Z", "olderthan-x-weeks", (2,), False),
        # A month that lacks the day ends on its last one.
        ("2026-02-28T22:29:00Z", "olderthan-x-months", (1,), True),
        ("2026-02-28T22:31:00Z", "olderthan-x-months", (1,), False),
        ("2025-03-29T22:29:00Z", "olderthan-x-years", (1,), True),
        ("2025-03-29T22:31:00Z", "olderthan-x-years", (1,), False),
        ("2026-03-29T22:00:00Z", "on", ("2026-03-29T22:00:00Z",), True),
        ("2026-03-29T21:00:00Z", "on-or-after", ("2026-03-29T22:00:00Z",), False),
        ("2026-03-30T21:00:00Z", "on-or-before", ("2026-03-29T22:00:00Z",), True),
    ],
)
def test_periods_follow_the_users_own_calendar(
    value: str, operator: str, operands: tuple[object, ...], expected: bool
) -> None:
    assert holds(value, operator, *operands) is expected


def test_every_operator_says_no_or_yes_to_an_empty_value_by_its_sense() -> None:
    context = Context(Caller("u", "usual"), NOW, OSLO)
    for operator in OPERATORS:
        operands = (3, 4) if operator in ("between", "not-between") else (3,)
        column = Column("x", "integer")
        accepted = matches(column, None, operator, operands, context)
        assert accepted is (operator in TRUE_WHEN_EMPTY), operator


def test_a_negated_comparison_keeps_empty_values_out() -> None:
    assert {NEGATED[name] for name in ("gt", "ge", "lt", "le")} == {"le", "lt", "ge", "gt"}


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a%", "abc", True),
        ("%c", "abc", True),
        ("a_c", "abc", True),
        ("a_c", "abbc", False),
        ("[a-c]bc", "abc", True),
        ("[^a]bc", "abc", False),
        ("100[%]", "100%", True),
        ("a.c", "abc", False),
        ("A%", "abc", True),
    ],
)
def test_like_is_the_one_of_sql(pattern: str, text: str, expected: bool) -> None:
    context = Context(Caller("u", "usual"), NOW, OSLO)
    assert matches(Column("x", "string"), text, "like", (pattern,), context) is expected


def test_splitting_leaves_quotes_and_parentheses_whole() -> None:
    assert split("a,b($select=c,d;$filter=e eq 'x,)y'),f", ",") == [
        "a",
        "b($select=c,d;$filter=e eq 'x,)y')",
        "f",
    ]


def test_a_quote_in_a_literal_is_doubled() -> None:
    assert [token.value for token in tokens("name eq 'O''Hara'")][2] == "O'Hara"


def test_lengths_are_counted_in_utf16() -> None:
    assert (utf16_length("abc"), utf16_length("😀é")) == (3, 3)


def test_organization_settings_are_one_xml_string() -> None:
    once = merge_settings(None, {"B": True, "N": 5})
    assert once == "<OrgSettings><B>true</B><N>5</N></OrgSettings>"
    assert merge_settings(once, {"B": None, "N": 6}) == "<OrgSettings><N>6</N></OrgSettings>"
