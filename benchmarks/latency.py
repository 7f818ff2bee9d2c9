"""From a change to the mirrored change, pushed, while many others change things too."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.deeds import DYNAMICS, EXCHANGE, SIDES
from benchmarks.figures import percentile
from benchmarks.page import Table
from benchmarks.rig import Bench
from tests.wire.road import Person

MAILBOXES = 12
EVENTS = 8
PER_SECOND = 2.0
PARTS = (0.5, 0.95, 0.99)
WEBHOOK_DELAY = 0.05
"""What the stand-in waits before it tells of a change (``local/dataverse/webhooks.py``)."""


@dataclass(frozen=True)
class Latency:
    """Seconds, by the side that was changed."""

    seconds: dict[str, list[float]]

    def at(self, side: str, part: float) -> float:
        return percentile(self.seconds[side], part)


@dataclass
class Seen:
    """When a row was first told of."""

    moments: dict[str, float] = field(default_factory=dict)

    def note(self, row: str) -> None:
        self.moments.setdefault(row, time.monotonic() - WEBHOOK_DELAY)


def measure(bench: Bench) -> Latency:
    people = bench.people(MAILBOXES, "lat")
    for person in people:
        bench.add_events(person, EVENTS)
    bench.subscribe(people)
    bench.until_mirrored(MAILBOXES * EVENTS)
    bench.until_quiet()
    edits = [(person, pair) for person in people for pair in bench.pairs(person)]
    turns = [edits[n::EVENTS] for n in range(EVENTS)]
    spread = [edit for turn in turns for edit in turn]
    with listening(bench) as seen:
        begun = _edit(bench, spread)
        bench.until_quiet()
        return Latency(
            {EXCHANGE: _until_rows(begun, spread, seen), DYNAMICS: _until_events(bench, begun, spread)}
        )


@dataclass(frozen=True)
class _Begun:
    """When an edit was sent: for us, and by the clock of the parts."""

    moment: float
    at: datetime


Edit = tuple[Person, tuple[str, str]]


def _edit(bench: Bench, edits: Sequence[Edit]) -> list[_Begun]:
    """At a steady rate, whatever becomes of those before; each item once, the sides in turn."""
    road = bench.road

    def edit(number: int) -> _Begun:
        person, (event, row) = edits[number]
        begun = _Begun(time.monotonic(), road.now())
        if number % 2:
            road.edit_appointment(row, subject=f"Moved {number}")
        else:
            road.edit_event(person, event, subject=f"Moved {number}")
        return begun

    with ThreadPoolExecutor(8) as threads:
        found = []
        for number in range(len(edits)):
            found.append(threads.submit(edit, number))
            time.sleep(1 / PER_SECOND)
        return [each.result() for each in found]


def _until_rows(begun: Sequence[_Begun], edits: Sequence[Edit], seen: Seen) -> list[float]:
    """Of the edits in Exchange: Dataverse told us, too."""
    return [seen.moments[edits[n][1][1]] - begun[n].moment for n in range(0, len(edits), 2)]


def _until_events(bench: Bench, begun: Sequence[_Begun], edits: Sequence[Edit]) -> list[float]:
    """Of the edits in Dynamics: the events say when they were changed."""
    people = {person.mailbox: person for person, _ in edits}
    changed = {
        event["id"]: datetime.fromisoformat(event["lastModifiedDateTime"])
        for person in people.values()
        for event in bench.road.events(person)
    }
    return [(changed[edits[n][1][0]] - begun[n].at).total_seconds() for n in range(1, len(edits), 2)]


@contextmanager
def listening(bench: Bench) -> Iterator[Seen]:
    """A webhook of our own."""
    seen = Seen()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(seen.note))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    bench.road.control("dataverse", "POST", "/webhooks", {"url": url, "key": "-", "tables": ["appointment"]})
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()


def _handler(note: Callable[[str], None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            note(str(json.loads(body)["PrimaryEntityId"]).lower())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    return Handler


def table(found: Latency) -> Table:
    rows = [
        [f"changed in {side}", len(found.seconds[side]), *(found.at(side, part) for part in PARTS)]
        for side in SIDES
    ]
    return Table(
        "Latency by push",
        f"On the local rig, {MAILBOXES} mailboxes, {PER_SECOND:g} changes a second for "
        f"{MAILBOXES * EVENTS / PER_SECOND:.0f} seconds, each of another event and the sides in turn: "
        "seconds from sending the change to the moment at which the other side has it.",
        ["", "changes", *(f"p{part * 100:.0f}" for part in PARTS)],
        rows,
        [
            "Hints are delivered at the end of their second (they are merged until then), which is half a "
            "second on average on each way; the stand-ins tell of changes after 0.05 to 0.1 seconds, the "
            "real services after one to several more."
        ],
    )
