"""Nobody gets a contact twice: what exists on both sides is found, and what is not certain is asked (CONT-8,
CONT-9)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.engine.ports import PendingDecision, Question
from tests.doubles.tables import MemoryItemIndex, MemoryMailboxStore
from tests.marks import rule
from tests.wire.contact_stories import (
    BOB,
    MARY,
    ada_alone,
    arrived,
    held,
    link_of,
    names,
    sentence,
    shown,
    stamps,
    track,
    tracked,
    untrack,
)
from tests.wire.people import Killed, People, Person, people

EMAIL = "kim@fabrikam.example"


def outlook(given: str, surname: str, email: str = "", company: str = "") -> dict[str, Any]:
    values: dict[str, Any] = {"givenName": given, "surname": surname, "companyName": company or None}
    return {**values, "emailAddresses": [{"address": email}] if email else []}


def dynamics(first: str, last: str, email: str = "") -> dict[str, Any]:
    return {"firstname": first, "lastname": last, "emailaddress1": email or None}


async def settled_with(world: People, person: Person) -> None:
    """As settled, and then compared with Dynamics once more: nothing may come of that."""
    await world.settle()
    await person.run_pass("sync now")
    await world.settle()


async def only_question(person: Person) -> PendingDecision:
    (asked,) = await person.decisions()
    assert asked.kind is Question.AMBIGUOUS
    return asked


# --- the first sync -------------------------------------------------------------------------------


@rule("CONT-9")
@pytest.mark.parametrize("is_tracked", [True, False])
async def test_on_the_first_sync_people_who_are_on_both_sides_stay_one(is_tracked: bool) -> None:
    async with people() as world:
        ada = await world.person("ada")
        company = (await ada.make("accounts", name="Fabrikam"))["accountid"]
        await ada.make("contacts", **dynamics("Kim", "Abe", EMAIL), jobtitle="CEO")
        lee = dynamics("Lee", "Gu")
        await ada.make("contacts", **lee, **{"parentcustomerid_account@odata.bind": f"/accounts({company})"})
        await ada.add_contact(tracked=is_tracked, **outlook("Kim", "Abe", EMAIL.upper()), mobilePhone="7")
        await ada.add_contact(tracked=is_tracked, **outlook("Lee", "Gu", company="fabrikam"))
        await settled_with(world, ada)
        assert await names(ada) == (["Kim Abe", "Lee Gu"], ["Kim Abe", "Lee Gu"])
        (row,) = await ada.rows("contacts", "lastname eq 'Abe'")
        assert (row["mobilephone"], row["jobtitle"]) == ("7", "CEO")
        assert all(link.linked for link in await ada.links("contact"))
        assert await ada.decisions() == []


@rule("CONT-9")
async def test_a_second_or_third_address_is_as_good_as_the_first() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await ada.make("contacts", **dynamics("Kim", "Abe", "a@x.example"), emailaddress3=EMAIL)
        mails = [{"address": "b@x.example"}, {"address": EMAIL}]
        await ada.add_contact(givenName="Kim", surname="Abe", emailAddresses=mails)
        await settled_with(world, ada)
        assert await names(ada) == (["Kim Abe"], ["Kim Abe"])
        assert len(await ada.links("contact")) == 1


@rule("CONT-9")
async def test_a_family_with_one_address_stays_a_family() -> None:
    """Names speak against the address: who is who is found by both, and nobody becomes somebody else."""
    async with people() as world:
        ada = await world.person("ada")
        for first in ("Ann", "Ben"):
            await ada.make("contacts", **dynamics(first, "Lee", "family@x.example"))
            await ada.add_contact(**outlook(first, "Lee", "family@x.example"))
        await settled_with(world, ada)
        assert await names(ada) == (["Ann Lee", "Ben Lee"], ["Ann Lee", "Ben Lee"])
        assert await ada.decisions() == []
        for link in await ada.links("contact"):
            assert link.exchange_id is not None
            assert (await shown(ada, link.exchange_id))["displayName"] == (await held(ada, link.dynamics_id))[
                "fullname"
            ]


@rule("CONT-9")
async def test_a_stranger_at_a_known_address_waits() -> None:
    async with people() as world:
        ada = await world.person("ada")
        row = (await ada.make("contacts", **dynamics("Ann", "Lee", "family@x.example")))["contactid"]
        made = await ada.add_contact(**outlook("Cid", "Roe", "family@x.example"))
        await settled_with(world, ada)
        asked = await only_question(ada)
        assert [(each.id, each.label) for each in asked.candidates] == [(row, "Ann Lee (family@x.example)")]
        assert asked.item is not None
        assert asked.item.exchange == made["id"]
        assert await names(ada) == (["Cid Roe"], ["Ann Lee"])


@rule("CONT-9")
async def test_two_contacts_of_one_person_in_outlook_make_no_second_row_unasked() -> None:
    async with people() as world:
        ada = await world.person("ada")
        await ada.make("contacts", **dynamics("Kim", "Abe", EMAIL))
        for _ in range(2):
            await ada.add_contact(**outlook("Kim", "Abe", EMAIL))
        await settled_with(world, ada)
        assert len(await ada.rows("contacts")) == 1
        assert len(await ada.contacts()) == 2
        asked = await only_question(ada)
        await ada.answer(asked, "drop")
        await settled_with(world, ada)
        assert len(await ada.rows("contacts")) == 1
        assert len(await ada.contacts()) == 2
        assert await ada.decisions() == []


@rule("CONT-9")
async def test_two_contacts_of_one_person_whom_dynamics_does_not_know() -> None:
    async with people() as world:
        ada = await world.person("ada")
        for _ in range(2):
            await ada.add_contact(**outlook("Kim", "Abe", EMAIL))
        await settled_with(world, ada)
        assert len(await ada.rows("contacts")) == 1
        assert len(await ada.contacts()) == 2
        await only_question(ada)


@rule("CONT-9")
async def test_two_rows_of_one_person_and_one_contact_make_no_second_contact_unasked() -> None:
    async with people() as world:
        ada = await world.person("ada")
        rows = [(await ada.make("contacts", **dynamics("Kim", "Abe", EMAIL)))["contactid"] for _ in range(2)]
        await ada.add_contact(tracked=False, **outlook("Kim", "Abe", EMAIL))
        await settled_with(world, ada)
        assert len(await ada.contacts()) == 1
        assert len(await ada.rows("contacts")) == 2
        linked = {link.dynamics_id for link in await ada.links("contact") if link.linked}
        assert len(linked) <= 1
        assert linked <= set(rows)


@rule("CONT-9")
async def test_in_a_mailbox_with_three_hundred_contacts_each_finds_its_row() -> None:
    async with people() as world:
        ada = await world.person("ada")
        number = 300
        for n in range(number):
            await ada.make("contacts", **dynamics(f"Given{n}", f"Name{n}", f"n{n}@x.example"))
            await ada.add_contact(tracked=n % 3 == 0, **outlook(f"Given{n}", f"Name{n}", f"n{n}@x.example"))
        await settled_with(world, ada)
        assert len(await ada.contacts()) == number
        assert len(await ada.rows("contacts")) == number
        assert len({link.exchange_id for link in await ada.links("contact") if link.linked}) == number


@rule("CONT-9")
async def test_each_of_two_mailboxes_finds_the_one_row_of_a_shared_acquaintance() -> None:
    async with people() as world:
        ada, eve = await world.person("ada"), await world.person("eve")
        for person in (ada, eve):
            await person.add_contact(**outlook("Kim", "Abe", EMAIL))
        await world.settle()
        (row,) = await ada.rows("contacts")
        for person in (ada, eve):
            assert (await link_of(person)).dynamics_id == row["contactid"]
        assert len(await eve.contacts()) == len(await ada.contacts()) == 1


@rule("CONT-9")
async def test_a_dozen_people_with_the_address_of_a_reception_desk_each_find_their_row() -> None:
    async with people() as world:
        ada = await world.person("ada")
        for n in range(12):
            await ada.make("contacts", **dynamics(f"Given{n}", f"Name{n}", "desk@x.example"))
        for n in range(12):
            await ada.add_contact(**outlook(f"Given{n}", f"Name{n}", "desk@x.example"))
        await settled_with(world, ada)
        assert len(await ada.contacts()) == len(await ada.rows("contacts")) == 12
        assert await ada.decisions() == []


# --- asked and answered ---------------------------------------------------------------------------


async def _two_candidates(world: People, ada: Person) -> tuple[str, list[str]]:
    """A contact of Outlook's, and two rows that may both be it."""
    rows = [
        (await ada.make("contacts", **dynamics("Kim", "Abe", EMAIL), jobtitle=title))["contactid"]
        for title in ("CEO", "CFO")
    ]
    made = await ada.add_contact(**outlook("Kim", "Abe", EMAIL))
    await settled_with(world, ada)
    return made["id"], rows


