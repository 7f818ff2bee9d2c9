"""Sync filters through the adapter, over a real socket: which ones a user has, and what they find."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.dynamics.dataverse import fetch_filters, filter_runs
from shared.errors import Refused
from shared.model.appointment import APPOINTMENT, SERIES, SERVICE
from shared.model.party import RecordRef
from shared.model.personal import CONTACT, FAX, LETTER, PERSONAL_TABLES, PHONE_CALL, TASK
from shared.model.sync_filter import FilterOrigin, SyncFilter
from tests.marks import rule
from tests.wire.dataverse_adapter import Connected, connected
from tests.wire.dataverse_org import Json, Person, meeting, party

TABLES = {APPOINTMENT, SERIES, SERVICE, *PERSONAL_TABLES}
SETS = {TASK: "tasks", PHONE_CALL: "phonecalls", LETTER: "letters", FAX: "faxes"}
OUTLOOK, OFFLINE, VIEW = 256, 16, 0
BATCH = "POST /$batch"
MINE = '<condition attribute="ownerid" operator="eq-userid"/>'


@pytest.fixture
async def here() -> AsyncIterator[Connected]:
    async with connected() as running:
        yield running


@pytest.fixture
async def ida(here: Connected) -> Person:
    return await here.person("Ida")


def fetch(inner: str, table: str = CONTACT, **attributes: str) -> str:
    written = "".join(f' {name}="{text}"' for name, text in attributes.items())
    return f'<fetch{written}><entity name="{table}">{inner}</entity></fetch>'


def city(name: str) -> str:
    return f'<filter><condition attribute="address1_city" operator="eq" value="{name}"/></filter>'


def view(text: str, table: str = CONTACT, kind: int = OUTLOOK, **columns: Any) -> Json:
    return {"name": "Mine", "returnedtypecode": table, "querytype": kind, "fetchxml": text, **columns}


def filter_of(text: str, table: str = CONTACT, name: str = "By hand") -> SyncFilter:
    return SyncFilter(str(uuid4()), table, name, text, 'W/"1"')


async def contact(here: Connected, owner: Person, **columns: Any) -> str:
    return str((await here.org.make("contacts", {"lastname": "Berg", **columns}, user=owner))["contactid"])


async def ids(
    here: Connected, person: Person, filters: list[SyncFilter], among: list[str] | None = None
) -> set[str]:
    rows = await here.adapter.matching(filters, among, as_user=person.id)
    found = [row.id for row in rows]
    assert len(found) == len(set(found))
    return set(found)


async def switch_off(here: Connected, person: Person, *filters: SyncFilter) -> None:
    for each in filters:
        await here.org.change(f"userqueries({each.id})", {"statecode": 1}, user=person)


# --- which filters a user has ---------------------------------------------------------------------


@rule("FLT-2", "FLT-3")
async def test_a_users_own_filters_are_read_as_that_user_in_one_batch(here: Connected, ida: Person) -> None:
    await here.sent()
    found = await here.adapter.sync_filters(ida.id)
    assert await here.sent() == {BATCH: 1, "GET /userqueries": 1, "GET /savedqueries": 1}
    assert {each.table for each in found.filters} == TABLES
    assert len(found.filters) == len(TABLES)
    assert {each.origin for each in found.filters} == {FilterOrigin.USER}
    assert all(each.usual for each in found.filters)
    assert found.custom_tables == frozenset()


@rule("FLT-2")
async def test_other_kinds_of_views_and_other_peoples_filters_are_none_of_hers(
    here: Connected, ida: Person
) -> None:
    bob = await here.person("Bob")
    before = await here.adapter.sync_filters(ida.id)
    for kind in (OFFLINE, VIEW):
        await here.org.make("userqueries", view(fetch(city("Oslo")), kind=kind), user=ida)
    await here.org.make("userqueries", view(fetch(city("Oslo"))), user=bob)
    await here.org.make("userqueries", view(fetch("", "account"), "account"), user=ida)
    offline = view(fetch(city("Oslo")), kind=OFFLINE)
    await here.org.make("savedqueries", offline, token="administrator")
    assert await here.adapter.sync_filters(ida.id) == before


@rule("FLT-3", "FLT-4")
async def test_a_filter_that_is_added_changed_or_switched_off_is_noticed(
    here: Connected, ida: Person
) -> None:
    seen = [(await here.adapter.sync_filters(ida.id)).fingerprint]
    made = await here.org.make("userqueries", view(fetch(city("Oslo")), name="Oslo"), user=ida)
    found = await here.adapter.sync_filters(ida.id)
    (added,) = (each for each in found.of(CONTACT) if each.id == made["userqueryid"])
    assert (added.name, added.usual, added.origin) == ("Oslo", False, FilterOrigin.USER)
    assert found.custom_tables == {CONTACT}
    seen.append(found.fingerprint)
    path = f"userqueries({added.id})"
    await here.org.change(path, {"fetchxml": fetch(city("Ulm"))}, user=ida)
    seen.append((await here.adapter.sync_filters(ida.id)).fingerprint)
    await switch_off(here, ida, added)
    seen.append((await here.adapter.sync_filters(ida.id)).fingerprint)
    assert len(set(seen)) == 3
    assert seen[0] == seen[3]


@rule("FLT-3")
async def test_filters_of_the_system_are_everybodys(here: Connected, ida: Person) -> None:
    bob = await here.person("Bob", "restricted")
    common = view(fetch(city("Oslo")), name="Everybody's")
    made = await here.org.make("savedqueries", common, token="administrator")
    for person in (ida, bob):
        found = (await here.adapter.sync_filters(person.id)).of(CONTACT)
        systems = [each for each in found if each.origin is FilterOrigin.SYSTEM]
        assert [(each.id, each.name) for each in systems] == [(made["savedqueryid"], "Everybody's")]
        assert len(found) == 2
    await here.org.change(f"savedqueries({made['savedqueryid']})", {"statecode": 1}, token="administrator")
    assert len((await here.adapter.sync_filters(ida.id)).of(CONTACT)) == 1


async def test_filters_of_the_system_are_read_for_who_may_not_read_them(here: Connected, ida: Person) -> None:
    expected = await here.adapter.sync_filters(ida.id)
    common = view(fetch(city("Oslo")), name="Everybody's")
    await here.org.make("savedqueries", common, token="administrator")
    await here.fault("status:403", method="GET", path="savedqueries")
    found = await here.adapter.sync_filters(ida.id)
    assert len(found.filters) == len(expected.filters) + 1


@rule("FLT-3", "FLT-5")
async def test_who_never_had_a_filter_has_the_default_templates(here: Connected, ida: Person) -> None:
    own = await here.adapter.sync_filters(ida.id)
    another = view(fetch(city("Oslo")), kind=131072, name="No default")
    await here.org.make("savedqueries", another, token="administrator")
    for each in own.filters:
        deleted = await here.org.call("DELETE", f"userqueries({each.id})", user=ida)
        assert deleted.status_code == 204
    found = await here.adapter.sync_filters(ida.id)
    assert {each.origin for each in found.filters} == {FilterOrigin.TEMPLATE}
    assert {each.table: each.fetch_xml for each in found.filters} == {
        each.table: each.fetch_xml for each in own.filters
    }
    assert all(each.usual for each in found.filters)


@rule("FLT-4")
async def test_who_switched_all_filters_off_wants_nothing(here: Connected, ida: Person) -> None:
    await switch_off(here, ida, *(await here.adapter.sync_filters(ida.id)).filters)
    found = await here.adapter.sync_filters(ida.id)
    assert found.filters == ()
    assert await here.adapter.matching(found.of(CONTACT), None, as_user=ida.id) == []


async def test_a_filter_that_cannot_be_read_is_there_and_cannot_be_run(
    here: Connected, ida: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("local.dataverse.records.check_query", lambda *_given: None)
    await here.org.make("userqueries", view("<fetch><entity", name="Torn"), user=ida)
    with caplog.at_level(logging.WARNING):
        found = await here.adapter.sync_filters(ida.id)
    assert "cannot be read" in caplog.text
    assert found.custom_tables == {CONTACT}
    with pytest.raises(Refused, match='"Torn"'):
        await here.adapter.matching(found.of(CONTACT), None, as_user=ida.id)


# --- what they find -------------------------------------------------------------------------------


@rule("FLT-6", "FLT-7")
async def test_the_usual_filter_finds_ones_own_active_contacts(here: Connected, ida: Person) -> None:
    bob = await here.person("Bob")
    account = (await here.org.make("accounts", {"name": "Acme"}))["accountid"]
    employed = {"parentcustomerid_account@odata.bind": f"/accounts({account})"}
    mine, alone = await contact(here, ida, **employed), await contact(here, ida)
    closed = await contact(here, ida)
    await here.org.change(f"contacts({closed})", {"statecode": 1}, user=ida)
    his = await contact(here, bob)
    filters = (await here.adapter.sync_filters(ida.id)).of(CONTACT)
    await here.sent()
    rows = await here.adapter.matching(filters, None, as_user=ida.id)
    assert await here.sent() == {BATCH: 1, "GET /contacts": 1}
    assert {row.id: row.company for row in rows} == {mine: "Acme", alone: ""}
    assert {row.owner for row in rows} == {RecordRef("systemuser", ida.id)}
    etags = {
        row["contactid"]: row["@odata.etag"] for row in await here.org.values("contacts?$select=contactid")
    }
    assert {row.id: row.version for row in rows} == {row_id: etags[row_id] for row_id in (mine, alone)}
    assert await ids(here, ida, list(filters), [mine.upper(), closed, his, str(uuid4()), "none"]) == {mine}
    assert await ids(here, bob, list(filters)) == {his}


@rule("FLT-6", "FLT-9")
@pytest.mark.parametrize("table", SETS)
async def test_the_usual_filter_finds_ones_own_open_tasks_and_the_like(
    here: Connected, ida: Person, table: str
) -> None:
    mine = (await here.org.make(SETS[table], {"subject": "mine"}, user=ida))["activityid"]
    done = (await here.org.make(SETS[table], {"subject": "done"}, user=ida))["activityid"]
    await here.org.change(f"{SETS[table]}({done})", {"statecode": 1}, user=ida)
    filters = list((await here.adapter.sync_filters(ida.id)).of(table))
    assert await ids(here, ida, filters) == {mine}
    assert await ids(here, ida, filters, [done]) == set()
    (row,) = await here.adapter.matching(filters, [mine], as_user=ida.id)
    assert row.company is None


@rule("FLT-8")
async def test_the_usual_filter_finds_appointments_that_one_takes_part_in(
    here: Connected, ida: Person
) -> None:
    bob = await here.person("Bob")
    both = meeting(ida, party(5, "systemuser", ida.id))
    organized = (await here.org.make("appointments", both))["activityid"]
    attended = (await here.org.make("appointments", meeting(bob, party(6, "systemuser", ida.id))))[
        "activityid"
    ]
    owned = {"subject": "owned", "ownerid@odata.bind": f"/systemusers({ida.id})"}
    owned_id = (await here.org.make("appointments", owned))["activityid"]
    filters = list((await here.adapter.sync_filters(ida.id)).of(APPOINTMENT))
    assert await ids(here, ida, filters) == {organized, attended}
    assert await ids(here, ida, filters, [organized, owned_id]) == {organized}
    rows = await here.adapter.matching(filters, None, as_user=ida.id)
    assert all(row.version.startswith("W/") for row in rows)


@rule("FLT-6")
async def test_nobody_gets_by_a_filter_what_he_may_not_read(here: Connected, ida: Person) -> None:
    eve = await here.person("Eve", "restricted")
    anybody = [filter_of(fetch(""))]
    row = await contact(here, ida)
    assert await ids(here, ida, anybody) == {row}
    assert await ids(here, eve, anybody) == set()
    await here.org.control("PUT", "secured-columns", {"table": CONTACT, "column": "address1_city"})
    oslo = await contact(here, ida)
    await here.org.change(f"contacts({oslo})", {"address1_city": "Oslo"})
    assert await ids(here, ida, [filter_of(fetch(city("Oslo")))]) == set()


@rule("FLT-4")
async def test_several_filters_are_a_union_in_one_batch(here: Connected, ida: Person) -> None:
    oslo, ulm = await contact(here, ida, address1_city="Oslo"), await contact(here, ida, address1_city="Ulm")
    await contact(here, ida, address1_city="Rome")
    names = ("Oslo", "Ulm", "Paris")
    filters = [filter_of(fetch(city(name))) for name in names]
    filters.append(filter_of(fetch(city("Ulm"), distinct="true")))
    await here.sent()
    assert await ids(here, ida, filters) == {oslo, ulm}
    assert await ids(here, ida, filters, [ulm]) == {ulm}
    assert await here.sent() == {BATCH: 2, "GET /contacts": 8}


async def test_thousands_of_ids_are_asked_about_in_one_batch_of_short_addresses(
    here: Connected, ida: Person
) -> None:
    row = await contact(here, ida)
    many = [str(uuid4()) for _ in range(1200)]
    await here.sent()
    assert await ids(here, ida, [filter_of(fetch(""))], [*many, row]) == {row}
    assert await here.sent() == {BATCH: 1, "GET /contacts": 3}
    long = "".join(f"<value>{'x' * 90}{number}</value>" for number in range(400))
    named = f'<condition attribute="lastname" operator="in"><value>Berg</value>{long}</condition>'
    assert await ids(here, ida, [filter_of(fetch(f"<filter>{named}</filter>"))], [*many, row]) == {row}
    assert (await here.sent())[BATCH] == 1
    assert await here.adapter.matching([], None, as_user=ida.id) == []
    assert await here.adapter.matching([filter_of(fetch(""))], ["no guid"], as_user=ida.id) == []
    assert await here.sent() == {}


async def test_a_whole_filter_is_read_page_by_page(
    here: Connected, ida: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (fetch_filters, filter_runs):
        monkeypatch.setattr(module, "PAGE", 2)
    rows = {await contact(here, ida, address1_city=name) for name in ("Oslo", "Ulm", "Oslo", "Oslo", "Oslo")}
    filters = [filter_of(fetch("")), filter_of(fetch(city("Oslo")))]
    await here.sent()
    assert await ids(here, ida, filters) == rows
    assert await here.sent() == {BATCH: 3, "GET /contacts": 5}


async def test_a_filter_with_a_limit_keeps_it(here: Connected, ida: Person) -> None:
    """Whatever ids are asked about: the first two are the first two of all."""
    names = {name: await contact(here, ida, nickname=name) for name in ("c", "a", "b", "d")}
    inner = '<attribute name="nickname"/><order attribute="nickname"/>'
    for more in ({}, {"distinct": "true"}):
        filters = [filter_of(fetch(inner, top="2", **more))]
        assert await ids(here, ida, filters) == {names["a"], names["b"]}
        assert await ids(here, ida, filters, [names["b"], names["c"]]) == {names["b"]}
        assert await ids(here, ida, filters, [names["d"]]) == set()
        rows = await here.adapter.matching(filters, None, as_user=ida.id)
        assert all(row.version and row.owner == RecordRef("systemuser", ida.id) for row in rows)
    both = [filter_of(fetch(inner, top="1")), filter_of(fetch(f"<filter>{MINE}</filter>"))]
    assert await ids(here, ida, both) == set(names.values())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<fetch><entity", ""),
        (fetch("", "account"), ""),
        (fetch('<filter><condition attribute="new_gone" operator="null"/></filter>'), "0x80041103"),
        (fetch('<filter><condition attribute="new_gone" operator="null"/></filter>', top="5"), "0x80041103"),
    ],
)
async def test_a_filter_that_cannot_be_run_is_named_and_hides_nothing(
    here: Connected, ida: Person, text: str, code: str
) -> None:
    await contact(here, ida)
    good, bad = filter_of(fetch("")), filter_of(text, name="Of last year")
    with pytest.raises(Refused, match=f'"Of last year" \\(contact {bad.id}\\) cannot be run') as refusal:
        await here.adapter.matching([good, bad], None, as_user=ida.id)
    assert refusal.value.code == code


async def test_a_table_that_the_user_may_not_read_is_not_an_empty_one(here: Connected, ida: Person) -> None:
    await here.fault("status:403", method="GET", path="contacts")
    with pytest.raises(Refused):
        await here.adapter.matching([filter_of(fetch(""))], None, as_user=ida.id)


# --- any filter at all ----------------------------------------------------------------------------


@dataclass
class World:
    """Contacts of two owners, some employed, some called; and what runs it."""

    here: Connected
    person: Person
    rows: list[str]
    runner: asyncio.Runner


CITIES = ("Oslo", "Ulm", None)


async def _populated(here: Connected) -> tuple[Person, list[str]]:
    ida, bob = await here.person("Ida"), await here.person("Bob")
    accounts = []
    for name in ("Acme", "Beta"):
        accounts.append((await here.org.make("accounts", {"name": name}))["accountid"])
    rows = []
    for number in range(12):
        columns: Json = {"address1_city": CITIES[number % 3], "nickname": f"n{number % 4}"}
        if number % 2:
            columns["parentcustomerid_account@odata.bind"] = f"/accounts({accounts[number % 4 // 2]})"
        row_id = await contact(here, bob if number % 5 == 0 else ida, **columns)
        if number % 6 == 1:
            await here.org.change(f"contacts({row_id})", {"statecode": 1})
        for _ in range(number % 3):
            regards = {"regardingobjectid_contact_task@odata.bind": f"/contacts({row_id})"}
            await here.org.make("tasks", {"subject": "x", **regards}, user=ida)
        rows.append(row_id)
    return ida, rows


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        here = runner.run(stack.enter_async_context(connected()))
        person, rows = runner.run(_populated(here))
        yield World(here, person, rows, runner)
        runner.run(stack.aclose())


conditions = st.sampled_from(
    [
        MINE,
        '<condition attribute="statecode" operator="eq" value="0"/>',
        '<condition attribute="address1_city" operator="eq" value="Oslo"/>',
        '<condition attribute="address1_city" operator="not-null"/>',
        '<condition attribute="nickname" operator="in"><value>n1</value><value>n2</value></condition>',
        '<condition attribute="nickname" operator="like" value="%3"/>',
        '<link-entity name="task" from="regardingobjectid" to="contactid" link-type="any"/>',
        '<link-entity name="task" from="regardingobjectid" to="contactid" link-type="not any"/>',
    ]
)
trees = st.recursive(
    conditions,
    lambda inner: st.builds(
        lambda kind, parts: f'<filter type="{kind}">{"".join(parts)}</filter>',
        st.sampled_from(["and", "or"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=6,
).map(lambda part: f"<filter>{part}</filter>")
links = st.sampled_from(
    [
        "",
        '<link-entity name="account" from="accountid" to="parentcustomerid" alias="a"/>',
        '<link-entity name="account" from="accountid" to="parentcustomerid" alias="a">'
        '<attribute name="name"/><filter><condition attribute="name" operator="eq" value="Acme"/></filter>'
        "</link-entity>",
        '<link-entity name="account" from="accountid" to="parentcustomerid" alias="a" link-type="outer">'
        '<order attribute="name"/></link-entity>'
        '<filter><condition entityname="a" attribute="accountid" operator="null"/></filter>',
        '<link-entity name="task" from="regardingobjectid" to="contactid" alias="t"/>',
        '<link-entity name="task" from="regardingobjectid" to="contactid" link-type="exists"/>',
    ]
)
limits = st.sampled_from([{}, {}, {"distinct": "true"}, {"top": "3"}, {"top": "4", "distinct": "true"}])
SHOWN = (
    '<attribute name="contactid"/><attribute name="nickname"/>'
    '<order attribute="contactid" descending="true"/>'
)
queries = st.builds(
    lambda inner, link, more: fetch(SHOWN + "".join(inner) + link, **more),
    st.lists(trees, max_size=2),
    links,
    limits,
)


@rule("FLT-4")
@settings(max_examples=60)
@given(texts=st.lists(queries, min_size=1, max_size=3), data=st.data())
def test_asking_about_some_ids_is_running_it_whole_and_picking_them(
    world: World, texts: list[str], data: st.DataObject
) -> None:
    among = data.draw(st.none() | st.lists(st.sampled_from(world.rows), unique=True, max_size=12))

    async def as_dataverse_runs_them() -> set[str]:
        found: set[str] = set()
        for text in texts:
            rows = await world.here.org.values(f"contacts?fetchXml={quote(text)}", user=world.person)
            found |= {row["contactid"] for row in rows}
        return found

    whole = world.runner.run(as_dataverse_runs_them())
    filters = [replace(filter_of(text), name=text) for text in texts]
    found = world.runner.run(ids(world.here, world.person, filters, among))
    assert found == (whole if among is None else whole.intersection(among))
