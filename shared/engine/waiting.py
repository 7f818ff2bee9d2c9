"""Items that wait for an administrator's word about them: somebody is busy (APPT-29), or it is not clear who
somebody is (CONT-8, CONT-9).

Such an item is a held row with a decision of its own, whose id follows from the item and what is asked about
it: a pass that is repeated after a crash puts the same question, and finds its answer.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from hashlib import sha256

from shared.engine.personal_touched import ITEM_KINDS, KIND_OF_ITEM
from shared.engine.ports import Candidate, HeldRow, HistoryRow, PendingDecision, Question
from shared.engine.services import Services
from shared.engine.trying import Situation
from shared.model.decision import Decision
from shared.model.mailbox import Mailbox
from shared.model.personal import CONTACT
from shared.model.profile import Profile
from shared.model.scheduling import SchedulingPolicy
from shared.model.values import Side
from shared.rules import scheduling
from shared.rules.personal_situation import PersonalSituation
from shared.rules.situation import AppointmentSituation

EVENT = "event"
"""The kind of the held rows of events: what waits may not be in Dynamics yet, so it is named by its Exchange
id."""
CONTACT_ROW = "contactRow"
"""Of rows that have no item yet."""
KINDS = frozenset({EVENT, CONTACT_ROW, *KIND_OF_ITEM})
GO_ON = "go-on"
MATCHING = ("CONT-9",)

Key = tuple[str, str]


def key_of(situation: Situation) -> Key:
    """How the item is named while it waits."""
    if not isinstance(situation, PersonalSituation):
        return (EVENT, situation.ref().exchange or "")
    if situation.item is not None:
        return (ITEM_KINDS[situation.kind], situation.item.id)
    return (CONTACT_ROW, situation.ref().dynamics or "")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in this mailbox, with the question put about it; None when that is gone."""

    rows: Mapping[Key, HeldRow] = field(default_factory=dict)
    questions: Mapping[Key, PendingDecision | None] = field(default_factory=dict)

    @classmethod
    def of(cls, held: Iterable[HeldRow], decisions: Mapping[str, PendingDecision]) -> Waiting:
        rows = {(row.kind, row.id): row for row in held if row.kind in KINDS}
        return cls(rows, {key: decisions.get(row.decision) for key, row in rows.items()})

    def to_look_at(self, profile: Profile) -> dict[Key, PendingDecision | None]:
        """The answered ones; all events once the profile does not want to be asked any more."""
        asking = profile.scheduling_conflicts is SchedulingPolicy.ASK
        return {
            key: put
            for key, put in self.questions.items()
            if put is None or put.answer or (key[0] == EVENT and not asking)
        }

    def told(self, situation: AppointmentSituation) -> AppointmentSituation:
        """The situation with the administrator's answer about this item's time."""
        put = self.questions.get(key_of(situation))
        if put is None or not put.answer:
            return situation
        if put.answer == GO_ON:
            return replace(situation, allowed_time=put.about)
        return replace(situation, refused_time=put.about)

    def answers(self) -> dict[str, str]:
        """What was answered about contacts and tasks, by the id that they wait under."""
        return {
            key[1]: put.answer
            for key, put in self.questions.items()
            if put and put.answer and key[0] != EVENT
        }

    def named(self) -> frozenset[str]:
        """The candidates of questions about contacts that nobody has answered yet."""
        return frozenset(
            candidate.id
            for key, put in self.questions.items()
            if put and not put.answer and key[0] != EVENT
            for candidate in put.candidates
        )


async def waiting_of(services: Services, mailbox: Mailbox, held: Iterable[HeldRow]) -> Waiting:
    rows = [row for row in held if row.kind in KINDS]
    found = await services.decisions.of_mailbox(mailbox.id) if rows else ()
    return Waiting.of(rows, {decision.id: decision for decision in found})