@rule("CONT-9")
async def test_two_candidates_wait_with_the_candidates_shown_and_nothing_is_made() -> None:
    async with people() as world:
        ada = await world.person("ada")
        item, rows = await _two_candidates(world, ada)
        asked = await only_question(ada)
        assert sorted(each.id for each in asked.candidates) == sorted(rows)
        assert len(await ada.contacts()) == 1
        assert len(await ada.rows("contacts")) == 2
        assert [h.outcome for h in await ada.history(item)] == ["waiting"]
        why = await sentence(ada, item)
        assert "waits for an administrator" in why


@rule("CONT-9")
async def test_the_answer_links_the_one_that_was_named_and_the_other_comes_by_itself() -> None:
    async with people() as world:
        ada = await world.person("ada")
        item, rows = await _two_candidates(world, ada)
        await ada.answer(await only_question(ada), rows[1])
        await ada.run_pass()
        assert await ada.decisions() == []
        assert (await shown(ada, item))["jobTitle"] == "CFO"
        await settled_with(world, ada)
        by_row = {link.dynamics_id: link.exchange_id for link in await ada.links("contact") if link.linked}
        assert by_row[rows[1]] == item
        assert await ada.decisions() == []
        assert len(await ada.rows("contacts")) == 2


@rule("CONT-9")
async def test_go_on_makes_a_new_one() -> None:
    async with people() as world:
        ada = await world.person("ada")
        item, rows = await _two_candidates(world, ada)
        await ada.answer(await only_question(ada), "go-on")
        await settled_with(world, ada)
        assert len(await ada.rows("contacts")) == 3
        link = next(link for link in await ada.links("contact") if link.exchange_id == item)
        assert link.dynamics_id not in rows
        assert await ada.decisions() == []


