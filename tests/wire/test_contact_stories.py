"""The life of one contact on both sides: found, moved, untracked, deleted, given away (CONT-1, CONT-3 to
CONT-7, LNK-7, LNK-8, LNK-11)."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model.link import LinkState
from shared.model.profile import Brake, ContactDeletion
from tests.marks import rule
from tests.wire.contact_stories import (
    ada_alone,
    arrived,
    before_images,
    copy,
    folder,
    held,
    link_of,
    move,
    names,
    sentence,
    shown,
    stamp,
    stamps,
    track,
    tracked,
    untrack,
)
from tests.wire.people import CATEGORY, People, Person, people

SET_1 = "DistinctPhysicalAndLogicalDeletesForExchangeSync"
COPIES = "IgnoreCopiedItemsInSSSForMailbox"
MARY: dict[str, Any] = {"givenName": "Mary", "surname": "Jones"}


@rule("CONT-1", "CONT-7", "X-6", "LNK-3")
async def test_a_tracked_contact_becomes_the_trackers_own_contact_and_is_stamped() -> None:
    async with ada_alone() as (world, ada):
        item, row = await tracked(world, ada)
        made = await held(ada, row)
        assert (made["fullname"], made["jobtitle"]) == ("Mary Jones", "CFO")
        assert made["_ownerid_value"] == ada.user
        assert await stamps(ada, item) == {"state": "2", "row": row}


@rule("CONT-1")
async def test_what_nobody_tracks_stays_in_outlook() -> None:
    async with ada_alone() as (world, ada):
        made = await ada.add_contact(tracked=False, **MARY)
        await world.settle()
        assert await ada.rows("contacts") == []
        assert "nobody tracks" in await sentence(ada, made["id"])


@rule("CONT-1")
async def test_edits_of_different_fields_on_both_sides_both_arrive() -> None:
    async with ada_alone() as (world, ada):
        item, row = await tracked(world, ada)
        await ada.edit_contact(item, mobilePhone="555")
        await ada.edit("contacts", row, jobtitle="CEO")
        await world.settle()
        outlook, dynamics = await shown(ada, item), await held(ada, row)
        assert (outlook["mobilePhone"], outlook["jobTitle"]) == ("555", "CEO")
        assert (dynamics["mobilephone"], dynamics["jobtitle"]) == ("555", "CEO")


@rule("LNK-10")
async def test_of_two_edits_of_one_field_dynamics_wins_and_the_loser_is_in_the_history() -> None:
    async with ada_alone() as (world, ada):
        item, row = await tracked(world, ada)
        await ada.edit_contact(item, jobTitle="from Outlook")
        await ada.edit("contacts", row, jobtitle="from Dynamics")
        await world.settle()
        assert (await shown(ada, item))["jobTitle"] == "from Dynamics"
        assert (await held(ada, row))["jobtitle"] == "from Dynamics"
        assert [dict(h.lost) for h in await ada.history() if h.lost] == [{"jobTitle": "from Outlook"}]


# --- folders --------------------------------------------------------------------------------------


@rule("CONT-7")
async def test_contacts_of_subfolders_and_of_other_folders_are_tracked_too() -> None:
    async with people() as world:
        ada = await world.person("ada")
        clients = await folder(ada, "Clients")
        old = await folder(ada, "Old", clients)
        for name, place in (("Ann", ""), ("Ben", clients), ("Cid", old)):
            await ada.add_contact(folder=place, givenName=name, surname="Lee")
        await world.settle()
        assert sorted(row["fullname"] for row in await ada.rows("contacts")) == [
            "Ann Lee",
            "Ben Lee",
            "Cid Lee",
        ]
        late = await folder(ada, "Late")
        await ada.add_contact(folder=late, givenName="Dan", surname="Lee")
        await world.settle()
        assert len(await ada.rows("contacts")) == 4


@rule("CONT-7", "LNK-11")
async def test_a_contact_moved_between_folders_stays_linked_and_in_step() -> None:
    async with people() as world:
        ada = await world.person("ada")
        clients = await folder(ada, "Clients")
        await world.settle()
        item, row = await tracked(world, ada)
        for target in (clients, await folder(ada, "Made afterwards")):
            await move(ada, item, target)
            await world.settle()
            link = await link_of(ada)
            assert (link.state, link.exchange_id, link.dynamics_id) == (LinkState.LINKED, item, row)
            await ada.edit("contacts", row, jobtitle=f"in {target[-12:]}")
            await world.settle()
            assert (await shown(ada, item))["jobTitle"] == f"in {target[-12:]}"
        assert len(await ada.rows("contacts")) == 1


@rule("CONT-4", "X-2")
async def test_a_contact_in_deleted_items_is_a_deleted_one() -> None:
    async with ada_alone() as (world, ada):
        await world.profile(contact_deletion=ContactDeletion.DELETE_OWNED)
        item, _ = await tracked(world, ada)
        await move(ada, item, "deleteditems")
        await world.settle()
        assert await ada.rows("contacts") == []
        assert (await link_of(ada)).state is LinkState.DELETED


async def test_a_folder_deleted_with_its_contacts_deletes_them_once_and_harms_no_other() -> None:
    async with people() as world:
        ada = await world.person("ada")
        clients = await folder(ada, "Clients")
        await ada.add_contact(folder=clients, **MARY)
        await ada.add_contact(givenName="Ann", surname="Lee")
        await world.settle()
        await ada.graph("DELETE", f"contactFolders/{clients}")
        await world.settle()
        await ada.run_pass("sync now")
        await world.settle()
        assert sorted(link.state.value for link in await ada.links("contact")) == [
            "deleted in Exchange and kept in Dynamics",
            "linked",
        ]
        assert await names(ada) == (["Ann Lee"], ["Ann Lee", "Mary Jones"])


# --- untracked and tracked anew -------------------------------------------------------------------


@rule("LNK-8", "EMI-17")
async def test_untracked_by_the_category_both_stay_and_nothing_brings_it_back_but_a_person() -> None:
    async with ada_alone() as (world, ada):
        item, row = await tracked(world, ada)
        await untrack(ada, item)
        await world.settle()
        assert (await link_of(ada)).state is LinkState.UNTRACKED
        assert await stamps(ada, item) == {"state": "0", "row": row}
        await ada.edit_contact(item, jobTitle="private now")
        await ada.edit("contacts", row, jobtitle="CEO")
        await world.settle()
        await ada.run_pass("sync now")
        await world.settle()
        assert await names(ada) == (["Mary Jones"], ["Mary Jones"])
        assert (await held(ada, row))["jobtitle"] == "CEO"
        why = await sentence(ada, item)
        assert "untracked in Outlook" in why
        assert "track the item again" in why


@rule("LNK-8")
async def test_tracked_anew_it_meets_its_old_row_and_not_a_new_one() -> None:
    async with ada_alone() as (world, ada):
        item, row = await tracked(world, ada)
        await untrack(ada, item)
        await world.settle()
        await track(ada, item)
        await ada.edit_contact(item, mobilePhone="1")
        await world.settle()
        (only,) = await ada.rows("contacts")
        assert (only["contactid"], only["mobilephone"]) == (row, "1")
        assert (await link_of(ada)).linked
        assert await stamps(ada, item) == {"state": "2", "row": row}


@rule("LNK-8")
async def test_the_app_untracks_by_its_stamp() -> None:
    async with ada_alone() as (world, ada):
        await world.profile(track_categorized_contacts=False)
        made = await ada.add_contact(tracked=False, **MARY)
        await stamp(ada, made["id"], state=1)
        await world.settle()
        assert (await link_of(ada)).linked
        await stamp(ada, made["id"], state=0)
        await ada.edit_contact(made["id"], jobTitle="x")
        await world.settle()
        assert (await link_of(ada)).state is LinkState.UNTRACKED
        (row,) = await ada.rows("contacts")
        assert row["jobtitle"] is None


@rule("LNK-8", "LNK-4")
async def test_the_apps_stamp_of_zero_untracks_a_categorized_contact_too() -> None:
    """The app removes the category with its stamp; if it leaves it, a person sees it tracked."""
    async with ada_alone() as (world, ada):
        item, row = await tracked(world, ada)
        await stamp(ada, item, state=0)
        await ada.edit_contact(item, categories=[], jobTitle="x")
        await world.settle()
        assert (await link_of(ada)).state is LinkState.UNTRACKED
        assert (await held(ada, row))["jobtitle"] == "CFO"


@rule("X-6")
async def test_with_the_switch_off_the_category_of_a_contact_means_nothing() -> None:
    async with ada_alone() as (world, ada):
        await world.profile(track_categorized_contacts=False)
        made = await ada.add_contact(**MARY)
        item, _ = await arrived(world, ada)
        await ada.run_pass("sync now")
        await world.settle()
        assert [row["fullname"] for row in await ada.rows("contacts")] == ["Bob Ray"]
        assert (await shown(ada, item))["categories"] == []
        assert "nobody tracks" in await sentence(ada, made["id"])


@rule("X-6")
async def test_switching_the_category_off_later_unlinks_nothing_and_removing_it_then_neither() -> None:
    async with ada_alone() as (world, ada):
        item, row = await tracked(world, ada)
        await world.profile(track_categorized_contacts=False)
        await ada.edit_contact(item, jobTitle="CEO")
        await world.settle()
        assert (await link_of(ada)).linked
        assert (await held(ada, row))["jobtitle"] == "CEO"


# --- stamps of others -----------------------------------------------------------------------------


@rule("LNK-3", "LNK-4")
@pytest.mark.parametrize("state", [1, 2])
async def test_stamped_by_microsofts_app_without_a_row_it_is_tracked(state: int) -> None:
    async with ada_alone() as (world, ada):
        made = await ada.add_contact(tracked=False, **MARY)
        await stamp(ada, made["id"], state=state)
        await world.settle()
        (row,) = await ada.rows("contacts")
        assert await stamps(ada, made["id"]) == {"state": "2", "row": row["contactid"]}
        assert (await shown(ada, made["id"]))["categories"] == [CATEGORY]


@rule("LNK-3")
@pytest.mark.parametrize("state", [1, 2])
async def test_stamped_with_its_row_it_is_adopted_on_the_first_sync(state: int) -> None:
    """What Microsoft's sync leaves behind: nothing in common but the stamp."""
    async with people() as world:
        ada = await world.person("ada")
        row = (await ada.make("contacts", firstname="Robert", lastname="Ray", jobtitle="CTO"))["contactid"]
        made = await ada.add_contact(tracked=False, givenName="Bobby", mobilePhone="7")
        await stamp(ada, made["id"], state=state, row=f"{{{row.upper()}}}")
        await world.settle()
        assert await names(ada) == (["Robert Ray"], ["Robert Ray"])
        (held,) = await ada.rows("contacts")
        assert (held["contactid"], held["mobilephone"], held["jobtitle"]) == (row, "7", "CTO")
        lost = [dict(h.lost) for h in await ada.history() if h.lost]
        assert lost == [{"name": {"givenName": "Bobby"}}]


