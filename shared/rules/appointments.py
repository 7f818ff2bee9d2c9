"""The decision about one appointment, both ways (APPT, LNK): a pure function of its situation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared.model.appointment import Absence, DynamicsAppointment, StateCode
from shared.model.decision import (
    Action,
    ActionKind,
    CreateAppointment,
    CreateEvent,
    Decision,
    MarkEvent,
    Skip,
    UpdateAppointment,
    UpdateEvent,
)
from shared.model.event import EventType, ExchangeEvent, Stamps
from shared.model.link import Base, Link, LinkState, Role
from shared.model.party import ParticipationType, Party, RecordRef
from shared.model.values import Side, Value
from shared.rules import (
    appointment_endings,
    attendees,
    intent,
    invitations,
    keys,
    meeting_time,
    regarding,
    status,
    tracking,
)
from shared.rules.appointment_content import Content, merge_content
from shared.rules.appointment_fields import BY_NAME, FIELDS, crossing, direction_of, is_cut
from shared.rules.brake import is_grave
from shared.rules.situation import KIND, AppointmentSituation, Context
from shared.rules.skips import Reason

TABLE = "appointment"


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
        return _left(situation, Reason.ENDED.skip(detail=f"{link.state.value}: {link.reason}"), link)
    return _unlinked(situation, context)


def _dropped(situation: AppointmentSituation, context: Context, wanted: Decision) -> Decision:
    """An administrator said no: a deletion or cancellation only ends the link, an unlinking does not happen,
    and what would have mailed people is taken as seen without being sent."""
    if any(action.kind in (ActionKind.DELETE, ActionKind.CANCEL) for action in wanted.actions):
        return _decide(situation, context)
    skips = (*wanted.skips, Reason.DROPPED.skip())
    if not wanted.mails:
        return replace(wanted, actions=(), skips=skips, link=situation.link)
    quiet = tuple(action for action in wanted.actions if not action.mails)
    link = wanted.link
    if link is not None and (situation.link is None or not situation.link.linked) and situation.event is None:
        link = link.ended(LinkState.LEFT_FILTER, Reason.DROPPED.sentence, Reason.DROPPED.rules)
        quiet = ()
    return replace(wanted, actions=quiet, skips=skips, link=link, absorb=_all_fields(), lost={})


def _resumes(situation: AppointmentSituation, context: Context, link: Link) -> bool:
    """Only a person who tracks the item anew brings an ended link back (LNK-8)."""
    event = situation.event
    return event is not None and tracking.is_tracked_anew(event, link, context.organization)


def _left(situation: AppointmentSituation, skip: Skip, link: Link | None = None) -> Decision:
    return Decision(situation.item(), skips=(skip,), link=link)


# --- not linked yet -------------------------------------------------------------------------------


def _unlinked(situation: AppointmentSituation, context: Context) -> Decision:
    event, row = situation.event, situation.row
    if event is not None and event.type is not EventType.SINGLE:
        return _left(situation, Reason.SERIES.skip(), situation.link)
    if situation.link is None and situation.ended_before and not _is_tracked(situation, context):
        return _left(situation, Reason.ENDED.skip(detail="its link ended before the links were lost"))
    if event is not None and row is not None and row.value("time") is None:
        return _left(situation, Reason.NO_TIME.skip(), situation.link)
    if situation.record is Absence.ACCESS:
        return _left(situation, Reason.NO_ACCESS.skip(), situation.link)
    if event is not None and row is not None:
        return _join(situation, context, event, row)
    if event is not None:
        return _from_exchange(situation, context, event)
    if row is not None:
        return _from_dynamics(situation, context, row)
    return Decision(situation.item(), link=situation.link)


def _is_tracked(situation: AppointmentSituation, context: Context) -> bool:
    return situation.event is not None and tracking.is_tracked(situation.event, context.organization)


def _why_not_tracked(situation: AppointmentSituation, context: Context, event: ExchangeEvent) -> Skip | None:
    """Why an Exchange item is not taken to Dynamics, if it is not."""
    organization = context.organization
    if tracking.is_foreign(event.stamps, organization):
        return Reason.FOREIGN_ORGANIZATION.skip()
    if not tracking.is_tracked(event, organization):
        return Reason.NOT_TRACKED.skip()
    if situation.copy_of and organization.flag("IgnoreCopiedItemsInSSSForMailbox"):
        return Reason.COPIED.skip(detail="IgnoreCopiedItemsInSSSForMailbox")
    if not event.is_organizer and not organization.flag("TrackAppointmentsFromNonOrganizer"):
        return Reason.NOT_ORGANIZER_TRACKING.skip()
    if not _in_window(event.value("time"), context):
        return Reason.OUTSIDE_WINDOW.skip()
    return None


def _why_not_sent(context: Context, row: DynamicsAppointment) -> Skip | None:
    """Why a Dynamics row is not taken to this mailbox, if it is not."""
    if row.instance_type != 0:
        return Reason.SERIES.skip()
    if row.value("time") is None:
        return Reason.NO_TIME.skip()
    if row.is_draft and context.organization.flag("AllowSaveAsDraftAppointment"):
        return Reason.DRAFT.skip()
    if row.value("organizer") is None:
        return Reason.NO_ORGANIZER.skip()
    if row.value("organizer") != context.mailbox.user_id:
        return Reason.OTHER_ORGANIZER.skip()
    if not _in_window(row.value("time"), context):
        return Reason.OUTSIDE_WINDOW.skip()
    return None


def _in_window(time: Value, context: Context) -> bool:
    return meeting_time.overlaps(time, context.zone, context.window_start, context.window_end)


def _generation(link: Link | None) -> int:
    return link.generation if link else 1


def _from_exchange(situation: AppointmentSituation, context: Context, event: ExchangeEvent) -> Decision:
    """A tracked event becomes an appointment (APPT-1, APPT-5, APPT-7, APPT-28 for single ones)."""
    skip = _why_not_tracked(situation, context, event)
    if skip is not None:
        return _left(situation, skip, situation.link)
    generation = _generation(situation.link)
    seed = f"{event.ical_uid}|{event.id}" if situation.copy_of else event.ical_uid
    row_id = keys.appointment_id(context.organization.id, seed, generation)
    values, skips = _values_for_dynamics(event, context)
    organizer = _organizer_party(situation, context, event)
    mine = event.is_organizer
    write = CreateAppointment(
        id=row_id,
        values=values,
        parties=attendees.parties_for(event.value("attendees"), (), situation.resolved, organizer),
        owner=RecordRef("systemuser", _owner_user(situation, context)),
        as_user=mine,
        global_object_id=keys.global_object_id(event.ical_uid),
    )
    create = Action(
        ActionKind.CREATE,
        Side.DYNAMICS,
        ("APPT-1", "APPT-5", "APPT-7") if mine else ("APPT-1", "APPT-5", "APPT-6", "APPT-7", "MBX-23"),
        "the event is tracked in Exchange",
        write,
        fields=tuple(sorted(values)),
        after=values,
    )
    link = _new_link(situation, context, event, row_id, generation)
    mark = _mark(event, row_id, values.get("regarding"), context, rules=("LNK-3", "LNK-5"))
    return Decision(situation.item(), (create, mark), tuple(skips), link, _all_fields())


def _values_for_dynamics(event: ExchangeEvent, context: Context) -> tuple[dict[str, Value], list[Skip]]:
    values: dict[str, Value] = {}
    skips: list[Skip] = []
    for field in FIELDS:
        if field.name not in event.values or field.name == "attendees":
            continue
        if not direction_of(field, context.profile.directions.get(KIND, {})).reaches(Side.DYNAMICS):
            skips.append(Reason.DIRECTION.skip(fields=(field.name,)))
            continue
        value = event.value(field.name)
        crossed = crossing(field, context.zone, value).to_dynamics(value)
        if crossed is None:
            skips.extend(_why_empty(field.name, value))
            continue
        values[field.name] = crossed
        if is_cut(field, value):
            skips.append(Reason.CUT.skip(detail=f"{field.limit} characters", fields=(field.name,)))
    return values, skips


def _why_empty(name: str, value: Value) -> list[Skip]:
    if name == "showAs":
        return [Reason.UNKNOWN_STATUS.skip(fields=(name,))]
    if name == "regarding" and value is not None and not regarding.is_known(value):
        return [Reason.UNKNOWN_REGARDING.skip(fields=(name,))]
    return []


def _organizer_party(situation: AppointmentSituation, context: Context, event: ExchangeEvent) -> Party | None:
    """The organizer party takes only users: an organizer outside Dynamics has none (APPT-5). SET-8 keeps
    the tracking user where Exchange names no organizer at all (APPT-6)."""
    address = event.value("organizer")
    user = context.mailbox.user_id if event.is_organizer else situation.organizer_user
    if user is None and not address and context.organization.flag("UseCrmOrganizerForEmptyExchangeOrganizer"):
        user = context.mailbox.user_id
    if user is None:
        return None
    return Party(
        ParticipationType.ORGANIZER, str(address) if address else None, RecordRef("systemuser", user)
    )


def _owner_user(situation: AppointmentSituation, context: Context) -> str:
    """Owner = the organizer if a Dynamics user, else the tracking user (APPT-5)."""
    event = situation.event
    if event is not None and not event.is_organizer and situation.organizer_user:
        return situation.organizer_user
    return context.mailbox.user_id


def _role(situation: AppointmentSituation, context: Context) -> Role:
    """The organizer's mailbox owns the content if it is subscribed (SET-7), else the first that tracked."""
    me = context.mailbox.id
    event = situation.event
    if event is not None and event.is_organizer:
        return Role.OWNER
    owner = situation.organizer_mailbox or situation.owner or me
    return Role.OWNER if owner == me else Role.MEMBER