@rule("CONT-9")
async def test_drop_keeps_it_out_whatever_happens_to_it_until_a_person_tracks_it_anew() -> None:
    async with people() as world:
        ada = await world.person("ada")
        item, _ = await _two_candidates(world, ada)
        await ada.answer(await only_question(ada), "drop")
        await settled_with(world, ada)
        await ada.edit_contact(item, jobTitle="edited")
        await settled_with(world, ada)
        assert len(await ada.rows("contacts")) == 2
        assert await ada.decisions() == []
        assert "an administrator decided" in await sentence(ada, item)
        await untrack(ada, item)
        await world.settle()
        await track(ada, item)
        await world.settle()
        await only_question(ada)


@rule("CONT-9")
async def test_a_question_is_withdrawn_when_a_person_untracks_the_contact() -> None:
    async with people() as world:
        ada = await world.person("ada")
        item, _ = await _two_candidates(world, ada)
        await untrack(ada, item)
        await world.settle()
        assert await ada.decisions() == []


@rule("CONT-9")
async def test_a_row_that_may_be_one_of_two_contacts_waits_and_is_answered() -> None:
    async with people() as world:
        ada = await world.person("ada")
        items = [
            (await ada.add_contact(tracked=False, **outlook("Kim", "Abe", EMAIL), jobTitle=title))["id"]
            for title in ("A", "B")
        ]
        row = (await ada.make("contacts", **dynamics("Kim", "Abe", EMAIL)))["contactid"]
        await settled_with(world, ada)
        asked = await only_question(ada)
        assert sorted(each.id for each in asked.candidates) == sorted(items)
        assert len(await ada.contacts()) == 2
        await ada.answer(asked, items[1])
        await ada.run_pass()
        assert await ada.decisions() == []
        assert (await link_of(ada)).exchange_id == items[1]
        assert (await held(ada, row))["jobtitle"] == "B"


