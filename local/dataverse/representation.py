"""Rows as they travel: selected columns, annotations, expanded navigation properties."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from local.dataverse.filters import Evaluator
from local.dataverse.navigation import Navigation
from local.dataverse.options import Expand, Options
from local.dataverse.ordering import ordered
from local.dataverse.schema import Column, Table
from local.dataverse.store import Row, Store
from local.dataverse.tables import TABLES
from local.dataverse.values import formatted

FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOGICAL_NAME = "Microsoft.Dynamics.CRM.lookuplogicalname"
ASSOCIATED = "Microsoft.Dynamics.CRM.associatednavigationproperty"


def etag(row: Row) -> str:
    return f'W/"{row["versionnumber"]}"'


@dataclass(frozen=True)
class Annotations:
    """Which annotations ``Prefer: odata.include-annotations`` asks for."""

    patterns: tuple[str, ...] = ()

    def wants(self, name: str) -> bool:
        included = False
        for pattern in self.patterns:
            if fnmatchcase(name, pattern.removeprefix("-")):
                included = not pattern.startswith("-")
        return included


class Representation:
    """Writes rows for one caller."""

    def __init__(
        self,
        store: Store,
        navigation: Navigation,
        evaluator: Evaluator,
        annotations: Annotations,
        base_url: str,
    ) -> None:
        self._store = store
        self._navigation = navigation
        self._evaluator = evaluator
        self._annotations = annotations
        self._base_url = base_url

    @property
    def annotations(self) -> Annotations:
        return self._annotations

    def row(self, table: Table, row: Row, options: Options) -> dict[str, Any]:
        """The row as JSON; its primary key always comes along."""
        columns = table.columns if options.select is None else options.select
        row = self._navigation.shown(table, row)
        body: dict[str, Any] = {"@odata.etag": etag(row)}
        for column in columns:
            body |= self.column(column, row.get(column.name))
        body.setdefault(table.primary_id, row[table.primary_id])
        for expand in options.expand:
            body |= self._expanded(table, row, expand)
        return body

    def column(self, column: Column, value: Any, name: str = "") -> dict[str, Any]:
        """One column and the annotations asked for; ``name`` replaces the property's name."""
        name = name or column.property_name
        body: dict[str, Any] = {}
        for annotation, text in self._annotated(column, value):
            if text is not None and self._annotations.wants(annotation):
                body[f"{name}@{annotation}"] = text
        body[name] = value[1] if isinstance(value, list) else value
        return body

    def _annotated(self, column: Column, value: Any) -> Iterable[tuple[str, str | None]]:
        if not isinstance(value, list):
            return ((FORMATTED, formatted(column, value)),)
        target = TABLES[value[0]]
        row = self._store.get(*value)
        navigation = next((nav for nav, table in column.navigation if table == value[0]), None)
        return (
            (FORMATTED, None if row is None else row.get(target.primary_name)),
            (ASSOCIATED, navigation),
            (LOGICAL_NAME, value[0]),
        )

    def _expanded(self, table: Table, row: Row, expand: Expand) -> dict[str, Any]:
        if expand.navigation in table.single_navigation:
            found = self._navigation.single(table, row, expand.navigation)
            return {expand.navigation: None if found is None else self.row(*found, expand.options)}
        collection = table.collection_navigation[expand.navigation]
        child, rows = self._navigation.collection(collection, table, row)
        chosen = [each for each in rows if self._evaluator.accepts(expand.options.filter, child, each)]
        chosen = ordered(chosen, child, expand.options.order, self._navigation)[: expand.options.top]
        select = f"?$select={expand.options.select_text}" if expand.options.select_text else ""
        link = f"{self._base_url}/{table.entity_set}({row[table.primary_id]})/{expand.navigation}{select}"
        return {
            expand.navigation: [self.row(child, each, expand.options) for each in chosen],
            f"{expand.navigation}@odata.nextLink": link,
        }
