"""How a link ends, whatever it links: what is written, and what the link remembers (LNK-8)."""

from __future__ import annotations

from dataclasses import replace

from shared.model.appointment import DynamicsAppointment
from shared.model.decision import Action, ActionKind, Decision, MarkEvent
from shared.model.event import ExchangeEvent, Stamps
from shared.model.link import Link, LinkState, Role
from shared.model.values import Side, Value
from shared.rules import privacy, tracking
from shared.rules.situation import AppointmentSituation


def image_of(item: ExchangeEvent | DynamicsAppointment) -> dict[str, Value]:
    """Everything of an item that is about to be deleted, for the history; of a private one what may be shown
    (APPT-9)."""
    values = dict(privacy.shown(item))
    if not item.exceptions:
        return values
    exceptions = {date: dict(privacy.shown(exception)) for date, exception in item.exceptions.items()}
    return {**values, "exceptions": exceptions}


def unlink(
    situation: AppointmentSituation,
    link: Link,
    event: ExchangeEvent,
    state: LinkState,
    reason: str,
    rules: tuple[str, ...],
) -> Decision:
    """LNK-8: stamp back to "not tracked" (crmid stays), our category removed, both items kept."""
    categories = (
        tracking.without_category(event.categories) if tracking.has_category(event.categories) else None
    )
    write = MarkEvent(event.id, None, categories, Stamps(link_state=tracking.UNLINKED))
    unlink = Action(ActionKind.UNLINK, Side.EXCHANGE, rules, reason, write)
    return close(situation, link, state, reason, rules, (unlink,))


def close(
    situation: AppointmentSituation,
    link: Link,
    state: LinkState,
    reason: str,
    rules: tuple[str, ...],
    actions: tuple[Action, ...],
) -> Decision:
    """The link's end; what marks the item carries from now on tells whether a person tracks it anew."""
    unmarked = {**link.markers, "category": False, "stamp": tracking.UNLINKED}
    ended = replace(link.ended(state, reason, rules), markers=unmarked, role=Role.MEMBER)
    return Decision(situation.ref(), actions, (), ended)
