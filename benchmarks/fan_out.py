"""The net on real parts: so many mailboxes are due at once, and how long until each had its pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.page import Table
from benchmarks.rig import Bench
from local.rig.functions_admin import run_function

SIZES = (10, 100, 1_000)
AT_ONCE = 200
"""So many first passes stay within what Dataverse answers in five minutes."""
HOURS = 2
"""After so long every mailbox is due, whatever its cadence."""


@dataclass(frozen=True)
class FannedOut:
    """``asking``: seconds of the timer, which sends the hints and puts off the mailboxes; ``passes``: seconds
    until all are done; ``cpu``: milliseconds of the worker for each."""

    mailboxes: int
    asking: float
    passes: float
    cpu: float


def measure(bench: Bench, sizes: Sequence[int] = SIZES) -> list[FannedOut]:
    """Mailboxes join as the sizes grow; nobody has an item."""
    found = []
    joined = 0
    for size in sizes:
        for begin in range(joined, size, AT_ONCE):
            bench.subscribe(bench.people(min(AT_ONCE, size - begin), "fan"))
            bench.until(lambda: all(box["lastPassAt"] for box in _mailboxes(bench)))
            bench.until_quiet()
            bench.later()
        joined = size
        found.append(_fanned_out(bench, size))
    return found


def _fanned_out(bench: Bench, size: int) -> FannedOut:
    bench.later(3600 * HOURS)
    bench.until_quiet()
    cpu, begun = bench.cpu(), time.monotonic()
    asyncio.run(run_function(bench.road.endpoints["functions"], "due_mailboxes"))
    asked = time.monotonic()
    ended = bench.until_quiet()
    milliseconds = 1000 * (bench.cpu() - cpu) / size
    late = [box for box in _mailboxes(bench) if box["state"] != "active" or box["lastError"]]
    if late:
        raise AssertionError(f"{len(late)} mailboxes did not have their pass: {late[0]}")
    return FannedOut(size, asked - begun, ended - begun, milliseconds)


def _mailboxes(bench: Bench) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    url = f"{bench.road.endpoints['admin']}/mailboxes"
    while url:
        page = bench.road.ask("GET", url)
        found, url = found + page["value"], page.get("nextLink")
    return found


def table(found: Sequence[FannedOut]) -> Table:
    rows = [
        [f"{each.mailboxes:,}", each.asking, each.passes, each.mailboxes / each.passes, each.cpu]
        for each in found
    ]
    return Table(
        "Fan-out of due mailboxes on real parts",
        "On the local rig with one worker: all mailboxes are due at once, nothing has changed in any; the "
        "timer sends their hints over the broker, and each has its pass.",
        [
            "due mailboxes",
            "timer, seconds",
            "until all are done, seconds",
            "passes per second",
            "CPU ms per pass",
        ],
        rows,
    )
