"""The marks that a linked item carries in Exchange, and the link that remembers them (LNK-3, APPT-26 c)."""

from __future__ import annotations

from dataclasses import replace

from shared.model.appointment import APPOINTMENT
from shared.model.decision import Action, ActionKind, MarkEvent
from shared.model.event import ExchangeEvent, Stamps
from shared.model.link import Link, LinkState, Role
from shared.model.values import Side, Value
from shared.rules import attendees, invitations, regarding, tracking
from shared.rules.situation import KIND, AppointmentSituation, Context


def role_of(situation: AppointmentSituation, context: Context) -> Role:
    """The organizer's mailbox owns the content if it is subscribed (SET-7), else the first that tracked."""
    me = context.mailbox.id
    event = situation.event
    if event is not None and event.is_organizer:
        return Role.OWNER
    owner = situation.organizer_mailbox or situation.owner or me
    return Role.OWNER if owner == me else Role.MEMBER


def new_link(
    situation: AppointmentSituation,
    context: Context,
    event: ExchangeEvent | None,
    row_id: str,
    generation: int,
    table: str = APPOINTMENT,
) -> Link:
    """A fresh link; the engine puts in what each side returned."""
    categorised = context.organization.flag("TrackCategorizedItems")
    return Link(
        kind=KIND,
        table=table,
        dynamics_id=row_id,
        exchange_id=event.id if event else None,
        state=LinkState.LINKED,
        role=role_of(situation, context),
        generation=generation,
        ical_uid=event.ical_uid if event else None,
        subject=situation.ref().subject,
        markers={
            "category": categorised or (event is not None and tracking.has_category(event.categories)),
            "stamp": tracking.LINKED,
            "isOrganizer": event.is_organizer if event else True,
        },
    )


def stamps_of(
    row_id: str,
    regards: Value,
    context: Context,
    withheld: tuple[tuple[str, str], ...] = (),
    table: str = APPOINTMENT,
) -> Stamps:
    shown = regarding.to_exchange(regards)
    return Stamps(
        link_state=tracking.LINKED,
        crm_id=row_id,
        org_id=context.organization.id,
        object_type=tracking.TYPE_CODES[table],
        regarding_id=str(shown["id"]) if isinstance(shown, dict) else None,
        regarding_type=str(shown["type"]) if isinstance(shown, dict) else None,
        withheld=invitations.encode_withheld(attendees.as_value(withheld)) if withheld else None,
    )


def cleared(stamps: Stamps) -> Stamps:
    """An empty text clears what a mark without it would leave standing."""
    return replace(
        stamps,
        regarding_id=stamps.regarding_id or "",
        regarding_type=stamps.regarding_type or "",
        withheld=stamps.withheld or "",
    )


def mark(
    event: ExchangeEvent,
    row_id: str,
    regards: Value,
    context: Context,
    *,
    rules: tuple[str, ...],
    withheld: tuple[tuple[str, str], ...] = (),
    table: str = "",
) -> Action:
    """Mark the mailbox's own copy as linked; nobody is mailed (APPT-26 c)."""
    add = context.organization.flag("TrackCategorizedItems") and not tracking.has_category(event.categories)
    write = MarkEvent(
        event.id,
        None,
        tracking.with_category(event.categories) if add else None,
        stamps_of(row_id, regards, context, withheld, table or tracking.table_of(event)),
    )
    return Action(ActionKind.LINK, Side.EXCHANGE, (*rules, "APPT-26"), "the item is marked as tracked", write)
