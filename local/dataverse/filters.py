"""``$filter`` as a tree of conditions, and whether a row satisfies it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from local.dataverse.conditions import NEGATED, Context, matches
from local.dataverse.errors import refuse
from local.dataverse.navigation import Navigation
from local.dataverse.schema import Collection, Column, Table
from local.dataverse.store import Row


@dataclass(frozen=True)
class Condition:
    """``path`` leads through single-valued navigation properties to the row that holds ``column``."""

    path: tuple[str, ...]
    column: Column
    operator: str
    operands: tuple[Any, ...]


@dataclass(frozen=True)
class Group:
    kind: Literal["and", "or"]
    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class Lambda:
    """``any`` or ``all`` over a collection; ``body`` is ``None`` for a bare ``any()``."""

    path: tuple[str, ...]
    collection: Collection
    kind: Literal["any", "all"]
    body: Expression | None
    negated: bool = False


Expression = Condition | Group | Lambda


def negate(expression: Expression) -> Expression:
    """``not`` pushed down to the conditions, as the query engine does: nulls match no comparison."""
    if isinstance(expression, Group):
        other: Literal["and", "or"] = "or" if expression.kind == "and" else "and"
        return Group(other, tuple(negate(part) for part in expression.parts))
    if isinstance(expression, Lambda):
        return Lambda(
            expression.path,
            expression.collection,
            expression.kind,
            expression.body,
            not expression.negated,
        )
    operator = NEGATED.get(expression.operator)
    if operator is None:
        raise refuse("InvalidQuery", message=f"'not' is not supported before '{expression.operator}'.")
    return Condition(expression.path, expression.column, operator, expression.operands)


class Evaluator:
    """Answers whether rows satisfy an expression, following navigation properties in the store."""

    def __init__(self, navigation: Navigation, context: Context) -> None:
        self._navigation = navigation
        self._context = context

    def accepts(self, expression: Expression | None, table: Table, row: Row) -> bool:
        if expression is None:
            return True
        if isinstance(expression, Group):
            results = (self.accepts(part, table, row) for part in expression.parts)
            return all(results) if expression.kind == "and" else any(results)
        if isinstance(expression, Lambda):
            return self._lambda(expression, table, row) != expression.negated
        return self._condition(expression, table, row)

    def _condition(self, condition: Condition, table: Table, row: Row) -> bool:
        found = self._navigation.follow(table, row, condition.path)
        value = None if found is None else found[1].get(condition.column.name)
        return matches(condition.column, value, condition.operator, condition.operands, self._context)

    def _lambda(self, expression: Lambda, table: Table, row: Row) -> bool:
        found = self._navigation.follow(table, row, expression.path)
        if found is None:
            return False
        child, rows = self._navigation.collection(expression.collection, found[0], found[1])
        if expression.body is None:
            return bool(rows)
        results = (self.accepts(expression.body, child, each) for each in rows)
        return any(results) if expression.kind == "any" else all(results)
