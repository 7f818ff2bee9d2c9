"""Activity parties over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from tests.wire.dataverse_org import Json, Org, address, error_code, meeting, organization, party

EXPAND = "$expand=appointment_activity_parties($select=participationtypemask,addressused,_partyid_value)"


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with organization() as running:
        yield running


async def parties(org: Org, appointment_id: str) -> list[tuple[int, str | None, str | None]]:
    """Mask, address and party of every row, as the expansion shows them."""
    body = await org.get(f"appointments({appointment_id})?$select=subject&{EXPAND}")
    rows: list[Json] = body["appointment_activity_parties"]
    return sorted(
        ((row["participationtypemask"], row["addressused"], row["_partyid_value"]) for row in rows),
        key=str,
    )


async def test_parties_are_written_with_the_activity_and_owner_and_regarding_join_them(org: Org) -> None:
    ida = await org.person("Ida")
    kim = (await org.contact("Kim", emailaddress1="kim@example.org"))["contactid"]
    bind = {"regardingobjectid_contact_appointment@odata.bind": f"/contacts({kim})"}
    body = meeting(ida, party(5, "contact", kim), address(6, "out@example.net"), **bind)
    made = await org.make("appointments", body)
    assert await parties(org, made["activityid"]) == [
        (5, "kim@example.org", kim),
        (6, "out@example.net", None),
        (7, ida.address, ida.id),
        (8, "kim@example.org", kim),
        (9, ida.address, ida.id),
    ]


async def test_no_organizer_is_added_by_itself(org: Org) -> None:
    made = await org.make("appointments", {"subject": "x"})
    assert [mask for mask, _, _ in await parties(org, made["activityid"])] == [9]


async def test_patching_the_list_replaces_it_whole_under_new_ids_and_moves_the_version(org: Org) -> None:
    ida = await org.person("Ida")
    made = await org.make("appointments", meeting(ida, address(5, "a@example.net")))
    path = f"appointments({made['activityid']})"
    filter_ = f"activityparties?$filter=_activityid_value eq {made['activityid']}"
    before = await org.values(f"{filter_} and participationtypemask eq 7")
    change = {"appointment_activity_parties": [party(7, "systemuser", ida.id)]}
    await org.change(path, change)
    after = await org.values(f"{filter_} and participationtypemask eq 7")
    assert [row[0] for row in await parties(org, made["activityid"])] == [7, 9]
    assert before[0]["activitypartyid"] != after[0]["activitypartyid"]
    assert (await org.get(path))["@odata.etag"] != made["@odata.etag"]


async def test_an_update_without_parties_leaves_them_alone(org: Org) -> None:
    ida = await org.person("Ida")
    made = await org.make("appointments", meeting(ida, address(5, "a@example.net")))
    before = await org.values(f"activityparties?$filter=_activityid_value eq {made['activityid']}")
    await org.change(f"appointments({made['activityid']})", {"subject": "Other"})
    after = await org.values(f"activityparties?$filter=_activityid_value eq {made['activityid']}")
    assert before == after


async def test_the_address_is_the_one_of_the_time_of_writing(org: Org) -> None:
    ida = await org.person("Ida")
    kim = (await org.contact("Kim", emailaddress1="kim@example.org"))["contactid"]
    made = await org.make("appointments", meeting(ida, party(5, "contact", kim)))
    await org.change(f"contacts({kim})", {"emailaddress1": "new@example.org"})
    assert (5, "kim@example.org", kim) in await parties(org, made["activityid"])
    unchanged = await org.get(f"appointments({made['activityid']})")
    assert unchanged["@odata.etag"] == made["@odata.etag"]


async def test_deleting_a_contact_marks_its_party_and_leaves_the_activity_as_it_was(org: Org) -> None:
    ida = await org.person("Ida")
    kim = (await org.contact("Kim", emailaddress1="kim@example.org"))["contactid"]
    made = await org.make("appointments", meeting(ida, party(5, "contact", kim)))
    await org.call("DELETE", f"contacts({kim})")
    rows = await org.values(
        f"activityparties?$filter=_activityid_value eq {made['activityid']} and ispartydeleted eq true"
    )
    assert [row["addressused"] for row in rows] == ["kim@example.org"]
    after = await org.get(f"appointments({made['activityid']})")
    assert after["@odata.etag"] == made["@odata.etag"]


async def test_a_new_owner_becomes_the_owner_party(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    made = await org.make("appointments", meeting(ida))
    owner = {"ownerid@odata.bind": f"/systemusers({bo.id})"}
    await org.change(f"appointments({made['activityid']})", owner)
    assert (9, bo.address, bo.id) in await parties(org, made["activityid"])
    assert (await org.get(f"appointments({made['activityid']})"))["_owninguser_value"] == bo.id


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"participationtypemask": 7, "addressused": "who@example.net"}, 400, "0x80043506"),
        ({"participationtypemask": 9, "addressused": "who@example.net"}, 400, "0x80040203"),
        ({"participationtypemask": 2, "addressused": "who@example.net"}, 400, "0x80040203"),
        ({"participationtypemask": 99, "addressused": "who@example.net"}, 400, "0x8004431a"),
        ({"participationtypemask": 5}, 400, "0x80043504"),
        ({"addressused": "who@example.net"}, 400, "0x80040203"),
        ({"participationtypemask": 5, "partyid_lead@odata.bind": f"/leads({uuid4()})"}, 400, "0x80048d19"),
        (
            {"participationtypemask": 5, "partyid_contact@odata.bind": f"/contacts({uuid4()})"},
            404,
            "0x80040217",
        ),
        ({"participationtypemask": 5, "addressused": "x" * 321}, 400, "0x80044331"),
    ],
)
async def test_a_party_against_the_rules_is_refused_and_the_appointment_with_it(
    org: Org, wrong: Any, status: int, code: str
) -> None:
    response = await org.call("POST", "appointments", {"appointment_activity_parties": [wrong]})
    assert error_code(response) == (status, code)
    assert await org.values("appointments") == []
    assert await org.values("activityparties") == []


async def test_only_one_user_organizes(org: Org) -> None:
    ida, bo = await org.person("Ida"), await org.person("Bo")
    two = await org.call("POST", "appointments", meeting(ida, party(7, "systemuser", bo.id)))
    kim = (await org.contact("Kim"))["contactid"]
    contact = {"appointment_activity_parties": [party(7, "contact", kim)]}
    assert error_code(two) == (400, "0x80040203")
    assert error_code(await org.call("POST", "appointments", contact)) == (400, "0x80043506")


async def test_a_refused_change_of_parties_leaves_the_old_ones(org: Org) -> None:
    ida = await org.person("Ida")
    made = await org.make("appointments", meeting(ida, address(5, "a@example.net")))
    before = await parties(org, made["activityid"])
    change = {"subject": "Other", "appointment_activity_parties": [{"participationtypemask": 5}]}
    response = await org.call("PATCH", f"appointments({made['activityid']})", change)
    assert response.status_code == 400
    assert await parties(org, made["activityid"]) == before
    assert (await org.get(f"appointments({made['activityid']})"))["subject"] == "Planning"