def _new_link(
    situation: AppointmentSituation,
    context: Context,
    event: ExchangeEvent | None,
    row_id: str,
    generation: int,
) -> Link:
    """A fresh link; the engine puts in what each side returned."""
    categorised = context.organization.flag("TrackCategorizedItems")
    return Link(
        kind=KIND,
        table=TABLE,
        dynamics_id=row_id,
        exchange_id=event.id if event else None,
        state=LinkState.LINKED,
        role=_role(situation, context),
        generation=generation,
        ical_uid=event.ical_uid if event else None,
        subject=situation.item().subject,
        markers={
            "category": categorised or (event is not None and tracking.has_category(event.categories)),
            "stamp": tracking.LINKED,
            "isOrganizer": event.is_organizer if event else True,
        },
    )


def _stamps(
    row_id: str, regards: Value, context: Context, withheld: tuple[tuple[str, str], ...] = ()
) -> Stamps:
    shown = regarding.to_exchange(regards)
    return Stamps(
        link_state=tracking.LINKED,
        crm_id=row_id,
        org_id=context.organization.id,
        object_type=tracking.APPOINTMENT_TYPE_CODE,
        regarding_id=str(shown["id"]) if isinstance(shown, dict) else None,
        regarding_type=str(shown["type"]) if isinstance(shown, dict) else None,
        withheld=invitations.encode_withheld(attendees.as_value(withheld)) if withheld else None,
    )


