"""What the service wrote about itself, read from the functions host's log: the same lines that Application
Insights gets in Azure."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]
_LINE = re.compile(r"INFO sync\.(?:span|measure): (span|measure) (\{.*\})$")
SHOWN = 20


def read_telemetry(log: Path) -> list[Row]:
    """All lines in order; ``line`` says which kind each is."""
    if not log.exists():
        return []
    text = log.read_text(encoding="utf-8", errors="replace")
    found = (_LINE.search(line) for line in text.splitlines())
    return [{"line": match[1], **json.loads(match[2])} for match in found if match]


def as_page(rows: Sequence[Row]) -> str:
    """Sums, the last state, and the last spans."""
    sums = [row for row in rows if row.get("kind") == "passes"]
    states = [row for row in rows if row.get("kind") == "state"]
    spans = [row for row in rows if row["line"] == "span"]
    return "\n".join([*_sums(sums), *_state(states[-1:]), *_spans(spans[-SHOWN:])])


def _sums(rows: Sequence[Row]) -> list[str]:
    numbers: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    for row in rows:
        numbers.update({name: value for name, value in row.items() if isinstance(value, int)})
        numbers.update({f"requests to {name}": value for name, value in row.get("requests", {}).items()})
        rules.update(row.get("rules", {}))
    lag = max((row.get("lag_s_max", 0.0) for row in rows), default=0.0)
    decided = ", ".join(f"{rule} {count}" for rule, count in rules.most_common())
    lines = [f"  {name:24} {value}" for name, value in sorted(numbers.items())]
    return ["Passes", *lines, f"  {'longest lag':24} {lag} s", f"  {'decisions by rule':24} {decided or '-'}"]


def _state(rows: Sequence[Row]) -> list[str]:
    return ["Mailboxes"] + [
        f"  {name:24} {value}" for row in rows for name, value in row.items() if name not in ("line", "kind")
    ]


def _spans(rows: Sequence[Row]) -> list[str]:
    lines = ["Last spans: trace, what, why, how long it waited and took"]
    for row in rows:
        what = f"{row['trace'][:12]} {row['name']:8} {row.get('cause', ''):14}"
        lines.append(
            f"  {what} {row.get('waited_s', 0):6} s {row['ms']:6} ms {row.get('actions', 0):3} actions"
        )
    return lines
