"""An item that exists on one side only is brought to the other (APPT-1, APPT-5 to APPT-7, APPT-20 to APPT-22,
APPT-28), or the reason why it is not."""

from __future__ import annotations

from dataclasses import replace

from shared.model.appointment import DynamicsAppointment, InstanceType, StateCode
from shared.model.decision import (
    Action,
    ActionKind,
    CreateAppointment,
    CreateEvent,
    Decision,
    DeleteAppointment,
    MarkEvent,
    Skip,
    UpdateEvent,
)
from shared.model.event import ExchangeEvent
from shared.model.link import Link
from shared.model.party import ParticipationType, Party, RecordRef
from shared.model.values import Side, Value
from shared.rules import attendees, invitations, item_time, keys, privacy, regarding, series, tracking
from shared.rules.appointment_content import crossed_pattern, exchange_values, remark_skip
from shared.rules.appointment_fields import (
    RECURRENCE,
    cross_columns,
    cross_pattern,
    crossing,
    fields_of,
    losses,
    losses_to_exchange,
)
from shared.rules.field_table import direction_in
from shared.rules.merge import FieldState
from shared.rules.situation import AppointmentSituation, Context
from shared.rules.skips import Reason
from shared.rules.tracking_marks import cleared, mark, new_link, stamps_of


def left(situation: AppointmentSituation, skip: Skip, link: Link | None = None) -> Decision:
    return Decision(situation.ref(), skips=(skip,), link=link)


def all_fields(table: str, context: Context) -> tuple[str, ...]:
    return tuple(field.name for field in fields_of(table, context.organization))


def why_not_tracked(situation: AppointmentSituation, context: Context, event: ExchangeEvent) -> Skip | None:
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
    if not _in_window(item_time.of_event(event), context):
        return Reason.OUTSIDE_WINDOW.skip()
    if privacy.stays_out(event, context.profile.private_appointments):
        return Reason.PRIVATE.skip()
    return None


def why_not_sent(situation: AppointmentSituation, context: Context, row: DynamicsAppointment) -> Skip | None:
    """Why a Dynamics row is not taken to this mailbox, if it is not."""
    if not row.is_series and row.instance_type != InstanceType.NONE:
        return Reason.LONE_OCCURRENCE.skip()
    if item_time.has_no_time(row):
        return Reason.NO_TIME.skip()
    if row.is_draft and context.organization.flag("AllowSaveAsDraftAppointment"):
        return Reason.DRAFT.skip()
    if row.value("organizer") is None:
        return Reason.NO_ORGANIZER.skip()
    if row.value("organizer") != context.mailbox.user_id:
        return Reason.OTHER_ORGANIZER.skip()
    if situation.in_filter is False:
        return Reason.NOT_IN_FILTER.skip()
    if not _in_window(item_time.of_row(row, context.zone), context):
        return Reason.OUTSIDE_WINDOW.skip()
    return None


def _in_window(when: Value, context: Context) -> bool:
    return item_time.overlaps(when, context.zone, context.window_start, context.window_end)


def generation_of(link: Link | None) -> int:
    return link.generation if link else 1