@rule("CONT-9")
@pytest.mark.parametrize(("answer", "number"), [("go-on", 3), ("drop", 2)])
async def test_a_row_that_waits_is_made_or_dropped(answer: str, number: int) -> None:
    async with people() as world:
        ada = await world.person("ada")
        for _ in range(2):
            await ada.add_contact(tracked=False, **outlook("Kim", "Abe", EMAIL))
        row = (await ada.make("contacts", **dynamics("Kim", "Abe", EMAIL)))["contactid"]
        await settled_with(world, ada)
        await ada.answer(await only_question(ada), answer)
        await settled_with(world, ada)
        await ada.edit("contacts", row, jobtitle="edited")
        await settled_with(world, ada)
        assert len(await ada.contacts()) == number
        assert await ada.decisions() == []


# --- links lost -----------------------------------------------------------------------------------


@rule("CONT-9", "LNK-3")
async def test_links_that_were_lost_are_made_anew_from_the_stamps() -> None:
    async with ada_alone() as (world, ada):
        item, row = await tracked(world, ada)
        other_item, other_row = await arrived(world, ada)
        await ada.edit_contact(item, emailAddresses=[], givenName="Maria")
        await world.settle()
        world.services = replace(world.services, store=MemoryMailboxStore())
        await settled_with(world, ada)
        assert len(await ada.contacts()) == len(await ada.rows("contacts")) == 2
        pairs = {(link.exchange_id, link.dynamics_id) for link in await ada.links("contact") if link.linked}
        assert pairs == {(item, row), (other_item, other_row)}


@rule("LNK-8")
async def test_what_a_person_had_untracked_stays_so_when_the_links_are_lost() -> None:
    async with ada_alone() as (world, ada):
        item, row = await tracked(world, ada)
        other_item, other_row = await arrived(world, ada)
        await untrack(ada, item)
        await ada.delete_contact(other_item)
        await world.settle()
        world.services = replace(world.services, store=MemoryMailboxStore())
        await settled_with(world, ada)
        assert [each["id"] for each in await ada.contacts()] == [item]
        assert [link for link in await ada.links("contact") if link.linked] == []
        assert len(await ada.rows("contacts")) == 2
        assert (await stamps(ada, item))["state"] == "0"
        assert other_row != row


@rule("CONT-9", "LNK-3")
async def test_even_with_the_index_of_items_lost_nobody_is_made_twice() -> None:
    async with ada_alone() as (world, ada):
        await tracked(world, ada)
        await arrived(world, ada)
        world.services = replace(world.services, store=MemoryMailboxStore(), items=MemoryItemIndex())
        await settled_with(world, ada)
        assert len(await ada.contacts()) == len(await ada.rows("contacts")) == 2
        assert len(await ada.links("contact")) == 2


