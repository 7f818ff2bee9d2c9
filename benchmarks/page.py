"""The page of figures: tables in Markdown, each with how it was measured, and under what they were
measured."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
_DESCRIBE = ("git", "describe", "--always", "--tags")
_CHANGED = ("git", "status", "--porcelain", "--", ".", ":!docs/performance.md")
_MEASURED = re.compile(r"Measured code `(?P<hash>[0-9a-f]{16})`, version (?P<version>\S+),")

HEAD = """# Performance

Written by `make bench`; never edited. Times are of one small shared machine and noisy: compare figures of one
table with each other, not with those of another day. Counts are exact and repeat themselves.
`python -m benchmarks --check` (part of `make lint`) says when the page is older than the code."""


@dataclass(frozen=True)
class Table:
    """``how``: one sentence about how it was measured; ``notes``: what the rows mean, after the table."""

    title: str
    how: str
    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        marks = ["---", *("--:" for _ in self.head[1:])]
        lines = [_line(self.head), f"|{'|'.join(marks)}|", *(_line(map(shown, row)) for row in self.rows)]
        parts = [f"## {self.title}", self.how, "\n".join(lines), *self.notes]
        return "\n\n".join(parts)


def _line(cells: Iterable[object]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def shown(value: object) -> str:
    """Three figures that count, thousands with a comma; a whole number whole."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    text = f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
    return text.rstrip("0").rstrip(".")


@dataclass(frozen=True)
class Stamp:
    """What was measured, when and where. ``code``: the hash of everything that can change a figure."""

    code: str
    version: str
    machine: str
    date: str

    @property
    def dirty(self) -> bool:
        return self.version.endswith("-dirty")

    def markdown(self) -> str:
        return (
            f"Measured code `{self.code}`, version {self.version}, Python {platform.python_version()}, "
            f"{self.date}, {self.machine}."
        )


def stamp(code: str) -> Stamp:
    changed = _said(*_CHANGED)
    version = (_said(*_DESCRIBE) or "unknown") + ("-dirty" if changed else "")
    return Stamp(code, version, machine(), f"{datetime.now(UTC):%Y-%m-%d}")


def stamp_of(text: str) -> tuple[str, str]:
    """The hash and the version that a page was measured at; empty texts when it does not say."""
    found = _MEASURED.search(text)
    return (found["hash"], found["version"]) if found else ("", "")


def machine() -> str:
    """Its class, not its name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB"


def _said(*command: str) -> str:
    """What git says; nothing where there is none."""
    try:
        shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return shown.stdout.strip() if not shown.returncode else ""


def render(at: Stamp, tables: Sequence[Table]) -> str:
    return "\n\n".join([HEAD, at.markdown(), *(table.markdown() for table in tables)]) + "\n"
