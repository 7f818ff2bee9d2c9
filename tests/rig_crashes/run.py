"""One run: a rig, some minutes of edits and kills, then peace, and the oracle's answer."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx

from local.rig.directory import RigDirectory
from local.rig.settings import SCHEDULES
from local.rig.settle import settle
from tests.rig_crashes.killer import Killer
from tests.rig_crashes.oracle import Broken, broken_promises
from tests.rig_crashes.people import CrashRoad, People
from tests.wire.road import Json, Person
from tests.wire.road_series import ZONE

NAMES = ("ann", "bob")
SETTLED_WITHIN = 30.0
ROUNDS = 8
A_WHILE = 95.0
"""Seconds by which the clock is moved where something waits: longer than a late request may take effect."""


@dataclass
class Outcome:
    seed: int
    broken: list[Broken] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    numbers: str = ""
    logs: Path | None = None
    """Kept where a promise was broken."""


def run(seed: int, minutes: float, say: Callable[[str], None] = lambda _line: None) -> Outcome:
    outcome, folder = Outcome(seed), Path(tempfile.mkdtemp(prefix=f"rig-crashes-{seed}-"))
    begun = time.monotonic()

    def tell(line: str) -> None:
        outcome.story.append(f"{time.monotonic() - begun:6.2f} {line}")
        say(outcome.story[-1])

    with httpx.Client(timeout=60, trust_env=False) as http:
        road = CrashRoad(folder / "rig", http)
        try:
            road.up(*(f"{name}={value}" for name, value in SCHEDULES.items()))
            _live(road, seed, minutes, outcome, tell)
        finally:
            road.local("down")
    if outcome.broken:
        outcome.logs = folder
    else:
        shutil.rmtree(folder)
    return outcome


def _live(road: CrashRoad, seed: int, minutes: float, outcome: Outcome, tell: Callable[[str], None]) -> None:
    everybody = [road.person(name, ZONE, subscribed=False) for name in NAMES]
    road.subscribe(*everybody)
    people = People(road, Random(f"{seed} people"), everybody, tell)
    killer = Killer(RigDirectory(road.directory), road.endpoints, Random(f"{seed} killer"), tell)
    killer.begin()
    try:
        _edit(people, minutes)
    finally:
        killer.stop()
    tell("--- calm")
    outcome.broken += [Broken("every part comes back", failure) for failure in killer.failures]
    pending = _calmed(road, everybody, tell)
    outcome.broken += [Broken("everything is looked at", line) for line in pending]
    letters = _dead_letters(road)
    mails = road.control("graph", "GET", "/outbox")["value"]
    outcome.broken += broken_promises(road, everybody, people.items, mails)
    outcome.numbers = (
        f"{len(people.items)} items, {len(outcome.story)} lines of story, {len(mails)} mails, "
        f"{len(letters)} dead letters; killed: {dict(killer.happened)}"
    )


def _edit(people: People, minutes: float) -> None:
    until, pace = time.monotonic() + minutes * 60, Random(f"{people.random.random()} pace")
    while time.monotonic() < until:
        people.act()
        time.sleep(pace.choice((0.05, 0.2, 0.5, 1.0)))


def _calmed(road: CrashRoad, everybody: Sequence[Person], tell: Callable[[str], None]) -> list[str]:
    """At rest; what waits for its time gets it. Returns what never came to rest."""
    directory, pending = RigDirectory(road.directory), [""]
    for _ in range(ROUNDS):
        road.local("run-timer", "watch")
        pending = asyncio.run(settle(directory, SETTLED_WITHIN, lambda _line: None))
        answered = _go_on(road, everybody, tell)
        if not pending and not answered:
            return []
        for line in pending:
            tell(f"--- pending: {line}")
            road.local("advance", str(A_WHILE))
    return pending


def _go_on(road: CrashRoad, everybody: Sequence[Person], tell: Callable[[str], None]) -> int:
    """An administrator lets the brake go where so much was deleted; any other question stays."""
    waiting = [each for person in everybody for each in road.decisions(person) if each["kind"] == "brake"]
    for decision in waiting:
        tell(f"--- the brake: {decision['question']}")
        road.admin("POST", f"/decisions/{decision['id']}", {"answer": "go-on"})
    return len(waiting)


def _dead_letters(road: CrashRoad) -> list[Json]:
    road.local("run-timer", "watch")
    return list(road.admin("GET", "/deadletters")["value"])
