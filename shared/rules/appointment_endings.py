"""How a linked appointment ends: untracked, deleted on one side, hidden, canceled, or given away."""

from __future__ import annotations

from shared.model.appointment import Absence, DynamicsAppointment, StateCode
from shared.model.decision import (
    Action,
    ActionKind,
    CancelEvent,
    Decision,
    DeleteAppointment,
    DeleteEvent,
)
from shared.model.event import ExchangeEvent
from shared.model.link import Link, LinkState, Role
from shared.model.values import Side
from shared.rules import attendees, filter_marks, item_time, tracking
from shared.rules.link_endings import close, image_of, unlink
from shared.rules.situation import AppointmentSituation, Context


def ending(situation: AppointmentSituation, context: Context, link: Link) -> Decision | None:
    """The decision that ends this link, or None while the pair goes on."""
    if situation.event_gone:
        return event_gone(situation, context, link)
    if isinstance(situation.record, Absence):
        return _row_absent(situation, context, link, situation.record)
    event, row = situation.event, situation.row
    if event is None or row is None:
        return None
    if tracking.was_untracked(event, link):
        return _untracked(situation, link, event)
    if filter_marks.has_left(situation, link):
        return _left_filter(situation, context, link, event)
    if link.role is Role.OWNER and event.is_organizer:
        if row.value("organizer") != context.mailbox.user_id:
            return _given_away(situation, context, link, event)
        return _canceled(situation, context, link, event, row)
    return None


def begun(situation: AppointmentSituation, context: Context, link: Link) -> Decision | None:
    """A creation that never came to its end, if what it was made of, or what it had made, is no more: it ends
    like a linked pair, or a person's deletion would be undone, and its guests invited once more."""
    if link.state is not LinkState.CREATING:
        return None
    if situation.event_gone:
        return event_gone(situation, context, link)
    if isinstance(situation.record, Absence) and _row_was_there(situation, link):
        return _row_absent(situation, context, link, situation.record)
    event, categorised = situation.event, context.organization.flag("TrackCategorizedItems")
    if event is not None and tracking.was_untracked_meanwhile(event, link, categorised=categorised):
        return _untracked(situation, link, event)
    return None


def _row_was_there(situation: AppointmentSituation, link: Link) -> bool:
    """The event was made of it, or wears its marks, which come after it, or the change feed tells."""
    event = situation.event
    if event is None or link.exchange_id is None or situation.row_removed:
        return event is not None
    return event.stamps is not None and event.stamps.crm_id == link.dynamics_id


# --- the Exchange side is gone --------------------------------------------------------------------


def event_gone(situation: AppointmentSituation, context: Context, link: Link) -> Decision:
    """APPT-30: a deletion in Exchange is carried over for an open, future appointment of the organizer."""
    row = situation.row
    if row is None:
        return close(situation, link, LinkState.DELETED, "it is gone on both sides", ("LNK-8",), ())
    why = _why_row_stays(situation, context, link, row)
    if why:
        reason = f"deleted in Exchange; the appointment stays because {why}"
        unlink = Action(ActionKind.UNLINK, Side.DYNAMICS, ("APPT-30", "LNK-8"), reason)
        return close(situation, link, LinkState.DELETED_IN_EXCHANGE, reason, ("APPT-30",), (unlink,))
    delete = Action(
        ActionKind.DELETE,
        Side.DYNAMICS,
        ("APPT-30",),
        "deleted in Exchange by its organizer",
        DeleteAppointment(row.id, row.etag, row.table),
        before=image_of(row),
    )
    return close(situation, link, LinkState.DELETED, "deleted in Exchange", ("APPT-30",), (delete,))


def _why_row_stays(
    situation: AppointmentSituation, context: Context, link: Link, row: DynamicsAppointment
) -> str:
    if situation.dropped:
        return "an administrator decided so"
    if row.is_closed:
        return "it is completed or canceled"
    if item_time.has_no_time(row):
        return "it has no time"
    when = item_time.of_row(row, context.zone)
    if not row.is_series and item_time.is_past(when, context.zone, context.now):
        return "it is past"  # a whole series goes without this test
    if link.role is not Role.OWNER or not link.markers.get("isOrganizer"):
        return "this mailbox does not organize it"
    return ""


# --- the Dynamics side is gone --------------------------------------------------------------------


def _row_absent(situation: AppointmentSituation, context: Context, link: Link, absence: Absence) -> Decision:
    """APPT-25 and FLT-10: a physical deletion is carried over, a logical one only ends the link (SET-1)."""
    event = situation.event
    if event is None:
        return Decision(situation.ref(), link=link)
    distinct = context.organization.flag("DistinctPhysicalAndLogicalDeletesForExchangeSync")
    if absence is Absence.ACCESS and distinct:
        reason = "the mailbox owner may no longer read the appointment; the item stays in Exchange"
        return unlink(situation, link, event, LinkState.LEFT_FILTER, reason, ("FLT-10", "APPT-25"))
    why = _why_event_stays(situation, context, link, event)
    if why:
        reason = f"deleted in Dynamics; the item stays in Exchange because {why}"
        return unlink(situation, link, event, LinkState.DELETED_IN_DYNAMICS, reason, ("APPT-25", "LNK-8"))
    removal = _removal(event, "the appointment was deleted in Dynamics", ("APPT-25",))
    return close(situation, link, LinkState.DELETED, "deleted in Dynamics", ("APPT-25",), (removal,))


