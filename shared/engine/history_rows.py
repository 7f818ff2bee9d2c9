"""History rows from decisions: what was done, what was left alone, what lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from shared.engine.ports import HistoryRow
from shared.model.decision import Action, Decision, ItemRef, Skip
from shared.model.values import Side


def rows_of(decision: Decision, done: Sequence[Action], at: datetime) -> list[HistoryRow]:
    """One row per action done; values that lost a conflict go with the action that overwrote them."""
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
            lost={name: value for name, value in decision.lost.items() if _lost_to(name, action, done)},
        )
        for action in done
    ]


def refused_rows(decision: Decision, refused: Sequence[tuple[Action, str]], at: datetime) -> list[HistoryRow]:
    """What a side did not take, and why."""
    plain = replace(decision, lost={})
    return [
        replace(row, outcome="refused", reason=reason)
        for action, reason in refused
        for row in rows_of(plain, [action], at)
    ]


def _lost_to(name: str, action: Action, done: Sequence[Action]) -> bool:
    """Whether this action overwrote the value. What an occurrence lost to a new pattern, which has no action
    of its own, goes with the first."""
    field, at, date = name.partition("@")
    if not at:
        return not action.occurrence and name in action.fields
    takers = [each for each in done if each.occurrence == date and (field in each.fields or not each.fields)]
    return action in takers[:1] if takers else action is done[0]


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
