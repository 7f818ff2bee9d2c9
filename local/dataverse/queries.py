"""Reading collections: filter, order, count and pages with a paging cookie."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

from local.dataverse.candidates import candidates
from local.dataverse.errors import refuse
from local.dataverse.filters import Evaluator
from local.dataverse.navigation import Navigation
from local.dataverse.options import MAXIMUM_PAGE, Options, read_options
from local.dataverse.ordering import ordered
from local.dataverse.representation import Representation
from local.dataverse.schema import Table
from local.dataverse.store import Row, Store
from local.dataverse.user_filters import listed

COUNT_LIMIT = 5000
TOTAL = "Microsoft.Dynamics.CRM.totalrecordcount"


def page_size(preferences: dict[str, str]) -> int:
    """``odata.maxpagesize``, at most 5000."""
    text = preferences.get("odata.maxpagesize", "")
    size = int(text) if text.isdigit() else 0
    return min(size, MAXIMUM_PAGE) if size > 0 else MAXIMUM_PAGE


def encode_cookie(cookie: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(cookie).encode()).decode()


def decode_cookie(text: str) -> dict[str, Any]:
    try:
        cookie = json.loads(base64.urlsafe_b64decode(text))
    except ValueError as error:
        raise refuse("InvalidQuery", message="Malformed XML in the Paging Cookie") from error
    if not isinstance(cookie, dict):
        raise refuse("InvalidQuery", message="Malformed XML in the Paging Cookie")
    return cookie


def link(base_url: str, path: str, query: dict[str, str], **extra: str) -> str:
    """A URL to be used verbatim: everything in it is already encoded."""
    options = {**query, **{f"${name}": value for name, value in extra.items()}}
    text = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
    return f"{base_url}/{path}?{text}"


class Collections:
    """Answers one query for one caller."""

    def __init__(
        self, store: Store, navigation: Navigation, evaluator: Evaluator, representation: Representation
    ) -> None:
        self._store = store
        self._navigation = navigation
        self._evaluator = evaluator
        self._representation = representation

    def select(self, table: Table, options: Options, rows: list[Row] | None = None) -> list[Row]:
        """The matching rows in order; without ``rows``, of the whole table."""
        if rows is None:
            among = candidates(self._store, table, options.filter)
            rows = self._navigation.visible(table, None if among is None else among.values())
            rows = listed(self._navigation.caller, table, options.filter, rows)
        chosen = [row for row in rows if self._evaluator.accepts(options.filter, table, row)]
        chosen.sort(key=lambda row: str(row[table.primary_id]))
        return ordered(chosen, table, options.order, self._navigation)

    def answer(
        self, table: Table, rows: list[Row] | None, query: dict[str, str], size: int, base_url: str, path: str
    ) -> dict[str, Any]:
        options = read_options(table, query)
        chosen = self.select(table, options, rows)
        total = len(chosen)
        start = self._start(chosen, table, query)
        limit = size if options.top is None else min(options.top, MAXIMUM_PAGE)
        page = chosen[start : start + limit]
        body: dict[str, Any] = {"@odata.context": context(base_url, table, options)}
        if options.count:
            body["@odata.count"] = min(total, COUNT_LIMIT)
        body |= self._totals(total, options)
        body["value"] = [self._representation.row(table, row, options) for row in page]
        if options.top is None and start + limit < total:
            cookie = encode_cookie({"last": page[-1][table.primary_id], "next": start + limit})
            body["@odata.nextLink"] = link(base_url, path, _without_token(query), skiptoken=cookie)
        return body

    def _start(self, rows: list[Row], table: Table, query: dict[str, str]) -> int:
        """Where the page begins: after the last row of the one before, wherever that is now."""
        if "$skiptoken" not in query:
            return 0
        cookie = decode_cookie(query["$skiptoken"])
        for position, row in enumerate(rows):
            if row[table.primary_id] == cookie.get("last"):
                return position + 1
        return int(cookie.get("next") or 0)

    def _totals(self, total: int, options: Options) -> dict[str, Any]:
        if not self._representation.annotations.wants(TOTAL):
            return {}
        counted = min(total, COUNT_LIMIT) if options.count else -1
        exceeded = options.count and total > COUNT_LIMIT
        return {f"@{TOTAL}": counted, f"@{TOTAL}limitexceeded": exceeded}


def context(base_url: str, table: Table, options: Options, suffix: str = "") -> str:
    select = f"({options.select_text})" if options.select_text else ""
    return f"{base_url}/$metadata#{table.entity_set}{select}{suffix}"


def _without_token(query: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in query.items() if name != "$skiptoken"}
