"""Stories about verify: what it finds, that it writes nothing, what it costs, and how passes mend it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from shared.engine import verify as verifying
from shared.model.link import Base, Link
from shared.model.personal import PlacedId
from shared.model.profile import Brake
from shared.rules.drift import Drift
from tests.marks import rule
from tests.wire.contact_stories import folder
from tests.wire.everything import (
    add_appointment,
    add_event,
    everything,
    lose_links,
    outbox,
    seen,
    verified,
    write_links,
)
from tests.wire.people import CATEGORY, PUBLIC_STRINGS, Json, People, Person, people
from tests.wire.todo import new_list

STATE, CRM_ID = f"Double {PUBLIC_STRINGS} Name crmLinkState", f"String {PUBLIC_STRINGS} Name crmid"


@pytest.fixture
async def world() -> AsyncIterator[People]:
    async with people() as running:
        yield running


def found(report: Json) -> dict[str, str]:
    """The kind of drift by subject."""
    return {str(row["item"]["subject"]): row["drift"] for row in report["value"]}


async def link_to(person: Person, subject: str) -> Link:
    links = [link async for link in person.world.services.store.links(person.mailbox)]
    return next(link for link in links if link.subject == subject)


async def row_named(person: Person, subject: str) -> str:
    (row,) = await person.rows("appointments", f"subject eq '{subject}'")
    return str(row["activityid"])


async def as_they_are(person: Person, link: Link) -> Link:
    """The link in the versions that both sides are in now: nothing seems to have happened."""
    event = await person.graph("GET", f"events/{link.exchange_id}")
    row = await person.row("appointments", link.dynamics_id) or {}
    return replace(link, exchange_etag=event["@odata.etag"], dynamics_etag=row["@odata.etag"])


# --- in step --------------------------------------------------------------------------------------


@rule("LNK-8")
async def test_a_mailbox_in_step_has_no_drift_and_nothing_is_written(world: People) -> None:
    there = await everything(world)
    shown = await seen(world)
    for person in (there.ada, there.bob):
        report = await verified(person)
        assert report["value"] == []
        assert report["inStep"]
        kinds = {kind: (n.get("inStep"), n.get("inExchange")) for kind, n in report["counts"].items()}
        linked = {kind: (n.get("linked"), n.get("linked", 0)) for kind, n in report["counts"].items()}
        assert kinds == linked
    assert await seen(world) == shown
    assert await outbox(world) == []


async def test_it_costs_a_request_for_a_hundred_items_of_each_side(world: People) -> None:
    ada = await world.person("ada")
    await world.settle()
    for number in range(105):
        await ada.make("contacts", lastname=f"N{number}", emailaddress1=f"n{number}@fabrikam.example")
    await world.settle()
    await world.counted("exchange")
    await world.counted("dataverse")
    report = await verified(ada)
    assert report["counts"]["contact"]["inStep"] == 105
    graph, dataverse = await world.counted("exchange"), await world.counted("dataverse")
    assert graph["GET /users/{id}/contacts"] == 3  # two pages, and one that tells the default folder's id
    assert sum(graph.values()) <= 9
    whole = {kind: number for kind, number in dataverse.items() if kind != "GET /contacts({id})"}
    assert whole["POST /$batch"] - whole["GET /organizations"] <= 7
    assert "GET /users/{id}/contacts/{id}" not in graph


@rule("LNK-8")
async def test_a_big_mailbox_is_verified_in_slices(world: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each goes on from what the one before has kept."""
    there = await everything(world)
    await add_appointment(there.ada, "New")
    whole = await verified(there.ada)
    monkeypatch.setattr(verifying, "SLICE_ITEMS", 1)
    monkeypatch.setattr(verifying, "CHUNK", 1)
    assert await verified(there.ada) == whole
    assert found(whole) == {"New": Drift.NEVER_LINKED}


# --- drift ----------------------------------------------------------------------------------------