def _cleared(stamps: Stamps) -> Stamps:
    """An empty text clears what a mark without it would leave standing."""
    return replace(
        stamps,
        regarding_id=stamps.regarding_id or "",
        regarding_type=stamps.regarding_type or "",
        withheld=stamps.withheld or "",
    )


def _mark(
    event: ExchangeEvent,
    row_id: str,
    regards: Value,
    context: Context,
    *,
    rules: tuple[str, ...],
    withheld: tuple[tuple[str, str], ...] = (),
) -> Action:
    """Mark the mailbox's own copy as linked; nobody is mailed (APPT-26 c)."""
    add = context.organization.flag("TrackCategorizedItems") and not tracking.has_category(event.categories)
    write = MarkEvent(
        event.id,
        None,
        tracking.with_category(event.categories) if add else None,
        _stamps(row_id, regards, context, withheld),
    )
    return Action(ActionKind.LINK, Side.EXCHANGE, (*rules, "APPT-26"), "the item is marked as tracked", write)


def _all_fields() -> tuple[str, ...]:
    return tuple(field.name for field in FIELDS)


def _from_dynamics(situation: AppointmentSituation, context: Context, row: DynamicsAppointment) -> Decision:
    """An appointment of this user becomes a meeting (APPT-20 to APPT-22, APPT-26)."""
    skip = _why_not_sent(context, row)
    if skip is None and row.state is StateCode.CANCELED:
        skip = Reason.CANCELED_UNSEEN.skip()
    if skip is not None:
        return _left(situation, skip, situation.link)
    values, skips = _values_for_exchange(row, context)
    invited = attendees.pairs(values.get("attendees"))
    rules = ["APPT-1", "APPT-3", "APPT-20"]
    withheld: tuple[tuple[str, str], ...] = ()
    if invited and invitations.is_past(values["time"], context.zone, context.now):
        withheld, invited = tuple(invited), []
        values["attendees"] = []
        rules += ["APPT-22", "APPT-26"]
    reminder = invitations.wants_reminder(row.value("time"), row.value("showAs"), context.zone, context.now)
    generation = _generation(situation.link)
    categories = (tracking.TRACKED_CATEGORY,) if context.organization.flag("TrackCategorizedItems") else ()
    write = CreateEvent(
        transaction_id=keys.transaction_id(context.mailbox.id, row.id, generation),
        values=values,
        stamps=_stamps(row.id, row.value("regarding"), context, withheld),
        categories=categories,
        reminder=None if reminder else False,
        attendee_names={p.address.lower(): p.name for p in row.parties if p.address and p.name},
    )
    create = Action(
        ActionKind.CREATE,
        Side.EXCHANGE,
        tuple(rules if reminder else [*rules, "APPT-21"]),
        "the appointment's organizer is this mailbox's owner",
        write,
        fields=tuple(sorted(values)),
        mails=tuple(address for address, _ in invited),
        after=values,
    )
    link = replace(_new_link(situation, context, None, row.id, generation), withheld=withheld)
    return Decision(situation.item(), (create,), tuple(skips), link, _all_fields())


