"""Narrowing a query to the rows that an index can name, before every condition is tried on them."""

from __future__ import annotations

from local.dataverse.fetch_model import FetchCondition, FetchExists, FetchFilter
from local.dataverse.filters import Condition, Expression, Group
from local.dataverse.schema import Table
from local.dataverse.store import Row, Store

Rows = dict[str, Row]
Filter = Expression | FetchFilter | FetchCondition | FetchExists


def candidates(store: Store, table: Table, expression: Filter | None) -> Rows | None:
    """Rows among which all matches are, by id; ``None`` when the whole table has to be looked at."""
    if isinstance(expression, Condition):
        return None if expression.path else _indexed(store, table, expression)
    if isinstance(expression, FetchCondition):
        return None if expression.alias or expression.other else _indexed(store, table, expression)
    if not isinstance(expression, (Group, FetchFilter)):
        return None
    found = [candidates(store, table, part) for part in expression.parts]
    if expression.kind == "and":
        known = [rows for rows in found if rows is not None]
        return min(known, key=len) if known else None
    union: Rows = {}
    for rows in found:
        if rows is None:
            return None
        union |= rows
    return union if found else None


def _indexed(store: Store, table: Table, condition: Condition | FetchCondition) -> Rows | None:
    if condition.operator not in ("eq", "in"):
        return None
    column = condition.column
    if column.name == table.primary_id:
        rows = [store.get(table.name, str(value)) for value in condition.operands]
        return {row[table.primary_id]: row for row in rows if row is not None}
    if not column.indexed:
        return None
    return {
        row[table.primary_id]: row
        for value in condition.operands
        for row in store.referring(table.name, column.name, str(value))
    }