@rule("LNK-6")
async def test_stamped_by_another_organization_it_is_left_alone() -> None:
    async with ada_alone() as (world, ada):
        made = await ada.add_contact(**MARY)
        await stamp(ada, made["id"], state=2, organization="11111111-2222-3333-4444-555555555555")
        before = await ada.contact(made["id"])
        await world.settle()
        assert await ada.rows("contacts") == []
        assert await ada.contact(made["id"]) == before
        assert "organization" in await sentence(ada, made["id"])


@rule("LNK-7", "SET-11")
async def test_a_copy_of_a_linked_contact_is_ignored() -> None:
    async with ada_alone() as (world, ada):
        item, _ = await tracked(world, ada)
        other = await copy(ada, item)
        await ada.edit_contact(other, jobTitle="of the copy")
        await world.settle()
        (row,) = await ada.rows("contacts")
        assert row["jobtitle"] == "CFO"
        assert "it is a copy" in await sentence(ada, other)
        await ada.edit_contact(item, jobTitle="of the original")
        await world.settle()
        (row,) = await ada.rows("contacts")
        assert row["jobtitle"] == "of the original"


@rule("LNK-7", "SET-11")
async def test_a_copy_is_a_contact_of_its_own_where_the_setting_says_so() -> None:
    async with ada_alone() as (world, ada):
        await world.setting(**{COPIES: False})
        item, row = await tracked(world, ada)
        other = await copy(ada, item)
        await ada.edit_contact(other, givenName="Another", emailAddresses=[])
        await world.settle()
        assert await names(ada) == (["Another Jones", "Mary Jones"], ["Another Jones", "Mary Jones"])
        marks = await stamps(ada, other)
        assert marks["state"] == "2"
        assert marks["row"] != row


