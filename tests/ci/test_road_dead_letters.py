"""A job that the whole service cannot carry out: it dies, is recorded, tells, and its mailbox goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from azure.servicebus import ServiceBusClient, ServiceBusMessage

from tests.marks import rule
from tests.wire.road import Road, running_road

WITHIN = 30.0
DROP = {"action": "drop"}


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    with running_road(tmp_path_factory.mktemp("road") / "rig") as started:
        yield started


def send(road: Road, session: str, text: str) -> None:
    with (
        ServiceBusClient.from_connection_string(road.endpoints["service_bus"]) as client,
        client.get_queue_sender("mailbox-sync") as sender,
    ):
        sender.send_messages(ServiceBusMessage(text, session_id=session))


def letters(road: Road, mailbox: str) -> list[dict[str, Any]]:
    """What the timer has recorded; a job dies within seconds, and the timer is asked until it did."""
    until = time.monotonic() + WITHIN
    while time.monotonic() < until:
        road.local("run-timer", "watch")
        found: list[dict[str, Any]] = road.admin("GET", f"/deadletters?mailbox={mailbox}")["value"]
        if found:
            return found
    raise AssertionError("no job died")


def alerts(road: Road, query: str = "") -> list[tuple[str, int, bool]]:
    found = road.admin("GET", f"/alerts{query}")["value"]
    return [(each["what"], each["count"], each["clearedAt"] is None) for each in found]


@rule("MBX-16", "MBX-19")
def test_a_job_that_dies_is_recorded_and_told_and_its_mailbox_goes_on(road: Road) -> None:
    ann = road.person("ann")
    road.settle()
    send(road, ann.mailbox, "this is no job")
    (letter,) = letters(road, ann.mailbox)
    assert (letter["queue"], letter["reason"], letter["cause"]) == (
        "mailbox-sync",
        "MaxDeliveryCountExceeded",
        None,
    )
    assert letter["body"] == "this is no job"
    assert alerts(road) == [("dead-letters", 1, True)]
    assert "warning: queue mailbox-sync has 1 dead-lettered messages" in road.local("settle")
    road.add_event(ann, subject="Goes on")
    road.settle()
    assert road.only_appointment(ann)["subject"] == "Goes on"

    road.admin("POST", f"/deadletters/{letter['id']}", {"action": "replay"})
    (again,) = letters(road, ann.mailbox)
    assert again["id"] != letter["id"]
    road.admin("POST", f"/deadletters/{again['id']}", {"action": "drop"})
    road.local("run-timer", "watch")
    assert alerts(road) == []
    assert alerts(road, "?all=true") == [("dead-letters", 1, False)]
    assert "warning" not in road.local("settle")


@rule("MBX-16")
def test_its_mailbox_heals_by_the_next_pass_of_the_net(road: Road) -> None:
    """Nobody tells the service of the change, and nobody asks for a pass: only the timers run."""
    ann = road.person("ann")
    road.settle()
    road.control("graph", "POST", "/notifications", {"mode": "drop"})
    road.add_event(ann, subject="While its job died")
    send(road, ann.mailbox, json.dumps({"mailbox": "another's", "cause": "due"}))
    (letter,) = letters(road, ann.mailbox)
    assert letter["cause"] == "due"
    road.local("run-timer", "due_mailboxes")
    road.eventually(lambda: [row["subject"] for row in road.appointments(ann)] == ["While its job died"], 30)
    path = f"/mailboxes/{ann.mailbox}"
    road.eventually(lambda: road.admin("GET", path)["lastError"] is None, within=30)
    road.control("graph", "POST", "/notifications", {"mode": "normal"})
    drop(road, letter)
    assert road.ask("POST", f"{road.endpoints['admin']}/deadletters/{letter['id']}", DROP, ok=(404,))


def test_a_dead_job_outlives_its_mailbox_and_a_job_of_nobody_dies_not(road: Road) -> None:
    ann = road.person("ann")
    road.settle()
    send(road, ann.mailbox, "this is no job")
    letters(road, ann.mailbox)
    road.admin("DELETE", f"/mailboxes/{ann.mailbox}")
    (letter,) = letters(road, ann.mailbox)
    drop(road, letter)
    job = json.dumps({"mailbox": ann.mailbox, "cause": "due"})
    send(road, ann.mailbox, job)
    road.settle()
    road.local("run-timer", "watch")
    assert road.admin("GET", "/deadletters")["value"] == []
    assert alerts(road) == []


def drop(road: Road, letter: dict[str, Any]) -> None:
    road.admin("POST", f"/deadletters/{letter['id']}", DROP)
    road.local("run-timer", "watch")
