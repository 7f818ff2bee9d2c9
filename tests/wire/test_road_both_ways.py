"""Appointments travel both ways by push alone: nothing here settles unless it must wait for quiet."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from uuid import UUID

import pytest

from tests.marks import rule
from tests.wire.road import (
    CATEGORY,
    Person,
    Road,
    guests_of,
    parties_of,
    party,
    running_road,
    stamps_of,
)


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    with running_road(tmp_path_factory.mktemp("road") / "rig") as started:
        yield started


@pytest.fixture(autouse=True)
def _empty_outbox(road: Road) -> None:
    road.outbox()


@rule("APPT-1", "APPT-5", "APPT-7", "FLD-6")
def test_a_categorised_event_becomes_an_appointment_with_its_parties(road: Road) -> None:
    ann, bob = road.person("ann"), road.person("bob", subscribed=False)
    contact, known = road.contact(ann)
    stranger = road.outsider("stranger")
    road.add_event(ann, bob.address, known, stranger, subject="With parties", location={"displayName": "R 1"})
    (row,), seconds = road.eventually(lambda: road.appointments(ann))
    print(f"Exchange to Dynamics by notification: {seconds:.2f} s")
    assert (row["subject"], row["location"]) == ("With parties", "R 1")
    assert parties_of(row) == {
        (5, bob.address, bob.user),
        (5, known, contact),
        (5, stranger, None),
        (7, ann.address, ann.user),
    }
    stamps, _ = road.eventually(lambda: stamps_of(road.only_event(ann)))
    assert UUID(stamps["crmid"].strip("{}")) == UUID(row["activityid"])
    assert float(stamps["crmLinkState"]) == 2
    # Inviting was Ann's own doing; linking told nobody.
    assert [kind for kind, _ in road.outbox()] == ["invitation"]


@rule("FLD-8")
def test_the_stamped_regarding_comes_along(road: Road) -> None:
    ann = road.person("ann")
    account = road.dataverse("POST", "/accounts", {"name": "Fabrikam"})["accountid"]
    regards = {"crmRegardingObjectId": "{" + account.upper() + "}", "crmRegardingObjectTypeCode": "1"}
    road.add_event(ann, subject="About an account", stamps=regards)
    (row,), _ = road.eventually(lambda: road.appointments(ann))
    assert row["_regardingobjectid_value"] == account


@rule("APPT-1", "APPT-3", "APPT-20")
def test_an_appointment_becomes_a_meeting_and_invites_once(road: Road) -> None:
    ann, bob = road.people("ann", "bob")
    contact, known = road.contact(ann)
    row = road.add_appointment(
        ann, party(5, "contact", contact), party(6, "systemuser", bob.user), location="Room 2"
    )
    (event,), seconds = road.eventually(lambda: road.events(ann))
    print(f"Dynamics to Exchange by push: {seconds:.2f} s")
    assert guests_of(event) == sorted([known, bob.address])
    assert (event["subject"], event["location"]["displayName"]) == ("Visit", "Room 2")
    assert CATEGORY in event["categories"]
    assert stamps_of(event)["crmid"].strip("{}").lower() == row
    road.settle()
    assert road.outbox() == [("invitation", sorted([known, bob.address]))]
    assert len(road.events(ann)) == len(road.events(bob)) == 1
    assert [r["activityid"] for r in road.appointments(ann)] == [row]


def linked(road: Road, person: Person) -> tuple[str, str]:
    """A linked pair: event and row."""
    event = road.add_event(person)
    (row,), _ = road.eventually(lambda: road.appointments(person))
    road.eventually(lambda: "crmid" in stamps_of(road.only_event(person)))
    return event, str(row["activityid"])


def test_later_edits_arrive_by_push_alone_on_both_sides(road: Road) -> None:
    ann = road.person("ann")
    event, row = linked(road, ann)
    road.edit_event(ann, event, subject="Edited in Exchange")
    road.eventually(lambda: (road.appointment(row) or {})["subject"] == "Edited in Exchange")
    road.edit_appointment(row, location="Edited in Dynamics")
    road.eventually(lambda: road.only_event(ann)["location"]["displayName"] == "Edited in Dynamics")


@rule("LNK-9")
def test_changes_to_different_fields_on_both_sides_merge(road: Road) -> None:
    ann = road.person("ann")
    event, row = linked(road, ann)
    road.edit_event(ann, event, subject="New subject", importance="high")
    road.edit_appointment(row, location="New place", description="New text")
    road.settle()
    shown, stored = road.only_event(ann), road.appointment(row)
    assert stored is not None
    assert shown["subject"] == stored["subject"] == "New subject"
    assert shown["location"]["displayName"] == stored["location"] == "New place"
    assert shown["body"]["content"].strip() == stored["description"] == "New text"
    assert (shown["importance"], stored["prioritycode"]) == ("high", 2)


@rule("APPT-6", "SET-7")
def test_a_meeting_tracked_by_three_attendees_is_one_appointment_in_whatever_order(road: Road) -> None:
    people = road.people("ann", "bob", "cyd")
    orders = list(permutations(range(3)))
    meetings = [
        road.deliver(road.outsider("boss"), *people, subject=f"Joint {n}") for n, _ in enumerate(orders)
    ]
    for copies, order in zip(meetings, orders, strict=True):
        for number in order:
            road.edit_event(people[number], copies[number], categories=[CATEGORY])
    road.settle()
    rows = [row for person in people for row in road.appointments(person)]
    assert sorted(row["subject"] for row in rows) == [f"Joint {n}" for n in range(6)]
    for row in rows:
        assert {user for _, _, user in parties_of(row)} >= {person.user for person in people}
    for person in people:
        crm_ids = {stamps_of(event)["crmid"].strip("{}").lower() for event in road.events(person)}
        assert crm_ids == {row["activityid"] for row in rows}
    assert road.outbox() == []


@rule("APPT-6", "SET-7")
def test_an_attendee_tracks_first_and_the_organizers_mailbox_moves_the_content(road: Road) -> None:
    boss, ann = road.people("boss", "ann")
    meeting = road.add_event(boss, ann.address, tracked=False, subject="Plan")
    road.outbox()
    copy = road.only_event(ann)["id"]
    road.edit_event(ann, copy, categories=[CATEGORY])
    road.settle()
    (row,) = road.appointments(boss)
    road.edit_appointment(row["activityid"], location="Room 9")
    road.settle()
    shown = road.event(boss, meeting)
    assert shown is not None
    assert shown["location"]["displayName"] == "Room 9"
    assert road.outbox() == [("update", [ann.address])]
    assert len(road.events(boss)) == len(road.events(ann)) == 1


@rule("APPT-26", "LNK-5")
def test_linking_two_items_that_exist_already_mails_nobody(road: Road) -> None:
    ann = road.person("ann", subscribed=False)
    contact, known = road.contact(ann)
    row = road.add_appointment(ann, party(5, "contact", contact), subject="Existing", location="Hall")
    marks = {"crmLinkState": "2", "crmid": "{" + row.upper() + "}"}
    event = road.add_event(ann, known, tracked=False, subject="Existing", stamps=marks)
    road.outbox()
    road.subscribe(ann)
    road.settle()
    assert [e["id"] for e in road.events(ann)] == [event]
    assert [r["activityid"] for r in road.appointments(ann)] == [row]
    assert road.outbox() == []


def test_what_nobody_tracks_stays_where_it_is(road: Road) -> None:
    ann = road.person("ann")
    road.add_event(ann, tracked=False, subject="Dentist")
    road.settle()
    assert road.appointments(ann) == []
    assert road.history(ann) == []
