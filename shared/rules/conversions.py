"""An item that became one of another table: a single appointment a series, or a series a single appointment.

In Exchange such an event stays the same item; Dynamics has another table for series, so there a new row takes
the old one's place, whichever side it began on (AddRecurrence deletes the appointment that it made a series
of). Nobody is invited again.
"""

from __future__ import annotations

from dataclasses import replace

from shared.model.appointment import APPOINTMENT, SERIES, Absence, DynamicsAppointment
from shared.model.decision import Action, ActionKind, Decision, DeleteAppointment, UpdateEvent
from shared.model.event import EventType, ExchangeEvent
from shared.model.link import Base, Link, LinkState, Role
from shared.model.values import Side
from shared.rules import attendees, invitations, tracking
from shared.rules.appointment_creation import from_exchange, left
from shared.rules.appointment_fields import RECURRENCE, cross_columns
from shared.rules.appointment_merging import first_merge
from shared.rules.intent import BECOMING
from shared.rules.link_endings import image_of
from shared.rules.situation import AppointmentSituation, Context
from shared.rules.skips import Reason
from shared.rules.tracking_marks import mark, new_link, role_of

BECAME = {
    SERIES: "it became a series, which is another row in Dynamics",
    APPOINTMENT: "the series became a single appointment, which is another row in Dynamics",
}


def conversion(situation: AppointmentSituation, context: Context, link: Link) -> Decision | None:
    """The decision for an item whose table changed, or None where it did not."""
    event = situation.event
    if event is None or event.type not in (EventType.SINGLE, EventType.SERIES_MASTER):
        return None
    if tracking.was_untracked(event, link):
        return None
    table = tracking.table_of(event)
    if table == link.table:
        made = _made_a_series_in_dynamics(situation, context, link, event)
        deleted_by_us = BECOMING in link.intent and isinstance(situation.record, Absence)
        if made is not None or not deleted_by_us:
            return made
    role = role_of(situation, context)
    if situation.successor is not None and situation.successor.table == table:
        return _follow(situation, context, link, event, situation.successor)
    if role is Role.MEMBER:
        if isinstance(situation.record, Absence):
            return None
        skip = Reason.OWNED_BY.skip(detail=situation.owner_name or "the organizer's mailbox")
        return left(situation, skip, replace(link, role=role))
    return _convert(situation, context, link, event, table)


def _convert(
    situation: AppointmentSituation, context: Context, link: Link, event: ExchangeEvent, table: str
) -> Decision:
    """A new row for the event, and then the old one goes, unless it is closed (APPT-31). The new id follows
    from the old link, so that a pass that begins again meets what it made before."""
    begun = replace(link, generation=link.generation + 1, state=LinkState.DELETED)
    created = from_exchange(replace(situation, link=begun, record=None), context, event)
    if not created.actions:
        return replace(created, link=link)
    actions = (*created.actions, *_old_row_goes(situation, table))
    return replace(created, actions=actions, replaced=_ended(link, table))


def _old_row_goes(situation: AppointmentSituation, table: str) -> tuple[Action, ...]:
    row = situation.row
    if row is None or row.is_closed:
        return ()
    delete = Action(
        ActionKind.DELETE,
        Side.DYNAMICS,
        ("APPT-28", "APPT-30"),
        BECAME[table],
        DeleteAppointment(row.id, row.etag, row.table),
        before=image_of(row),
    )
    return (delete,)


def _follow(
    situation: AppointmentSituation,
    context: Context,
    link: Link,
    event: ExchangeEvent,
    successor: DynamicsAppointment,
) -> Decision:
    """The new row is there already, made by the organizer's mailbox or by a pass that never committed."""
    new = new_link(situation, context, event, successor.id, link.generation + 1, successor.table)
    joined = Action(ActionKind.LINK, Side.DYNAMICS, ("APPT-28", "LNK-3"), BECAME[successor.table])
    ended = _ended(link, successor.table)
    if new.role is Role.MEMBER:
        marked = mark(event, successor.id, successor.value("regarding"), context, rules=("LNK-3",))
        return Decision(situation.ref(), (joined, marked), (), new, (), replaced=ended)
    creating = replace(new, state=LinkState.CREATING, intent=link.intent)
    then = replace(situation, link=creating, record=successor)
    merged = first_merge(then, context, event, successor, replace(new, withheld=link.withheld), joined)
    actions = (*merged.actions, *_old_row_goes(situation, successor.table))
    return replace(merged, actions=actions, replaced=ended)


def _made_a_series_in_dynamics(
    situation: AppointmentSituation, context: Context, link: Link, event: ExchangeEvent
) -> Decision | None:
    """Dynamics turned the appointment into a series: the event becomes one, instead of being cancelled with
    the appointment that is gone."""
    successor = situation.successor
    if successor is None or link.table == SERIES or not isinstance(situation.record, Absence):
        return None
    pattern = cross_columns(successor.value(RECURRENCE.name), context.zone).value
    if pattern is None or not event.is_organizer:
        return None
    people = event.value("attendees")
    values = {RECURRENCE.name: pattern}
    update = Action(
        ActionKind.UPDATE,
        Side.EXCHANGE,
        ("APPT-28", "FLD-11"),
        BECAME[SERIES],
        UpdateEvent(event.id, event.etag, values, attendee_names=event.attendee_names),
        fields=(RECURRENCE.name,),
        mails=invitations.mailed_by_update(values, people, people) if attendees.pairs(people) else (),
        before={"time": event.value("time")},
        after=values,
    )
    marked = mark(event, successor.id, successor.value("regarding"), context, rules=("LNK-3",))
    new = new_link(situation, context, event, successor.id, link.generation + 1, SERIES)
    kept = {side: {n: v for n, v in link.base.of(side).items() if n != "time"} for side in Side}
    base = Base(kept[Side.EXCHANGE], kept[Side.DYNAMICS])
    return Decision(
        situation.ref(),
        (update, marked),
        (),
        replace(new, base=base, withheld=link.withheld),
        (RECURRENCE.name,),
        replaced=_ended(link, SERIES),
    )


def _ended(link: Link, table: str) -> Link:
    """The old row's link; the event carries the marks of the new one."""
    ended = link.ended(LinkState.DELETED, BECAME[table], ("APPT-28",))
    return replace(ended, role=Role.MEMBER, intent={})
