"""Service activities over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.wire.dataverse_org import (
    HALF_PAST,
    NINE,
    Json,
    Org,
    Person,
    address,
    error_code,
    organization,
    party,
)

SERVICES = "serviceappointments"


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with organization() as running:
        yield running


def service(owner: Person, *parties: Json, **columns: Any) -> Json:
    return {
        "subject": "Repair",
        "location": "Their place",
        "scheduledstart": NINE,
        "scheduledend": HALF_PAST,
        "ownerid@odata.bind": f"/systemusers({owner.id})",
        "serviceappointment_activity_parties": list(parties),
        **columns,
    }


async def test_customers_and_resources_are_its_parties(org: Org) -> None:
    ida = await org.person("Ida")
    kim = (await org.contact("Kim", emailaddress1="kim@example.org"))["contactid"]
    van = (await org.make("equipments", {"name": "Van", "emailaddress": "van@example.com"}, token="admin"))[
        "equipmentid"
    ]
    resource = {"participationtypemask": 10, "partyid_equipment@odata.bind": f"/equipments({van})"}
    parties = [
        party(11, "contact", kim),
        party(10, "systemuser", ida.id),
        resource,
        address(5, "out@example.net"),
        party(7, "systemuser", ida.id),
    ]
    made = await org.make(SERVICES, service(ida, *parties), user=ida)
    read = "$expand=serviceappointment_activity_parties($select=participationtypemask,addressused)"
    body = await org.get(f"{SERVICES}({made['activityid']})?$select=subject&{read}", user=ida)
    rows = body["serviceappointment_activity_parties"]
    assert sorted((row["participationtypemask"], row["addressused"]) for row in rows) == [
        (5, "out@example.net"),
        (7, ida.address),
        (9, ida.address),
        (10, ida.address),
        (10, "van@example.com"),
        (11, "kim@example.org"),
    ]


@pytest.mark.parametrize(
    ("mask", "table"), [(11, "systemuser"), (10, "contact"), (7, "contact"), (11, "queue")]
)
async def test_each_kind_of_party_has_its_tables(org: Org, mask: int, table: str) -> None:
    ida = await org.person("Ida")
    kim = (await org.contact("Kim"))["contactid"]
    queue = (await org.make("queues", {"name": "Desk"}, token="admin"))["queueid"]
    wrong = party(mask, table, {"systemuser": ida.id, "contact": kim, "queue": queue}[table])
    response = await org.call("POST", SERVICES, service(ida, wrong))
    assert error_code(response) == (400, "0x80043506")


async def test_a_resource_is_no_address(org: Org) -> None:
    ida = await org.person("Ida")
    response = await org.call("POST", SERVICES, service(ida, address(10, "van@example.com")))
    assert error_code(response) == (400, "0x80043506")


@pytest.mark.parametrize(("state", "reason"), [(0, 1), (1, 8), (2, 9), (3, 4)])
async def test_each_state_has_its_default_reason(org: Org, state: int, reason: int) -> None:
    ida = await org.person("Ida")
    made = await org.make(SERVICES, service(ida))
    path = f"{SERVICES}({made['activityid']})"
    await org.change(path, {"statecode": state})
    assert (await org.get(path))["statuscode"] == reason


async def test_states_and_reasons_have_to_fit(org: Org) -> None:
    ida = await org.person("Ida")
    made = await org.make(SERVICES, service(ida))
    path = f"{SERVICES}({made['activityid']})"
    wrong = await org.call("PATCH", path, {"statecode": 3, "statuscode": 10})
    assert error_code(wrong) == (400, "0x80048408")
    new = await org.call("POST", SERVICES, service(ida, statecode=3, statuscode=4))
    assert error_code(new) == (400, "0x80048408")
    await org.change(path, {"statecode": 2, "statuscode": 10})


async def test_changes_are_tracked_and_rows_are_found_by_time(org: Org) -> None:
    ida = await org.person("Ida")
    track = {"Prefer": "odata.track-changes"}
    link = (await org.get(f"{SERVICES}?$select=subject", headers=track))["@odata.deltaLink"]
    made = await org.make(SERVICES, service(ida))
    assert [row["activityid"] for row in (await org.get(link))["value"]] == [made["activityid"]]
    found = await org.values(f"{SERVICES}?$filter=scheduledstart ge {NINE} and statecode eq 0")
    assert [row["scheduleddurationminutes"] for row in found] == [30]
    body = await org.get("EntityDefinitions(LogicalName='serviceappointment')?$select=ObjectTypeCode")
    assert body["ObjectTypeCode"] == 4214


async def test_it_takes_no_files(org: Org) -> None:
    ida = await org.person("Ida")
    made = await org.make(SERVICES, service(ida))
    body = {
        "objectid_appointment@odata.bind": f"/{SERVICES}({made['activityid']})",
        "objecttypecode": "serviceappointment",
        "filename": "a.txt",
    }
    response = await org.call("POST", "activitymimeattachments", body)
    assert error_code(response) == (400, "0x80048d19")


async def test_it_regards_a_contact_and_goes_with_it(org: Org) -> None:
    ida = await org.person("Ida")
    kim = (await org.contact("Kim"))["contactid"]
    bind = {"regardingobjectid_contact_serviceappointment@odata.bind": f"/contacts({kim})"}
    await org.make(SERVICES, service(ida, **bind))
    await org.call("DELETE", f"contacts({kim})")
    assert await org.values(SERVICES) == []


async def test_only_its_owner_writes_it_and_its_resources_read_it(org: Org) -> None:
    ida, bo, eve = await org.person("Ida"), await org.person("Bo"), await org.person("Eve")
    made = await org.make(SERVICES, service(ida, party(10, "systemuser", bo.id)), user=ida)
    path = f"{SERVICES}({made['activityid']})"
    assert (await org.call("GET", path, user=bo)).status_code == 200
    assert error_code(await org.call("GET", path, user=eve)) == (403, "0x80040220")
    assert error_code(await org.call("PATCH", path, {"subject": "x"}, user=bo)) == (403, "0x80040220")


async def test_without_the_app_there_is_no_such_table(org: Org) -> None:
    ida = await org.person("Ida")
    made = await org.make(SERVICES, service(ida))
    await org.control("PUT", "absent-tables", {"tables": ["serviceappointment"]})
    for path in (SERVICES, f"{SERVICES}({made['activityid']})"):
        assert error_code(await org.call("GET", path)) == (404, "0x8006088a")
    wrong = await org.client.put(f"{org.dataverse.control_url}/absent-tables", json={"tables": ["nothing"]})
    assert wrong.status_code == 400
    await org.control("PUT", "absent-tables", {"tables": []})
    assert len(await org.values(SERVICES)) == 1
