"""The functions host as a process of its own, around one of the sample apps."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from local.clock import read_offset, write_offset
from local.rig.ports import free_ports

# tests/ci runs these tests again with the host on Python 3.13 and Microsoft's runtime library.
HOST_PYTHON = os.environ.get("HOST_PYTHON", sys.executable)
APPS = Path(__file__).parent / "apps"
ROOT = Path(__file__).parents[2]


@dataclass
class RunningHost:
    """What a test does with the host."""

    process: subprocess.Popen[bytes]
    http: httpx.Client
    clock: Path
    log: Path

    def advance(self, seconds: float) -> None:
        write_offset(self.clock, read_offset(self.clock) + seconds)

    def terminate(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def logged(self) -> str:
        return self.log.read_text()


@contextmanager
def running_host(
    app: Path, folder: Path, settings: dict[str, str] | None = None, python: str = HOST_PYTHON
) -> Iterator[RunningHost]:
    """Start the host, wait until it answers, and kill it at the end if it still runs."""
    [port] = free_ports(1)
    clock, log = folder / "clock", folder / "host.log"
    command = [python, "-m", "local.functions_host", "--port", str(port)]
    command += ["--app", str(app), "--clock", str(clock)]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **(settings or {})}, stdout=output, stderr=output
        )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as http:
        host = RunningHost(process, http, clock, log)
        try:
            _wait_until_answering(host)
            yield host
        finally:
            process.kill()
            process.wait()


def wait_for(condition, seconds: float = 40.0):  # type: ignore[no-untyped-def]
    """Wait until the condition has a true value, and return it."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"still not so after {seconds} s"
        time.sleep(0.02)
    return value


def _wait_until_answering(host: RunningHost) -> None:
    def answers() -> bool:
        assert host.process.poll() is None, f"the host ended: {host.logged()}"
        try:
            return host.http.get("/admin/host/status").is_success
        except httpx.TransportError:
            return False

    wait_for(answers)
