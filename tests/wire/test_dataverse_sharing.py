"""Sharing and teams over the wire: who reads and writes what is not their own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.wire.dataverse_org import Json, Org, Person, error_code, organization
from tests.wire.test_dataverse_fetchxml import members

DENIED = (403, "0x80040220")


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with organization() as running:
        yield running


def target(task: Json) -> Json:
    return {"Target": {"@odata.type": "Microsoft.Dynamics.CRM.task", "activityid": task["activityid"]}}


def principal(person: Person) -> Json:
    return {"@odata.type": "Microsoft.Dynamics.CRM.systemuser", "systemuserid": person.id}


async def share(org: Org, action: str, task: Json, who: Json, rights: str, owner: Person) -> int:
    access = {"PrincipalAccess": {"Principal": who, "AccessMask": rights}}
    return (await org.call("POST", action, {**target(task), **access}, user=owner)).status_code


async def unshare(org: Org, task: Json, who: Json, owner: Person) -> None:
    response = await org.call("POST", "RevokeAccess", {**target(task), "Revokee": who}, user=owner)
    assert response.status_code == 204, response.text


@pytest.mark.parametrize("role", ["usual", "restricted"])
async def test_a_shared_row_is_read_and_written_as_far_as_it_is_shared(org: Org, role: str) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo", role=role)
    task = await org.make("tasks", {"subject": "x"}, user=ida)
    path = f"tasks({task['activityid']})"
    assert error_code(await org.call("GET", path, user=bo)) == DENIED
    assert await share(org, "GrantAccess", task, principal(bo), "ReadAccess", ida) == 204
    assert (await org.get(path, user=bo))["subject"] == "x"
    assert [row["activityid"] for row in await org.values("tasks", user=bo)] == [task["activityid"]]
    assert error_code(await org.call("PATCH", path, {"subject": "y"}, user=bo)) == DENIED
    assert await share(org, "GrantAccess", task, principal(bo), "WriteAccess", ida) == 204
    await org.change(path, {"subject": "y"}, user=bo)
    assert error_code(await org.call("DELETE", path, user=bo)) == DENIED
    assert await share(org, "ModifyAccess", task, principal(bo), "ReadAccess, DeleteAccess", ida) == 204
    assert error_code(await org.call("PATCH", path, {"subject": "z"}, user=bo)) == DENIED
    await unshare(org, task, principal(bo), ida)
    assert error_code(await org.call("GET", path, user=bo)) == DENIED


async def test_sharing_moves_no_version_and_is_no_change(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    task = await org.make("tasks", {"subject": "x"}, user=ida)
    link = (await org.get("tasks", headers={"Prefer": "odata.track-changes"}))["@odata.deltaLink"]
    await share(org, "GrantAccess", task, principal(bo), "ReadAccess", ida)
    assert await org.values(link) == []


async def test_only_who_may_write_a_row_may_share_it_and_with_rights_that_exist(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    task = await org.make("tasks", {"subject": "x"}, user=ida)
    assert await share(org, "GrantAccess", task, principal(bo), "ReadAccess", bo) == 403
    assert await share(org, "GrantAccess", task, principal(bo), "LookAccess", ida) == 400
    assert (
        await share(org, "GrantAccess", task, {**principal(bo), "systemuserid": "x"}, "ReadAccess", ida)
        == 404
    )


async def test_a_team_shares_and_owns_for_its_members(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo", role="restricted")
    team = await org.make("teams", {"name": "Sales"})
    who = {"@odata.type": "Microsoft.Dynamics.CRM.team", "teamid": team["teamid"]}
    shared = await org.make("tasks", {"subject": "shared"}, user=ida)
    await share(org, "GrantAccess", shared, who, "ReadAccess", ida)
    await org.make("tasks", {"subject": "owned", "ownerid@odata.bind": f"/teams({team['teamid']})"})
    assert await org.values("tasks", user=bo) == []
    await members(org, team, "AddMembersTeam", bo)
    rows = await org.values("tasks?$orderby=subject", user=bo)
    assert [row["subject"] for row in rows] == ["owned", "shared"]
    await members(org, team, "RemoveMembersTeam", bo)
    assert await org.values("tasks", user=bo) == []


async def test_a_new_role_counts_from_now_on(org: Org) -> None:
    ida = await org.person("Ida")
    await org.contact("Kim")
    assert len(await org.values("contacts", user=ida)) == 1
    await org.control("PUT", "roles", {"user": ida.id, "role": "restricted"})
    assert await org.values("contacts", user=ida) == []
