"""Preview and explain: the plan of a pass as an administrator reads it. Nothing is written to either side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared.engine.gather import gather
from shared.engine.kinds import AnySituation, Decided, bring_up, decide, with_availability
from shared.engine.looking import Looking, item_id
from shared.engine.personal_gather import PersonalGathering, Wanted
from shared.engine.planning import Answers, context_of, linked_items, plan
from shared.engine.services import Services
from shared.engine.waiting import waiting_of
from shared.model.decision import Action, Decision, ItemRef, Skip
from shared.model.feed_tables import FEED_TABLES
from shared.model.link import Link, LinkState
from shared.model.mailbox import Mailbox
from shared.model.profile import Profile
from shared.model.sync_filter import Filters
from shared.rules import personal_marks, scheduling, tracking
from shared.rules.brake import apply_brake, people_mailed
from shared.rules.personal_situation import PersonalSituation
from shared.rules.situation import Context
from shared.rules.skips import Reason

INBOX_LIMIT = 500


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
        "skipped": [skip_json(s, d.item) for d in decisions for s in (*d.skips, *_asked(d))],
        "peopleMailed": people_mailed(decisions),
    }


def _asked(decision: Decision) -> tuple[Skip, ...]:
    """What waits for an administrator is told among what is left alone, in the question's words."""
    if decision.asks is None or decision.skips:
        return ()
    return (Reason.SAME_PERSON.skip(detail=decision.asks.question),)


async def preview(services: Services, mailbox: Mailbox, profile: Profile) -> dict[str, Any]:
    """What a pass would do now. Reads what is new on both sides, Dynamics by comparing, and counts items
    that nobody tracks instead of listing them."""
    agenda = await services.store.agenda(mailbox.id, inbox_limit=INBOX_LIMIT)
    touched = await gather(services, mailbox, agenda, profile, reconcile=True)
    await PersonalGathering(services, mailbox, agenda, profile, touched, Wanted(everything=True)).gather()
    waiting = await waiting_of(services, mailbox, agenda.held)
    for row in agenda.held:
        bring_up((row.kind, row.id), waiting.questions.get((row.kind, row.id)), touched)
    made = await plan(services, mailbox, profile, agenda, touched, Answers(items=waiting))
    decided = await _with_availability(services, made.context, made.decided)
    decisions = [decision for _, decision in decided if decision.actions or decision.skips or decision.asks]
    listed = [d for d in decisions if not _only(d, Reason.NOT_TRACKED, Reason.NOT_IN_FILTER)]
    answer = decisions_json(listed, complete=not touched.more)
    answer["untracked"] = made.untracked + len(decisions) - len(listed)
    linked = await linked_items(services, mailbox, profile.brake, listed)
    braked = apply_brake(listed, profile.brake, frozenset(), waiting=False, linked=linked)
    answer["brake"] = braked.question or None
    answer["filters"] = _filters_json(touched.filters, decided, made.context)
    return answer


def _filters_json(filters: Filters, decided: Sequence[Decided], context: Context) -> list[dict[str, Any]]:
    """Per table the active filters, and how many rows enter and leave them (FLT-6)."""
    enters = Counter(s.table for s, d in decided if _enters(s, d, context))
    leaves = Counter(s.table for s, d in decided if _leaves(s, d))
    return [
        {
            "table": table,
            "names": [each.name for each in filters.of(table)],
            "enters": enters[table],
            "leaves": leaves[table],
        }
        for table in FEED_TABLES
    ]


def _enters(situation: AnySituation, decision: Decision, context: Context) -> bool:
    """Linked from now on, and not because somebody tracks it in Outlook."""
    link, before = decision.link, situation.link
    if link is None or not link.linked or not decision.actions or (before and before.linked):
        return False
    if isinstance(situation, PersonalSituation):
        return situation.item is None or not personal_marks.is_tracked(situation.item, context)
    return situation.event is None or not tracking.is_tracked(situation.event, context.organization)


def _leaves(situation: AnySituation, decision: Decision) -> bool:
    link, before = decision.link, situation.link
    left = link is not None and link.state is LinkState.LEFT_FILTER
    return left and before is not None and before.linked


async def _with_availability(
    services: Services, context: Context, decided: Sequence[Decided]
) -> Sequence[Decided]:
    """As a pass decides, but whatever the profile wants to know of who is busy is shown (APPT-29)."""
    return await with_availability(services, context, decided, scheduling.to_be_shown)


def _only(decision: Decision, *reasons: Reason) -> bool:
    if decision.actions or decision.asks or not decision.skips:
        return False
    return {skip.code for skip in decision.skips} <= {reason.code for reason in reasons}


async def explain(services: Services, mailbox: Mailbox, profile: Profile, asked: str) -> dict[str, Any]:
    """The decision for one item now: linked or not, what would happen, and by which rule."""
    wanted = item_id(asked)
    link = await _find_link(services, mailbox, wanted)
    agenda = await services.store.agenda(mailbox.id, inbox_limit=0)
    looking = Looking(services, await context_of(services, mailbox, profile, agenda), profile, agenda)
    found = await looking.up(wanted, link)
    asked_for = [s for s in found if wanted in _ids(s)] or found[:1]
    situations = [looking.told(s) for s in asked_for]
    if link is None and situations:
        link = situations[0].link  # an occurrence was asked for: its series answers (APPT-36)
    decided: Sequence[Decided] = [(s, decide(s, looking.context)) for s in situations[:1]]
    decided = await _with_availability(services, looking.context, decided)
    decisions = [_named(d, s, wanted, looking.context) for s, d in decided]
    decisions = [d for d in decisions if d.actions or d.skips or d.asks or link is not None]
    answer = decisions_json(decisions, complete=True)
    answer["found"] = bool(decisions)
    answer["item"] = item_json(decisions[0].item) if decisions else None
    answer["link"] = _link_json(link)
    answer["sentence"] = _sentence(decisions, link)
    return answer


def _ids(situation: AnySituation) -> tuple[str | None, str | None]:
    item = situation.ref()
    return item.exchange, item.dynamics


def _named(decision: Decision, situation: AnySituation, wanted: str, context: Context) -> Decision:
    """With the id that was asked for where the row may not be read, and without the subject of what nobody
    tracks: that is its owner's business alone, and answers are kept for an hour."""
    item = decision.item
    if item.exchange is None and item.dynamics is None:
        item = replace(item, dynamics=wanted)
    ours = situation.link is not None or situation.record is not None
    if not ours and not _is_tracked(situation, context):
        item = replace(item, subject="")
    return replace(decision, item=item)


def _is_tracked(situation: AnySituation, context: Context) -> bool:
    if isinstance(situation, PersonalSituation):
        return situation.item is None or personal_marks.is_tracked(situation.item, context)
    return situation.event is None or tracking.is_tracked(situation.event, context.organization)


async def _find_link(services: Services, mailbox: Mailbox, item_id: str) -> Link | None:
    found = await services.store.links_by_exchange(mailbox.id, [item_id])
    if item_id in found:
        return found[item_id]
    keys = [(table, item_id) for table in FEED_TABLES]
    by_dynamics = await services.store.links_by_dynamics(mailbox.id, keys)
    return next(iter(by_dynamics.values()), None)


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
    parts += [f"left alone: {s.reason} ({', '.join(s.rules)})" for s in (*decision.skips, *_asked(decision))]
    if decision.actions and link is not None and link.linked and link.reason:
        parts.append(f"the last try was refused: {link.reason}")
    if not parts:
        parts = ["both sides are in step; there is nothing to do"]
    head = "Linked. " if link is not None and link.linked else "Not linked. "
    return head + "; ".join(parts) + "."
