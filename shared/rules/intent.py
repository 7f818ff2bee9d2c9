"""What a pass is about to write, noted on the link before the first write.

A worker can die after a write and before its commit. The next pass then finds a side that differs from its
base, and without this note could not tell our own write from a person's edit: an edit made on the source
side in the meantime would look like a conflict and might be undone. The note holds fingerprints, no values.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

from shared.model.appointment import DynamicsAppointment
from shared.model.decision import CreateAppointment, CreateEvent, Decision, UpdateAppointment, UpdateEvent
from shared.model.event import ExchangeEvent
from shared.model.link import Base, Link, LinkState
from shared.model.values import Side, Value, Values
from shared.rules import attendees
from shared.rules.appointment_content import exchange_values
from shared.rules.situation import AppointmentSituation

Intent = Mapping[str, Value]


def fingerprint(value: Value) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]


def with_intent(decision: Decision, situation: AppointmentSituation) -> Link | None:
    """The link to be stored before the decision is carried out; None when no content is written."""
    link = decision.link
    noted: dict[str, Value] = {}
    for action in decision.actions:
        write = action.write
        if isinstance(write, UpdateAppointment | CreateAppointment):
            noted |= _towards_dynamics(write, action.after, situation)
        elif isinstance(write, UpdateEvent | CreateEvent) and link is not None:
            noted |= _towards_exchange(action.after, link, situation)
    if link is None or not noted:
        return None
    before = situation.link
    if before is None or not before.linked:
        return replace(link, state=LinkState.CREATING, intent=noted)
    return replace(before, intent=noted)


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
    return {name: _note(Side.DYNAMICS, source.get(name), value) for name, value in target.items()}


def _towards_exchange(after: Values, link: Link, situation: AppointmentSituation) -> dict[str, Value]:
    row = situation.row
    if row is None:
        return {}
    target = dict(after)
    if link.withheld and not attendees.pairs(target.get("attendees")):
        target["attendees"] = attendees.as_value(link.withheld)
    return {name: _note(Side.EXCHANGE, value, row.value(name)) for name, value in target.items()}


def _note(written: Side, exchange: Value, dynamics: Value) -> Value:
    return [written.value, fingerprint(exchange), fingerprint(dynamics)]


def settled(link: Link, event: ExchangeEvent, row: DynamicsAppointment) -> Link:
    """The link with the writes of a pass that never committed taken into its base. A field whose written
    side does not show what was intended keeps its old base: there the ordinary rules decide."""
    if not link.intent:
        return link
    shown = exchange_values(event, link.withheld)
    exchange, dynamics = dict(link.base.exchange), dict(link.base.dynamics)
    for name, note in link.intent.items():
        if not isinstance(note, list | tuple) or len(note) != 3:
            continue
        side, exchange_print, dynamics_print = (str(part) for part in note)
        now_exchange, now_dynamics = shown.get(name), row.value(name)
        written, intended = (
            (now_dynamics, dynamics_print) if side == Side.DYNAMICS else (now_exchange, exchange_print)
        )
        if fingerprint(written) == intended:
            exchange[name] = _as_was(now_exchange, exchange_print)
            dynamics[name] = _as_was(now_dynamics, dynamics_print)
    return replace(link, base=Base(exchange, dynamics), intent={})


def _as_was(now: Value, print_then: str) -> Value:
    """The present value where it is still the one of then; else something that no value equals."""
    return now if fingerprint(now) == print_then else {"fingerprint": print_then}