def _why_event_stays(
    situation: AppointmentSituation, context: Context, link: Link, event: ExchangeEvent
) -> str:
    if situation.dropped:
        return "an administrator decided so"
    if link.role is not Role.OWNER or not event.is_organizer:
        return "this mailbox does not organize it"
    if item_time.is_past(item_time.of_event(event), context.zone, context.now):
        return "it is past"
    return ""


def _removal(event: ExchangeEvent, reason: str, rules: tuple[str, ...]) -> Action:
    """A meeting is canceled as its organizer (APPT-26 d), an appointment without attendees deleted."""
    people = attendees.addresses(event.value("attendees"))
    if people:
        return Action(
            ActionKind.CANCEL,
            Side.EXCHANGE,
            (*rules, "APPT-26"),
            reason,
            CancelEvent(event.id),
            mails=people,
            before=image_of(event),
        )
    return Action(
        ActionKind.DELETE,
        Side.EXCHANGE,
        rules,
        reason,
        DeleteEvent(event.id, event.etag),
        before=image_of(event),
    )


# --- both are there, and yet it ends --------------------------------------------------------------


def _untracked(situation: AppointmentSituation, link: Link, event: ExchangeEvent) -> Decision:
    """EMI-17, APPT-13: the mark was removed in Outlook; both items stay."""
    reason = "untracked in Outlook; both items stay"
    return unlink(situation, link, event, LinkState.UNTRACKED, reason, ("APPT-13", "EMI-17", "LNK-8"))


def _left_filter(
    situation: AppointmentSituation, context: Context, link: Link, event: ExchangeEvent
) -> Decision:
    """FLT-10, PAIN-1: a logical deletion. It is canceled only where the organization wants these to be sent
    (SET-1 = false), as its deletion would be (APPT-25)."""
    if situation.dropped:
        return filter_marks.kept_by_decision(situation, link)
    distinct = context.organization.flag("DistinctPhysicalAndLogicalDeletesForExchangeSync")
    why = "" if distinct else _why_event_stays(situation, context, link, event)
    reason = filter_marks.SENTENCE
    if distinct or why:
        told = f"{reason}; the item stays in Exchange{f' because {why}' if why else ''}"
        ended = unlink(situation, link, event, LinkState.LEFT_FILTER, told, filter_marks.RULES)
        return filter_marks.ended_by_filter(ended, removed=False)
    removal = _removal(event, reason, (*filter_marks.RULES, "APPT-25"))
    ended = close(situation, link, LinkState.LEFT_FILTER, reason, filter_marks.RULES, (removal,))
    return filter_marks.ended_by_filter(ended, removed=True)


def _given_away(
    situation: AppointmentSituation, context: Context, link: Link, event: ExchangeEvent
) -> Decision:
    """APPT-4: the appointment left its old organizer's filter; the new organizer's mailbox makes a meeting of
    its own. The old meeting is cancelled only where the organization wants logical deletions to be sent
    (SET-1 = false); else the link ends quietly."""
    distinct = context.organization.flag("DistinctPhysicalAndLogicalDeletesForExchangeSync")
    why = "" if distinct else _why_event_stays(situation, context, link, event)
    if distinct or why:
        reason = "the appointment is no longer organized by this mailbox's owner; nothing is canceled"
        return unlink(situation, link, event, LinkState.LEFT_FILTER, reason, ("FLT-10", "APPT-3", "APPT-4"))
    removal = _removal(event, "the appointment is organized by another user now", ("APPT-4", "FLT-10"))
    return close(
        situation, link, LinkState.LEFT_FILTER, "organized by another user now", ("APPT-4",), (removal,)
    )


def _canceled(
    situation: AppointmentSituation,
    context: Context,
    link: Link,
    event: ExchangeEvent,
    row: DynamicsAppointment,
) -> Decision | None:
    """APPT-24: by default a cancellation stays in Dynamics; SET-2 takes it to the organizer's mailbox."""
    if row.state is not StateCode.CANCELED or situation.dropped:
        return None
    if not context.organization.flag("SSSPropagateAppointmentCancellationsToExchange"):
        return None
    past = item_time.is_past(item_time.of_event(event), context.zone, context.now)
    if past and attendees.addresses(event.value("attendees")):
        return None
    removal = _removal(event, "the appointment was canceled in Dynamics", ("APPT-24",))
    reason = "canceled in Dynamics and removed from Exchange"
    return close(situation, link, LinkState.DELETED_IN_EXCHANGE, reason, ("APPT-24",), (removal,))
