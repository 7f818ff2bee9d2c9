"""The rig's commands, as `rig-interface` promises them to tools outside the project."""

import json
import os
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from azure.core.exceptions import AzureError
from azure.data.tables import TableServiceClient

from tests.wire.running_rig import Rig, running_rig

KEYS = {"graph", "graph_control", "dataverse", "dataverse_control", "functions", "admin"}
PARTS = {"functions", "service_bus", "tables", "exchange", "dataverse"}
PERSON = {"userPrincipalName": "anna@example.com", "displayName": "Anna"}
USER = {"internalemailaddress": "anna@example.com", "fullname": "Anna"}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_rig(tmp_path_factory.mktemp("rig") / "local") as started:
        yield started


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def tables(rig: Rig) -> TableServiceClient:
    return TableServiceClient.from_connection_string(rig.endpoints["table_storage"], retry_total=0)


def test_up_writes_the_endpoints_and_every_part_answers(rig: Rig) -> None:
    endpoints = rig.endpoints
    assert endpoints.keys() == KEYS | {"table_storage", "service_bus", "pids"}
    assert endpoints["pids"].keys() == PARTS
    assert all(alive(pid) for pid in endpoints["pids"].values())
    assert endpoints["graph"].endswith("/v1.0")
    assert endpoints["dataverse"].endswith("/api/data/v9.2")
    assert endpoints["admin"] == endpoints["functions"] + "/api/admin"
    assert rig.get("graph_control", "/requests")["total"] == 0
    assert rig.get("dataverse_control", "/requests")["total"] == 0
    assert list(tables(rig).list_tables()) == []


def test_the_app_gets_its_settings_and_those_of_the_command_line(rig: Rig) -> None:
    settings = rig.get("functions", "/api/seen")["settings"]
    assert settings["DATAVERSE_URL"] + "/api/data/v9.2" == rig.endpoints["dataverse"]
    assert settings["GRAPH_BASE_URL"] == rig.endpoints["graph"]
    assert settings["PUBLIC_BASE_URL"] == rig.endpoints["functions"]
    assert settings["STATE_TABLES"] == rig.endpoints["table_storage"]
    assert settings["ServiceBus"] == rig.endpoints["service_bus"]
    assert (settings["SYNC_ROLE"], settings["ADMIN_AUTH"]) == ("all", "loopback")
    assert len(settings["DATAVERSE_WEBHOOK_KEY"]) >= 32
    assert settings["DYNAMICS_FEED_SCHEDULE"] == "0 0 0 1 1 *"


def test_up_again_changes_nothing(rig: Rig) -> None:
    before = rig.endpoints
    assert "is up" in rig.up()
    assert rig.endpoints == before


def test_run_timer_runs_it_and_returns_when_it_has_finished(rig: Rig) -> None:
    before = len(rig.get("functions", "/api/seen")["timers"])
    rig.run("run-timer", "renew_subscriptions")
    assert rig.get("functions", "/api/seen")["timers"][before:] == ["renew_subscriptions"]


def test_run_timer_names_the_timers_there_are(rig: Rig) -> None:
    shown = rig.run("run-timer", "nope", expected=1)
    assert "due_mailboxes, dynamics_feed, renew_subscriptions" in shown


@pytest.mark.parametrize("part", sorted(PARTS - {"tables"}))
def test_a_killed_part_is_gone_and_comes_back_on_its_port(rig: Rig, part: str) -> None:
    before = rig.endpoints
    rig.run("kill", part)
    assert not alive(before["pids"][part])
    rig.run("start", part)
    after = rig.endpoints
    assert alive(after["pids"][part])
    assert {**after, "pids": 0} == {**before, "pids": 0}
    assert rig.get("functions", "/admin/host/status")["state"] == "Running"


