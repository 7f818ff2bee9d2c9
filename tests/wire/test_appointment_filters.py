"""Stories about appointments and sync filters: which go to Exchange, and what becomes of those that leave."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.engine.ports import Question
from shared.model.profile import Brake
from shared.rules.situation import KIND
from tests.marks import rule
from tests.wire.dataverse_org import address, party
from tests.wire.people import CATEGORY, Json, People, Person, people
from tests.wire.sync_filters import add_filter, change_filter, fetch, only, switch_off, where

LEFT = "left the filter"
SET_1 = "DistinctPhysicalAndLogicalDeletesForExchangeSync"
TABLE = "appointment"
GUEST = "guest@fabrikam.example"


@pytest.fixture
async def world() -> AsyncIterator[People]:
    async with people() as running:
        yield running


def at(world: People, days: float) -> datetime:
    return (world.clock.now() + timedelta(days=days)).replace(minute=0, second=0, microsecond=0)


async def appointment(person: Person, subject: str, days: float = 5, **columns: Any) -> Json:
    """In that many days, organized by the person."""
    start = at(person.world, days)
    times = {
        "scheduledstart": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "scheduledend": (start + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    parties = [party(7, "systemuser", person.user), *columns.pop("parties", ())]
    body = {"subject": subject, **times, "appointment_activity_parties": parties, **columns}
    return await person.make("appointments", **body)


async def tracked_event(person: Person, subject: str) -> Json:
    start = at(person.world, 6)
    times = {
        name: {"dateTime": moment.strftime("%Y-%m-%dT%H:%M:%S"), "timeZone": "UTC"}
        for name, moment in (("start", start), ("end", start + timedelta(hours=1)))
    }
    body = {"subject": subject, **times, "categories": [CATEGORY]}
    return dict(await person.graph("POST", "events", body))


async def events(person: Person) -> dict[str, Json]:
    found = (await person.graph("GET", "events?$top=100"))["value"]
    shown = {row["subject"]: row for row in found if not row["isCancelled"]}
    assert len(shown) == len(found)
    return shown


async def states(person: Person) -> dict[str, str]:
    return {link.subject: link.state.value for link in await person.links(KIND)}


def in_place(name: str) -> str:
    return fetch(where("location", "eq", name), TABLE)


async def in_oslo(world: People, **columns: Any) -> tuple[Person, Json, str]:
    """Ada's filter takes appointments in Oslo, and one of hers is there: her row, and her filter."""
    ada = await world.person("ada")
    own = await only(ada, in_place("Oslo"), table=TABLE)
    row = await appointment(ada, "Planning", location="Oslo", **columns)
    await world.settle()
    assert set(await events(ada)) == {"Planning"}
    return ada, row, own


# --- what goes ------------------------------------------------------------------------------------


@rule("FLT-1", "FLT-8")
async def test_with_the_usual_filter_all_goes_and_nothing_more_is_asked(world: People) -> None:
    ada = await world.person("ada")
    await world.settle()
    await appointment(ada, "Mine")
    await world.read_feed()
    await world.counted("dataverse")
    await ada.run_pass("dynamics")
    asked = await world.counted("dataverse")
    assert set(await events(ada)) == {"Mine"}
    assert "GET /appointments" not in asked
    await appointment(ada, "Another")
    await add_filter(ada, in_place("Oslo"), table=TABLE)
    await world.settle()
    assert set(await events(ada)) == {"Mine", "Another"}


@rule("FLT-1", "FLT-4")
async def test_only_what_a_filter_of_ones_own_takes_goes(world: People) -> None:
    ada, _, _ = await in_oslo(world)
    await add_filter(ada, fetch(where("prioritycode", "eq", "2"), TABLE), "Important", TABLE)
    ulm = await appointment(ada, "Ulm", location="Ulm")
    await appointment(ada, "Important", prioritycode=2)
    await world.settle()
    assert set(await events(ada)) == {"Planning", "Important"}
    told = await ada.explain(ulm["activityid"])
    assert "no active sync filter" in told["sentence"]
    await ada.edit("appointments", ulm["activityid"], location="Oslo")
    await world.settle()
    assert set(await events(ada)) == {"Planning", "Important", "Ulm"}


@rule("FLT-1", "APPT-3")
async def test_a_filter_brings_no_appointment_that_others_organize(world: People) -> None:
    ada, bob = await world.person("ada"), await world.person("bob")
    await only(ada, in_place("Oslo"), table=TABLE)
    await appointment(bob, "His", location="Oslo", parties=[party(5, "systemuser", ada.user)])
    await world.settle()
    links = {person.address: len(await person.links(KIND)) for person in (ada, bob)}
    assert links == {ada.address: 0, bob.address: 1}


