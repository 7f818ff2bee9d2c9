"""The decision about one appointment or series, both ways (APPT, LNK): a pure function of its situation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared.model.appointment import APPOINTMENT, Absence, DynamicsAppointment
from shared.model.decision import (
    Action,
    ActionKind,
    Decision,
    MarkEvent,
    OccurrencePlan,
    UpdateAppointment,
    UpdateEvent,
)
from shared.model.event import EventType, ExchangeEvent
from shared.model.link import Base, Link, LinkState, Role
from shared.model.values import Side, Value
from shared.rules import (
    appointment_endings,
    attendees,
    conversions,
    intent,
    invitations,
    item_time,
    series,
    status,
    tracking,
)
from shared.rules.appointment_content import Content, merge_content
from shared.rules.appointment_creation import (
    all_fields,
    from_dynamics,
    from_exchange,
    generation_of,
    left,
    why_not_sent,
    why_not_tracked,
)
from shared.rules.appointment_fields import BY_NAME
from shared.rules.brake import is_grave
from shared.rules.situation import AppointmentSituation, Context
from shared.rules.skips import Reason
from shared.rules.tracking_marks import cleared, mark, new_link, role_of

TABLE = APPOINTMENT


def decide(situation: AppointmentSituation, context: Context) -> Decision:
    """What is to be done about this appointment in this mailbox, and why."""
    if not situation.dropped:
        return _decide(situation, context)
    wanted = _decide(replace(situation, dropped=False), context)
    return _dropped(situation, context, wanted) if is_grave(wanted) else wanted


def _decide(situation: AppointmentSituation, context: Context) -> Decision:
    link = situation.link
    if link is not None and link.linked:
        return _linked(situation, context, link)
    if link is not None and link.state.ended and not _resumes(situation, context, link):
        return left(situation, Reason.ENDED.skip(detail=f"{link.state.value}: {link.reason}"), link)
    return _unlinked(situation, context)


def _dropped(situation: AppointmentSituation, context: Context, wanted: Decision) -> Decision:
    """An administrator said no: a deletion or cancellation only ends the link, an unlinking does not happen,
    and what would have mailed people is taken as seen without being sent."""
    if any(_ends_the_item(action) for action in wanted.actions):
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
        absorb=all_fields(link.table if link else APPOINTMENT),
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
    """Only a person who tracks the item anew brings an ended link back (LNK-8)."""
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
    return Decision(situation.item(), link=situation.link)


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
        skip = Reason.ENDED.skip(detail="untracked in Outlook") if untracked_by_hand else None
        skip = skip or why_not_sent(context, row)
    if skip is not None:
        return left(situation, skip, situation.link)
    link = new_link(situation, context, event, row.id, generation_of(situation.link), row.table)
    withheld = invitations.decode_withheld(event.stamps.withheld if event.stamps else None)
    link = replace(link, withheld=withheld)
    joined = Action(ActionKind.LINK, Side.DYNAMICS, ("LNK-3", "LNK-5"), "both items exist already")
    if link.role is Role.MEMBER:
        marked = mark(event, row.id, row.value("regarding"), context, rules=("LNK-3",))
        skip = Reason.OWNED_BY.skip(detail=situation.owner_name or "the organizer's mailbox")
        return Decision(situation.item(), (joined, marked), (skip,), link, ())
    return _first_merge(situation, context, event, row, link, joined)


def _first_merge(
    situation: AppointmentSituation,
    context: Context,
    event: ExchangeEvent,
    row: DynamicsAppointment,
    link: Link,
    joined: Action,
) -> Decision:
    base = _base_of_creation(situation, event, row, link.withheld)
    created = situation.link if base is not None else None
    inviting = bool(created and created.intent.get(intent.INVITING))
    content = merge_content(event, row, base, link.withheld, context, inviting=inviting)
    occurrences = series.in_step(
        situation, context, created, event, row, content, fresh=intent.written_side(created)
    )
    actions = [joined, *_content_actions(situation, context, event, row, content, occurrences)]
    regards = content.dynamics.get("regarding", row.value("regarding"))
    marked = mark(event, row.id, regards, context, rules=("LNK-3",), withheld=content.withheld)
    return Decision(
        situation.item(),
        (*actions, marked if not inviting else _clearing(marked)),
        (*content.skips, *occurrences.skips),
        replace(link, withheld=content.withheld),
        content.absorb,
        {**content.lost, **(occurrences.lost or {})},
        occurrences.plan,
    )


def _clearing(marked: Action) -> Action:
    """The mark, with what it does not say cleared."""
    if not isinstance(marked.write, MarkEvent):
        return marked
    return replace(marked, write=replace(marked.write, stamps=cleared(marked.write.stamps)))


def _base_of_creation(
    situation: AppointmentSituation,
    event: ExchangeEvent,
    row: DynamicsAppointment,
    withheld: tuple[tuple[str, str], ...],
) -> Base | None:
    """The base of a pair whose creation never committed; None for two items that nobody created for us."""
    creating = situation.link
    if creating is None or creating.state is not LinkState.CREATING:
        return None
    base = intent.settled(replace(creating, withheld=withheld), event, row).base
    return base if base.exchange else None


def _linked(situation: AppointmentSituation, context: Context, link: Link) -> Decision:
    converted = conversions.conversion(situation, context, link)
    if converted is not None:
        return converted
    ending = appointment_endings.ending(situation, context, link)
    if ending is not None:
        return ending
    event, row = situation.event, situation.row
    if event is None or row is None:
        return Decision(situation.item(), link=link)
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
    return _in_step(situation, context, replace(link, role=role), event, row)


def _in_step(
    situation: AppointmentSituation,
    context: Context,
    link: Link,
    event: ExchangeEvent,
    row: DynamicsAppointment,
) -> Decision:
    """Keep a linked pair's content in step: the three-way merge, each side against its own base."""
    link = intent.settled(link, event, row)
    base = link.base if link.base.exchange or link.base.dynamics else None
    content = merge_content(event, row, base, link.withheld, context)
    occurrences = series.in_step(situation, context, link, event, row, content)
    actions = _content_actions(situation, context, event, row, content, occurrences)
    if "regarding" in content.exchange or content.withheld != link.withheld:
        regards = content.dynamics.get("regarding", row.value("regarding"))
        marked = mark(event, row.id, regards, context, rules=("FLD-8",), withheld=content.withheld)
        actions.append(_clearing(marked))
    kept = replace(link, withheld=content.withheld, subject=situation.item().subject)
    return Decision(
        situation.item(),
        tuple(actions),
        (*content.skips, *occurrences.skips),
        kept,
        content.absorb,
        {**content.lost, **(occurrences.lost or {})},
        occurrences.plan,
    )


