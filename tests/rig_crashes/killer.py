"""Kills parts of the rig and starts them again, until told to stop: mostly while the service is at work."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from local.rig.directory import RigDirectory, RigError
from local.rig.lifecycle import kill, start
from local.rig.parts import KILLABLE
from local.rig.processes import wait_for
from local.rig.record import running_record

DEPLOY = "deploy"
"""The functions host is told to stop, as by a deployment, and started again."""
INCIDENTS = {"functions": 5, DEPLOY: 3, "service_bus": 3, "tables": 3, "exchange": 2, "dataverse": 2}
DRAINED_WITHIN = 30.0
LOOK_EVERY = 0.05
BUSY_WITHIN = 4.0


@dataclass
class Killer:
    """``stop`` returns when everything runs again. ``failures``: parts that did not end or come back."""

    directory: RigDirectory
    endpoints: dict[str, Any]
    random: Random
    tell: Callable[[str], None]
    happened: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        self._thread = threading.Thread(target=self._run, name="killer")
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        if self._thread:
            self._thread.join()
        for part in KILLABLE:
            self._start(part)

    def _run(self) -> None:
        with httpx.Client(timeout=2, trust_env=False) as http:
            while not self._over.wait(self.random.uniform(0.3, 4)):
                try:
                    self._incident(http)
                except RigError as error:
                    self.failures.append(str(error))
                    return

    def _incident(self, http: httpx.Client) -> None:
        """One, or two at once; it is over before the next one."""
        number = self.random.choices((1, 2), (4, 1))[0]
        drawn = self.random.choices(tuple(INCIDENTS), tuple(INCIDENTS.values()), k=number)
        moment = self.random.uniform(0, 0.4)
        away = self.random.uniform(*self.random.choices(((0, 0.5), (1, 5), (8, 14)), (5, 4, 1))[0])
        if self.random.random() < 0.7:
            self._wait_until_busy(http)
        time.sleep(moment)
        for what in dict.fromkeys(drawn):
            self._end(what)
        self._over.wait(away)
        for part in _parts(drawn):
            self._start(part)

    def _wait_until_busy(self, http: httpx.Client) -> None:
        """Until the service asks Exchange or Dynamics for something."""
        before, until = self._requests(http), time.monotonic() + BUSY_WITHIN
        while time.monotonic() < until and self._requests(http) == before and not self._over.is_set():
            time.sleep(LOOK_EVERY)

    def _requests(self, http: httpx.Client) -> int:
        total = 0
        for part in ("graph_control", "dataverse_control"):
            total += int(http.get(f"{self.endpoints[part]}/requests").json()["total"])
        return total

    def _end(self, what: str) -> None:
        self.happened[what] += 1
        if what != DEPLOY:
            self.tell(f"--- {what} is killed")
            kill(self.directory, what)
            return
        self.tell("--- the functions host is told to stop")
        process = running_record(self.directory).processes["functions"]
        process.terminate()
        try:
            wait_for(lambda: not process.alive(), DRAINED_WITHIN, "the functions host does not stop")
        except RigError as error:
            self.failures.append(str(error))
            process.kill()

    def _start(self, part: str) -> None:
        if not running_record(self.directory).processes[part].alive():
            start(self.directory, part, lambda _line: None)
            self.tell(f"--- {part} is back")


def _parts(drawn: Sequence[str]) -> list[str]:
    return list(dict.fromkeys("functions" if what == DEPLOY else what for what in drawn))
