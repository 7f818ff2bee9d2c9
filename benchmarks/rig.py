"""The local rig as the benchmarks use it: people in numbers, edits in bulk, and what the worker's process
used."""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from local.rig.directory import RigDirectory
from local.rig.record import running_record
from tests.wire.road import CATEGORY, Person, Road, running_road

Json = dict[str, Any]
BATCH = 20
LOOK_EVERY = 0.05
QUIET_FOR = 1.5
"""Seconds without work after which nothing more is coming."""
SOON = 2.0
PATIENCE = 600.0
_SUMS = re.compile(r'measure (\{"kind":"passes".*\})')
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Bench:
    """``worker``: the process that runs the functions, edge and all."""

    road: Road

    @property
    def _pid(self) -> int:
        return int(self.road.endpoints["pids"]["functions"])

    def cpu(self) -> float:
        """Seconds that the worker has used so far."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def peak_memory(self) -> float:
        """The worker's most, in MB, since ``forget_peak``."""
        status = Path(f"/proc/{self._pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024

    def forget_peak(self) -> None:
        Path(f"/proc/{self._pid}/clear_refs").write_text("5")

    def later(self, seconds: float = 310) -> None:
        """Time passes for all parts, so that what was asked before counts against no limit any more."""
        self.road.local("advance", str(seconds))

    # --- people -------------------------------------------------------------------------------------

    def people(self, number: int, name: str = "b") -> list[Person]:
        """Mailboxes and users, not subscribed."""
        return [self.road.person(name, subscribed=False) for _ in range(number)]

    def subscribe(self, people: Sequence[Person]) -> None:
        """All at once, and nobody waits."""
        with ThreadPoolExecutor(8) as threads:
            for _ in threads.map(self._subscribe, people):
                pass

    def _subscribe(self, person: Person) -> None:
        body = {"address": person.address, "dynamicsUser": person.user}
        self.road.admin("POST", "/mailboxes", body, ok=(201,))

    # --- edits --------------------------------------------------------------------------------------

    def add_events(self, person: Person, number: int) -> list[str]:
        """Tracked ones; their ids."""
        times = self.road.times(self.road.noon())
        bodies = [{"subject": f"Event {n}", "categories": [CATEGORY], **times} for n in range(number)]
        return self._each(person, "POST", [""] * number, bodies)

    def edit_events(self, person: Person, ids: Sequence[str], subject: str) -> None:
        bodies = [{"subject": f"{subject} {n}"} for n in range(len(ids))]
        self._each(person, "PATCH", [f"/{event}" for event in ids], bodies)

    def _each(self, person: Person, method: str, paths: Sequence[str], bodies: Sequence[Json]) -> list[str]:
        found: list[str] = []
        for begin in range(0, len(paths), BATCH):
            requests = [
                {
                    "id": str(n),
                    "method": method,
                    "url": f"/users/{person.mailbox}/events{paths[n]}",
                    "headers": {"Content-Type": "application/json", "Prefer": 'IdType="ImmutableId"'},
                    "body": bodies[n],
                }
                for n in range(begin, min(begin + BATCH, len(paths)))
            ]
            headers = {"Authorization": "Bearer somebody", "X-Act-As": person.address}
            url = f"{self.road.endpoints['graph']}/$batch"
            answer = self.road.ask("POST", url, {"requests": requests}, headers=headers)
            by_id = {part["id"]: part["body"]["id"] for part in answer["responses"]}
            found += [str(by_id[request["id"]]) for request in requests]
        return found

    def edit_rows(self, ids: Sequence[str], subject: str) -> None:
        with ThreadPoolExecutor(8) as threads:
            for _ in threads.map(
                lambda row: self.road.edit_appointment(row, subject=f"{subject} {row}"), ids
            ):
                pass

    def rows(self, person: Person) -> list[str]:
        query = {"$filter": f"_ownerid_value eq {person.user}", "$select": "activityid", "$top": "5000"}
        return [
            str(row["activityid"])
            for row in self.road.dataverse("GET", "/appointments", params=query)["value"]
        ]

    def pairs(self, person: Person) -> list[tuple[str, str]]:
        """Event and row of the same name."""
        query = {"$filter": f"_ownerid_value eq {person.user}", "$select": "activityid,subject"}
        rows = self.road.dataverse("GET", "/appointments", params=query)["value"]
        by_name = {str(row["subject"]): str(row["activityid"]) for row in rows}
        return [(event["id"], by_name[event["subject"]]) for event in self.road.events(person)]

    # --- counting -----------------------------------------------------------------------------------

    def forget_requests(self) -> None:
        for part in ("graph", "dataverse"):
            self.road.control(part, "DELETE", "/requests")

    def requests(self, part: str) -> int:
        """Of the service, since ``forget_requests``; parts of a batch each, without its envelope."""
        kinds = self.road.control(part, "GET", "/requests")["byKind"]
        return sum(number for kind, number in kinds.items() if not kind.endswith("/$batch"))

    def sent(self, service: str) -> int:
        """Requests of the worker so far as they go over the wire, an envelope as one; it logs them when it
        comes to rest."""
        log = (self.road.directory / "logs" / "functions.log").read_text(errors="replace")
        return sum(json.loads(line)["requests"].get(service, 0) for line in _SUMS.findall(log))

    # --- waiting ------------------------------------------------------------------------------------

    def until(self, done: Callable[[], bool]) -> None:
        begun = time.monotonic()
        while not done():
            if time.monotonic() - begun > PATIENCE:
                raise TimeoutError("what was waited for did not come")
            time.sleep(0.5)

    def until_mirrored(self, number: int) -> None:
        """So many rows have the name that ``add_events`` gave them."""
        query = {"$filter": "startswith(subject,'Event ')", "$select": "activityid", "$top": "5000"}
        self.until(lambda: len(self.road.dataverse("GET", "/appointments", params=query)["value"]) >= number)

    def until_quiet(self) -> float:
        """Waits until the queues have had nothing to do for a while; when the last of it ended."""
        port = running_record(RigDirectory(self.road.directory)).ports.service_bus_control
        url = f"http://127.0.0.1:{port}/_control/queues"
        ended = begun = time.monotonic()
        while time.monotonic() - ended < QUIET_FOR:
            if time.monotonic() - begun > PATIENCE:
                raise TimeoutError("the rig does not come to rest")
            if any(self._has_work(queue) for queue in self.road.ask("GET", url)["value"]):
                ended = time.monotonic()
            time.sleep(LOOK_EVERY)
        return ended

    def _has_work(self, queue: Json) -> bool:
        """Or will in a moment: a hint waits for the end of its second."""
        if queue["active"] or queue["locked"]:
            return True
        due = queue.get("nextScheduledAt")
        return bool(due) and (datetime.fromisoformat(due) - self.road.now()).total_seconds() < SOON


@contextmanager
def running_bench(*settings: str) -> Iterator[Bench]:
    """A rig of its own with nobody in it, down at the end whatever happens."""
    with tempfile.TemporaryDirectory() as directory, running_road(Path(directory), *settings) as road:
        yield Bench(road)
