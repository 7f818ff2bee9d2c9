"""Stories about filters that change: seen by the next pass that may look, previewed, compared in time; and
about filters that cannot be read or run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.engine.filters import WATCHERS
from shared.mailboxes import life_cycle
from shared.model.personal import PERSONAL_TABLES
from tests.marks import rule
from tests.wire.people import Json, People, Person, people
from tests.wire.sync_filters import (
    add_filter,
    change_filter,
    delete_filter,
    fetch,
    filters_of,
    in_city,
    names,
    only,
    switch_off,
    titles,
    where,
)

LEFT = "left the filter"


@pytest.fixture
async def world() -> AsyncIterator[People]:
    async with people() as running:
        yield running


async def states(person: Person, kind: str = "contact") -> dict[str, str]:
    return {link.subject: link.state.value for link in await person.links(kind)}


async def two_cities(world: People) -> tuple[Person, str]:
    """Bob has contacts in Oslo and in Ulm; Ada's filter takes Oslo. Her filter's id."""
    ada, bob = await world.person("ada"), await world.person("bob", on=False)
    for city in ("Oslo", "Ulm"):
        await bob.make("contacts", lastname=city, address1_city=city)
    own = await only(ada, in_city("Oslo"), "City")
    await world.settle()
    assert await names(ada) == {"Oslo"}
    return ada, own


def counts(preview: Json, table: str = "contact") -> Json:
    (found,) = (each for each in preview["filters"] if each["table"] == table)
    return dict(found)


async def warned(person: Person) -> list[str]:
    return [row.reason for row in await person.history() if row.action == "warn"]


# --- seen in time ---------------------------------------------------------------------------------


@rule("FLT-6", "FLT-10")
@pytest.mark.parametrize("cause", ["test", "sync now"])
async def test_a_filter_that_is_changed_is_applied_by_the_next_pass_that_looks(
    world: People, cause: str
) -> None:
    ada, own = await two_cities(world)
    await change_filter(ada, own, fetchxml=in_city("Ulm"))
    await ada.run_pass(cause)
    assert await states(ada) == {"Oslo": LEFT, "Ulm": "linked"}
    assert await names(ada) == {"Oslo", "Ulm"}


@rule("FLT-6")
async def test_the_net_sees_a_changed_filter_after_twelve_minutes(world: People) -> None:
    ada, own = await two_cities(world)
    await change_filter(ada, own, fetchxml=in_city("Ulm"))
    for minutes in (5, 5):
        world.forward(minutes=minutes)
        await ada.run_pass("due")
        assert await states(ada) == {"Oslo": "linked"}
    world.forward(minutes=5)
    await ada.run_pass("due")
    assert await states(ada) == {"Oslo": LEFT, "Ulm": "linked"}


@rule("FLT-3", "FLT-4")
async def test_a_filter_is_added_switched_off_on_again_and_deleted(world: People) -> None:
    ada, own = await two_cities(world)
    ulm = await add_filter(ada, in_city("Ulm"), "Ulm")
    await world.settle()
    assert await states(ada) == {"Oslo": "linked", "Ulm": "linked"}
    await change_filter(ada, own, statecode=1)
    await world.settle()
    assert await states(ada) == {"Oslo": LEFT, "Ulm": "linked"}
    await change_filter(ada, own, statecode=0)
    await world.settle()
    assert await states(ada) == {"Oslo": "linked", "Ulm": "linked"}
    await delete_filter(ada, ulm)
    await world.settle()
    assert await states(ada) == {"Oslo": "linked", "Ulm": LEFT}
    assert sorted(each["displayName"] for each in await ada.contacts()) == ["Oslo", "Ulm"]


@rule("FLT-4", "FLT-10")
async def test_who_switches_all_filters_off_keeps_what_there_is_unlinked(world: People) -> None:
    ada = await world.person("ada")
    await ada.make("contacts", lastname="Berg")
    await ada.make("tasks", subject="Call")
    await world.settle()
    await switch_off(ada)
    await switch_off(ada, "task")
    await world.settle()
    assert (await states(ada), await states(ada, "task")) == ({"Berg": LEFT}, {"Call": LEFT})
    assert (await names(ada), await titles(ada)) == ({"Berg"}, {"Call"})
    await ada.make("contacts", lastname="New")
    await world.settle()
    assert await names(ada) == {"Berg"}


@rule("FLT-4")
async def test_a_filter_deleted_while_nothing_was_in_it_is_forgotten(world: People) -> None:
    ada = await world.person("ada")
    own = await only(ada, in_city("Oslo"))
    await world.settle()
    await delete_filter(ada, own)
    await world.settle()
    await ada.make("contacts", lastname="Berg", address1_city="Oslo")
    await world.read_feed()
    await ada.run_pass("dynamics")
    assert await names(ada) == set()


# --- preview --------------------------------------------------------------------------------------


@rule("FLT-10", "PAIN-1")
async def test_a_preview_says_what_enters_and_leaves_and_does_nothing(world: People) -> None:
    ada, own = await two_cities(world)
    await change_filter(ada, own, fetchxml=in_city("Ulm"), name="In Ulm")
    shown = await ada.preview()
    assert counts(shown) == {"table": "contact", "names": ["In Ulm"], "enters": 1, "leaves": 1}
    assert counts(shown, "task")["enters"] == 0
    kinds = sorted((action["kind"], action["item"]["subject"]) for action in shown["actions"])
    assert kinds == [("create", "Ulm"), ("unlink", "Oslo")]
    assert await states(ada) == {"Oslo": "linked"}
    assert await names(ada) == {"Oslo"}
    await ada.run_pass("test")
    assert counts(await ada.preview()) == {"table": "contact", "names": ["In Ulm"], "enters": 0, "leaves": 0}
    await change_filter(ada, own, fetchxml=in_city("Oslo"))
    again = counts(await ada.preview())
    assert (again["enters"], again["leaves"]) == (1, 1)


# --- compared in time -----------------------------------------------------------------------------


@rule("FLT-10")
@pytest.mark.parametrize("hours", [6, 24])
async def test_the_comparison_comes_as_often_as_the_profile_says(world: People, hours: int) -> None:
    ada = await world.person("ada")
    await only(ada, fetch(where("scheduledend", "next-x-days", "10"), "task"), table="task")
    await world.profile(reconcile_hours=hours)
    await world.settle()
    compared = (await ada.mailbox_row()).reconciled_at
    world.forward(hours=hours - 0.5)
    await ada.run_pass("due")
    assert (await ada.mailbox_row()).reconciled_at == compared
    world.forward(hours=1)
    await ada.run_pass("due")
    assert (await ada.mailbox_row()).reconciled_at != compared


@rule("FLT-10")
async def test_a_feed_token_that_died_is_made_good_by_comparing(world: People) -> None:
    ada, bob = await world.person("ada"), await world.person("bob", on=False)
    await only(ada, in_city("Oslo"))
    inside = await bob.make("contacts", lastname="Leaves", address1_city="Oslo")
    outside = await bob.make("contacts", lastname="Enters", address1_city="Ulm")
    await world.settle()
    await bob.edit("contacts", inside["contactid"], address1_city="Ulm")
    await bob.edit("contacts", outside["contactid"], address1_city="Oslo")
    await world.control("dataverse", "POST", "expire-delta")
    await world.settle()
    assert await states(ada) == {"Leaves": LEFT, "Enters": "linked"}


@rule("FLT-6")
async def test_a_pass_of_an_idle_mailbox_asks_nothing_of_dynamics_for_twelve_minutes(world: People) -> None:
    ada, _ = await two_cities(world)
    world.forward(minutes=1)
    await ada.run_pass("due")
    await world.counted("dataverse")
    world.forward(minutes=5)
    await ada.run_pass("due")
    await ada.run_pass("notification")
    assert await world.counted("dataverse") == {}
    world.forward(minutes=7)
    await ada.run_pass("due")
    asked = await world.counted("dataverse")
    assert {name: asked.get(name, 0) for name in ("GET /userqueries", "GET /savedqueries")} == {
        "GET /userqueries": 1,
        "GET /savedqueries": 1,
    }
    assert "GET /contacts" not in asked


# --- who wants rows of others ---------------------------------------------------------------------


async def watching(world: People, person: Person) -> set[str]:
    found = await world.services.items.entries(WATCHERS, list(PERSONAL_TABLES))
    return {table for table, entry in found.items() if person.mailbox in entry.mailboxes}


@rule("FLT-6")
async def test_rows_of_others_come_only_while_a_filter_of_ones_own_is_there(world: People) -> None:
    ada, own = await two_cities(world)
    cleo = await world.person("cleo")
    await world.settle()
    assert (await watching(world, ada), await watching(world, cleo)) == ({"contact"}, set())
    await delete_filter(ada, own)
    await world.settle()
    assert await watching(world, ada) == set()


@rule("FLT-6")
async def test_a_mailbox_that_is_removed_wants_no_rows_and_wants_them_again_when_it_returns(
    world: People,
) -> None:
    ada, _ = await two_cities(world)
    await life_cycle.remove(world.services, await ada.mailbox_row())
    assert await watching(world, ada) == set()
    world.everybody.remove(ada)
    await world.subscribe(ada)
    await world.settle()
    assert await watching(world, ada) == {"contact"}
    assert await states(ada) == {"Oslo": "linked"}


# --- trouble --------------------------------------------------------------------------------------


async def tear(world: People, person: Person, filter_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The filter's XML is broken: by a tool that wrote it without asking."""
    with monkeypatch.context() as patch:
        patch.setattr("local.dataverse.records.check_query", lambda *_given: None)
        await change_filter(person, filter_id, fetchxml="<fetch><entity")


