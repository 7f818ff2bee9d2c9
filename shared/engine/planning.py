"""Plan: pair and decide everything that was gathered. Nothing is written; a preview stops here."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, field, replace

from shared.engine import closed_kinds
from shared.engine.gather import Touched, current_window
from shared.engine.kinds import AnySituation, Decided, ReadAgain, decide, decide_anew
from shared.engine.pair import Pairing
from shared.engine.personal_pairing import PersonalPairing
from shared.engine.ports import Agenda, HeldRow, PendingDecision
from shared.engine.services import Services
from shared.engine.waiting import Waiting
from shared.errors import SyncError
from shared.model.decision import Decision
from shared.model.mailbox import Mailbox
from shared.model.profile import Brake, Profile
from shared.rules import last_seen
from shared.rules.brake import FEWEST, is_grave
from shared.rules.situation import AppointmentSituation, Context

LATE = "late"
"""What turns grave while a question is open waits under this name, not under the question: nobody was asked
about it."""


@dataclass(frozen=True)
class Answers:
    """Administrators' answers to what this mailbox asked."""

    waiting: tuple[PendingDecision, ...] = ()
    answered: tuple[PendingDecision, ...] = ()
    go_on: frozenset[str] = frozenset()
    drop: frozenset[str] = frozenset()
    late: frozenset[str] = frozenset()
    """Those that came while a question was open, and were no part of it: to be weighed now."""
    items: Waiting = field(default_factory=Waiting)
    """Items that wait for a word of their own."""

    @property
    def braked(self) -> frozenset[str]:
        """Those that the brake had stopped, and somebody answered."""
        return self.go_on | self.drop

    @property
    def freed(self) -> frozenset[str]:
        """Those that are looked at again."""
        return self.braked | self.late


@dataclass
class Plan:
    context: Context
    decided: list[Decided]
    echoes: int = 0
    untracked: int = 0


async def context_of(
    services: Services, mailbox: Mailbox, profile: Profile, agenda: Agenda, *, shared: bool = False
) -> Context:
    """``shared``: the organization's settings may be those that another pass read a moment ago."""
    window = current_window(agenda, profile, services.now())
    organization = await services.dynamics.organization(shared=shared)
    organization = replace(organization, settings={**organization.settings, **_overrides(profile)})
    return Context(mailbox, organization, profile, services.now(), window.start, window.end)


async def plan(
    services: Services,
    mailbox: Mailbox,
    profile: Profile,
    agenda: Agenda,
    touched: Touched,
    answers: Answers,
    *,
    shared: bool = False,
) -> Plan:
    context = await context_of(services, mailbox, profile, agenda, shared=shared)
    paired = await Pairing(services, context, touched.filters).pair(touched, answers.drop)
    situations = [answers.items.told(situation) for situation in paired.situations]
    again = ReadAgain(services, context, touched.filters)
    decided = [await _certain(again, situation, context, touched.anew) for situation in situations]
    made = Plan(context, decided, paired.echoes, paired.untracked)
    for some in touched.personal.both:
        if some.nothing:
            continue
        pairing = PersonalPairing(services, context, touched.filters, some.kind)
        try:
            found = await pairing.pair(some, answers.items.answers(), answers.drop, answers.items.named())
        except SyncError as error:
            if not closed_kinds.by_either(error):
                raise
            why = closed_kinds.note(some.kind, error)
            closed_kinds.close(some.kind, why, touched, agenda, services.now())
            continue
        made.decided += [_decided(s, context, touched.anew) for s in found.situations]
        made.echoes += found.echoes
        made.untracked += found.untracked
    return made


async def _certain(
    again: ReadAgain, situation: AppointmentSituation, context: Context, anew: Set[str]
) -> Decided:
    """Decided by what the link remembers only where that suffices."""
    decision = decide(situation, context)
    if situation.row is None or not situation.row.remembered or last_seen.suffices(decision):
        return _decided(situation, context, anew)
    return _decided(await again.appointment(situation), context, anew)


def _decided(situation: AnySituation, context: Context, anew: Set[str]) -> Decided:
    """``anew``: rows whose pair was found to be apart though both sides are quiet."""
    decision = decide(situation, context)
    if situation.ref().dynamics in anew:
        return decide_anew(situation, decision, context)
    return situation, decision


async def linked_items(
    services: Services, mailbox: Mailbox, brake: Brake, todo: Iterable[Decision]
) -> int | None:
    """How many items the mailbox has linked, counted only where the brake asks for a part of them."""
    if brake.percent >= 100 or sum(is_grave(decision) for decision in todo) < FEWEST:
        return None
    return sum([link.linked async for link in services.store.links(mailbox.id)])


def _overrides(profile: Profile) -> dict[str, bool | int | str]:
    return {name: value for name, value in profile.settings.items() if isinstance(value, bool | int | str)}


def held_late(held: Iterable[HeldRow]) -> frozenset[str]:
    return frozenset(row.id for row in held if row.decision == LATE)


def held_under(held: Iterable[HeldRow], decisions: Iterable[PendingDecision]) -> frozenset[str]:
    ids = {decision.id for decision in decisions}
    return frozenset(row.id for row in held if row.decision in ids)
