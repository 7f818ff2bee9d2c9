"""Processes that outlive the command that started them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.rig.directory import RigDirectory, RigError, read_json, write_json
from local.rig.ports import free_ports, is_free
from local.rig.processes import Process, answers, stop_all, wait_for, wait_until_answering

SLEEPER = [sys.executable, "-c", "import time; print('hello', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('x', flush=True)\n"
    "time.sleep(60)",
]
PARENT = [
    sys.executable,
    "-c",
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "print(child.pid, flush=True)\n"
    "time.sleep(60)",
]


def started(command: list[str], log: Path) -> Process:
    process = Process.start(command, os.environ, log)
    wait_for(lambda: log.read_text() != "", 10, "it prints nothing")
    return process


def test_a_process_runs_in_a_session_of_its_own_and_writes_its_log(tmp_path: Path) -> None:
    process = started(SLEEPER, tmp_path / "logs" / "a.log")
    assert process.alive()
    assert os.getsid(process.pid) == process.pid != os.getsid(0)
    process.kill()
    assert not process.alive()
    assert (tmp_path / "logs" / "a.log").read_text() == "hello\n"


def test_kill_takes_the_children_with_it(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    process = started(PARENT, log)
    child = int(log.read_text())
    process.kill()
    wait_for(lambda: not _running(child), 5, "the child lives on")


def test_another_process_with_the_same_id_is_not_taken_for_it() -> None:
    someone_else = Process(os.getpid(), "another start time")
    assert not someone_else.alive()
    someone_else.terminate()  # would end this test run


def test_what_does_not_stop_is_killed(tmp_path: Path) -> None:
    processes = [started(SLEEPER, tmp_path / "a.log"), started(STUBBORN, tmp_path / "b.log")]
    stop_all(processes, 0.5)
    assert not any(process.alive() for process in processes)


def test_a_part_that_ends_instead_of_answering_shows_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    process = Process.start([sys.executable, "-c", "raise SystemExit('no such luck')"], os.environ, log)
    with pytest.raises(RigError, match="no such luck"):
        wait_until_answering("part", process, ["tcp://127.0.0.1:1"], log, 10)


def test_a_part_that_never_answers_is_given_up(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    process = started(SLEEPER, log)
    [port] = free_ports(1)
    with pytest.raises(RigError, match="does not answer"):
        wait_until_answering("part", process, [f"tcp://127.0.0.1:{port}"], log, 0.2)
    process.kill()


def test_ports_are_free_different_and_below_the_range_for_outgoing_connections() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all(is_free(port) and port < 32768 for port in ports)


def test_nobody_listening_is_no_answer() -> None:
    [port] = free_ports(1)
    assert not answers(f"tcp://127.0.0.1:{port}")
    assert not answers(f"http://127.0.0.1:{port}/")


def test_only_one_command_at_a_time_changes_a_rig(tmp_path: Path) -> None:
    directory = RigDirectory(tmp_path)
    code = (
        "import sys; from pathlib import Path; from local.rig.directory import RigDirectory\n"
        "with RigDirectory(Path(sys.argv[1])).locked(): print('locked', flush=True)"
    )
    with directory.locked():
        other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
        with pytest.raises(subprocess.TimeoutExpired):
            other.communicate(timeout=0.7)
    assert other.communicate(timeout=10)[0] == b"locked\n"


def test_a_file_with_keys_is_its_owners_only(tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"key": "secret"})
    assert read_json(tmp_path / "x.json") == {"key": "secret"}
    assert (tmp_path / "x.json").stat().st_mode & 0o077 == 0
    assert read_json(tmp_path / "none.json") is None


def _running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] not in "ZX"
