"""Whatever a query says, it is understood or refused; and an index finds what a full look finds."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from local.clock import Clock
from local.dataverse.candidates import candidates
from local.dataverse.conditions import Context
from local.dataverse.errors import Refusal
from local.dataverse.fetchxml import parse_fetch
from local.dataverse.filter_parser import parse_filter
from local.dataverse.filters import Evaluator, Expression
from local.dataverse.multipart import read_parts, read_request
from local.dataverse.navigation import Navigation
from local.dataverse.security import Caller, Security
from local.dataverse.store import Store
from local.dataverse.tables import TABLES
from local.journaled import JournaledTables

CALLER = Caller("00000000-0000-0000-0000-00000000000a", "administrator")
CONTEXT = Context(CALLER, datetime(2026, 3, 1, tzinfo=UTC), ZoneInfo("Europe/Oslo"))
WORDS = st.sampled_from(
    [
        *("firstname", "contactid", "createdon", "statecode", "birthdate", "donotemail", "_ownerid_value"),
        *("eq", "ne", "gt", "and", "or", "not", "(", ")", ",", ":", "/", "any", "all", "null", "true", "x"),
        *("contains", "startswith", "'a'", "5", "-1.5", "2026-01-01", "2026-01-01T00:00:00Z", "[", "]", "="),
        *("contact_activity_parties", "Microsoft.Dynamics.CRM.LastXDays", "PropertyName", "PropertyValue"),
        "00000000-0000-0000-0000-000000000001",
    ]
)
OPERATORS = st.sampled_from(
    ["eq", "in", "between", "last-x-days", "last-x-years", "today", "like", "on", "?"]
)


@given(st.lists(WORDS, max_size=12).map(" ".join))
def test_any_filter_is_parsed_or_refused(text: str) -> None:
    with suppress(Refusal):
        accepts_a_row(parse_filter(text, TABLES["contact"]))


def accepts_a_row(expression: Expression) -> None:
    store = Store(JournaledTables(), Clock())
    row = {"contactid": "00000000-0000-0000-0000-000000000001", "firstname": "a", "createdon": None}
    navigation = Navigation(store, Security(store), CALLER)
    assert Evaluator(navigation, CONTEXT).accepts(expression, TABLES["contact"], row) in (True, False)


@given(
    st.sampled_from(["firstname", "createdon", "birthdate", "statecode", "contactid", "ownerid", "nothing"]),
    OPERATORS,
    st.lists(st.sampled_from(["5", "x", "", "2026-01-01", "99999999999", "%", "-1"]), max_size=3),
)
def test_any_fetch_condition_is_parsed_or_refused(column: str, operator: str, values: list[str]) -> None:
    inside = "".join(f"<value>{value}</value>" for value in values)
    condition = f'<condition attribute="{column}" operator="{operator}">{inside}</condition>'
    text = f'<fetch><entity name="contact"><filter>{condition}</filter></entity></fetch>'
    with suppress(Refusal):
        assert parse_fetch(text, CONTEXT).entity.filter is not None


@given(st.binary(max_size=200))
def test_any_batch_body_is_read_or_refused(content: bytes) -> None:
    body = b"--b\r\nContent-Type: application/http\r\n\r\n" + content + b"\r\n--b--"
    with suppress(Refusal):
        for part in read_parts(body, "b"):
            request = read_request(part)
            assert request.body in part.content


IDS = [f"00000000-0000-0000-0000-{number:012d}" for number in range(4)]
LEAVES = st.one_of(
    st.sampled_from(IDS).map(lambda key: f"contactid eq {key}"),
    st.sampled_from(IDS).map(lambda key: f"_parentcustomerid_value eq {key}"),
    st.sampled_from(["firstname eq 'a'", "firstname ne 'a'", "_parentcustomerid_value ne null"]),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
        lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
    ),
    max_leaves=6,
)


@given(TREES, st.booleans())
def test_narrowing_by_index_loses_no_match(tree: str, negated: bool) -> None:
    store = Store(JournaledTables(), Clock())
    table = TABLES["contact"]
    for number, key in enumerate(IDS):
        parent = ["contact", IDS[number - 1]] if number else None
        store.put(table, {"contactid": key, "firstname": "ab"[number % 2], "parentcustomerid": parent})
    expression = parse_filter(f"not {tree}" if negated else tree, table)
    evaluator = Evaluator(Navigation(store, Security(store), CALLER), CONTEXT)
    matching = {
        row["contactid"] for row in store.rows("contact") if evaluator.accepts(expression, table, row)
    }
    among = candidates(store, table, expression)
    assert among is None or matching <= among.keys()
