"""The writes that bring a merged item's content to each side (APPT-1, APPT-21, APPT-22, APPT-27)."""

from __future__ import annotations

from collections.abc import Mapping

from shared.model.appointment import DynamicsAppointment
from shared.model.decision import (
    Action,
    ActionKind,
    UpdateAppointment,
    UpdateEvent,
)
from shared.model.event import ExchangeEvent
from shared.model.values import Side, Value, Values
from shared.rules import (
    attendees,
    invitations,
    item_time,
    privacy,
    series,
    status,
)
from shared.rules.appointment_content import Content
from shared.rules.appointment_fields import BY_NAME
from shared.rules.situation import AppointmentSituation, Context


def content_actions(
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
    # What a row said before its event became private is not repeated in the history (APPT-9).
    return Action(
        ActionKind.COMPLETE if completes else ActionKind.UPDATE,
        Side.DYNAMICS,
        ("APPT-1", *_rules_of(content, changed), *(("APPT-27",) if completes else ())),
        "changed in Exchange",
        UpdateAppointment(
            row.id, row.etag, {k: v for k, v in changed.items() if k != "attendees"}, parties, row.table
        ),
        fields=tuple(sorted(changed)),
        before=_untold(situation.event, {name: row.value(name) for name in changed})
        | _image(row, changed, situation.event),
        after=changed,
    )


def _image(
    item: ExchangeEvent | DynamicsAppointment, changed: Mapping[str, Value], event: ExchangeEvent | None
) -> dict[str, Value]:
    """A new pattern makes the exceptions of a series plain: what they were is in the history."""
    if "recurrence" not in changed or not item.exceptions:
        return {}
    shown = {date: _untold(event, privacy.shown(exception)) for date, exception in item.exceptions.items()}
    return {"exceptions": shown}


def _untold(event: ExchangeEvent | None, values: Values) -> dict[str, Value]:
    """What either side said before the event became private is not repeated in the history (APPT-9)."""
    return {name: value for name, value in values.items() if not privacy.hides(event, name)}


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
            keeps_meeting=event.is_online_meeting and "body" in writes,
        ),
        fields=tuple(sorted(writes)),
        mails=mails,
        before={name: event.value(name) for name in writes} | _image(event, writes, event),
        after=writes,
    )
