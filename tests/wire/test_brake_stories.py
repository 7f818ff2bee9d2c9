"""Stories about the brake for contacts and tasks: it stops before the first, asks once, and does what an
administrator answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import pytest

from shared.engine.ports import PendingDecision, Question
from shared.model.profile import Brake, ContactDeletion
from tests.marks import rule
from tests.wire.people import Json, Killed, People, Person, people
from tests.wire.sync_filters import change_filter, in_city, names, only, titles

LEFT = "left the filter"
SET_1 = "DistinctPhysicalAndLogicalDeletesForExchangeSync"
MANY = 30
"""More than the 25 items that a pass may end unasked."""


@pytest.fixture
async def world() -> AsyncIterator[People]:
    async with people() as running:
        yield running


async def states(person: Person, kind: str = "contact") -> set[str]:
    return {link.state.value for link in await person.links(kind)}


async def asked(person: Person) -> Sequence[PendingDecision]:
    found = await person.decisions()
    assert {decision.kind for decision in found} <= {Question.BRAKE}
    return found


async def contacts(world: People, number: int = MANY) -> tuple[Person, list[Json]]:
    """Ada's own contacts, and their rows."""
    ada = await world.person("ada")
    rows = [await ada.make("contacts", lastname=f"Berg {n}", address1_city="Oslo") for n in range(number)]
    await world.settle()
    assert len(await ada.contacts()) == number
    return ada, rows


async def deleted_in_outlook(world: People, number: int = MANY) -> Person:
    await world.profile(contact_deletion=ContactDeletion.DELETE_OWNED)
    ada, _ = await contacts(world, number)
    for contact in await ada.contacts():
        await ada.delete_contact(contact["id"])
    await world.settle()
    return ada


async def left_the_filter(world: People) -> Person:
    """Her filter takes another city from now on."""
    ada = await world.person("ada")
    own = await only(ada, in_city("Oslo"))
    for n in range(MANY):
        await ada.make("contacts", lastname=f"Berg {n}", address1_city="Oslo")
    await world.settle()
    await change_filter(ada, own, fetchxml=in_city("Ulm"))
    await world.settle()
    return ada


# --- asking ---------------------------------------------------------------------------------------


@rule("FLT-10", "CONT-4")
async def test_thirty_contacts_deleted_in_outlook_wait_and_the_question_comes_once(world: People) -> None:
    ada = await deleted_in_outlook(world)
    assert len(await ada.rows("contacts")) == MANY
    assert await states(ada) == {"linked"}
    (question,) = await asked(ada)
    assert f"{MANY} items" in question.question
    for _ in range(2):
        world.forward(hours=25)
        await world.settle()
    assert [each.id for each in await asked(ada)] == [question.id]
    assert len(await ada.rows("contacts")) == MANY
    waiting = [row for row in await ada.history() if row.outcome == "waiting"]
    assert len(waiting) == MANY


@rule("FLT-10", "CONT-4")
async def test_go_on_deletes_them_in_the_next_pass(world: People) -> None:
    ada = await deleted_in_outlook(world)
    (question,) = await asked(ada)
    await ada.answer(question, "go-on")
    await ada.run_pass("continue")
    assert await ada.rows("contacts") == []
    assert await states(ada) == {"deleted on both sides"}
    assert await asked(ada) == []


@rule("FLT-10", "LNK-8")
async def test_drop_ends_only_the_links_and_is_not_asked_again(world: People) -> None:
    ada = await deleted_in_outlook(world)
    (question,) = await asked(ada)
    await ada.answer(question, "drop")
    await ada.run_pass("continue")
    for _ in range(2):
        world.forward(hours=25)
        await world.settle()
    assert len(await ada.rows("contacts")) == MANY
    assert await states(ada) == {"deleted in Exchange and kept in Dynamics"}
    assert await names(ada) == set()
    assert await asked(ada) == []


