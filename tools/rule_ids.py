"""The numbered rules of behaviour, as data: id, short title, and why one does not apply, if so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RULES_FILE = Path(__file__).parents[1] / "docs" / "rules-ids.json"


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    title: str
    not_applicable: str = ""


@dataclass(frozen=True, slots=True)
class RuleGroup:
    prefix: str
    title: str
    rules: tuple[Rule, ...]


def load_groups(path: Path = RULES_FILE) -> tuple[RuleGroup, ...]:
    """The groups in their order, each with its rules in theirs."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return tuple(
        RuleGroup(
            group["group"],
            group["title"],
            tuple(Rule(rule["id"], rule["title"], rule.get("notApplicable", "")) for rule in group["rules"]),
        )
        for group in data["groups"]
    )


def load_rules(path: Path = RULES_FILE) -> Iterator[Rule]:
    """All rules, one after the other."""
    for group in load_groups(path):
        yield from group.rules
