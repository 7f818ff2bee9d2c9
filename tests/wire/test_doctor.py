"""The doctor on the local rig: a healthy one, and one fault after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from local.service_bus.broker import Broker
from local.service_bus.definitions import load_definitions
from shared.doctor import queues
from shared.doctor.__main__ import asked, look, main
from shared.doctor.finding import Level
from shared.jobs.connection import connect
from tests.wire.conftest import free_port
from tests.wire.road import Road, running_road

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    with running_road(tmp_path_factory.mktemp("doctor") / "rig") as started:
        started.person("ann")
        started.settle()
        yield started


def failures(road: Road) -> dict[str, str]:
    """What failed, by check, with the sentence and its fix; the exit code says so too."""
    shown = road.admin("POST", "/doctor")["value"]
    assert all(row["sentence"] for row in shown)
    found = [row for row in shown if row["level"] == "failed"]
    assert all(row["fix"] for row in found)
    return {row["check"]: f"{row['sentence']} {row['fix']}" for row in found}


def test_a_healthy_rig_has_nothing_to_mend_and_the_exit_code_says_so(road: Road) -> None:
    shown = road.local("doctor")
    assert "Nothing failed." in shown
    assert "Graph reached the edge" in shown
    assert "fix:" not in shown.replace("push", ""), "nothing to mend besides a push that nobody set up"


def test_it_leaves_nothing_behind(road: Road) -> None:
    """No subscription, no message, no mail."""

    def subscriptions() -> list[str]:
        headers = {"Authorization": "Bearer app"}
        url = f"{road.endpoints['graph']}/subscriptions"
        return [row["id"] for row in road.ask("GET", url, headers=headers)["value"]]

    before = subscriptions()
    assert failures(road) == {}
    assert subscriptions() == before
    assert road.outbox() == []


@pytest.mark.parametrize(
    ("part", "match", "times", "check", "says"),
    [
        ("graph", "/subscriptions", 1, "exchange", "graph_permissions.py"),
        ("graph", "mailboxSettings", 1, "exchange", "MailboxSettings.Read"),
        ("graph", "/calendars", 1, "exchange", "Calendars.ReadWrite"),
        ("graph", "/contactFolders", 1, "exchange", "needs Contacts.ReadWrite"),
        ("graph", "/todo/lists", 1, "exchange", "synchronizeTasks to false"),
        ("dataverse", "WhoAmI", 1, "dynamics", "dataverse_user.py"),
        ("dataverse", "EntityDefinitions", 1, "dynamics", "dataverse_user.py"),
        ("dataverse", "/recurringappointmentmasters", 1, "dynamics", "change feed"),
        ("dataverse", "/organizations", 1, "dynamics", "settings cannot be read"),
        ("dataverse", "/contacts?$select=contactid&$top=1", 1, "dynamics", "contacts of the user"),
        ("dataverse", "/tasks?$select=activityid&$top=1", 1, "dynamics", "tasks of the user"),
        ("dataverse", "/letters?$select", 1, "dynamics", "change feed of letter"),
        ("dataverse", "/appointments?$select=activityid&$top=1", 1, "dynamics", "act for the user"),
    ],
)
def test_a_permission_that_is_missing_is_named_with_its_fix(
    road: Road, part: str, match: str, times: int, check: str, says: str
) -> None:
    fault = {"match": {"pathContains": match}, "times": times, "do": "status:403"}
    road.control(part, "POST", "/faults", fault)
    try:
        found = failures(road)
    finally:
        road.control(part, "DELETE", "/faults")
    assert says in found[check], found


def test_an_edge_that_graph_cannot_reach_is_found(road: Road) -> None:
    """Graph's call comes to an address where nobody answers."""
    road.control("graph", "POST", "/faults", {"match": {"method": "POST"}, "times": 1, "do": "status:400"})
    try:
        assert "api/health" in failures(road)["notifications"]
    finally:
        road.control("graph", "DELETE", "/faults")


def test_a_clock_that_is_wrong_is_found(road: Road) -> None:
    road.control("dataverse", "POST", "/clock", {"advanceSeconds": 600})
    found = failures(road)
    assert "seconds behind" in found["clock"]
    road.local("advance", "600")  # the stand-in is ahead of the rest for good
    road.settle()


def test_two_services_in_one_mailbox_are_found(road: Road) -> None:
    rows = road.dataverse("GET", "/mailboxes?$select=mailboxid,emailaddress")["value"]
    (row,) = [each for each in rows if str(each["emailaddress"]).startswith("ann")]
    path = f"/mailboxes({row['mailboxid']})"
    road.dataverse("PATCH", path, {"actdeliverymethod": 1, "enabledforact": True})
    assert "LNK-5" in failures(road)["dynamics"]
    road.dataverse("PATCH", path, {"actdeliverymethod": 2, "enabledforact": False})


def test_a_worker_that_stands_still_is_found(road: Road) -> None:
    """Its timers do not fire here; an hour passes."""
    road.local("advance", "3600")
    found = failures(road)
    assert "minutes ago" in found["mailboxes"]
    assert "last read" in found["feed"]
    road.settle()


def test_subscriptions_that_end_soon_are_found(road: Road) -> None:
    road.local("advance", str(6 * 86400 + 20 * 3600))
    road.settle()
    assert "end within 12 h" in failures(road)["subscriptions"]
    road.local("run-timer", "renew_subscriptions")
    assert "subscriptions" not in failures(road)


def test_tables_that_cannot_be_reached_are_found_and_the_exit_code_is_one(road: Road) -> None:
    road.local("kill", "tables")
    try:
        shown = road.local("doctor", expected=1)
        assert "FAILED" in shown
        assert "fix:" in shown
    finally:
        road.local("start", "tables")


# --- settings and the command line ----------------------------------------------------------------


async def test_missing_settings_are_told_one_by_one() -> None:
    found = await look({"SYNC_ROLE": "worker"})
    assert {each.level for each in found} == {Level.FAILED}
    assert any("DATAVERSE_URL is missing" in each.sentence for each in found)
    assert all("docs/settings.md" in each.fix for each in found)


def test_the_deployed_worker_is_asked_by_its_address(road: Road) -> None:
    found = asked(str(road.endpoints["admin"]), None)
    assert {"settings", "queues", "dynamics"} <= {each.check for each in found}


def test_an_address_where_nobody_answers_is_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--url", f"http://127.0.0.1:{free_port()}/api/admin"]) == 2
    assert "cannot look" in capsys.readouterr().err


# --- queue flags ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"requires_session": False}, "no sessions"),
        ({"duplicate_window": None}, "keeps repeated messages"),
        ({"lock_seconds": 60.0}, "less than 240 seconds"),
        ({}, "as they should be"),
    ],
)
async def test_a_queue_with_wrong_flags_is_found(changes: dict[str, Any], says: str) -> None:
    definitions = [replace(each, **changes) for each in load_definitions()]
    async with (
        Broker(definitions, port=free_port()) as broker,
        connect(broker.connection_string, "", None) as client,
    ):
        found = await queues._queue(client, "mailbox-sync", lambda: datetime.now(UTC))
    assert any(says in each.sentence for each in found), found
