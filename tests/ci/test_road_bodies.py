"""The whole road with rich bodies on: HTML both ways, online meetings, and private items."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.marks import rule
from tests.wire.road import Person, Road, parties_of, running_road
from tests.wire.road_series import ZONE, Team, graph_times, local_times, next_change, row_times, weekly

HTML = 'IdType="ImmutableId"'


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    with running_road(tmp_path_factory.mktemp("road") / "rig") as started:
        settings = {"SSSSyncAppointmentIsPrivateFromExchange": True}
        started.organization(appointmentricheditorexperience=True, orgdborgsettings=settings)
        yield started


@pytest.fixture(autouse=True)
def _empty_outbox(road: Road) -> None:
    road.outbox()


def markup(content: str) -> dict[str, str]:
    return {"contentType": "html", "content": content}


def body_of(road: Road, person: Person, event_id: str) -> str:
    """As Outlook shows it."""
    headers = {"Authorization": "Bearer somebody", "Prefer": HTML, "X-Act-As": person.address}
    url = f"{road.endpoints['graph']}/users/{person.mailbox}/events/{event_id}"
    return str(road.ask("GET", url, headers=headers)["body"]["content"])


def taken(road: Road, person: Person, **changes: Any) -> tuple[str, str]:
    """An event and the row that it became."""
    event_id = road.add_event(person, **changes)
    (row,), _ = road.eventually(lambda: road.appointments(person))
    road.settle()
    return event_id, str(row["activityid"])


@rule("APPT-8")
def test_html_travels_both_ways_without_what_is_active(road: Road) -> None:
    ann = road.person("ann")
    content = '<p onclick="x()">Bring <b>coffee</b></p><script>x()</script>'
    event_id, row_id = taken(road, ann, body=markup(content))
    assert (road.appointment(row_id) or {})["description"] == "<div><p>Bring <b>coffee</b></p></div>"
    road.edit_appointment(row_id, description="<div><p>Bring <i>tea</i></p><iframe src='x'></iframe></div>")
    road.eventually(lambda: "<p>Bring <i>tea</i></p>" in body_of(road, ann, event_id))
    assert "iframe" not in body_of(road, ann, event_id)
    road.settle()
    road.edit_event(ann, event_id, body=markup("<p>Bring <u>both</u></p>"))
    road.eventually(lambda: "<u>both</u>" in (road.appointment(row_id) or {})["description"])
    road.settle()
    assert [(r["action"], r["side"]) for r in road.history(ann) if r["action"] == "update"] == [
        ("update", "dynamics"),
        ("update", "exchange"),
    ]


@rule("APPT-8")
def test_an_edit_in_dynamics_keeps_the_meeting_online(road: Road) -> None:
    ann = road.person("ann")
    guest = road.outsider()
    event_id = road.add_event(ann, guest, isOnlineMeeting=True, body=markup("<p>Agenda</p>"))
    (row,), _ = road.eventually(lambda: road.appointments(ann))
    road.settle()
    assert "Join the meeting now" in row["description"]
    edited = row["description"].replace("Agenda", "New agenda").replace("Passcode", "Nothing")
    road.edit_appointment(row["activityid"], description=edited)
    road.eventually(lambda: "New agenda" in body_of(road, ann, event_id))
    road.settle()
    shown = body_of(road, ann, event_id)
    assert shown.count("Passcode") == shown.count("l/meetup-join/") == 1
    assert (road.event(ann, event_id) or {})["isOnlineMeeting"] is True
    assert [kind for kind, _ in road.outbox()] == ["invitation", "update"]


@rule("APPT-8", "PAIN-2")
def test_switching_rich_bodies_off_and_on_writes_nothing(road: Road) -> None:
    ann = road.person("ann")
    event_id, row_id = taken(road, ann, body=markup("<ul><li>one</li><li><b>two</b></li></ul>"))
    before = (road.appointment(row_id), body_of(road, ann, event_id), len(road.history(ann)))
    for rich in (False, True):
        road.organization(appointmentricheditorexperience=rich)
        road.edit_event(ann, event_id, isReminderOn=rich)
        road.settle()
        assert (road.appointment(row_id), body_of(road, ann, event_id), len(road.history(ann))) == before
    assert road.outbox() == []


@rule("APPT-9", "SET-5")
def test_a_private_event_is_masked_until_it_is_normal(road: Road) -> None:
    road.admin("PUT", "/profiles/default", {"privateAppointments": "subjectOnly"}, ok=(200,))
    ann = road.person("ann")
    private = {"subject": "Doctor", "sensitivity": "private", "body": markup("<p>Results</p>")}
    guest = road.outsider("doctor")
    event_id = road.add_event(ann, guest, location={"displayName": "Clinic"}, **private)
    (row,), _ = road.eventually(lambda: road.appointments(ann))
    road.settle()
    assert (row["subject"], row["description"], row["location"]) == ("Private appointment", None, None)
    assert row["ismapiprivate"] is True
    assert {role for role, _, _ in parties_of(row)} == {7}
    told = str([road.history(ann), road.explain(ann, event_id), road.preview(ann)])
    assert not [word for word in ("Doctor", "Results", "Clinic", guest) if word in told]
    road.outbox()
    road.edit_event(ann, event_id, sensitivity="normal")
    road.eventually(lambda: (road.appointment(row["activityid"]) or {})["subject"] == "Doctor")
    road.settle()
    whole = road.appointment(row["activityid"]) or {}
    assert (whole["location"], whole["ismapiprivate"]) == ("Clinic", False)
    assert "Results" in whole["description"]
    event = road.event(ann, event_id) or {}
    assert (event["subject"], event["location"]["displayName"]) == ("Doctor", "Clinic")
    road.admin("PUT", "/profiles/default", {"privateAppointments": "full"}, ok=(200,))


@rule("APPT-9", "APPT-28", "APPT-22")
def test_of_a_private_series_dynamics_gets_the_times_of_its_occurrences_and_may_move_them(road: Road) -> None:
    road.admin("PUT", "/profiles/default", {"privateAppointments": "subjectOnly"}, ok=(200,))
    team, guest = Team(road, road.person("ann", ZONE)), road.outsider("doctor")
    first = next_change(road.now()) - timedelta(days=4)
    days = [first + timedelta(weeks=number) for number in range(4)]
    event = team.add(weekly(first), guest, subject="Doctor", sensitivity="private")
    team.edit(team.occurrence(event, 1), subject="Surgeon", **graph_times(days[1], 14))
    team.cancel(team.occurrence(event, 3))
    road.settle()
    row = team.row_of(event)
    rows = team.instances(row)
    assert local_times(rows) == [f"{days[0]} 09:00", f"{days[1]} 14:00", f"{days[2]} 09:00"]
    assert {each["subject"] for each in rows} == {"Private appointment"}
    road.outbox()
    team.change_instance(rows[2], subject="Seen in Dynamics only", **row_times(days[2], 16))
    road.settle()
    occurrences = team.occurrences(event)
    assert local_times(occurrences) == [f"{days[0]} 09:00", f"{days[1]} 14:00", f"{days[2]} 16:00"]
    assert [each["subject"] for each in occurrences] == ["Doctor", "Surgeon", "Doctor"]
    assert road.outbox() == [("update", [guest])]
    assert [each["subject"] for each in team.instances(row)][2] == "Seen in Dynamics only"
    told = str([road.history(team.person), road.explain(team.person, event), road.preview(team.person)])
    assert not [word for word in ("Doctor", "Surgeon", guest) if word in told]
    road.admin("PUT", "/profiles/default", {"privateAppointments": "full"}, ok=(200,))
