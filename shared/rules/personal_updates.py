"""Both a contact or task and its row exist: their content is merged and brought to each side."""

from __future__ import annotations

from dataclasses import replace

from shared.model.decision import Action, ActionKind, Decision
from shared.model.link import Base, Link, LinkState
from shared.model.personal import (
    CONTACT,
    DynamicsRecord,
    ExchangeItem,
    UpdateItem,
    UpdateRecord,
)
from shared.model.profile import ContactAddresses
from shared.model.values import Side, Value
from shared.rules import contact_names, field_table, personal_intent, task_reminders
from shared.rules.personal_content import PersonalContent, merge_content
from shared.rules.personal_marks import ADDRESSES, PLACE, REFUSED, STAYS, is_owned, mark, memory_of
from shared.rules.personal_situation import PersonalSituation
from shared.rules.situation import Context

REGARDING = "regarding"
ADDRESS_FIELDS = ("businessAddress", "homeAddress", "otherAddress")


def first_merge(
    situation: PersonalSituation,
    context: Context,
    item: ExchangeItem,
    record: DynamicsRecord,
    link: Link,
    joined: Action,
    marked: Action,
) -> Decision:
    """Nobody's value is lost: empty never beats filled, a real difference is decided like a conflict. Where
    an earlier pass died between writing and committing, what it had written is known."""
    before = situation.link
    base = None
    if before is not None and before.state is LinkState.CREATING:
        settled = personal_intent.settled(before, item, record)
        base = settled.base if settled.base.exchange else None
        link = replace(link, base=base) if base else link
    content = merge_content(item, record, base, context, situation.rights)
    known = base or Base()
    actions = (joined, *content_actions(context, item, record, content, known), marked)
    return Decision(situation.ref(), actions, tuple(content.skips), link, content.absorb, dict(content.lost))


def in_step(
    situation: PersonalSituation,
    context: Context,
    link: Link,
    item: ExchangeItem,
    record: DynamicsRecord,
) -> Decision:
    """Keep a linked pair's content in step."""
    link = personal_intent.settled(link, item, record)
    base = link.base if link.base.exchange or link.base.dynamics else None
    content = merge_content(item, record, base, context, situation.rights)
    actions = [*_snapshot(context, link, item, record)]
    actions += content_actions(context, item, record, content, link.base)
    if _needs_mark(item, record, content, moved=situation.moved):
        regards = content.dynamics.get(REGARDING, record.value(REGARDING))
        rule = ("LNK-11",) if situation.moved or record.table != CONTACT else ("FLD-21",)
        actions.append(mark(item, record.table, record.id, record.name, regards, context, rules=rule))
    memory = memory_of(situation, context, owned=is_owned(record, context))
    kept = replace(
        link,
        exchange_id=item.id,
        subject=situation.ref().subject,
        reason="",
        markers={**_without_old(link), **memory, PLACE: item.place},
    )
    return Decision(
        situation.ref(), tuple(actions), tuple(content.skips), kept, content.absorb, dict(content.lost)
    )


def _without_old(link: Link) -> dict[str, Value]:
    return {name: value for name, value in link.markers.items() if name not in (STAYS, REFUSED)}


def _needs_mark(item: ExchangeItem, record: DynamicsRecord, content: PersonalContent, *, moved: bool) -> bool:
    """The stamps say something else than is true: a contact's parent changed, or the item lost its stamp when
    it was moved; or somebody took a task's link off, by which it is found when it moves."""
    if record.table == CONTACT and REGARDING in content.exchange:
        return True
    lost = not (item.stamps and item.stamps.tracked)
    return lost and (moved or record.table != CONTACT)


def _snapshot(context: Context, link: Link, item: ExchangeItem, record: DynamicsRecord) -> list[Action]:
    """CONT-2: before three addresses are used for the first time, all that both sides have goes into the
    history, from which it can be put back."""
    mode = context.profile.contact_addresses
    if record.table != CONTACT or mode is not ContactAddresses.THREE:
        return []
    if link.markers.get(ADDRESSES, ContactAddresses.ONE.value) == mode.value:
        return []
    before: dict[str, Value] = {}
    for name in ADDRESS_FIELDS:
        before[f"exchange.{name}"] = item.value(name)
        before[f"dynamics.{name}"] = record.value(name)
    reason = "all addresses as they are, before home and other address are synchronized for the first time"
    return [Action(ActionKind.LINK, Side.EXCHANGE, ("CONT-2",), reason, before=before)]


def content_actions(
    context: Context,
    item: ExchangeItem,
    record: DynamicsRecord,
    content: PersonalContent,
    base: Base,
) -> list[Action]:
    actions = []
    if content.dynamics:
        actions.append(_update_record(record, content))
    writes = dict(content.exchange)
    if record.table == CONTACT:
        writes.pop(REGARDING, None)
    reminder = None
    if record.table != CONTACT:
        taken = content.dynamics
        reminder = task_reminders.on_update(base.dynamics, record.values, taken, context.zone, context.now)
    if writes or reminder is not None:
        actions.append(_update_item(item, record, content, writes, reminder))
    return actions


def _update_record(record: DynamicsRecord, content: PersonalContent) -> Action:
    values = dict(content.dynamics)
    present = {name: record.value(name) for name in values}
    return Action(
        ActionKind.UPDATE,
        Side.DYNAMICS,
        _rules_of(record.table, content, values),
        "changed in Exchange",
        UpdateRecord(record.table, record.id, record.etag, values, present),
        fields=tuple(sorted(values)),
        before=present,
        after=values,
    )


def _update_item(
    item: ExchangeItem,
    record: DynamicsRecord,
    content: PersonalContent,
    writes: dict[str, Value],
    reminder: str | None,
) -> Action:
    display_name = None
    if record.table == CONTACT and "name" in writes:
        display_name = contact_names.display_name_to_send(item, item.value("name"), writes["name"])
    rules = _rules_of(record.table, content, writes)
    completes = writes.get("status") == "completed"
    return Action(
        ActionKind.COMPLETE if completes else ActionKind.UPDATE,
        Side.EXCHANGE,
        (*rules, *(("TASK-6",) if reminder is not None else ()), *(("TASK-3",) if completes else ())),
        "changed in Dynamics",
        UpdateItem(item, writes, reminder, display_name),
        fields=tuple(sorted(writes)),
        before={name: item.value(name) for name in writes},
        after=writes,
    )


def _rules_of(table: str, content: PersonalContent, written: dict[str, Value]) -> tuple[str, ...]:
    """The rules of the fields written, and of the conflict if one of them overwrote an edit."""
    rows = field_table.by_name(table)
    rules = tuple(dict.fromkeys(rows[name].rule for name in sorted(written)))
    rules = tuple(dict.fromkeys((*rules, *content.rules)))
    return (*rules, "LNK-10") if set(written) & set(content.lost) else rules
