"""Processes that outlive the command that started them: start detached, wait for, stop, kill."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from local.rig.directory import ROOT, RigError

POLL_SECONDS = 0.05
LOG_LINES_SHOWN = 15


@dataclass(frozen=True)
class Process:
    """A process by id and start time, so that a later one with the same id is never taken for it."""

    pid: int
    born: str
    stop_signal: str = "SIGTERM"

    @staticmethod
    def start(
        command: Sequence[str], environment: Mapping[str, str], log: Path, stop_signal: str = "SIGTERM"
    ) -> Process:
        """Start in a session of its own, writing to a log file."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            started = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=ROOT,
                env=dict(environment),
                start_new_session=True,
            )
        # Its end is watched by id, from this and from later commands; not by this object.
        started.returncode = 0
        return Process(started.pid, _born(started.pid) or "", stop_signal)

    def alive(self) -> bool:
        with suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)  # when it is our own child, take note of its end
        return bool(self.born) and _born(self.pid) == self.born

    def kill(self) -> None:
        """SIGKILL it and whatever it started."""
        self._signal(signal.SIGKILL)
        wait_for(lambda: not self.alive(), 10, f"process {self.pid} does not die")

    def terminate(self) -> None:
        """Ask it to stop."""
        self._signal(signal.Signals[self.stop_signal])

    def _signal(self, number: signal.Signals) -> None:
        if self.alive():
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)


def stop_all(processes: Sequence[Process], seconds: float) -> None:
    """Ask all to stop, and kill those that have not after a while."""
    for process in processes:
        process.terminate()
    with suppress(RigError):
        wait_for(lambda: not any(process.alive() for process in processes), seconds, "")
    for process in processes:
        process.kill()


def wait_for(condition: Callable[[], bool], seconds: float, complaint: str) -> None:
    """Wait until the condition holds; complain when it does not within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RigError(complaint)
        time.sleep(POLL_SECONDS)


def wait_until_answering(name: str, process: Process, urls: Sequence[str], log: Path, seconds: float) -> None:
    """Wait until every address answers; a process that ended instead is shown by its last lines."""

    def answering() -> bool:
        if not process.alive():
            raise RigError(f"{name} ended instead of answering:\n{last_lines(log)}")
        return all(answers(url) for url in urls)

    wait_for(answering, seconds, f"{name} does not answer after {seconds:g} s:\n{last_lines(log)}")


def answers(url: str) -> bool:
    """Whether something there answers: a connection (``tcp:``) or any HTTP answer that is no 5xx."""
    address = urlsplit(url)
    try:
        if address.scheme == "tcp":
            with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=2):
                return True
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - the rig's own loopback address
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def last_lines(log: Path) -> str:
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:])


def _born(pid: int) -> str | None:
    """When the process started, in the system's own terms; None when it is gone or only waits for burial."""
    stat = Path(f"/proc/{pid}/stat")
    if not Path("/proc/self/stat").exists():
        return _born_by_ps(pid)
    try:
        fields = stat.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]


def _born_by_ps(pid: int) -> str | None:
    """The same on systems without /proc."""
    shown = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    state, _, born = shown.partition(" ")
    return None if not born or state.startswith("Z") else born.strip()
