"""What the demonstration prints: what was synced and why, what was mailed, what it cost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from local.demo.admin import HistoryRow
from local.demo.edits import Edit
from local.demo.tables import heading, table

Json = Mapping[str, Any]
KINDS_SHOWN = 8
VALUE_SHOWN = 40


def synced(rows: Sequence[HistoryRow]) -> str:
    """The history rows, with the rule behind each."""
    if not rows:
        return "  nothing"
    cells = [(row.mailbox, _done(row.row), row.subject, _because(row.row)) for row in rows]
    return table(("mailbox", "what", "item", "rules, and why"), cells)


def counted(rows: Sequence[HistoryRow]) -> str:
    """How much was done with items of each kind."""
    kinds: dict[str, Counter[str]] = {}
    for row in rows:
        kinds.setdefault(str(row.row["item"]["kind"]), Counter())[_done(row.row)] += 1
    cells = [
        (kind, str(len({_item(row.row) for row in rows if row.row["item"]["kind"] == kind})), _kinds(done))
        for kind, done in sorted((kind, done.most_common()) for kind, done in kinds.items())
    ]
    return table(("kind", "items", "of which"), cells)


def asked(decisions: Sequence[Json]) -> str:
    """What waits for an administrator, with the candidates."""
    return table(("waits", "question"), [(d["item"]["subject"], d["question"]) for d in decisions])


def mailed(messages: Sequence[Json]) -> str:
    """Every message that Exchange sent."""
    if not messages:
        return "  nobody was mailed"
    cells = [
        (message["kind"], message["from"], message["subject"], ", ".join(message["to"]))
        for message in messages
    ]
    people = len({address for message in messages for address in message["to"]})
    return (
        table(("kind", "from", "subject", "to"), cells) + f"\n  {len(messages)} messages to {people} people"
    )


def requests(counts: Mapping[str, Json]) -> str:
    """The service's own requests per side, the most frequent kinds first."""
    lines = []
    for side, count in counts.items():
        kinds = sorted(count["byKind"].items(), key=lambda kind: (-kind[1], kind[0]))
        lines.append((side, str(count["total"]), _kinds(kinds)))
    return table(("side", "requests", "of which"), lines)


def arrived(edits: Sequence[tuple[Edit, str]]) -> str:
    """Each edit, and whether the other side shows it."""
    return table(
        ("arrived", "edit"), [("yes" if not wrong else "NO", _told(edit, wrong)) for edit, wrong in edits]
    )


def times(phases: Sequence[tuple[str, float]]) -> str:
    total = sum(seconds for _, seconds in phases)
    rows = [(f"{seconds:6.1f} s", name) for name, seconds in [*phases, ("all", total)]]
    return table(("time", "phase"), rows)


def section(title: str, text: str) -> str:
    return f"{heading(title)}\n{text}"


def _told(edit: Edit, wrong: str) -> str:
    return f"{edit.text}: {wrong}" if wrong else edit.text


def _kinds(kinds: Sequence[tuple[str, int]]) -> str:
    shown = [f"{number} {name}" for name, number in kinds[:KINDS_SHOWN]]
    rest = sum(number for _, number in kinds[KINDS_SHOWN:])
    return ", ".join([*shown, f"{rest} others"] if rest else shown) or "-"


def _done(row: Json) -> str:
    """What was done and where; an outcome other than "done" stands with it."""
    done = f"{row['action']} in {row['side']}" if row["action"] != "skip" else "left alone"
    return done if row["outcome"] == "done" else f"{done}: {row['outcome']}"


def _item(row: Json) -> str:
    item = row["item"]
    return str(item["dynamics"] or item["exchange"] or item["subject"])


def _because(row: Json) -> str:
    before, after = row.get("before") or {}, row.get("after") or {}
    parts = [
        f"{' '.join(row['rules'])}: {row['reason']}",
        *(f"{name}: {_change(before[name], after[name])}" for name in after if name in before),
        *(f"lost: {name} {_value(value)}" for name, value in (row.get("lost") or {}).items()),
    ]
    return "; ".join(parts)


def _change(before: Any, after: Any) -> str:
    """Of a value with parts, only the parts that differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        differing = [part for part in after if before.get(part) != after[part]]
        return ", ".join(f"{part} {_value(before.get(part))} -> {_value(after[part])}" for part in differing)
    return f"{_value(before)} -> {_value(after)}"


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{text[: VALUE_SHOWN - 1]}…" if len(text) > VALUE_SHOWN else text or '""'
