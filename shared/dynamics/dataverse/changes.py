"""The organization's change feed of one table: a page at a time, behind opaque links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.dynamics.dataverse.appointments import series_of
from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.odata import LOGICAL_NAME, address, lookup, with_annotations
from shared.dynamics.dataverse.tables import FEEDS, Feed
from shared.engine.ports import ChangedRow, ChangePage
from shared.errors import CursorExpired, Transient

PAGE_SIZE = 1000


async def changes(client: Client, table: str, link: str | None, page_size: int = PAGE_SIZE) -> ChangePage:
    """The same preferences go with every page. Read as the application: tracking needs organization-wide
    rights. A link of another organization (a restored store, a moved one) is as good as expired."""
    feed = FEEDS[table]
    if link is not None and not client.owns(link):
        raise CursorExpired("the change-tracking link belongs to another organization")
    body = await client.read(
        link or address(feed.entity_set, select=feed.select),
        as_user=None,
        prefer=f"odata.track-changes,odata.maxpagesize={page_size},{with_annotations(LOGICAL_NAME)}",
        organization_wide=True,
    )
    return _page(feed, body, link)


def _page(feed: Feed, body: Mapping[str, Any], link: str | None) -> ChangePage:
    rows: list[ChangedRow] = []
    removed: list[str] = []
    for row in body.get("value") or ():
        if _is_removal(row):
            removed.append(str(row["id"]).lower())
        else:
            rows.append(changed_row(row, feed.key))
    following, delta = body.get("@odata.nextLink"), body.get("@odata.deltaLink")
    # "No change" is documented as an empty answer: then the old link still holds.
    held = following or delta or link
    if held is None:
        raise Transient("change tracking answered without a link")
    return ChangePage(tuple(rows), tuple(removed), str(held), complete=not following)


def changed_row(row: Mapping[str, Any], key: str = "activityid") -> ChangedRow:
    """Columns that were not asked for (a link begun by an older version) say nothing."""
    return ChangedRow(
        id=str(row[key]).lower(),
        version=row["@odata.etag"],
        owner=lookup(row, "ownerid"),
        series=series_of(row),
        instance_type=int(row.get("instancetypecode") or 0),
    )


def _is_removal(row: Mapping[str, Any]) -> bool:
    return "reason" in row or str(row.get("@odata.context", "")).endswith("/$deletedEntity")
