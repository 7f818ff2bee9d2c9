"""Tasks on the whole road: by settling, by push, by the clock alone; and none doubled by a killed host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.marks import rule
from tests.wire.road import Road, running_road, text_of
from tests.wire.road_personal import Desk, address

PROFILE = "/profiles/default"
DONE = 5
OUTLOOK_FILTER = 256


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    with running_road(tmp_path_factory.mktemp("road") / "rig") as started:
        yield started


@pytest.fixture
def ann(road: Road) -> Desk:
    return Desk(road, road.person("ann"))


@rule("TASK-1", "TASK-13")
def test_every_kind_of_activity_is_a_task_and_settling_reads_every_list(road: Road, ann: Desk) -> None:
    ann.add_task("From To Do")
    groceries = ann.add_list("Groceries")
    ann.add_task("From another list", place=groceries)
    ann.add_task("Private", tracked=False)
    for entity_set in ("tasks", "phonecalls", "letters", "faxes"):
        ann.make(entity_set, subject=f"From {entity_set}", scheduledend=text_of(road.noon(5)))
    road.settle()
    assert sorted(r["subject"] for r in ann.rows("tasks")) == [
        "From To Do",
        "From another list",
        "From tasks",
    ]
    activities = ["From faxes", "From letters", "From phonecalls", "From tasks"]
    assert ann.titles() == sorted([*activities, "From To Do", "Private"])
    (made,) = [task for task in ann.tasks() if task["title"] == "From phonecalls"]
    (link,) = made["linkedResources"]
    assert ann.only_row("phonecalls")["activityid"] in link["webUrl"]
    assert made["dueDateTime"]["dateTime"][:10] == f"{road.noon(5):%Y-%m-%d}"


@rule("TASK-3", "TASK-4")
def test_a_task_completed_on_either_side_is_completed_on_the_other(road: Road, ann: Desk) -> None:
    here = ann.add_task("Completed in To Do")
    there = ann.make("tasks", subject="Completed in Dynamics")["activityid"]
    road.settle()
    ann.edit_task(here, status="completed")
    ann.edit("tasks", there, statecode=1, statuscode=DONE)
    road.settle()
    assert {r["subject"]: (r["statecode"], r["statuscode"]) for r in ann.rows("tasks")} == {
        "Completed in To Do": (1, DONE),
        "Completed in Dynamics": (1, DONE),
    }
    assert [task["status"] for task in ann.tasks()] == ["completed", "completed"]


def test_a_row_changed_in_dynamics_arrives_by_the_feed(road: Road, ann: Desk) -> None:
    row = ann.make("tasks", subject="Write the offer")["activityid"]
    (task,), seconds = road.eventually(ann.tasks)
    print(f"Dynamics to To Do by push: {seconds:.2f} s")
    ann.edit("tasks", row, subject="Write another offer")
    road.eventually(lambda: ann.titles() == ["Write another offer"])
    road.settle()
    assert [t["id"] for t in ann.tasks()] == [task["id"]]


@rule("MBX-14")
def test_a_task_changed_in_to_do_arrives_by_the_net_after_twelve_minutes(road: Road, ann: Desk) -> None:
    """Graph tells nobody of tasks, and nothing settles here."""
    task = ann.add_task("Known")
    road.settle()
    (row,) = ann.rows("tasks")
    ann.edit_task(task, title="Changed in To Do")
    road.local("advance", "480")
    road.local("run-timer", "due_mailboxes")
    assert ann.row("tasks", row["activityid"])["subject"] == "Known"
    road.local("advance", "360")
    net(road, ann)
    road.eventually(lambda: ann.row("tasks", row["activityid"])["subject"] == "Changed in To Do")


def net(road: Road, desk: Desk) -> None:
    """What the clock does each minute; until the mailbox was looked at."""
    where = f"/mailboxes/{desk.person.mailbox}"
    before = road.admin("GET", where)["lastPassAt"]
    road.local("run-timer", "due_mailboxes")
    road.eventually(lambda: road.admin("GET", where)["lastPassAt"] != before, within=30)


@rule("TASK-10", "FLT-10")
def test_a_mass_deletion_of_tasks_is_braked_and_going_on_carries_it_out(road: Road, ann: Desk) -> None:
    rows = [ann.make("tasks", subject=f"Activity {n}")["activityid"] for n in range(6)]
    ann.add_task("Kept")
    road.settle()
    road.admin("PUT", PROFILE, {"brake": {"items": 4, "people": 200, "percent": 100}})
    try:
        with road.paused(ann.person):
            for row in rows:
                ann.delete("tasks", row)
        road.settle()
        assert len(ann.tasks()) == 7
        (question,) = road.decisions(ann.person)
        road.admin("POST", f"/decisions/{question['id']}", {"answer": "go-on"})
        road.settle()
    finally:
        road.admin("PUT", PROFILE, {"brake": {"items": 25, "people": 200, "percent": 100}})
    assert ann.titles() == ["Kept"]
    assert road.decisions(ann.person) == []


def test_history_explain_and_preview_know_a_task_by_either_id(road: Road, ann: Desk) -> None:
    task = ann.add_task("Known")
    road.settle()
    row = ann.only_row("tasks")["activityid"]
    history = road.history(ann.person, task)
    assert history
    assert history == road.history(ann.person, row)
    road.admin("POST", f"/mailboxes/{ann.person.mailbox}/pause")
    ann.edit("tasks", row, subject="Renamed")
    for asked_for in (task, row):
        told = road.explain(ann.person, asked_for)
        (action,) = told["actions"]
        assert (action["side"], action["kind"], action["fields"]) == ("exchange", "update", ["subject"])
    assert [a["item"]["exchange"] for a in road.preview(ann.person)["actions"]] == [task]
    assert ann.titles() == ["Known"]


@rule("FLT-4")
def test_a_filter_switched_off_or_on_before_settling_is_read_and_decided_by_it(road: Road, ann: Desk) -> None:
    own = {"$filter": f"_ownerid_value eq {ann.person.user} and querytype eq {OUTLOOK_FILTER}"}
    filters = road.dataverse("GET", "/userqueries", params=own)["value"]
    (usual,) = [each["userqueryid"] for each in filters if each["returnedtypecode"] == "task"]
    ann.edit("userqueries", usual, statecode=1, statuscode=2)
    road.settle()
    ann.make("tasks", subject="Nobody asks for it")
    ann.make("phonecalls", subject="Has a filter of its own")
    road.settle()
    assert ann.titles() == ["Has a filter of its own"]
    ann.edit("userqueries", usual, statecode=0, statuscode=1)
    road.settle()
    assert ann.titles() == ["Has a filter of its own", "Nobody asks for it"]


def test_tasks_off_moves_none_and_on_again_catches_up(road: Road, ann: Desk) -> None:
    task = ann.add_task("Known")
    road.settle()
    row = ann.only_row("tasks")["activityid"]
    road.admin("PUT", PROFILE, {"synchronizeTasks": False})
    try:
        ann.edit_task(task, title="Renamed while off")
        ann.make("tasks", subject="Made while off")
        road.settle()
        assert ann.row("tasks", row)["subject"] == "Known"
        assert ann.titles() == ["Renamed while off"]
    finally:
        road.admin("PUT", PROFILE, {"synchronizeTasks": True})
    road.settle()
    assert ann.row("tasks", row)["subject"] == "Renamed while off"
    assert ann.titles() == ["Made while off", "Renamed while off"]
    assert len(ann.rows("tasks")) == 2


@rule("PAIN-6")
def test_the_host_killed_in_a_first_sync_of_contacts_and_tasks_doubles_nothing(road: Road) -> None:
    ann = Desk(road, road.person("ann", subscribed=False))
    mails = [road.outsider("crash") for _ in range(24)]
    for n, mail in enumerate(mails[:12]):
        ann.add_contact(givenName=f"Out {n}", surname="Look", emailAddresses=address(mail))
        ann.add_task(f"To do {n}")
    for n, mail in enumerate(mails[12:]):
        ann.make("contacts", firstname=f"Dyn {n}", lastname="Amics", emailaddress1=mail)
        ann.make("tasks", subject=f"Activity {n}")
    for part in ("graph", "dataverse"):  # so that there is time to be killed in the middle
        slow = {"match": {"method": "POST"}, "times": 1000, "do": "delay", "seconds": 0.4}
        road.control(part, "POST", "/faults", slow)
    body = {"address": ann.person.address, "dynamicsUser": ann.person.user}
    road.admin("POST", "/mailboxes", body, ok=(201,))
    road.eventually(lambda: everything(ann) - 48, within=60)
    road.local("kill", "functions")
    for part in ("graph", "dataverse"):
        road.control(part, "DELETE", "/faults")
    assert everything(ann) < 96
    road.local("start", "functions")
    road.local("advance", "480")  # nothing that was announced can take effect any more
    road.settle(timeout=150)
    assert sorted(c["emailAddresses"][0]["address"] for c in ann.contacts()) == sorted(mails)
    assert sorted(r["emailaddress1"] for r in ann.rows("contacts")) == sorted(mails)
    expected = sorted([*(f"To do {n}" for n in range(12)), *(f"Activity {n}" for n in range(12))])
    assert ann.titles() == expected
    assert sorted(r["subject"] for r in ann.rows("tasks")) == expected


def everything(desk: Desk) -> int:
    shown = len(desk.contacts()) + len(desk.tasks())
    return shown + len(desk.rows("contacts")) + len(desk.rows("tasks"))
