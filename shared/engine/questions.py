"""Preview and explain: the plan of a pass as an administrator reads it. Nothing is written to either side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared.engine.gather import TABLE, TABLES, Touched, gather
from shared.engine.mailbox_pass import Answers, plan
from shared.engine.pair import Pairing
from shared.engine.scheduling import asked_first, waiting_of
from shared.engine.services import Services
from shared.errors import Refused
from shared.model.appointment import SERIES, SERVICE, Absence
from shared.model.decision import Action, Decision, ItemRef, Skip
from shared.model.link import Link
from shared.model.mailbox import Mailbox
from shared.model.profile import Profile
from shared.rules import scheduling
from shared.rules.appointments import decide
from shared.rules.brake import apply_brake, people_mailed
from shared.rules.situation import AppointmentSituation, Context
from shared.rules.skips import Reason
from shared.rules.tracking import is_tracked, normal_guid

INBOX_LIMIT = 500
GUID = re.compile(r"\{?[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?")


def item_json(item: ItemRef) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "exchange": item.exchange,
        "dynamics": item.dynamics,
        "subject": item.subject,
    }


def action_json(action: Action, item: ItemRef) -> dict[str, Any]:
    view: dict[str, Any] = {
        "kind": action.kind.value,
        "side": action.side.value,
        "item": item_json(item),
        "rules": list(action.rules),
        "reason": action.reason,
    }
    if action.fields:
        view["fields"] = list(action.fields)
    if action.mails:
        view["mails"] = len(action.mails)
    return view


def skip_json(skip: Skip, item: ItemRef) -> dict[str, Any]:
    view: dict[str, Any] = {
        "item": item_json(item),
        "code": skip.code,
        "rules": list(skip.rules),
        "reason": skip.reason,
    }
    if skip.fields:
        view["fields"] = list(skip.fields)
    return view


def decisions_json(decisions: Sequence[Decision], *, complete: bool) -> dict[str, Any]:
    """The result of a preview: actions, what is skipped, and how many people would be mailed."""
    return {
        "complete": complete,
        "actions": [action_json(a, d.item) for d in decisions for a in d.actions],
        "skipped": [skip_json(s, d.item) for d in decisions for s in d.skips],
        "peopleMailed": people_mailed(decisions),
    }


async def preview(services: Services, mailbox: Mailbox, profile: Profile) -> dict[str, Any]:
    """What a pass would do now. Reads what is new on both sides, Dynamics by comparing, and counts items
    that nobody tracks instead of listing them."""
    agenda = await services.store.agenda(mailbox.id, inbox_limit=INBOX_LIMIT)
    touched = await gather(services, mailbox, agenda, profile, reconcile=True)
    for row in agenda.held:
        touched.force(row.kind, row.id)
    answers = Answers(scheduling=await waiting_of(services, mailbox, agenda.held))
    context, paired, decided = await plan(services, mailbox, profile, agenda, touched, answers)
    decided = await asked_first(services, context, decided, scheduling.to_be_shown)
    decisions = [decision for _, decision in decided if decision.actions or decision.skips]
    listed = [d for d in decisions if not _only(d, Reason.NOT_TRACKED)]
    answer = decisions_json(listed, complete=not touched.more)
    answer["untracked"] = paired.untracked + len(decisions) - len(listed)
    answer["brake"] = apply_brake(listed, profile.brake, frozenset(), waiting=False).question or None
    return answer


def _only(decision: Decision, reason: Reason) -> bool:
    return not decision.actions and all(skip.code == reason.code for skip in decision.skips)


async def explain(services: Services, mailbox: Mailbox, profile: Profile, asked: str) -> dict[str, Any]:
    """The decision for one item now: linked or not, what would happen, and by which rule."""
    wanted = item_id(asked)
    link = await _find_link(services, mailbox, wanted)
    agenda = await services.store.agenda(mailbox.id, inbox_limit=0)
    context, _, _ = await plan(services, mailbox, profile, agenda, Touched(), Answers())
    paired = await _look_up(services, context, _touch(wanted, link))
    if link is None and all(s.event is None and s.row is None for s in paired) and GUID.fullmatch(wanted):
        paired = await _look_elsewhere(services, context, wanted)
    waiting = await waiting_of(services, mailbox, agenda.held)
    asked_for = [s for s in paired if wanted in _ids(s)] or paired[:1]
    situations = [waiting.told(s) for s in asked_for]
    if link is None and situations:
        link = situations[0].link  # an occurrence was asked for: its series answers (APPT-36)
    decided = [(s, decide(s, context)) for s in situations[:1]]
    decided = await asked_first(services, context, decided, scheduling.to_be_shown)
    decisions = [_named(d, s, wanted, context) for s, d in decided]
    decisions = [d for d in decisions if d.actions or d.skips or link is not None]
    answer = decisions_json(decisions, complete=True)
    answer["found"] = bool(decisions)
    answer["item"] = item_json(decisions[0].item) if decisions else None
    answer["link"] = _link_json(link)
    answer["sentence"] = _sentence(decisions, link)
    return answer


def item_id(text: str) -> str:
    """A GUID as we write it, however it was pasted; Exchange's ids as they are, for their case counts."""
    text = text.strip()
    return normal_guid(text) if GUID.fullmatch(text) else text


