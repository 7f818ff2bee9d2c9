"""Is an Exchange item tracked, and did a person end that?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from shared.model.appointment import APPOINTMENT, SERIES, SERVICE
from shared.model.event import ExchangeEvent, Stamps
from shared.model.link import Link
from shared.model.organization import Organization
from shared.model.personal import CONTACT, FAX, LETTER, PHONE_CALL, TASK
from shared.model.values import Value

TRACKED_CATEGORY = "Tracked to Dynamics 365"
TYPE_CODES = {
    APPOINTMENT: "4201",
    SERIES: "4251",
    SERVICE: "4214",
    CONTACT: "2",
    TASK: "4212",
    PHONE_CALL: "4210",
    LETTER: "4207",
    FAX: "4204",
}
"""Object type codes (LNK-3), as the stamp on an item names the table of its row."""
TABLES = {code: table for table, code in TYPE_CODES.items()}
LINKED = 2.0
UNLINKED = 0.0


class Marked(Protocol):
    """An Exchange item with its marks. A feed shows no stamps."""

    @property
    def categories(self) -> tuple[str, ...]: ...
    @property
    def stamps(self) -> Stamps | None: ...


def has_category(categories: Sequence[str]) -> bool:
    return any(name.strip().lower() == TRACKED_CATEGORY.lower() for name in categories)


def is_tracked(item: Marked, organization: Organization, *, categories_count: bool = True) -> bool:
    """Tracked by category (EMI-17, while SET-12 and, for contacts, the profile allow it: X-6) or by stamp
    (LNK-4)."""
    allowed = categories_count and organization.flag("TrackCategorizedItems")
    by_category = allowed and has_category(item.categories)
    return by_category or (item.stamps is not None and item.stamps.tracked)


def was_untracked(event: Marked, link: Link) -> bool:
    """A person removed the mark that the item carried when we last saw it (EMI-17, APPT-13): the category;
    or, where the category is not used, the app set the stamp back to "not tracked"."""
    if link.markers.get("category"):
        return not has_category(event.categories)
    stamped = link.markers.get("stamp") in (1.0, 2.0)
    return stamped and event.stamps is not None and not event.stamps.tracked


def was_untracked_meanwhile(item: Marked, creating: Link, *, categorised: bool) -> bool:
    """While its link was in the making and the worker died, a person took off the mark that the item carried
    before, or the one that we had put on: our stamp came with the category, where we put that on
    (``categorised``). What we stamped is no person's tracking (EMI-17)."""
    if was_untracked(item, creating):
        return True
    stamped = item.stamps is not None and item.stamps.link_state == LINKED
    by_us = stamped and names(item, creating.dynamics_id) and creating.markers.get("stamp") != LINKED
    return categorised and by_us and not has_category(item.categories)


def worn(item: Marked | None) -> dict[str, Value]:
    """The marks that an item carries before it is linked: a person may take them off before the end."""
    if item is None:
        return {}
    stamp = item.stamps.link_state if item.stamps else None
    return {"category": has_category(item.categories), "stamp": stamp}


def is_tracked_anew(
    event: Marked, link: Link, organization: Organization, *, categories_count: bool = True
) -> bool:
    """An ended link comes back only when a person tracks the item again (LNK-8): a mark is there that was
    not there when the link ended."""
    if not is_tracked(event, organization, categories_count=categories_count):
        return False
    category_added = categories_count and has_category(event.categories) and not link.markers.get("category")
    stamp_added = event.stamps is not None and event.stamps.tracked and not link.markers.get("stamp")
    return category_added or stamp_added


def is_foreign(stamps: Stamps | None, organization: Organization) -> bool:
    """Stamped by another organization (LNK-6, MBX-12)."""
    if stamps is None or not stamps.org_id or not stamps.tracked:
        return False
    return normal_guid(stamps.org_id) != normal_guid(organization.id)


def names(item: Marked, row_id: str) -> bool:
    """The item's stamp names this row, whether it says that it is tracked or that it was."""
    return item.stamps is not None and normal_guid(item.stamps.crm_id or "") == row_id


def generation_of_found(link: Link | None, item: Marked, row_id: str, now: datetime) -> int:
    """The generation of a link between two items that both exist. Of one that is lost, and found by its
    stamp, nobody knows how often it had ended. Each end takes one number, and a link ends less than once a
    minute: so what is made later never meets what was made before the loss."""
    if link is not None:
        return link.generation
    return int(now.timestamp() // 60) if names(item, row_id) else 1


def markers(event: ExchangeEvent, *, category: bool, stamp: float) -> dict[str, Value]:
    """What the link remembers of the item's marks, and whether the mailbox organizes it."""
    return {"category": category, "stamp": stamp, "isOrganizer": event.is_organizer}


def table_of(event: ExchangeEvent) -> str:
    """The Dynamics table that an event belongs in (APPT-28)."""
    return SERIES if event.is_series else APPOINTMENT


def stamped_table(event: Marked) -> str | None:
    """The table that the item's stamps name, if they name one."""
    named = str((event.stamps.object_type if event.stamps else None) or "")
    return named if named in TYPE_CODES else TABLES.get(named.split(".")[0])


def normal_guid(text: str) -> str:
    """A GUID as we write it: lower case, no braces."""
    return text.strip().strip("{}").lower()


def with_category(categories: Sequence[str]) -> tuple[str, ...]:
    return tuple(categories) if has_category(categories) else (*categories, TRACKED_CATEGORY)


def without_category(categories: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in categories if name.strip().lower() != TRACKED_CATEGORY.lower())
