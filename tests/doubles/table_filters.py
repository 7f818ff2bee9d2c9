"""The filters of Table Storage that the stores write: comparisons joined by ``and``, with parameters."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of a key: from ``first`` on (after it when ``above``), before ``end`` (or up to it when ``closed``)."""

    first: str = ""
    above: bool = False
    end: str | None = None
    closed: bool = False

    def __contains__(self, key: str) -> bool:
        return not self.before(key) and not self.beyond(key)

    def before(self, key: str) -> bool:
        return key <= self.first if self.above else key < self.first

    def beyond(self, key: str) -> bool:
        return self.end is not None and (key > self.end if self.closed else key >= self.end)

    def narrowed(self, comparison: str, value: str) -> Bounds:
        first, above, end, closed = self.first, self.above, self.end, self.closed
        if comparison in ("eq", "ge", "gt") and (value, comparison == "gt") > (first, above):
            first, above = value, comparison == "gt"
        if comparison in ("eq", "le", "lt") and (end is None or (value, comparison != "lt") < (end, closed)):
            end, closed = value, comparison != "lt"
        return Bounds(first, above, end, closed)


@dataclass(frozen=True, slots=True)
class Filter:
    """``partitions`` and ``rows`` are what it says of the keys; ``others`` what it says of columns."""

    partitions: Bounds = field(default_factory=Bounds)
    rows: Bounds = field(default_factory=Bounds)
    others: tuple[tuple[str, Callable[[Any, Any], bool], Any], ...] = ()

    def takes(self, columns: Mapping[str, Any]) -> bool:
        """A column that a row has not, or has as another type, is compared with nothing."""
        for name, compare, value in self.others:
            present = columns.get(name)
            if type(present) is not type(value) or not compare(present, value):
                return False
        return True


def parsed(text: str, parameters: Mapping[str, Any]) -> Filter:
    """Raises ValueError for a filter that is none of those that the stores write."""
    partitions, rows = Bounds(), Bounds()
    others: list[tuple[str, Callable[[Any, Any], bool], Any]] = []
    for name, comparison, operand in _comparisons(text):
        value = parameters[operand[1:]] if operand.startswith("@") else _literal(operand)
        if name == "PartitionKey" and comparison != "ne":
            partitions = partitions.narrowed(comparison, value)
        elif name == "RowKey" and comparison != "ne":
            rows = rows.narrowed(comparison, value)
        else:
            others.append((name, _COMPARISONS[comparison], value))
    return Filter(partitions, rows, tuple(others))


@lru_cache(256)
def _comparisons(text: str) -> tuple[tuple[str, str, str], ...]:
    found: list[tuple[str, str, str]] = []
    for part in text.split(" and "):
        words = part.split(" ")
        if len(words) != 3 or words[1] not in _COMPARISONS:
            raise ValueError(f"the double does not know this filter: {text}")
        found.append((words[0], words[1], words[2]))
    return tuple(found)


def _literal(text: str) -> Any:
    """A value that stands in the filter itself."""
    if text in ("true", "false"):
        return text == "true"
    if text.startswith("'") and text.endswith("'") and len(text) > 1:
        return text[1:-1].replace("''", "'")
    return int(text)