@rule("LNK-7", "LNK-11")
async def test_when_the_original_of_a_copy_is_deleted_the_copy_does_not_take_its_place_unasked() -> None:
    async with ada_alone() as (world, ada):
        item, row = await tracked(world, ada)
        other = await copy(ada, item)
        await world.settle()
        await ada.delete_contact(item)
        await world.settle()
        assert [each["contactid"] for each in await ada.rows("contacts")] == [row]
        await ada.edit_contact(other, jobTitle="of the copy")
        await world.settle()
        assert len(await ada.rows("contacts")) == 1


# --- deleted --------------------------------------------------------------------------------------


@rule("CONT-3")
async def test_deleted_in_dynamics_the_owners_copy_stays_and_is_unlinked() -> None:
    async with ada_alone() as (world, ada):
        item, row = await tracked(world, ada)
        await ada.delete("contacts", row)
        await world.settle()
        assert (await shown(ada, item))["categories"] == []
        assert (await link_of(ada)).state is LinkState.DELETED_IN_DYNAMICS
        assert "owner's copy is kept" in await sentence(ada, item)
        await ada.edit_contact(item, jobTitle="x")
        await world.settle()
        assert await ada.rows("contacts") == []


async def _not_owned(world: People, ada: Person) -> tuple[str, str]:
    """A contact of Ada's that is linked to a row of somebody else's."""
    eve = await world.person("eve", on=False)
    row = await eve.make("contacts", firstname="Bob", lastname="Ray", emailaddress1="b@x.example")
    made = await ada.add_contact(givenName="Bob", surname="Ray", emailAddresses=[{"address": "b@x.example"}])
    await world.settle()
    assert (await link_of(ada)).dynamics_id == row["contactid"]
    return made["id"], row["contactid"]