def from_exchange(situation: AppointmentSituation, context: Context, event: ExchangeEvent) -> Decision:
    """A tracked event becomes an appointment, a series a recurring one (APPT-1, APPT-5, APPT-7, APPT-28)."""
    skip = why_not_tracked(situation, context, event)
    if skip is not None:
        return left(situation, skip, situation.link)
    generation, table = generation_of(situation.link), tracking.table_of(event)
    problem = (
        _inexpressible(Side.DYNAMICS, event.value(RECURRENCE.name), context) if event.is_series else None
    )
    if problem is not None:
        return left(situation, problem, situation.link)
    seed = f"{event.ical_uid}|{event.id}" if situation.copy_of else event.ical_uid
    row_id = keys.appointment_id(context.organization.id, seed, generation, table)
    values, skips = _values_for_dynamics(event, context)
    organizer = _organizer_party(situation, context, event)
    # Dynamics expands a series in the zone of whoever writes its pattern.
    as_user = event.is_organizer or event.is_series
    write = CreateAppointment(
        id=row_id,
        values=values,
        parties=attendees.parties_for(
            exchange_values(event, ()).get("attendees"), (), situation.resolved, organizer
        ),
        owner=RecordRef("systemuser", _owner_user(situation, context)),
        as_user=as_user,
        global_object_id=keys.global_object_id(event.ical_uid),
        table=table,
    )
    occurrences = series.new_in_dynamics(situation, context, event, row_id, values, write.parties)
    create = Action(
        ActionKind.CREATE,
        Side.DYNAMICS,
        _creation_rules(event, as_user),
        "the event is tracked in Exchange",
        write,
        fields=tuple(sorted(values)),
        after=values,
    )
    link = new_link(situation, context, event, row_id, generation, table)
    marked = mark(event, row_id, values.get("regarding"), context, rules=("LNK-3", "LNK-5"))
    return Decision(
        situation.ref(),
        (create, *occurrences.dynamics, *occurrences.exchange, marked),
        (*skips, *occurrences.skips),
        link,
        all_fields(table, context),
        occurrences.lost or {},
        occurrences.plan,
    )


def _creation_rules(event: ExchangeEvent, as_user: bool) -> tuple[str, ...]:
    for_another = () if event.is_organizer else ("APPT-6",)
    series_too = ("APPT-28",) if event.is_series else ()
    return ("APPT-1", "APPT-5", *for_another, "APPT-7", *series_too, *(() if as_user else ("MBX-23",)))


def _inexpressible(towards: Side, value: Value, context: Context) -> Skip | None:
    """Why a series cannot be brought over; its pattern is never bent (APPT-28)."""
    state = FieldState(
        RECURRENCE.name,
        value if towards is Side.DYNAMICS else None,
        None if towards is Side.DYNAMICS else value,
    )
    problem, crossed, _ = crossed_pattern(towards, state, context.zone)
    if crossed is not None:
        return None
    return Reason.NOT_EXPRESSIBLE.skip(detail=problem, fields=(RECURRENCE.name,))


def _values_for_dynamics(event: ExchangeEvent, context: Context) -> tuple[dict[str, Value], list[Skip]]:
    values: dict[str, Value] = {}
    skips: list[Skip] = []
    shown, rich = exchange_values(event, ()), context.rich and not event.is_series
    for field in fields_of(tracking.table_of(event), context.organization):
        if field.name in shown:
            skips += losses(field, shown[field.name], rich=rich)
        if field.name not in shown or field.name == "attendees":
            continue
        if field is RECURRENCE:
            over = cross_pattern(event.value(field.name), context.zone)
            values[field.name] = over.value
            skips += [remark_skip(remark) for remark in over.notes]
            continue
        if not direction_in(field, context.profile.directions).reaches(Side.DYNAMICS):
            skips.append(Reason.DIRECTION.skip(fields=(field.name,)))
            continue
        value = shown[field.name]
        crossed = crossing(field, context.zone, value, rich=rich).to_dynamics(value)
        if crossed is None:
            skips.extend(_why_empty(field.name, value))
            continue
        values[field.name] = crossed
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


