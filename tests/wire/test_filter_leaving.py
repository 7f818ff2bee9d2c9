"""Stories about rows that leave the sync filter: unlinked, or deleted where the organization wants that, and
linked again when they come back."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.marks import rule
from tests.wire.people import CATEGORY, Json, People, Person, people
from tests.wire.sync_filters import add_filter, fetch, in_city, names, only, titles

LEFT = "left the filter"
SET_1 = "DistinctPhysicalAndLogicalDeletesForExchangeSync"


@pytest.fixture
async def world() -> AsyncIterator[People]:
    async with people() as running:
        yield running


async def states(person: Person, kind: str = "contact") -> dict[str, str]:
    return {link.subject: link.state.value for link in await person.links(kind)}


async def in_oslo(world: People) -> tuple[Person, Person, Json]:
    """Ada's filter takes Bob's contact in Oslo, and she has it in Outlook."""
    ada, bob = await world.person("ada"), await world.person("bob", on=False)
    await only(ada, in_city("Oslo"))
    row = await bob.make("contacts", lastname="Berg", address1_city="Oslo", jobtitle="CEO")
    await world.settle()
    assert await names(ada) == {"Berg"}
    return ada, bob, row


@rule("FLT-6", "FLT-10", "SET-1", "PAIN-1")
async def test_a_row_edited_out_of_the_filter_is_only_unlinked(world: People) -> None:
    ada, bob, row = await in_oslo(world)
    await bob.edit("contacts", row["contactid"], address1_city="Ulm")
    await world.settle()
    (contact,) = await ada.contacts()
    kept = await ada.contact(contact["id"])
    assert kept is not None
    assert (kept["displayName"], kept["categories"]) == ("Berg", [])
    stamps = {each["id"].split()[-1]: each["value"] for each in kept["singleValueExtendedProperties"]}
    assert (float(stamps["crmLinkState"]), stamps["crmid"].lower()) == (0, f"{{{row['contactid']}}}")
    assert await states(ada) == {"Berg": LEFT}
    assert [h.action for h in await ada.history() if "FLT-10" in h.rules] == ["unlink"]
    await bob.edit("contacts", row["contactid"], jobtitle="CFO")
    await ada.edit_contact(contact["id"], mobilePhone="1")
    await world.settle()
    (contact,) = await ada.contacts()
    assert contact["jobTitle"] == "CEO"
    found = await bob.row("contacts", row["contactid"])
    assert found is not None
    assert found["mobilephone"] is None


@rule("FLT-6", "FLT-10")
async def test_a_row_that_enters_again_is_linked_with_the_item_that_was_kept(world: People) -> None:
    ada, bob, row = await in_oslo(world)
    (before,) = await ada.contacts()
    await bob.edit("contacts", row["contactid"], address1_city="Ulm")
    await world.settle()
    await bob.edit("contacts", row["contactid"], address1_city="Oslo", jobtitle="CFO")
    await world.settle()
    (contact,) = await ada.contacts()
    assert contact["id"] == before["id"]
    assert (contact["jobTitle"], contact["categories"]) == ("CFO", [CATEGORY])
    assert await states(ada) == {"Berg": "linked"}
    await ada.edit_contact(contact["id"], mobilePhone="1")
    await world.settle()
    found = await ada.row("contacts", row["contactid"])
    assert found is not None
    assert len(await ada.rows("contacts")) == 1


@rule("FLT-6", "LNK-8")
async def test_who_tracks_the_kept_item_anew_has_it_linked_and_no_filter_ends_that(world: People) -> None:
    ada, bob, row = await in_oslo(world)
    await bob.edit("contacts", row["contactid"], address1_city="Ulm")
    await world.settle()
    (contact,) = await ada.contacts()
    await ada.edit_contact(contact["id"], categories=[CATEGORY])
    await world.settle()
    assert await states(ada) == {"Berg": "linked"}
    await bob.edit("contacts", row["contactid"], jobtitle="CFO")
    world.forward(hours=25)
    await world.settle()
    assert await states(ada) == {"Berg": "linked"}
    (contact,) = await ada.contacts()
    assert contact["jobTitle"] == "CFO"
    assert len(await bob.rows("contacts")) == 1


@rule("FLT-6")
async def test_a_kept_item_that_is_gone_is_made_again_when_its_row_enters_again(world: People) -> None:
    ada, bob, row = await in_oslo(world)
    await bob.edit("contacts", row["contactid"], address1_city="Ulm")
    await world.settle()
    (contact,) = await ada.contacts()
    await ada.delete_contact(contact["id"])
    await world.settle()
    assert await bob.row("contacts", row["contactid"]) is not None
    await bob.edit("contacts", row["contactid"], address1_city="Oslo")
    await world.settle()
    assert sorted(each["displayName"] for each in await ada.contacts()) == ["Berg"]
    assert await states(ada) == {"Berg": "linked"}


@rule("FLT-10", "SET-1")
async def test_with_the_setting_off_the_row_of_another_takes_its_item_along(world: People) -> None:
    await world.setting(**{SET_1: False})
    ada, bob, row = await in_oslo(world)
    await bob.edit("contacts", row["contactid"], address1_city="Ulm")
    await world.settle()
    assert await names(ada) == set()
    assert await states(ada) == {"Berg": LEFT}
    assert await bob.row("contacts", row["contactid"]) is not None
    assert [h.before["jobTitle"] for h in await ada.history() if h.action == "delete"] == ["CEO"]
    await bob.edit("contacts", row["contactid"], address1_city="Oslo")
    await world.settle()
    assert await names(ada) == {"Berg"}


@rule("FLT-10", "SET-1", "CONT-3")
async def test_with_the_setting_off_ones_own_row_still_leaves_its_item(world: People) -> None:
    await world.setting(**{SET_1: False})
    ada = await world.person("ada")
    row = await ada.make("contacts", lastname="Berg")
    await world.settle()
    await ada.edit("contacts", row["contactid"], statecode=1)
    await world.settle()
    assert await names(ada) == {"Berg"}
    assert await states(ada) == {"Berg": LEFT}


@rule("FLT-10", "SET-1")
async def test_the_profile_may_say_otherwise_than_the_organization(world: People) -> None:
    await world.setting(**{SET_1: True})
    await world.profile(settings={SET_1: False})
    ada, bob, row = await in_oslo(world)
    await bob.edit("contacts", row["contactid"], address1_city="Ulm")
    await world.settle()
    assert await names(ada) == set()


@rule("CONT-5", "FLT-10")
async def test_a_contact_that_is_reassigned_leaves_the_old_owner_and_comes_to_the_new(world: People) -> None:
    ada, bob = await world.person("ada"), await world.person("bob")
    row = await ada.make("contacts", lastname="Berg", jobtitle="CEO")
    await world.settle()
    await world.web_api(
        "PATCH", f"contacts({row['contactid']})", {"ownerid@odata.bind": f"/systemusers({bob.user})"}
    )
    await world.settle()
    assert await states(ada) == {"Berg": LEFT}
    assert await states(bob) == {"Berg": "linked"}
    (kept,), (new,) = await ada.contacts(), await bob.contacts()
    assert (kept["categories"], new["categories"]) == ([], [CATEGORY])
    assert "CONT-5" in (await ada.links("contact"))[0].rules
    await ada.delete_contact(kept["id"])
    await world.settle()
    assert await bob.row("contacts", row["contactid"]) is not None
    assert await names(bob) == {"Berg"}
    await world.web_api(
        "PATCH", f"contacts({row['contactid']})", {"ownerid@odata.bind": f"/systemusers({ada.user})"}
    )
    await world.settle()
    assert (await states(ada), await states(bob)) == ({"Berg": "linked"}, {"Berg": LEFT})


@rule("CONT-5", "SET-1")
async def test_with_the_setting_off_a_reassigned_contact_is_deleted_at_the_old_owner(world: People) -> None:
    await world.setting(**{SET_1: False})
    ada, bob = await world.person("ada"), await world.person("bob")
    row = await ada.make("contacts", lastname="Berg")
    await world.settle()
    await world.web_api(
        "PATCH", f"contacts({row['contactid']})", {"ownerid@odata.bind": f"/systemusers({bob.user})"}
    )
    await world.settle()
    assert (await names(ada), await names(bob)) == (set(), {"Berg"})


@rule("FLT-10", "FAQ-3", "PAIN-1")
async def test_a_row_that_is_shared_no_more_is_unlinked_by_the_next_comparison(world: People) -> None:
    ada = await world.person("ada", role="restricted")
    bob = await world.person("bob", on=False)
    await only(ada, in_city("Oslo"))
    row = await bob.make("contacts", lastname="Berg", address1_city="Oslo")
    target = {"@odata.type": "Microsoft.Dynamics.CRM.contact", "contactid": row["contactid"]}
    who = {"@odata.type": "Microsoft.Dynamics.CRM.systemuser", "systemuserid": ada.user}
    await world.settle()
    assert await names(ada) == set()
    access = {"Principal": who, "AccessMask": "ReadAccess"}
    await bob.web_api("POST", "GrantAccess", {"Target": target, "PrincipalAccess": access})
    await ada.run_pass("sync now")
    assert await names(ada) == {"Berg"}
    await bob.web_api("POST", "RevokeAccess", {"Target": target, "Revokee": who})
    await world.settle()
    assert await states(ada) == {"Berg": "linked"}  # no feed tells of that
    world.forward(hours=25)
    await world.settle()
    assert await states(ada) == {"Berg": LEFT}
    assert await names(ada) == {"Berg"}


@rule("FLT-10", "FAQ-3", "PAIN-1")
async def test_a_lost_role_unlinks_and_deletes_nothing(world: People) -> None:
    ada, bob, row = await in_oslo(world)
    await world.control("dataverse", "PUT", "roles", {"user": ada.user, "role": "restricted"})
    await bob.edit("contacts", row["contactid"], jobtitle="CFO")
    await world.settle()
    assert await names(ada) == {"Berg"}
    assert await states(ada) == {"Berg": LEFT}
    assert await bob.row("contacts", row["contactid"]) is not None
    await world.control("dataverse", "PUT", "roles", {"user": ada.user, "role": "usual"})
    await ada.run_pass("sync now")
    assert await states(ada) == {"Berg": "linked"}
    (contact,) = await ada.contacts()
    assert contact["jobTitle"] == "CFO"


@rule("FLT-10", "CONT-3")
async def test_a_row_of_another_that_is_deleted_takes_its_item_along_whatever_the_setting(
    world: People,
) -> None:
    ada, bob, row = await in_oslo(world)
    await bob.delete("contacts", row["contactid"])
    await world.settle()
    assert await names(ada) == set()
    assert await states(ada) == {"Berg": "deleted on both sides"}


@rule("FLT-10", "TASK-3")
async def test_a_task_that_is_completed_has_not_left(world: People) -> None:
    ada = await world.person("ada")
    row = await ada.make("tasks", subject="Call")
    await world.settle()
    await ada.edit("tasks", row["activityid"], statecode=1)
    world.forward(hours=25)
    await world.settle()
    (task,) = await ada.tasks()
    assert task["status"] == "completed"
    assert await states(ada, "task") == {"Call": "linked"}


@rule("FLT-10", "SET-1")
@pytest.mark.parametrize("distinct", [True, False])
async def test_a_task_given_to_another_leaves(world: People, distinct: bool) -> None:
    await world.setting(**{SET_1: distinct})
    ada, bob = await world.person("ada"), await world.person("bob")
    row = await ada.make("tasks", subject="Call")
    await world.settle()
    await world.web_api(
        "PATCH", f"tasks({row['activityid']})", {"ownerid@odata.bind": f"/systemusers({bob.user})"}
    )
    await world.settle()
    assert await states(ada, "task") == {"Call": LEFT}
    assert await titles(ada) == ({"Call"} if distinct else set())
    assert await titles(bob) == {"Call"}


@rule("FLT-6", "LNK-8")
async def test_what_a_person_untracked_does_not_come_back_by_a_filter(world: People) -> None:
    ada, bob, row = await in_oslo(world)
    (contact,) = await ada.contacts()
    await ada.edit_contact(contact["id"], categories=[])
    await world.settle()
    assert await states(ada) == {"Berg": "untracked in Outlook"}
    await bob.edit("contacts", row["contactid"], address1_city="Ulm")
    await world.settle()
    await bob.edit("contacts", row["contactid"], address1_city="Oslo")
    await add_filter(ada, fetch(""), "All")
    world.forward(hours=25)
    await world.settle()
    assert await states(ada) == {"Berg": "untracked in Outlook"}
    assert len(await ada.contacts()) == 1
