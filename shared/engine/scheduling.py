"""Scheduling conflicts in a pass (APPT-29): who is asked, which items wait for which answer, what is told.

By default the question travels with the write that it belongs to, and this module only words the warning.
Where the profile wants to be asked, Dynamics is asked before the write, and an item that would take a busy
person's time waits as a held row ``event`` with a decision of its own. That decision's id follows from the
item and the time: a pass that is repeated after a crash puts the same question, and finds its answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

from shared.engine.ports import HeldRow, HistoryRow, PendingDecision, Question
from shared.engine.services import Services
from shared.model.decision import CreateAppointment, Decision, ItemRef, UpdateAppointment
from shared.model.link import Link
from shared.model.mailbox import Mailbox
from shared.model.profile import Profile
from shared.model.scheduling import Availability, Claim, SchedulingPolicy
from shared.model.values import Side
from shared.rules import scheduling
from shared.rules.appointments import decide
from shared.rules.situation import AppointmentSituation, Context

EVENT = "event"
"""The kind of the held rows: what waits may not be in Dynamics yet, so it is named by its Exchange id."""
GO_ON = "go-on"

Decided = tuple[AppointmentSituation, Decision]
Wanted = Callable[[Decision, AppointmentSituation, Context], Claim | None]


# --- asking Dynamics ------------------------------------------------------------------------------


async def asked_first(
    services: Services,
    context: Context,
    decided: Sequence[Decided],
    wanted: Wanted = scheduling.to_be_asked,
) -> list[Decided]:
    """The same items; those of which Dynamics has to say first who is busy are decided with its answer."""
    claims = [wanted(decision, situation, context) for situation, decision in decided]
    answers = await _availabilities(services, context, decided, claims)
    checked = list(decided)
    for number, answer in answers.items():
        situation = replace(decided[number][0], availability=answer)
        checked[number] = (situation, decide(situation, context))
    return checked


async def _availabilities(
    services: Services, context: Context, decided: Sequence[Decided], claims: Sequence[Claim | None]
) -> dict[int, Availability]:
    """Asked as whoever will write: the user, or the application (MBX-23)."""
    answers: dict[int, Availability] = {}
    as_application = [_writes_as_application(decision) for _, decision in decided]
    for user, application in ((context.mailbox.user_id, False), (None, True)):
        asked = {n: c for n, c in enumerate(claims) if c is not None and as_application[n] is application}
        if asked:
            found = await services.dynamics.availability(list(asked.values()), as_user=user)
            answers.update(zip(asked, found, strict=True))
    return answers


def _writes_as_application(decision: Decision) -> bool:
    return any(isinstance(a.write, CreateAppointment) and not a.write.as_user for a in decision.actions)


# --- the items that wait --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in this mailbox because somebody is busy, by Exchange id, with the question put about it;
    None when that is gone."""

    rows: Mapping[str, HeldRow] = field(default_factory=dict)
    questions: Mapping[str, PendingDecision | None] = field(default_factory=dict)

    @classmethod
    def of(cls, held: Iterable[HeldRow], decisions: Mapping[str, PendingDecision]) -> Waiting:
        rows = {row.id: row for row in held if row.kind == EVENT}
        return cls(rows, {event_id: decisions.get(row.decision) for event_id, row in rows.items()})

    def to_look_at(self, profile: Profile) -> set[str]:
        """The answered ones; all of them once the profile does not want to be asked any more."""
        if profile.scheduling_conflicts is not SchedulingPolicy.ASK:
            return set(self.rows)
        return {event_id for event_id, put in self.questions.items() if put is None or put.answer}

    def told(self, situation: AppointmentSituation) -> AppointmentSituation:
        """The situation with the administrator's answer about this item."""
        put = self.questions.get(situation.item().exchange or "")
        if put is None or not put.answer:
            return situation
        if put.answer == GO_ON:
            return replace(situation, allowed_time=put.about)
        return replace(situation, refused_time=put.about)


async def waiting_of(services: Services, mailbox: Mailbox, held: Iterable[HeldRow]) -> Waiting:
    rows = [row for row in held if row.kind == EVENT]
    found = await services.decisions.of_mailbox(mailbox.id) if rows else ()
    return Waiting.of(rows, {decision.id: decision for decision in found})


