"""How a linked contact or task ends: untracked, deleted on one side, hidden, out of the filter (CONT-3 to
CONT-5, TASK-10, TASK-11, FLT-10)."""

from __future__ import annotations

from dataclasses import replace

from shared.model.appointment import Absence
from shared.model.decision import Action, ActionKind, Decision
from shared.model.event import Stamps
from shared.model.link import Link, LinkState
from shared.model.personal import (
    CONTACT,
    DeleteItem,
    DeleteRecord,
    DynamicsRecord,
    ExchangeItem,
    MarkItem,
)
from shared.model.profile import ContactDeletion
from shared.model.values import Side
from shared.rules import personal_intent, task_endings, tracking
from shared.rules.personal_marks import IN_FILTER, OWNED, STAYS, is_closed_of_own, is_owned
from shared.rules.personal_situation import PersonalSituation
from shared.rules.situation import Context
from shared.rules.skips import Reason

SET_1 = "DistinctPhysicalAndLogicalDeletesForExchangeSync"
SET_4 = "SSSTaskDeletionSyncBehaviorFromExchange"
OUT_OF_FILTER = "the row does not match a sync filter any more"


def ending(situation: PersonalSituation, context: Context, link: Link) -> Decision | None:
    """The decision that ends this link, or None while the pair goes on. ``dropped``: an administrator does
    not want what it would delete or unlink."""
    leaving = was_leaving(situation, link)
    if situation.item_gone and not leaving:
        return item_gone(situation, context, link)
    if situation.record is Absence.PHYSICAL:
        return _row_deleted(situation, link)
    if situation.record is Absence.ACCESS:
        return _hidden(situation, context, link, "the mailbox's owner may not read the row any more")
    if leaving:
        return _hidden(situation, context, link, OUT_OF_FILTER)
    item, record = situation.item, situation.row
    if item is None or record is None:
        return None
    if tracking.was_untracked(item, link):
        return untracked(situation, link, item)
    if has_left(situation, context, link, record):
        return _hidden(situation, context, link, OUT_OF_FILTER)
    return None


def was_leaving(situation: PersonalSituation, link: Link) -> bool:
    """It was not a person who unmarked or deleted the item, but a pass that never committed: the row had left
    the filter."""
    if not personal_intent.is_leaving(link):
        return False
    item = situation.item
    return situation.item_gone or (item is not None and tracking.was_untracked(item, link))


def has_left(situation: PersonalSituation, context: Context, link: Link, record: DynamicsRecord) -> bool:
    """It matched and does not any more (FLT-6)."""
    if situation.in_filter is not False or not link.markers.get(IN_FILTER) or link.markers.get(STAYS):
        return False
    return not is_closed_of_own(record, context)


# --- the Exchange side is gone --------------------------------------------------------------------


def item_gone(situation: PersonalSituation, context: Context, link: Link) -> Decision:
    record = situation.row
    if record is None:
        hidden = situation.record is Absence.ACCESS
        why = "deleted in Exchange; the row may not be read" if hidden else "it is gone on both sides"
        state = LinkState.DELETED_IN_EXCHANGE if hidden else LinkState.DELETED
        return close(situation, link, state, why, ("LNK-8",), ())
    rules, goes, why = _row_goes(record, context)
    if not goes or situation.dropped:
        reason = f"deleted in Exchange; the row stays because {why if not goes else Reason.DROPPED.sentence}"
        unlinked = Action(ActionKind.UNLINK, Side.DYNAMICS, (*rules, "LNK-8"), reason)
        return close(situation, link, LinkState.DELETED_IN_EXCHANGE, reason, rules, (unlinked,))
    delete = Action(
        ActionKind.DELETE,
        Side.DYNAMICS,
        rules,
        "deleted in Exchange",
        DeleteRecord(record.table, record.id, record.etag),
        before=dict(record.values),
    )
    return close(situation, link, LinkState.DELETED, "deleted in Exchange", rules, (delete,))


def _row_goes(record: DynamicsRecord, context: Context) -> tuple[tuple[str, ...], bool, str]:
    """The rules, whether the row is deleted too, and why not."""
    if record.table != CONTACT:
        goes = task_endings.deletes_in_dynamics(record, context.organization.number(SET_4), context.now)
        return task_endings.DELETED_IN_EXCHANGE_RULES, goes, f"the setting {SET_4} says so"
    if context.profile.contact_deletion is ContactDeletion.UNLINK:
        return ("CONT-4", "X-2"), False, "the profile's delete policy only unlinks contacts"
    return ("CONT-4",), is_owned(record, context), "it is owned by somebody else"


