"""What a pass is about to write, noted on the link before the first write.

A worker can die after a write and before its commit. The next pass then finds a side that differs from its
base, and without this note could not tell our own write from a person's edit: an edit made on the source
side in the meantime would look like a conflict and might be undone. The note holds fingerprints, no values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared.model.appointment import SERVICE, DynamicsAppointment
from shared.model.decision import (
    CreateAppointment,
    CreateEvent,
    Decision,
    MarkEvent,
    UpdateAppointment,
    UpdateEvent,
)
from shared.model.event import ExchangeEvent
from shared.model.link import Base, Link, LinkState
from shared.model.personal import MarkItem
from shared.model.values import Side, Value, Values
from shared.rules import attendees, invitations, tracking
from shared.rules.appointment_content import exchange_values
from shared.rules.appointment_fields import RECURRENCE
from shared.rules.fingerprints import as_was, fingerprint, note
from shared.rules.occurrence_base import UNDER, intent_of, redone_later
from shared.rules.situation import AppointmentSituation

BECOMING = "becoming"
"""Noted of an item whose row is about to be replaced by one of another table: it is we who delete the old."""
LEAVING = "leaving"
"""Noted of an item whose user it does not concern any more (a service appointment in which he takes part no
more, a contact or task out of his filter): it is we who end it."""
INVITING = "inviting"
"""Noted of a series that is created without its attendees, who are invited when its occurrences stand."""


def with_intent(decision: Decision, situation: AppointmentSituation) -> Link | None:
    """The link to be stored before the decision is carried out; None when no content is written and no link
    begins."""
    link, before = decision.link, situation.link
    noted: dict[str, Value] = {}
    for action in decision.actions:
        write = action.write
        if isinstance(write, UpdateAppointment | CreateAppointment):
            noted |= _towards_dynamics(write, action.after, situation)
        elif isinstance(write, UpdateEvent | CreateEvent) and link is not None:
            noted |= _towards_exchange(action.after, _withheld(write, link), situation)
    if decision.occurrences is not None:
        noted |= {INVITING: True} if _invites_at_last(decision, before) else {}
        noted |= redone_later(before, decision.occurrences)
        noted |= intent_of(decision.actions, decision.occurrences)
    if link is not None and link.table == SERVICE and link.state is LinkState.LEFT_FILTER:
        noted |= {LEAVING: True} if decision.actions else {}
    if link is None or not (noted or decision.replaced or begins(decision, before)):
        return None
    if decision.replaced is not None:
        # The new row's id follows from the old link, which stays until all is done.
        return replace(before, intent={**before.intent, **noted, BECOMING: link.table}) if before else None
    begun_anew = before is not None and link.linked and link.generation != before.generation
    if before is None or not before.linked or begun_anew:
        worn = {**link.markers, **tracking.worn(situation.event)}
        return replace(link, state=LinkState.CREATING, intent=noted, markers=worn)
    # With what an earlier pass wrote and did not commit: its own note is replaced.
    return replace(before, base=link.base, occurrences=link.occurrences, intent=noted)


def begins(decision: Decision, before: Link | None) -> bool:
    """The item is about to be marked for the first time, or anew: the mark must not pass for a person's."""
    fresh = decision.link is not None and decision.link.linked and (before is None or before.state.ended)
    return fresh and any(isinstance(action.write, MarkEvent | MarkItem) for action in decision.actions)


def written_side(creating: Link | None) -> Side | None:
    """The side on which a creation that never committed was under way."""
    notes = (noted for name, noted in creating.intent.items() if "@" not in name) if creating else ()
    sides = {str(noted[0]) for noted in notes if isinstance(noted, list | tuple) and len(noted) == 3}
    return Side(sides.pop()) if len(sides) == 1 else None


def _invites_at_last(decision: Decision, before: Link | None) -> bool:
    begun = bool(before and before.intent.get(INVITING))
    created = any(isinstance(a.write, CreateEvent) and a.write.stamps.withheld for a in decision.actions)
    invites = any(isinstance(a.write, UpdateEvent) and a.mails for a in decision.actions)
    return invites and (created or begun)


def _towards_dynamics(
    write: UpdateAppointment | CreateAppointment, after: Values, situation: AppointmentSituation
) -> dict[str, Value]:
    event = situation.event
    if event is None:
        return {}
    withheld = situation.link.withheld if situation.link else ()
    source, target = exchange_values(event, withheld), dict(after)
    if isinstance(write, CreateAppointment):
        target["attendees"] = attendees.to_dynamics(source.get("attendees"))
        target.setdefault("regarding", None)
    return {name: note(Side.DYNAMICS, source.get(name), value) for name, value in target.items()}


def _withheld(write: UpdateEvent | CreateEvent, link: Link) -> tuple[tuple[str, str], ...]:
    """Who is kept out by this write: a series is created without those who are invited at last."""
    if isinstance(write, CreateEvent):
        return invitations.decode_withheld(write.stamps.withheld)
    return link.withheld


def _towards_exchange(
    after: Values, withheld: tuple[tuple[str, str], ...], situation: AppointmentSituation
) -> dict[str, Value]:
    row = situation.row
    if row is None:
        return {}
    target = dict(after)
    if withheld and not attendees.pairs(target.get("attendees")):
        target["attendees"] = attendees.as_value(withheld)
    return {name: note(Side.EXCHANGE, value, row.value(name)) for name, value in target.items()}


def settled(link: Link, event: ExchangeEvent, row: DynamicsAppointment) -> Link:
    """The link with the writes of a pass that never committed taken into its base. A field whose written
    side does not show what was intended keeps its old base: there the ordinary rules decide. What was noted
    of a series' occurrences stays for their own merge."""
    if not link.intent:
        return link
    base, written = taken_in(link, exchange_values(event, link.withheld), row.values)
    kept = _left(link.intent, pattern_written=RECURRENCE.name in written)
    return replace(link, base=base, intent=kept)


def taken_in(link: Link, shown: Values, row: Values) -> tuple[Base, frozenset[str]]:
    """The base with what the noted writes have brought about, and the fields that this is so of. ``shown``:
    what Exchange shows now, ``row``: what Dynamics does."""
    exchange, dynamics = dict(link.base.exchange), dict(link.base.dynamics)
    done: set[str] = set()
    for name, noted in link.intent.items():
        if not isinstance(noted, list | tuple) or len(noted) != 3 or "@" in name:
            continue
        side, exchange_print, dynamics_print = (str(part) for part in noted)
        now_exchange, now_dynamics = shown.get(name), row.get(name)
        written, intended = (
            (now_dynamics, dynamics_print) if side == Side.DYNAMICS else (now_exchange, exchange_print)
        )
        if fingerprint(written) == intended:
            done.add(name)
            exchange[name] = as_was(now_exchange, exchange_print)
            dynamics[name] = as_was(now_dynamics, dynamics_print)
    return Base(exchange, dynamics), frozenset(done)


def _left(intent: Mapping[str, Value], *, pattern_written: bool) -> dict[str, Value]:
    """The notes of a series' occurrences, without those that a pattern which was never written makes void."""
    kept: dict[str, Value] = {}
    for name, noted in intent.items():
        if name == INVITING:
            kept[name] = noted
        elif "@" not in name:
            continue
        elif isinstance(noted, list | tuple) and UNDER in noted:
            kept |= {name: list(noted[:3])} if pattern_written else {}
        else:
            kept[name] = noted
    return kept
