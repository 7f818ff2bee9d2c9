"""A contact or task that exists on one side only is brought to the other (CONT-1, TASK-1), or the reason why
not."""

from __future__ import annotations

from dataclasses import replace

from shared.model.decision import Action, ActionKind, Decision, Skip
from shared.model.link import Link, LinkState
from shared.model.personal import (
    CONTACT,
    TASK,
    CreateItem,
    CreateRecord,
    DynamicsRecord,
    ExchangeItem,
    Match,
)
from shared.model.scheduling import Asked
from shared.model.values import Side, Value, Values
from shared.rules import contact_names, contact_validation, keys, task_endings, task_reminders, tracking
from shared.rules.personal_content import exchange_values
from shared.rules.personal_fields import crossing, direction_of, fields_of, fits, losses, may_create, why_held
from shared.rules.personal_marks import (
    is_owned,
    is_tracked,
    link_name,
    link_url,
    mark,
    new_link,
    wears_category,
)
from shared.rules.personal_situation import PersonalSituation
from shared.rules.situation import Context
from shared.rules.skips import Reason
from shared.rules.tracking_marks import stamps_of

REGARDING = "regarding"


def left(situation: PersonalSituation, skip: Skip, link: Link | None = None) -> Decision:
    return Decision(situation.ref(), skips=(skip,), link=link)


def generation_of(link: Link | None) -> int:
    return link.generation if link else 1


def all_fields(table: str, context: Context) -> tuple[str, ...]:
    return tuple(row.name for row in fields_of(table, context))


# --- to Dynamics ----------------------------------------------------------------------------------


def why_not_tracked(situation: PersonalSituation, context: Context, item: ExchangeItem) -> Skip | None:
    """Why an Exchange item is not taken to Dynamics, if it is not."""
    if tracking.is_foreign(item.stamps, context.organization):
        return Reason.FOREIGN_ORGANIZATION.skip()
    if not is_tracked(item, context):
        return Reason.NOT_TRACKED.skip()
    if item.kind == TASK:
        alone = task_endings.is_left_alone(item, None)
        if alone is not None:
            return alone
    if situation.copy_of and context.organization.flag("IgnoreCopiedItemsInSSSForMailbox"):
        return Reason.COPIED.skip(detail="IgnoreCopiedItemsInSSSForMailbox")
    return None


def from_exchange(situation: PersonalSituation, context: Context, item: ExchangeItem) -> Decision:
    """A tracked contact becomes a contact, a tracked task a task, owned by the mailbox's owner (CONT-7)."""
    skip = why_not_tracked(situation, context, item)
    if skip is not None:
        return left(situation, skip, situation.link)
    if item.kind == CONTACT and context.organization.flag("ValidateContactBeforeTracking"):
        problems = contact_validation.problems(item.values)
        if problems:
            return Decision(situation.ref(), skips=tuple(problems), link=situation.link)
    asked = question(situation)
    if asked is not None:
        return Decision(situation.ref(), link=situation.link, asks=asked)
    return _create_record(situation, context, item)


def _create_record(situation: PersonalSituation, context: Context, item: ExchangeItem) -> Decision:
    generation = generation_of(situation.link)
    table = CONTACT if item.kind == CONTACT else TASK
    row_id = keys.record_id(context.organization.id, context.mailbox.id, item.id, generation, table)
    values, skips = _values_for_dynamics(situation, context, item, table)
    write = CreateRecord(
        table,
        row_id,
        values,
        detect_duplicates=table == CONTACT and not situation.apart,
        actual_start=_actual_start(item, values, context) if table == TASK else "",
    )
    rules = ("CONT-1", "CONT-7", "CONT-9") if table == CONTACT else ("TASK-1", "TASK-8")
    create = Action(
        ActionKind.CREATE,
        Side.DYNAMICS,
        (*rules, "EMI-17"),
        f"the {item.kind} is tracked in Exchange",
        write,
        fields=tuple(sorted(values)),
        after=values,
    )
    link = new_link(situation, context, table, row_id, generation, owned=True)
    name = situation.ref().subject
    marked = mark(item, table, row_id, name, values.get(REGARDING), context, rules=("LNK-5",))
    return Decision(situation.ref(), (create, marked), tuple(skips), link, all_fields(table, context))


def _actual_start(item: ExchangeItem, values: Values, context: Context) -> str:
    completed = values.get("completed")
    return task_endings.actual_start(item, str(completed) if completed else None, context.now)


