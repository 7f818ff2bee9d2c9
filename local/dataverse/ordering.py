"""Sorting rows as the database does: empty values first, text without case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from local.dataverse.conditions import comparable
from local.dataverse.navigation import Navigation
from local.dataverse.options import Order
from local.dataverse.schema import Table
from local.dataverse.store import Row


def sort_key(value: Any) -> tuple[bool, Any]:
    return (value is not None, value)


def ordered(rows: Iterable[Row], table: Table, orders: Sequence[Order], navigation: Navigation) -> list[Row]:
    """Rows in the wanted order; ties, and rows without an order, by creation order of their key."""
    result = list(rows)
    for order in reversed(orders):
        result.sort(key=lambda row: sort_key(_value(row, table, order, navigation)), reverse=order.descending)
    return result


def _value(row: Row, table: Table, order: Order, navigation: Navigation) -> Any:
    found = navigation.follow(table, row, order.path)
    return None if found is None else comparable(order.column, found[1].get(order.column.name))
