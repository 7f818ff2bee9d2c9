"""Change tracking over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.wire.dataverse_org import Json, Org, error_code, meeting, organization, party

TRACK = {"Prefer": "odata.track-changes"}


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with organization() as running:
        yield running


async def start(org: Org, entity_set: str = "contacts") -> Json:
    return await org.get(f"{entity_set}?$select=modifiedon", headers=TRACK)


async def delta(org: Org, link: str) -> tuple[list[str], list[str], str]:
    """Ids changed, ids removed, and the next link."""
    body = await org.get(link)
    assert body["@odata.context"].endswith("/$delta")
    removed = [row for row in body["value"] if "reason" in row]
    for row in removed:
        assert row.keys() == {"@odata.context", "id", "reason"}
        assert row["@odata.context"].endswith("/$deletedEntity")
    changed = [row["contactid"] for row in body["value"] if "reason" not in row]
    return changed, [row["id"] for row in removed], body["@odata.deltaLink"]


async def test_first_everything_then_only_changes_then_nothing(org: Org) -> None:
    anna, carl = await org.contact("Anna"), await org.contact("Carl")
    response = await org.call("GET", "contacts?$select=modifiedon", headers=TRACK)
    assert response.headers["Preference-Applied"] == "odata.track-changes"
    assert {row["contactid"] for row in response.json()["value"]} == {anna["contactid"], carl["contactid"]}
    await org.change(f"contacts({carl['contactid']})", {"jobtitle": "Buyer"})
    changed, removed, link = await delta(org, response.json()["@odata.deltaLink"])
    assert (changed, removed) == ([carl["contactid"]], [])
    assert (await delta(org, link))[:2] == ([], [])


async def test_a_row_created_and_deleted_in_between_is_still_a_removal(org: Org) -> None:
    link = (await start(org))["@odata.deltaLink"]
    made = await org.contact("Anna")
    await org.call("DELETE", f"contacts({made['contactid']})")
    changed, removed, _ = await delta(org, link)
    assert (changed, removed) == ([], [made["contactid"]])


async def test_changes_come_in_order_of_version_and_removals_last(org: Org) -> None:
    rows = [(await org.contact(name))["contactid"] for name in ("Anna", "Bo", "Carl")]
    link = (await start(org))["@odata.deltaLink"]
    await org.call("DELETE", f"contacts({rows[0]})")
    await org.change(f"contacts({rows[2]})", {"jobtitle": "x"})
    await org.change(f"contacts({rows[1]})", {"jobtitle": "x"})
    assert (await delta(org, link))[:2] == ([rows[2], rows[1]], [rows[0]])


async def test_pages_bring_the_delta_link_on_the_last_one_and_repeat_what_changed_meanwhile(org: Org) -> None:
    rows = [(await org.contact(name))["contactid"] for name in ("Anna", "Bo", "Carl")]
    wants = {"Prefer": "odata.track-changes,odata.maxpagesize=2"}
    first = await org.get("contacts?$select=modifiedon", headers=wants)
    assert "@odata.deltaLink" not in first
    await org.change(f"contacts({rows[0]})", {"jobtitle": "x"})
    second = await org.get(first["@odata.nextLink"], headers=wants)
    assert [row["contactid"] for row in second["value"]] == [rows[2], rows[0]]
    assert (await delta(org, second["@odata.deltaLink"]))[0] == [rows[0]]


@pytest.mark.parametrize("option", ["$filter", "$orderby", "$expand", "$top"])
async def test_other_options_are_refused_with_the_documented_words(org: Org, option: str) -> None:
    values = {"$filter": "statecode eq 0", "$orderby": "fullname", "$expand": "ownerid", "$top": "1"}
    response = await org.call("GET", f"contacts?{option}={values[option]}", headers=TRACK)
    assert response.status_code == 400
    message = f'The "{option}" query parameter isn\'t supported when Change Tracking is enabled.'
    assert response.json()["error"]["message"] == message


async def test_a_table_without_tracking_says_so(org: Org) -> None:
    response = await org.call("GET", "activityparties", headers=TRACK)
    assert error_code(response) == (400, "0x80072491")


async def test_only_organization_wide_readers_may_track(org: Org) -> None:
    ida = await org.person("Ida")
    response = await org.call("GET", "appointments", headers=TRACK, user=ida)
    assert error_code(response) == (403, "0x80040220")


async def test_a_token_dies_after_seven_days_and_when_told_to(org: Org) -> None:
    old = (await start(org))["@odata.deltaLink"]
    org.dataverse.clock.advance(7 * 86_400 - 60)
    assert (await org.call("GET", old)).status_code == 200
    org.dataverse.clock.advance(120)
    assert error_code(await org.call("GET", old)) == (400, "0x80044352")
    fresh = (await start(org))["@odata.deltaLink"]
    await org.control("POST", "expire-delta")
    assert error_code(await org.call("GET", fresh)) == (400, "0x80044352")
    assert (await org.call("GET", (await start(org))["@odata.deltaLink"])).status_code == 200


async def test_parties_are_not_in_the_feed_but_their_change_is(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    made = await org.make("appointments", meeting(ida))
    link = (await start(org, "appointments"))["@odata.deltaLink"]
    both = [party(7, "systemuser", ida.id), party(5, "systemuser", bo.id)]
    await org.change(f"appointments({made['activityid']})", {"appointment_activity_parties": both})
    (row,) = (await org.get(link))["value"]
    assert row["activityid"] == made["activityid"]
    assert set(row) == {"@odata.etag", "modifiedon", "activityid"}


async def test_a_delta_can_be_counted(org: Org) -> None:
    link = (await start(org))["@odata.deltaLink"]
    await org.contact("Anna")
    token = link.partition("$deltatoken=")[2]
    assert (await org.call("GET", f"contacts/$count?$deltatoken={token}")).text == "1"
