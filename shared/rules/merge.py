"""The three-way merge of one field, each side against its own base (LNK-10).

A side has changed a field when its present value differs from its own base, never because the two sides
differ. Crossing over (how a value of one side reads on the other) is handed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from shared.bodies.forms import same_words
from shared.model.values import Direction, Side, Value, is_empty


class _Missing(Enum):
    """No base: the two items were linked for the first time."""

    MISSING = 0


MISSING = _Missing.MISSING
BaseValue = Value | _Missing


@dataclass(frozen=True, slots=True)
class Crossing:
    """How a field's value crosses over, in each direction."""

    to_dynamics: Callable[[Value], Value]
    to_exchange: Callable[[Value], Value]
    essence: Callable[[Value], Value] | None = None
    """What of a value counts when the two are compared, if not all of it."""

    def agree(self, exchange: Value, dynamics: Value, *, first_time: bool = False) -> bool:
        """The two say the same, seen from either side. Between two items that were never linked, a body in
        another form is no difference."""
        alike = _alike if first_time else same
        counts = self.essence or _all_of_it
        return alike(counts(self.to_dynamics(exchange)), counts(dynamics)) or alike(
            counts(self.to_exchange(dynamics)), counts(exchange)
        )


def _all_of_it(value: Value) -> Value:
    return value


@dataclass(frozen=True, slots=True)
class FieldState:
    """One field now and as last agreed on."""

    name: str
    exchange: Value
    dynamics: Value
    base_exchange: BaseValue = MISSING
    base_dynamics: BaseValue = MISSING

    @property
    def first_time(self) -> bool:
        return self.base_exchange is MISSING or self.base_dynamics is MISSING

    def changed(self, side: Side) -> bool:
        if side is Side.EXCHANGE:
            return not _alike(self.exchange, self.base_exchange)
        return not _alike(self.dynamics, self.base_dynamics)


@dataclass(frozen=True, slots=True)
class Merged:
    """Which side is to take the other's value (None: neither), whether both agree now, and the loser's
    value when both had changed (``lost_by`` names its side)."""

    towards: Side | None = None
    agreed: bool = False
    lost_by: Side | None = None
    held: bool = False
    """Something changed, but the field does not travel that way."""


def same(left: BaseValue, right: BaseValue) -> bool:
    """Equal as JSON: lists and tuples alike."""
    return _plain(left) == _plain(right)


def _alike(left: BaseValue, right: BaseValue) -> bool:
    """The same, or one body in its two forms: switching rich bodies on or off edits nothing (SET-47)."""
    return same(left, right) or same_words(left, right)


def _plain(value: BaseValue) -> object:
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value


def merge(state: FieldState, crossing: Crossing, direction: Direction, winner: Side) -> Merged:
    """Decide one field. ``winner`` is the side that wins when both changed it to different values."""
    if crossing.agree(state.exchange, state.dynamics, first_time=state.first_time):
        return Merged(agreed=True)
    if direction is Direction.NONE:
        return Merged(held=True)
    if state.first_time:
        return _first_time(state, direction, winner)
    from_exchange, from_dynamics = state.changed(Side.EXCHANGE), state.changed(Side.DYNAMICS)
    if not from_exchange and not from_dynamics:
        return Merged()
    if from_exchange and from_dynamics:
        return _both(direction, winner)
    towards = Side.DYNAMICS if from_exchange else Side.EXCHANGE
    return Merged(towards=towards) if direction.reaches(towards) else Merged(held=True)


def _first_time(state: FieldState, direction: Direction, winner: Side) -> Merged:
    """No base: empty never beats filled; a real difference is decided like a conflict."""
    if is_empty(state.exchange) or is_empty(state.dynamics):
        towards = Side.EXCHANGE if is_empty(state.exchange) else Side.DYNAMICS
        return Merged(towards=towards) if direction.reaches(towards) else Merged(held=True)
    return _both(direction, winner)


def _both(direction: Direction, winner: Side) -> Merged:
    """A conflict; where only one way is open, the side that may send wins."""
    if not direction.reaches(winner.other):
        winner = winner.other
    return Merged(towards=winner.other, lost_by=winner.other)
