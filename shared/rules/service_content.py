"""What of a service appointment moves to its copy, and what a person did to the copy that is left alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.model.appointment import DynamicsAppointment
from shared.model.decision import Skip
from shared.model.event import ExchangeEvent
from shared.model.link import Base
from shared.model.values import Direction, Side, Value
from shared.rules import attendees
from shared.rules.merge import MISSING, FieldState, merge
from shared.rules.service_fields import NAMES, REGARDING, crossing
from shared.rules.situation import Context
from shared.rules.skips import Reason


@dataclass
class CopyContent:
    """``writes``: values for the event. ``kept``: fields whose base stays, because they wait or because a
    person's edit in Outlook stands. ``lost``: edits in Outlook that Dynamics' change overwrites (FLD-34)."""

    writes: dict[str, Value] = field(default_factory=dict)
    regarding_moves: bool = False
    skips: list[Skip] = field(default_factory=list)
    kept: set[str] = field(default_factory=set)
    lost: dict[str, Value] = field(default_factory=dict)

    @property
    def absorb(self) -> tuple[str, ...]:
        return tuple(name for name in NAMES if name not in self.kept)

    def leave(self, name: str, reason: Reason, *, keep: bool) -> None:
        self.skips.append(reason.skip(fields=(name,)))
        if keep:
            self.kept.add(name)


def why_untouched(event: ExchangeEvent) -> Reason | None:
    """Why nothing is written to this copy that people see: it would mail somebody (X-1), or make nonsense."""
    if not event.is_organizer:
        return Reason.NOT_ORGANIZER
    if attendees.pairs(event.value("attendees")):
        return Reason.GUESTS_OF_THE_COPY
    return Reason.MADE_A_SERIES if event.is_series else None


def merge_copy(
    event: ExchangeEvent, row: DynamicsAppointment, base: Base | None, context: Context
) -> CopyContent:
    """Each field against its base, one way; without a base Dynamics counts."""
    content = CopyContent()
    for name in NAMES:
        if name in event.values:
            _merge_field(name, event, row, base or Base(), context, content)
    return content


def _merge_field(
    name: str,
    event: ExchangeEvent,
    row: DynamicsAppointment,
    base: Base,
    context: Context,
    content: CopyContent,
) -> None:
    state = FieldState(
        name,
        event.value(name),
        row.value(name),
        base.exchange.get(name, MISSING),
        base.dynamics.get(name, MISSING),
    )
    over = crossing(name, context.zone)
    merged = merge(state, over, Direction.TO_EXCHANGE, Side.DYNAMICS)
    keep = not state.first_time
    if merged.held:
        content.leave(name, Reason.ONE_WAY, keep=keep)
    elif merged.towards is None:
        return
    elif name == REGARDING:
        content.regarding_moves = True
    elif (reason := why_untouched(event)) is not None:
        content.leave(name, reason, keep=keep)
    else:
        content.writes[name] = over.to_exchange(state.dynamics)
        if merged.lost_by is not None:
            content.lost[name] = state.exchange
