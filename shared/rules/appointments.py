"""The decision about one appointment or series, both ways (APPT, LNK): a pure function of its situation."""

from __future__ import annotations

from dataclasses import replace

from shared.model.appointment import APPOINTMENT, SERVICE, Absence, DynamicsAppointment
from shared.model.decision import (
    Action,
    ActionKind,
    Decision,
    OccurrencePlan,
)
from shared.model.event import EventType, ExchangeEvent
from shared.model.link import Link, LinkState, Role
from shared.model.values import Side
from shared.rules import (
    appointment_endings,
    attachments,
    conversions,
    filter_marks,
    invitations,
    item_time,
    privacy,
    scheduling,
    service_appointments,
    tracking,
)
from shared.rules.appointment_creation import (
    all_fields,
    from_dynamics,
    from_exchange,
    left,
    why_not_sent,
    why_not_tracked,
)
from shared.rules.appointment_merging import first_merge, in_step
from shared.rules.brake import is_grave
from shared.rules.situation import AppointmentSituation, Context
from shared.rules.skips import Reason
from shared.rules.tracking_marks import mark, new_link, role_of

TABLE = APPOINTMENT


def decide(situation: AppointmentSituation, context: Context) -> Decision:
    """What is to be done about this appointment in this mailbox, and why."""
    if situation.event is not None:
        shown = privacy.applied(situation.event, context.profile.private_appointments)
        situation = replace(situation, event=shown)
    decided = scheduling.settled(_braked(situation, context), situation, context)
    return filter_marks.remembered(decided, situation)


def _braked(situation: AppointmentSituation, context: Context) -> Decision:
    if not situation.dropped:
        return attachments.included(_decide(situation, context), situation, context)
    wanted = attachments.included(_decide(replace(situation, dropped=False), context), situation, context)
    wanted = attachments.without_removals(wanted)
    return _dropped(situation, context, wanted) if is_grave(wanted) else wanted


def _decide(situation: AppointmentSituation, context: Context) -> Decision:
    if situation.table == SERVICE:
        return service_appointments.decide(situation, context)
    link = situation.link
    if link is not None and link.linked:
        return _linked(situation, context, link)
    ending = appointment_endings.begun(situation, context, link) if link else None
    if ending is not None:
        return ending
    if link is not None and link.state.ended and not _resumes(situation, context, link):
        return left(situation, Reason.ENDED.skip(detail=f"{link.state.value}: {link.reason}"), link)
    return _unlinked(situation, context)


def _dropped(situation: AppointmentSituation, context: Context, wanted: Decision) -> Decision:
    """An administrator said no: a deletion or cancellation only ends the link, an unlinking does not happen,
    and what would have mailed people is taken as seen without being sent."""
    left = situation.link is not None and filter_marks.has_left(situation, situation.link)
    if left or any(_ends_the_item(action) for action in wanted.actions):
        return _decide(situation, context)
    skips = (*wanted.skips, Reason.DROPPED.skip())
    if not wanted.mails and wanted.occurrences is None:
        return replace(wanted, actions=(), skips=skips, link=situation.link)
    quiet = tuple(action for action in wanted.actions if not action.mails and not action.destructive)
    link = wanted.link
    if link is not None and (situation.link is None or not situation.link.linked) and situation.event is None:
        link = link.ended(LinkState.LEFT_FILTER, Reason.DROPPED.sentence, Reason.DROPPED.rules)
        quiet = ()
    return replace(
        wanted,
        actions=quiet,
        skips=skips,
        link=link,
        absorb=all_fields(link.table if link else APPOINTMENT, context),
        lost={},
        occurrences=_without(wanted.occurrences, quiet),
    )


def _ends_the_item(action: Action) -> bool:
    return action.kind in (ActionKind.DELETE, ActionKind.CANCEL) and not action.occurrence


def _without(plan: OccurrencePlan | None, done: tuple[Action, ...]) -> OccurrencePlan | None:
    """What is not done to occurrences is taken as seen."""
    if plan is None:
        return None
    kept = {(action.side, action.occurrence) for action in done}
    written = {
        side: {date: fields for date, fields in plan.written[side].items() if (side, date) in kept}
        for side in Side
    }
    return replace(plan, written=written)