@rule("LNK-3", "LNK-7", "LNK-8", "LNK-10", "PAIN-6")
async def test_each_kind_of_drift_is_named_and_mended_by_the_passes(world: People) -> None:
    ada = await world.person("ada")
    await world.settle()
    subjects = ("Unlinked", "Gone", "Deleted", "Nowhere", "Edited", "Apart", "Unmarked", "Doubled", "Kept")
    events = {subject: (await add_event(ada, subject))["id"] for subject in subjects}
    await world.settle()
    await lose_links(ada, only=await link_to(ada, "Unlinked"))
    await add_appointment(ada, "Planned")
    await add_event(ada, "Tracked")
    nowhere = await row_named(ada, "Nowhere")
    for subject in ("Gone", "Nowhere"):
        await ada.graph("DELETE", f"events/{events[subject]}")
    for row_id in (await row_named(ada, "Deleted"), nowhere):
        await ada.delete("appointments", row_id)
    await ada.edit("appointments", await row_named(ada, "Edited"), location="Room 9")
    await ada.edit("appointments", await row_named(ada, "Apart"), location="Room 7")
    apart = await as_they_are(ada, await link_to(ada, "Apart"))
    remembered = Base(apart.base.exchange, {**apart.base.dynamics, "location": "Room 7"})
    await no_stamps(ada, events["Unmarked"])
    unmarked = await as_they_are(ada, await link_to(ada, "Unmarked"))
    await write_links(ada, replace(apart, base=remembered), unmarked)
    await copy_of(ada, "Doubled, pasted", await link_to(ada, "Doubled"))
    shown = await seen(world)

    report = await verified(ada)
    assert found(report) == {
        "Unlinked": Drift.NOT_LINKED,
        "Planned": Drift.NEVER_LINKED,
        "Tracked": Drift.NEVER_LINKED,
        "Gone": Drift.GONE_IN_EXCHANGE,
        "Deleted": Drift.GONE_IN_DYNAMICS,
        "Nowhere": Drift.POINTS_TO_NOTHING,
        "Edited": Drift.NOT_CARRIED,
        "Apart": Drift.APART,
        "Unmarked": Drift.UNMARKED,
        "Doubled, pasted": Drift.TWO_ITEMS,
    }
    assert all(row["rules"] and row["reason"] for row in report["value"])
    assert next(row["fields"] for row in report["value"] if row["drift"] == Drift.APART) == ["location"]
    assert not report["inStep"]
    assert await seen(world) == shown

    assert (await verified(ada, mend=True))["mending"] == 9
    assert await seen(world) == shown
    await ada.run_pass("continue")
    left = await verified(ada)
    assert found(left) == {"Doubled, pasted": Drift.TWO_ITEMS}
    assert [row["mends"] for row in left["value"]] == [False]
    event = await ada.graph("GET", f"events/{events['Apart']}")
    assert event["location"]["displayName"] == "Room 7"
    await world.settle()
    names = sorted(subject for subject, _, _ in (await seen(world))[ada.address]["events"])
    stay = {*subjects, "Planned", "Tracked", "Doubled, pasted"} - {"Gone", "Deleted", "Nowhere"}
    assert names == sorted(stay)
    assert (await seen(world))["appointments"] == sorted(stay - {"Doubled, pasted"})
    assert await outbox(world) == []


async def no_stamps(person: Person, event_id: str) -> None:
    cleared = [{"id": CRM_ID, "value": ""}, {"id": STATE, "value": "0"}]
    await person.graph("PATCH", f"events/{event_id}", {"singleValueExtendedProperties": cleared})


async def copy_of(person: Person, subject: str, link: Link) -> None:
    stamps = [{"id": CRM_ID, "value": link.dynamics_id}, {"id": STATE, "value": "2"}]
    await add_event(person, subject, singleValueExtendedProperties=stamps, categories=[CATEGORY])


