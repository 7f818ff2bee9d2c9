"""The arithmetic behind docs/performance.md."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figures import fitted, percentile
from benchmarks.page import Stamp, Table, render, shown, stamp_of


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, part) for part in (0.5, 0.95, 0.99, 1)] == [50, 95, 99, 100]
    assert percentile([7.0], 0.01) == 7
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


@given(st.lists(st.floats(0, 1000), min_size=1), st.floats(0.01, 1))
def test_so_many_values_do_not_exceed_a_percentile(values: list[float], part: float) -> None:
    found = percentile(values, part)
    assert sum(value <= found for value in values) >= part * len(values) - 1e-6
    assert sum(value < found for value in values) < part * len(values) + 1e-6


@given(st.floats(0, 1000), st.floats(0, 10))
def test_a_line_is_found_again(fixed: float, each: float) -> None:
    line = fitted([(size, fixed + each * size) for size in (10, 100, 1000)])
    assert line.fixed == pytest.approx(fixed, abs=1e-3)
    assert line.each == pytest.approx(each, abs=1e-4)


def test_a_line_needs_two_sizes() -> None:
    with pytest.raises(ValueError, match="one size"):
        fitted([(10, 1), (10, 2)])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (12345, "12,345"),
        (0.1234, "0.12"),
        (3.0, "3"),
        (17.26, "17.3"),
        (1234.5, "1,234"),
        ("–", "–"),
    ],
)
def test_three_figures_are_enough(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_page_says_at_what_it_was_measured() -> None:
    table = Table("Title", "How.", ["what", "count"], [["one", 1234]], ["A note."])
    at = Stamp("0123456789abcdef", "v1-2-g3", "a machine", "2026-11-26")
    text = render(at, [table])
    assert "## Title\n\nHow.\n\n| what | count |\n|---|--:|\n| one | 1,234 |\n\nA note." in text
    assert stamp_of(text) == ("0123456789abcdef", "v1-2-g3")
    assert stamp_of("# Performance") == ("", "")
    assert not at.dirty
