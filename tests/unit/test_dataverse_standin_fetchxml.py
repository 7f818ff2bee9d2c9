"""The FetchXML evaluator on rows in memory: which rows each condition takes, empty values included."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.clock import Clock
from local.dataverse.candidates import candidates
from local.dataverse.conditions import Context
from local.dataverse.errors import Refusal
from local.dataverse.fetch_run import FetchRun
from local.dataverse.fetchxml import parse_fetch
from local.dataverse.filters import Evaluator
from local.dataverse.navigation import Navigation
from local.dataverse.representation import Annotations, Representation
from local.dataverse.security import Caller, Security
from local.dataverse.store import Row, Store
from local.dataverse.tables import TABLES
from local.journaled import JournaledTables

ME = "00000000-0000-0000-0000-00000000000a"
OTHER = "00000000-0000-0000-0000-00000000000b"
TEAM = "00000000-0000-0000-0000-00000000000c"
CALLER = Caller(ME, "administrator")
# Sunday the first in Oslo.
CONTEXT = Context(
    CALLER, datetime(2026, 3, 1, 12, tzinfo=UTC), ZoneInfo("Europe/Oslo"), None, frozenset({TEAM})
)
ROWS: dict[str, Row] = {
    "a": {
        "firstname": "Anna",
        "numberofchildren": 2,
        "birthdate": "1980-02-29",
        "lastusedincampaign": "2026-03-01T08:00:00Z",
        "ownerid": ["systemuser", ME],
        "statecode": 0,
        "donotemail": True,
    },
    "b": {
        "firstname": "bo",
        "numberofchildren": 0,
        "birthdate": "2026-03-01",
        "lastusedincampaign": "2026-02-27T23:30:00Z",
        "ownerid": ["systemuser", OTHER],
        "statecode": 1,
        "donotemail": False,
    },
    "c": {"firstname": "50%", "ownerid": ["team", TEAM], "statecode": 0, "parentcustomerid": "a"},
    "d": {"statecode": 0, "ownerid": ["systemuser", OTHER], "parentcustomerid": "a"},
}


def key(letter: str) -> str:
    return f"00000000-0000-0000-0000-0000000000{letter}{letter}"


def filled() -> Store:
    store = Store(JournaledTables(), Clock())
    for letter, values in ROWS.items():
        row = {**values, "contactid": key(letter)}
        if "parentcustomerid" in values:
            row["parentcustomerid"] = ["contact", key(str(values["parentcustomerid"]))]
        store.put(TABLES["contact"], row)
    return store


def found(store: Store, inside: str) -> str:
    """The letters of the contacts that a query finds."""
    navigation = Navigation(store, Security(store), CALLER)
    evaluator = Evaluator(navigation, CONTEXT)
    representation = Representation(store, navigation, evaluator, Annotations(), "http://here")
    text = f'<fetch><entity name="contact"><attribute name="contactid"/>{inside}</entity></fetch>'
    answer = FetchRun(store, navigation, CONTEXT, representation).answer(parse_fetch(text, CONTEXT))
    return "".join(row["contactid"][-1] for row in answer["value"])


def condition(column: str, operator: str, values: Iterable[str] = ()) -> str:
    inside = "".join(f"<value>{value}</value>" for value in values)
    return f'<condition attribute="{column}" operator="{operator}">{inside}</condition>'


@pytest.mark.parametrize(
    ("column", "operator", "values", "letters"),
    [
        ("firstname", "eq", ("ANNA",), "a"),
        ("firstname", "ne", ("anna",), "bcd"),
        ("firstname", "in", ("anna", "BO"), "ab"),
        ("firstname", "not-in", ("anna",), "bcd"),
        ("firstname", "like", ("%n%",), "a"),
        ("firstname", "not-like", ("%n%",), "bcd"),
        ("firstname", "like", ("50[%]",), "c"),
        ("firstname", "begins-with", ("5",), "c"),
        ("firstname", "not-begin-with", ("5",), "abd"),
        ("firstname", "ends-with", ("O",), "b"),
        ("firstname", "not-end-with", ("o",), "acd"),
        ("firstname", "gt", ("b",), "b"),
        ("firstname", "null", (), "d"),
        ("firstname", "not-null", (), "abc"),
        ("numberofchildren", "ge", ("0",), "ab"),
        ("numberofchildren", "lt", ("2",), "b"),
        ("numberofchildren", "between", ("1", "5"), "a"),
        ("numberofchildren", "not-between", ("1", "5"), "bcd"),
        ("donotemail", "eq", ("1",), "a"),
        ("donotemail", "ne", ("true",), "bcd"),
        ("birthdate", "on", ("1980-02-29",), "a"),
        ("birthdate", "on-or-after", ("1980-03-01",), "b"),
        ("birthdate", "on-or-before", ("1980-03-01",), "a"),
        ("birthdate", "today", (), "b"),
        ("birthdate", "this-week", (), "b"),
        ("birthdate", "olderthan-x-years", ("40",), "a"),
        ("lastusedincampaign", "today", (), "a"),
        # Half past eleven in the evening of the 27th in UTC is the 28th in Oslo.
        ("lastusedincampaign", "yesterday", (), "b"),
        ("lastusedincampaign", "last-week", (), "b"),
        ("lastusedincampaign", "this-month", (), "a"),
        ("lastusedincampaign", "last-x-hours", ("6",), "a"),
        ("lastusedincampaign", "last-x-days", ("1",), "ab"),
        ("lastusedincampaign", "last-seven-days", (), "ab"),
        ("lastusedincampaign", "next-x-days", ("3",), ""),
        ("lastusedincampaign", "olderthan-x-hours", ("6",), "b"),
        ("ownerid", "eq-userid", (), "a"),
        ("ownerid", "ne-userid", (), "bcd"),
        ("ownerid", "eq-userteams", (), "c"),
        ("ownerid", "eq-useroruserteams", (), "ac"),
        ("ownerid", "eq", ("{0000000000000000000000000000000b}",), None),
        ("ownerid", "eq", (f"{{{OTHER.upper()}}}",), "bd"),
        ("statecode", "eq", ("0",), "acd"),
        ("parentcustomerid", "not-null", (), "cd"),
    ],
)
def test_each_condition_takes_its_rows(
    column: str, operator: str, values: tuple[str, ...], letters: str | None
) -> None:
    text = f"<filter>{condition(column, operator, values)}</filter>"
    if letters is None:
        with pytest.raises(Refusal, match="wrong format"):
            found(filled(), text)
    else:
        assert found(filled(), text) == letters


PARENT = (
    '<link-entity name="contact" from="contactid" to="parentcustomerid" link-type="{}"{}>{}</link-entity>'
)
ANNA = f"<filter>{condition('firstname', 'eq', ['anna'])}</filter>"


@pytest.mark.parametrize(
    ("inside", "letters"),
    [
        (PARENT.format("inner", "", ANNA), "cd"),
        (PARENT.format("outer", "", ANNA), "abcd"),
        (PARENT.format("exists", "", ANNA), "cd"),
        (f"<filter>{PARENT.format('any', '', ANNA)}</filter>", "cd"),
        (f"<filter>{PARENT.format('not any', '', ANNA)}</filter>", "ab"),
        (
            f'<filter type="or">{PARENT.format("any", "", ANNA)}'
            f"{condition('statecode', 'eq', ['1'])}</filter>",
            "bcd",
        ),
        ("<filter/>", "abcd"),
        ('<filter type="or"/>', "abcd"),
    ],
)
def test_links_and_empty_filters(inside: str, letters: str) -> None:
    assert found(filled(), inside) == letters


LEAVES = st.sampled_from(
    [
        condition("contactid", "eq", [key("a")]),
        condition("contactid", "in", [key("b"), key("c")]),
        condition("contactid", "ne", [key("a")]),
        condition("ownerid", "eq", [OTHER]),
        condition("ownerid", "eq-userid"),
        condition("firstname", "null"),
        PARENT.format("any", "", ANNA),
        '<condition attribute="firstname" operator="eq" valueof="nickname"/>',
    ]
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3)).map(
        lambda parts: f'<filter type="{parts[0]}">{"".join(parts[1])}</filter>'
    ),
    max_leaves=6,
)


@given(st.lists(TREES, min_size=1, max_size=2))
def test_narrowing_by_index_loses_no_match(trees: list[str]) -> None:
    store = filled()
    filters = f"<filter>{''.join(trees)}</filter>"
    text = f'<fetch><entity name="contact">{filters}</entity></fetch>'
    among = candidates(store, TABLES["contact"], parse_fetch(text, CONTEXT).entity.filter)
    # The same rows, asked in a way that no index can narrow.
    slow = f'<filter type="or">{condition("firstname", "in", ["no one"])}{filters}</filter>'
    letters = found(store, slow)
    assert found(store, filters) == letters
    assert among is None or {key(letter) for letter in letters} <= among.keys()