def test_what_a_stand_in_acknowledged_survives_its_kill(rig: Rig) -> None:
    rig.post("graph_control", "/users", PERSON)
    rig.post("dataverse_control", "/users", USER)
    versions = [rig.get(part, "/version")["version"] for part in ("graph_control", "dataverse_control")]
    for part in ("exchange", "dataverse"):
        rig.run("kill", part)
        rig.run("start", part)
    assert [rig.get(p, "/version")["version"] for p in ("graph_control", "dataverse_control")] == versions


def test_killed_tables_cut_and_refuse_connections_and_keep_their_data(rig: Rig) -> None:
    with tables(rig) as client:
        client.create_table("kept")
        rig.run("kill", "tables")
        with pytest.raises(AzureError):
            list(client.list_tables())
    rig.run("start", "tables")
    with tables(rig) as client:
        assert [table.name for table in client.list_tables()] == ["kept"]


def test_start_of_a_running_part_is_harmless(rig: Rig) -> None:
    before = rig.endpoints
    assert "is running" in rig.run("start", "exchange")
    assert rig.endpoints == before


def test_advance_moves_the_clock_of_all_parts(rig: Rig) -> None:
    def stand_in_now(part: str) -> float:
        now = rig.post(part, "/clock", {"advanceSeconds": 0})["now"]
        return datetime.fromisoformat(now).timestamp()

    rig.run("advance", "3600")
    rig.run("advance", "1800")
    assert stand_in_now("graph_control") - time.time() == pytest.approx(5400, abs=30)
    assert stand_in_now("dataverse_control") - time.time() == pytest.approx(5400, abs=30)


def test_the_clock_does_not_go_back(rig: Rig) -> None:
    assert "only moves forward" in rig.run("advance", "-5", expected=1)


def test_two_rigs_run_side_by_side(rig: Rig, tmp_path: Path) -> None:
    with running_rig(tmp_path / "local") as other:
        ours, theirs = rig.endpoints, other.endpoints
        assert not set(ours["pids"].values()) & set(theirs["pids"].values())
        assert ours["functions"] != theirs["functions"]
    assert rig.get("functions", "/admin/host/status")["state"] == "Running"


def test_down_stops_everything_and_keep_finds_the_data_again(tmp_path: Path) -> None:
    with running_rig(tmp_path / "local") as rig:
        rig.post("graph_control", "/users", PERSON)
        version = rig.get("graph_control", "/version")["version"]
        with tables(rig) as client:
            client.create_table("kept")
        before = rig.endpoints
        rig.run("down")
        assert "nothing was up" in rig.run("down")
        assert not any(alive(pid) for pid in before["pids"].values())
        assert not (rig.directory / "endpoints.json").exists()

        rig.up("--keep")
        assert {**rig.endpoints, "pids": 0} == {**before, "pids": 0}, "data holds addresses: same ports"
        assert rig.get("graph_control", "/version")["version"] == version
        with tables(rig) as client:
            assert [table.name for table in client.list_tables()] == ["kept"]

        rig.run("down")
        rig.up()
        assert rig.get("graph_control", "/version")["version"] < version


def test_up_starts_what_was_killed_from_outside(tmp_path: Path) -> None:
    with running_rig(tmp_path / "local") as rig:
        os.kill(rig.endpoints["pids"]["exchange"], signal.SIGKILL)
        assert "started exchange again" in rig.up()
        assert rig.get("graph_control", "/requests")["total"] == 0


def test_without_a_rig_the_commands_say_so(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "local")
    for command in (["settle"], ["run-timer", "due_mailboxes"], ["advance", "5"], ["kill", "exchange"]):
        assert "not up" in rig.run(*command, expected=1)


def test_up_that_fails_leaves_nothing_running(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "local")
    shown = rig.run("up", "--empty", "--env", "DYNAMICS_FEED_SCHEDULE=never", expected=1)
    assert "the app cannot start" in shown
    record = json.loads((rig.directory / "rig.json").read_text())
    assert not any(alive(process["pid"]) for process in record["processes"].values())
    assert not (rig.directory / "endpoints.json").exists()
