"""Scheduling conflicts in a pass (APPT-29): who is asked, which items wait for which answer, what is told.

By default the question travels with the write that it belongs to, and this module only words the warning.
Where the profile wants to be asked, Dynamics is asked before the write, and an item that would take a busy
person's time waits as a held row ``event`` with a decision of its own. That decision's id follows from the
item and the time: a pass that is repeated after a crash puts the same question, and finds its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from shared.engine.ports import HistoryRow
from shared.engine.services import Services
from shared.model.decision import CreateAppointment, Decision, ItemRef, UpdateAppointment
from shared.model.scheduling import Availability, Claim
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


# --- words for the history ------------------------------------------------------------------------


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