# --- the Dynamics side is gone --------------------------------------------------------------------


def _row_deleted(situation: PersonalSituation, link: Link) -> Decision:
    item = situation.item
    if item is None:
        return close(situation, link, LinkState.DELETED, "it is gone on both sides", ("LNK-8",), ())
    rules, goes, why = _item_goes(item, link.table, owned=bool(link.markers.get(OWNED)))
    if not goes or situation.dropped:
        reason = f"deleted in Dynamics; the item stays because {why if not goes else Reason.DROPPED.sentence}"
        return unlink(situation, link, item, LinkState.DELETED_IN_DYNAMICS, reason, rules)
    return _delete_item(situation, link, item, LinkState.DELETED, "deleted in Dynamics", rules)


def _item_goes(item: ExchangeItem, table: str, *, owned: bool) -> tuple[tuple[str, ...], bool, str]:
    if table == CONTACT:
        return ("CONT-3",), not owned, "its owner's copy is kept"
    goes = task_endings.deletes_in_exchange(item)
    return task_endings.DELETED_IN_DYNAMICS_RULES, goes, "it is completed"


def _hidden(situation: PersonalSituation, context: Context, link: Link, reason: str) -> Decision:
    """The row exists, but not for this user: a logical delete (FLT-10). SET-1 says whether it only
    unlinks; what an administrator said before still holds."""
    item = situation.item
    if situation.dropped or link.markers.get(STAYS):
        kept = replace(link, markers={**link.markers, STAYS: True})
        return Decision(situation.ref(), skips=(Reason.STAYS_LINKED.skip(),), link=kept)
    if item is None:
        return close(situation, link, LinkState.LEFT_FILTER, reason, ("FLT-10",), ())
    owned = is_owned(situation.row, context) if situation.row else False
    rules, goes, _ = _item_goes(item, link.table, owned=owned)
    moved = ("CONT-5",) if link.table == CONTACT and link.markers.get(OWNED) and not owned else ()
    if goes and not context.organization.flag(SET_1):
        rules = ("FLT-10", "SET-1", *rules, *moved)
        return _delete_item(situation, link, item, LinkState.LEFT_FILTER, reason, rules)
    return unlink(situation, link, item, LinkState.LEFT_FILTER, reason, ("FLT-10", "SET-1", *moved))


# --- how --------------------------------------------------------------------------------------------


def untracked(situation: PersonalSituation, link: Link, item: ExchangeItem) -> Decision:
    """LNK-8: both items stay, and only a person brings the link back."""
    if situation.dropped:
        return Decision(situation.ref(), skips=(Reason.DROPPED.skip(),), link=link)
    reason = "untracked in Outlook"
    return unlink(situation, link, item, LinkState.UNTRACKED, reason, ("EMI-17", "LNK-8"))


def _delete_item(
    situation: PersonalSituation,
    link: Link,
    item: ExchangeItem,
    state: LinkState,
    reason: str,
    rules: tuple[str, ...],
) -> Decision:
    delete = Action(
        ActionKind.DELETE, Side.EXCHANGE, rules, reason, DeleteItem(item), before=dict(item.values)
    )
    return close(situation, link, state, reason, rules, (delete,))


def unlink(
    situation: PersonalSituation,
    link: Link,
    item: ExchangeItem,
    state: LinkState,
    reason: str,
    rules: tuple[str, ...],
) -> Decision:
    """Stamp back to "not tracked", our category removed, both items kept."""
    categories = (
        tracking.without_category(item.categories) if tracking.has_category(item.categories) else None
    )
    write = MarkItem(item, categories, Stamps(link_state=tracking.UNLINKED))
    return close(
        situation,
        link,
        state,
        reason,
        rules,
        (Action(ActionKind.UNLINK, Side.EXCHANGE, rules, reason, write),),
    )


def close(
    situation: PersonalSituation,
    link: Link,
    state: LinkState,
    reason: str,
    rules: tuple[str, ...],
    actions: tuple[Action, ...],
) -> Decision:
    known = situation.item.id if situation.item else link.exchange_id  # it may have been moved
    ended = replace(closed(link, state, reason, rules), exchange_id=known)
    return Decision(situation.ref(), actions, (), ended)


def closed(link: Link, state: LinkState, reason: str, rules: tuple[str, ...]) -> Link:
    """The link's end; what marks the item carries from now on tells whether a person tracks it anew."""
    unmarked = {**link.markers, "category": False, "stamp": tracking.UNLINKED}
    unmarked.pop(STAYS, None)
    return replace(link.ended(state, reason, rules), markers=unmarked, intent={})
