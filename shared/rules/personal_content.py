"""The three-way merge of a contact's or task's fields (LNK-10), each side against its own base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from shared.model.decision import Skip
from shared.model.link import Base
from shared.model.personal import CONTACT, DynamicsRecord, ExchangeItem, FieldRights
from shared.model.values import Side, Value, Values
from shared.rules import slots, task_progress
from shared.rules.field_table import FieldRow
from shared.rules.merge import MISSING, BaseValue, FieldState, Merged, merge
from shared.rules.personal_fields import (
    closed_fields,
    crossing,
    direction_of,
    fields_of,
    fits,
    losses,
    losses_to_exchange,
    why_held,
)
from shared.rules.situation import Context
from shared.rules.task_coupling import coupled
from shared.rules.task_pair import TaskPair
from shared.rules.task_status import COMPLETED

WINNER = Side.DYNAMICS
"""Of a field that both sides changed (LNK-10: contacts and tasks)."""


@dataclass
class PersonalContent:
    """``exchange``, ``dynamics``: values to be written to that side, by field. ``lost``: values that lost a
    conflict. ``kept``: fields whose base stays, so that what is held is still seen as a change later."""

    fields: tuple[FieldRow, ...]
    exchange: dict[str, Value] = field(default_factory=dict)
    dynamics: dict[str, Value] = field(default_factory=dict)
    lost: dict[str, Value] = field(default_factory=dict)
    skips: list[Skip] = field(default_factory=list)
    kept: set[str] = field(default_factory=set)
    rules: tuple[str, ...] = ()
    """Behind writes that follow from others (``task_coupling``)."""

    @property
    def absorb(self) -> tuple[str, ...]:
        """The fields whose present values become the base."""
        return tuple(row.name for row in self.fields if row.name not in self.kept)

    def towards(self, side: Side) -> dict[str, Value]:
        return self.exchange if side is Side.EXCHANGE else self.dynamics


def exchange_values(item: ExchangeItem, record_values: Values) -> Values:
    """An item's values as the merge sees them: telephone numbers in the slots that Dynamics has them in."""
    return slots.aligned(item.values, record_values) if item.kind == CONTACT else item.values


def merge_content(
    item: ExchangeItem, record: DynamicsRecord, base: Base | None, context: Context, rights: FieldRights
) -> PersonalContent:
    """Merge every field of a linked pair, or of two items linked for the first time (``base`` None)."""
    content = PersonalContent(fields_of(record.table, context))
    shown = exchange_values(item, base.dynamics if base else record.values)
    left_behind = task_progress.left_behind(base.dynamics if base else None, record.values)
    meant = replace(record, values=task_progress.meant(record.values, left_behind))
    for row in content.fields:
        if row.name in shown and row.name in record.values:
            _merge_field(row, item, meant, shown, base, context, rights, content)
    if record.table == CONTACT:
        content.exchange = slots.whole(content.exchange, shown, item.values)
    else:
        _couple(replace(pair_of(item.values, record, context, rights), left_behind=left_behind), content)
    return content


def pair_of(shown: Values, record: DynamicsRecord, context: Context, rights: FieldRights) -> TaskPair:
    return TaskPair(
        record.table,
        shown,
        record.values,
        context.zone,
        context.now,
        record.outgoing,
        context.profile.directions.get(record.table, {}),
        closed_fields(record.table, rights),
    )


def _couple(pair: TaskPair, content: PersonalContent) -> None:
    """Fields of a task that belong together become whole."""
    whole = coupled(pair, content.exchange, content.dynamics)
    content.exchange, content.dynamics = dict(whole.exchange), dict(whole.dynamics)
    content.kept |= whole.held
    content.skips += whole.skips
    content.rules = whole.rules
    written = {*content.exchange, *content.dynamics}
    content.lost = {name: value for name, value in content.lost.items() if name in written}


def _merge_field(
    row: FieldRow,
    item: ExchangeItem,
    record: DynamicsRecord,
    shown: Values,
    base: Base | None,
    context: Context,
    rights: FieldRights,
    content: PersonalContent,
) -> None:
    over = crossing(row, item, record, context)
    state = FieldState(
        row.name,
        shown[row.name],
        record.values[row.name],
        _known(base.exchange if base else None, row.name),
        _known(base.dynamics if base else None, row.name),
    )
    merged = merge(state, over, direction_of(row, context, rights), _winner(row, state))
    if merged.held:
        content.skips.append(why_held(row, rights))
        content.kept.add(row.name)
        return
    if merged.towards is None:
        return
    if merged.towards is Side.DYNAMICS:
        content.skips += losses(row, state.exchange)
        if not fits(row, state.exchange):
            content.kept.add(row.name)
            return
        content.dynamics[row.name] = over.to_dynamics(state.exchange)
    else:
        content.skips += losses_to_exchange(row, state.dynamics)
        content.exchange[row.name] = over.to_exchange(state.dynamics)
        if losses(row, state.exchange):  # what Dynamics never had goes with the edit made there
            content.lost[row.name] = state.exchange
    _note_lost(row, merged, state, content)


def _winner(row: FieldRow, state: FieldState) -> Side:
    """Of two tasks that are linked for the first time the one that is done was done since: nobody's completed
    task is opened by that (PAIN-6)."""
    done = row.kind == "status" and state.first_time and state.exchange == COMPLETED
    return Side.EXCHANGE if done else WINNER


def _known(values: Values | None, name: str) -> BaseValue:
    return values[name] if values is not None and name in values else MISSING


def _note_lost(row: FieldRow, merged: Merged, state: FieldState, content: PersonalContent) -> None:
    if merged.lost_by is Side.EXCHANGE:
        content.lost[row.name] = state.exchange
    elif merged.lost_by is Side.DYNAMICS:
        content.lost[row.name] = state.dynamics


def base_after(base: Base, absorb: tuple[str, ...], item: ExchangeItem, record: DynamicsRecord) -> Base:
    """What both sides show now, each as it returned it."""
    exchange, dynamics = dict(base.exchange), dict(base.dynamics)
    shown: Mapping[str, Value] = exchange_values(item, record.values)
    for name in absorb:
        if name in shown and name in record.values:
            exchange[name], dynamics[name] = shown[name], record.values[name]
    return Base(exchange, dynamics)
