"""What changed last in a list, newest first: ids and versions only, as far back as asked."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shared.engine.ports import ChangedItem
from shared.exchange.channel import Channel
from shared.exchange.client import Request

AT_MOST = 500
NEWEST: dict[str, Any] = {
    "select": ["id", "lastModifiedDateTime"],
    "orderby": ["lastModifiedDateTime desc"],
    "top": AT_MOST,
}
"""No filter beside the order: Graph has refused the two together, and has answered nothing to a filter by
this time."""


async def newest(channel: Channel, request: Request, since: datetime, place: str) -> list[ChangedItem]:
    """A row that does not say when it changed is none that could be told from the others."""
    found: list[ChangedItem] = []
    async for row in channel.rows(request):
        changed, etag = _moment(row.get("lastModifiedDateTime")), row.get("@odata.etag")
        if changed is None or changed < since or len(found) == AT_MOST:
            break
        if etag:
            found.append(ChangedItem(str(row["id"]), str(etag), place))
    return found


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