def _resumes(situation: AppointmentSituation, context: Context, link: Link) -> bool:
    """Only a person who tracks the item anew brings an ended link back (LNK-8), or a filter what nothing but
    a filter ended (FLT-6)."""
    if filter_marks.comes_back(situation, link):
        return True
    event = situation.event
    return event is not None and tracking.is_tracked_anew(event, link, context.organization)


# --- not linked yet -------------------------------------------------------------------------------


def _unlinked(situation: AppointmentSituation, context: Context) -> Decision:
    event, row = situation.event, situation.row
    if event is not None and event.type in (EventType.OCCURRENCE, EventType.EXCEPTION):
        return left(situation, Reason.LONE_OCCURRENCE.skip(), situation.link)
    if situation.link is None and situation.ended_before and not _is_tracked(situation, context):
        return left(situation, Reason.ENDED.skip(detail="its link ended before the links were lost"))
    if event is not None and row is not None and item_time.has_no_time(row):
        return left(situation, Reason.NO_TIME.skip(), situation.link)
    if situation.record is Absence.ACCESS:
        return left(situation, Reason.NO_ACCESS.skip(), situation.link)
    if event is not None and row is not None and row.table == tracking.table_of(event):
        return _join(situation, context, event, row)
    if event is not None:
        return from_exchange(situation, context, event)
    if row is not None:
        return from_dynamics(situation, context, row)
    return Decision(situation.ref(), link=situation.link)


def _is_tracked(situation: AppointmentSituation, context: Context) -> bool:
    return situation.event is not None and tracking.is_tracked(situation.event, context.organization)


# --- both exist -----------------------------------------------------------------------------------


def _join(
    situation: AppointmentSituation, context: Context, event: ExchangeEvent, row: DynamicsAppointment
) -> Decision:
    """Link two items that both exist (LNK-3, CONT-9's sense for appointments): nobody is mailed."""
    skip = why_not_tracked(situation, context, event)
    if skip is not None and skip.code == Reason.NOT_TRACKED.code:
        untracked_by_hand = event.stamps is not None and event.stamps.link_state == tracking.UNLINKED
        again = situation.link is not None and filter_marks.comes_back(situation, situation.link)
        by_hand = untracked_by_hand and not again
        skip = Reason.ENDED.skip(detail="untracked in Outlook") if by_hand else None
        skip = skip or why_not_sent(situation, context, row)
    if skip is not None:
        return left(situation, skip, situation.link)
    generation = tracking.generation_of_found(situation.link, event, row.id, context.now)
    link = new_link(situation, context, event, row.id, generation, row.table)
    withheld = invitations.decode_withheld(event.stamps.withheld if event.stamps else None)
    link = replace(link, withheld=withheld)
    joined = Action(ActionKind.LINK, Side.DYNAMICS, ("LNK-3", "LNK-5"), "both items exist already")
    if link.role is Role.MEMBER:
        marked = mark(event, row.id, row.value("regarding"), context, rules=("LNK-3",))
        skip = Reason.OWNED_BY.skip(detail=situation.owner_name or "the organizer's mailbox")
        return Decision(situation.ref(), (joined, marked), (skip,), link, ())
    return first_merge(situation, context, event, row, link, joined)


def _linked(situation: AppointmentSituation, context: Context, link: Link) -> Decision:
    converted = conversions.conversion(situation, context, link)
    if converted is not None:
        return converted
    ending = appointment_endings.ending(situation, context, link)
    if ending is not None:
        return ending
    event, row = situation.event, situation.row
    if event is None or row is None:
        return Decision(situation.ref(), link=link)
    if row.table != tracking.table_of(event):
        return left(situation, Reason.OWNED_BY.skip(detail=situation.owner_name or "another mailbox"), link)
    if item_time.has_no_time(row):
        return left(situation, Reason.NO_TIME.skip(), link)
    if row.is_draft and context.organization.flag("AllowSaveAsDraftAppointment"):
        return left(situation, Reason.DRAFT.skip(), link)
    role = role_of(situation, context)
    if role is Role.MEMBER:
        skip = Reason.OWNED_BY.skip(detail=situation.owner_name or "the organizer's mailbox")
        return left(situation, skip, replace(link, role=role))
    if privacy.stays_out(event, context.profile.private_appointments):
        return left(situation, Reason.PRIVATE.skip(), replace(link, role=role))
    return in_step(situation, context, replace(link, role=role), event, row)
