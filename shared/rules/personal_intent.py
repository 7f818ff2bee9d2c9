"""What a pass is about to write to a contact or task, noted on its link before the first write (see
``intent``)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.model.decision import Decision
from shared.model.link import Link, LinkState
from shared.model.personal import (
    CreateItem,
    CreateRecord,
    DynamicsRecord,
    ExchangeItem,
    UpdateItem,
    UpdateRecord,
)
from shared.model.values import Side, Value, Values
from shared.rules.fingerprints import note
from shared.rules.intent import taken_in
from shared.rules.personal_content import exchange_values
from shared.rules.personal_situation import PersonalSituation


def with_intent(decision: Decision, situation: PersonalSituation, now: datetime) -> Link | None:
    """The link to be stored before the decision is carried out; None when no content is written. A creation
    is noted with its time: until it can have no effect any more nobody may repeat it."""
    link, before = decision.link, situation.link
    noted: dict[str, Value] = {}
    for action in decision.actions:
        if isinstance(action.write, CreateRecord | UpdateRecord):
            noted |= _towards_dynamics(action.after, situation)
        elif isinstance(action.write, CreateItem | UpdateItem):
            noted |= _towards_exchange(action.after, situation)
    if link is None or not noted:
        return None
    begun_anew = before is not None and link.linked and link.generation != before.generation
    if before is None or not before.linked or begun_anew:
        return replace(link, state=LinkState.CREATING, intent=noted, attempt_at=now)
    return replace(before, base=link.base, intent=noted)


def _towards_dynamics(after: Values, situation: PersonalSituation) -> dict[str, Value]:
    item = situation.item
    if item is None:
        return {}
    shown = exchange_values(item, situation.row.values if situation.row else {})
    return {name: note(Side.DYNAMICS, shown.get(name), value) for name, value in after.items()}


def _towards_exchange(after: Values, situation: PersonalSituation) -> dict[str, Value]:
    record = situation.row
    if record is None:
        return {}
    return {name: note(Side.EXCHANGE, value, record.value(name)) for name, value in after.items()}


def settled(link: Link, item: ExchangeItem, record: DynamicsRecord) -> Link:
    """The link with the writes of a pass that never committed taken into its base. A field whose written side
    does not show what was intended keeps its old base: there the ordinary rules decide."""
    if not link.intent:
        return link
    base, _ = taken_in(link, exchange_values(item, record.values), record.values)
    return replace(link, base=base, intent={})
