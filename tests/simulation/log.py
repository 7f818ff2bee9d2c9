"""What a hunt writes down: with which code it was made, one line a world, and the sums. A hunt may go on in
the log of an earlier one (``--go-on``), as long as the service is the same."""

from __future__ import annotations

import hashlib
import platform
import re
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.simulation.run import Outcome
from tools.code_hash import ROOT, SERVICE, hash_of

_SERVICE = re.compile(r"^service (?P<hash>[0-9a-f]{16})$", re.MULTILINE)
_WORLD = re.compile(
    r"^(?P<seed>\d+) \d+x\d+ (?P<hostile>\d+) \d+ \d+ \d+ \d+(?: BROKEN (?P<broken>\d+))?$", re.MULTILINE
)


def code_version() -> str:
    """The commit, and whether the code differs from it; the log itself is no code."""
    commit = _git("rev-parse", "HEAD")
    changed = [line for line in _git("status", "--porcelain").splitlines() if "docs/hunt" not in line]
    return f"{commit}{' with changes' if changed else ''}"


def seed_of_the_code() -> int:
    """Another one for every change of code, stand-ins or tests, and the same wherever that code is tested:
    who is about to land it sees what CI will see."""
    trees = " ".join(_git("rev-parse", f"HEAD:{folder}") for folder in ("shared", "local", "tests"))
    return int(hashlib.sha256(trees.encode()).hexdigest()[:7], 16)


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "unknown"


@dataclass
class Told:
    """The worlds of a log by their seeds, each as it was told last: hostile mailbox-days, broken promises."""

    worlds: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def hostile(self) -> int:
        return sum(hostile for hostile, _ in self.worlds.values())

    @property
    def broken(self) -> list[int]:
        """The seeds whose worlds broke a promise: mended since or not, they are to be told again."""
        return [seed for seed, (_, broken) in self.worlds.items() if broken]


def told_in(text: str) -> Told:
    """Raises ``ValueError``: it was made with another service, which proves nothing about this one."""
    services = set(_SERVICE.findall(text))
    if services != {hash_of(*SERVICE)}:
        raise ValueError("not this service has made that log: begin a new one")
    worlds = {
        int(each["seed"]): (int(each["hostile"]), int(each["broken"] or 0)) for each in _WORLD.finditer(text)
    }
    return Told(worlds)


@dataclass
class Log:
    """Written while the hunt goes on, so that a run that is stopped leaves what it has. ``told``: by the
    hunts before, if it goes on."""

    path: Path | None
    told: Told = field(default_factory=Told)
    worlds: int = 0
    hostile: int = 0
    days: int = 0
    broken: int = 0
    edits: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    numbers: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)

    def begin(self) -> None:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self.told.worlds:
                self.path.write_text("")
        if self.told.worlds:
            self._say("")
        self._say(f"code    {code_version()}")
        self._say(f"service {hash_of(*SERVICE)}")
        self._say(f"python  {platform.python_version()}")
        self._say(f"begun   {datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
        self._say("each line: seed, mailboxes x days, hostile mailbox-days, edits, faults, passes, requests")

    def world(self, outcome: Outcome) -> None:
        plan, numbers = outcome.plan, outcome.numbers
        self.worlds += 1
        self.hostile += outcome.hostile
        self.days += plan.mailboxes * plan.days
        self.broken += len(outcome.broken)
        self.edits += outcome.edits
        self.happened += outcome.happened
        self.missing.update(outcome.not_hostile)
        self.told.worlds[plan.seed] = (outcome.hostile, len(outcome.broken))
        self.numbers.update({name: round(value) for name, value in numbers.items()})
        self._say(
            f"{plan.seed} {plan.mailboxes}x{plan.days} {outcome.hostile} {outcome.edits.total()} "
            f"{len(outcome.faults)} {numbers.get('passes', 0):.0f} {numbers.get('requests', 0):.0f}"
            + (f" BROKEN {len(outcome.broken)}" if outcome.broken else "")
        )

    def end(self) -> None:
        self._say("")
        self._say(f"worlds                {self.worlds}")
        self._say(f"mailbox-days          {self.days}")
        self._say(f"hostile mailbox-days  {self.hostile}")
        self._say(f"broken promises       {self.broken}")
        for title, counts in (
            ("work", self.numbers),
            ("edits", self.edits),
            ("what went wrong", self.happened),
            ("why a day was not hostile enough", self.missing),
        ):
            self._say(f"\n{title}")
            for name, count in sorted(counts.items()):
                self._say(f"  {name:36} {count}")
        self._say(
            f"\nthe whole log: {self.told.hostile} hostile mailbox-days in {len(self.told.worlds)} worlds"
        )
        self._say(f"worlds that broke a promise when they were told last: {len(self.told.broken)}")

    def _say(self, line: str) -> None:
        print(line, flush=True)
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as out:
                out.write(f"{line}\n")
