"""A page of a list of items: filtered, sorted, selected, with a link to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.exchange import extended_properties
from local.exchange.call import Answer, Call
from local.exchange.errors import conflict
from local.exchange.event_routes import applied
from local.exchange.event_view import etag
from local.exchange.odata import Options, next_link, projected, sort_rows
from local.exchange.preferences import Preferences

Json = dict[str, Any]
Show = Callable[[Json, Preferences], Json]

_IN_UTC = Preferences()


def list_answer(
    call: Call,
    items: list[Json],
    options: Options,
    show: Show,
    context: str,
) -> Answer:
    """``show`` makes the row of an item; filters and orders see it in UTC."""
    found = _wanted(items, options, show)
    size = min(options.top, call.preferences.page_size or options.top)
    chosen = f"({','.join(options.select)})" if options.select else ""
    body: Json = {"@odata.context": f"{call.root}/$metadata#{context}{chosen}"}
    if options.count:
        body["@odata.count"] = len(found)
    page = found[options.skip : options.skip + size]
    body["value"] = [item_row(item, show(item, call.preferences), options) for item in page]
    if options.skip + size < len(found):
        body["@odata.nextLink"] = next_link(call, **{"$skip": str(options.skip + size)})
    return Answer(200, body, applied(call))


def _wanted(items: list[Json], options: Options, show: Show) -> list[Json]:
    """Those that pass the filter, in order."""
    if options.test is None and not options.order:
        return items
    rows = [
        {"item": item, "shown": show(item, _IN_UTC), "extended": item.get("extended", {})} for item in items
    ]
    if options.test is not None:
        rows = [row for row in rows if options.test(row)]
    return [row["item"] for row in sort_rows(rows, options.order)]


def item_answer(
    call: Call, item: Json, options: Options, show: Show, context: str, status: int = 200
) -> Answer:
    """One item with its context; extended properties only where ``$expand`` asked for them."""
    chosen = f"({','.join(options.select)})" if options.select else ""
    row = item_row(item, show(item, call.preferences), options)
    body = {"@odata.context": f"{call.root}/$metadata#{context}{chosen}/$entity", **row}
    return Answer(status, body, applied(call))


def item_row(item: Json, row: Json, options: Options) -> Json:
    found = extended_properties.shown(item.get("extended", {}), options.extended)
    return projected({**row, "singleValueExtendedProperties": found} if found else row, options.select)


def refuse_stale(call: Call, item: Json) -> None:
    """``If-Match`` must name the present etag."""
    expected = call.headers.get("if-match", "*").strip()
    if expected not in ("*", etag(item)):
        raise conflict()