@rule("CONT-9")
async def test_everything_that_exchange_tells_anew_changes_nothing() -> None:
    async with ada_alone() as (world, ada):
        await tracked(world, ada)
        await arrived(world, ada)
        await world.control("exchange", "POST", "expire-delta")
        await world.control("dataverse", "POST", "expire-delta")
        await settled_with(world, ada)
        assert len(await ada.contacts()) == len(await ada.rows("contacts")) == 2
        assert len(await ada.links("contact")) == 2


# --- Dynamics' own rules --------------------------------------------------------------------------


async def _detected(world: People, ada: Person) -> str:
    """A contact that Dynamics says there is already, by a rule of its own that knows no names."""
    await world.control(
        "dataverse", "PUT", "duplicate-rules", {"table": "contact", "columns": ["mobilephone"]}
    )
    eve = await world.person("eve", on=False)
    await eve.make("contacts", **dynamics("Zoe", "Fox"), mobilephone="7")
    await ada.add_contact(**outlook("Neigh", "Bour"))
    made = await ada.add_contact(**outlook("Kim", "Abe", EMAIL), mobilePhone="7")
    await settled_with(world, ada)
    return str(made["id"])


@rule("CONT-8")
async def test_what_dynamics_calls_a_duplicate_waits_and_its_neighbours_go_on() -> None:
    async with ada_alone() as (world, ada):
        item = await _detected(world, ada)
        asked = await only_question(ada)
        assert "duplicate detection" in asked.question
        assert asked.item is not None
        assert asked.item.exchange == item
        assert (await names(ada))[1] == ["Neigh Bour", "Zoe Fox"]
        await ada.edit_contact(item, jobTitle="edited while it waits")
        await settled_with(world, ada)
        await only_question(ada)


@rule("CONT-8")
@pytest.mark.parametrize(
    ("answer", "rows"), [("go-on", ["Kim Abe", "Neigh Bour", "Zoe Fox"]), ("drop", ["Neigh Bour", "Zoe Fox"])]
)
async def test_the_answer_makes_it_or_leaves_it(answer: str, rows: list[str]) -> None:
    async with ada_alone() as (world, ada):
        item = await _detected(world, ada)
        await ada.answer(await only_question(ada), answer)
        await ada.run_pass()
        assert await ada.decisions() == []
        await ada.edit_contact(item, jobTitle="edited")
        await settled_with(world, ada)
        assert (await names(ada))[1] == rows
        assert await ada.decisions() == []


@rule("SET-22", "CONT-8")
async def test_a_contact_without_anything_to_be_known_by_is_not_taken_until_it_has_it() -> None:
    async with ada_alone() as (world, ada):
        made = await ada.add_contact(mobilePhone="7")
        wrong = await ada.add_contact(givenName="Kim", emailAddresses=[{"address": "no address"}])
        await world.settle()
        assert await ada.rows("contacts") == []
        assert "neither a name nor a company" in await sentence(ada, made["id"])
        assert "no e-mail address" in await sentence(ada, wrong["id"])
        await ada.edit_contact(made["id"], surname="Abe")
        await world.settle()
        assert [row["lastname"] for row in await ada.rows("contacts")] == ["Abe"]


@rule("SET-22")
async def test_with_the_setting_off_it_is_taken_as_it_is() -> None:
    async with ada_alone() as (world, ada):
        await world.setting(ValidateContactBeforeTracking=False)
        await ada.add_contact(givenName="Kim", emailAddresses=[{"address": "no address"}])
        await world.settle()
        assert [row["emailaddress1"] for row in await ada.rows("contacts")] == ["no address"]


# --- crashes, lost answers, races -----------------------------------------------------------------