def _values_for_dynamics(
    situation: PersonalSituation, context: Context, item: ExchangeItem, table: str
) -> tuple[dict[str, Value], list[Skip]]:
    values: dict[str, Value] = {}
    skips: list[Skip] = []
    shown = exchange_values(item, {})
    for row in fields_of(table, context):
        value = shown.get(row.name)
        if row.name not in shown or row.name == "company":
            continue
        if not may_create(row, context, situation.rights):
            if value:
                skips.append(why_held(row, situation.rights))
            continue
        skips += losses(row, value)
        if not fits(row, value):
            continue
        values[row.name] = crossing(row, item, None, context).to_dynamics(value)
    return values, skips


# --- to Exchange ----------------------------------------------------------------------------------


def from_dynamics(situation: PersonalSituation, context: Context, record: DynamicsRecord) -> Decision:
    """A row that enters the sync filter gets its item in the default folder or list (FLT-6)."""
    if not situation.in_filter:
        return left(situation, Reason.NOT_IN_FILTER.skip(), _no_more_begun(situation.link))
    asked = question(situation)
    if asked is not None:
        return Decision(situation.ref(), link=situation.link, asks=asked)
    generation, values = generation_of(situation.link), _values_for_exchange(situation, context, record)
    write = CreateItem(
        kind=situation.kind,
        values=values,
        stamps=stamps_of(
            record.id, record.value(REGARDING) if record.table == CONTACT else None, context, (), record.table
        ),
        categories=(tracking.TRACKED_CATEGORY,) if wears_category(situation.kind, context) else (),
        display_name=_display_name(record) if record.table == CONTACT else "",
        reminder=_reminder(record, context),
        link_url=link_url(context.organization, record.table, record.id),
        link_name=link_name(record.name),
    )
    rules = ("CONT-1", "FLT-6") if record.table == CONTACT else ("TASK-1", "FLT-6", "TASK-13")
    create = Action(
        ActionKind.CREATE,
        Side.EXCHANGE,
        (*rules, *(("TASK-6",) if write.reminder else ())),
        "the row matches a sync filter of the mailbox's owner",
        write,
        fields=tuple(sorted(values)),
        after=values,
    )
    owned = is_owned(record, context)
    link = new_link(situation, context, record.table, record.id, generation, owned=owned)
    return Decision(situation.ref(), (create,), (), link, all_fields(record.table, context))


def _no_more_begun(link: Link | None) -> Link | None:
    """A creation that was begun and of which nothing is to be seen is not finished once its row left the
    filter; it may come back with the row."""
    if link is None or link.state is not LinkState.CREATING:
        return link
    reason = Reason.NOT_IN_FILTER
    return replace(link.ended(LinkState.LEFT_FILTER, reason.sentence, reason.rules), intent={})


def _display_name(record: DynamicsRecord) -> str:
    return record.name or contact_names.full_name({"name": record.value("name")})


def _reminder(record: DynamicsRecord, context: Context) -> str | None:
    if record.table == CONTACT:
        return None
    return task_reminders.on_creation(record.values, context.zone, context.now)


def _values_for_exchange(
    situation: PersonalSituation, context: Context, record: DynamicsRecord
) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for row in fields_of(record.table, context):
        if row.name not in record.values or (row.name == REGARDING and record.table == CONTACT):
            continue
        if direction_of(row, context, situation.rights).reaches(Side.EXCHANGE):
            values[row.name] = crossing(row, None, record, context).to_exchange(record.values[row.name])
    return values


# --- who is it? -----------------------------------------------------------------------------------


def question(situation: PersonalSituation) -> Asked | None:
    """What an administrator has to say before the item is made on the other side (CONT-8, CONT-9)."""
    if situation.apart or not (situation.matches or situation.duplicate):
        return None
    about = "|".join(sorted(match.id for match in situation.matches)) + ("!" if situation.duplicate else "")
    return Asked(about, _sentence(situation, situation.matches), situation.matches)


def _sentence(situation: PersonalSituation, matches: tuple[Match, ...]) -> str:
    name = situation.ref().subject or f"this {situation.kind}"
    if not matches:
        return (
            f"Dynamics' duplicate detection says that there is a contact like {name} already. "
            "Make another one (go-on), or leave it in Exchange only (drop)?"
        )
    who = "; ".join(match.label for match in matches)
    there = "Dynamics" if matches[0].side is Side.DYNAMICS else "Exchange"
    return (
        f"Is {name} one of these in {there}: {who}? Answer with its id to link the two, go-on to make a new "
        "one, or drop to synchronize neither."
    )