def _values_for_exchange(row: DynamicsAppointment, context: Context) -> tuple[dict[str, Value], list[Skip]]:
    values: dict[str, Value] = {}
    skips: list[Skip] = []
    for field in FIELDS:
        if field.name == "regarding":
            continue
        if not direction_of(field, context.profile.directions.get(KIND, {})).reaches(Side.EXCHANGE):
            skips.append(Reason.DIRECTION.skip(fields=(field.name,)))
            continue
        values[field.name] = crossing(field, context.zone, None).to_exchange(row.value(field.name))
    return values, skips


# --- both exist -----------------------------------------------------------------------------------


def _join(
    situation: AppointmentSituation, context: Context, event: ExchangeEvent, row: DynamicsAppointment
) -> Decision:
    """Link two items that both exist (LNK-3, CONT-9's sense for appointments): nobody is mailed."""
    skip = _why_not_tracked(situation, context, event)
    if skip is not None and skip.code == Reason.NOT_TRACKED.code:
        untracked_by_hand = event.stamps is not None and event.stamps.link_state == tracking.UNLINKED
        skip = Reason.ENDED.skip(detail="untracked in Outlook") if untracked_by_hand else None
        skip = skip or _why_not_sent(context, row)
    if skip is not None:
        return _left(situation, skip, situation.link)
    link = _new_link(situation, context, event, row.id, _generation(situation.link))
    withheld = invitations.decode_withheld(event.stamps.withheld if event.stamps else None)
    link = replace(link, withheld=withheld)
    base = _base_of_creation(situation, event, row, withheld)
    joined = Action(ActionKind.LINK, Side.DYNAMICS, ("LNK-3", "LNK-5"), "both items exist already")
    if link.role is Role.MEMBER:
        mark = _mark(event, row.id, row.value("regarding"), context, rules=("LNK-3",))
        skip = Reason.OWNED_BY.skip(detail=situation.owner_name or "the organizer's mailbox")
        return Decision(situation.item(), (joined, mark), (skip,), link, ())
    content = merge_content(event, row, base, withheld, context)
    actions = [joined, *_content_actions(situation, context, event, row, content)]
    regards = content.dynamics.get("regarding", row.value("regarding"))
    actions.append(_mark(event, row.id, regards, context, rules=("LNK-3",), withheld=content.withheld))
    link = replace(link, withheld=content.withheld)
    return Decision(
        situation.item(), tuple(actions), tuple(content.skips), link, content.absorb, content.lost
    )


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
    ending = appointment_endings.ending(situation, context, link)
    if ending is not None:
        return ending
    event, row = situation.event, situation.row
    if event is None or row is None:
        return Decision(situation.item(), link=link)
    if event.type is not EventType.SINGLE or row.instance_type != 0:
        return _left(situation, Reason.SERIES.skip(), link)
    if row.value("time") is None:
        return _left(situation, Reason.NO_TIME.skip(), link)
    if row.is_draft and context.organization.flag("AllowSaveAsDraftAppointment"):
        return _left(situation, Reason.DRAFT.skip(), link)
    role = _role(situation, context)
    if role is Role.MEMBER:
        skip = Reason.OWNED_BY.skip(detail=situation.owner_name or "the organizer's mailbox")
        return _left(situation, skip, replace(link, role=role))
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
    actions = _content_actions(situation, context, event, row, content)
    if "regarding" in content.exchange or content.withheld != link.withheld:
        regards = content.dynamics.get("regarding", row.value("regarding"))
        mark = _mark(event, row.id, regards, context, rules=("FLD-8",), withheld=content.withheld)
        if isinstance(mark.write, MarkEvent):
            mark = replace(mark, write=replace(mark.write, stamps=_cleared(mark.write.stamps)))
        actions.append(mark)
    kept = replace(link, withheld=content.withheld, subject=situation.item().subject)
    return Decision(
        situation.item(), tuple(actions), tuple(content.skips), kept, content.absorb, content.lost
    )


def _content_actions(
    situation: AppointmentSituation,
    context: Context,
    event: ExchangeEvent,
    row: DynamicsAppointment,
    content: Content,
) -> list[Action]:
    actions = []
    if content.dynamics:
        actions.append(_update_row(situation, row, content))
    writes = {name: value for name, value in content.exchange.items() if name != "regarding"}
    if writes:
        actions.append(_update_event(context, event, row, content, writes))
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
        UpdateAppointment(row.id, row.etag, {k: v for k, v in changed.items() if k != "attendees"}, parties),
        fields=tuple(sorted(changed)),
        before={name: row.value(name) for name in changed},
        after=changed,
    )


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
    if "showAs" in writes or "time" in writes:
        wanted = invitations.wants_reminder(row.value("time"), row.value("showAs"), context.zone, context.now)
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
        before={name: event.value(name) for name in writes},
        after=writes,
    )
