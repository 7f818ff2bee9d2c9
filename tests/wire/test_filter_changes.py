"""Stories about filters that change: seen by the next pass that may look, previewed, compared in time; and
about filters that cannot be read or run."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.engine.filters import WATCHERS
from shared.errors import Transient
from shared.jobs.messages import FeedJob
from shared.mailboxes import feed_jobs, life_cycle
from shared.model.filter_push import FilterPush
from shared.model.personal import PERSONAL_TABLES
from shared.web import notifications
from shared.web.http import Request
from tests.marks import rule
from tests.wire.people import FEED, Json, People, Person, people
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
    system_filter,
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


async def told(world: People, person: Person, filter_id: str, table: str = "userquery", by: str = "") -> int:
    """What the web hook does when Dataverse posts a change of a filter, and the feed's job after it."""
    context = {
        "PrimaryEntityId": filter_id.upper(),
        "UserId": by or person.user,
        "InitiatingUserId": by or person.user,
    }
    headers = {"x-webhook-key": "key", "x-ms-dynamics-entity-name": table}
    request = Request("POST", "", {}, headers, json.dumps(context).encode())
    world.jobs.take()
    world.forward(seconds=2)
    answer = await notifications.dynamics(request, "key", FEED, world.jobs, world.clock.now)
    assert answer.status == 202
    (job,) = world.jobs.take()
    await feed_jobs.run(world.services, FeedJob(FEED, job.cause))
    passes = world.jobs.take()
    for each in passes:
        assert each.session == person.mailbox
        await person.run_pass(each.cause)
    return len(passes)


@rule("FLT-6")
async def test_a_filter_that_dynamics_tells_of_is_applied_at_once(world: People) -> None:
    ada, own = await two_cities(world)
    await change_filter(ada, own, fetchxml=in_city("Ulm"))
    assert await told(world, ada, own) == 1
    assert await states(ada) == {"Oslo": LEFT, "Ulm": "linked"}
    await world.counted("dataverse")
    await ada.run_pass("dynamics")
    assert await world.counted("dataverse") == {}


@rule("FLT-3", "FLT-6")
async def test_an_administrator_who_changes_somebodys_filter_is_told_of_too(world: People) -> None:
    """Whose filter it is is asked for; of one that is gone only who did it is known."""
    ada, own = await two_cities(world)
    await change_filter(ada, own, fetchxml=in_city("Ulm"))
    assert await told(world, ada, own, by=str(uuid4())) == 1
    assert await states(ada) == {"Oslo": LEFT, "Ulm": "linked"}
    await delete_filter(ada, own)
    assert await told(world, ada, own, by=str(uuid4())) == 0
    assert await told(world, ada, own) == 1
    assert await states(ada) == {"Oslo": LEFT, "Ulm": LEFT}


@rule("FLT-2")
async def test_another_view_of_ones_own_is_no_filter(world: People) -> None:
    ada, _ = await two_cities(world)
    view = await add_filter(ada, in_city("Oslo"), querytype=0)
    await world.counted("dataverse")
    assert await told(world, ada, view) == 0
    assert await world.counted("dataverse") == {"GET /userqueries({id})": 1}


@rule("FLT-6")
async def test_while_dynamics_does_not_answer_a_push_about_a_filter_is_believed(world: People) -> None:
    ada, own = await two_cities(world)
    await change_filter(ada, own, fetchxml=in_city("Ulm"))
    await world.fault("dataverse", "status:403", method="GET", pathContains=f"userqueries({own}")
    assert await told(world, ada, own) == 1
    assert await states(ada) == {"Oslo": LEFT, "Ulm": "linked"}