@rule("CONT-3")
async def test_deleted_in_dynamics_the_copy_of_somebody_elses_row_goes_with_a_before_image() -> None:
    async with ada_alone() as (world, ada):
        item, row = await _not_owned(world, ada)
        await ada.delete("contacts", row)
        await world.settle()
        assert await ada.contact(item) is None
        (before,) = await before_images(ada, "delete")
        assert before["name"] == {"givenName": "Bob", "surname": "Ray"}
        assert before["email1"] == "b@x.example"
        assert (await link_of(ada)).state is LinkState.DELETED


@rule("CONT-4", "X-2")
async def test_deleted_in_outlook_the_row_stays_unless_the_policy_says_otherwise() -> None:
    async with ada_alone() as (world, ada):
        item, row = await tracked(world, ada)
        await ada.delete_contact(item)
        await world.settle()
        assert await ada.row("contacts", row) is not None
        assert (await link_of(ada)).state is LinkState.DELETED_IN_EXCHANGE
        await ada.edit("contacts", row, jobtitle="CEO")
        await world.settle()
        await ada.run_pass("sync now")
        await world.settle()
        assert await ada.contacts() == []
        assert "only unlinks" in await sentence(ada, row)


@rule("CONT-4", "X-2")
async def test_deleted_in_outlook_with_the_policy_the_own_row_goes_with_a_before_image() -> None:
    async with ada_alone() as (world, ada):
        await world.profile(contact_deletion=ContactDeletion.DELETE_OWNED)
        item, row = await tracked(world, ada)
        await ada.delete_contact(item)
        await world.settle()
        assert await ada.row("contacts", row) is None
        (before,) = await before_images(ada, "delete")
        assert before["jobTitle"] == "CFO"


