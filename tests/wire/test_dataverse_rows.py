"""Rows over the wire: create, upsert, conditional writes, reads, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.wire.dataverse_org import NINE, Org, error_code, meeting, organization


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with organization() as running:
        yield running


async def test_a_post_answers_204_with_the_id_in_the_headers(org: Org) -> None:
    response = await org.call("POST", "contacts", {"lastname": "Berg"})
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["OData-EntityId"].startswith(f"{org.dataverse.url}/contacts(")
    assert response.headers["Location"] == response.headers["OData-EntityId"]
    assert response.headers["OData-Version"] == "4.0"


async def test_a_post_with_representation_honours_select(org: Org) -> None:
    response = await org.call(
        "POST",
        "contacts?$select=fullname",
        {"firstname": "Ida", "lastname": "Berg"},
        headers={"Prefer": "return=representation"},
    )
    body = response.json()
    assert response.status_code == 201
    assert response.headers["Preference-Applied"] == "return=representation"
    assert body["fullname"] == "Ida Berg"
    assert body["@odata.etag"] == response.headers["ETag"]
    assert set(body) == {"@odata.context", "@odata.etag", "fullname", "contactid"}


async def test_a_chosen_id_is_kept_and_a_second_create_meets_it(org: Org) -> None:
    key = str(uuid4())
    first = await org.call("POST", "contacts", {"contactid": key, "lastname": "Berg"})
    again = await org.call("POST", "contacts", {"contactid": key, "lastname": "Berg"})
    assert key in first.headers["OData-EntityId"]
    assert error_code(again) == (412, "0x80040237")


async def test_patch_creates_when_nothing_forbids_it_and_updates_when_it_is_there(org: Org) -> None:
    path = f"contacts({uuid4()})"
    wants = {"Prefer": "return=representation"}
    created = await org.call("PATCH", path, {"lastname": "Berg"}, headers=wants)
    updated = await org.call("PATCH", path, {"lastname": "Dahl"}, headers=wants)
    assert (created.status_code, updated.status_code) == (201, 200)
    assert updated.json()["lastname"] == "Dahl"


async def test_if_match_star_never_creates_and_if_none_match_star_never_updates(org: Org) -> None:
    path = f"contacts({uuid4()})"
    absent = await org.call("PATCH", path, {"lastname": "Berg"}, headers={"If-Match": "*"})
    created = await org.call("PATCH", path, {"lastname": "Berg"}, headers={"If-None-Match": "*"})
    present = await org.call("PATCH", path, {"lastname": "Dahl"}, headers={"If-None-Match": "*"})
    assert error_code(absent) == (404, "0x80040217")
    assert created.status_code == 204
    assert error_code(present) == (412, "0x80040237")
    assert (await org.get(f"{path}?$select=lastname"))["lastname"] == "Berg"


async def test_an_old_etag_changes_and_deletes_nothing(org: Org) -> None:
    made = await org.contact("Ida")
    path, old = f"contacts({made['contactid']})", made["@odata.etag"]
    await org.change(path, {"jobtitle": "Buyer"}, headers={"If-Match": old})
    change = await org.call("PATCH", path, {"jobtitle": "Seller"}, headers={"If-Match": old})
    removal = await org.call("DELETE", path, headers={"If-Match": old})
    assert error_code(change) == error_code(removal) == (412, "0x80060882")
    assert (await org.get(path))["jobtitle"] == "Buyer"


async def test_every_update_moves_the_etag_even_when_it_says_the_same(org: Org) -> None:
    made = await org.contact("Ida")
    await org.change(f"contacts({made['contactid']})", {"firstname": "Ida"})
    assert (await org.get(f"contacts({made['contactid']})"))["@odata.etag"] != made["@odata.etag"]


async def test_a_conditional_get_answers_304_only_without_expand_and_annotations(org: Org) -> None:
    made = await org.contact("Ida")
    path, condition = f"contacts({made['contactid']})", {"If-None-Match": made["@odata.etag"]}
    annotated = {**condition, "Prefer": 'odata.include-annotations="*"'}
    assert (await org.call("GET", path, headers=condition)).status_code == 304
    assert (await org.call("GET", path, headers=annotated)).status_code == 200
    expanded = await org.call("GET", f"{path}?$expand=createdby($select=fullname)", headers=condition)
    assert expanded.status_code == 200
    assert (await org.call("GET", path, headers={"If-None-Match": "null"})).status_code == 200


async def test_a_deleted_row_is_gone(org: Org) -> None:
    made = await org.contact("Ida")
    path = f"contacts({made['contactid']})"
    assert (await org.call("DELETE", path)).status_code == 204
    assert error_code(await org.call("GET", path)) == (404, "0x80040217")
    assert error_code(await org.call("DELETE", path)) == (404, "0x80040217")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"subject": "x" * 201}, 400, "0x80044331"),
        ({"subject": "😀" * 101}, 400, "0x80044331"),
        ({"description": "x" * 1_048_577}, 400, "0x80044331"),
        ({"notacolumn": 1}, 400, "0x80048d19"),
        ({"Subject": "wrong casing"}, 400, "0x80048d19"),
        ({"subject": 5}, 400, "0x80048d19"),
        ({"scheduledstart": "2026-03-02T09:00:00"}, 400, "0x80048d19"),
        ({"scheduledstart": "tomorrow"}, 400, "0x80048d19"),
        ({"scheduledstart": NINE, "scheduledend": "2026-03-01T09:00:00Z"}, 400, "0x80040203"),
        ({"isalldayevent": "true"}, 400, "0x80048d19"),
        ({"prioritycode": 9}, 400, "0x8004431a"),
        ({"_ownerid_value": str(uuid4())}, 400, "0x80048d19"),
        ({"ownerid": str(uuid4())}, 400, "0x80048d19"),
        ({"OwnerId@odata.bind": f"/systemusers({uuid4()})"}, 400, "0x80048d19"),
        ({"ownerid@odata.bind": f"/systemusers({uuid4()})"}, 404, "0x80040217"),
        ({"ownerid@odata.bind": f"/contacts({uuid4()})"}, 400, "0x80048d19"),
        ({"ownerid@odata.bind": "/systemusers(me)"}, 400, "0x80048d19"),
        ({"regardingobjectid_lead_appointment@odata.bind": f"/leads({uuid4()})"}, 400, "0x80048d19"),
        ({"statecode": 3, "statuscode": 5}, 400, "0x80048408"),
        ({"statuscode": 5}, 400, "0x80048408"),
        ({"statuscode": 77}, 400, "0x8004431a"),
    ],
)
async def test_a_body_that_does_not_fit_is_refused_and_leaves_nothing(
    org: Org, body: dict[str, Any], status: int, code: str
) -> None:
    response = await org.call("POST", "appointments", body)
    assert error_code(response) == (status, code)
    assert await org.values("appointments") == []


async def test_what_only_the_server_sets_is_left_out_silently(org: Org) -> None:
    body = {"subject": "x", "createdon": "2001-01-01T00:00:00Z", "versionnumber": 1, "instancetypecode": 2}
    made = await org.make("appointments", body)
    assert made["createdon"] > "2020"
    assert made["versionnumber"] > 1
    assert made["instancetypecode"] == 0


async def test_look_ups_are_bound_read_as_value_and_cleared_with_null(org: Org) -> None:
    account = await org.make("accounts", {"name": "Nordwind"})
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({account['accountid']})"}
    made = await org.contact("Ida", **bind)
    path = f"contacts({made['contactid']})"
    assert made["_parentcustomerid_value"] == account["accountid"]
    await org.change(path, {"parentcustomerid_account@odata.bind": None})
    assert (await org.get(path))["_parentcustomerid_value"] is None
    await org.change(path, {**bind})
    assert (await org.call("DELETE", f"{path}/parentcustomerid_account/$ref")).status_code == 204
    assert (await org.get(path))["_parentcustomerid_value"] is None


async def test_annotations_tell_labels_and_what_a_look_up_points_to(org: Org) -> None:
    ida = await org.person("Ida")
    contact = await org.contact("Kim")
    bind = {"regardingobjectid_contact_appointment@odata.bind": f"contacts({contact['contactid']})"}
    made = await org.make("appointments", meeting(ida, **bind))
    body = await org.get(
        f"appointments({made['activityid']})?$select=statuscode,_regardingobjectid_value",
        headers={"Prefer": 'odata.include-annotations="*"'},
    )
    assert body["statuscode@OData.Community.Display.V1.FormattedValue"] == "Free"
    name = "_regardingobjectid_value"
    assert body[f"{name}@Microsoft.Dynamics.CRM.lookuplogicalname"] == "contact"
    assert body[f"{name}@OData.Community.Display.V1.FormattedValue"] == "Kim Contact"
    navigation = "regardingobjectid_contact_appointment"
    assert body[f"{name}@Microsoft.Dynamics.CRM.associatednavigationproperty"] == navigation


async def test_state_follows_the_documented_pairs(org: Org) -> None:
    ida = await org.person("Ida")
    made = await org.make("appointments", meeting(ida))
    path = f"appointments({made['activityid']})"
    assert (made["statecode"], made["statuscode"]) == (0, 1)
    await org.change(path, {"statecode": 3})
    assert (await org.get(path))["statuscode"] == 5
    await org.change(path, {"statuscode": 6})
    wrong = await org.call("PATCH", path, {"statecode": 0, "statuscode": 5})
    assert error_code(wrong) == (400, "0x80048408")
    await org.change(path, {"statecode": 1})
    after = await org.get(path)
    assert (after["statecode"], after["statuscode"]) == (1, 3)


async def test_times_are_kept_in_utc_to_the_second(org: Org) -> None:
    times = {
        "scheduledstart": "2026-03-02T10:00:00.1234567+01:00",
        "scheduledend": "2026-03-02T09:45:00Z",
    }
    made = await org.make("appointments", times)
    assert made["scheduledstart"] == NINE
    assert made["scheduleddurationminutes"] == 45


async def test_deleting_a_contact_takes_its_regarding_appointments_along(org: Org) -> None:
    ida = await org.person("Ida")
    contact = await org.contact("Kim")
    bind = {
        "regardingobjectid_contact_appointment@odata.bind": f"/contacts({contact['contactid']})",
    }
    made = await org.make("appointments", meeting(ida, **bind))
    await org.call("DELETE", f"contacts({contact['contactid']})")
    assert (await org.call("GET", f"appointments({made['activityid']})")).status_code == 404


async def test_without_authorization_nothing_is_answered(org: Org) -> None:
    async with httpx.AsyncClient() as stranger:
        response = await stranger.get(f"{org.dataverse.url}/WhoAmI")
    assert response.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "nothings", 404),
        ("GET", "appointments(not-a-guid)", 400),
        ("DELETE", "appointments", 405),
        ("PATCH", "appointments", 405),
        ("POST", "appointments(0f0f0f0f-0000-4000-8000-000000000001)", 405),
        ("POST", "activityparties", 405),
        ("GET", "nothings/$count", 404),
    ],
)
async def test_unknown_resources_and_methods_are_refused(
    org: Org, method: str, path: str, status: int
) -> None:
    assert (await org.call(method, path, {} if method != "GET" else None)).status_code == status


async def test_who_am_i_tells_the_application_user_and_an_administrator_apart(org: Org) -> None:
    service = await org.get("WhoAmI")
    person = await org.get("WhoAmI()", token="someone")
    assert service["OrganizationId"] == person["OrganizationId"]
    assert service["UserId"] != person["UserId"]
    user = await org.get(f"systemusers({service['UserId']})?$select=applicationid,accessmode")
    assert user["applicationid"]
    assert user["accessmode"] == 4
