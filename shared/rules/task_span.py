"""Start and due date: nothing begins after it is due, or either side refuses it (TASK-5, TASK-7).

The merge decides field by field; where the two sides moved different ends of a task, what it decided is
brought into an order that both sides take.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.model.values import Side, Value, Values
from shared.rules.meeting_time import instant
from shared.rules.skips import Reason
from shared.rules.task_days import day_of, effective_due, instant_of
from shared.rules.task_pair import TaskPair, Writes, towards

FIELDS = ("start", "due")


@dataclass(frozen=True, slots=True)
class Span:
    """Days; without a due day it is due on its start."""

    start: Value
    due: Value

    @property
    def in_order(self) -> bool:
        return not (self.start and self.due) or str(self.start) <= str(self.due)


def of_exchange(values: Values) -> Span:
    start = values.get("start") or None
    return Span(start, effective_due(start, values.get("due")))


def of_dynamics(pair: TaskPair, values: Values) -> Span:
    start = day_of(values.get("start"), pair.zone)
    return Span(start, effective_due(start, day_of(values.get("due"), pair.zone)))


def settle(pair: TaskPair, exchange: Values, dynamics: Values) -> Writes:
    """What the merge decided for the two, brought into order."""
    views = {Side.EXCHANGE: of_exchange(pair.exchange), Side.DYNAMICS: of_dynamics(pair, pair.dynamics)}
    sides = {name: side for name in FIELDS if (side := towards(name, exchange, dynamics))}
    if not sides and _due_no_more(pair, views):
        sides["due"] = Side.DYNAMICS
    writes = Writes()
    if not sides:
        return writes
    start_from, due_from = (sides[name].other if name in sides else None for name in FIELDS)
    if due_from is None and not pair.dynamics.get("due"):
        due_from = start_from  # the row's due day is where its start is (TASK-7)
    goals = {side: _goal(side, start_from, due_from, views, pair) for side in Side}
    _to_exchange(pair, goals[Side.EXCHANGE], writes)
    _to_dynamics(pair, goals[Side.DYNAMICS], sides.get("due") is Side.DYNAMICS, writes)
    return writes


def _due_no_more(pair: TaskPair, views: dict[Side, Span]) -> bool:
    """The row was due by its start, both sides moved the start alike, and only Exchange kept the day."""
    left, right = views[Side.EXCHANGE], views[Side.DYNAMICS]
    kept = left.start == right.start and left.due != right.due and not pair.dynamics.get("due")
    return kept and pair.both_ways("due")


def _goal(
    side: Side, start_from: Side | None, due_from: Side | None, views: dict[Side, Span], pair: TaskPair
) -> Span:
    """What a side is to show. Where the two ends come from different sides and cross, the task begins when
    it is due: the date by which it has to be done is the firmer one."""
    goal = Span(views[start_from or side].start, views[due_from or side].due)
    if due_from is Side.DYNAMICS and not pair.dynamics.get("due"):
        goal = replace(goal, due=goal.start)
    if goal.in_order:
        return replace(goal, due=effective_due(goal.start, goal.due))
    if due_from is None and start_from is not None and pair.may("due", side):
        return replace(goal, due=views[start_from].due)
    return replace(goal, start=goal.due)


def _to_exchange(pair: TaskPair, goal: Span, writes: Writes) -> None:
    shown = pair.exchange
    wanted: dict[str, Value] = {"start": goal.start, "due": goal.due}
    out = {n: v for n, v in wanted.items() if v != (shown.get(n) or None) and pair.may(n, Side.EXCHANGE)}
    if not of_exchange({**shown, **out}).in_order:
        _hold(writes)
        return
    writes.exchange |= out


def _to_dynamics(pair: TaskPair, goal: Span, told: bool, writes: Writes) -> None:
    """``told``: the merge decided that the row takes Exchange's due day; otherwise a row without one that
    shows the right day by its start is left without."""
    row, out = pair.dynamics, dict[str, Value]()
    if goal.start != day_of(row.get("start"), pair.zone) and pair.may("start", Side.DYNAMICS):
        out["start"] = instant_of(goal.start, pair.zone, row.get("start"))
    reads = of_dynamics(pair, {**row, **out}).due
    differs = goal.due != (day_of(row.get("due"), pair.zone) if told else reads)
    if differs and pair.may("due", Side.DYNAMICS):
        out["due"] = instant_of(goal.due, pair.zone, row.get("due"))
    if not of_dynamics(pair, {**row, **out}).in_order:
        _hold(writes)
        return
    writes.dynamics |= _in_order_within_the_day(row, out)


def _in_order_within_the_day(row: Values, out: dict[str, Value]) -> dict[str, Value]:
    """The days are in order; on one day the times may not be. What is written gives way."""
    after = {**row, **out}
    start, due = after.get("start"), after.get("due")
    if not out or not start or not due or instant(str(start)) <= instant(str(due)):
        return out
    return {**out, "due": start} if "due" in out else {**out, "start": due}


def _hold(writes: Writes) -> None:
    """A field's direction keeps the two ends from being brought into order."""
    writes.held |= set(FIELDS)
    writes.skips.append(Reason.TASK_DATES_CROSS.skip(fields=FIELDS))
