"""How the copy of a service appointment ends: deleted or untracked in Outlook, deleted or canceled in
Dynamics, or its user takes part no more. Nobody is ever mailed (X-1, APPT-38)."""

from __future__ import annotations

from shared.model.appointment import SERVICE_ROLES, Absence, DynamicsAppointment, StateCode
from shared.model.decision import Action, ActionKind, Decision, DeleteEvent
from shared.model.event import ExchangeEvent
from shared.model.link import Link, LinkState
from shared.model.party import RecordRef
from shared.model.values import Side
from shared.rules import filter_marks, item_time, tracking
from shared.rules.intent import LEAVING
from shared.rules.link_endings import close, image_of, unlink
from shared.rules.service_content import why_untouched
from shared.rules.situation import AppointmentSituation, Context

GONE = "the service appointment was deleted in Dynamics"
HIDDEN = "the mailbox owner may no longer read the service appointment"
LEFT = "the mailbox owner no longer takes part in the service appointment"
CANCELED = "the service appointment was canceled in Dynamics"


def takes_part(row: DynamicsAppointment, user_id: str) -> bool:
    """The user is a party that gets a copy of its own (APPT-37)."""
    user = RecordRef("systemuser", user_id)
    return any(party.ref == user and party.role in SERVICE_ROLES for party in row.parties)


def left_before(situation: AppointmentSituation, link: Link) -> Link | None:
    """The ended link of a copy that a pass of ours took away or unlinked before it died, so that this is not
    taken for a person's doing; None where nothing of the kind happened."""
    untracked = situation.event is not None and tracking.was_untracked(situation.event, link)
    if not link.intent.get(LEAVING) or not (situation.event_gone or untracked):
        return None
    return close(situation, link, LinkState.LEFT_FILTER, LEFT, ("APPT-37", "FLT-10"), ()).link


def begun(situation: AppointmentSituation, context: Context, link: Link) -> Decision | None:
    """A copy whose making never came to its end, and that its owner has untracked already."""
    event, categorised = situation.event, context.organization.flag("TrackCategorizedItems")
    if event is None or link.state is not LinkState.CREATING:
        return None
    if not tracking.was_untracked_meanwhile(event, link, categorised=categorised):
        return None
    return _untracked(situation, link, event)


def _untracked(situation: AppointmentSituation, link: Link, event: ExchangeEvent) -> Decision:
    reason = "untracked in Outlook; both items stay"
    rules = ("APPT-13", "APPT-38", "EMI-17", "LNK-8")
    return unlink(situation, link, event, LinkState.UNTRACKED, reason, rules)


def ending(situation: AppointmentSituation, context: Context, link: Link) -> Decision | None:
    """The decision that ends this link, or None while the copy goes on."""
    if situation.event_gone:
        return _copy_gone(situation, link)
    event, record = situation.event, situation.record
    if event is None or record is None:
        return None
    if record is Absence.PHYSICAL:
        return _remove(situation, context, link, event, LinkState.DELETED_IN_DYNAMICS, GONE, ("APPT-25",))
    if isinstance(record, Absence):
        return _leave(situation, context, link, event, HIDDEN)
    if not takes_part(record, context.mailbox.user_id):
        return _leave(
            situation, context, link, event, LEFT
        )  # first: a pass that died in it looks like the next
    if tracking.was_untracked(event, link):
        return _untracked(situation, link, event)
    if filter_marks.has_left(situation, link):
        if situation.dropped:
            return filter_marks.kept_by_decision(situation, link)
        ended = _leave(situation, context, link, event, filter_marks.SENTENCE)
        removed = any(action.kind is ActionKind.DELETE for action in ended.actions)
        return filter_marks.ended_by_filter(ended, removed=removed)
    return _canceled(situation, context, link, event, record)


def _copy_gone(situation: AppointmentSituation, link: Link) -> Decision:
    """A deletion in Outlook is not returned, and the copy does not come back by itself."""
    if isinstance(situation.record, Absence):
        return close(situation, link, LinkState.DELETED, "it is gone on both sides", ("LNK-8",), ())
    reason = "deleted in Outlook; the service appointment stays, for it travels one way"
    rules = ("APPT-38", "LNK-8")
    ended = Action(ActionKind.UNLINK, Side.DYNAMICS, rules, reason)
    return close(situation, link, LinkState.DELETED_IN_EXCHANGE, reason, rules, (ended,))


def _leave(
    situation: AppointmentSituation, context: Context, link: Link, event: ExchangeEvent, reason: str
) -> Decision:
    """A logical deletion: the row is there, but not for this user any more. Where the organization tells
    these from physical ones (SET-1, our default) it only ends the link (FLT-10)."""
    if context.organization.flag("DistinctPhysicalAndLogicalDeletesForExchangeSync"):
        rules = ("APPT-37", "FLT-10", "LNK-8")
        return unlink(
            situation, link, event, LinkState.LEFT_FILTER, f"{reason}; the copy stays in Exchange", rules
        )
    return _remove(situation, context, link, event, LinkState.LEFT_FILTER, reason, ("APPT-37", "FLT-10"))


def _canceled(
    situation: AppointmentSituation,
    context: Context,
    link: Link,
    event: ExchangeEvent,
    row: DynamicsAppointment,
) -> Decision | None:
    """APPT-24: a cancellation shows the copy as free (APPT-19); SET-2 takes a future copy away."""
    if row.state is not StateCode.CANCELED or _why_it_stays(situation, context, event):
        return None
    if not context.organization.flag("SSSPropagateAppointmentCancellationsToExchange"):
        return None
    return _remove(situation, context, link, event, LinkState.DELETED_IN_EXCHANGE, CANCELED, ("APPT-24",))


def _remove(
    situation: AppointmentSituation,
    context: Context,
    link: Link,
    event: ExchangeEvent,
    state: LinkState,
    reason: str,
    rules: tuple[str, ...],
) -> Decision:
    """The copy goes if it is still to come (APPT-25); nobody is told, for it has no attendees."""
    why = _why_it_stays(situation, context, event)
    if why:
        return unlink(
            situation, link, event, state, f"{reason}; the copy stays because {why}", (*rules, "LNK-8")
        )
    removal = Action(
        ActionKind.DELETE,
        Side.EXCHANGE,
        (*rules, "APPT-38"),
        reason,
        DeleteEvent(event.id, event.etag),
        before=image_of(event),
    )
    ended = LinkState.DELETED if state is LinkState.DELETED_IN_DYNAMICS else state
    return close(situation, link, ended, reason, rules, (removal,))


def _why_it_stays(situation: AppointmentSituation, context: Context, event: ExchangeEvent) -> str:
    if situation.dropped:
        return "an administrator decided so"
    untouched = why_untouched(event)
    if untouched is not None:
        return untouched.sentence
    if item_time.is_past(item_time.of_event(event), context.zone, context.now):
        return "it is past"
    return ""
