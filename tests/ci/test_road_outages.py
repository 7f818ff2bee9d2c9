"""What an administrator fears: a deployment in the middle of passes, and hours without Service Bus or Table
Storage. Nothing dies of it, and everything goes on by itself: no test here settles before it looks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure.servicebus import ServiceBusClient, ServiceBusMessage

from local.rig.directory import RigDirectory
from local.rig.processes import wait_for
from local.rig.record import running_record
from tests.marks import rule
from tests.wire.road import Person, Road, running_road

HOUR = 3600
QUEUE = "mailbox-sync"
SLOW_SECONDS = 3.0
DRAINED_WITHIN = 20.0


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    with running_road(tmp_path_factory.mktemp("road") / "rig") as started:
        yield started


@pytest.fixture
def ann(road: Road) -> Iterator[Person]:
    """Settled, and nobody tells the service of changes in Exchange."""
    person = road.person("ann")
    road.settle()
    road.control("graph", "POST", "/notifications", {"mode": "drop"})
    yield person
    road.control("graph", "POST", "/notifications", {"mode": "normal"})
    road.settle()


def ask_for_pass(road: Road, *people: Person) -> None:
    """As a notification does: the net asks for calendars only when it is their time."""
    with (
        ServiceBusClient.from_connection_string(road.endpoints["service_bus"]) as client,
        client.get_queue_sender(QUEUE) as sender,
    ):
        for person in people:
            body = json.dumps({"mailbox": person.mailbox, "cause": "notification"})
            sender.send_messages(ServiceBusMessage(body, session_id=person.mailbox))


def queue(road: Road) -> dict[str, Any]:
    port = running_record(RigDirectory(road.directory)).ports.service_bus_control
    rows = road.ask("GET", f"http://127.0.0.1:{port}/_control/queues")["value"]
    return dict(next(row for row in rows if row["name"] == QUEUE))


def waits(road: Road, number: int) -> Callable[[], bool]:
    """So many jobs wait for their time, and none is being tried."""

    def look() -> bool:
        counts = queue(road)
        assert counts["deadLettered"] == 0
        return (counts["active"], counts["locked"], counts["scheduled"]) == (0, 0, number)

    return look


def subjects(road: Road, person: Person) -> set[str]:
    return {row["subject"] for row in road.appointments(person)}


@rule("MBX-16")
@pytest.mark.parametrize("cold", [False, True], ids=["warm", "started without it"])
def test_jobs_wait_while_table_storage_is_away_and_none_dies(road: Road, ann: Person, cold: bool) -> None:
    bob = road.person("bob")
    road.settle()
    for person in (ann, bob):
        road.add_event(person, subject="Made meanwhile")
    road.local("kill", "tables")
    if cold:
        road.local("kill", "functions")
        road.local("start", "functions")
    ask_for_pass(road, ann, bob)
    for _ in range(12):  # more often than a message may fail
        road.eventually(waits(road, 2), within=30)
        road.local("advance", str(HOUR / 12))
    road.eventually(waits(road, 2), within=30)
    road.local("start", "tables")
    road.local("advance", str(HOUR / 3))  # in the end jobs come back every quarter of an hour
    for person in (ann, bob):
        road.eventually(lambda person=person: subjects(road, person) == {"Made meanwhile"}, within=30)
    road.local("run-timer", "watch")
    assert road.admin("GET", "/deadletters")["value"] == []


@rule("MBX-14", "MBX-16")
def test_an_hour_without_service_bus_is_made_up_for_by_the_timers(road: Road, ann: Person) -> None:
    road.add_event(ann, subject="From Exchange")
    road.local("kill", "service_bus")
    row = road.add_appointment(ann, subject="From Dynamics")
    road.local("run-timer", "due_mailboxes", expected=0)
    road.local("advance", str(HOUR))
    failed = road.local("run-timer", "due_mailboxes", expected=1)
    assert "nothing sent to mailbox-sync" in failed
    road.local("run-timer", "dynamics_feed", expected=1)
    road.local("start", "service_bus")
    for name in ("due_mailboxes", "dynamics_feed"):
        road.local("run-timer", name)
    road.eventually(lambda: subjects(road, ann) == {"From Exchange", "From Dynamics"}, within=30)
    road.eventually(lambda: len(road.events(ann)) == 2, within=30)
    assert row in {each["activityid"] for each in road.appointments(ann)}


def test_a_worker_that_starts_without_service_bus_serves_the_administrator(road: Road, ann: Person) -> None:
    road.local("kill", "service_bus")
    road.local("kill", "functions")
    road.local("start", "functions")
    assert road.admin("GET", f"/mailboxes/{ann.mailbox}")["state"] == "active"
    road.add_event(ann, subject="Made meanwhile")
    road.local("start", "service_bus")
    road.admin("POST", f"/mailboxes/{ann.mailbox}/sync")
    road.eventually(lambda: subjects(road, ann) == {"Made meanwhile"}, within=30)


@pytest.mark.parametrize("seconds", [SLOW_SECONDS, 15.0], ids=["within the grace", "longer than the grace"])
def test_a_deployment_in_the_middle_of_a_pass_costs_a_repeat_at_most(
    road: Road, ann: Person, seconds: float
) -> None:
    guest = road.outsider()
    road.outbox()
    road.add_event(ann, guest, subject="Made meanwhile")
    slow = {"match": {"pathContains": "appointments"}, "times": 1, "do": "delay", "seconds": seconds}
    road.control("dataverse", "POST", "/faults", slow)
    ask_for_pass(road, ann)
    road.eventually(lambda: queue(road)["locked"] == 1, within=30)
    time.sleep(0.5)
    process = running_record(RigDirectory(road.directory)).processes["functions"]
    process.terminate()
    wait_for(lambda: not process.alive(), DRAINED_WITHIN, "the functions host does not stop")
    if seconds == SLOW_SECONDS:
        assert subjects(road, ann) == {"Made meanwhile"}
        assert (queue(road)["active"], queue(road)["locked"]) == (0, 0)
    road.local("start", "functions")
    road.eventually(lambda: subjects(road, ann) == {"Made meanwhile"}, within=60)
    road.settle()
    assert len(road.appointments(ann)) == len(road.events(ann)) == 1
    assert road.outbox() == [("invitation", [guest])]
    assert road.admin("GET", "/deadletters")["value"] == []
