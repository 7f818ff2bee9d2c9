"""Service appointments from outside: a copy for all who take part, nothing mailed, nothing returned."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.marks import rule
from tests.wire.road import (
    CATEGORY,
    Json,
    Person,
    Road,
    address_party,
    party,
    running_road,
    stamps_of,
    text_of,
)

SET = "/serviceappointments"
FEED = "GET /serviceappointments"


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    with running_road(tmp_path_factory.mktemp("road") / "rig") as started:
        yield started


def planned(road: Road, owner: Person, *parties: Json) -> str:
    start = road.noon()
    row = {
        "subject": "Repair",
        "scheduledstart": text_of(start),
        "scheduledend": text_of(start + timedelta(hours=2)),
        "ownerid@odata.bind": f"/systemusers({owner.user})",
        "serviceappointment_activity_parties": list(parties),
    }
    row_id = str(road.dataverse("POST", SET, row)["activityid"])
    road.dataverse("PATCH", f"{SET}({row_id})", {"statecode": 3, "statuscode": 4})
    return row_id


def sent(road: Road, part: str) -> dict[str, int]:
    """The service's requests since the last look."""
    counted = road.control(part, "GET", "/requests")["byKind"]
    road.control(part, "DELETE", "/requests")
    return dict(counted)


def count(road: Road) -> None:
    for part in ("graph", "dataverse"):
        sent(road, part)


@rule("APPT-37", "APPT-38", "FLD-12", "X-1")
def test_a_service_appointment_lives_and_ends_in_every_calendar(road: Road) -> None:
    tom, ann, boss = road.people("tom", "ann", "boss")
    stranger = road.outsider()
    road.settle()
    road.outbox()
    parties = (party(10, "systemuser", tom.user), party(5, "systemuser", ann.user))
    row = planned(road, boss, *parties, address_party(6, stranger))
    for person in (tom, ann):
        (event,), _ = road.eventually(lambda person=person: road.events(person))
        assert (event["subject"], event["isOrganizer"], event["attendees"]) == ("Repair", True, [])
        assert stamps_of(event)["crmid"].strip("{}").lower() == row
    road.settle()
    assert [road.only_event(person)["showAs"] for person in (tom, ann)] == ["busy", "busy"]
    assert road.events(boss) == []
    mine = road.only_event(tom)
    road.edit_event(tom, mine["id"], subject="My own words")
    road.settle()
    assert road.dataverse("GET", f"{SET}({row})")["subject"] == "Repair"
    road.dataverse("PATCH", f"{SET}({row})", {"location": "Their place"})
    road.settle()
    edited = road.only_event(tom)
    assert (edited["subject"], edited["location"]["displayName"]) == ("My own words", "Their place")
    road.delete_event(ann, road.only_event(ann)["id"])
    road.settle()
    road.dataverse("PATCH", f"{SET}({row})", {"subject": "Repair, moved"})
    road.settle()
    assert road.only_event(tom)["subject"] == "Repair, moved"
    assert road.events(ann) == []
    road.dataverse("DELETE", f"{SET}({row})")
    road.settle()
    assert road.events(tom) == []
    assert road.outbox() == []


def test_a_change_costs_few_requests_and_idle_mailboxes_none_beyond_the_feed(road: Road) -> None:
    tom, boss = road.people("tom", "boss")
    row = planned(road, boss, party(10, "systemuser", tom.user))
    road.eventually(lambda: road.events(tom))
    road.settle()
    count(road)
    road.dataverse("PATCH", f"{SET}({row})", {"subject": "Repair, moved"})
    road.settle()
    assert road.only_event(tom)["subject"] == "Repair, moved"
    graph, dataverse = sent(road, "graph"), sent(road, "dataverse")
    assert dataverse["GET /serviceappointments({id})"] == dataverse["GET /activityparties"] == 1
    assert graph["GET /users/{id}/events/{id}"] == graph["PATCH /users/{id}/events/{id}"] == 1
    for person in (tom, boss):
        road.admin("POST", f"/mailboxes/{person.mailbox}/sync")
    road.settle()
    idle = sent(road, "dataverse")
    assert "GET /serviceappointments({id})" not in idle
    assert idle.get(FEED) == idle.get("GET /recurringappointmentmasters")


def test_an_organization_without_service_scheduling_goes_on(road: Road) -> None:
    road.control("dataverse", "PUT", "/absent-tables", {"tables": ["serviceappointment"]})
    tom = road.person("tom")
    road.add_event(tom, subject="Kick-off")
    road.eventually(lambda: road.appointments(tom))
    road.settle()
    assert CATEGORY in road.only_event(tom)["categories"]
    road.control("dataverse", "PUT", "/absent-tables", {"tables": []})
