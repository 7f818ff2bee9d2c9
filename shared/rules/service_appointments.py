"""The decision about one service appointment in one mailbox: one way to Exchange, an own copy for every user
who takes part, and nobody is mailed (APPT-37, APPT-38, FLD-12): a pure function of its situation."""

from __future__ import annotations

from dataclasses import replace

from shared.model.appointment import SERVICE, Absence, DynamicsAppointment, StateCode
from shared.model.decision import Action, ActionKind, CreateEvent, Decision, MarkEvent, Skip, UpdateEvent
from shared.model.event import ExchangeEvent
from shared.model.link import Base, Link, LinkState
from shared.model.values import Side, Value
from shared.rules import attendees, filter_marks, intent, item_time, keys, tracking
from shared.rules.appointment_creation import generation_of, left
from shared.rules.invitations import REMINDER_PAST
from shared.rules.service_content import CopyContent, merge_copy
from shared.rules.service_endings import begun, ending, left_before, takes_part
from shared.rules.service_fields import NAMES, REGARDING, RULE, crossing, show_as
from shared.rules.situation import AppointmentSituation, Context
from shared.rules.skips import Reason
from shared.rules.tracking_marks import cleared, mark, new_link, stamps_of

Withheld = tuple[tuple[str, str], ...]


def decide(situation: AppointmentSituation, context: Context) -> Decision:
    """What is to be done about this mailbox's copy, and why."""
    link = situation.link
    if link is not None and link.linked and (ended := left_before(situation, link)) is not None:
        link, situation = ended, replace(situation, link=ended)
    if link is not None and link.linked:
        return _linked(situation, context, link)
    if link is not None and link.state.ended and not _resumes(situation, context, link):
        return left(situation, Reason.ENDED.skip(detail=f"{link.state.value}: {link.reason}"), link)
    ended_begun = begun(situation, context, link) if link is not None else None
    return ended_begun or _unlinked(situation, context)


def _resumes(situation: AppointmentSituation, context: Context, link: Link) -> bool:
    """A person tracks the copy anew (LNK-8), or Dynamics makes the user take part again: no person had
    ended that link (FLT-6: what matches again is created again)."""
    event, row = situation.event, situation.row
    if filter_marks.may_come_back(link):
        if filter_marks.comes_back(situation, link):
            return True
    elif link.state is LinkState.LEFT_FILTER and row is not None:
        return takes_part(row, context.mailbox.user_id)
    return event is not None and tracking.is_tracked_anew(event, link, context.organization)


# --- not linked yet -------------------------------------------------------------------------------


def _unlinked(situation: AppointmentSituation, context: Context) -> Decision:
    event, row = situation.event, situation.row
    skip = _why_not_exported(situation, context)
    if skip is not None:
        return left(situation, skip, situation.link)
    if row is None:
        return Decision(situation.ref(), link=situation.link)
    return _create(situation, context, row) if event is None else _join(situation, context, event, row)


def _why_not_exported(situation: AppointmentSituation, context: Context) -> Skip | None:
    event, row = situation.event, situation.row
    if event is not None and (skip := _why_not_ours(situation, context, event)) is not None:
        return skip
    if situation.link is None and situation.ended_before and event is None:
        return Reason.ENDED.skip(detail="its link ended before the links were lost")
    if situation.record is Absence.ACCESS:
        return Reason.NO_ACCESS.skip()
    if row is None:
        return Reason.MADE_IN_DYNAMICS.skip() if event is not None else None
    if item_time.has_no_time(row):
        return Reason.NO_TIME.skip()
    if not takes_part(row, context.mailbox.user_id):
        return Reason.NOT_TAKING_PART.skip()
    tracked = event is not None and tracking.is_tracked(event, context.organization)
    if situation.in_filter is False and not tracked:
        return Reason.NOT_IN_FILTER.skip()
    when = item_time.of_row(row, context.zone)
    if not item_time.overlaps(when, context.zone, context.window_start, context.window_end):
        return Reason.OUTSIDE_WINDOW.skip()
    if event is None and row.state is StateCode.CANCELED:
        return Reason.CANCELED_UNSEEN.skip()
    return None


def _why_not_ours(situation: AppointmentSituation, context: Context, event: ExchangeEvent) -> Skip | None:
    """Why an event with the stamp of a service appointment is not this mailbox's copy of it."""
    if tracking.is_foreign(event.stamps, context.organization):
        return Reason.FOREIGN_ORGANIZATION.skip()
    if situation.copy_of:
        return Reason.COPIED.skip(detail="a service appointment has one copy in a mailbox")
    if situation.link is None and not tracking.is_tracked(event, context.organization):
        return Reason.ENDED.skip(detail="untracked in Outlook")
    return None


