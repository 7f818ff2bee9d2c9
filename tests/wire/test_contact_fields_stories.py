"""Every field of a contact, both ways, and what keeps one from travelling (CONT-2, CONT-6, FLD-20 to
FLD-37)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.exchange.contact_fields import BLANK, encode, encode_tagged, without_empty
from shared.model.profile import ContactAddresses
from shared.model.values import Direction
from shared.rules.contact_crossing import crossing
from shared.rules.field_table import FieldRow, of_entity
from tests.doubles.tables import MemoryMailboxStore
from tests.marks import rule
from tests.vcards import FILES, read
from tests.wire.contact_stories import (
    ada_alone,
    arrived,
    held,
    sentence,
    shown,
    stamp,
    tracked,
    values_of,
)
from tests.wire.people import People, Person, people

TAG = {
    name: f"String 0x{tag}"
    for name, tag in {
        "otherPhone": "3A1F",
        "pager": "3A21",
        "callback": "3A02",
        "companyPhone": "3A57",
        "businessFax": "3A24",
        "assistantPhone": "3A2E",
        "ftpSite": "3A4C",
        "governmentId": "3A07",
    }.items()
}
OUTLOOK: dict[str, Any] = {
    "title": "Dr.",
    "givenName": "Mary",
    "middleName": "Q",
    "surname": "Jones",
    "generation": "III",
    "displayName": "Mary Jones (Fabrikam)",
    "primaryEmailAddress": {"address": "one@x.example", "name": "Mary at work"},
    "secondaryEmailAddress": {"address": "two@x.example"},
    "tertiaryEmailAddress": {"address": "three@x.example"},
    "businessPhones": ["b1", "b2"],
    "homePhones": ["h1", "h2"],
    "mobilePhone": "m1",
    "assistantName": "Al",
    "manager": "Max",
    "jobTitle": "CFO",
    "department": "Money",
    "nickName": "Mo",
    "birthday": "1980-02-29T11:59:00Z",
    "spouseName": "Sam",
    "children": ["Kim", "Lee"],
    "businessHomePage": "https://x.example",
    "personalNotes": "first\nsecond",
    "yomiGivenName": "メアリー",
    "yomiSurname": "ジョーンズ",
    "businessAddress": {
        "street": "1 Way\nFloor 2",
        "city": "Rome",
        "state": "RM",
        "postalCode": "00100",
        "countryOrRegion": "Italy",
    },
    "homeAddress": {"street": "2 Home", "city": "Bern"},
    "otherAddress": {"street": "3 Else", "city": "Oslo"},
    "singleValueExtendedProperties": [
        *({"id": tag, "value": name} for name, tag in TAG.items()),
        {"id": "SystemTime 0x3A41", "value": "2001-06-30T11:59:00Z"},
    ],
}
COLUMNS: dict[str, Any] = {
    "salutation": "Dr.",
    "firstname": "Mary",
    "middlename": "Q",
    "lastname": "Jones",
    "suffix": "III",
    "emailaddress1": "one@x.example",
    "emailaddress2": "two@x.example",
    "emailaddress3": "three@x.example",
    "telephone1": "b1",
    "business2": "b2",
    "telephone2": "h1",
    "home2": "h2",
    "mobilephone": "m1",
    "telephone3": "otherPhone",
    "pager": "pager",
    "callback": "callback",
    "company": "companyPhone",
    "fax": "businessFax",
    "assistantname": "Al",
    "assistantphone": "assistantPhone",
    "managername": "Max",
    "jobtitle": "CFO",
    "department": "Money",
    "nickname": "Mo",
    "birthdate": "1980-02-29",
    "anniversary": "2001-06-30",
    "spousesname": "Sam",
    "childrensnames": "Kim, Lee",
    "websiteurl": "https://x.example",
    "ftpsiteurl": "ftpSite",
    "governmentid": "governmentId",
    "description": "first\nsecond",
    "yomifirstname": "メアリー",
    "yomilastname": "ジョーンズ",
    "address1_line1": "1 Way",
    "address1_line2": "Floor 2",
    "address1_city": "Rome",
    "address1_stateorprovince": "RM",
    "address1_postalcode": "00100",
    "address1_country": "Italy",
    "address2_line1": "2 Home",
    "address2_city": "Bern",
    "address3_line1": "3 Else",
    "address3_city": "Oslo",
}
FIELD_RULES = tuple(f"FLD-{n}" for n in (*range(20, 33), 37))
THREE_ONLY = ("address2", "address3")


def columns(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row.get(name) for name in COLUMNS}


# --- everything -----------------------------------------------------------------------------------


@rule("CONT-1", *FIELD_RULES)
async def test_every_field_set_in_outlook_arrives_in_dynamics_and_in_another_mailbox() -> None:
    async with ada_alone() as (world, ada):
        await world.profile(contact_addresses=ContactAddresses.THREE)
        item, row = await tracked(world, ada, **OUTLOOK)
        assert columns(await held(ada, row)) == COLUMNS
        eve = await world.person("eve")
        await world.settle()
        await ada.edit("contacts", row, **{"ownerid@odata.bind": f"/systemusers({eve.user})"})
        await world.settle()
        (hers,) = await eve.contacts()
        mine = await values_of(ada, item)
        assert await values_of(eve, hers["id"]) == mine
        assert hers["displayName"] == "Mary Jones"


@rule("CONT-1", *FIELD_RULES)
async def test_every_field_set_in_dynamics_arrives_in_outlook() -> None:
    async with ada_alone() as (world, ada):
        await world.profile(contact_addresses=ContactAddresses.THREE)
        first, _ = await tracked(world, ada, **OUTLOOK)
        expected = await values_of(ada, first)
        await ada.delete_contact(first)
        await world.settle()
        await ada.delete("contacts", (await ada.rows("contacts"))[0]["contactid"])
        item, _ = await arrived(world, ada, **COLUMNS)
        assert await values_of(ada, item) == expected


CHANGED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "name": ({"surname": "Smith"}, {"lastname": "Smith"}),
    "email1": ({"primaryEmailAddress": {"address": "new@x.example"}}, {"emailaddress1": "new@x.example"}),
    "email3": ({"tertiaryEmailAddress": None}, {"emailaddress3": None}),
    "businessPhone2": ({"businessPhones": ["b1", "new"]}, {"business2": "new"}),
    "homePhone2": ({"homePhones": ["h1"]}, {"home2": None}),
    "birthday": ({"birthday": "1990-01-01T11:59:00Z"}, {"birthdate": "1990-01-01"}),
    "children": ({"children": ["Kim"]}, {"childrensnames": "Kim"}),
    "notes": ({"personalNotes": "third"}, {"description": "third"}),
    "businessAddress": ({"businessAddress": {"city": "Turin"}}, {"address1_city": "Turin"}),
    "jobTitle": ({"jobTitle": None}, {"jobtitle": None}),
}


@rule(*FIELD_RULES)
async def test_each_field_changed_or_cleared_in_outlook_is_so_in_dynamics_and_nothing_else_changes() -> None:
    async with ada_alone() as (world, ada):
        await world.profile(contact_addresses=ContactAddresses.THREE)
        item, row = await tracked(world, ada, **OUTLOOK)
        expected = dict(COLUMNS)
        for properties, row_columns in CHANGED.values():
            await ada.edit_contact(item, **properties)
            expected |= row_columns
        tags = [{"id": tag, "value": f"{name}!"} for name, tag in TAG.items()]
        await ada.edit_contact(item, singleValueExtendedProperties=tags)
        for column in ("telephone3", "pager", "callback", "company", "fax", "assistantphone", "ftpsiteurl"):
            expected[column] += "!"
        expected["governmentid"] += "!"
        await world.settle()
        assert columns(await held(ada, row)) == expected


@rule(*FIELD_RULES)
async def test_each_field_changed_or_cleared_in_dynamics_is_so_in_outlook_and_nothing_else_changes() -> None:
    async with ada_alone() as (world, ada):
        await world.profile(contact_addresses=ContactAddresses.THREE)
        item, row = await tracked(world, ada, **OUTLOOK)
        for _, row_columns in CHANGED.values():
            await ada.edit("contacts", row, **row_columns)
        await ada.edit("contacts", row, pager="new", fax=None)
        before = await values_of(ada, item)
        await world.settle()
        after = await values_of(ada, item)
        assert {name for name in after if after[name] != before[name]} == {*CHANGED, "pager", "businessFax"}
        assert after["pager"] == "new"
        assert after["businessFax"] == after["email3"] == after["homePhone2"] == after["jobTitle"] == ""
        assert after["businessAddress"]["city"] == "Turin"
        assert after["name"] == {**before["name"], "surname": "Smith"}
        assert after["birthday"] == "1990-01-01"


@rule("FLD-20")
async def test_a_display_name_that_somebody_chose_outlives_what_dynamics_changes() -> None:
    async with ada_alone() as (world, ada):
        item, row = await tracked(world, ada, givenName="Mary", surname="Jones", displayName="The boss")
        await ada.edit("contacts", row, firstname="Maria")
        await world.settle()
        now = await shown(ada, item)
        assert (now["givenName"], now["displayName"]) == ("Maria", "The boss")


@rule("FLD-20")
async def test_a_display_name_that_exchange_made_follows_the_name() -> None:
    async with ada_alone() as (world, ada):
        item, row = await tracked(world, ada, givenName="Mary", surname="Jones")
        await ada.edit("contacts", row, firstname="Maria")
        await world.settle()
        assert (await shown(ada, item))["displayName"] == "Maria Jones"


@rule("FLD-22")
async def test_a_second_address_without_a_first_keeps_its_place() -> None:
    async with ada_alone() as (world, ada):
        item, row = await arrived(world, ada, lastname="Jones", emailaddress2="two@x.example")
        now = await shown(ada, item)
        assert now["primaryEmailAddress"] is None
        assert now["secondaryEmailAddress"]["address"] == "two@x.example"
        await ada.edit_contact(item, jobTitle="x")
        await world.settle()
        row_now = await held(ada, row)
        assert (row_now["emailaddress1"], row_now["emailaddress2"]) == (None, "two@x.example")


@rule("FLD-23", "FLD-37")
async def test_a_second_telephone_without_a_first_does_not_wander() -> None:
    async with ada_alone() as (world, ada):
        item, row = await arrived(world, ada, lastname="Jones", business2="2")
        assert (await shown(ada, item))["businessPhones"] == ["2"]
        await ada.edit_contact(item, jobTitle="x")
        await world.settle()
        now = await held(ada, row)
        assert (now["telephone1"], now["business2"], now["jobtitle"]) == (None, "2", "x")
        world.services = replace(world.services, store=MemoryMailboxStore())
        await world.settle()
        await ada.run_pass("sync now")
        await world.settle()
        now = await held(ada, row)
        assert (now["telephone1"], now["business2"]) == (None, "2")
        await ada.edit_contact(item, businessPhones=["1", "2"])
        await world.settle()
        now = await held(ada, row)
        assert (now["telephone1"], now["business2"]) == ("1", "2")


@rule("FLD-27")
@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles", "UTC"])
async def test_a_birthday_is_the_same_day_in_any_zone(zone: str) -> None:
    async with people() as world:
        ada = await world.person("ada", zone=zone)
        await world.settle()
        item, row = await arrived(
            world, ada, lastname="Jones", birthdate="1980-12-31", anniversary="2000-01-01"
        )
        now = await values_of(ada, item)
        assert (now["birthday"], now["anniversary"]) == ("1980-12-31", "2000-01-01")
        await ada.edit_contact(item, birthday="1981-01-01T11:59:00Z")
        await world.settle()
        assert (await held(ada, row))["birthdate"] == "1981-01-01"
        assert (await held(ada, row))["anniversary"] == "2000-01-01"


# --- too long -------------------------------------------------------------------------------------


@rule("FLD-26", "FLD-29")
async def test_a_text_too_long_for_dynamics_is_cut_said_and_not_cut_in_outlook() -> None:
    async with ada_alone() as (world, ada):
        notes, title = "n" * 3000, "t" * 120
        item, row = await tracked(world, ada, surname="Jones", personalNotes=notes, jobTitle=title)
        assert len((await held(ada, row))["description"]) == 2000
        await ada.edit("contacts", row, mobilephone="1")
        await world.settle()
        now = await shown(ada, item)
        assert (now["personalNotes"], now["jobTitle"], now["mobilePhone"]) == (notes, title, "1")
        said = {h.reason for h in await ada.history(item) if h.action == "skip"}
        assert any("(notes)" in reason and "2000" in reason for reason in said)
        assert any("(jobTitle)" in reason and "100" in reason for reason in said)


@rule("FLD-22", "FLD-23")
async def test_half_a_number_is_no_number() -> None:
    async with ada_alone() as (world, ada):
        number = "1" * 60
        item, row = await tracked(world, ada, surname="Jones", mobilePhone=number, jobTitle="CFO")
        assert (await held(ada, row))["mobilephone"] is None
        assert (await held(ada, row))["jobtitle"] == "CFO"
        assert (await shown(ada, item))["mobilePhone"] == number
        assert any("mobilePhone" in h.reason for h in await ada.history(item) if h.action == "skip")
        await ada.edit_contact(item, mobilePhone="1")
        await world.settle()
        assert (await held(ada, row))["mobilephone"] == "1"


# --- vCards ---------------------------------------------------------------------------------------


@rule("CONT-1", *FIELD_RULES)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_a_vcard_goes_through_dynamics_into_somebody_elses_outlook(path: Any) -> None:
    async with people() as world:
        await world.profile(contact_addresses=ContactAddresses.THREE)
        ada = await world.person("ada")
        cards = read(path)
        items = [(await ada.add_contact(**_of_graph(card)))["id"] for card in cards]
        await world.settle()
        eve = await world.person("eve")
        await world.settle()
        for link in await ada.links("contact"):
            binding = {"ownerid@odata.bind": f"/systemusers({eve.user})"}
            await ada.edit("contacts", link.dynamics_id, **binding)
        by_row = {link.dynamics_id: link.exchange_id for link in await ada.links("contact")}
        await world.settle()
        assert len(by_row) == len(items)
        for link in await eve.links("contact"):
            assert link.exchange_id is not None
            mine = await values_of(ada, str(by_row[link.dynamics_id]))
            hers = await values_of(eve, link.exchange_id)
            assert [row.name for row in of_entity("contact") if _differs(row, mine, hers)] == []
        assert len(await eve.links("contact")) == len(items)


def _differs(row: FieldRow, mine: Any, hers: Any) -> bool:
    """Other than by what Dynamics does not take (FLD-20), or by what a typed company is (CONT-6)."""
    if row.name in ("company", "regarding"):
        return False
    over = crossing(row, None, None)
    sent, came = over.to_dynamics(mine[row.name]), over.to_dynamics(hers[row.name])
    seen = over.essence or (lambda value: value)
    return seen(sent) != seen(came)


def _of_graph(values: Any) -> dict[str, Any]:
    """What Outlook would say of a contact with these values."""
    merged = {name: value for name, value in values.items() if name != "regarding"}
    body = without_empty(encode(merged, BLANK, {}))
    tagged = [row for row in encode_tagged(merged) if row["value"]]
    return {**body, "singleValueExtendedProperties": tagged} if tagged else body


# --- addresses ------------------------------------------------------------------------------------

ADDRESSES = {name: OUTLOOK[name] for name in ("businessAddress", "homeAddress", "otherAddress")}


@rule("CONT-2", "X-4")
async def test_with_one_address_only_the_postal_business_address_travels() -> None:
    async with ada_alone() as (world, ada):
        item, row = await tracked(world, ada, surname="Jones", **ADDRESSES)
        now = await held(ada, row)
        assert (now["address1_city"], now["address2_city"], now["address3_city"]) == ("Rome", None, None)
        await ada.edit("contacts", row, address2_city="Bonn", address1_city="Turin")
        await world.settle()
        outlook = await shown(ada, item)
        assert outlook["homeAddress"]["city"] == "Bern"
        assert outlook["businessAddress"]["city"] == "Turin"
        assert outlook["emailAddresses"] == []


@rule("CONT-2")
async def test_switching_to_three_addresses_keeps_all_of_it_in_the_history_before() -> None:
    async with ada_alone() as (world, ada):
        item, row = await tracked(world, ada, surname="Jones", **ADDRESSES)
        await ada.edit("contacts", row, address2_line1="2 Other", address2_city="Bonn")
        await world.settle()
        await world.profile(contact_addresses=ContactAddresses.THREE)
        await world.settle()
        (snapshot,) = [h for h in await ada.history(item) if "CONT-2" in h.rules]
        assert snapshot.before["exchange.homeAddress"] == {"street": "2 Home", "city": "Bern"}
        assert snapshot.before["dynamics.homeAddress"] == {"street": "2 Other", "city": "Bonn"}
        now, outlook = await held(ada, row), await shown(ada, item)
        assert (now["address2_city"], now["address3_city"]) == ("Bonn", "Oslo")
        assert outlook["homeAddress"]["city"] == "Bonn"
        lost = [dict(h.lost) for h in await ada.history(item) if h.lost]
        assert lost == [{"homeAddress": {"street": "2 Home", "city": "Bern"}}]


@rule("CONT-2")
async def test_back_to_one_address_nothing_is_taken_away_and_the_other_two_rest() -> None:
    async with ada_alone() as (world, ada):
        await world.profile(contact_addresses=ContactAddresses.THREE)
        item, row = await tracked(world, ada, surname="Jones", **ADDRESSES)
        await world.profile(contact_addresses=ContactAddresses.ONE)
        await world.settle()
        await ada.edit_contact(item, homeAddress={"city": "Basel"})
        await ada.edit("contacts", row, address3_city="Bergen")
        await world.settle()
        now, outlook = await held(ada, row), await shown(ada, item)
        assert (now["address2_city"], now["address3_city"]) == ("Bern", "Bergen")
        assert (outlook["homeAddress"]["city"], outlook["otherAddress"]["city"]) == ("Basel", "Oslo")
        await world.profile(contact_addresses=ContactAddresses.THREE)
        await world.settle()
        now, outlook = await held(ada, row), await shown(ada, item)
        assert (now["address2_city"], now["address3_city"]) == ("Basel", "Bergen")
        assert (outlook["homeAddress"]["city"], outlook["otherAddress"]["city"]) == ("Basel", "Bergen")


# --- the company ----------------------------------------------------------------------------------


async def _parent(ada: Person, name: str = "Fabrikam") -> tuple[str, dict[str, str]]:
    account = (await ada.make("accounts", name=name))["accountid"]
    return account, {"parentcustomerid_account@odata.bind": f"/accounts({account})"}


@rule("CONT-6", "FLD-21")
async def test_the_parents_name_is_written_into_company_and_follows_it() -> None:
    async with ada_alone() as (world, ada):
        _, binding = await _parent(ada)
        item, row = await arrived(world, ada, lastname="Jones", **binding)
        assert (await shown(ada, item))["companyName"] == "Fabrikam"
        _, other = await _parent(ada, "Contoso")
        await ada.edit("contacts", row, **other)
        await world.settle()
        assert (await shown(ada, item))["companyName"] == "Contoso"


@rule("CONT-6", "FLD-21")
async def test_a_typed_company_never_sets_the_parent() -> None:
    async with ada_alone() as (world, ada):
        account, binding = await _parent(ada)
        item, row = await tracked(world, ada, surname="Jones", companyName="Fabrikam")
        assert (await held(ada, row))["_parentcustomerid_value"] is None
        assert (await shown(ada, item))["companyName"] == "Fabrikam"
        other_item, other = await arrived(world, ada, lastname="Lee", **binding)
        await ada.edit_contact(other_item, companyName="Typed")
        await world.settle()
        assert (await held(ada, other))["_parentcustomerid_value"] == account
        assert (await shown(ada, other_item))["companyName"] == "Typed"
        assert "does not travel" in await sentence(ada, other_item)


@rule("CONT-6")
async def test_a_parent_that_is_renamed_is_found_by_the_comparison() -> None:
    async with ada_alone() as (world, ada):
        account, binding = await _parent(ada)
        item, _ = await arrived(world, ada, lastname="Jones", **binding)
        await ada.edit("accounts", account, name="Fabrikam & Sons")
        await world.settle()
        await ada.run_pass("sync now")
        await world.settle()
        assert (await shown(ada, item))["companyName"] == "Fabrikam & Sons"


@rule("CONT-6")
async def test_users_may_forbid_that_company_is_written() -> None:
    async with ada_alone() as (world, ada):
        await world.profile(company_from_parent=False)
        _, binding = await _parent(ada)
        item, _ = await arrived(world, ada, lastname="Jones", **binding)
        assert (await shown(ada, item))["companyName"] is None
        await world.profile(company_from_parent=True)
        await world.settle()
        assert (await shown(ada, item))["companyName"] == "Fabrikam"


@rule("CONT-6", "FLD-21")
async def test_the_app_sets_the_parent_by_its_stamp() -> None:
    async with ada_alone() as (world, ada):
        account, _ = await _parent(ada)
        item, row = await tracked(world, ada, surname="Jones")
        await stamp(ada, item, regarding=f"{{{account.upper()}}}", regarding_type="1")
        await ada.edit_contact(item, jobTitle="x")
        await world.settle()
        assert (await held(ada, row))["_parentcustomerid_value"] == account
        assert (await shown(ada, item))["companyName"] == "Fabrikam"


# --- directions and field security ----------------------------------------------------------------


async def _directed(world: People, direction: Direction, name: str = "jobTitle") -> None:
    await world.profile(directions={"contact": {name: direction}})


@rule("FLD-33", "FLD-34")
async def test_a_field_of_one_way_keeps_outlooks_edits_until_dynamics_changes_it() -> None:
    async with ada_alone() as (world, ada):
        await _directed(world, Direction.TO_EXCHANGE)
        item, row = await tracked(world, ada, surname="Jones", jobTitle="first", mobilePhone="1")
        assert (await held(ada, row))["jobtitle"] is None
        await ada.edit_contact(item, jobTitle="mine", mobilePhone="2")
        await world.settle()
        now = await held(ada, row)
        assert (now["jobtitle"], now["mobilephone"]) == (None, "2")
        assert (await shown(ada, item))["jobTitle"] == "mine"
        assert "does not travel" in await sentence(ada, item)
        await ada.edit("contacts", row, jobtitle="theirs")
        await world.settle()
        assert (await shown(ada, item))["jobTitle"] == "theirs"
        assert [dict(h.lost) for h in await ada.history(item) if h.lost] == [{"jobTitle": "mine"}]


@rule("FLD-33")
async def test_a_field_towards_dynamics_only_and_one_that_does_not_travel() -> None:
    async with ada_alone() as (world, ada):
        directions = {"jobTitle": Direction.TO_DYNAMICS, "mobilePhone": Direction.NONE}
        await world.profile(directions={"contact": directions})
        item, row = await tracked(world, ada, surname="Jones", jobTitle="mine", mobilePhone="1")
        now = await held(ada, row)
        assert (now["jobtitle"], now["mobilephone"]) == ("mine", None)
        await ada.edit("contacts", row, jobtitle="theirs", mobilephone="2")
        await world.settle()
        outlook = await shown(ada, item)
        assert (outlook["jobTitle"], outlook["mobilePhone"]) == ("mine", "1")
        other, _ = await arrived(world, ada, lastname="Lee", jobtitle="x", mobilephone="3")
        outlook = await shown(ada, other)
        assert (outlook["jobTitle"], outlook["mobilePhone"]) == (None, None)


@rule("FLD-33")
async def test_a_field_whose_way_is_opened_later_brings_over_what_was_held() -> None:
    async with ada_alone() as (world, ada):
        await _directed(world, Direction.TO_EXCHANGE)
        item, row = await tracked(world, ada, surname="Jones", jobTitle="first")
        await ada.edit_contact(item, jobTitle="mine")
        await world.settle()
        await _directed(world, Direction.BOTH)
        await world.settle()
        assert (await held(ada, row))["jobtitle"] == "mine"


async def _secure(world: People, ada: Person, *rights: str, column: str = "jobtitle") -> None:
    body = {"table": "contact", "column": column, "allow": {ada.user: list(rights)}}
    await world.control("dataverse", "PUT", "secured-columns", body)


@rule("FLD-35")
async def test_a_column_that_may_not_be_read_is_not_sent_and_takes_nothing_away() -> None:
    async with ada_alone() as (world, ada):
        await _secure(world, ada)
        item, row = await arrived(world, ada, lastname="Jones", jobtitle="secret", mobilephone="1")
        outlook = await shown(ada, item)
        assert (outlook["jobTitle"], outlook["mobilePhone"]) == (None, "1")
        await ada.edit_contact(item, jobTitle="mine", mobilePhone="2")
        await world.settle()
        now = await held(ada, row)
        assert (now["jobtitle"], now["mobilephone"]) == ("secret", "2")
        assert (await shown(ada, item))["jobTitle"] == "mine"
        assert "field-level security" in await sentence(ada, item)


@rule("FLD-35")
async def test_a_column_that_is_closed_later_empties_nothing_in_outlook() -> None:
    async with ada_alone() as (world, ada):
        item, row = await tracked(world, ada, surname="Jones", jobTitle="mine")
        await _secure(world, ada)
        world.forward(days=1)
        await ada.edit("contacts", row, mobilephone="1", jobtitle="secret")
        await world.settle()
        outlook = await shown(ada, item)
        assert (outlook["jobTitle"], outlook["mobilePhone"]) == ("mine", "1")


@rule("FLD-35")
async def test_a_column_that_may_not_be_changed_stays_and_the_rest_of_the_contact_goes_on() -> None:
    async with ada_alone() as (world, ada):
        await _secure(world, ada, "read")
        item, row = await arrived(world, ada, lastname="Jones", jobtitle="theirs")
        await ada.edit_contact(item, jobTitle="mine", mobilePhone="2")
        await world.settle()
        now = await held(ada, row)
        assert (now["jobtitle"], now["mobilephone"]) == ("theirs", "2")
        assert "field-level security" in await sentence(ada, item)
        said = [h.reason for h in await ada.history(item) if "FLD-35" in h.rules]
        assert len(said) == 1
        assert "jobTitle" in said[0]
        await ada.edit("contacts", row, jobtitle="theirs again")
        await world.settle()
        assert (await shown(ada, item))["jobTitle"] == "theirs again"


@rule("FLD-35")
async def test_a_contact_is_made_without_a_column_that_may_not_be_filled() -> None:
    async with ada_alone() as (world, ada):
        await _secure(world, ada, "read")
        item, row = await tracked(world, ada, surname="Jones", jobTitle="mine", mobilePhone="1")
        now = await held(ada, row)
        assert (now["jobtitle"], now["mobilephone"]) == (None, "1")
        assert (await shown(ada, item))["jobTitle"] == "mine"
        assert any("FLD-35" in h.rules for h in await ada.history(item))


@rule("FLD-35", "CONT-1")
async def test_a_row_that_may_not_be_written_is_refused_once_and_its_own_news_still_come() -> None:
    async with ada_alone() as (world, ada):
        eve = await world.person("eve", on=False)
        name = {"firstname": "Bob", "lastname": "Ray", "emailaddress1": "b@x.example"}
        row = (await eve.make("contacts", **name))["contactid"]
        mails = [{"address": "b@x.example"}]
        item = (await ada.add_contact(givenName="Bob", surname="Ray", emailAddresses=mails))["id"]
        neighbour = await ada.add_contact(surname="Lee")
        await world.settle()
        await ada.edit_contact(item, jobTitle="mine")
        await ada.edit_contact(neighbour["id"], jobTitle="CFO")
        await world.settle()
        refused = [h for h in await ada.history(item) if h.outcome == "refused"]
        assert [(h.action, h.side) for h in refused] == [("update", "dynamics")]
        (other,) = await ada.rows("contacts", "lastname eq 'Lee'")
        assert other["jobtitle"] == "CFO"
        await ada.edit("contacts", row, mobilephone="7")
        await world.settle()
        assert (await shown(ada, item))["mobilePhone"] == "7"
        assert (await shown(ada, item))["jobTitle"] == "mine"
        assert len([h for h in await ada.history(item) if h.outcome == "refused"]) == 1
        assert "the last try was refused" in await sentence(ada, item)


def test_the_field_map_has_no_field_that_these_stories_leave_out() -> None:
    named = {column for row in of_entity("contact") for column in row.dynamics}
    empty = {"parentcustomerid", "address1_line3"}
    empty |= {
        f"{place}_{part}"
        for place in THREE_ONLY
        for part in ("line2", "line3", "stateorprovince", "postalcode", "country")
    }
    assert named - COLUMNS.keys() == empty
