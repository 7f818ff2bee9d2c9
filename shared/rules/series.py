"""A series as a whole: its master is decided upon like an appointment, and then its occurrences are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from shared.model.appointment import SERIES, DynamicsAppointment
from shared.model.decision import Action, OccurrencePlan, Skip
from shared.model.event import EventType, ExchangeEvent
from shared.model.link import Link
from shared.model.party import Party
from shared.model.values import Side, Value, Values
from shared.rules import occurrence_base
from shared.rules.appointment_content import Content, remark_skip
from shared.rules.appointment_fields import cross_pattern
from shared.rules.occurrence_base import views_of
from shared.rules.occurrence_views import CANCELLED, Slots, dynamics_view, exchange_view
from shared.rules.occurrence_writes import OccurrenceWrites
from shared.rules.occurrences import SeriesNow, merge_occurrences
from shared.rules.recreation import recreation
from shared.rules.situation import AppointmentSituation, Context


@dataclass(frozen=True, slots=True)
class OccurrenceActions:
    """What is done to the occurrences, by side; ``plan`` is what the new base is made from."""

    exchange: tuple[Action, ...] = ()
    dynamics: tuple[Action, ...] = ()
    skips: tuple[Skip, ...] = ()
    plan: OccurrencePlan | None = None
    lost: Mapping[str, Value] | None = None


NONE = OccurrenceActions()


def settled(link: Link, event: ExchangeEvent, row: DynamicsAppointment, context: Context) -> Link:
    """The link with what an earlier pass wrote to occurrences and did not commit taken into its base."""
    if not row.is_series:
        return link
    slots = Slots.of(event, row, context.zone)
    shown = {Side.EXCHANGE: exchange_view(event), Side.DYNAMICS: dynamics_view(row, slots)}
    return occurrence_base.settled(link, shown)


def remarks(event: ExchangeEvent, content: Content, context: Context) -> tuple[Skip, ...]:
    """What Dynamics says differently of the pattern as it stands, for who asks later (APPT-10, APPT-28)."""
    if not event.is_series or content.pattern_moves is Side.DYNAMICS:
        return ()
    return tuple(remark_skip(r) for r in cross_pattern(event.value("recurrence"), context.zone).notes)


def restore(
    content: Content, link: Link, event: ExchangeEvent, row: DynamicsAppointment, context: Context
) -> None:
    """Exchange shows an occurrence again that was deleted on both sides: somebody set the same pattern anew.
    Dynamics brings an instance back only with its pattern, so that is written there again (APPT-35)."""
    if not row.is_series or not event.is_series or content.pattern_moves or row.is_closed:
        return
    slots = Slots.of(event, row, context.zone)
    exchange, dynamics, base = exchange_view(event), dynamics_view(row, slots), views_of(link)
    deleted = {date for date, shown in dynamics.items() if shown == CANCELLED}
    agreed = {date for date in deleted if all(base[side].get(date) == CANCELLED for side in Side)}
    again = {date: slots.in_exchange(date) for date in agreed if exchange.get(date) != CANCELLED}
    restored = [date for date, slot in again.items() if slot and slot.start >= context.now]
    pattern = cross_pattern(event.value("recurrence"), context.zone).value
    if restored and pattern is not None and event.is_organizer:
        content.dynamics["recurrence"] = pattern


def in_step(
    situation: AppointmentSituation,
    context: Context,
    link: Link | None,
    event: ExchangeEvent,
    row: DynamicsAppointment,
    content: Content,
    fresh: Side | None = None,
) -> OccurrenceActions:
    """The occurrences of a linked series; ``link`` None: both exist and are linked for the first time.
    ``fresh``: the side on which a pass that never committed had just created it."""
    if not row.is_series:
        return NONE
    slots = Slots.of(event, row, context.zone)
    exchange, dynamics = exchange_view(event), dynamics_view(row, slots)
    base = views_of(link) if link else None
    event_then = replace(event, values={**event.values, **content.exchange})
    row_then = replace(row, values={**row.values, **content.dynamics})
    now = SeriesNow(
        event_then,
        row_then,
        exchange,
        dynamics,
        Slots.of(event_then, row_then, context.zone),
        base,
        moves=content.pattern_moves,
        silent=content.inviting,
        fresh=fresh,
        erased=occurrence_base.erased(link, exchange, dynamics) if link else {},
    )
    written = {
        Side.EXCHANGE: frozenset(content.exchange) - {"regarding"},
        Side.DYNAMICS: frozenset(content.dynamics),
    }
    return _actions(now, situation, context, written)


def new_in_dynamics(
    situation: AppointmentSituation,
    context: Context,
    event: ExchangeEvent,
    row_id: str,
    values: Values,
    parties: tuple[Party, ...],
) -> OccurrenceActions:
    """The exceptions of a series that is created in Dynamics: instances that its organizer had deleted are
    not made again (APPT-33)."""
    if not event.is_series:
        return NONE
    row = DynamicsAppointment(row_id, "", None, {"showAs": [0, 1], **values}, parties, table=SERIES)
    return _new(situation, context, event, row, Side.DYNAMICS)


def new_in_exchange(
    situation: AppointmentSituation, context: Context, row: DynamicsAppointment, values: Values
) -> OccurrenceActions:
    """The exceptions of a series that is created in Exchange, without its attendees as yet."""
    if not row.is_series:
        return NONE
    event = ExchangeEvent("", "", EventType.SERIES_MASTER, "", True, None, {**values, "attendees": []})
    return _new(situation, context, event, row, Side.EXCHANGE)


def _new(
    situation: AppointmentSituation,
    context: Context,
    event: ExchangeEvent,
    row: DynamicsAppointment,
    fresh: Side,
) -> OccurrenceActions:
    slots = Slots.of(event, row, context.zone)
    nothing: Mapping[Side, Mapping[str, Value]] = {side: {} for side in Side}
    now = SeriesNow(
        event,
        row,
        exchange_view(event),
        dynamics_view(row, slots),
        slots,
        nothing,
        silent=fresh is Side.EXCHANGE,
        fresh=fresh,
        # An event of its own would not be private any more.
        recreates=fresh is Side.DYNAMICS
        and context.profile.recreate_deleted_past_instances
        and not event.masked,
    )
    return _actions(now, situation, context, {side: frozenset[str]() for side in Side})


def _actions(
    now: SeriesNow,
    situation: AppointmentSituation,
    context: Context,
    written: Mapping[Side, frozenset[str]],
) -> OccurrenceActions:
    outcome = merge_occurrences(now, context)
    writes = OccurrenceWrites(now, outcome, situation.resolved, written)
    return OccurrenceActions(
        (*writes.towards(Side.EXCHANGE), *(recreation(now, date, context) for date in outcome.recreated)),
        tuple(writes.towards(Side.DYNAMICS)),
        tuple(outcome.skips),
        writes.plan(),
        outcome.lost,
    )
