"""What of an appointment's content moves, which way, and what is held back: the merge of all its fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from shared.bodies import meeting_block
from shared.model.appointment import DynamicsAppointment, StateCode
from shared.model.decision import Skip
from shared.model.event import ExchangeEvent
from shared.model.link import Base
from shared.model.values import Side, Value, Values
from shared.rules import attendees, item_time, privacy, regarding, status
from shared.rules.appointment_fields import (
    BY_NAME,
    FIELDS,
    RECURRENCE,
    Field,
    cross_columns,
    cross_pattern,
    crossing,
    fields_of,
    losses,
    losses_to_exchange,
)
from shared.rules.field_table import direction_in
from shared.rules.merge import MISSING, Crossing, FieldState, Merged, merge
from shared.rules.recurrence import first_day_changes_dates
from shared.rules.recurrence_notes import Remark
from shared.rules.situation import Context
from shared.rules.skips import Reason

TIE = timedelta(seconds=5)
Withheld = tuple[tuple[str, str], ...]


@dataclass
class Content:
    """The outcome: values to write per side (in that side's own form), what was held and what was lost.
    ``kept_base``: fields whose base must stay, because a change in them still waits."""

    exchange: dict[str, Value] = field(default_factory=dict)
    dynamics: dict[str, Value] = field(default_factory=dict)
    skips: list[Skip] = field(default_factory=list)
    kept_base: set[str] = field(default_factory=set)
    lost: dict[str, Value] = field(default_factory=dict)
    unagreed: set[str] = field(default_factory=set)
    """Fields on which the two never agreed yet: both items are linked for the first time."""
    withheld: Withheld = ()
    inviting: bool = False
    """Attendees are kept out of a series only until its occurrences are written."""
    fields: tuple[Field, ...] = FIELDS

    def hold(self, name: str, reason: Reason, *, keep_base: bool, detail: str = "") -> None:
        self.skips.append(reason.skip(fields=(name,), detail=detail))
        self.exchange.pop(name, None)
        self.dynamics.pop(name, None)
        self.lost.pop(name, None)
        if keep_base:
            self.kept_base.add(name)

    @property
    def absorb(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.fields if f.name not in self.kept_base)

    @property
    def pattern_moves(self) -> Side | None:
        """The side that a series' new pattern is written to."""
        if RECURRENCE.name in self.dynamics:
            return Side.DYNAMICS
        return Side.EXCHANGE if RECURRENCE.name in self.exchange else None


def exchange_values(event: ExchangeEvent, withheld: Withheld) -> Values:
    """The event's values as the merge sees them: masked where its content stays out of Dynamics (APPT-9).
    Attendees kept out of Exchange count as listed, so that their absence is not a removal (APPT-26 b)."""
    if event.masked:
        return privacy.shown(event)
    if not withheld:
        return event.values
    shown = attendees.pairs(event.value("attendees"))
    names = {address for address, _ in shown}
    hidden = [pair for pair in withheld if pair[0] not in names]
    return {**event.values, "attendees": attendees.as_value([*shown, *hidden])}


def merge_content(
    event: ExchangeEvent,
    row: DynamicsAppointment,
    base: Base | None,
    withheld: Withheld,
    context: Context,
    *,
    inviting: bool = False,
) -> Content:
    """Merge every field of a linked pair, or of two items linked for the first time (``base`` None)."""
    content = Content(withheld=withheld, inviting=inviting, fields=fields_of(row.table, context.organization))
    shown = exchange_values(event, withheld)
    for rule in content.fields:
        if rule.name in shown:
            _merge_field(rule, event, row, shown, base, context, content)
    _hold_mail(event, content, context)
    return content


def _merge_field(
    rule: Field,
    event: ExchangeEvent,
    row: DynamicsAppointment,
    shown: Values,
    base: Base | None,
    context: Context,
    content: Content,
) -> None:
    state = FieldState(
        rule.name,
        shown[rule.name],
        row.values.get(rule.name),
        base.exchange.get(rule.name, MISSING) if base else MISSING,
        base.dynamics.get(rule.name, MISSING) if base else MISSING,
    )
    if rule.name == "showAs" and _completes(state, row, context):
        content.dynamics["showAs"] = list(status.COMPLETED)
        return
    rich = context.rich and not event.is_series
    over = _crossing(rule, event, state, context, rich=rich)
    direction = direction_in(rule, context.profile.directions)
    if state.first_time:
        content.unagreed.add(rule.name)
    merged = merge(state, over, direction, winner(rule, state, event, row))
    if not merged.agreed and rule is RECURRENCE and merged.towards is not None:
        _pattern(merged.towards, state, row, merged, context, content)
    elif merged.held:
        content.hold(rule.name, Reason.DIRECTION, keep_base=not state.first_time)
    elif merged.towards is Side.DYNAMICS:
        _towards_dynamics(rule, state, over.to_dynamics(state.exchange), row, merged, content)
        if rule.name in content.dynamics:
            content.skips += losses(rule, state.exchange, rich=rich)
    elif merged.towards is Side.EXCHANGE:
        _towards_exchange(rule, state, over.to_exchange(state.dynamics), event, merged, content)
        if rule.name in content.exchange:
            content.skips += losses_to_exchange(rule, state.dynamics, rich=rich)


def _crossing(
    rule: Field, event: ExchangeEvent, state: FieldState, context: Context, *, rich: bool
) -> Crossing:
    """How the field crosses over. Whether the row's body shows the online meeting's block makes no difference
    to what the body says: the block stays in Exchange whatever happens to its copy (APPT-8)."""
    over = crossing(rule, context.zone, event.value(rule.name), rich=rich)
    if rule.name != "body" or not event.is_online_meeting:
        return over
    block = meeting_block.signature(state.exchange, event.join_url)
    return replace(over, essence=lambda value: meeting_block.without(value, block))


def _pattern(
    towards: Side,
    state: FieldState,
    row: DynamicsAppointment,
    merged: Merged,
    context: Context,
    content: Content,
) -> None:
    """A series' pattern moves: what the other side says differently is noted, what it cannot say at all is
    held and named, never bent (APPT-28)."""
    if towards is Side.DYNAMICS and row.is_closed:
        content.hold(RECURRENCE.name, Reason.CLOSED, keep_base=not state.first_time)
        return
    problem, value, remarks = crossed_pattern(towards, state, context.zone)
    if value is None or problem:
        content.hold(RECURRENCE.name, Reason.NOT_EXPRESSIBLE, keep_base=not state.first_time, detail=problem)
        return
    content.skips += [remark_skip(remark) for remark in remarks]
    if towards is Side.DYNAMICS:
        content.dynamics[RECURRENCE.name] = value
    else:
        content.exchange[RECURRENCE.name] = value
    _note_loss(
        RECURRENCE.name, state.dynamics if towards is Side.DYNAMICS else state.exchange, merged, content
    )


def remark_skip(remark: Remark) -> Skip:
    return Skip(remark.code, remark.rules, remark.text, (RECURRENCE.name,))


def crossed_pattern(
    towards: Side, state: FieldState, zone: ZoneInfo
) -> tuple[str, Value, tuple[Remark, ...]]:
    """What keeps the pattern from crossing ("" = nothing), its value there, and what is said differently."""
    if towards is Side.EXCHANGE:
        back = cross_columns(state.dynamics, zone)
        return ("" if back.value else _last_text(back.notes, state.dynamics)), back.value, back.notes
    over = cross_pattern(state.exchange, zone)
    if over.value is None:
        return _last_text(over.notes, state.exchange), None, ()
    present = state.dynamics
    if isinstance(present, Mapping) and first_day_changes_dates(over.value, present, zone):
        return "the first day of the week can be given only when a series is created in Dynamics", None, ()
    return "", over.value, over.notes


def _last_text(notes: tuple[Remark, ...], value: Value) -> str:
    if notes:
        return notes[-1].text
    reason = value.get("unreadable") if isinstance(value, Mapping) else None
    return str(reason or "it cannot be read")


def _completes(state: FieldState, row: DynamicsAppointment, context: Context) -> bool:
    """Set to free in Exchange, a canceled row becomes completed (APPT-27; its switch: X-8)."""
    return (
        context.profile.complete_when_shown_as_free
        and not state.first_time
        and row.state is StateCode.CANCELED
        and state.exchange == "free"
        and state.changed(Side.EXCHANGE)
        and not state.changed(Side.DYNAMICS)
    )


def winner(rule: Field, state: FieldState, event: ExchangeEvent, row: DynamicsAppointment) -> Side:
    """Who wins a conflict (LNK-10). A closed row takes nothing (APPT-31); an attendee's copy sends nothing
    back (APPT-3); time and attendees are the organizer's; what would mail people when two items are linked
    for the first time stays as Exchange has it; otherwise the later change, Dynamics in a tie."""
    if row.is_closed:
        return Side.DYNAMICS
    if not event.is_organizer or rule.organizer_wins:
        return Side.EXCHANGE
    if state.first_time and rule.mails and attendees.pairs(event.value("attendees")):
        return Side.EXCHANGE
    if event.modified is None or row.modified is None:
        return Side.DYNAMICS
    return Side.EXCHANGE if event.modified - row.modified > TIE else Side.DYNAMICS


def _towards_dynamics(
    rule: Field, state: FieldState, value: Value, row: DynamicsAppointment, merged: Merged, content: Content
) -> None:
    keep = not state.first_time
    if row.is_closed:
        content.hold(rule.name, Reason.CLOSED, keep_base=keep)
    elif rule.name == "showAs" and value is None:
        content.hold(rule.name, Reason.UNKNOWN_STATUS, keep_base=keep)
    elif rule.name == "regarding" and not regarding.is_known(state.exchange):
        content.hold(rule.name, Reason.UNKNOWN_REGARDING, keep_base=keep)
    else:
        content.dynamics[rule.name] = value
        _note_loss(rule.name, state.dynamics, merged, content)


def _towards_exchange(
    rule: Field, state: FieldState, value: Value, event: ExchangeEvent, merged: Merged, content: Content
) -> None:
    keep = not state.first_time
    if rule.name != "regarding" and not event.is_organizer:
        content.hold(rule.name, Reason.NOT_ORGANIZER, keep_base=keep)
    elif privacy.hides(event, rule.name):
        content.hold(rule.name, Reason.PRIVATE_CONTENT, keep_base=keep)
    else:
        content.exchange[rule.name] = value
        _note_loss(rule.name, state.exchange, merged, content)


def _note_loss(name: str, loser: Value, merged: Merged, content: Content) -> None:
    if merged.lost_by is not None:
        content.lost[name] = loser


def _hold_mail(event: ExchangeEvent, content: Content, context: Context) -> None:
    """Hold back what would mail people without a rule that says so (APPT-22, APPT-23, APPT-26)."""
    shown = item_time.of_event(event)
    when = content.exchange.get(RECURRENCE.name if event.is_series else "time", shown)
    past = item_time.is_past(when, context.zone, context.now)
    late_mail = context.organization.flag("SSSUpdatePastMeetingsInNonDraftMode")
    _settle_withheld(event, content, past=past and not late_mail)
    mailing = [name for name in content.exchange if BY_NAME[name].mails]
    if not mailing or not _has_audience(event, content.exchange):
        return
    for name in mailing:
        if name in content.unagreed:
            content.hold(name, Reason.LINKING_MAILS_NOBODY, keep_base=False)
        elif past and not late_mail:
            content.hold(name, Reason.PAST_MEETING, keep_base=True)


def _has_audience(event: ExchangeEvent, writes: Mapping[str, Value]) -> bool:
    shown = attendees.pairs(event.value("attendees"))
    return bool(shown or attendees.pairs(writes.get("attendees")))


def _settle_withheld(event: ExchangeEvent, content: Content, *, past: bool) -> None:
    """Attendees of a meeting that shows none: kept out while it is past, invited once a change that is to
    be distributed finds it in the future."""
    if attendees.pairs(event.value("attendees")):
        content.withheld = ()
        return
    if content.inviting and content.withheld and not past:
        content.exchange.setdefault("attendees", attendees.as_value(content.withheld))
    wanted = content.exchange.get("attendees")
    if wanted is not None and (past or "attendees" in content.unagreed):
        content.exchange.pop("attendees")
        content.withheld = tuple(attendees.pairs(wanted))
    elif wanted is not None:
        content.withheld = ()
    elif content.withheld and not past and any(BY_NAME[name].mails for name in content.exchange):
        content.exchange["attendees"] = attendees.as_value(content.withheld)
        content.withheld = ()


def base_after(
    old: Base, absorb: tuple[str, ...], event: ExchangeEvent, row: DynamicsAppointment, withheld: Withheld
) -> Base:
    """The base once both sides answered: what each side shows now for the absorbed fields."""
    shown = exchange_values(event, withheld)
    exchange, dynamics = dict(old.exchange), dict(old.dynamics)
    for name in absorb:
        if name in shown:
            exchange[name] = shown[name]
            dynamics[name] = row.values.get(name)
    return Base(exchange, dynamics)