@dataclass
class Settled:
    """What has to be written so that exactly the items wait that shall."""

    put: list[PendingDecision] = field(default_factory=list)
    held: list[HeldRow] = field(default_factory=list)
    history: list[HistoryRow] = field(default_factory=list)
    superseded: list[PendingDecision] = field(default_factory=list)
    """Questions about another time than the item has now."""
    freed: list[HeldRow] = field(default_factory=list)
    withdrawn: list[PendingDecision] = field(default_factory=list)
    """Questions that are answered and carried out, or that nobody has to answer any more."""


def settle(decided: Iterable[Decided], waiting: Waiting, mailbox: str, now: datetime) -> Settled:
    """After these decisions were carried out (a waiting one: noted)."""
    settled = Settled()
    for situation, decision in decided:
        event_id = situation.item().exchange or ""
        row, known = waiting.rows.get(event_id), waiting.questions.get(event_id)
        question = _question(situation, decision, mailbox, now)
        if question is not None and row is not None and known and question.id == row.decision:
            continue
        if question is not None:
            settled.put.append(question)
            settled.held.append(HeldRow(EVENT, event_id, question.id))
            settled.history.append(_waits(decision.item, question.question, now))
            settled.superseded += [known] if known is not None else []
        elif row is not None:
            settled.freed.append(row)
            settled.withdrawn += [known] if known is not None else []
    return settled


def forgotten(waiting: Waiting, looked_at: Collection[str], found: Iterable[AppointmentSituation]) -> Settled:
    """Items that were looked at and are no business of this mailbox any more: deleted, or not tracked."""
    there = {situation.item().exchange for situation in found}
    settled = Settled()
    for event_id in sorted(waiting.rows.keys() & set(looked_at)):
        if event_id not in there:
            settled.freed.append(waiting.rows[event_id])
            put = waiting.questions[event_id]
            settled.withdrawn += [put] if put is not None else []
    return settled


def _question(
    situation: AppointmentSituation, decision: Decision, mailbox: str, now: datetime
) -> PendingDecision | None:
    asks = decision.asks
    if asks is None:
        return None
    return PendingDecision(
        _id_of(situation, asks.about, mailbox),
        mailbox,
        Question.SCHEDULING,
        asks.question,
        now,
        decision.item,
        about=asks.about,
    )


def _id_of(situation: AppointmentSituation, time: str, mailbox: str) -> str:
    """The same for the same move of the same item. An item that is tracked anew has a new generation."""
    link: Link | None = situation.link
    generation = link.generation if link else 1
    before = link.base.exchange.get("time") if link else None
    text = json.dumps([situation.item().exchange, generation, before, time], sort_keys=True, default=str)
    return f"{mailbox}-{sha256(text.encode()).hexdigest()[:16]}"


# --- words for the history ------------------------------------------------------------------------


def _waits(item: ItemRef, question: str, at: datetime) -> HistoryRow:
    return _row("wait", item, question, "waiting", at)


def warnings(
    decision: Decision, availability: Availability | None, zone: ZoneInfo, at: datetime
) -> list[HistoryRow]:
    """What Dynamics said about the write that asked it. That it can never be asked is the mailbox's note."""
    writes = [a.write for a in decision.actions if isinstance(a.write, CreateAppointment | UpdateAppointment)]
    claim = next((write.claim for write in writes if write.claim), None)
    if availability is None or claim is None or availability.everywhere:
        return []
    if availability.unchecked:
        reason = f"saved without knowing who is busy: {availability.unchecked}"
        return [_row("warn", decision.item, reason, "done", at)]
    if not availability.busy:
        return []
    return [_row("warn", decision.item, scheduling.warning(availability.busy, claim, zone), "done", at)]


def note_row(note: str, at: datetime) -> HistoryRow:
    reason = (
        f"scheduling conflicts are not checked: {note}" if note else "scheduling conflicts are checked again"
    )
    return _row("warn", ItemRef("mailbox", None, None), reason, "done", at)


def _row(action: str, item: ItemRef, reason: str, outcome: str, at: datetime) -> HistoryRow:
    return HistoryRow(at, item, action, Side.DYNAMICS.value, (scheduling.RULE,), reason, outcome)