@rule("CONT-9", "LNK-3")
@pytest.mark.parametrize("part", ["exchange", "dataverse"])
@pytest.mark.parametrize("how", ["drop-after", "drop-before", "status:503", "status:429"])
async def test_a_create_whose_answer_is_lost_is_not_repeated_blindly(part: str, how: str) -> None:
    async with ada_alone() as (world, ada):
        await ada.add_contact(**MARY)
        await ada.make("contacts", **BOB)
        method = "POST" if part == "exchange" else "PATCH"
        await world.fault(part, how, method=method, pathContains="contacts")
        await settled_with(world, ada)
        world.forward(minutes=5)
        await settled_with(world, ada)
        assert await names(ada) == (["Bob Ray", "Mary Jones"], ["Bob Ray", "Mary Jones"])
        assert all(link.linked for link in await ada.links("contact"))


@rule("CONT-1", "MBX-16")
async def test_a_contact_that_dynamics_refuses_is_recorded_and_its_neighbours_go_on() -> None:
    """As a plug-in refuses: nothing is made by halves, and the next edit tries again."""
    async with ada_alone() as (world, ada):
        refused = await ada.add_contact(**MARY)
        await world.fault("dataverse", "status:400", method="PATCH", pathContains="contacts")
        await world.settle()
        await ada.add_contact(**outlook("Neigh", "Bour"))
        await world.settle()
        assert (await names(ada))[1] == ["Neigh Bour"]
        (row,) = await ada.history(refused["id"])
        assert (row.action, row.side, row.outcome) == ("create", "dynamics", "refused")
        await ada.edit_contact(refused["id"], jobTitle="again")
        await settled_with(world, ada)
        assert (await names(ada))[1] == ["Mary Jones", "Neigh Bour"]


@rule("LNK-10")
@pytest.mark.parametrize("part", ["exchange", "dataverse"])
async def test_somebody_who_was_quicker_is_read_again_and_nothing_is_lost(part: str) -> None:
    async with ada_alone() as (world, ada):
        item, row = await tracked(world, ada)
        await ada.edit_contact(item, mobilePhone="7")
        await ada.edit("contacts", row, jobtitle="CEO")
        await world.fault(part, "status:412", method="PATCH", pathContains="contacts")
        await settled_with(world, ada)
        assert (await shown(ada, item))["jobTitle"] == "CEO"
        assert (await held(ada, row))["mobilephone"] == "7"


@rule("FLT-6", "CONT-9")
async def test_a_row_that_comes_back_when_its_contact_belongs_to_another_row_now() -> None:
    async with people() as world:
        await world.setting(DistinctPhysicalAndLogicalDeletesForExchangeSync=True)
        ada, eve = await world.person("ada"), await world.person("eve", on=False)
        await world.settle()
        item, row = await tracked(world, ada)
        await ada.edit("contacts", row, **{"ownerid@odata.bind": f"/systemusers({eve.user})"})
        await world.settle()
        other = (await ada.make("contacts", **dynamics("Mary", "Jones", "mary@fabrikam.example")))[
            "contactid"
        ]
        await settled_with(world, ada)
        await ada.edit("contacts", row, **{"ownerid@odata.bind": f"/systemusers({ada.user})"})
        await settled_with(world, ada)
        live = {link.dynamics_id: link.exchange_id for link in await ada.links("contact") if link.linked}
        assert live.keys() == {row, other}
        assert len(set(live.values())) == 2
        assert item in live.values()


@rule("CONT-9")
async def test_a_pass_that_dies_at_any_step_leaves_nobody_twice() -> None:
    step = 1
    while True:
        async with ada_alone() as (world, ada):
            await ada.add_contact(**MARY)
            await ada.make("contacts", **BOB)
            await world.read_feed()
            world.steps.clear()
            world.kill_at = step
            if not await _dies(world, ada):
                break
            world.forward(minutes=5)
            await world.settle()
            assert await names(ada) == (["Bob Ray", "Mary Jones"], ["Bob Ray", "Mary Jones"]), step
            assert [link.linked for link in await ada.links("contact")] == [True, True], step
        step += 1
    assert step > 10


async def _dies(world: People, ada: Person) -> bool:
    try:
        await ada.run_pass()
    except Killed:
        return True
    return world.kill_at is None
