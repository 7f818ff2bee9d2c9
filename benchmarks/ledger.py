"""Every request of the service in a simulated world, by what it was made for. The product says itself what
that is: a request belongs to the span in which it is made."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.clock import Clock
from local.control import SERVICE_TOKEN
from local.wire import WireRequest
from shared import telemetry
from tests.simulation.world import World

GRAPH, DATAVERSE, STORAGE, MESSAGES = "graph", "dataverse", "storage", "messages"
PARTS = (GRAPH, DATAVERSE, STORAGE, MESSAGES)
EDGE, PASS, FEED = "edge and timers", "pass", "feed"
_PART = re.compile(rb"^(GET|POST|PATCH|DELETE|PUT) (\S+) HTTP/1\.1\r?$", re.MULTILINE)
_IDS = re.compile(r"\([^)]*\)|(?<=/)(?:[A-Za-z0-9_=-]{20,}|[0-9a-f-]{36})(?=/|$)")
_BASES = re.compile(r"^(?:https?://[^/]+)?/(?:v1\.0|api/data/v9\.2)")


@dataclass(eq=False)
class Work:
    """What one span asked for: counts by part and kind (``METHOD path``). ``of``: EDGE, PASS or FEED."""

    of: str
    cause: str
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)

    def total(self, part: str) -> int:
        return sum(number for (each, _), number in self.asked.items() if each == part)

    def is_for(self, causes: Sequence[str]) -> bool:
        """The cause begins with one of these; true for none."""
        return not causes or self.cause.startswith(tuple(causes))

    def writes_to(self, part: str) -> bool:
        return any(each == part and not kind.startswith("GET") for each, kind in self.asked)


@dataclass
class Ledger:
    """``works``: by span, in the order in which they began; what belongs to none stands under EDGE."""

    works: dict[str, Work] = field(default_factory=dict)
    messages: int = 0

    def note(self, part: str, kind: str) -> None:
        span = telemetry.current()
        key = span.span if span else EDGE
        if key not in self.works:
            self.works[key] = _work(span)
        self.works[key].asked[part, kind] += 1

    def totals(self) -> Counter[str]:
        found = Counter({part: sum(work.total(part) for work in self.works.values()) for part in PARTS})
        found[MESSAGES] = self.messages
        return found

    def of(self, what: str, *causes: str) -> Counter[str]:
        """What all works of that kind asked for, of these causes only if any are named. Their number is that
        of the messages."""
        works = [work for work in self.works.values() if work.of == what and work.is_for(causes)]
        found = Counter({part: sum(work.total(part) for work in works) for part in PARTS})
        found[MESSAGES] = 0 if what == EDGE else len(works)
        return found

    def by_kind(self, *what: str) -> Counter[tuple[str, str, str]]:
        """By what it was of, part and kind."""
        found: Counter[tuple[str, str, str]] = Counter()
        for work in self.works.values():
            for (part, kind), number in work.asked.items():
                found[work.of, part, kind] += number if work.of in what else 0
        return +found


def _work(span: telemetry.Span | None) -> Work:
    if span is None:
        return Work(EDGE, EDGE)
    return Work(PASS if "mailbox" in span.values else FEED, str(span.values.get("cause", "")))


class Bookkeeping:
    """Keeps the ledger of a world: ``since()`` begins a new one and gives what the last one holds."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ledger = Ledger()
        self._delivered = sum(world.queues.delivered.values())
        self._watch_requests()
        self._watch_storage()

    def since(self) -> Ledger:
        last, self._ledger = self._ledger, Ledger()
        delivered = sum(self._world.queues.delivered.values())
        last.messages, self._delivered = delivered - self._delivered, delivered
        return last

    def _watch_requests(self) -> None:
        told = self._world.traffic.note

        def note(clock: Clock, part: str, wire: WireRequest, answer: bytes, said: str) -> None:
            told(clock, part, wire, answer, said)
            if wire.headers.get("Authorization") == f"Bearer {SERVICE_TOKEN}":
                for kind in kinds_of(wire):
                    self._ledger.note(part, kind)

        self._world.traffic.note = note  # type: ignore[method-assign]

    def _watch_storage(self) -> None:
        told = self._world.storage.on_request

        def on_request(request: Any) -> None:
            told(request)
            self._ledger.note(STORAGE, f"{'PUT' if request.writes else 'GET'} {request.table}")

        self._world.storage.on_request = on_request


def kinds_of(request: WireRequest) -> Iterator[str]:
    """The request as ``METHOD path`` without ids, or the parts of a ``$batch`` each: what both services count
    against their limits."""
    target = request.target
    if not target.endswith("$batch"):
        yield kind_of(request.method, target)
    elif request.content.lstrip().startswith(b"{"):
        for row in json.loads(request.content)["requests"]:
            yield kind_of(row["method"], row["url"])
    else:
        for method, url in _PART.findall(request.content):
            yield kind_of(method.decode(), url.decode())


def kind_of(method: str, target: str) -> str:
    path = _BASES.sub("", target.partition("?")[0])
    return f"{method} {_IDS.sub(lambda found: '(id)' if found[0].startswith('(') else '{id}', path)}"