def _create(situation: AppointmentSituation, context: Context, row: DynamicsAppointment) -> Decision:
    """An own copy in the default calendar. It gets no attendees, so nobody is mailed (APPT-26 b, X-1)."""
    values = {name: crossing(name, context.zone).to_exchange(row.value(name)) for name in NAMES}
    values.pop(REGARDING)
    withheld = _parties(row)
    generation = generation_of(situation.link)
    reminder = _wants_reminder(row, context)
    categories = (tracking.TRACKED_CATEGORY,) if context.organization.flag("TrackCategorizedItems") else ()
    write = CreateEvent(
        transaction_id=keys.transaction_id(context.mailbox.id, row.id, generation),
        values=values,
        stamps=stamps_of(row.id, row.value(REGARDING), context, withheld, SERVICE),
        categories=categories,
        reminder=None if reminder else False,
    )
    create = Action(
        ActionKind.CREATE,
        Side.EXCHANGE,
        ("APPT-1", "APPT-37", "APPT-38", "APPT-26", RULE, *(() if reminder else ("APPT-21",))),
        "the mailbox's owner takes part in the service appointment",
        write,
        fields=tuple(sorted(values)),
        after=values,
    )
    link = new_link(situation, context, None, row.id, generation, SERVICE)
    return Decision(situation.ref(), (create,), (), replace(link, withheld=withheld), NAMES)


def _join(
    situation: AppointmentSituation, context: Context, event: ExchangeEvent, row: DynamicsAppointment
) -> Decision:
    """The copy is there already: an earlier pass died before its link was written, the links were lost, or a
    person tracks it anew. It is found by its stamp (LNK-3) and never made twice."""
    generation = tracking.generation_of_found(situation.link, event, row.id, context.now)
    link = new_link(situation, context, event, row.id, generation, SERVICE)
    link = replace(link, withheld=_parties(row))
    joined = Action(ActionKind.LINK, Side.DYNAMICS, ("APPT-37", "LNK-3"), "the copy is there already")
    content = merge_copy(event, row, _base_of_creation(situation, event, row, link.withheld), context)
    updates = _update(context, event, row, content)
    return _decision(situation, link, content, (joined, *updates, _mark(event, row, context)))


def _base_of_creation(
    situation: AppointmentSituation, event: ExchangeEvent, row: DynamicsAppointment, withheld: Withheld
) -> Base | None:
    creating = situation.link
    if creating is None or creating.state is not LinkState.CREATING:
        return None
    return intent.settled(replace(creating, withheld=withheld), event, row).base


# --- both exist -----------------------------------------------------------------------------------


def _linked(situation: AppointmentSituation, context: Context, link: Link) -> Decision:
    ended = ending(situation, context, link)
    if ended is not None:
        return ended
    event, row = situation.event, situation.row
    if event is None or row is None:
        return Decision(situation.ref(), link=link)
    if item_time.has_no_time(row):
        return left(situation, Reason.NO_TIME.skip(), link)
    link = intent.settled(link, event, row)
    content = merge_copy(event, row, link.base, context)
    actions = _update(context, event, row, content)
    parties = _parties(row)
    if content.regarding_moves or parties != link.withheld:
        actions = (*actions, _mark(event, row, context))
    kept = replace(link, withheld=parties, subject=situation.ref().subject)
    return _decision(situation, kept, content, actions)


def _decision(
    situation: AppointmentSituation, link: Link, content: CopyContent, actions: tuple[Action, ...]
) -> Decision:
    return Decision(situation.ref(), actions, tuple(content.skips), link, content.absorb, content.lost)


def _update(
    context: Context, event: ExchangeEvent, row: DynamicsAppointment, content: CopyContent
) -> tuple[Action, ...]:
    writes = content.writes
    if not writes:
        return ()
    reminder: bool | None = None
    if {"showAs", "time"} & set(writes) and not _wants_reminder(row, context):
        reminder = False
    update = Action(
        ActionKind.UPDATE,
        Side.EXCHANGE,
        ("APPT-37", "APPT-38", RULE, *(("FLD-34",) if content.lost else ())),
        "changed in Dynamics",
        UpdateEvent(
            event.id, event.etag, writes, reminder, keeps_meeting=event.is_online_meeting and "body" in writes
        ),
        fields=tuple(sorted(writes)),
        before={name: event.value(name) for name in writes},
        after=writes,
    )
    return (update,)


def _mark(event: ExchangeEvent, row: DynamicsAppointment, context: Context) -> Action:
    """The stamps that name the row, its regarding and its parties; nobody is mailed (APPT-26 c)."""
    marked = mark(
        event,
        row.id,
        row.value(REGARDING),
        context,
        rules=("LNK-3", RULE),
        withheld=_parties(row),
        table=SERVICE,
    )
    assert isinstance(marked.write, MarkEvent)
    return replace(marked, write=replace(marked.write, stamps=cleared(marked.write.stamps)))


def _parties(row: DynamicsAppointment) -> Withheld:
    """Who is required and optional: kept in a stamp, for an event with attendees mails them (APPT-26 b)."""
    return tuple(attendees.pairs(row.value("attendees")))


def _wants_reminder(row: DynamicsAppointment, context: Context) -> bool:
    """None for what is shown as free, nor more than 7 days after the fact (APPT-21)."""
    state: Value = row.value("showAs")
    earliest = context.now - REMINDER_PAST
    start = item_time.newest_start(item_time.of_row(row, context.zone), context.zone, earliest)
    return show_as(state) != "free" and start is not None and start >= earliest
