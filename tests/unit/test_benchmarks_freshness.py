"""When docs/performance.md is older than the code."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks import freshness, items
from benchmarks.items import Cost
from benchmarks.page import Stamp, render

COSTS = [Cost("event", "changed", "Exchange", items.total([]), items.total([]))]


def page(code: str = "0" * 16, version: str = "v1") -> str:
    return render(Stamp(code, version, "a machine", "2026-11-26"), [items.table(COSTS)])


@pytest.fixture(autouse=True)
def _measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an item costs now: what the page says."""
    monkeypatch.setattr(items, "measure", lambda: COSTS)


def test_a_page_of_this_very_code_is_fresh() -> None:
    assert freshness.check(page(freshness.code_hash()), strict=True) == 0


def test_a_page_of_another_code_is_fresh_while_its_counts_hold(capsys: pytest.CaptureFixture[str]) -> None:
    assert freshness.check(page(), strict=False) == 0
    assert "has changed since v1" in capsys.readouterr().out


def test_times_must_be_of_this_code_where_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert freshness.check(page(), strict=True) == 1
    assert "run `make bench`" in capsys.readouterr().out


def test_a_count_that_changed_makes_the_page_old(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dearer = items.total([])
    dearer["graph"] = 3
    monkeypatch.setattr(items, "measure", lambda: [Cost("event", "changed", "Exchange", dearer, dearer)])
    assert freshness.check(page(), strict=False) == 1
    assert "event changed in Exchange → Dynamics, pushed: [0, 0" in capsys.readouterr().out


def test_one_request_more_among_many_may_be_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    def costs(graph: int) -> list[Cost]:
        counts = Counter(graph=graph, dataverse=2, storage=9, messages=1)
        return [Cost("event", "changed", "Exchange", counts, counts)]

    text = render(Stamp("0" * 16, "v1", "a machine", "2026-11-26"), [items.table(costs(40))])
    for graph, outcome in ((40, 0), (41, 0), (44, 1), (36, 1)):
        monkeypatch.setattr(items, "measure", lambda graph=graph: costs(graph))
        assert freshness.check(text, strict=False) == outcome


@pytest.mark.parametrize("text", ["# Performance", page(version="v1-dirty")])
def test_a_page_that_does_not_say_its_code_is_not_taken(text: str) -> None:
    assert freshness.check(text, strict=False) == 1