async def _look_up(services: Services, context: Context, touched: Touched) -> list[AppointmentSituation]:
    """Text that is no id of Exchange's is refused by it: then there is nothing to explain."""
    try:
        return (await Pairing(services, context, everything=True).pair(touched)).situations
    except Refused:
        return []


async def _look_elsewhere(services: Services, context: Context, row_id: str) -> list[AppointmentSituation]:
    """A row that is no appointment: the table that has it."""
    found: list[AppointmentSituation] = []
    for table in (SERIES, SERVICE):
        touched = Touched()
        touched.force(table, row_id)
        found = await _look_up(services, context, touched)
        if any(s.record not in (None, Absence.PHYSICAL) for s in found):
            break
    return found


def _ids(situation: AppointmentSituation) -> tuple[str | None, str | None]:
    item = situation.item()
    return item.exchange, item.dynamics


def _named(decision: Decision, situation: AppointmentSituation, wanted: str, context: Context) -> Decision:
    """With the id that was asked for where the row may not be read, and without the subject of what nobody
    tracks: that is its owner's business alone, and answers are kept for an hour."""
    item = decision.item
    if item.exchange is None and item.dynamics is None:
        item = replace(item, dynamics=wanted)
    event = situation.event
    ours = situation.link is not None or situation.record is not None
    if event is not None and not ours and not is_tracked(event, context.organization):
        item = replace(item, subject="")
    return replace(decision, item=item)


async def _find_link(services: Services, mailbox: Mailbox, item_id: str) -> Link | None:
    found = await services.store.links_by_exchange(mailbox.id, [item_id])
    if item_id in found:
        return found[item_id]
    keys = [(table, item_id) for table in TABLES]
    by_dynamics = await services.store.links_by_dynamics(mailbox.id, keys)
    return next(iter(by_dynamics.values()), None)


def _touch(item_id: str, link: Link | None) -> Touched:
    touched = Touched()
    if link is not None:
        touched.force(link.table, link.dynamics_id)
        touched.look.update([link.exchange_id] if link.exchange_id else [])
    elif GUID.fullmatch(item_id):
        touched.force(TABLE, item_id)
    else:
        touched.look.add(item_id)
    return touched


def _link_json(link: Link | None) -> Mapping[str, Any] | None:
    if link is None:
        return None
    return {
        "state": link.state.value,
        "role": link.role.value,
        "generation": link.generation,
        "reason": link.reason,
        "rules": list(link.rules),
    }


def _sentence(decisions: Sequence[Decision], link: Link | None) -> str:
    if not decisions:
        return "The item was found on neither side."
    decision = decisions[0]
    parts = [f"{a.kind.value} in {a.side.value}: {a.reason} ({', '.join(a.rules)})" for a in decision.actions]
    parts += [f"left alone: {s.reason} ({', '.join(s.rules)})" for s in decision.skips]
    if not parts:
        parts = ["both sides are in step; there is nothing to do"]
    head = "Linked. " if link is not None and link.linked else "Not linked. "
    return head + "; ".join(parts) + "."
