"""What an administrator sees and does: preview, explain, history, leaving and coming back, settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.marks import rule
from tests.wire.road import Person, Road, address_party, running_road, text_of


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    with running_road(tmp_path_factory.mktemp("road") / "rig") as started:
        yield started


@pytest.fixture(autouse=True)
def _empty_outbox(road: Road) -> None:
    road.outbox()


def versions(road: Road) -> list[Any]:
    return [road.control(part, "GET", "/version") for part in ("graph", "dataverse")]


def linked(road: Road, person: Person, **changes: Any) -> tuple[str, str]:
    event = road.add_event(person, **changes)
    road.settle()
    return event, str(road.only_appointment(person)["activityid"])


@rule("PAIN-2")
def test_preview_while_paused_tells_what_would_happen_and_changes_nothing(road: Road) -> None:
    ann = road.person("ann")
    guest = road.outsider()
    road.admin("POST", f"/mailboxes/{ann.mailbox}/pause")
    event = road.add_event(ann, subject="To Dynamics")
    row = road.add_appointment(ann, address_party(5, guest), subject="To Exchange")
    road.add_event(ann, tracked=False, subject="Private")
    before = versions(road)
    shown = road.preview(ann)
    assert versions(road) == before
    assert shown["complete"] is True
    actions = {(a["side"], a["kind"], a["item"]["subject"]) for a in shown["actions"]}
    assert {("dynamics", "create", "To Dynamics"), ("exchange", "create", "To Exchange")} <= actions
    assert all(action["rules"] for action in shown["actions"])
    assert shown["peopleMailed"] == 1
    assert "Private" not in str(shown)
    road.settle()
    assert [r["activityid"] for r in road.appointments(ann)] == [row]
    assert {e["subject"] for e in road.events(ann)} == {"To Dynamics", "Private"}
    road.admin("POST", f"/mailboxes/{ann.mailbox}/resume")
    road.settle()
    assert len(road.appointments(ann)) == 2
    assert len(road.events(ann)) == 3
    assert road.outbox() == [("invitation", [guest])]
    assert road.event(ann, event) is not None


@rule("LNK-10")
def test_a_conflict_is_decided_and_the_lost_value_is_in_the_history(road: Road) -> None:
    ann = road.person("ann")
    event, row = linked(road, ann)
    road.admin("POST", f"/mailboxes/{ann.mailbox}/pause")
    road.edit_appointment(row, subject="From Dynamics", location="Only Dynamics")
    road.edit_event(ann, event, subject="From Exchange")
    road.admin("POST", f"/mailboxes/{ann.mailbox}/resume")
    road.settle()
    agreed = road.only_event(ann)["subject"]
    assert agreed == road.only_appointment(ann)["subject"]
    lost = {"From Dynamics", "From Exchange"} - {agreed}
    found = [r["lost"]["subject"] for r in road.history(ann, row) if "subject" in r.get("lost", {})]
    assert set(found) == lost
    assert road.only_event(ann)["location"]["displayName"] == "Only Dynamics"
    assert road.history(ann, row) == road.history(ann, event)


def test_explain_says_for_either_id_what_would_happen_and_by_which_rule(road: Road) -> None:
    ann = road.person("ann")
    event, row = linked(road, ann)
    for item in (event, row):
        told = road.explain(ann, item)
        assert told["found"] is True
        assert told["link"]["state"] == "linked"
        assert told["actions"] == []
    road.admin("POST", f"/mailboxes/{ann.mailbox}/pause")
    road.edit_appointment(row, location="Elsewhere")
    told = road.explain(ann, event)
    (action,) = told["actions"]
    assert (action["side"], action["kind"], action["fields"]) == ("exchange", "update", ["location"])
    assert "FLD-5" in action["rules"]
    private = road.add_event(ann, tracked=False, subject="Private")
    told = road.explain(ann, private)
    assert told["skipped"][0]["rules"] == ["APPT-1"]
    assert "Private" not in str(told)


@rule("PAIN-6")
def test_a_mailbox_that_left_keeps_all_items_and_makes_no_doubles_when_it_comes_back(road: Road) -> None:
    ann = road.person("ann")
    guest = road.outsider()
    event = road.add_event(ann, subject="Tracked")
    row = road.add_appointment(ann, address_party(5, guest), subject="Sent")
    road.settle()
    rows = sorted(r["activityid"] for r in road.appointments(ann))
    events = sorted(e["id"] for e in road.events(ann))
    assert len(rows) == len(events) == 2
    road.outbox()
    road.admin("DELETE", f"/mailboxes/{ann.mailbox}", ok=(204,))
    assert road.ask("GET", f"{road.endpoints['admin']}/mailboxes/{ann.mailbox}", ok=(404,))
    road.edit_event(ann, event, subject="Edited while away")
    road.edit_appointment(row, location="Moved while away")
    road.settle()
    assert {r["subject"] for r in road.appointments(ann)} == {"Tracked", "Sent"}
    road.outbox()
    road.subscribe(ann)
    road.settle()
    assert sorted(r["activityid"] for r in road.appointments(ann)) == rows
    assert sorted(e["id"] for e in road.events(ann)) == events
    assert {r["subject"] for r in road.appointments(ann)} == {"Edited while away", "Sent"}
    assert {e["location"]["displayName"] for e in road.events(ann)} == {"", "Moved while away"}
    assert [kind for kind, _ in road.outbox()] == ["update"]


@rule("MBX-3")
def test_subscribing_twice_is_harmless_and_wrong_people_are_refused_in_plain_words(road: Road) -> None:
    ann, bob = road.person("ann"), road.person("bob", subscribed=False)
    url = f"{road.endpoints['admin']}/mailboxes"
    again = road.ask("POST", url, {"address": ann.address, "dynamicsUser": ann.address}, ok=(200,))
    assert again["id"] == ann.mailbox
    for body, status in (
        ({"address": "nobody@contoso.example", "dynamicsUser": ann.user}, 404),
        ({"address": bob.address, "dynamicsUser": "nobody@contoso.example"}, 404),
        ({"address": bob.address, "dynamicsUser": ann.user}, 409),
        ({"address": ann.address, "dynamicsUser": bob.user}, 409),
    ):
        refused = road.ask("POST", url, body, ok=(status,))
        assert len(refused["error"]["message"]) > 20


@rule("SET-12")
def test_a_changed_organization_setting_holds_after_a_minute(road: Road) -> None:
    ann = road.person("ann")
    switch = "TrackCategorizedItems"
    road.organization(orgdborgsettings={switch: False})
    try:
        road.add_event(ann, subject="Categorised")
        road.settle()
        assert road.appointments(ann) == []
    finally:
        road.organization(orgdborgsettings={switch: None})
    road.edit_event(ann, road.only_event(ann)["id"], subject="Categorised again")
    road.settle()
    assert [row["subject"] for row in road.appointments(ann)] == ["Categorised again"]


def answered(road: Road, person: Person, text: str) -> str:
    """The only question is answered; what it was."""
    (question,) = road.decisions(person)
    assert question["kind"] == "scheduling"
    road.admin("POST", f"/decisions/{question['id']}", {"answer": text})
    road.settle()
    assert road.decisions(person) == []
    return str(question["question"])


@rule("APPT-29", "PAIN-4")
def test_a_busy_person_is_warned_about_or_asked_about_as_the_profile_wants(road: Road) -> None:
    ann, bob = road.person("ann"), road.person("bob", subscribed=False)
    road.edit_appointment(road.add_appointment(bob, subject="Busy"), statecode=3, statuscode=5)
    event = road.add_event(ann, bob.address, subject="Warned")
    road.settle()
    row = road.only_appointment(ann)
    (warning,) = [r for r in road.history(ann, event) if r["action"] == "warn"]
    assert (warning["rules"], "Bob is busy on" in warning["reason"]) == (["APPT-29"], True)
    assert road.decisions(ann) == []
    road.admin("PUT", "/profiles/default", {"schedulingConflicts": "ask"})
    try:
        road.edit_event(ann, event, **road.times(road.noon(4)))
        road.settle()
        assert road.decisions(ann) == []
        road.edit_event(ann, event, **road.times(road.noon()))
        road.add_event(ann, subject="Neighbour", **road.times(road.noon(5)))
        road.settle()
        assert {r["subject"] for r in road.appointments(ann)} == {"Warned", "Neighbour"}
        assert "waits for an administrator: Bob is busy" in road.explain(ann, event)["sentence"]
        assert "Bob is busy on" in answered(road, ann, "drop")
        kept = road.appointment(row["activityid"])
        assert kept is not None
        assert kept["scheduledstart"] == text_of(road.noon(4))
        asked = road.add_event(ann, bob.address, subject="Asked")
        road.settle()
        assert road.explain(ann, asked)["link"] is None
        answered(road, ann, "go-on")
        assert "Asked" in {r["subject"] for r in road.appointments(ann)}
        dropped = road.add_event(ann, bob.address, subject="Dropped")
        road.settle()
        answered(road, ann, "drop")
        assert road.explain(ann, dropped)["link"]["state"] == "untracked by decision"
        assert "Dropped" not in {r["subject"] for r in road.appointments(ann)}
        assert {kind for kind, _ in road.outbox()} <= {"invitation", "update"}
    finally:
        road.admin("PUT", "/profiles/default", {"schedulingConflicts": "warn"})