@rule("CONT-4")
async def test_deleted_in_outlook_with_the_policy_somebody_elses_row_stays() -> None:
    async with ada_alone() as (world, ada):
        await world.profile(contact_deletion=ContactDeletion.DELETE_OWNED)
        item, row = await _not_owned(world, ada)
        await ada.delete_contact(item)
        await world.settle()
        assert await ada.row("contacts", row) is not None
        assert (await link_of(ada)).state is LinkState.DELETED_IN_EXCHANGE


@rule("CONT-3", "CONT-4")
async def test_deleted_on_both_sides_it_is_gone_and_nothing_else_happens() -> None:
    async with ada_alone() as (world, ada):
        item, row = await tracked(world, ada)
        await ada.delete_contact(item)
        await ada.delete("contacts", row)
        await world.settle()
        assert await names(ada) == ([], [])
        assert (await link_of(ada)).state is LinkState.DELETED


# --- given away -----------------------------------------------------------------------------------


@rule("CONT-5", "SET-1", "FLT-10")
@pytest.mark.parametrize("distinct", [True, False])
async def test_reassigned_it_leaves_the_old_owner_and_comes_to_the_new_one(distinct: bool) -> None:
    async with people() as world:
        await world.setting(**{SET_1: distinct})
        ada, eve = await world.person("ada"), await world.person("eve")
        await world.settle()
        item, row = await tracked(world, ada)
        await ada.edit("contacts", row, **{"ownerid@odata.bind": f"/systemusers({eve.user})"})
        await world.settle()
        assert (await link_of(ada)).state is LinkState.LEFT_FILTER
        if distinct:
            mine = await shown(ada, item)
            assert (mine["categories"], mine["jobTitle"]) == ([], "CFO")
        else:
            assert await ada.contact(item) is None
            assert (await before_images(ada, "delete"))[0]["jobTitle"] == "CFO"
        (hers,) = await eve.contacts()
        assert (hers["displayName"], hers["jobTitle"]) == ("Mary Jones", "CFO")
        assert len(await ada.rows("contacts")) == 1


@rule("CONT-5", "FLT-6")
async def test_given_away_and_back_there_is_one_contact_for_each() -> None:
    async with people() as world:
        await world.setting(**{SET_1: True})
        ada, eve = await world.person("ada"), await world.person("eve")
        await world.settle()
        item, row = await tracked(world, ada)
        await ada.edit("contacts", row, **{"ownerid@odata.bind": f"/systemusers({eve.user})"})
        await world.settle()
        await ada.edit("contacts", row, jobtitle="CEO", **{"ownerid@odata.bind": f"/systemusers({ada.user})"})
        await world.settle()
        (mine,) = await ada.contacts()
        assert (mine["id"], mine["jobTitle"]) == (item, "CEO")
        assert len(await ada.rows("contacts")) == 1


@rule("CONT-5")
async def test_a_deactivated_contact_leaves_the_filter_and_comes_back_when_it_is_active() -> None:
    async with people() as world:
        await world.setting(**{SET_1: True})
        ada = await world.person("ada")
        await world.settle()
        item, row = await arrived(world, ada)
        await ada.edit("contacts", row, statecode=1, statuscode=2)
        await world.settle()
        assert (await link_of(ada)).state is LinkState.LEFT_FILTER
        await ada.edit("contacts", row, statecode=0, statuscode=1)
        await world.settle()
        assert [each["id"] for each in await ada.contacts()] == [item]
        assert (await link_of(ada)).linked


@rule("CONT-4")
async def test_a_mass_deletion_waits_for_a_word_and_drop_keeps_what_is_there() -> None:
    async with ada_alone() as (world, ada):
        await world.profile(brake=Brake(items=2), contact_deletion=ContactDeletion.DELETE_OWNED)
        made = [await ada.add_contact(givenName=f"N{n}", surname="Lee") for n in range(4)]
        await world.settle()
        for each in made:
            await ada.delete_contact(each["id"])
        await world.settle()
        assert len(await ada.rows("contacts")) == 4
        (asked,) = await ada.decisions()
        await ada.answer(asked, "drop")
        await world.settle()
        assert len(await ada.rows("contacts")) == 4
        assert await ada.decisions() == []
        assert {link.state for link in await ada.links("contact")} == {LinkState.DELETED_IN_EXCHANGE}
