"""Contacts and accounts over the wire: columns, owners, duplicates and secured columns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.wire.dataverse_org import Json, Org, Person, error_code, meeting, organization

DETECT = {"MSCRM.SuppressDuplicateDetection": "false"}
DUPLICATE = (412, "0x80040333")
# Every column that a contact shares with Outlook, as long as it may be.
LENGTHS = {
    **{"firstname": 50, "middlename": 50, "lastname": 50, "suffix": 10, "salutation": 100, "nickname": 100},
    **{"jobtitle": 100, "department": 100, "managername": 100, "assistantname": 100, "spousesname": 100},
    **{"emailaddress1": 100, "emailaddress2": 100, "emailaddress3": 100, "telephone1": 50, "telephone2": 50},
    **{"telephone3": 50, "mobilephone": 50, "fax": 50, "pager": 50, "home2": 50, "business2": 50},
    **{"callback": 50, "assistantphone": 50, "governmentid": 50, "company": 50, "childrensnames": 255},
    **{"websiteurl": 200, "ftpsiteurl": 200, "description": 2000, "yomifirstname": 150, "yomilastname": 150},
    **{
        f"address{number}_{name}": length
        for number in (1, 2, 3)
        for name, length in {
            **{"line1": 250, "line2": 250, "line3": 250, "city": 80, "stateorprovince": 50},
            **{"postalcode": 20, "country": 80},
        }.items()
    },
}


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with organization() as running:
        yield running


async def delta(org: Org, link: str) -> list[str]:
    return [row["contactid"] for row in await org.values(link)]


async def test_every_column_takes_its_length_and_not_one_more(org: Org) -> None:
    made = await org.make("contacts", {name: "x" * length for name, length in LENGTHS.items()})
    path = f"contacts({made['contactid']})"
    for name, length in LENGTHS.items():
        assert len(made[name]) == length
        response = await org.call("PATCH", path, {name: "x" * (length + 1)})
        assert error_code(response) == (400, "0x80044331"), name


async def test_birthdays_are_days_without_a_time(org: Org) -> None:
    made = await org.contact("Anna", birthdate="1980-02-29", anniversary="2010-12-31")
    assert (made["birthdate"], made["anniversary"]) == ("1980-02-29", "2010-12-31")
    path = f"contacts({made['contactid']})"
    for wrong in ("1980-02-29T00:00:00Z", "1980-02-30", "19800229"):
        assert (await org.call("PATCH", path, {"birthdate": wrong})).status_code == 400
    too_old = await org.call("PATCH", path, {"birthdate": "1604-01-01"})
    assert error_code(too_old) == (400, "0x80044330")


async def test_names_and_addresses_are_composed_by_the_server(org: Org) -> None:
    place = {"address2_line1": "Storgata 1", "address2_city": "Oslo", "address2_country": "Norway"}
    made = await org.contact("Anna", fullname="x", address2_composite="x", **place)
    assert made["fullname"] == "Anna Contact"
    assert made["address2_composite"] == "Storgata 1\r\nOslo\r\nNorway"
    await org.change(f"contacts({made['contactid']})", {"lastname": "Berg", "address2_city": None})
    after = await org.get(f"contacts({made['contactid']})")
    assert (after["fullname"], after["address2_composite"]) == ("Anna Berg", "Storgata 1\r\nNorway")


async def test_the_employer_is_an_account_or_another_contact(org: Org) -> None:
    account = await org.make("accounts", {"name": "Nordwind", "industrycode": 1, "customertypecode": 3})
    boss = await org.contact("Bo")
    to_account = {"parentcustomerid_account@odata.bind": f"/accounts({account['accountid']})"}
    made = await org.contact("Anna", company="+47 22 22 22 22", **to_account)
    assert made["_parentcustomerid_value"] == account["accountid"]
    path = f"contacts({made['contactid']})"
    await org.change(path, {"parentcustomerid_contact@odata.bind": f"/contacts({boss['contactid']})"})
    prefer = {"Prefer": 'odata.include-annotations="*"'}
    body = await org.get(f"{path}?$select=_parentcustomerid_value", headers=prefer)
    kind = "_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"
    assert (body["_parentcustomerid_value"], body[kind]) == (boss["contactid"], "contact")
    wrong = {"parentcustomerid@odata.bind": f"/accounts({account['accountid']})"}
    assert (await org.call("PATCH", path, wrong)).status_code == 400


async def test_a_contact_is_deactivated_and_activated(org: Org) -> None:
    path = f"contacts({(await org.contact('Anna'))['contactid']})"
    await org.change(path, {"statecode": 1})
    after = await org.get(f"{path}?$select=statecode,statuscode")
    assert (after["statecode"], after["statuscode"]) == (1, 2)
    await org.change(path, {"statecode": 0, "statuscode": 1})
    assert (await org.get(path))["statecode"] == 0


async def test_a_new_owner_is_an_update_in_the_feed_and_takes_along_what_belongs_to_the_contact(
    org: Org,
) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    made = await org.make("contacts", {"lastname": "Berg"}, user=ida)
    regarding = {"regardingobjectid_contact_task@odata.bind": f"/contacts({made['contactid']})"}
    task = await org.make("tasks", {"subject": "x", **regarding}, user=ida)
    link = (await org.get("contacts", headers={"Prefer": "odata.track-changes"}))["@odata.deltaLink"]
    owner = {"ownerid@odata.bind": f"/systemusers({bo.id})"}
    await org.change(f"contacts({made['contactid']})", owner, user=ida)
    (row,) = await org.values(link)
    assert (row["contactid"], row["_ownerid_value"]) == (made["contactid"], bo.id)
    assert (await org.get(f"tasks({task['activityid']})"))["_ownerid_value"] == bo.id


# --- duplicates ------------------------------------------------------------------------------------


async def same_address_is_a_duplicate(org: Org) -> Json:
    await org.control("PUT", "duplicate-rules", {"table": "contact", "columns": ["emailaddress1"]})
    return await org.contact("Anna", emailaddress1="anna@example.net")


async def test_duplicates_are_detected_only_for_who_asks(org: Org) -> None:
    await same_address_is_a_duplicate(org)
    twin = {"lastname": "Twin", "emailaddress1": "ANNA@example.net"}
    for headers in ({}, {"MSCRM.SuppressDuplicateDetection": "true"}):
        assert (await org.call("POST", "contacts", twin, headers=headers)).status_code == 204
    before = len(await org.values("contacts"))
    assert error_code(await org.call("POST", "contacts", twin, headers=DETECT)) == DUPLICATE
    assert len(await org.values("contacts")) == before
    other = {"lastname": "Other", "emailaddress1": "other@example.net"}
    assert (await org.call("POST", "contacts", other, headers=DETECT)).status_code == 204
    assert (await org.call("POST", "contacts", {"lastname": "None"}, headers=DETECT)).status_code == 204


async def test_an_update_that_names_the_column_is_checked_too(org: Org) -> None:
    anna = await same_address_is_a_duplicate(org)
    carl = await org.contact("Carl")
    same = {"emailaddress1": "anna@example.net"}
    refused = await org.call("PATCH", f"contacts({carl['contactid']})", same, headers=DETECT)
    assert error_code(refused) == DUPLICATE
    await org.change(f"contacts({anna['contactid']})", same, headers=DETECT)
    await org.change(f"contacts({carl['contactid']})", {"jobtitle": "x"}, headers=DETECT)


async def test_without_a_rule_or_with_detection_off_nothing_is_a_duplicate(org: Org) -> None:
    await same_address_is_a_duplicate(org)
    twin = {"lastname": "Twin", "emailaddress1": "anna@example.net"}
    await org.control("PUT", "organization", {"isduplicatedetectionenabled": False})
    assert (await org.call("POST", "contacts", twin, headers=DETECT)).status_code == 204
    await org.control("PUT", "organization", {"isduplicatedetectionenabled": True})
    await org.control("PUT", "duplicate-rules", {"table": "contact", "columns": []})
    assert (await org.call("POST", "contacts", twin, headers=DETECT)).status_code == 204


async def test_create_multiple_is_refused_whole_for_one_duplicate(org: Org) -> None:
    await same_address_is_a_duplicate(org)
    kind = {"@odata.type": "Microsoft.Dynamics.CRM.contact"}
    targets = [{**kind, "lastname": "New"}, {**kind, "emailaddress1": "anna@example.net"}]
    path = "contacts/Microsoft.Dynamics.CRM.CreateMultiple"
    assert error_code(await org.call("POST", path, {"Targets": targets}, headers=DETECT)) == DUPLICATE
    assert len(await org.values("contacts")) == 1


# --- secured columns ---------------------------------------------------------------------------------


async def secure(org: Org, column: str = "jobtitle", **options: Any) -> None:
    await org.control("PUT", "secured-columns", {"table": "contact", "column": column, **options})


async def test_a_secured_column_reads_as_null_and_refuses_writes(org: Org) -> None:
    ida = await org.person("Ida")
    made = await org.make("contacts", {"lastname": "Berg", "jobtitle": "Buyer"}, user=ida)
    path = f"contacts({made['contactid']})"
    await secure(org)
    assert (await org.get(path, user=ida))["jobtitle"] is None
    assert (await org.get(path))["jobtitle"] == "Buyer"
    update = await org.call("PATCH", path, {"jobtitle": "x", "nickname": "x"}, user=ida)
    assert error_code(update) == (403, "0x8004f507")
    create = await org.call("POST", "contacts", {"lastname": "x", "jobtitle": "x"}, user=ida)
    assert error_code(create) == (403, "0x8004f502")
    await org.change(path, {"nickname": "Nils"}, user=ida)
    assert (await org.get(path))["jobtitle"] == "Buyer"


async def test_what_may_not_be_read_cannot_be_found_out_by_asking_otherwise(org: Org) -> None:
    ida = await org.person("Ida")
    made = await org.make("contacts", {"lastname": "Berg", "jobtitle": "Buyer"}, user=ida)
    await org.make("appointments", meeting(ida, **regarding(made)), user=ida)
    await secure(org)
    filter_ = quote("jobtitle eq 'Buyer'")
    assert await org.values(f"contacts?$filter={filter_}", user=ida) == []
    fetch = quote(
        '<fetch><entity name="contact"><attribute name="jobtitle"/><filter>'
        '<condition attribute="jobtitle" operator="not-null"/></filter></entity></fetch>'
    )
    assert await org.values(f"contacts?fetchXml={fetch}", user=ida) == []
    assert (await org.call("GET", f"contacts({made['contactid']})/jobtitle", user=ida)).status_code == 204
    expand = "$expand=regardingobjectid_contact_appointment($select=jobtitle)"
    (row,) = await org.values(f"appointments?{expand}", user=ida)
    assert row["regardingobjectid_contact_appointment"]["jobtitle"] is None
    tracked = await org.values("contacts", headers={"Prefer": "odata.track-changes"}, user=ida)
    assert [row["jobtitle"] for row in tracked] == [None]


def regarding(contact: Json) -> Json:
    return {"regardingobjectid_contact_appointment@odata.bind": f"/contacts({contact['contactid']})"}


async def test_a_permission_opens_a_secured_column_for_one_person(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    made = await org.make("contacts", {"lastname": "Berg", "jobtitle": "Buyer"}, user=ida)
    path = f"contacts({made['contactid']})"
    await secure(org, allow={ida.id: ["read"]})
    assert (await org.get(path, user=ida))["jobtitle"] == "Buyer"
    assert (await org.get(path, user=bo))["jobtitle"] is None
    assert (await org.call("PATCH", path, {"jobtitle": "x"}, user=ida)).status_code == 403
    await secure(org, allow={ida.id: ["read", "update"]})
    await org.change(path, {"jobtitle": "x"}, user=ida)
    await secure(org, secured=False)
    assert (await org.get(path, user=bo))["jobtitle"] == "x"


async def test_the_metadata_tells_which_columns_are_secured(org: Org) -> None:
    await secure(org)
    attributes = "EntityDefinitions(LogicalName='contact')/Attributes?$select=LogicalName,IsSecured"
    assert [row["LogicalName"] for row in await org.values(attributes) if row["IsSecured"]] == ["jobtitle"]


# --- what a user may do with secured columns ---------------------------------------------------------

ATTRIBUTES = "EntityDefinitions(LogicalName='contact')/Attributes?$select=LogicalName,MetadataId"
PRIVILEGES = "Microsoft.Dynamics.CRM.RetrievePrincipalAttributePrivileges"


async def privileges(org: Org, person: Person, **options: Any) -> dict[str, tuple[int, int, int]]:
    """By column: create, read, update."""
    ids = {row["MetadataId"]: row["LogicalName"] for row in await org.values(ATTRIBUTES)}
    body = await org.get(f"systemusers({person.id})/{PRIVILEGES}", **options)
    rights = ("CanCreate", "CanRead", "CanUpdate")
    return {
        ids[each["AttributeId"]]: tuple(each[right] for right in rights)
        for each in body["AttributePrivileges"]
    }


async def test_a_user_learns_what_profiles_allow_and_nothing_of_columns_that_none_names(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo", "administrator")
    assert await privileges(org, ida) == {}
    await secure(org, allow={ida.id: ["read", "update"]})
    await secure(org, "governmentid")
    assert await privileges(org, ida) == {"jobtitle": (0, 4, 4)}
    assert await privileges(org, bo) == {"jobtitle": (4, 4, 4), "governmentid": (4, 4, 4)}
    await secure(org, secured=False)
    assert await privileges(org, ida) == {}


async def test_who_is_no_administrator_asks_only_about_himself(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    assert await privileges(org, ida, user=ida) == {}
    path = f"systemusers({ida.id})/{PRIVILEGES}"
    assert error_code(await org.call("GET", path, user=bo)) == (403, "0x80040220")


async def test_a_function_is_called_as_it_is_documented_or_not_at_all(org: Org) -> None:
    ida, contact = await org.person("Ida"), await org.contact("Kim")
    path = f"systemusers({ida.id})/{PRIVILEGES}"
    assert (await org.call("GET", f"{path}()")).status_code == 200
    assert (await org.call("GET", f"{path}?$select=AttributePrivileges")).status_code == 400
    assert (await org.call("POST", path, {})).status_code == 404
    assert (await org.call("GET", f"contacts({contact['contactid']})/{PRIVILEGES}")).status_code == 404
    assert (await org.call("GET", f"systemusers({uuid4()})/{PRIVILEGES}")).status_code == 404
