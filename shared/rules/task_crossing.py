"""How each field of a To Do task and its row crosses over (FLD-13 to FLD-19), and what is lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from shared.bodies import forms
from shared.bodies.visible import normal
from shared.model.decision import Skip
from shared.model.personal import DynamicsRecord, ExchangeItem
from shared.model.values import Value, Values
from shared.rules import regarding, task_days, task_progress, task_status
from shared.rules.field_table import FieldRow
from shared.rules.merge import Crossing
from shared.rules.skips import Reason

TITLE_LIMIT = 255
"""Of a To Do task's title; Dynamics takes 200, unless somebody made its column longer."""
NO_SUBJECT = "(no subject)"
"""Exchange refuses a task without a title; a row may be without a subject."""
IMPORTANCE = {"low": 0, "normal": 1, "high": 2}
_IMPORTANCE_NAMES = {number: name for name, number in IMPORTANCE.items()}


@dataclass(frozen=True, slots=True)
class TaskCrossing(Crossing):
    """A field of which one side can say less than the other, or whose meaning depends on its neighbours:
    ``alike`` says whether the two agree."""

    alike: Callable[[Value, Value], bool] | None = None

    def agree(self, exchange: Value, dynamics: Value, *, first_time: bool = False) -> bool:
        if self.alike is not None:
            return self.alike(exchange, dynamics)
        return Crossing.agree(self, exchange, dynamics, first_time=first_time)


def crossing(
    row: FieldRow, item: ExchangeItem | None, record: DynamicsRecord | None, zone: ZoneInfo, now: datetime
) -> Crossing:
    """How a field of a task crosses over for a mailbox in ``zone``. ``item`` and ``record``: as they are now,
    for a field is read together with its neighbours; None for the one that is yet to be made."""
    shown = item.values if item else {}
    known = record.values if record else {}
    outgoing = record.outgoing if record else True
    match row.kind:
        case "status":
            return _status(row.entity, known, outgoing, now)
        case "completed":
            return _completed(row.entity, known, zone, now)
        case "percent":
            return _percent(row.entity, shown, known, zone, now)
        case "day":
            return _day(row.name, known, zone)
        case "importance":
            return Crossing(lambda v: IMPORTANCE.get(str(v), 1), _importance_name)
        case "regarding":
            return Crossing(_regarding_or_none, regarding.to_exchange)
        case "text":
            return Crossing(lambda v: _column(v, row.limit), _title, _words)
        case "memo":
            return Crossing(lambda v: _column(v, row.limit), _words, _words)
        case _:
            raise ValueError(f"no field of a task: {row.kind} ({row.name})")


def _status(table: str, known: Values, outgoing: bool, now: datetime) -> Crossing:
    present = known.get("status")

    def reading(value: Value) -> str:
        return task_status.to_exchange(table, value, known.get("percent"), known.get("completed"), now)

    return TaskCrossing(
        lambda v: task_status.to_dynamics(table, v, present, outgoing),
        reading,
        alike=lambda exchange, dynamics: task_status.alike(table, exchange, reading(dynamics)),
    )


def _completed(table: str, known: Values, zone: ZoneInfo, now: datetime) -> Crossing:
    def read(value: Value) -> task_progress.Progress:
        return task_progress.of_dynamics(table, {**known, "completed": value}, zone, now)

    def alike(exchange: Value, dynamics: Value) -> bool:
        """A row that was completed without a date takes whichever Exchange shows."""
        row = read(dynamics)
        return (row.done and row.day is None) or row.day == (exchange or None)

    return TaskCrossing(
        lambda v: task_days.done_at(v, zone, known.get("completed"), now) if v else None,
        lambda v: read(v).day,
        alike=alike,
    )


def _percent(table: str, shown: Values, known: Values, zone: ZoneInfo, now: datetime) -> Crossing:
    def counted(value: Value) -> int:
        return task_progress.of_exchange({**shown, "percent": value}).percent

    def read(value: Value) -> int:
        return task_progress.of_dynamics(table, {**known, "percent": value}, zone, now).percent

    return TaskCrossing(counted, read, alike=lambda exchange, dynamics: counted(exchange) == read(dynamics))


def _day(name: str, known: Values, zone: ZoneInfo) -> Crossing:
    def read(value: Value) -> Value:
        due = task_days.effective_due(known.get("start"), value) if name == "due" else value
        return task_days.day_of(due, zone)

    return TaskCrossing(
        lambda v: task_days.instant_of(v, zone, known.get(name)),
        read,
        alike=lambda exchange, dynamics: read(dynamics) == (exchange or None),
    )


def _words(value: Value) -> str:
    """A text as both sides keep it: their line ends and trailing blanks differ and mean nothing."""
    return normal(forms.plain(value))


def _column(value: Value, limit: int | None) -> Value:
    words = _words(value)
    return words if limit is None else _words(forms.cut_text(words, limit))


def _title(value: Value) -> str:
    return _words(forms.cut_text(_words(value), TITLE_LIMIT)) or NO_SUBJECT


def _importance_name(value: Value) -> Value:
    return _IMPORTANCE_NAMES.get(value, "normal") if isinstance(value, int) else "normal"


def _regarding_or_none(value: Value) -> Value:
    return regarding.to_dynamics(value) if regarding.is_known(value) else None


def losses(row: FieldRow, value: Value) -> list[Skip]:
    """What of an Exchange value Dynamics does not take, for people to know."""
    if row.kind not in ("text", "memo") or row.limit is None:
        return []
    return _cut(row, value, row.limit)


def losses_to_exchange(row: FieldRow, value: Value) -> list[Skip]:
    """What of a Dynamics value Exchange does not take."""
    return _cut(row, value, TITLE_LIMIT) if row.kind == "text" else []


def _cut(row: FieldRow, value: Value, limit: int) -> list[Skip]:
    if forms.units(_words(value)) <= limit:
        return []
    skip = Reason.CUT.skip(detail=f"{limit} characters", fields=(row.name,))
    return [replace(skip, rules=(row.rule,))]