@dataclass
class Settled:
    """What has to be written so that exactly the items wait that shall."""

    put: list[PendingDecision] = field(default_factory=list)
    held: list[HeldRow] = field(default_factory=list)
    history: list[HistoryRow] = field(default_factory=list)
    superseded: list[PendingDecision] = field(default_factory=list)
    """Questions about something else than would be asked now."""
    freed: list[HeldRow] = field(default_factory=list)
    withdrawn: list[PendingDecision] = field(default_factory=list)
    """Questions that are answered and carried out, or that nobody has to answer any more."""

    @property
    def nothing(self) -> bool:
        return not any(getattr(self, part.name) for part in fields(self))

    def free(self, row: HeldRow, question: PendingDecision | None) -> None:
        self.freed.append(row)
        self.withdrawn += [question] if question is not None else []


def settle(
    decided: Iterable[tuple[Situation, Decision]], waiting: Waiting, mailbox: str, now: datetime
) -> Settled:
    """After these decisions were carried out (a waiting one: noted)."""
    settled = Settled()
    for situation, decision in decided:
        key = key_of(situation)
        row, known = waiting.rows.get(key), waiting.questions.get(key)
        question = _question(situation, decision, mailbox, now)
        if question is not None and row is not None and known and question.id == row.decision:
            continue
        if question is not None:
            settled.put.append(question)
            settled.held.append(HeldRow(*key, question.id))
            settled.history.append(_waits(situation, decision, question.question, now))
            settled.superseded += [known] if known is not None else []
        elif row is not None:
            settled.free(row, known)
        other = (CONTACT_ROW, situation.ref().dynamics or "")
        if other != key and other in waiting.rows:
            settled.free(waiting.rows[other], waiting.questions[other])
    return settled


def forgotten(waiting: Waiting, looked_at: Collection[Key], found: Iterable[Situation]) -> Settled:
    """Items that were looked at and are no business of this mailbox any more: deleted, or not tracked."""
    there = {key_of(situation) for situation in found}
    settled = Settled()
    for key in sorted(waiting.rows.keys() & set(looked_at)):
        if key not in there:
            settled.free(waiting.rows[key], waiting.questions[key])
    return settled


def _question(
    situation: Situation, decision: Decision, mailbox: str, now: datetime
) -> PendingDecision | None:
    asks = decision.asks
    if asks is None:
        return None
    return PendingDecision(
        _id_of(situation, asks.about, mailbox),
        mailbox,
        Question.AMBIGUOUS if isinstance(situation, PersonalSituation) else Question.SCHEDULING,
        asks.question,
        now,
        decision.item,
        candidates=tuple(Candidate(match.id, match.label) for match in asks.candidates),
        about=asks.about,
    )


def _id_of(situation: Situation, about: str, mailbox: str) -> str:
    """The same for the same question about the same item. An item that is tracked anew has a new
    generation."""
    link, (kind, item_id) = situation.link, key_of(situation)
    generation = link.generation if link else 1
    if kind == EVENT:
        before = link.base.exchange.get("time") if link else None
        seed = [item_id, generation, before, about]
    else:
        seed = [kind, item_id, generation, about]
    text = json.dumps(seed, sort_keys=True, default=str)
    return f"{mailbox}-{sha256(text.encode()).hexdigest()[:16]}"


def _waits(situation: Situation, decision: Decision, question: str, at: datetime) -> HistoryRow:
    personal = isinstance(situation, PersonalSituation)
    side = Side.DYNAMICS
    if personal and decision.asks and decision.asks.candidates:
        side = decision.asks.candidates[0].side
    rules = MATCHING if personal else (scheduling.RULE,)
    return HistoryRow(at, decision.item, "wait", side.value, rules, question, "waiting")


def candidates_of(key: Key, put: PendingDecision | None) -> tuple[bool, tuple[str, ...]]:
    """The items that waited because a question named them: whether they are rows of Dynamics, and their
    ids."""
    ids = tuple(candidate.id for candidate in put.candidates) if put else ()
    return KIND_OF_ITEM.get(key[0]) == CONTACT, ids
