"""What is amiss with a pair, or with an item that should have one: a name for whatever a pass would have to
do about it, and for what no pass may do by itself (PAIN-6, LNK-3, LNK-7, LNK-8).

A pass compares each side with what both last agreed on. If that memory itself is wrong, both sides are quiet
and yet apart. So a pair that has nothing to do is also decided as if it were linked for the first time: what
that would write is what is apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from shared.model.appointment import SERIES, Absence
from shared.model.decision import Action, ActionKind, Decision, Skip
from shared.model.event import ExchangeEvent
from shared.model.link import Link, LinkState
from shared.model.personal import ExchangeItem
from shared.model.values import Side
from shared.rules import tracking
from shared.rules.personal_situation import PersonalSituation
from shared.rules.situation import AppointmentSituation, Context
from shared.rules.skips import Reason

S = TypeVar("S", AppointmentSituation, PersonalSituation)
CONTENT = (ActionKind.CREATE, ActionKind.UPDATE, ActionKind.COMPLETE, ActionKind.DELETE, ActionKind.CANCEL)


class Drift(StrEnum):
    NEVER_LINKED = "never linked, though a rule wants it"
    NOT_LINKED = "on both sides, but not linked"
    BEGUN = "a creation was never finished"
    GONE_IN_EXCHANGE = "linked, but gone in Exchange"
    GONE_IN_DYNAMICS = "linked, but gone in Dynamics"
    POINTS_TO_NOTHING = "the link points to nothing"
    NOT_CARRIED = "a change was not carried over"
    APART = "both sides are quiet, but apart"
    UNMARKED = "linked, but the item does not name its row"
    TWO_ITEMS = "two items for one row"
    TWO_ROWS = "two rows for one item"


@dataclass(frozen=True, slots=True)
class Finding:
    """``side``: where something is amiss, or is to be done. ``mends``: a pass mends it by the rules; else it
    is for a person to decide."""

    drift: Drift
    side: Side
    reason: str
    rules: tuple[str, ...]
    fields: tuple[str, ...] = ()
    mends: bool = True


def find(
    situation: S, decision: Decision, context: Context, decide: Callable[[S, Context], Decision]
) -> Finding | None:
    """What is amiss, if anything. What a rule leaves alone is not amiss, nor what waits for an answer."""
    if decision.asks is not None:
        return None
    link = situation.link
    if situation.copy_of:
        return _of_skip(Drift.TWO_ITEMS, Side.EXCHANGE, decision, Reason.COPIED) or _unlinked(decision)
    if link is None or link.state.ended:
        return _of_skip(Drift.TWO_ROWS, Side.DYNAMICS, decision, Reason.TWIN) or _unlinked(decision)
    if link.state is LinkState.CREATING:
        return _of_actions(Drift.BEGUN, decision)
    return _linked(situation, link, decision) or _quiet(situation, decision, context, decide)


def decided_anew(
    situation: S, decision: Decision, context: Context, decide: Callable[[S, Context], Decision]
) -> tuple[S, Decision]:
    """The pair as if it were linked for the first time, where a pass has nothing else to do with it: what
    both last agreed on is forgotten, so a difference is decided like a conflict, empty never beats filled,
    and nobody is mailed (LNK-3, LNK-10, APPT-26). What else the link remembers is kept."""
    link = situation.link
    ends = decision.link is not None and decision.link.state.ended
    if link is None or not link.linked or decision.actions or ends:
        return situation, decision
    fresh = replace(situation, link=None, ended_before=False)
    anew = decide(fresh, context)
    if anew.link is None or not anew.link.linked:
        return situation, decision
    kept = replace(
        anew.link,
        generation=link.generation,
        markers={**link.markers, **anew.link.markers},
        attachments=link.attachments,
        files_compared=link.files_compared,
    )
    return fresh, replace(anew, link=kept)


# --- the kinds of drift ---------------------------------------------------------------------------


def _unlinked(decision: Decision) -> Finding | None:
    made = any(action.kind in CONTENT and not action.occurrence for action in _main(decision))
    joined = any(
        action.kind is ActionKind.LINK and action.side is Side.DYNAMICS for action in decision.actions
    )
    return _of_actions(Drift.NOT_LINKED if joined or not made else Drift.NEVER_LINKED, decision)


def _main(decision: Decision) -> tuple[Action, ...]:
    return tuple(action for action in decision.actions if action.kind is not ActionKind.LINK)


def _linked(
    situation: AppointmentSituation | PersonalSituation, link: Link, decision: Decision
) -> Finding | None:
    ends = decision.link is not None and decision.link.state.ended
    absent = isinstance(situation.record, Absence)
    gone = situation.event_gone if isinstance(situation, AppointmentSituation) else situation.item_gone
    if gone and (absent or situation.record is None):
        return Finding(Drift.POINTS_TO_NOTHING, Side.EXCHANGE, "neither side has it any more", ("LNK-8",))
    if gone or absent:
        drift, side = (
            (Drift.GONE_IN_EXCHANGE, Side.EXCHANGE) if gone else (Drift.GONE_IN_DYNAMICS, Side.DYNAMICS)
        )
        found = _of_actions(drift, decision)
        if found is not None or not ends or decision.link is None:
            return replace(found, side=side) if found else None
        return Finding(drift, side, decision.link.reason, decision.link.rules)
    found = _of_actions(Drift.NOT_CARRIED, decision)
    if found is None or found.fields == () or not _both_as_known(situation, link):
        return found
    return replace(found, drift=Drift.APART)


def _both_as_known(situation: AppointmentSituation | PersonalSituation, link: Link) -> bool:
    """Neither side changed since the link was written. Of a series its exceptions count, too."""
    item, row = _item(situation), situation.row
    if item is None or row is None or situation.table == SERIES:
        return False
    return (item.etag, row.etag) == (link.exchange_etag, link.dynamics_etag)


def _quiet(
    situation: S, decision: Decision, context: Context, decide: Callable[[S, Context], Decision]
) -> Finding | None:
    """Nothing to do, as far as both sides' memory goes."""
    item, row = _item(situation), situation.row
    if item is None or row is None:
        return None
    fresh, anew = decided_anew(situation, decision, context, decide)
    if fresh is situation:
        return None
    apart = [
        action for action in anew.actions if action.kind in CONTENT and (action.fields or action.occurrence)
    ]
    if apart:
        return _of_actions(Drift.APART, replace(anew, actions=tuple(apart)))
    if item.stamps is not None and not (item.stamps.tracked and tracking.names(item, row.id)):
        return Finding(Drift.UNMARKED, Side.EXCHANGE, Drift.UNMARKED.value, ("LNK-3",))
    return None


def _item(situation: AppointmentSituation | PersonalSituation) -> ExchangeEvent | ExchangeItem | None:
    return situation.event if isinstance(situation, AppointmentSituation) else situation.item


# --- findings -------------------------------------------------------------------------------------


def _of_actions(drift: Drift, decision: Decision) -> Finding | None:
    if not decision.actions:
        return None
    told = (_main(decision) or decision.actions)[0]
    fields = {
        f"{name}@{a.occurrence}" if a.occurrence else name for a in decision.actions for name in a.fields
    }
    rules = tuple(dict.fromkeys(rule for action in decision.actions for rule in action.rules))
    return Finding(drift, told.side, told.reason, rules, tuple(sorted(fields)))


def _of_skip(drift: Drift, side: Side, decision: Decision, reason: Reason) -> Finding | None:
    """A double that no pass touches: which of the two goes is for a person to say."""
    found: Skip | None = next((skip for skip in decision.skips if skip.code == reason.code), None)
    return Finding(drift, side, found.reason, found.rules, mends=False) if found else None
