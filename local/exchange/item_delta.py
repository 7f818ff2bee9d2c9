"""``delta`` of contacts, contact folders, task lists and tasks: whole rows, in the order of their changes.

As in the calendar's delta a client must bear pages that are empty and yet not the last, rows that come twice,
and tokens that die.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from local.exchange.call import Answer, Call
from local.exchange.delta import DEFAULT_PAGE, LARGEST_PAGE, DeltaTokens
from local.exchange.errors import bad_request
from local.exchange.item_store import ItemStore
from local.exchange.odata import MAX_TOP, number, projected, quoted_path, selected

Json = dict[str, Any]
Show = Callable[[Json, str], Json | None]


@dataclass(frozen=True)
class Feed:
    """``show`` makes the row of an item, given the ``$expand`` of the first request; None hides it."""

    store: ItemStore
    place: str
    type_name: str
    options: frozenset[str]
    show: Show


@dataclass(frozen=True)
class ItemRound:
    """Where a round stands, and the options of its first request.

    ``began``: the last change when a *first* round began; removals up to it are nobody's business.
    """

    scope: str
    cursor: int = 0
    began: int = 0
    page: int = 0
    select: str = ""
    expand: str = ""
    top: int = 0


class ItemDelta:
    """Answers one page of a round."""

    def __init__(self, tokens: DeltaTokens) -> None:
        self._tokens = tokens

    def page(self, call: Call, feed: Feed) -> Answer:
        state = self._state(call, feed)
        size = min(call.preferences.page_size or state.top or DEFAULT_PAGE, LARGEST_PAGE)
        rows, following = _rows(call, feed, state, size)
        body: Json = {"@odata.context": f"{call.root}/$metadata#Collection({feed.type_name})"}
        body |= {"value": rows, **self._link(call, feed, state, following)}
        applied = ["odata.track-changes", *call.preferences.applied]
        if call.preferences.page_size:
            applied.append(f"odata.maxpagesize={size}")
        return Answer(200, body, {"Preference-Applied": ", ".join(applied)})

    def _state(self, call: Call, feed: Feed) -> ItemRound:
        scope = f"{feed.type_name} {feed.place}"
        token = call.parameter("$deltatoken") or call.parameter("$skiptoken")
        if token is not None:
            return ItemRound(*self._tokens.read(token, scope))
        given = {name.lower(): value for name, value in call.query.items() if name.startswith("$")}
        refused = sorted(set(given) - feed.options)
        if refused:
            raise bad_request(
                "The following parameters are not supported with change tracking over the "
                f"'{feed.type_name}' resource: '{', '.join(refused)}'.",
                "ErrorInvalidUrlQuery",
            )
        if given.get("$select"):
            selected(given["$select"], feed.type_name)
        return ItemRound(
            scope,
            began=feed.store.log.latest(feed.place),
            select=given.get("$select", ""),
            expand=given.get("$expand", ""),
            top=number("$top", given["$top"], 1, MAX_TOP) if "$top" in given else 0,
        )

    def _link(self, call: Call, feed: Feed, state: ItemRound, following: ItemRound | None) -> Json:
        path = f"{call.root}{quoted_path(call)}"
        if following is not None:
            return {"@odata.nextLink": f"{path}?$skiptoken={self._tokens.write(following)}"}
        done = replace(state, cursor=feed.store.log.latest(feed.place), began=0, page=0)
        return {"@odata.deltaLink": f"{path}?$deltatoken={self._tokens.write(done)}"}


def _rows(call: Call, feed: Feed, state: ItemRound, size: int) -> tuple[list[Json], ItemRound | None]:
    """A page, and where the next one begins; None when this is the last."""
    if state.page == 1:
        return [], replace(state, page=2)
    rows: list[Json] = []
    told, before_last, last = state.cursor, 0, 0
    for seq, row_id in feed.store.log.changed_since(feed.place, state.cursor):
        row = _row(call, feed, state, seq, row_id)
        if row is not None and len(rows) == size:
            # The last row comes a second time at the head of the next page, as it may in the service.
            cursor = before_last if size > 1 else last
            return rows, replace(state, cursor=cursor, page=state.page + 1)
        if row is not None:
            rows.append(row)
            before_last, last = told, seq
        told = seq
    return rows, None


def _row(call: Call, feed: Feed, state: ItemRound, seq: int, row_id: str) -> Json | None:
    named = {"@odata.type": f"#microsoft.graph.{feed.type_name}"}
    row = feed.store.present(row_id)
    if row is not None and row["place"] == feed.place:
        whole = feed.show(row, state.expand)
        select = selected(state.select, feed.type_name) if state.select else None
        return {**named, **projected(whole, select)} if whole is not None else None
    if seq <= state.began:
        return None
    trace = feed.store.log.trace(feed.place, row_id) or {}
    removed = {"id": feed.store.shown_id(trace, call.preferences), "@removed": {"reason": "deleted"}}
    return {**named, **removed}
