"""The decision about one contact or task, both ways (CONT, TASK, FLD, FLT): a pure function of its
situation."""

from __future__ import annotations

from dataclasses import replace

from shared.model.appointment import Absence
from shared.model.decision import Action, ActionKind, Decision
from shared.model.link import Link, LinkState
from shared.model.personal import CONTACT, TASK, DynamicsRecord, ExchangeItem
from shared.model.values import Side
from shared.rules import keys, task_endings, tracking
from shared.rules.personal_creation import (
    REGARDING,
    from_dynamics,
    from_exchange,
    generation_of,
    left,
    why_not_tracked,
)
from shared.rules.personal_endings import OUT_OF_FILTER, closed, ending, item_gone, untracked, was_leaving
from shared.rules.personal_marks import is_owned, is_tracked, is_tracked_anew, mark, new_link, wears_category
from shared.rules.personal_situation import PersonalSituation
from shared.rules.personal_updates import first_merge, in_step
from shared.rules.situation import Context
from shared.rules.skips import Reason


def decide(situation: PersonalSituation, context: Context) -> Decision:
    """What is to be done about this contact or task in this mailbox, and why."""
    link = situation.link
    if link is not None and link.linked:
        return _linked(situation, context, link)
    begun = _begun(situation, context, link) if link is not None else None
    if begun is not None:
        return begun
    if link is not None and link.state.ended and not _resumes(situation, context, link):
        skip = Reason.ENDED.skip(detail=f"{link.state.value}: {link.reason}")
        return left(situation, skip, _with_marks_off(link, situation.item))
    return _unlinked(situation, context)


def may_come_back(link: Link) -> bool:
    """Of an ended link: whether Dynamics alone can bring it back. Only where no person ended it: a row that
    left the filter can match again (FLT-6)."""
    return link.state is LinkState.LEFT_FILTER


def _resumes(situation: PersonalSituation, context: Context, link: Link) -> bool:
    """A person tracks the item anew (LNK-8), or the row is in the filter again (FLT-6)."""
    if may_come_back(link) and situation.in_filter and situation.row is not None:
        return True
    return situation.item is not None and is_tracked_anew(situation.item, link, context)


def _with_marks_off(link: Link, item: ExchangeItem | None) -> Link:
    """What a person takes off an item that was left with its marks (``KEPT_OUT``) can be put on anew."""
    worn = dict(link.markers)
    if item is not None and worn.get("category") and not tracking.has_category(item.categories):
        worn["category"] = False
    if item is not None and worn.get("stamp") and item.stamps is not None and not item.stamps.tracked:
        worn["stamp"] = tracking.UNLINKED
    return replace(link, markers=worn)


def _begun(situation: PersonalSituation, context: Context, link: Link) -> Decision | None:
    """A creation that never came to its end, if what it was made of is no more: it ends like a linked pair,
    also where the item turns up after all."""
    item = situation.item
    if link.state is LinkState.CREATING and situation.item_gone:
        return item_gone(situation, context, link)
    by_us = situation.dropped and situation.record is Absence.PHYSICAL  # a pass died while it unlinked
    if link.state is LinkState.CREATING and item is not None and not by_us:
        categorised = wears_category(item.kind, context)
        if tracking.was_untracked_meanwhile(item, link, categorised=categorised):
            return untracked(situation, link, item)
    from_dynamics_only = link.exchange_id is None and link.state in (
        LinkState.CREATING,
        LinkState.LEFT_FILTER,
        LinkState.DELETED,
    )
    came_late = item is not None and not _is_let_go(item)
    if from_dynamics_only and (came_late or link.state is LinkState.CREATING):
        return ending(situation, context, link)
    return None


def _is_let_go(item: ExchangeItem) -> bool:
    """Somebody untracked it, or we did: it stays (LNK-4)."""
    return item.stamps is not None and item.stamps.link_state == tracking.UNLINKED


# --- not linked yet -------------------------------------------------------------------------------


