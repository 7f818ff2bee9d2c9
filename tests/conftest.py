"""What all tests share: a mark may name only rules that exist."""

from __future__ import annotations

import pytest

from tools.rule_ids import load_rules


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a rule mark that names no rule, or names nothing at all."""
    known = {rule.id for rule in load_rules()}
    wrong = [
        f"{item.nodeid}: {', '.join(map(str, mark.args)) or 'no rule'}"
        for item in items
        for mark in item.iter_markers("rule")
        if not mark.args or not known.issuperset(mark.args)
    ]
    if wrong:
        raise pytest.UsageError("rule marks that name no rule of docs/rules-ids.json:\n" + "\n".join(wrong))
