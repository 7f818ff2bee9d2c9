"""Links end as the rules say: untracked, deleted on either side, stopped by the brake; nothing comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.marks import rule
from tests.wire.road import CATEGORY, Person, Road, address_party, running_road, stamps_of

MANY = 30


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    with running_road(tmp_path_factory.mktemp("road") / "rig") as started:
        yield started


@pytest.fixture(autouse=True)
def _empty_outbox(road: Road) -> None:
    road.outbox()


@rule("APPT-13", "EMI-17", "LNK-8")
def test_untracking_keeps_both_and_only_a_person_brings_the_link_back(road: Road) -> None:
    ann = road.person("ann")
    event = road.add_event(ann, subject="Mine")
    road.settle()
    row = road.only_appointment(ann)["activityid"]
    road.edit_event(ann, event, categories=[])
    road.settle()
    assert float(stamps_of(road.only_event(ann))["crmLinkState"]) == 0
    road.edit_appointment(row, subject="Edited in Dynamics")
    road.settle()
    assert road.only_event(ann)["subject"] == "Mine"
    road.edit_event(ann, event, categories=[CATEGORY])
    road.settle()
    assert [r["activityid"] for r in road.appointments(ann)] == [row]
    assert road.only_event(ann)["subject"] == road.only_appointment(ann)["subject"]
    assert road.outbox() == []


@rule("APPT-25", "APPT-30")
def test_deletions_travel_both_ways_and_nothing_comes_back(road: Road) -> None:
    ann = road.person("ann")
    guest = road.outsider()
    here = road.add_event(ann, subject="Deleted in Exchange")
    road.add_appointment(ann, subject="Deleted in Dynamics")
    meeting = road.add_appointment(ann, address_party(5, guest), subject="Meeting deleted in Dynamics")
    road.settle()
    rows = {row["subject"]: row["activityid"] for row in road.appointments(ann)}
    assert len(rows) == len(road.events(ann)) == 3
    assert road.outbox() == [("invitation", [guest])]
    road.delete_event(ann, here)
    road.delete_appointment(rows["Deleted in Dynamics"])
    road.delete_appointment(meeting)
    road.settle()
    assert road.appointments(ann) == road.events(ann) == []
    assert road.outbox() == [("cancellation", [guest])]
    (deleted,) = [row for row in road.history(ann, here) if row["action"] == "delete"]
    assert deleted["before"]["subject"] == "Deleted in Exchange"
    assert deleted["rules"] == ["APPT-30"]


@rule("APPT-30")
def test_an_attendees_deletion_leaves_the_appointment_and_the_others_alone(road: Road) -> None:
    ann, bob = road.people("ann", "bob")
    copies = road.deliver(road.outsider("boss"), ann, bob, subject="Joint")
    for person, copy in zip((ann, bob), copies, strict=True):
        road.edit_event(person, copy, categories=[CATEGORY])
    road.settle()
    (row,) = [*road.appointments(ann), *road.appointments(bob)]
    road.delete_event(bob, copies[1])
    road.settle()
    assert road.appointment(row["activityid"]) is not None
    assert [event["id"] for event in road.events(ann)] == [copies[0]]
    assert road.events(bob) == []


def many(road: Road, person: Person) -> list[str]:
    """Linked pairs, more than the brake lets a pass delete; their events."""
    events = [road.add_event(person, subject=f"Item {number}") for number in range(MANY)]
    road.settle()
    assert len(road.appointments(person)) == MANY
    return events


@rule("FLT-10", "PAIN-1")
def test_the_brake_holds_a_mass_deletion_until_an_administrator_lets_it_go(road: Road) -> None:
    ann = road.person("ann")
    events = many(road, ann)
    with road.paused(ann):
        for event in events:
            road.delete_event(ann, event)
    road.settle()
    (question,) = road.decisions(ann)
    assert question["kind"] == "brake"
    assert len(road.appointments(ann)) == MANY
    kept = road.add_event(ann, subject="Goes on meanwhile")
    road.settle()
    assert len(road.appointments(ann)) == MANY + 1
    road.admin("POST", f"/decisions/{question['id']}", {"answer": "go-on"})
    road.settle()
    assert [row["subject"] for row in road.appointments(ann)] == ["Goes on meanwhile"]
    assert [event["id"] for event in road.events(ann)] == [kept]
    assert road.decisions(ann) == []


@rule("FLT-10")
def test_a_dropped_mass_deletion_keeps_every_appointment_for_good(road: Road) -> None:
    ann = road.person("ann")
    rows = [road.add_appointment(ann, subject=f"Row {number}") for number in range(MANY)]
    road.settle()
    assert len(road.events(ann)) == MANY
    with road.paused(ann):
        for row in rows:
            road.delete_appointment(row)
    road.settle()
    (question,) = road.decisions(ann)
    assert len(road.events(ann)) == MANY
    road.admin("POST", f"/decisions/{question['id']}", {"answer": "drop"})
    road.settle()
    road.settle()
    assert len(road.events(ann)) == MANY
    assert road.decisions(ann) == road.appointments(ann) == []


@rule("APPT-20")
def test_the_brake_holds_a_mass_invitation_and_dropping_it_mails_nobody(road: Road) -> None:
    ann = road.person("ann")
    guests = [address_party(5, road.outsider("guest")) for _ in range(201)]
    row = road.add_appointment(ann, *guests, subject="All hands")
    road.settle()
    (question,) = road.decisions(ann)
    assert road.events(ann) == []
    road.admin("POST", f"/decisions/{question['id']}", {"answer": "drop"})
    road.settle()
    road.edit_appointment(row, location="Hall")
    road.settle()
    assert road.events(ann) == []
    assert road.outbox() == []
