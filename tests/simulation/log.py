"""What a hunt writes down: with which code it was made, one line a world, and the sums."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.simulation.run import Outcome

ROOT = Path(__file__).parents[2]


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
class Log:
    """Written while the hunt goes on, so that a run that is stopped leaves what it has."""

    path: Path | None
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
            self.path.write_text("")
        self._say(f"code    {code_version()}")
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

    def _say(self, line: str) -> None:
        print(line, flush=True)
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as out:
                out.write(f"{line}\n")