@rule("LNK-7", "PAIN-6")
async def test_two_rows_for_one_item_are_told_and_left_to_a_person(world: People) -> None:
    ada = await world.person("ada")
    await world.settle()
    await add_event(ada, "Doubled")
    await world.settle()
    row = await add_appointment(ada, "Doubled, too")
    link = await link_to(ada, "Doubled")
    await write_links(ada, replace(link, dynamics_id=row["activityid"], subject="Doubled, too"), link)
    report = await verified(ada, mend=True)
    assert found(report) == {"Doubled, too": Drift.TWO_ROWS}
    assert (report["mending"], report["value"][0]["mends"]) == (0, False)


@rule("FLT-10", "PAIN-1")
async def test_the_brake_stops_what_would_delete_too_much(world: People) -> None:
    ada = await world.person("ada")
    await world.profile(brake=Brake(items=3))
    await world.settle()
    events = [await add_event(ada, f"Meeting {number}") for number in range(6)]
    await world.settle()
    for event in events[:4]:
        await ada.graph("DELETE", f"events/{event['id']}")
    report = await verified(ada, mend=True)
    assert report["drift"] == {Drift.GONE_IN_EXCHANGE: 4}
    await ada.run_pass("continue")
    assert len(await ada.rows("appointments")) == 6
    assert [decision.kind for decision in await ada.decisions()] == ["brake"]
    report = await verified(ada)
    assert (report["value"], report["counts"]["appointment"]["waiting"]) == ([], 4)


@rule("CONT-9", "LNK-10", "TASK-13")
async def test_contacts_and_tasks_that_are_quiet_but_apart_are_mended_too(world: People) -> None:
    ada = await world.person("ada")
    await world.settle()
    await ada.make("contacts", lastname="Jones", jobtitle="CTO")
    await ada.make("tasks", subject="Call")
    await world.settle()
    for kind, entity_set, name, column in (
        ("contact", "contacts", "jobTitle", "jobtitle"),
        ("task", "tasks", "notes", "description"),
    ):
        (link,) = await ada.links(kind)
        await ada.edit(entity_set, link.dynamics_id, **{column: "Only here"})
        row = await ada.row(entity_set, link.dynamics_id) or {}
        base = Base(link.base.exchange, {**link.base.dynamics, name: "Only here"})
        await write_links(ada, replace(link, dynamics_etag=row["@odata.etag"], base=base))
    report = await verified(ada, mend=True)
    assert set(found(report).values()) == {Drift.APART}
    assert len(report["value"]) == 2
    await ada.run_pass("continue")
    assert (await ada.contacts())[0]["jobTitle"] == "Only here"
    assert (await ada.task("Call") or {})["body"]["content"].strip() == "Only here"
    assert (await verified(ada))["inStep"]


# --- what is read ---------------------------------------------------------------------------------


async def test_what_is_listed_is_what_reading_by_id_shows(world: People) -> None:
    """Each with its stamps and whatever else hangs on it, from whatever folder or list it is in."""
    there = await everything(world)
    ada = there.ada
    place = await folder(ada, "Suppliers")
    await ada.add_contact(surname="Glynn", folder=place)
    await ada.add_contact(surname="Nobody's", tracked=False)
    other = await new_list(ada, "Errands")
    await ada.add_task("Buy", place=other)
    await ada.add_task("Nobody's", place=other, tracked=False)
    await add_event(ada, "Nobody's", categories=[])
    await world.settle()
    box = world.services.exchange.mailbox(ada.mailbox)
    (calendar,) = await box.calendars()
    page = await box.tracked_events(calendar, "")
    assert (page.complete, page.link, dict(page.broken)) == (True, "", {})
    shown = {event.id: replace(event, calendar_id=None) for event in page.events}
    assert shown == await box.events(list(shown))
    assert len(shown) == 8
    for source, number in ((box.contacts, 3), (box.tasks, 4)):
        listed = {}
        for each in await source.places():
            listed |= {item.id: item for item in (await source.tracked(each.id, "")).items}
        assert listed == await source.items([PlacedId(item.id, item.place) for item in listed.values()])
        assert len(listed) == number
