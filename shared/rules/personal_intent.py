"""What a pass is about to write to a contact or task, noted on its link before the first write (see
``intent``)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from shared.model.decision import Decision
from shared.model.link import Link, LinkState
from shared.model.personal import (
    CreateItem,
    CreateRecord,
    DeleteItem,
    DynamicsRecord,
    ExchangeItem,
    MarkItem,
    UpdateItem,
    UpdateRecord,
)
from shared.model.values import Side, Value, Values
from shared.rules import tracking
from shared.rules.fingerprints import fingerprint, note
from shared.rules.intent import LEAVING, begins, taken_in
from shared.rules.personal_content import exchange_values
from shared.rules.personal_marks import PLACE
from shared.rules.personal_situation import PersonalSituation

ANNOUNCED_FOR = timedelta(seconds=60)
"""Within so long of its announcement a creation is begun, or not at all."""
ON_ITS_WAY = timedelta(seconds=90)
"""So long one that was begun may still take effect: short waits, a write's time-out, and some more."""
CLOCKS_APART = timedelta(minutes=4)
"""No further the clocks of two machines are apart (docs/assumptions.md)."""


def under_way(link: Link | None, now: datetime) -> timedelta:
    """How long to wait until nothing that was announced for this link before, maybe by another machine, can
    take effect any more; nothing or less when that is so. There is no idempotency key for contacts and tasks:
    whoever creates earlier may double them (LNK-3)."""
    if link is None or link.state is not LinkState.CREATING or link.attempt_at is None:
        return timedelta()
    return link.attempt_at + ANNOUNCED_FOR + ON_ITS_WAY + CLOCKS_APART - now


def with_intent(decision: Decision, situation: PersonalSituation, now: datetime) -> Link | None:
    """The link to be stored before the decision is carried out; None when no content is written, nothing is
    taken away, no link begins, and the item is where it was. A creation is noted with its time: until it can
    have no effect any more nobody may repeat it, and the time of one that is not begun for that reason is not
    noted."""
    link, before = decision.link, situation.link
    noted: dict[str, Value] = {}
    for action in decision.actions:
        if isinstance(action.write, CreateRecord | UpdateRecord):
            noted |= _towards_dynamics(action.after, situation)
        elif isinstance(action.write, CreateItem | UpdateItem):
            noted |= _towards_exchange(action.after, situation)
        elif isinstance(action.write, MarkItem | DeleteItem) and _leaves(link):
            noted[LEAVING] = True
    found_elsewhere = situation.moved and before is not None and before.linked and bool(decision.actions)
    if link is None or not (noted or found_elsewhere or begins(decision, before)):
        return None
    begun_anew = before is not None and link.linked and link.generation != before.generation
    if before is None or not before.linked or begun_anew:
        worn = {**link.markers, **tracking.worn(situation.item)}
        begun_at = before.attempt_at if before and under_way(before, now) > timedelta() else now
        return replace(link, state=LinkState.CREATING, intent=noted, attempt_at=begun_at, markers=worn)
    return replace(_where_it_is(before, situation), base=link.base, intent=noted)


def _where_it_is(link: Link, situation: PersonalSituation) -> Link:
    """Of an item that was moved the new id is noted, for the stamp by which it was found may be what is about
    to be taken off."""
    item = situation.item
    if item is None or not situation.moved:
        return link
    return replace(link, exchange_id=item.id, markers={**link.markers, PLACE: item.place})


def _leaves(link: Link | None) -> bool:
    """It is we who unmark or delete the item: no later pass may take that for a person's doing."""
    return link is not None and link.state is LinkState.LEFT_FILTER


def is_leaving(link: Link) -> bool:
    """A pass that never committed had begun to take the item out of Exchange."""
    return bool(link.intent.get(LEAVING))


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


def is_the_noted(link: Link, item: ExchangeItem) -> bool:
    """The item shows exactly what a row was to be made of, when that was noted on this link."""
    shown = exchange_values(item, {})
    notes = {name: noted for name, noted in link.intent.items() if isinstance(noted, list | tuple)}
    return bool(notes) and all(fingerprint(shown.get(name)) == noted[1] for name, noted in notes.items())
