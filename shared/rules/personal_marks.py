"""The marks that a linked contact or task carries in Exchange, and the link that remembers them (LNK-3,
TASK-13)."""

from __future__ import annotations

from shared.model.decision import Action, ActionKind
from shared.model.link import Link, LinkState
from shared.model.organization import Organization
from shared.model.personal import CONTACT, DynamicsRecord, ExchangeItem, MarkItem, kind_of
from shared.model.values import Side, Value
from shared.rules import tracking
from shared.rules.personal_situation import PersonalSituation
from shared.rules.situation import Context
from shared.rules.task_crossing import NO_SUBJECT
from shared.rules.tracking_marks import cleared, stamps_of

OWNED = "owned"
"""Marker: the mailbox's owner owned the row when both were last seen (CONT-3)."""
IN_FILTER = "inFilter"
"""Marker: the row was last seen to match the owner's filters; only what matched can leave (FLT-6)."""
STAYS = "stays"
"""Marker: it left the filter, and an administrator decided that it stays linked."""
ADDRESSES = "addresses"
"""Marker: the address mode under which a contact was last merged (CONT-2)."""
PLACE = "place"
"""Marker: the contact folder or task list that the item is in."""

REFUSED = "refused"
"""Marker: what one side did not take when the link was last written, by code and fields."""


def is_seen_otherwise(link: Link, matches: bool | None) -> bool:
    """Whether the filters say something else of the linked row than when it was last looked at."""
    if matches is None:
        return False
    return matches if link.markers.get(STAYS) else matches != bool(link.markers.get(IN_FILTER))


def categories_count(kind: str, context: Context) -> bool:
    """X-6: the category tracks contacts too, unless the profile switches that off."""
    return kind != CONTACT or context.profile.track_categorized_contacts


def is_tracked(item: ExchangeItem, context: Context) -> bool:
    counts = categories_count(item.kind, context)
    return tracking.is_tracked(item, context.organization, categories_count=counts)


def is_tracked_anew(item: ExchangeItem, link: Link, context: Context) -> bool:
    """A person tracks an item whose link has ended (LNK-8)."""
    counts = categories_count(item.kind, context)
    return tracking.is_tracked_anew(item, link, context.organization, categories_count=counts)


def wears_category(kind: str, context: Context) -> bool:
    """Whether linked items get our category."""
    return context.organization.flag("TrackCategorizedItems") and categories_count(kind, context)


def link_url(organization: Organization, table: str, row_id: str) -> str:
    """Where a person opens the row."""
    return f"{organization.url.rstrip('/')}/main.aspx?pagetype=entityrecord&etn={table}&id={row_id}"


def link_name(row_name: str) -> str:
    """What the link is called; Exchange refuses one without a name."""
    return row_name or NO_SUBJECT


def new_link(
    situation: PersonalSituation,
    context: Context,
    table: str,
    row_id: str,
    generation: int,
    *,
    owned: bool,
) -> Link:
    """A fresh link; the engine puts in what each side returned."""
    item = situation.item
    categorised = item is not None and tracking.has_category(item.categories)
    return Link(
        kind=kind_of(table),
        table=table,
        dynamics_id=row_id,
        exchange_id=item.id if item else None,
        state=LinkState.LINKED,
        generation=generation,
        subject=situation.ref().subject,
        markers={
            "category": categorised or wears_category(kind_of(table), context),
            "stamp": tracking.LINKED,
            PLACE: item.place if item else "",
            **memory_of(situation, context, owned=owned),
        },
    )


def memory_of(situation: PersonalSituation, context: Context, *, owned: bool) -> dict[str, Value]:
    """What the link remembers besides the marks."""
    known = situation.link.markers if situation.link else {}
    matches = situation.in_filter
    if matches is None:
        matches = bool(known.get(IN_FILTER)) or (situation.row is None and owned and situation.takes_own)
    elif not matches and is_closed_of_own(situation.row, context):
        matches = bool(known.get(IN_FILTER))
    memory: dict[str, Value] = {OWNED: owned, IN_FILTER: matches}
    if known.get(STAYS) and not matches:
        memory[STAYS] = True
    if situation.kind == CONTACT:
        memory[ADDRESSES] = context.profile.contact_addresses.value
    return memory


def is_owned(record: DynamicsRecord | None, context: Context) -> bool:
    owner = record.owner if record else None
    return owner is not None and owner.id == context.mailbox.user_id


def is_closed_of_own(record: DynamicsRecord | None, context: Context) -> bool:
    """A task that is closed matches no filter of open ones and goes on all the same, as long as it is its
    owner's: its completion is what he wants to see in Exchange (TASK-3), and reopening it there reopens the
    row."""
    return record is not None and record.table != CONTACT and record.state != 0 and is_owned(record, context)


def mark(
    item: ExchangeItem,
    table: str,
    row_id: str,
    row_name: str,
    regards: Value,
    context: Context,
    *,
    rules: tuple[str, ...],
) -> Action:
    """Mark the item as linked: category, and stamps or linked resource."""
    add = wears_category(item.kind, context) and not tracking.has_category(item.categories)
    write = MarkItem(
        item,
        tracking.with_category(item.categories) if add else None,
        cleared(stamps_of(row_id, regards if table == CONTACT else None, context, (), table)),
        link_url(context.organization, table, row_id),
        link_name(row_name),
    )
    extra = ("LNK-3",) if table == CONTACT else ("TASK-13",)
    return Action(
        ActionKind.LINK, Side.EXCHANGE, tuple(dict.fromkeys((*rules, *extra))), "the item is marked", write
    )