def from_dynamics(situation: AppointmentSituation, context: Context, row: DynamicsAppointment) -> Decision:
    """An appointment of this user becomes a meeting (APPT-20 to APPT-22, APPT-26). A series with exceptions
    is created without its attendees; they are invited when its occurrences stand, so that they get one
    invitation and nothing about what never was."""
    if situation.leftover:
        return _leftover_goes(situation, row)
    skip = why_not_sent(situation, context, row)
    if skip is None and row.state is StateCode.CANCELED:
        skip = Reason.CANCELED_UNSEEN.skip()
    if skip is None and situation.parked:
        skip = (Reason.PARKED_HISTORY if row.is_series else Reason.TWIN).skip()
    if skip is None and row.is_series:
        skip = _inexpressible(Side.EXCHANGE, row.value(RECURRENCE.name), context)
    if skip is not None:
        return left(situation, skip, situation.link)
    values, skips = _values_for_exchange(row, context)
    invited = attendees.pairs(values.get("attendees"))
    rules = ["APPT-1", "APPT-3", "APPT-20", *(["APPT-28"] if row.is_series else [])]
    withheld: tuple[tuple[str, str], ...] = ()
    when = item_time.of_row(row, context.zone)
    occurrences = series.new_in_exchange(situation, context, row, values)
    past = item_time.is_past(when, context.zone, context.now)
    if invited and (past or occurrences.exchange):
        withheld, invited = tuple(invited), []
        values["attendees"] = []
        rules += ["APPT-22", "APPT-26"]
    reminder = invitations.wants_reminder(when, row.value("showAs"), context.zone, context.now)
    generation = generation_of(situation.link)
    categories = (tracking.TRACKED_CATEGORY,) if context.organization.flag("TrackCategorizedItems") else ()
    write = CreateEvent(
        transaction_id=keys.transaction_id(context.mailbox.id, row.id, generation),
        values=values,
        stamps=stamps_of(row.id, row.value("regarding"), context, withheld, row.table),
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
    later = _invite_now(row, withheld, write, context) if withheld and not past else ()
    link = new_link(situation, context, None, row.id, generation, row.table)
    return Decision(
        situation.ref(),
        (create, *occurrences.exchange, *later),
        (*skips, *occurrences.skips),
        replace(link, withheld=() if later else withheld),
        all_fields(row.table, context),
        occurrences.lost or {},
        occurrences.plan,
    )


def _leftover_goes(situation: AppointmentSituation, row: DynamicsAppointment) -> Decision:
    """A row under an id that only we give: an interrupted pass made it of an event that is another row's."""
    delete = Action(
        ActionKind.DELETE,
        Side.DYNAMICS,
        ("APPT-28", "LNK-7"),
        "an interrupted pass had made this row of an event that became something else before it was linked",
        DeleteAppointment(row.id, row.etag, row.table),
        before=dict(row.values),
    )
    return Decision(situation.ref(), (delete,))


def _invite_now(
    row: DynamicsAppointment, withheld: tuple[tuple[str, str], ...], created: CreateEvent, context: Context
) -> tuple[Action, ...]:
    """The attendees of a series whose occurrences stand. The event has the id that its creation brings."""
    people = attendees.as_value(withheld)
    invite = Action(
        ActionKind.UPDATE,
        Side.EXCHANGE,
        ("APPT-20", "APPT-26", "FLD-6"),
        "the attendees are invited now that the occurrences stand",
        UpdateEvent("", "", {"attendees": people}, attendee_names=created.attendee_names),
        fields=("attendees",),
        mails=tuple(address for address, _ in withheld),
        after={"attendees": people},
    )
    stamps = cleared(stamps_of(row.id, row.value("regarding"), context, (), row.table))
    unmark = Action(
        ActionKind.LINK,
        Side.EXCHANGE,
        ("LNK-3", "APPT-26"),
        "nobody is kept out of the series any more",
        MarkEvent("", None, None, stamps),
    )
    return invite, unmark


def _values_for_exchange(row: DynamicsAppointment, context: Context) -> tuple[dict[str, Value], list[Skip]]:
    values: dict[str, Value] = {}
    skips: list[Skip] = []
    rich = context.rich and not row.is_series
    for field in fields_of(row.table, context.organization):
        if field.name in ("regarding", "sensitivity"):
            continue
        if field is RECURRENCE:
            over = cross_columns(row.value(field.name), context.zone)
            values[field.name] = over.value
            skips += [remark_skip(remark) for remark in over.notes]
            continue
        if not direction_in(field, context.profile.directions).reaches(Side.EXCHANGE):
            skips.append(Reason.DIRECTION.skip(fields=(field.name,)))
            continue
        value = row.value(field.name)
        values[field.name] = crossing(field, context.zone, None, rich=rich).to_exchange(value)
        skips += losses_to_exchange(field, value, rich=rich)
    return values, skips
