"""A To Do task and its row as the rules about fields that belong together see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from shared.model.decision import Skip
from shared.model.values import Direction, Side, Value, Values
from shared.rules.field_table import by_name, direction_of


@dataclass(frozen=True, slots=True)
class TaskPair:
    """``exchange`` and ``dynamics``: what each side shows now. ``directions``: the administrator's choices
    for fields of ``table`` (FLD-33). ``closed``: fields that the user may not write in Dynamics (FLD-35)."""

    table: str
    exchange: Values
    dynamics: Values
    zone: ZoneInfo
    now: datetime
    outgoing: bool = True
    directions: Mapping[str, Direction] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()
    left_behind: bool = False
    """The per cent still says that a row is done which somebody opened again (``task_progress``)."""

    def both_ways(self, name: str) -> bool:
        return all(self.may(name, side) for side in Side)

    def may(self, name: str, side: Side) -> bool:
        """The field of this table travels to that side."""
        row = by_name(self.table).get(name)
        if row is None or (side is Side.DYNAMICS and name in self.closed):
            return False
        return direction_of(row, self.directions).reaches(side)


@dataclass(slots=True)
class Writes:
    """What fields that belong together are to be set to, by side."""

    exchange: dict[str, Value] = field(default_factory=dict)
    dynamics: dict[str, Value] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    """Fields that could not be written: their base is to stay as it was."""
    skips: list[Skip] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    """What made a write that the merge had not decided."""


def towards(name: str, exchange: Values, dynamics: Values) -> Side | None:
    """The side to which the merge writes a field."""
    if name in dynamics:
        return Side.DYNAMICS
    return Side.EXCHANGE if name in exchange else None
