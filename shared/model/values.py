"""Field values as each side shows them, in one canonical JSON form, so that ``==`` means "unchanged".

A base remembers these values per side (design: "links and the base"). They are therefore compared only
with earlier values of the same side, never across sides; crossing over is the field table's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

Value = str | int | float | bool | None | Sequence["Value"] | Mapping[str, "Value"]
Values = Mapping[str, Value]


class Side(StrEnum):
    EXCHANGE = "exchange"
    DYNAMICS = "dynamics"

    @property
    def other(self) -> Side:
        return Side.DYNAMICS if self is Side.EXCHANGE else Side.EXCHANGE


class Direction(StrEnum):
    """Which way a field travels (FLD): both ways, to one side only, or not at all."""

    BOTH = "both"
    TO_DYNAMICS = "toDynamics"
    TO_EXCHANGE = "toExchange"
    NONE = "none"

    def reaches(self, side: Side) -> bool:
        towards = {Side.DYNAMICS: Direction.TO_DYNAMICS, Side.EXCHANGE: Direction.TO_EXCHANGE}
        return self is Direction.BOTH or self is towards[side]


def is_empty(value: Value) -> bool:
    """True for what a person would call "not filled in"; ``0`` and ``False`` are values."""
    return value is None or value in ("", [], {}, ())
