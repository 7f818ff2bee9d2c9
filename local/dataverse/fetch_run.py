"""Runs a FetchXML query: joins, filters, order, distinct and pages."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from local.dataverse.candidates import candidates
from local.dataverse.conditions import Context, comparable, matches
from local.dataverse.fetch_conditions import NAME
from local.dataverse.fetch_model import Fetch, FetchCondition, FetchEntity, FetchExists, FetchFilter
from local.dataverse.navigation import Navigation
from local.dataverse.options import MAXIMUM_PAGE
from local.dataverse.ordering import sort_key
from local.dataverse.representation import Representation, etag
from local.dataverse.store import Row, Store
from local.dataverse.tables import TABLES
from local.dataverse.user_filters import listed

Joined = dict[str, Row | None]
"""One result: the row of each alias; the root has the empty alias."""

MORE = "Microsoft.Dynamics.CRM.morerecords"
COOKIE = "Microsoft.Dynamics.CRM.fetchxmlpagingcookie"


class FetchRun:
    """One query of one caller."""

    def __init__(
        self, store: Store, navigation: Navigation, context: Context, representation: Representation
    ) -> None:
        self._store = store
        self._navigation = navigation
        self._context = context
        self._representation = representation

    def answer(self, fetch: Fetch) -> dict[str, Any]:
        """The page asked for, with the paging annotations when they were asked for."""
        results = self._ordered(fetch.entity, self._results(fetch.entity))
        rows = [self._output(fetch, joined) for joined in results]
        if fetch.distinct:
            rows = _distinct(rows)
        size = min(fetch.top or fetch.count or MAXIMUM_PAGE, MAXIMUM_PAGE)
        start = (fetch.page - 1) * size
        body: dict[str, Any] = {"value": rows[start : start + size]}
        more = fetch.top is None and start + size < len(rows)
        if self._representation.annotations.wants(MORE):
            body[f"@{MORE}"] = more
        if more and self._representation.annotations.wants(COOKIE):
            body[f"@{COOKIE}"] = _cookie(fetch, body["value"])
        if fetch.total:
            body["@odata.count"] = len(rows)
        return body

    # --- joining --------------------------------------------------------------------------------

    def _results(self, entity: FetchEntity) -> list[Joined]:
        results: list[Joined] = []
        among = candidates(self._store, entity.table, entity.filter)
        rows = self._navigation.visible(entity.table, None if among is None else among.values())
        for row in listed(self._context.caller, entity.table, entity.filter, rows):
            for joined in self._linked(entity, {entity.alias: row}):
                if self._accepts(entity.filter, entity, joined):
                    results.append(joined)
        return results

    def _linked(self, entity: FetchEntity, joined: Joined) -> list[Joined]:
        """All combinations with the rows of the linked entities below ``entity``."""
        results = [joined]
        for link in entity.links:
            results = [more for each in results for more in self._join(entity, link, each)]
        return results

    def _join(self, parent: FetchEntity, link: FetchEntity, joined: Joined) -> list[Joined]:
        found = self._matching(parent, link, joined)
        if not found and link.outer:
            return self._linked(link, {**joined, link.alias: None})
        return found

    def _matching(self, parent: FetchEntity, link: FetchEntity, joined: Joined) -> list[Joined]:
        found: list[Joined] = []
        for row in self._candidates(parent, link, joined):
            for deeper in self._linked(link, {**joined, link.alias: row}):
                if self._accepts(link.filter, link, deeper):
                    found.append(deeper)
        return found

    def _candidates(self, parent: FetchEntity, link: FetchEntity, joined: Joined) -> list[Row]:
        row = joined[parent.alias]
        if row is None or link.target is None or link.source is None:
            return []
        value = comparable(link.target, row.get(link.target.name))
        if value is None:
            return []
        source = link.source
        if source.name == link.table.primary_id:
            return self._navigation.by_id(link.table, str(value))
        if source.type == "lookup":
            return self._navigation.referring(link.table, source.name, str(value))
        return [
            other
            for other in self._navigation.visible(link.table)
            if comparable(source, other.get(source.name)) == value
        ]

    # --- filtering, ordering, writing -----------------------------------------------------------

    def _accepts(self, filter_: FetchFilter | None, entity: FetchEntity, joined: Joined) -> bool:
        if filter_ is None or not filter_.parts:
            return True
        results = (self._part(part, entity, joined) for part in filter_.parts)
        return all(results) if filter_.kind == "and" else any(results)

    def _part(
        self, part: FetchCondition | FetchExists | FetchFilter, entity: FetchEntity, joined: Joined
    ) -> bool:
        if isinstance(part, FetchFilter):
            return self._accepts(part, entity, joined)
        if isinstance(part, FetchExists):
            return bool(self._matching(entity, part.link, joined)) == part.wanted
        return self._condition(part, entity, joined)

    def _condition(self, condition: FetchCondition, entity: FetchEntity, joined: Joined) -> bool:
        row = joined.get(condition.alias or entity.alias) or {}
        value = row.get(condition.attribute)
        if condition.attribute not in row and condition.attribute.endswith(NAME):
            value = self._name(row.get(condition.attribute.removesuffix(NAME)))
        if condition.other is not None:
            alias, column = condition.other
            other = (joined.get(alias or entity.alias) or {}).get(column.name)
            if value is None or other is None:
                return False  # as in SQL, and so also for `ne`
            return matches(condition.column, value, condition.operator, (other,), self._context)
        return matches(condition.column, value, condition.operator, condition.operands, self._context)

    def _name(self, reference: list[str] | None) -> str | None:
        """What the row that a look-up points to is called."""
        if not isinstance(reference, list):
            return None
        row = self._store.get(*reference) or {}
        name: str | None = row.get(TABLES[reference[0]].primary_name)
        return name

    def _ordered(self, entity: FetchEntity, results: list[Joined]) -> list[Joined]:
        results.sort(key=lambda joined: str((joined[entity.alias] or {}).get(entity.table.primary_id)))
        for holder in reversed(list(_all_entities(entity))):
            for order in reversed(holder.orders):
                alias, column = holder.alias, order.column
                results.sort(
                    key=lambda joined, alias=alias, column=column: sort_key(  # type: ignore[misc]
                        comparable(column, (joined.get(alias) or {}).get(column.name))
                    ),
                    reverse=order.descending,
                )
        return results

    def _output(self, fetch: Fetch, joined: Joined) -> dict[str, Any]:
        root = fetch.entity
        row = joined[root.alias] or {}
        body: dict[str, Any] = {} if fetch.distinct else {"@odata.etag": etag(row)}
        every = not any(entity.columns for entity in _all_entities(root))
        for column, alias in [(column, "") for column in root.table.columns] if every else root.columns:
            body |= self._representation.column(column, row.get(column.name), alias)
        if not fetch.distinct:
            body.setdefault(root.table.primary_id, row[root.table.primary_id])
        for link in list(_all_entities(root))[1:]:
            linked = joined.get(link.alias) or {}
            for column, alias in link.columns:
                value = linked.get(column.name)
                if value is not None:
                    body |= self._representation.column(column, value, alias or f"{link.alias}.{column.name}")
        return body


def _all_entities(entity: FetchEntity) -> list[FetchEntity]:
    return [entity, *(deeper for link in entity.links for deeper in _all_entities(link))]


def _cookie(fetch: Fetch, page: list[dict[str, Any]]) -> str:
    """The cookie for the next page: XML inside XML, encoded twice, as clients have to take it apart."""
    key = fetch.entity.table.primary_id
    first, last = page[0].get(key, ""), page[-1].get(key, "")
    inner = f'<cookie page="{fetch.page}"><{key} last="{{{last}}}" first="{{{first}}}" /></cookie>'
    encoded = quote(quote(inner, safe=""), safe="")
    return f'<cookie pagenumber="{fetch.page + 1}" pagingcookie="{encoded}" istracking="False" />'


def _distinct(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    seen: dict[str, dict[str, Any]] = {}
    for row in rows:
        seen.setdefault(json.dumps(row, sort_keys=True), row)
    return list(seen.values())
