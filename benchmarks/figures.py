"""The little arithmetic behind the tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest of the values that at least ``part`` (0 to 1) of them do not exceed (nearest rank)."""
    if not values:
        raise ValueError("no values")
    rank = max(1, math.ceil(part * len(values)))
    return sorted(values)[rank - 1]


class Line(NamedTuple):
    """``fixed`` whatever the size, and so much more for ``each`` one."""

    fixed: float
    each: float


def fitted(points: Sequence[tuple[float, float]]) -> Line:
    """The least squares line through points of at least two sizes, each weighted by the inverse of its size,
    so that the largest does not decide alone."""
    weighted = [(size, value, 1 / max(size, 1.0) ** 2) for size, value in points]
    total = sum(weight for _, _, weight in weighted)
    mean_size = sum(size * weight for size, _, weight in weighted) / total
    mean_value = sum(value * weight for _, value, weight in weighted) / total
    spread = sum(weight * (size - mean_size) ** 2 for size, _, weight in weighted)
    if not spread:
        raise ValueError("points of one size only")
    each = sum(w * (size - mean_size) * (value - mean_value) for size, value, w in weighted) / spread
    return Line(mean_value - each * mean_size, each)
