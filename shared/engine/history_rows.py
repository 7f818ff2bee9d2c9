"""History rows from decisions: what was done, what was left alone, what lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from shared.engine.ports import HistoryRow
from shared.model.decision import Action, Decision, ItemRef, Skip
from shared.model.values import Side

OVERWRITTEN = "the other side's edit of the same field wins; this value is about to be overwritten"


def losses_of(decision: Decision, at: datetime) -> list[HistoryRow]:
    """A row for each action that is about to overwrite values that lost a conflict (LNK-10). It is written
    before the action: its answer, or the worker, may be lost, and then nobody would know any more."""
    rows = []
    for action in decision.actions:
        lost = {n: v for n, v in decision.lost.items() if _lost_to(n, action, decision.actions)}
        if lost:
            rows.append(
                HistoryRow(
                    at,
                    decision.item,
                    action.kind.value,
                    action.side.value,
                    action.rules,
                    OVERWRITTEN,
                    "conflict",
                    action.before,
                    action.after,
                    lost,
                )
            )
    return rows


def rows_of(decision: Decision, done: Sequence[Action], at: datetime) -> list[HistoryRow]:
    """One row per action done."""
    return [
        HistoryRow(
            at=at,
            item=decision.item,
            action=action.kind.value,
            side=action.side.value,
            rules=action.rules,
            reason=action.reason,
            outcome="done",
            before=action.before,
            after=action.after,
        )
        for action in done
    ]


def refused_rows(decision: Decision, refused: Sequence[tuple[Action, str]], at: datetime) -> list[HistoryRow]:
    """What a side did not take, and why."""
    return [
        replace(row, outcome="refused", reason=reason)
        for action, reason in refused
        for row in rows_of(decision, [action], at)
    ]


def _lost_to(name: str, action: Action, actions: Sequence[Action]) -> bool:
    """Whether this action overwrites the value. What an occurrence loses to a new pattern, which has no
    action of its own, goes with the first."""
    field, at, date = name.partition("@")
    if not at:
        return not action.occurrence and name in action.fields
    takers = [
        each for each in actions if each.occurrence == date and (field in each.fields or not each.fields)
    ]
    return action in takers[:1] if takers else action is actions[0]


def skip_row(decision: Decision, skip: Skip, at: datetime) -> HistoryRow:
    """Something left alone and why."""
    names = f" ({', '.join(skip.fields)})" if skip.fields else ""
    return HistoryRow(
        at=at,
        item=decision.item,
        action="skip",
        side=Side.EXCHANGE.value,
        rules=skip.rules,
        reason=f"{skip.reason}{names}",
        outcome="done",
    )


def unreadable_row(item_id: str, reason: str, at: datetime, kind: str = "appointment") -> HistoryRow:
    """An item that Graph answered and nobody could read."""
    item = ItemRef(kind, item_id, None)
    return HistoryRow(at, item, "skip", Side.EXCHANGE.value, ("MBX-16",), reason, "refused")