def _unlinked(situation: PersonalSituation, context: Context) -> Decision:
    item, record = situation.item, situation.row
    if situation.kept_out:
        return _kept_out(situation, context)
    tracked = item is not None and is_tracked(item, context)
    if situation.link is None and situation.ended_before and not tracked:
        return left(situation, Reason.ENDED.skip(detail="its link ended before the links were lost"))
    if situation.record is Absence.ACCESS:
        return left(situation, Reason.NO_ACCESS.skip(), situation.link)
    if item is not None and record is not None:
        return _join(situation, context, item, record)
    if item is not None:
        return from_exchange(situation, context, item)
    if record is not None:
        return from_dynamics(situation, context, record)
    return Decision(situation.ref(), link=situation.link)


def _kept_out(situation: PersonalSituation, context: Context) -> Decision:
    """An administrator said that it shall be synchronized with nothing (CONT-9). Only a person who tracks it
    anew brings it back."""
    item, record = situation.item, situation.row
    generation = generation_of(situation.link)
    if record is not None:
        table, row_id = record.table, record.id
    else:
        assert item is not None
        table = CONTACT if item.kind == CONTACT else TASK
        row_id = keys.record_id(context.organization.id, context.mailbox.id, item.id, generation, table)
    link = situation.link or new_link(situation, context, table, row_id, generation, owned=False)
    wears = item is not None and tracking.has_category(item.categories)
    stamp = item.stamps.link_state if item is not None and item.stamps else None
    markers = {**link.markers, "category": wears, "stamp": stamp}
    reason = Reason.NOT_MERGED
    ended = replace(link, markers=markers).ended(LinkState.KEPT_OUT, reason.sentence, reason.rules)
    return Decision(situation.ref(), skips=(reason.skip(),), link=ended)


def _join(
    situation: PersonalSituation, context: Context, item: ExchangeItem, record: DynamicsRecord
) -> Decision:
    """Link two items that both exist (LNK-3, CONT-9)."""
    skip = why_not_tracked(situation, context, item)
    if skip is not None and skip.code == Reason.NOT_TRACKED.code and _was_untracked(situation, item, record):
        return left(situation, Reason.ENDED.skip(detail="untracked in Outlook"))
    if skip is not None and skip.code == Reason.NOT_TRACKED.code:
        skip = None if situation.in_filter or situation.chosen else Reason.NOT_IN_FILTER.skip()
    if skip is not None:
        return left(situation, skip, situation.link)
    owned = is_owned(record, context)
    generation = tracking.generation_of_found(situation.link, item, record.id, context.now)
    link = new_link(situation, context, record.table, record.id, generation, owned=owned)
    joined = Action(ActionKind.LINK, Side.DYNAMICS, ("LNK-3", "CONT-9"), "both items exist already")
    regards = record.value(REGARDING)
    marked = mark(item, record.table, record.id, record.name, regards, context, rules=("LNK-5",))
    return first_merge(situation, context, item, record, link, joined, marked)


def _was_untracked(situation: PersonalSituation, item: ExchangeItem, record: DynamicsRecord) -> bool:
    """The links are lost, and the item says that it was this row's until a person untracked it (LNK-4)."""
    stamps = item.stamps
    if situation.link is not None or situation.chosen or stamps is None:
        return False
    return tracking.names(item, record.id) and stamps.link_state == tracking.UNLINKED


# --- both exist -----------------------------------------------------------------------------------


def _linked(situation: PersonalSituation, context: Context, link: Link) -> Decision:
    if was_leaving(situation, link) and situation.in_filter and situation.row is not None:
        # Its row is back before the pass that took the item away could say so.
        out = closed(link, LinkState.LEFT_FILTER, OUT_OF_FILTER, ("FLT-10",))
        return _unlinked(replace(situation, link=out), context)
    ended = ending(situation, context, link)
    if ended is not None:
        return ended
    item, record = situation.item, situation.row
    if item is None or record is None:
        return Decision(situation.ref(), link=link)
    if item.kind == TASK:
        alone = task_endings.is_left_alone(item, None)
        if alone is not None:
            return left(situation, alone, link)
    return in_step(situation, context, link, item, record)
