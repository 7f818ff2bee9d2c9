"""Stories about what sync filters bring to Outlook: whose rows, by which filters, and what no filter asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.marks import rule
from tests.wire.people import People, people
from tests.wire.sync_filters import (
    MINE,
    add_filter,
    change_template,
    delete_filter,
    fetch,
    filters_of,
    in_city,
    names,
    only,
    switch_off,
    system_filter,
    titles,
    where,
)

LEFT = "left the filter"
TASKS = {"task": "tasks", "phonecall": "phonecalls", "letter": "letters", "fax": "faxes"}


@pytest.fixture
async def world() -> AsyncIterator[People]:
    async with people() as running:
        yield running


@rule("FLT-1", "FLT-7", "FLT-9", "CONT-1", "TASK-1")
async def test_the_default_filters_bring_ones_own_open_rows(world: People) -> None:
    ada, bob = await world.person("ada"), await world.person("bob", on=False)
    await ada.make("contacts", lastname="Mine")
    closed = await ada.make("contacts", lastname="Closed")
    await ada.edit("contacts", closed["contactid"], statecode=1)
    await bob.make("contacts", lastname="His")
    for table, entity_set in TASKS.items():
        await ada.make(entity_set, subject=f"my {table}")
        await bob.make(entity_set, subject=f"his {table}")
        done = await ada.make(entity_set, subject=f"done {table}")
        await ada.edit(entity_set, done["activityid"], statecode=1)
    await world.settle()
    assert await names(ada) == {"Mine"}
    assert await titles(ada) == {f"my {table}" for table in TASKS}


@rule("FLT-1", "FLT-6")
async def test_a_filter_of_ones_own_brings_rows_that_others_own(world: People) -> None:
    ada, bob = await world.person("ada"), await world.person("bob", on=False)
    await add_filter(ada, in_city("Oslo"), "Oslo")
    await world.settle()
    await bob.make("contacts", lastname="Oslo", address1_city="Oslo")
    await bob.make("contacts", lastname="Ulm", address1_city="Ulm")
    await world.settle()
    assert await names(ada) == {"Oslo"}
    (row,) = await bob.rows("contacts", "lastname eq 'Oslo'")
    await bob.edit("contacts", row["contactid"], jobtitle="Skipper")
    await world.settle()
    (contact,) = await ada.contacts()
    assert contact["jobTitle"] == "Skipper"


@rule("FLT-6")
async def test_what_the_owner_edits_in_outlook_stays_in_a_filter_of_his_own(world: People) -> None:
    ada = await world.person("ada")
    await only(ada, in_city("Oslo"))
    await ada.make("contacts", lastname="Berg", address1_city="Oslo")
    await world.settle()
    (contact,) = await ada.contacts()
    await ada.edit_contact(contact["id"], jobTitle="Skipper")
    await world.settle()
    (row,) = await ada.rows("contacts")
    assert row["jobtitle"] == "Skipper"
    (link,) = await ada.links("contact")
    assert link.linked
    (contact,) = await ada.contacts()
    assert contact["categories"] == ["Tracked to Dynamics 365"]


@rule("FLT-1")
async def test_a_filter_may_ask_for_rows_by_their_account(world: People) -> None:
    ada, bob = await world.person("ada"), await world.person("bob", on=False)
    acme = await world.web_api("POST", "accounts", {"name": "Acme", "address1_city": "Oslo"})
    other = await world.web_api("POST", "accounts", {"name": "Other", "address1_city": "Ulm"})
    inner = (
        '<link-entity name="account" from="accountid" to="parentcustomerid" link-type="inner">'
        f"{where('address1_city', 'eq', 'Oslo')}</link-entity>"
    )
    await only(ada, fetch(inner))
    for name, account in (("In", acme), ("Out", other)):
        bind = {"parentcustomerid_account@odata.bind": f"/accounts({account['accountid']})"}
        await bob.make("contacts", lastname=name, **bind)
    await world.settle()
    assert await names(ada) == {"In"}
    await world.web_api("PATCH", f"accounts({other['accountid']})", {"address1_city": "Oslo"})
    await world.settle()
    assert await names(ada) == {"In"}  # no contact changed, so no feed says so: the comparison will
    world.forward(hours=25)
    await world.settle()
    assert await names(ada) == {"In", "Out"}


@rule("FLT-1")
async def test_a_filter_may_be_nested(world: People) -> None:
    ada, bob = await world.person("ada"), await world.person("bob", on=False)
    either = (
        '<filter type="or">'
        f'<filter type="and">{MINE}<condition attribute="jobtitle" operator="like" value="C%"/></filter>'
        '<condition attribute="address1_city" operator="in"><value>Oslo</value><value>Ulm</value></condition>'
        "</filter>"
    )
    await only(ada, fetch(either))
    await ada.make("contacts", lastname="Chief", jobtitle="CEO")
    await ada.make("contacts", lastname="Clerk", jobtitle="Typist")
    await bob.make("contacts", lastname="Oslo", address1_city="Oslo")
    await bob.make("contacts", lastname="Chief of his", jobtitle="CFO")
    await world.settle()
    assert await names(ada) == {"Chief", "Oslo"}


@rule("FLT-1", "FLT-10")
async def test_a_filter_with_a_relative_date_takes_and_leaves_as_time_passes(world: People) -> None:
    ada = await world.person("ada")
    await only(ada, fetch(where("scheduledend", "next-x-days", "3"), "task"), table="task")
    day = (world.clock.now() + timedelta(days=5)).strftime("%Y-%m-%dT12:00:00Z")
    await ada.make("tasks", subject="Soon", scheduledend=day)
    await world.settle()
    assert await titles(ada) == set()
    world.forward(days=3)
    await world.settle()
    assert await titles(ada) == {"Soon"}
    world.forward(days=4)
    await world.settle()
    (link,) = await ada.links("task")
    assert (link.state.value, link.rules) == (LEFT, ("FLT-10", "SET-1"))
    assert await titles(ada) == {"Soon"}  # it stays in Exchange, unlinked


@rule("FLT-4")
async def test_several_filters_of_a_table_add_up_and_each_row_comes_once(world: People) -> None:
    ada, bob = await world.person("ada"), await world.person("bob", on=False)
    await add_filter(ada, in_city("Oslo"), "Oslo")
    await add_filter(ada, fetch(where("jobtitle", "eq", "CEO")), "Chiefs")
    await bob.make("contacts", lastname="Oslo", address1_city="Oslo")
    await bob.make("contacts", lastname="Chief", jobtitle="CEO")
    await bob.make("contacts", lastname="Both", jobtitle="CEO", address1_city="Oslo")
    await bob.make("contacts", lastname="Neither")
    await ada.make("contacts", lastname="Mine", jobtitle="CEO")
    await world.settle()
    assert sorted(row["displayName"] for row in await ada.contacts()) == ["Both", "Chief", "Mine", "Oslo"]


@rule("FLT-4")
async def test_without_an_active_filter_nothing_comes_and_tracked_items_still_travel(world: People) -> None:
    ada = await world.person("ada")
    await switch_off(ada)
    await switch_off(ada, "task")
    await ada.make("contacts", lastname="Never")
    await ada.make("tasks", subject="Never")
    tracked = await ada.add_contact(givenName="Mary", surname="Jones")
    await ada.add_task("Call")
    await world.settle()
    assert await names(ada) == {"Mary Jones"}
    assert await titles(ada) == {"Call"}
    (row,) = await ada.rows("contacts", "lastname eq 'Jones'")
    await ada.edit("contacts", row["contactid"], jobtitle="CEO")
    world.forward(hours=25)
    await world.settle()
    found = await ada.contact(tracked["id"])
    assert found is not None
    assert (found["jobTitle"], found["categories"]) == ("CEO", ["Tracked to Dynamics 365"])
    assert {link.state.value for link in await ada.links("contact")} == {"linked"}


@rule("FLT-2", "FLT-3")
async def test_a_filter_of_the_system_is_everybodys_and_an_offline_one_nobodys(world: People) -> None:
    ada, cleo = await world.person("ada"), await world.person("cleo")
    bob = await world.person("bob", on=False)
    await system_filter(world, in_city("Oslo"))
    await add_filter(ada, in_city("Ulm"), "Offline", querytype=16)
    await bob.make("contacts", lastname="Oslo", address1_city="Oslo")
    await bob.make("contacts", lastname="Ulm", address1_city="Ulm")
    await world.settle()
    assert await names(ada) == await names(cleo) == {"Oslo"}


@rule("FLT-3", "FLT-5")
async def test_the_default_templates_stand_in_until_a_user_has_filters(world: People) -> None:
    ada = await world.person("ada")
    tables = ("contact", "appointment", "recurringappointmentmaster", "serviceappointment", *TASKS)
    for table in tables:
        for row in await filters_of(ada, table):
            await delete_filter(ada, row["userqueryid"])
    await ada.make("contacts", lastname="Mine")
    await ada.make("tasks", subject="Mine")
    await world.settle()
    assert (await names(ada), await titles(ada)) == ({"Mine"}, {"Mine"})
    assert not await filters_of(ada)
    await add_filter(ada, in_city("Oslo"))
    await ada.make("contacts", lastname="Another")
    await ada.make("contacts", lastname="Oslo", address1_city="Oslo")
    await world.settle()
    assert await names(ada) == {"Mine", "Oslo"}
    states = {link.subject: link.state.value for link in await ada.links("contact")}
    assert states == {"Mine": LEFT, "Oslo": "linked"}


@rule("FLT-3", "FLT-5")
async def test_a_default_template_that_changes_reaches_new_users_only(world: People) -> None:
    ada, bob = await world.person("ada"), await world.person("bob", on=False)
    await change_template(world, "contact", fetch(""))
    await bob.make("contacts", lastname="His")
    cleo = await world.person("cleo")
    await world.settle()
    assert (await names(ada), await names(cleo)) == (set(), {"His"})


@rule("FLT-6", "FAQ-3")
async def test_a_filter_brings_nothing_that_its_user_may_not_read(world: People) -> None:
    ada = await world.person("ada", role="restricted")
    bob = await world.person("bob", on=False)
    await add_filter(ada, fetch(""), "All")
    await bob.make("contacts", lastname="His")
    await ada.make("contacts", lastname="Mine")
    await world.settle()
    assert await names(ada) == {"Mine"}
