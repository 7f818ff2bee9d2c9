"""What an item costs the worker in CPU, how many it carries a second, and the memory for it, with so many
mailboxes in flight. Real broker, Azurite and stand-ins, each a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.page import ROOT, Table
from benchmarks.rig import Bench
from tests.wire.road import Person

IN_FLIGHT = {1: 120, 8: 30, 32: 10}
"""Mailboxes, and events of each: about as much to do each time."""
FIRST, OUTLOOK, DYNAMICS = "first sync", "changed in Exchange", "changed in Dynamics"
DOINGS = (FIRST, OUTLOOK, DYNAMICS)
_COLD = """
import os, resource, time
os.environ["SYNC_ROLE"] = "all"
begin = time.perf_counter()
import function_app
print(time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@dataclass(frozen=True)
class Run:
    """For an item: ``cpu`` in milliseconds of the worker, and the requests, parts of a batch each;
    ``sent``: those to Dataverse with an envelope as one. ``rate``: items a second until nothing is left."""

    mailboxes: int
    doing: str
    cpu: float
    rate: float
    graph: float
    dataverse: float
    sent: float


@dataclass(frozen=True)
class Throughput:
    runs: Sequence[Run]
    memory: dict[int, float]
    """MB, by mailboxes in flight; 0: nobody subscribed yet."""
    import_seconds: float
    import_memory: float

    def cpu(self, doing: str) -> float:
        """Of a worker that is busy: the least of all numbers of mailboxes in flight."""
        return min(run.cpu for run in self.runs if run.doing == doing)

    def rate(self, doing: str) -> float:
        return max(run.rate for run in self.runs if run.doing == doing)

    def dense(self, doing: str) -> Run:
        """With most items in one mailbox, so that what a pass asks for once weighs least."""
        return next(run for run in self.runs if run.doing == doing)


def measure(bench: Bench) -> Throughput:
    runs: list[Run] = []
    memory = {0: bench.peak_memory()}
    for mailboxes, events in IN_FLIGHT.items():
        bench.forget_peak()
        runs += _in_flight(bench, mailboxes, events)
        memory[mailboxes] = bench.peak_memory()
        bench.later()
    return Throughput(runs, memory, *cold_start())


def _in_flight(bench: Bench, mailboxes: int, events: int) -> list[Run]:
    people = bench.people(mailboxes)
    ids = {person: bench.add_events(person, events) for person in people}
    number = mailboxes * events

    def run(doing: str, do: Callable[[], None]) -> Run:
        bench.forget_requests()
        cpu, begun, sent = bench.cpu(), time.monotonic(), bench.sent("dataverse")
        do()
        seconds = bench.until_quiet() - begun
        used = 1000 * (bench.cpu() - cpu) / number
        graph, dataverse = (bench.requests(part) / number for part in ("graph", "dataverse"))
        over_the_wire = (bench.sent("dataverse") - sent) / number
        return Run(mailboxes, doing, used, number / seconds, graph, dataverse, over_the_wire)

    def join() -> None:
        bench.subscribe(people)
        bench.until_mirrored(number)

    found = [run(FIRST, join)]
    rows = [row for person in people for row in bench.rows(person)]
    if len(rows) != number:
        raise AssertionError(f"{len(rows)} rows of {number} events")
    bench.later()
    found.append(run(OUTLOOK, lambda: _edit_all(bench, ids)))
    bench.later()
    found.append(run(DYNAMICS, lambda: bench.edit_rows(rows, "from Dynamics")))
    return found


def _edit_all(bench: Bench, ids: dict[Person, list[str]]) -> None:
    for person, events in ids.items():
        bench.edit_events(person, events, "from Outlook")


def cold_start() -> tuple[float, float]:
    """Median seconds and MB of importing the app in a new process."""
    shown = [
        subprocess.run([sys.executable, "-c", _COLD], cwd=ROOT, capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    seconds, megabytes = sorted(tuple(map(float, each.stdout.split())) for each in shown)[1]
    return seconds, megabytes


def tables(found: Throughput) -> list[Table]:
    rows = [
        [doing, mailboxes, *_figures(found, mailboxes, doing)] for doing in DOINGS for mailboxes in IN_FLIGHT
    ]
    memory = [
        [f"{mailboxes} mailboxes in flight" if mailboxes else "started, nobody subscribed", size]
        for mailboxes, size in found.memory.items()
    ]
    start = [
        ["import of function_app in a new process, median of 3, seconds", found.import_seconds],
        ["memory after it, MB", found.import_memory],
    ]
    return [
        Table(
            "CPU and throughput of one worker",
            "On the local rig (functions host, broker, Azurite, stand-ins: processes that share the cores), "
            "push only: CPU is that of the functions process with everything in it, from the notification to "
            "the last echo of our own write, the AMQP receiver that Azure's host has in a process of its own "
            "included; the rate is until nothing is left to do. Sent: a batch as one.",
            [
                "events",
                "mailboxes in flight",
                "CPU ms each",
                "events per second",
                "Graph each",
                "Dataverse each",
                "of it sent",
            ],
            rows,
        ),
        Table(
            "Memory of one worker",
            "The most that the functions process had resident during the runs above, in MB.",
            ["", "MB"],
            memory,
        ),
        Table("Cold start", "Three new processes.", ["", ""], start),
    ]


def _figures(found: Throughput, mailboxes: int, doing: str) -> tuple[float, ...]:
    (run,) = (run for run in found.runs if (run.mailboxes, run.doing) == (mailboxes, doing))
    return run.cpu, run.rate, run.graph, run.dataverse, run.sent
