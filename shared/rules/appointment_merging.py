"""Both items exist: their content is merged, for the first time or in step with what both last agreed on."""

from __future__ import annotations

from dataclasses import replace

from shared.model.appointment import DynamicsAppointment
from shared.model.decision import (
    Action,
    Decision,
    MarkEvent,
)
from shared.model.event import ExchangeEvent
from shared.model.link import Link, LinkState
from shared.rules import (
    intent,
    series,
)
from shared.rules.appointment_content import merge_content
from shared.rules.appointment_updates import content_actions
from shared.rules.situation import AppointmentSituation, Context
from shared.rules.tracking_marks import cleared, mark


def first_merge(
    situation: AppointmentSituation,
    context: Context,
    event: ExchangeEvent,
    row: DynamicsAppointment,
    link: Link,
    joined: Action,
) -> Decision:
    created = _settled_creation(situation, context, event, row, link.withheld)
    base = created.base if created else None
    inviting = bool(created and created.intent.get(intent.INVITING))
    if created is not None:
        link = replace(link, base=created.base, occurrences=created.occurrences)
    content = merge_content(event, row, base, link.withheld, context, inviting=inviting)
    occurrences = series.in_step(
        situation, context, created, event, row, content, fresh=intent.written_side(situation.link)
    )
    actions = [joined, *content_actions(situation, context, event, row, content, occurrences)]
    regards = content.dynamics.get("regarding", row.value("regarding"))
    marked = mark(event, row.id, regards, context, rules=("LNK-3",), withheld=content.withheld)
    return Decision(
        situation.ref(),
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


def _settled_creation(
    situation: AppointmentSituation,
    context: Context,
    event: ExchangeEvent,
    row: DynamicsAppointment,
    withheld: tuple[tuple[str, str], ...],
) -> Link | None:
    """The link of a pair whose creation never committed, with what it had written as its base; None for two
    items that nobody created for us."""
    creating = situation.link
    if creating is None or creating.state is not LinkState.CREATING:
        return None
    known = intent.settled(replace(creating, withheld=withheld), event, row)
    return series.settled(known, event, row, context) if known.base.exchange else None


def in_step(
    situation: AppointmentSituation,
    context: Context,
    link: Link,
    event: ExchangeEvent,
    row: DynamicsAppointment,
) -> Decision:
    """Keep a linked pair's content in step: the three-way merge, each side against its own base."""
    link = series.settled(intent.settled(link, event, row), event, row, context)
    base = link.base if link.base.exchange or link.base.dynamics else None
    content = merge_content(event, row, base, link.withheld, context)
    series.restore(content, link, event, row, context)
    occurrences = series.in_step(situation, context, link, event, row, content)
    actions = content_actions(situation, context, event, row, content, occurrences)
    if "regarding" in content.exchange or content.withheld != link.withheld:
        regards = content.dynamics.get("regarding", row.value("regarding"))
        marked = mark(event, row.id, regards, context, rules=("FLD-8",), withheld=content.withheld)
        actions.append(_clearing(marked))
    kept = replace(link, withheld=content.withheld, subject=situation.ref().subject)
    return Decision(
        situation.ref(),
        tuple(actions),
        (*content.skips, *series.remarks(event, content, context), *occurrences.skips),
        kept,
        content.absorb,
        {**content.lost, **(occurrences.lost or {})},
        occurrences.plan,
    )
