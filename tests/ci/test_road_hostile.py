"""The whole road in a hostile world: dead tokens, lost pushes, faults, odd items, other zones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.marks import rule
from tests.wire.road import CATEGORY, Json, Person, Road, address_party, running_road, stamps_of, text_of


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    with running_road(tmp_path_factory.mktemp("road") / "rig") as started:
        yield started


@pytest.fixture(autouse=True)
def _calm(road: Road) -> Iterator[None]:
    road.outbox()
    yield
    for part in ("graph", "dataverse"):
        road.control(part, "DELETE", "/faults")
    road.control("graph", "POST", "/notifications", {"mode": "normal"})


def pair(road: Road, person: Person) -> tuple[str, str]:
    event = road.add_event(person)
    road.settle()
    return event, str(road.only_appointment(person)["activityid"])


# --- tokens and pushes ----------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["graph", "dataverse"])
def test_dead_tokens_lose_nothing(road: Road, part: str) -> None:
    ann = road.person("ann")
    event, row = pair(road, ann)
    other = road.add_event(ann, subject="To be deleted")
    road.settle()
    road.edit_event(ann, event, subject="Changed in Exchange")
    road.edit_appointment(row, location="Changed in Dynamics")
    road.delete_event(ann, other)
    road.control(part, "POST", "/expire-delta")
    road.settle()
    (left,) = road.appointments(ann)
    assert (left["subject"], left["location"]) == ("Changed in Exchange", "Changed in Dynamics")
    assert road.only_event(ann)["location"]["displayName"] == "Changed in Dynamics"


@pytest.mark.parametrize("mode", ["drop", "delay"])
def test_lost_repeated_and_late_notifications_make_no_difference(road: Road, mode: str) -> None:
    ann = road.person("ann")
    road.settle()
    road.control("graph", "POST", "/notifications", {"mode": mode, "seconds": 1})
    event = road.add_event(ann, subject="First")
    road.settle()
    road.edit_event(ann, event, subject="Second")
    road.settle()
    assert road.only_appointment(ann)["subject"] == "Second"


# --- faults ---------------------------------------------------------------------------------------

THROTTLED = {"do": "status:429", "retryAfter": 1}
AWAY = {"do": "status:503"}
LOST = {"do": "drop-after"}
NAMES = {"status:429": "throttled", "status:503": "away", "drop-after": "lost"}


@pytest.mark.parametrize(
    ("method", "fault"),
    [("POST", THROTTLED), ("POST", AWAY), ("POST", LOST), ("PATCH", LOST)],
    ids=lambda value: value if isinstance(value, str) else NAMES[value["do"]],
)
def test_faults_of_exchange_neither_double_nor_invite_twice(road: Road, method: str, fault: Json) -> None:
    ann, guest = road.person("ann"), road.outsider()
    road.settle()
    row = road.add_appointment(ann, address_party(5, guest))
    if method == "PATCH":
        road.settle()
        road.edit_appointment(row, location="Elsewhere")
    rule_ = {"match": {"method": method, "pathContains": "/events"}, "times": 2, **fault}
    road.control("graph", "POST", "/faults", rule_)
    road.settle(timeout=100)
    event = road.only_event(ann)
    expected = [("invitation", [guest])]
    if method == "PATCH":
        assert event["location"]["displayName"] == "Elsewhere"
        expected.append(("update", [guest]))
    assert road.outbox() == expected


@pytest.mark.parametrize("fault", [AWAY, LOST], ids=lambda fault: NAMES[fault["do"]])
def test_faults_of_dataverse_neither_double_nor_lose(road: Road, fault: Json) -> None:
    ann = road.person("ann")
    road.settle()
    road.control("dataverse", "POST", "/faults", {"match": {"method": "PATCH"}, "times": 2, **fault})
    event = road.add_event(ann, subject="Created under fire")
    road.settle(timeout=100)
    row = road.only_appointment(ann)
    assert row["subject"] == "Created under fire"
    road.control("dataverse", "POST", "/faults", {"match": {"method": "PATCH"}, "times": 2, **fault})
    road.edit_event(ann, event, subject="Changed under fire")
    road.settle(timeout=100)
    assert road.only_appointment(ann)["subject"] == "Changed under fire"


# --- time -----------------------------------------------------------------------------------------


@rule("APPT-10", "FLD-1")
@pytest.mark.parametrize(
    ("windows", "iana"),
    [
        ("Pacific Standard Time", "America/Los_Angeles"),
        ("Tokyo Standard Time", "Asia/Tokyo"),
    ],
)
def test_all_day_items_keep_their_days_both_ways(road: Road, windows: str, iana: str) -> None:
    ann = road.person("ann", windows)
    day = (road.noon(5)).date()
    edges = {
        name: {"dateTime": f"{each}T00:00:00", "timeZone": windows}
        for name, each in (("start", day), ("end", day + timedelta(days=2)))
    }
    road.add_event(ann, subject="Fair", isAllDay=True, **edges)
    road.settle()
    row = road.only_appointment(ann)
    zone = ZoneInfo(iana)
    midnight = (
        road.noon(5)
        .astimezone(zone)
        .replace(year=day.year, month=day.month, day=day.day, hour=0, minute=0, second=0, microsecond=0)
    )
    assert row["isalldayevent"] is True
    assert row["scheduledstart"] == text_of(midnight)
    start = (midnight + timedelta(days=1)).replace(hour=0)
    road.edit_appointment(
        row["activityid"], scheduledstart=text_of(start), scheduledend=text_of(start + timedelta(days=1))
    )
    road.settle()
    event = road.only_event(ann)
    assert event["isAllDay"] is True
    assert event["start"]["dateTime"][:10] == str(day + timedelta(days=1))
    assert event["end"]["dateTime"][:10] == str(day + timedelta(days=2))


@rule("APPT-22", "APPT-26")
def test_a_past_appointment_arrives_and_invites_nobody(road: Road) -> None:
    ann, guest = road.person("ann"), road.outsider()
    start = road.noon(-2)
    row = road.add_appointment(
        ann,
        address_party(5, guest),
        scheduledstart=text_of(start),
        scheduledend=text_of(start + timedelta(hours=1)),
    )
    road.settle()
    assert road.only_event(ann)["attendees"] == []
    road.edit_appointment(row, location="Where it was")
    road.settle()
    assert road.only_event(ann)["location"]["displayName"] == "Where it was"
    assert (road.appointment(row) or {})["appointment_activity_parties"]
    assert road.outbox() == []


@rule("APPT-23")
def test_an_update_of_a_past_meeting_is_held_back_and_explained(road: Road) -> None:
    ann, guest = road.person("ann"), road.outsider()
    event = road.add_event(ann, guest, **road.times(road.noon(-2)))
    road.settle()
    row = str(road.only_appointment(ann)["activityid"])
    road.outbox()
    road.edit_appointment(row, location="Too late")
    road.settle()
    assert road.outbox() == []
    explained = road.explain(ann, event)
    assert any("APPT-23" in skip["rules"] for skip in explained["skipped"])


# --- odd items ------------------------------------------------------------------------------------


@rule("LNK-7")
def test_a_copied_item_stays_a_copy(road: Road) -> None:
    ann = road.person("ann")
    event, _ = pair(road, ann)
    road.control("graph", "POST", "/copy", {"user": ann.address, "kind": "event", "id": event})
    road.settle()
    assert len(road.events(ann)) == 2
    assert len(road.appointments(ann)) == 1


@rule("LNK-6")
def test_an_item_of_another_organization_is_left_alone(road: Road) -> None:
    ann = road.person("ann")
    foreign = {"crmLinkState": "2", "crmorgid": "{99999999-9999-4999-8999-999999999999}"}
    road.add_event(ann, stamps=foreign, tracked=False)
    road.settle()
    assert road.appointments(ann) == []


@rule("LNK-3", "LNK-4", "LNK-5")
@pytest.mark.parametrize("state", ["1", "2"])
def test_an_item_that_the_app_tracked_arrives(road: Road, state: str) -> None:
    ann = road.person("ann")
    road.add_event(ann, stamps={"crmLinkState": state}, tracked=False)
    road.settle()
    row = road.only_appointment(ann)
    stamps = stamps_of(road.only_event(ann))
    assert stamps["crmid"].strip("{}").lower() == row["activityid"]
    assert float(stamps["crmLinkState"]) == 2


@rule("FLD-10", "FLD-5")
def test_a_long_text_is_cut_and_does_not_come_back(road: Road) -> None:
    ann = road.person("ann")
    road.add_event(ann, subject="é" * 250, location={"displayName": "x" * 230})
    road.settle()
    row = road.only_appointment(ann)
    assert (row["subject"], row["location"]) == ("é" * 200, "x" * 200)
    road.edit_appointment(row["activityid"], description="Only the body")
    road.settle()
    event = road.only_event(ann)
    assert event["subject"] == "é" * 250
    assert event["location"]["displayName"] == "x" * 230


@rule("APPT-2")
def test_an_own_second_calendar_counts_and_one_that_cannot_be_edited_does_not(road: Road) -> None:
    ann = road.person("ann")
    sales = road.graph(ann, "POST", "/calendars", {"name": "Sales"})["id"]
    meeting = {"subject": "In Sales", "categories": [CATEGORY], **road.times(road.noon())}
    road.graph(ann, "POST", f"/calendars/{sales}/events", meeting)
    road.admin("POST", f"/mailboxes/{ann.mailbox}/sync")
    road.settle()
    assert road.only_appointment(ann)["subject"] == "In Sales"
    road.edit_appointment(road.only_appointment(ann)["activityid"], subject="Renamed")
    road.settle()
    (event,) = road.graph(ann, "GET", f"/calendars/{sales}/events")["value"]
    assert event["subject"] == "Renamed"


@rule("APPT-31", "APPT-18", "APPT-24")
def test_a_closed_appointment_takes_nothing_and_a_canceled_one_cancels_nothing(road: Road) -> None:
    ann, guest = road.person("ann"), road.outsider()
    event = road.add_event(ann, guest)
    road.settle()
    row = str(road.only_appointment(ann)["activityid"])
    road.edit_appointment(row, statecode=2, statuscode=4)
    road.settle()
    assert road.only_event(ann)["showAs"] == "free"
    road.edit_event(ann, event, subject="Too late")
    road.settle()
    assert (road.appointment(row) or {})["subject"] == "Review"
    assert "cancellation" not in [kind for kind, _ in road.outbox()]


def test_time_that_flies_breaks_no_lock_for_good(road: Road) -> None:
    ann = road.person("ann")
    event, row = pair(road, ann)
    road.edit_event(ann, event, subject="Before")
    road.local("advance", "3600")
    road.edit_appointment(row, location="After")
    road.settle()
    shown = road.only_event(ann)
    assert (shown["subject"], shown["location"]["displayName"]) == ("Before", "After")
