"""Status, per cent and day of completion: three fields, one thing (TASK-3, TASK-4, TASK-5, TASK-9).

Each side is read as a whole: in Exchange the status rules and the extension's per cent refine it, in Dynamics
a row may be done in three ways. The merge decides field by field; what it decided is then made whole, so that
no side is left with a completed task of 50 % or an open row that was done last week.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from shared.model.personal import TASK
from shared.model.values import Side, Value, Values
from shared.rules import task_status
from shared.rules.fingerprints import is_unknown
from shared.rules.meeting_time import text_of
from shared.rules.status import status_pair
from shared.rules.task_days import day_of, done_at
from shared.rules.task_pair import TaskPair, Writes, towards
from shared.rules.task_status import COMPLETED, IN_PROGRESS, NOT_STARTED

FIELDS = ("status", "completed", "percent")
"""In the order in which they lead: the status says most."""


@dataclass(frozen=True, slots=True)
class Progress:
    """``status`` in Exchange's words; ``day`` of completion."""

    status: str
    percent: int
    day: str | None

    @property
    def done(self) -> bool:
        return self.status == COMPLETED


def of_exchange(values: Values) -> Progress:
    """Completed is 100 %, not started is 0 %; otherwise the extension says, unless it was left at 100 % by a
    task that somebody opened again: then nothing is known."""
    status = str(values.get("status") or NOT_STARTED)
    if status == COMPLETED:
        return Progress(status, 100, _text(values.get("completed")))
    percent = _number(values.get("percent"))
    return Progress(status, 0 if status == NOT_STARTED or percent == 100 else percent, None)


def of_dynamics(table: str, values: Values, zone: ZoneInfo, now: datetime) -> Progress:
    """What is done is 100 %, whatever the column says: completing a row does not fill it. An actual end of an
    open row that is still to come is a plan."""
    completed = values.get("completed")
    percent = values.get("percent") if table == TASK else None
    status = task_status.to_exchange(table, values.get("status"), percent, completed, now)
    if status == COMPLETED:
        return Progress(status, 100, day_of(completed, zone))
    return Progress(status, _number(percent), None)


def left_behind(base: Values | None, row: Values) -> bool:
    """The per cent of an open row is still the 100 of when it was closed: Dynamics leaves it when somebody
    opens the row again, who means that it is not done. An actual end that was not cleared says that it is
    (TASK-9).

    Of a status that a pass wrote which never committed only the fingerprint is known; with a per cent that
    is still as it was it had closed the row."""
    closed_before = base is not None and (is_unknown(base.get("status")) or _closed(base))
    if base is None or not closed_before or _closed(row):
        return False
    return row.get("percent") == 100 and base.get("percent") == 100


def meant(row: Values, left: bool) -> Values:
    """The row as it is meant: without a per cent that was ``left`` behind."""
    return {**row, "percent": None} if left else row


def _number(value: Value) -> int:
    return min(max(int(value), 0), 100) if isinstance(value, int | float) else 0


def _text(value: Value) -> str | None:
    return str(value) if value else None


def settle(pair: TaskPair, exchange: Values, dynamics: Values) -> Writes:
    """What the merge decided for these fields, made whole."""
    row = meant(pair.dynamics, pair.left_behind)
    views = {
        Side.EXCHANGE: of_exchange(pair.exchange),
        Side.DYNAMICS: of_dynamics(pair.table, row, pair.zone, pair.now),
    }
    decided = {name: side for name in FIELDS if (side := towards(name, exchange, dynamics))}
    if not decided and (pair.left_behind or _left_over(pair, views)):
        decided["percent"] = Side.EXCHANGE
    writes = Writes()
    if not decided:
        return writes
    goal = _goal(decided, views)
    _to_exchange(pair, goal, writes)
    _to_dynamics(pair, views[Side.DYNAMICS], goal, "status" in dynamics, writes)
    return writes


def _left_over(pair: TaskPair, views: Mapping[Side, Progress]) -> bool:
    """Both sides went to the same status at once, and the extension still has the per cent of an earlier one,
    which nobody sees: the row's count."""
    left, right = views[Side.EXCHANGE], views[Side.DYNAMICS]
    differ = left.status == right.status and left.percent != right.percent
    return differ and pair.table == TASK and pair.both_ways("percent")


