"""Fields of a task that belong together: what the merge decided for each, made into whole tasks.

Called once all fields of a linked pair were merged, with what is to be written to each side. What the merge
decided for status, completed, percent, start and due is replaced; other fields pass through.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.model.decision import Skip
from shared.model.values import Value, Values
from shared.rules import task_progress, task_span
from shared.rules.task_pair import TaskPair

FIELDS = frozenset((*task_progress.FIELDS, *task_span.FIELDS))


@dataclass(frozen=True, slots=True)
class Coupled:
    """``exchange`` and ``dynamics``: all that is to be written to each side. ``held``: fields that could not
    be brought over, whose base is to stay. ``rules``: behind the writes that the merge had not decided."""

    exchange: dict[str, Value]
    dynamics: dict[str, Value]
    held: frozenset[str] = frozenset()
    skips: tuple[Skip, ...] = ()
    rules: tuple[str, ...] = ()


def coupled(pair: TaskPair, exchange: Values, dynamics: Values) -> Coupled:
    """The whole set of writes for what the merge decided to write to each side."""
    parts = [part.settle(pair, exchange, dynamics) for part in (task_progress, task_span)]
    to_exchange = {name: value for name, value in exchange.items() if name not in FIELDS}
    to_dynamics = {name: value for name, value in dynamics.items() if name not in FIELDS}
    for part in parts:
        to_exchange |= part.exchange
        to_dynamics |= part.dynamics
    return Coupled(
        to_exchange,
        to_dynamics,
        frozenset().union(*(part.held for part in parts)),
        tuple(skip for part in parts for skip in part.skips),
        tuple(dict.fromkeys(rule for part in parts for rule in part.rules)),
    )