@rule("FLT-10", "PAIN-1")
@pytest.mark.parametrize("distinct", [True, False])
async def test_thirty_rows_that_leave_the_filter_at_once_wait(world: People, distinct: bool) -> None:
    await world.setting(**{SET_1: distinct})
    ada = await left_the_filter(world)
    assert await states(ada) == {"linked"}
    assert len(await ada.contacts()) == MANY
    (question,) = await asked(ada)
    world.forward(hours=25)
    await world.settle()
    assert [each.id for each in await asked(ada)] == [question.id]
    await ada.answer(question, "go-on")
    await ada.run_pass("continue")
    assert await states(ada) == {LEFT}
    assert len(await ada.contacts()) == MANY  # her own rows' items stay either way (CONT-3)


@rule("FLT-10", "PAIN-1")
async def test_rows_that_left_stay_linked_where_an_administrator_says_so(world: People) -> None:
    ada = await left_the_filter(world)
    (question,) = await asked(ada)
    await ada.answer(question, "drop")
    await ada.run_pass("continue")
    rows = await ada.rows("contacts")
    for row in rows:
        await ada.edit("contacts", row["contactid"], jobtitle="CEO")
    for _ in range(2):
        world.forward(hours=25)
        await world.settle()
    assert await states(ada) == {"linked"}
    assert {contact["jobTitle"] for contact in await ada.contacts()} == {"CEO"}
    assert await asked(ada) == []


@rule("FLT-10", "PAIN-1")
async def test_rows_that_are_hidden_stay_linked_where_an_administrator_says_so(world: People) -> None:
    ada, bob = await world.person("ada"), await world.person("bob", on=False)
    await only(ada, in_city("Oslo"))
    rows = [await bob.make("contacts", lastname=f"Berg {n}", address1_city="Oslo") for n in range(MANY)]
    await world.settle()
    await world.control("dataverse", "PUT", "roles", {"user": ada.user, "role": "restricted"})
    await ada.run_pass("sync now")
    (question,) = await asked(ada)
    await ada.answer(question, "drop")
    await ada.run_pass("continue")
    for row in rows:
        await bob.edit("contacts", row["contactid"], jobtitle="CEO")
    world.forward(hours=25)
    await world.settle()
    assert await states(ada) == {"linked"}
    assert await asked(ada) == []
    await world.control("dataverse", "PUT", "roles", {"user": ada.user, "role": "usual"})
    await ada.run_pass("sync now")
    assert {contact["jobTitle"] for contact in await ada.contacts()} == {"CEO"}


@rule("FLT-10", "TASK-11")
@pytest.mark.parametrize(("answer", "left"), [("go-on", 0), ("drop", MANY)])
async def test_thirty_tasks_deleted_in_outlook_wait_for_the_answer(
    world: People, answer: str, left: int
) -> None:
    ada = await world.person("ada")
    for n in range(MANY):
        await ada.make("tasks", subject=f"Call {n}")
    await world.settle()
    for task in await ada.tasks():
        await ada.delete_task(task["id"])
    await world.settle()
    assert len(await ada.rows("tasks")) == MANY
    (question,) = await asked(ada)
    await ada.answer(question, answer)
    await ada.run_pass("continue")
    world.forward(hours=25)
    await world.settle()
    assert len(await ada.rows("tasks")) == left
    assert await titles(ada) == set()
    assert await asked(ada) == []


@rule("FLT-10", "TASK-10")
async def test_thirty_rows_deleted_in_dynamics_wait_and_drop_keeps_their_tasks(world: People) -> None:
    ada = await world.person("ada")
    rows = [await ada.make("tasks", subject=f"Call {n}") for n in range(MANY)]
    await world.settle()
    for row in rows:
        await ada.delete("tasks", row["activityid"])
    await world.settle()
    assert len(await ada.tasks()) == MANY
    (question,) = await asked(ada)
    await ada.answer(question, "drop")
    await ada.run_pass("continue")
    await world.settle()
    assert len(await ada.tasks()) == MANY
    assert await states(ada, "task") == {"deleted in Dynamics and kept in Exchange"}


# --- the limits -----------------------------------------------------------------------------------


@rule("FLT-10")
@pytest.mark.parametrize(("brake", "stops"), [(Brake(items=4), True), (Brake(items=5), False)])
async def test_the_profile_says_how_many_items(world: People, brake: Brake, stops: bool) -> None:
    await world.profile(brake=brake)
    ada = await deleted_in_outlook(world, 5)
    assert len(await asked(ada)) == stops
    assert len(await ada.rows("contacts")) == (5 if stops else 0)


