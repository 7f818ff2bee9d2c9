"""How far a verification has come, and what it has found: JSON, so that the next slice goes on from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from shared.engine.kinds import AnySituation
from shared.engine.questions import item_json
from shared.model.decision import ItemRef
from shared.rules.drift import Finding

LISTED = 5000
"""So many findings are listed by item; beyond, they are counted only."""
PROGRESS = "progress"
"""The part of a kept report that is for the next slice only."""


@dataclass(frozen=True, slots=True)
class Stage:
    """``what``: ``exchange`` (marked items of a place), ``dynamics`` (rows of a table that should be in
    Exchange), or ``links`` (of a kind, whatever no other stage met). ``name``: its calendar, folder, list,
    table or kind."""

    what: str
    kind: str
    name: str


@dataclass
class Report:
    """``items``, ``rows``: fingerprints of what was met; a collision would leave one item unverified."""

    mend: bool = False
    stages: list[Stage] = field(default_factory=list)
    at: int = 0
    link: str = ""
    """Where to go on in this stage."""
    begun: bool = False
    items: set[str] = field(default_factory=set)
    rows: set[str] = field(default_factory=set)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    drift: Counter[str] = field(default_factory=Counter)
    findings: list[dict[str, Any]] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    unreadable: int = 0
    mending: int = 0

    @property
    def complete(self) -> bool:
        return self.begun and self.at >= len(self.stages)

    @property
    def stage(self) -> Stage:
        return self.stages[self.at]

    def next_stage(self) -> None:
        self.at, self.link = self.at + 1, ""

    @property
    def number_met(self) -> int:
        return len(self.items) + len(self.rows)

    def read(self, kind: str, found: int, broken: int) -> None:
        """Of a page: what could be read, and what could not."""
        self.count(kind, "inExchange", found)
        self.unreadable += broken

    def count(self, kind: str, what: str, number: int = 1) -> None:
        self.counts.setdefault(kind, Counter())[what] += number

    def met(self, situations: Iterable[AnySituation]) -> None:
        for situation in situations:
            item = situation.ref()
            self.items |= {fingerprint(item.exchange)} if item.exchange else set()
            self.rows |= {fingerprint(item.dynamics)} if item.dynamics else set()

    def find(self, item: ItemRef, finding: Finding) -> None:
        self.drift[finding.drift.value] += 1
        if len(self.findings) >= LISTED:
            return
        view = {
            "item": item_json(item),
            "drift": finding.drift.value,
            "side": finding.side.value,
            "reason": finding.reason,
            "rules": list(finding.rules),
            "mends": finding.mends,
        }
        self.findings.append({**view, "fields": list(finding.fields)} if finding.fields else view)


def fingerprint(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def to_json(report: Report) -> dict[str, Any]:
    """As an administrator reads it, with what the next slice needs beside it."""
    view: dict[str, Any] = {
        "complete": report.complete,
        "inStep": report.complete and not report.drift and not report.unreadable,
        "counts": {kind: dict(numbers) for kind, numbers in sorted(report.counts.items())},
        "drift": dict(report.drift),
        "value": report.findings,
        "leftOut": report.left_out,
        "unreadable": report.unreadable,
        "mending": report.mending,
    }
    if report.complete:
        return view
    return view | {
        PROGRESS: {
            "mend": report.mend,
            "stages": [[stage.what, stage.kind, stage.name] for stage in report.stages],
            "at": report.at,
            "link": report.link,
            "items": sorted(report.items),
            "rows": sorted(report.rows),
        }
    }


def from_json(kept: Mapping[str, Any]) -> Report:
    progress = kept[PROGRESS]
    return Report(
        mend=bool(progress["mend"]),
        stages=[Stage(*stage) for stage in progress["stages"]],
        at=int(progress["at"]),
        link=str(progress["link"]),
        begun=True,
        items=set(progress["items"]),
        rows=set(progress["rows"]),
        counts={kind: Counter(numbers) for kind, numbers in kept["counts"].items()},
        drift=Counter(kept["drift"]),
        findings=list(kept["value"]),
        left_out=dict(kept["leftOut"]),
        unreadable=int(kept["unreadable"]),
        mending=int(kept["mending"]),
    )
