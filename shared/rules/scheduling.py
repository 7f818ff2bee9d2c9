"""Scheduling conflicts (APPT-29, PAIN-4): what an event would take of people's time in Dynamics, and what is
done when one of them is busy then: nothing, a warning, or a question that the item waits for.

Asked about are single appointments that Dynamics would count as scheduled, from now on: one that is shown as
free or tentative (state Open) takes nobody's time, and what has begun cannot be put off any more. Series and
their occurrences are not asked about: Dynamics refuses to validate them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from shared.model.appointment import APPOINTMENT, DynamicsAppointment, StateCode
from shared.model.decision import Action, ActionKind, CreateAppointment, Decision, UpdateAppointment
from shared.model.link import LinkState
from shared.model.scheduling import Asked, Availability, Busy, Claim, SchedulingPolicy
from shared.model.values import Value
from shared.rules import item_time, meeting_time, status
from shared.rules.appointment_fields import BY_NAME
from shared.rules.link_endings import unlink
from shared.rules.situation import AppointmentSituation, Context
from shared.rules.skips import Reason

RULE = "APPT-29"
ACCEPTED = "an administrator accepted that somebody is busy then"
KEPT_OUT = "an administrator decided not to take it to Dynamics, because somebody is busy then"


@dataclass(frozen=True, slots=True)
class _Claiming:
    """The action that takes people's time, its claim, and the fields that make it do so."""

    action: Action
    claim: Claim
    fields: frozenset[str]

    @property
    def time(self) -> str:
        return time_key(self.claim.time)


def settled(decision: Decision, situation: AppointmentSituation, context: Context) -> Decision:
    """The decision as the profile's policy leaves it."""
    claiming = _claiming(decision, situation, context)
    if claiming is None:
        return decision
    if not _may_wait(decision, context):
        return _warning(decision, claiming, situation.availability, context)
    if claiming.time == situation.allowed_time:
        return _accepted(decision, claiming)
    if claiming.time == situation.refused_time:
        return _kept_out(decision, claiming, situation, context)
    if situation.availability is None or not situation.availability.busy:
        return decision
    return _waiting(decision, claiming, situation, situation.availability.busy, context)


def to_be_asked(decision: Decision, situation: AppointmentSituation, context: Context) -> Claim | None:
    """What Dynamics has to be asked before this decision may be carried out."""
    if not _may_wait(decision, context):
        return None
    return to_be_shown(decision, situation, context)


def to_be_shown(decision: Decision, situation: AppointmentSituation, context: Context) -> Claim | None:
    """What Dynamics has to be asked before people can be told what this decision means."""
    claiming = _claiming(decision, situation, context)
    answered = (situation.allowed_time, situation.refused_time)
    if claiming is None or situation.availability is not None or claiming.time in answered:
        return None
    return claiming.claim


def _may_wait(decision: Decision, context: Context) -> bool:
    """An item that becomes one of another table is under way already: it is never held up."""
    return context.profile.scheduling_conflicts is SchedulingPolicy.ASK and decision.replaced is None


# --- what takes people's time ---------------------------------------------------------------------


def _claiming(decision: Decision, situation: AppointmentSituation, context: Context) -> _Claiming | None:
    if context.profile.scheduling_conflicts is SchedulingPolicy.SAVE:
        return None
    for action in decision.actions:
        found = _claim_of(action, situation)
        if found is not None and not item_time.is_past(found.claim.time, context.zone, context.now):
            return found
    return None


def _claim_of(action: Action, situation: AppointmentSituation) -> _Claiming | None:
    write = action.write
    if isinstance(write, CreateAppointment) and write.table == APPOINTMENT:
        time = write.values.get("time")
        if time is None or not _is_scheduled(write.values.get("showAs")):
            return None
        return _Claiming(action, Claim(write.id, time, write.parties), frozenset({"time"}))
    rows = {row.id: row for row in (situation.row, situation.successor) if row is not None}
    if isinstance(write, UpdateAppointment) and write.table == APPOINTMENT and write.id in rows:
        return _claim_of_update(action, write, rows[write.id])
    return None


def _claim_of_update(action: Action, write: UpdateAppointment, row: DynamicsAppointment) -> _Claiming | None:
    """A new time, new people, or a time that is taken only from now on."""
    shows = write.values.get("showAs", row.value("showAs"))
    time = write.values.get("time", row.value("time"))
    if time is None or not _is_scheduled(shows):
        return None
    fields = {"time"} & set(write.values)
    fields |= {"attendees"} if write.parties is not None else set()
    fields |= {"showAs"} if not _is_scheduled(row.value("showAs")) else set()
    if not fields:
        return None
    parties = row.parties if write.parties is None else write.parties
    return _Claiming(action, Claim(write.id, time, parties), frozenset(fields))


def _is_scheduled(shows: Value) -> bool:
    return shows is not None and status.status_pair(shows)[0] == StateCode.SCHEDULED


# --- what is done about it ------------------------------------------------------------------------


