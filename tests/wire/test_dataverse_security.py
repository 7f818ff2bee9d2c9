"""Impersonation and rights over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.wire.dataverse_org import Org, error_code, meeting, organization, party

DENIED = (403, "0x80040220")


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with organization() as running:
        yield running


async def test_what_the_service_does_for_a_user_carries_both_names(org: Org) -> None:
    ida = await org.person("Ida")
    service = (await org.get("WhoAmI"))["UserId"]
    made = await org.make("appointments", {"subject": "x"}, user=ida)
    assert made["_createdby_value"] == made["_modifiedby_value"] == made["_ownerid_value"] == ida.id
    assert made["_createdonbehalfby_value"] == made["_modifiedonbehalfby_value"] == service
    await org.change(f"appointments({made['activityid']})", {"subject": "y"}, token="ida")
    after = await org.get(f"appointments({made['activityid']})")
    assert after["_modifiedonbehalfby_value"] is None


async def test_both_headers_impersonate(org: Org) -> None:
    ida = await org.person("Ida")
    for headers in ({"CallerObjectId": ida.object_id}, {"MSCRMCallerID": ida.id}):
        assert (await org.get("WhoAmI", headers=headers))["UserId"] == ida.id


async def test_unknown_and_disabled_users_are_not_impersonated(org: Org) -> None:
    ida = await org.person("Ida")
    await org.change(f"systemusers({ida.id})", {"isdisabled": True}, token="administrator")
    assert error_code(await org.call("GET", "WhoAmI", user=ida)) == (403, "0x80040225")
    stranger = {"CallerObjectId": str(uuid4())}
    assert error_code(await org.call("GET", "WhoAmI", headers=stranger)) == (403, "0x80072560")


async def test_the_usual_role_reads_meetings_it_takes_part_in_but_writes_only_its_own(org: Org) -> None:
    ida, bo, eve = await org.person("Ida"), await org.person("Bo"), await org.person("Eve")
    made = await org.make("appointments", meeting(bo, party(6, "systemuser", ida.id)))
    path = f"appointments({made['activityid']})"
    assert (await org.get(path, user=ida))["subject"] == "Planning"
    assert error_code(await org.call("PATCH", path, {"subject": "x"}, user=ida)) == DENIED
    assert error_code(await org.call("DELETE", path, user=ida)) == DENIED
    assert error_code(await org.call("GET", path, user=eve)) == DENIED
    assert await org.values("appointments", user=eve) == []
    assert await org.values("activityparties", user=eve) == []
    await org.change(path, {"subject": "x"}, user=bo)


async def test_the_usual_role_reads_every_contact_and_writes_its_own(org: Org) -> None:
    ida = await org.person("Ida")
    other = await org.contact("Kim")
    mine = await org.make("contacts", {"lastname": "Mine"}, user=ida)
    assert len(await org.values("contacts", user=ida)) == 2
    refused = await org.call("PATCH", f"contacts({other['contactid']})", {"jobtitle": "x"}, user=ida)
    assert error_code(refused) == DENIED
    await org.change(f"contacts({mine['contactid']})", {"jobtitle": "x"}, user=ida)


async def test_the_restricted_role_sees_only_its_own_rows(org: Org) -> None:
    ida, bo = await org.person("Ida", role="restricted"), await org.person("Bo")
    kim = await org.contact("Kim", emailaddress1="kim@example.org")
    made = await org.make("appointments", meeting(bo, party(5, "systemuser", ida.id)))
    assert error_code(await org.call("GET", f"appointments({made['activityid']})", user=ida)) == DENIED
    by_address = quote("emailaddress1 eq 'kim@example.org'")
    assert await org.values(f"contacts?$filter={by_address}", user=ida) == []
    bind = {"regardingobjectid_contact_appointment@odata.bind": f"/contacts({kim['contactid']})"}
    assert error_code(await org.call("POST", "appointments", bind, user=ida)) == DENIED
    assert (await org.make("appointments", meeting(ida), user=ida))["_ownerid_value"] == ida.id


async def test_nobody_creates_rows_for_others_but_may_give_own_ones_away(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    assert error_code(await org.call("POST", "appointments", meeting(bo), user=ida)) == DENIED
    made = await org.make("appointments", meeting(ida), user=ida)
    owner = {"ownerid@odata.bind": f"/systemusers({bo.id})"}
    await org.change(f"appointments({made['activityid']})", owner, user=ida)
    again = await org.call("PATCH", f"appointments({made['activityid']})", {"subject": "x"}, user=ida)
    assert error_code(again) == DENIED


async def test_joins_show_no_more_than_the_user_may_read(org: Org) -> None:
    ida = await org.person("Ida", role="restricted")
    kim = await org.contact("Kim")
    made = await org.make("appointments", meeting(ida, party(5, "contact", kim["contactid"])))
    expand = "$expand=appointment_activity_parties($expand=partyid_contact($select=fullname))"
    path = f"appointments({made['activityid']})?{expand}"
    shown = (await org.get(path, user=ida))["appointment_activity_parties"]
    assert all(row["partyid_contact"] is None for row in shown)
    text = (
        '<fetch><entity name="activityparty"><link-entity name="contact" from="contactid" to="partyid">'
        '<attribute name="fullname"/></link-entity></entity></fetch>'
    )
    assert await org.values(f"activityparties?fetchXml={quote(text)}", user=ida) == []
    assert len(await org.values(f"activityparties?fetchXml={quote(text)}")) == 1