def _goal(decided: Mapping[str, Side], views: Mapping[Side, Progress]) -> Progress:
    """What both sides are to say. The side that the status comes from leads."""
    lead = next(decided[name].other for name in FIELDS if name in decided)
    leading = views[lead]
    if leading.done:
        dated = views[decided["completed"].other] if "completed" in decided else leading
        return Progress(COMPLETED, 100, dated.day or leading.day)
    counted = views[decided["percent"].other if "percent" in decided else lead].percent
    percent = leading.percent if counted == 100 else counted
    if leading.status == NOT_STARTED and percent:
        # Somebody did some of it on one side while the other says that nothing is: done beats nothing.
        return Progress(IN_PROGRESS, percent, None)
    return Progress(leading.status, percent, None)


def _to_exchange(pair: TaskPair, goal: Progress, writes: Writes) -> None:
    shown, out = pair.exchange, writes.exchange
    if not task_status.alike(pair.table, shown.get("status"), goal.status):
        out["status"] = goal.status
        writes.rules.append("TASK-9" if goal.done and not _closed(pair.dynamics) else "TASK-3")
    after = of_exchange({**shown, **out})
    if after.percent != goal.percent and pair.may("percent", Side.EXCHANGE):
        out["percent"] = goal.percent
    if not goal.done:
        if shown.get("completed"):
            out["completed"] = None  # Exchange takes it away with the status
        return
    day = goal.day or shown.get("completed") or day_of(text_of(pair.now), pair.zone)
    if day != shown.get("completed") and pair.may("completed", Side.EXCHANGE):
        out["completed"] = day
        writes.rules.append("TASK-5")


def _to_dynamics(pair: TaskPair, view: Progress, goal: Progress, told: bool, writes: Writes) -> None:
    """``told``: the merge decided that the row takes Exchange's status."""
    if goal.done:
        _done(pair, view, goal, writes)
    else:
        _open(pair, view, goal, told, writes)


def _done(pair: TaskPair, view: Progress, goal: Progress, writes: Writes) -> None:
    """An open row that was done on a day that is past is left open, but not one that is done on a day to
    come, as where UTC is a day ahead of the mailbox: that would be a plan."""
    row, out = pair.dynamics, writes.dynamics
    if goal.day and goal.day != view.day and pair.may("completed", Side.DYNAMICS):
        out["completed"] = done_at(goal.day, pair.zone, row.get("completed"), pair.now)
        writes.rules.append("TASK-5")
    reads = of_dynamics(pair.table, {**row, **out}, pair.zone, pair.now)
    if view.done and reads.done:
        return
    out["status"] = task_status.to_dynamics(pair.table, COMPLETED, row.get("status"), pair.outgoing)
    writes.rules.append("TASK-4")
    if pair.table == TASK and row.get("percent") != 100 and pair.may("percent", Side.DYNAMICS):
        out["percent"] = 100


def _open(pair: TaskPair, view: Progress, goal: Progress, told: bool, writes: Writes) -> None:
    """What made the row done goes, whichever way those fields travel: a row that is opened again and still
    says 100 %, or when it was done, would count as done (TASK-9)."""
    row, out = pair.dynamics, writes.dynamics
    if view.done and row.get("completed") and "completed" not in pair.closed:
        out["completed"] = None
        writes.rules.append("TASK-9")
    stale = row.get("percent") == 100 and "percent" not in pair.closed
    if pair.table == TASK and _number(row.get("percent")) != goal.percent:
        if pair.may("percent", Side.DYNAMICS):
            out["percent"] = goal.percent
        elif stale:
            out["percent"] = 0
    reads = of_dynamics(pair.table, {**row, **out}, pair.zone, pair.now).status
    if told or not task_status.alike(pair.table, goal.status, reads):
        status = task_status.to_dynamics(pair.table, goal.status, row.get("status"), pair.outgoing)
        if status != list(status_pair(row.get("status"))):
            out["status"] = status
            writes.rules.append("TASK-4")


def _closed(row: Values) -> bool:
    status = row.get("status")
    return status is not None and status_pair(status)[0] != task_status.OPEN