def _content_actions(
    situation: AppointmentSituation,
    context: Context,
    event: ExchangeEvent,
    row: DynamicsAppointment,
    content: Content,
    occurrences: series.OccurrenceActions,
) -> list[Action]:
    """The series itself before its occurrences; who is kept out while those are written comes in last."""
    actions = []
    if content.dynamics:
        actions.append(_update_row(situation, row, content))
    actions += occurrences.dynamics
    writes = {name: value for name, value in content.exchange.items() if name != "regarding"}
    invites = {"attendees": writes.pop("attendees")} if content.inviting and "attendees" in writes else {}
    if writes:
        actions.append(_update_event(context, event, row, content, writes))
    actions += occurrences.exchange
    if invites:
        actions.append(_update_event(context, event, row, content, invites))
    return actions


def _rules_of(content: Content, written: Mapping[str, Value]) -> tuple[str, ...]:
    """The rules of the fields written, and of the conflict if one of them overwrote an edit."""
    rules = [BY_NAME[name].rule for name in sorted(written)]
    return (*rules, "LNK-10") if set(written) & set(content.lost) else tuple(rules)


def _update_row(situation: AppointmentSituation, row: DynamicsAppointment, content: Content) -> Action:
    changed = content.dynamics
    parties = None
    if "attendees" in changed:
        parties = attendees.parties_for(changed["attendees"], row.parties, situation.resolved, row.organizer)
    completes = changed.get("showAs") == list(status.COMPLETED)
    return Action(
        ActionKind.COMPLETE if completes else ActionKind.UPDATE,
        Side.DYNAMICS,
        ("APPT-1", *_rules_of(content, changed), *(("APPT-27",) if completes else ())),
        "changed in Exchange",
        UpdateAppointment(
            row.id, row.etag, {k: v for k, v in changed.items() if k != "attendees"}, parties, row.table
        ),
        fields=tuple(sorted(changed)),
        before={name: row.value(name) for name in changed} | _image(row, changed),
        after=changed,
    )


def _image(item: ExchangeEvent | DynamicsAppointment, changed: Mapping[str, Value]) -> dict[str, Value]:
    """A new pattern makes the exceptions of a series plain: what they were is in the history."""
    if "recurrence" not in changed or not item.exceptions:
        return {}
    return {"exceptions": {date: dict(exception.values) for date, exception in item.exceptions.items()}}


def _update_event(
    context: Context,
    event: ExchangeEvent,
    row: DynamicsAppointment,
    content: Content,
    writes: dict[str, Value],
) -> Action:
    shown = event.value("attendees")
    reminder: bool | None = None
    rules = ["APPT-1", *_rules_of(content, writes)]
    if {"showAs", "time", "recurrence"} & set(writes):
        when = item_time.of_row(row, context.zone)
        wanted = invitations.wants_reminder(when, row.value("showAs"), context.zone, context.now)
        reminder = None if wanted else False
        rules += [] if wanted else ["APPT-21"]
    mails = invitations.mailed_by_update(writes, shown, writes.get("attendees", shown))
    return Action(
        ActionKind.UPDATE,
        Side.EXCHANGE,
        (*rules, "APPT-22") if mails else tuple(rules),
        "changed in Dynamics",
        UpdateEvent(
            event.id,
            event.etag,
            writes,
            reminder,
            {
                **event.attendee_names,
                **{p.address.lower(): p.name for p in row.parties if p.address and p.name},
            },
        ),
        fields=tuple(sorted(writes)),
        mails=mails,
        before={name: event.value(name) for name in writes} | _image(event, writes),
        after=writes,
    )
