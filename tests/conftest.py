"""What all tests share: a mark may name only rules that exist, and property tests repeat themselves.

``HYPOTHESIS_PROFILE=fresh`` looks for new examples instead of the same ones each time.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tools.rule_ids import load_rules

settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("fresh", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


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
