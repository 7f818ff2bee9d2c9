"""What all tests share: a mark may name only rules that exist, property tests repeat themselves, and files
whose tests mostly wait are spread among those that compute.

``HYPOTHESIS_PROFILE=fresh`` looks for new examples instead of the same ones each time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import settings

from tools.rule_ids import load_rules

settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("fresh", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


WAITING = re.compile(r"wire/test_.*(road|rig|doctor|dead_letters|process)")
"""Files whose tests wait for other processes most of the time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    _check_marks(items)
    files = spread(list(dict.fromkeys(item.path for item in items)))
    order = {file: number for number, file in enumerate(files)}
    items.sort(key=lambda item: order[item.path])


def spread(files: Sequence[Path]) -> list[Path]:
    """Files that wait evenly among the others, and none near the end, where nothing would be left to do
    beside them."""
    waiting = [file for file in files if WAITING.search(file.as_posix())]
    spread_out = [file for file in files if file not in waiting]
    step = max(len(spread_out) * 2 // 3 // max(len(waiting), 1), 1) + 1
    for number, file in enumerate(waiting):
        spread_out.insert(number * step, file)
    return spread_out


def _check_marks(items: Sequence[pytest.Item]) -> None:
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