@rule("FLT-10")
@pytest.mark.parametrize(("percent", "stops"), [(39, True), (40, False), (100, False)])
async def test_the_profile_says_which_part_of_what_is_linked(
    world: People, percent: int, stops: bool
) -> None:
    """Four of ten: three contacts of seven and a task of three."""
    await world.profile(brake=Brake(percent=percent), contact_deletion=ContactDeletion.DELETE_OWNED)
    ada, _ = await contacts(world, 7)
    for n in range(3):
        await ada.add_task(f"Call {n}")
    await world.settle()
    for contact in (await ada.contacts())[:3]:
        await ada.delete_contact(contact["id"])
    for task in (await ada.tasks())[:1]:
        await ada.delete_task(task["id"])
    shown = await ada.preview()
    assert bool(shown["brake"]) is stops
    await world.settle()
    assert len(await asked(ada)) == stops
    assert len(await ada.rows("contacts")) == (7 if stops else 4)


@rule("FLT-10")
async def test_what_is_not_grave_goes_on_while_the_question_is_open(world: People) -> None:
    ada = await deleted_in_outlook(world)
    await ada.make("contacts", lastname="New")
    await ada.add_task("Call")
    await world.settle()
    assert (await names(ada), await titles(ada)) == ({"New"}, {"Call"})
    (contact,) = await ada.contacts()
    await ada.delete_contact(contact["id"])
    await world.settle()
    assert len(await ada.rows("contacts")) == MANY + 1  # it joins the others
    (question,) = await asked(ada)
    await ada.answer(question, "go-on")
    await ada.run_pass("continue")
    assert await ada.rows("contacts") == []


# --- trouble on the way ---------------------------------------------------------------------------


@rule("FLT-10")
async def test_go_on_holds_for_what_one_pass_did_not_get_done(world: People) -> None:
    ada = await deleted_in_outlook(world)
    (question,) = await asked(ada)
    await ada.answer(question, "go-on")
    await world.fault("dataverse", "status:503", times=2 * MANY, method="DELETE", pathContains="contacts")
    await ada.run_pass("continue")
    assert len(await ada.rows("contacts")) == MANY
    await world.control("dataverse", "DELETE", "faults")
    world.forward(minutes=10)
    await world.settle()
    assert await ada.rows("contacts") == []
    assert await asked(ada) == []


@rule("FLT-10")
@pytest.mark.parametrize("step", range(1, 8))
async def test_a_pass_that_dies_while_it_brakes_deletes_nothing_and_asks_once(
    world: People, step: int
) -> None:
    await world.profile(contact_deletion=ContactDeletion.DELETE_OWNED, brake=Brake(items=3))
    ada, _ = await contacts(world, 5)
    for contact in await ada.contacts():
        await ada.delete_contact(contact["id"])
    world.steps.clear()
    world.kill_at = step
    with suppress(Killed):
        await ada.run_pass()
    world.kill_at = None
    world.forward(minutes=5)
    await world.settle()
    assert len(await ada.rows("contacts")) == 5
    (question,) = await asked(ada)
    await ada.answer(question, "go-on")
    await ada.run_pass("continue")
    assert await ada.rows("contacts") == []
    assert await asked(ada) == []


@rule("FLT-10")
@pytest.mark.parametrize("step", [1, 3, 9, 14, 15, 16])
async def test_a_pass_that_dies_while_it_carries_out_an_answer_leaves_no_question_behind(
    world: People, step: int
) -> None:
    await world.profile(contact_deletion=ContactDeletion.DELETE_OWNED, brake=Brake(items=3))
    ada = await deleted_in_outlook(world, 5)
    (question,) = await asked(ada)
    await ada.answer(question, "go-on")
    world.steps.clear()
    world.kill_at = step
    with suppress(Killed):
        await ada.run_pass("continue")
    world.kill_at = None
    world.forward(minutes=5)
    await world.settle()
    world.forward(hours=25)
    await world.settle()
    assert await ada.rows("contacts") == []
    assert await ada.decisions() == []