def _warning(
    decision: Decision, claiming: _Claiming, availability: Availability | None, context: Context
) -> Decision:
    """The write asks along the way. Where Dynamics was asked already (preview), the answer is shown."""
    busy = availability.busy if availability else ()
    skips = decision.skips
    if busy:
        skips = (*skips, Reason.SAVED_THOUGH_BUSY.skip(detail=warning(busy, claiming.claim, context.zone)))
    write = claiming.action.write
    assert isinstance(write, CreateAppointment | UpdateAppointment)
    asking = replace(claiming.action, write=replace(write, claim=claiming.claim))
    return replace(decision, actions=_with(decision, claiming.action, asking), skips=skips)


def _accepted(decision: Decision, claiming: _Claiming) -> Decision:
    action = claiming.action
    said = replace(action, rules=(*action.rules, RULE), reason=f"{action.reason}; {ACCEPTED}")
    return replace(decision, actions=_with(decision, action, said))


def _waiting(
    decision: Decision,
    claiming: _Claiming,
    situation: AppointmentSituation,
    busy: Iterable[Busy],
    context: Context,
) -> Decision:
    """Nothing at all happens to the item, and its link stays as it is."""
    subject = situation.ref().subject
    conflict = _conflict(busy, claiming.claim, context.zone)
    question = f"{conflict}, when '{subject}' is to take place. Take it to Dynamics all the same?"
    skip = Reason.BUSY.skip(detail=conflict)
    asked = Asked(claiming.time, question)
    return Decision(decision.item, skips=(skip,), link=situation.link, asks=asked)


def _kept_out(
    decision: Decision, claiming: _Claiming, situation: AppointmentSituation, context: Context
) -> Decision:
    """What was to be new never becomes tracked; what is there keeps its time, people and state."""
    event, link = situation.event, decision.link
    if isinstance(claiming.action.write, UpdateAppointment) or event is None or link is None:
        return _not_rescheduled(decision, claiming, context)
    ended = unlink(situation, link, event, LinkState.KEPT_OUT, KEPT_OUT, (RULE, "LNK-8"))
    # Nothing was linked, so nothing is unlinked: it takes the marks off, and does not count for the brake.
    actions = tuple(replace(action, kind=ActionKind.UPDATE) for action in ended.actions)
    return replace(ended, actions=actions)


def _not_rescheduled(decision: Decision, claiming: _Claiming, context: Context) -> Decision:
    """The rest goes on; both sides' values become the base, so that it is not taken up again."""
    rest = _without(claiming.action, claiming.fields)
    when = _when(claiming.claim.time, context.zone)
    skip = Reason.KEPT_OUT.skip(detail=when, fields=tuple(sorted(claiming.fields)))
    return replace(
        decision,
        actions=_with(decision, claiming.action, rest),
        skips=(*decision.skips, skip),
        lost={name: value for name, value in decision.lost.items() if name not in claiming.fields},
    )


def _without(action: Action, fields: frozenset[str]) -> Action | None:
    """The action without these fields; None when nothing is left of it."""
    write = action.write
    assert isinstance(write, UpdateAppointment)
    left = tuple(name for name in action.fields if name not in fields)
    if not left:
        return None
    rules = {BY_NAME[name].rule for name in fields} - {BY_NAME[name].rule for name in left}
    return replace(
        action,
        write=replace(
            write,
            values={name: value for name, value in write.values.items() if name not in fields},
            parties=None if "attendees" in fields else write.parties,
        ),
        rules=tuple(rule for rule in action.rules if rule not in rules),
        fields=left,
        before={name: value for name, value in action.before.items() if name not in fields},
        after={name: value for name, value in action.after.items() if name not in fields},
    )


def _with(decision: Decision, action: Action, instead: Action | None) -> tuple[Action, ...]:
    new = (instead if each is action else each for each in decision.actions)
    return tuple(each for each in new if each is not None)


# --- words ----------------------------------------------------------------------------------------


def time_key(time: Value) -> str:
    """A time in a form to compare: an answer holds for this time only."""
    if not isinstance(time, dict):
        return ""
    all_day = " all day" if time["allDay"] else ""
    return f"{time['start']}/{time['end']}{all_day}"


def warning(busy: Iterable[Busy], claim: Claim, zone: ZoneInfo) -> str:
    return f"saved, although {_conflict(busy, claim, zone)}"


def _conflict(busy: Iterable[Busy], claim: Claim, zone: ZoneInfo) -> str:
    names = list(dict.fromkeys(each.name or each.id or "somebody" for each in busy))
    together = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    return f"{together} {'are' if len(names) > 1 else 'is'} busy {_when(claim.time, zone)}"


def _when(time: Value, zone: ZoneInfo) -> str:
    start = meeting_time.start_of(time, zone).astimezone(zone)
    end = meeting_time.end_of(time, zone).astimezone(zone)
    if isinstance(time, dict) and time["allDay"]:
        return f"on {start:%Y-%m-%d} (all day)"
    until = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"on {start:%Y-%m-%d} from {start:%H:%M} to {until} ({zone.key})"