async def test_a_push_about_a_filter_comes_back_while_storage_is_away(
    world: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, own = await two_cities(world)

    async def away(*_given: object) -> None:
        raise Transient("no answer")

    cause = FilterPush(own, (ada.user,)).cause
    with monkeypatch.context() as patch:
        patch.setattr(world.services.registry, "by_users", away)
        await feed_jobs.run(world.services, FeedJob(FEED, cause))
    (again,) = world.jobs.take()
    assert (again.queue, again.cause) == ("dynamics-feed", cause)
    assert again.at is not None
    assert again.at > world.clock.now()


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"PrimaryEntityId": "1"}'])
async def test_a_push_that_names_no_filter_is_refused(world: People, body: bytes) -> None:
    headers = {"x-webhook-key": "key", "x-ms-dynamics-entity-name": "userquery"}
    request = Request("POST", "", {}, headers, body)
    answer = await notifications.dynamics(request, "key", FEED, world.jobs, world.clock.now)
    assert (answer.status, world.jobs.take()) == (400, [])
    await feed_jobs.run(world.services, FeedJob(FEED, "push userquery nothing"))


@rule("FLT-3")
async def test_a_filter_of_the_system_is_seen_within_twelve_minutes_by_one_question_for_all(
    world: People,
) -> None:
    ada, _ = await two_cities(world)
    bob = await world.person("cleo")
    await world.settle()
    await system_filter(world, in_city("Ulm"))
    for minutes, asked in ((5, 0), (8, 1)):
        world.forward(minutes=minutes)
        await world.counted("dataverse")
        await world.read_feed()
        assert (await world.counted("dataverse")).get("GET /savedqueries", 0) == asked
    assert world.jobs.take() == []
    for person in (ada, bob):
        assert (await person.mailbox_row()).due_at <= world.clock.now() + timedelta(minutes=12)
        await person.run_pass("due")
    assert await states(ada) == {"Oslo": "linked", "Ulm": "linked"}
    await world.counted("dataverse")
    await ada.run_pass("due")
    assert await world.counted("dataverse") == {}


@rule("FLT-3")
async def test_a_filter_of_the_system_that_dynamics_tells_of_is_looked_at_at_once(world: People) -> None:
    ada, _ = await two_cities(world)
    own = await system_filter(world, in_city("Ulm"))
    assert await told(world, ada, own, table="savedquery") == 0
    await ada.run_pass("due")
    assert await states(ada) == {"Oslo": "linked", "Ulm": "linked"}


@rule("FLT-3")
async def test_filters_of_the_system_that_may_not_be_read_keep_no_feed_from_being_read(world: People) -> None:
    ada, _ = await two_cities(world)
    await world.fault("dataverse", "status:403", times=9, method="GET", pathContains="savedqueries")
    world.forward(minutes=13)
    await world.counted("dataverse")
    for _ in range(3):
        await world.read_feed()
    assert (await world.counted("dataverse"))["GET /savedqueries"] == 1
    await ada.make("contacts", lastname="Berg", address1_city="Oslo")
    await world.read_feed()
    await ada.run_pass("dynamics")
    assert await names(ada) == {"Oslo", "Berg"}


@rule("FLT-10")
async def test_a_filter_of_which_nobody_told_is_seen_by_the_daily_comparison(world: People) -> None:
    ada, own = await two_cities(world)
    await change_filter(ada, own, fetchxml=in_city("Ulm"))
    for hours in (12, 11):
        world.forward(hours=hours)
        await ada.run_pass("due")
        assert await states(ada) == {"Oslo": "linked"}
    world.forward(hours=2)
    await ada.run_pass("due")
    assert await states(ada) == {"Oslo": LEFT, "Ulm": "linked"}


@rule("FLT-6")
async def test_a_profile_may_want_filters_to_be_polled(world: People) -> None:
    """Where Dynamics cannot tell of them."""
    await world.profile(filter_polling_minutes=12)
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
async def test_a_pass_of_an_idle_mailbox_asks_nothing_of_dynamics(world: People) -> None:
    """But for the daily comparison."""
    ada, _ = await two_cities(world)
    await ada.run_pass("due")
    await world.counted("dataverse")
    for cause in ("due", "notification", "contacts", "dynamics", "continue", "missed", "reauthorize"):
        world.forward(minutes=60)
        await ada.run_pass(cause)
    assert await world.counted("dataverse") == {}


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