@rule("FLT-4")
async def test_without_a_filter_nothing_goes_and_what_is_tracked_in_outlook_travels(world: People) -> None:
    ada = await world.person("ada")
    await switch_off(ada, TABLE)
    await appointment(ada, "Never")
    event = await tracked_event(ada, "Tracked")
    await world.settle()
    assert set(await events(ada)) == {"Tracked"}
    (row,) = await ada.rows("appointments", "subject eq 'Tracked'")
    await ada.edit("appointments", row["activityid"], location="Oslo")
    await world.settle()
    await ada.graph("PATCH", f"events/{event['id']}", {"subject": "Changed"})
    world.forward(hours=25)
    await world.settle()
    found = await events(ada)
    assert set(found) == {"Changed"}
    assert found["Changed"]["location"]["displayName"] == "Oslo"
    assert await states(ada) == {"Changed": "linked"}


@rule("FLT-1")
async def test_series_have_filters_of_their_own(world: People) -> None:
    ada = await world.person("ada")
    await switch_off(ada, "recurringappointmentmaster")
    start = at(world, 5)
    pattern = {
        "recurrencepatterntype": 0,
        "interval": 1,
        "patternendtype": 2,
        "occurrences": 3,
        "patternstartdate": start.strftime("%Y-%m-%dT00:00:00Z"),
        "starttime": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "endtime": (start + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "duration": 60,
    }
    body = {"subject": "Daily", "recurringappointmentmaster_activity_parties": None, **pattern}
    body["recurringappointmentmaster_activity_parties"] = [party(7, "systemuser", ada.user)]
    await ada.make("recurringappointmentmasters", **body)
    await appointment(ada, "Once")
    await world.settle()
    assert set(await events(ada)) == {"Once"}
    series = "recurringappointmentmaster"
    await add_filter(ada, fetch(where("subject", "eq", "Daily"), series), table=series)
    await world.settle()
    assert set(await events(ada)) == {"Once", "Daily"}


@rule("FLT-1")
async def test_service_appointments_have_filters_of_their_own(world: People) -> None:
    ada = await world.person("ada")
    await only(ada, fetch(where("location", "eq", "Oslo"), "serviceappointment"), table="serviceappointment")
    for place in ("Oslo", "Ulm"):
        await service(ada, place)
    await world.settle()
    assert set(await events(ada)) == {"Oslo"}
    (row,) = await ada.rows("serviceappointments", "subject eq 'Oslo'")
    await ada.edit("serviceappointments", row["activityid"], location="Ulm")
    await world.settle()
    assert await states(ada) == {"Oslo": LEFT}
    (before,) = (await events(ada)).values()
    await ada.edit("serviceappointments", row["activityid"], location="Oslo")
    await world.settle()
    assert await states(ada) == {"Oslo": "linked"}
    (after,) = (await events(ada)).values()
    assert after["id"] == before["id"]


async def service(person: Person, place: str) -> Json:
    start = at(person.world, 5)
    return await person.make(
        "serviceappointments",
        subject=place,
        location=place,
        scheduledstart=start.strftime("%Y-%m-%dT%H:%M:%SZ"),
        scheduledend=(start + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        serviceappointment_activity_parties=[party(10, "systemuser", person.user)],
    )


# --- what leaves ----------------------------------------------------------------------------------


@rule("FLT-10", "SET-1", "PAIN-1")
async def test_what_leaves_is_unlinked_and_nothing_is_canceled(world: People) -> None:
    ada, row, _ = await in_oslo(world, parties=[address(5, GUEST)])
    mails = await mailed(world)
    await ada.edit("appointments", row["activityid"], location="Ulm")
    await world.settle()
    event = (await events(ada))["Planning"]
    assert (event["location"]["displayName"], event["categories"]) == ("Oslo", [])
    assert await states(ada) == {"Planning": LEFT}
    assert await mailed(world) == mails
    await ada.edit("appointments", row["activityid"], subject="Secret")
    world.forward(hours=25)
    await world.settle()
    assert set(await events(ada)) == {"Planning"}


@rule("FLT-6", "FLT-10")
async def test_what_comes_back_is_linked_with_the_event_that_was_kept(world: People) -> None:
    ada, row, own = await in_oslo(world, parties=[address(5, GUEST)])
    before = (await events(ada))["Planning"]["id"]
    mails = await mailed(world)
    await change_filter(ada, own, fetchxml=in_place("Ulm"))
    await world.settle()
    assert await states(ada) == {"Planning": LEFT}
    await change_filter(ada, own, fetchxml=in_place("Oslo"))
    shown = await ada.preview()
    (counts,) = (each for each in shown["filters"] if each["table"] == TABLE)
    assert (counts["enters"], counts["leaves"]) == (1, 0)
    await world.settle()
    event = (await events(ada))["Planning"]
    assert (event["id"], event["categories"]) == (before, [CATEGORY])
    assert await states(ada) == {"Planning": "linked"}
    assert await mailed(world) == mails
    await ada.graph("PATCH", f"events/{before}", {"subject": "Changed"})
    await world.settle()
    found = await ada.row("appointments", row["activityid"])
    assert found is not None
    assert found["subject"] == "Changed"
    assert len(await ada.rows("appointments")) == 1


@rule("FLT-6", "LNK-8")
async def test_a_kept_event_that_its_owner_deleted_does_not_come_back(world: People) -> None:
    ada, row, _ = await in_oslo(world)
    await ada.edit("appointments", row["activityid"], location="Ulm")
    await world.settle()
    event = (await events(ada))["Planning"]
    await ada.graph("DELETE", f"events/{event['id']}")
    await world.settle()
    await ada.edit("appointments", row["activityid"], location="Oslo")
    world.forward(hours=25)
    await world.settle()
    assert await events(ada) == {}
    assert await ada.row("appointments", row["activityid"]) is not None


@rule("FLT-10", "SET-1", "APPT-25")
async def test_with_the_setting_off_what_leaves_is_removed_and_comes_back_anew(world: People) -> None:
    await world.setting(**{SET_1: False})
    ada, row, _ = await in_oslo(world)
    await ada.edit("appointments", row["activityid"], location="Ulm")
    await world.settle()
    assert await events(ada) == {}
    assert await states(ada) == {"Planning": LEFT}
    assert await ada.row("appointments", row["activityid"]) is not None
    await ada.edit("appointments", row["activityid"], location="Oslo")
    await world.settle()
    assert set(await events(ada)) == {"Planning"}
    assert await states(ada) == {"Planning": "linked"}


@rule("FLT-10", "SET-1", "APPT-25")
async def test_with_the_setting_off_a_past_meeting_stays_all_the_same(world: People) -> None:
    await world.setting(**{SET_1: False})
    ada, row, _ = await in_oslo(world)
    world.forward(days=7)
    await ada.edit("appointments", row["activityid"], location="Ulm")
    await world.settle()
    assert set(await events(ada)) == {"Planning"}
    assert await states(ada) == {"Planning": LEFT}


@rule("FLT-10", "PAIN-1")
async def test_what_was_tracked_in_outlook_and_never_matched_does_not_leave(world: People) -> None:
    ada, _, own = await in_oslo(world)
    await tracked_event(ada, "Tracked")
    await world.settle()
    (row,) = await ada.rows("appointments", "subject eq 'Tracked'")
    await ada.edit("appointments", row["activityid"], prioritycode=2)
    await change_filter(ada, own, fetchxml=in_place("Ulm"))
    world.forward(hours=25)
    await world.settle()
    assert await states(ada) == {"Planning": LEFT, "Tracked": "linked"}


@rule("FLT-10")
async def test_a_relative_date_is_found_by_the_daily_comparison(world: People) -> None:
    ada = await world.person("ada")
    await only(ada, fetch(where("scheduledstart", "next-x-days", "3"), TABLE), table=TABLE)
    await appointment(ada, "Soon", days=5)
    await world.settle()
    assert await events(ada) == {}
    world.forward(days=3)
    await world.settle()
    assert set(await events(ada)) == {"Soon"}
    world.forward(days=4)
    await world.settle()
    assert await states(ada) == {"Soon": LEFT}
    assert set(await events(ada)) == {"Soon"}


@rule("FLT-10", "PAIN-1")
@pytest.mark.parametrize("distinct", [True, False])
async def test_the_brake_stops_a_filter_that_empties_a_calendar(world: People, distinct: bool) -> None:
    await world.setting(**{SET_1: distinct})
    await world.profile(brake=Brake(items=3))
    ada, _, own = await in_oslo(world)
    for n in range(4):
        await appointment(ada, f"Talk {n}", location="Oslo", days=5 + n)
    await world.settle()
    await change_filter(ada, own, fetchxml=in_place("Ulm"))
    await world.settle()
    assert set((await states(ada)).values()) == {"linked"}
    (question,) = await ada.decisions()
    assert question.kind is Question.BRAKE
    await ada.answer(question, "drop")
    await ada.run_pass("continue")
    for _ in range(2):
        world.forward(hours=25)
        await world.settle()
    assert set((await states(ada)).values()) == {"linked"}
    assert len(await events(ada)) == 5
    assert await ada.decisions() == []


@rule("FLT-4", "FLT-10")
async def test_a_broken_filter_takes_no_appointment_away(
    world: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, row, own = await in_oslo(world)
    with monkeypatch.context() as patch:
        patch.setattr("local.dataverse.records.check_query", lambda *_given: None)
        await change_filter(ada, own, fetchxml="<fetch><entity")
    await ada.edit("appointments", row["activityid"], subject="Changed")
    for _ in range(2):
        world.forward(hours=25)
        await world.settle()
    assert set(await events(ada)) == {"Changed"}
    assert set((await states(ada)).values()) == {"linked"}
    assert len([h for h in await ada.history() if h.action == "warn" and "cannot be run" in h.reason]) == 1


@rule("FLT-4")
async def test_appointments_obey_filters_though_contacts_and_tasks_are_off(world: People) -> None:
    await world.profile(synchronize_contacts=False, synchronize_tasks=False)
    ada, row, own = await in_oslo(world)
    await appointment(ada, "Ulm", location="Ulm")
    await change_filter(ada, own, fetchxml=in_place("Ulm"))
    await world.settle()
    assert await states(ada) == {"Planning": LEFT, "Ulm": "linked"}
    assert await ada.row("appointments", row["activityid"]) is not None


async def mailed(world: People) -> int:
    """Mails that Exchange has sent to attendees."""
    return len((await world.control("exchange", "GET", "outbox"))["value"])
