"""What a pass does alike with items of every kind, and which rules then hold for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from shared.engine.gather import Touched
from shared.engine.pair import Pairing
from shared.engine.personal_pairing import PersonalPairing
from shared.engine.personal_touched import ITEM_KINDS, KIND_OF_ITEM, PersonalTouched
from shared.engine.ports import InboxRow, PendingDecision
from shared.engine.scheduling import Wanted, asked_first
from shared.engine.services import Services
from shared.engine.waiting import CONTACT_ROW, EVENT, Key, candidates_of
from shared.model.decision import Decision
from shared.model.link import Link, LinkState
from shared.model.personal import CONTACT
from shared.model.sync_filter import Filters
from shared.rules import appointments, drift, intent, personal, personal_intent, scheduling
from shared.rules.drift import Finding
from shared.rules.personal_situation import PersonalSituation
from shared.rules.situation import AppointmentSituation, Context

AnySituation = AppointmentSituation | PersonalSituation
Decided = tuple[AnySituation, Decision]


def decide(situation: AnySituation, context: Context) -> Decision:
    if isinstance(situation, PersonalSituation):
        return personal.decide(situation, context)
    return appointments.decide(situation, context)


def decide_anew(situation: AnySituation, decision: Decision, context: Context) -> Decided:
    """As if the pair were linked for the first time, where nothing else is to be done with it."""
    if isinstance(situation, PersonalSituation):
        return drift.decided_anew(situation, decision, context, personal.decide)
    return drift.decided_anew(situation, decision, context, appointments.decide)


def amiss(situation: AnySituation, decision: Decision, context: Context) -> Finding | None:
    """What is amiss with the pair, or with the item that has none."""
    if isinstance(situation, PersonalSituation):
        return drift.find(situation, decision, context, personal.decide)
    return drift.find(situation, decision, context, appointments.decide)


def noted(situation: AnySituation, decision: Decision, now: datetime) -> tuple[AnySituation, Link | None]:
    """The link that says what is about to be written, and the situation with it where its creation is on
    record from now on."""
    if isinstance(situation, PersonalSituation):
        return situation, personal_intent.with_intent(decision, situation, now)
    link = intent.with_intent(decision, situation)
    if link is None or link.state is not LinkState.CREATING:
        return situation, link
    return replace(situation, link=link), link


async def with_availability(
    services: Services, context: Context, decided: Sequence[Decided], wanted: Wanted = scheduling.to_be_asked
) -> list[Decided]:
    """The same items; of appointments that need it Dynamics was asked who is busy (APPT-29)."""
    meetings = [(s, d) for s, d in decided if isinstance(s, AppointmentSituation)]
    asked = iter(await asked_first(services, context, meetings, wanted))
    return [next(asked) if isinstance(s, AppointmentSituation) else (s, d) for s, d in decided]


def bring_up(key: Key, put: PendingDecision | None, touched: Touched) -> None:
    """Look at an item that waited, and at those that waited because a question named them."""
    kind, item_id = key
    contacts = touched.personal.contacts
    if kind == EVENT:
        touched.look.add(item_id)
    elif kind == CONTACT_ROW:
        contacts.records[item_id] = CONTACT
    elif kind in KIND_OF_ITEM:
        of_dynamics, others = candidates_of(key, put)
        touched.personal.of(KIND_OF_ITEM[kind]).look.setdefault(item_id, "")
        if of_dynamics:
            contacts.records.update(dict.fromkeys(others, CONTACT))
    else:
        touched.force(kind, item_id)


class ReadAgain:
    """Reads one situation again after a conflict."""

    def __init__(self, services: Services, context: Context, filters: Filters) -> None:
        self._services = services
        self._context = context
        self._filters = filters

    async def appointment(self, situation: AppointmentSituation) -> AppointmentSituation:
        touched = touched_by(situation)
        pairing = Pairing(self._services, self._context, self._filters, everything=True)
        dropped = (
            frozenset([situation.link.dynamics_id]) if situation.dropped and situation.link else frozenset()
        )
        found = (await pairing.pair(touched, dropped)).situations
        if not found:
            return AppointmentSituation(link=situation.link)
        again = replace(found[0], allowed_time=situation.allowed_time, refused_time=situation.refused_time)
        asked = await asked_first(
            self._services, self._context, [(again, appointments.decide(again, self._context))]
        )
        return asked[0][0]

    async def personal(self, situation: PersonalSituation) -> PersonalSituation:
        """What an administrator has said still holds; what the filters said may not: what made us read again
        may have closed the row, or opened it again."""
        touched = personal_touched_by(situation)
        pairing = PersonalPairing(
            self._services, self._context, self._filters, situation.kind, everything=True
        )
        answers = {}
        if situation.apart or situation.chosen or situation.kept_out:
            waits_under = situation.item.id if situation.item else (situation.ref().dynamics or "")
            answers[waits_under] = situation.chosen or ("go-on" if situation.apart else "drop")
        found = (await pairing.pair(touched, answers)).situations
        wanted = situation.ref()
        same = [s for s in found if wanted.exchange and s.ref().exchange == wanted.exchange]
        same = same or [s for s in found if wanted.dynamics and s.ref().dynamics == wanted.dynamics]
        if not same:
            return PersonalSituation(situation.kind, link=situation.link)
        return replace(same[0], dropped=situation.dropped, duplicate=situation.duplicate)


def touched_by(situation: AppointmentSituation) -> Touched:
    """This one item, to be read by its ids."""
    touched = Touched()
    item = situation.ref()
    if situation.event is not None:
        touched.look.add(situation.event.id)
    elif item.exchange:
        touched.look.add(item.exchange)
    if item.dynamics:
        touched.force(situation.table, item.dynamics)
    return touched


def personal_touched_by(situation: PersonalSituation) -> PersonalTouched:
    touched = PersonalTouched(situation.kind)
    ref = situation.ref()
    if ref.exchange:
        touched.look[ref.exchange] = _place_of(situation)
    if ref.dynamics:
        touched.force(situation.table, ref.dynamics)
    return touched


def look_again(situations: Iterable[AnySituation]) -> list[InboxRow]:
    """Inbox rows that bring these items up again."""
    rows = []
    for situation in situations:
        ref = situation.ref()
        if isinstance(situation, PersonalSituation) and ref.exchange:
            rows.append(InboxRow(ITEM_KINDS[situation.kind], ref.exchange, _place_of(situation)))
        elif ref.exchange:
            rows.append(InboxRow("event", ref.exchange))
        elif ref.dynamics:
            rows.append(InboxRow(situation.table, ref.dynamics))
    return rows


def _place_of(situation: PersonalSituation) -> str:
    """Also of an item that is gone: that it is gone has to be seen again, and the row tells nothing of it."""
    if situation.item is not None:
        return situation.item.place
    return str(situation.link.markers.get("place") or "") if situation.link else ""