@rule("FLT-4", "FLT-10", "PAIN-10")
async def test_a_broken_filter_is_told_once_and_takes_nothing_away(
    world: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, own = await two_cities(world)
    await add_filter(ada, fetch(where("jobtitle", "eq", "CEO")), "Chiefs")
    await ada.make("contacts", lastname="Chief", jobtitle="CEO")
    await world.settle()
    await tear(world, ada, own, monkeypatch)
    await ada.make("contacts", lastname="Another", jobtitle="CEO")
    await ada.make("contacts", lastname="Not taken", address1_city="Oslo")
    await ada.add_task("Call")
    for _ in range(2):
        world.forward(hours=25)
        await world.settle()
    assert await states(ada) == {"Oslo": "linked", "Chief": "linked", "Another": "linked"}
    assert await states(ada, "task") == {"Call": "linked"}
    (said,) = await warned(ada)
    assert '"City"' in said
    assert (await ada.mailbox_row()).last_error == ""
    await change_filter(ada, own, fetchxml=in_city("Ulm"))
    await world.settle()
    assert await states(ada) == {
        "Oslo": LEFT,
        "Chief": "linked",
        "Another": "linked",
        "Ulm": "linked",
    }
    assert len(await warned(ada)) == 2


@rule("FLT-4", "FLT-10")
async def test_a_broken_filter_alone_takes_nothing_away_from_who_edits(
    world: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await world.person("ada")
    own = await only(ada, in_city("Oslo"))
    row = await ada.make("contacts", lastname="Berg", address1_city="Oslo")
    await world.settle()
    await tear(world, ada, own, monkeypatch)
    await world.settle()
    (contact,) = await ada.contacts()
    await ada.edit_contact(contact["id"], jobTitle="CEO")
    await ada.edit("contacts", row["contactid"], department="Sales")
    await world.settle()
    assert await states(ada) == {"Berg": "linked"}
    (contact,) = await ada.contacts()
    found = await ada.row("contacts", row["contactid"])
    assert found is not None
    assert (contact["department"], found["jobtitle"]) == ("Sales", "CEO")
    assert (await ada.preview())["filters"][0]["leaves"] == 0


@rule("FLT-4", "FLT-10")
async def test_filters_that_dynamics_does_not_show_are_told_and_the_known_ones_hold(world: People) -> None:
    ada, _ = await two_cities(world)
    hidden: dict[str, Any] = {"method": "GET", "pathContains": "userqueries"}
    await world.fault("dataverse", "status:403", times=5, **hidden)
    await ada.add_task("Call")
    await ada.run_pass("test")
    await ada.run_pass("sync now")
    assert await states(ada) == {"Oslo": "linked"}
    assert await states(ada, "task") == {"Call": "linked"}
    (said,) = await warned(ada)
    assert "cannot be read" in said
    await world.control("dataverse", "DELETE", "faults")
    await ada.run_pass("test")
    assert len(await warned(ada)) == 2


@rule("FLT-4")
async def test_who_never_shows_filters_gets_nothing_and_tracks_all_the_same(world: People) -> None:
    ada = await world.person("ada")
    await ada.make("contacts", lastname="Mine")
    await ada.add_contact(givenName="Mary", surname="Jones")
    await world.fault("dataverse", "status:403", times=50, method="GET", pathContains="userqueries")
    await world.settle()
    assert await states(ada) == {"Mary Jones": "linked"}
    await world.control("dataverse", "DELETE", "faults")
    await world.settle()
    assert await states(ada) == {"Mary Jones": "linked", "Mine": "linked"}
    assert await filters_of(ada)
