"""Conditions on columns, for OData filters and FetchXML alike: what each operator accepts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from local.dataverse.errors import Refusal, refuse
from local.dataverse.periods import AGO, PERIODS, day_start, span_of
from local.dataverse.schema import Column
from local.dataverse.security import Caller


@dataclass(frozen=True)
class Context:
    """Who asks, where that person is and what time it is."""

    caller: Caller
    now: datetime
    zone: ZoneInfo
    business_unit: str | None = None
    teams: frozenset[str] = frozenset()


Operands = tuple[Any, ...]
Test = Callable[[Any, Operands, Context], bool]


def comparable(column: Column, value: Any) -> Any:
    """A value in the form in which it is compared: text without case, a look-up by its id."""
    if isinstance(value, list):
        return value[1]
    if isinstance(value, str) and column.type in ("string", "memo"):
        return value.casefold().rstrip(" ")
    return value


def matches(column: Column, value: Any, operator: str, operands: Operands, context: Context) -> bool:
    """Whether a stored value satisfies the condition."""
    test = OPERATORS.get(operator)
    if test is None:
        raise refuse("InvalidQuery", message=f"The condition operator '{operator}' is not supported.")
    ready = tuple(comparable(column, operand) for operand in operands)
    return test(comparable(column, value), ready, context)


def _ordered(compare: Callable[[Any, Any], bool]) -> Test:
    return lambda value, operands, _context: value is not None and compare(value, operands[0])


def _between(value: Any, operands: Operands, _context: Context) -> bool:
    return value is not None and operands[0] <= value <= operands[1]


def _like(value: Any, pattern: Any) -> bool:
    """SQL's LIKE: ``%`` any text, ``_`` any character, ``[abc]`` one of these."""
    parts = re.split(r"(%|_|\[\^?[^\]]*\])", str(pattern))
    special = {"%": ".*", "_": "."}
    expression = "".join(
        special.get(part) or (part if part.startswith("[") else re.escape(part)) for part in parts
    )
    return re.fullmatch(expression, str(value), re.DOTALL) is not None


def _text(test: Callable[[str, str], bool]) -> Test:
    return lambda value, operands, _context: value is not None and test(str(value), str(operands[0]))


def _period(name: str) -> Test:
    def inside(value: Any, operands: Operands, context: Context) -> bool:
        if value is None:
            return False
        local_now = context.now.astimezone(context.zone)
        start, end = PERIODS[name](local_now, int(operands[0]) if operands else 1)
        return start <= _moment(value, context) < end

    return inside


def _moment(value: Any, context: Context) -> datetime:
    """A stored date or date-time as a moment in the caller's zone."""
    text = str(value)
    if len(text) == 10:
        return day_start(datetime.fromisoformat(text).date(), context.zone)
    return datetime.fromisoformat(text).astimezone(context.zone)


def _on(compare: Callable[[datetime, datetime, datetime], bool]) -> Test:
    def test(value: Any, operands: Operands, context: Context) -> bool:
        if value is None:
            return False
        start, end = span_of(_moment(operands[0], context).date(), context.zone)
        return compare(_moment(value, context), start, end)

    return test


def _older(unit: str) -> Test:
    def test(value: Any, operands: Operands, context: Context) -> bool:
        return value is not None and _moment(value, context) < AGO[unit](context.now, int(operands[0]))

    return test


def not_(test: Test) -> Test:
    """The opposite, which for an empty value is true."""
    return lambda value, operands, context: not test(value, operands, context)


def _user(value: Any, _operands: Operands, context: Context) -> bool:
    return value is not None and value == context.caller.user


def _business(value: Any, _operands: Operands, context: Context) -> bool:
    return value is not None and value == context.business_unit


def _teams(value: Any, _operands: Operands, context: Context) -> bool:
    return value is not None and value in context.teams


def _user_or_teams(value: Any, operands: Operands, context: Context) -> bool:
    return _user(value, operands, context) or _teams(value, operands, context)


def _in(value: Any, operands: Operands, _context: Context) -> bool:
    return value is not None and value in operands


_equal: Test = lambda value, operands, _context: value is not None and value == operands[0]  # noqa: E731
_null: Test = lambda value, _operands, _context: value is None  # noqa: E731
_begins = _text(lambda value, part: value.startswith(part))
_ends = _text(lambda value, part: value.endswith(part))
_contains = _text(lambda value, part: part in value)
_likes = _text(_like)

OPERATORS: Mapping[str, Test] = {
    "eq": _equal,
    "ne": not_(_equal),
    "neq": not_(_equal),
    "gt": _ordered(lambda value, other: value > other),
    "ge": _ordered(lambda value, other: value >= other),
    "lt": _ordered(lambda value, other: value < other),
    "le": _ordered(lambda value, other: value <= other),
    "in": _in,
    "not-in": not_(_in),
    "between": _between,
    "not-between": not_(_between),
    "null": _null,
    "not-null": not_(_null),
    "like": _likes,
    "not-like": not_(_likes),
    "begins-with": _begins,
    "not-begin-with": not_(_begins),
    "ends-with": _ends,
    "not-end-with": not_(_ends),
    "contains": _contains,
    "not-contains": not_(_contains),
    "eq-userid": _user,
    "ne-userid": not_(_user),
    "eq-userteams": _teams,
    "eq-useroruserteams": _user_or_teams,
    "eq-businessid": _business,
    "ne-businessid": not_(_business),
    "on": _on(lambda moment, start, end: start <= moment < end),
    "not-on": not_(_on(lambda moment, start, end: start <= moment < end)),
    "on-or-after": _on(lambda moment, start, _end: moment >= start),
    "on-or-before": _on(lambda moment, _start, end: moment < end),
    **{f"olderthan-x-{unit}": _older(unit) for unit in AGO},
    **{name: _period(name) for name in PERIODS},
}
NO_OPERAND = frozenset(
    {"null", "not-null", "eq-userid", "ne-userid", "eq-userteams", "eq-useroruserteams"}
    | {"eq-businessid", "ne-businessid"}
    | {name for name in PERIODS if "-x-" not in name}
)
OLDER = frozenset(f"olderthan-x-{unit}" for unit in AGO)
DATE_OPERATORS = frozenset({"on", "not-on", "on-or-after", "on-or-before"}) | OLDER
IDENTITIES = frozenset(
    {"eq-userid", "ne-userid", "eq-userteams", "eq-useroruserteams", "eq-businessid", "ne-businessid"}
)
MOST_UNITS: Mapping[str, int] = {"years": 100, "months": 1_200, "weeks": 5_200}
MANY_OPERANDS = frozenset({"in", "not-in"})
TWO_OPERANDS = frozenset({"between", "not-between"})
NUMBER_OPERAND = frozenset({name for name in (*PERIODS, *OLDER) if "-x-" in name})
TEXT_OPERATORS = frozenset(
    name for name in OPERATORS if name.removeprefix("not-").startswith(("like", "begin", "end", "contains"))
)
# The opposite of each operator, for `not` in front of a condition: nulls stay outside of comparisons.
NEGATED: Mapping[str, str] = {
    "eq": "ne",
    "ne": "eq",
    "gt": "le",
    "ge": "lt",
    "lt": "ge",
    "le": "gt",
    "in": "not-in",
    "not-in": "in",
    "between": "not-between",
    "null": "not-null",
    "not-null": "null",
    "begins-with": "not-begin-with",
    "ends-with": "not-end-with",
    "contains": "not-contains",
    "eq-userid": "ne-userid",
    "ne-userid": "eq-userid",
    "on": "not-on",
}


def check_column(operator: str, column: Column) -> None:
    """Operators on dates need a date, those that count hours one with a time; people are look-ups."""
    if (operator in PERIODS or operator in DATE_OPERATORS) and column.type not in ("date", "datetime"):
        raise _not_valid(operator, column)
    if operator.endswith(("-hours", "-minutes")) and column.type == "date":
        raise _not_valid(operator, column)
    if operator in IDENTITIES and column.type not in ("lookup", "guid"):
        raise _not_valid(operator, column)
    if operator in TEXT_OPERATORS and column.type not in ("string", "memo"):
        raise _not_valid(operator, column)


def _not_valid(operator: str, column: Column) -> Refusal:
    message = f"The operator '{operator}' is not valid for attribute '{column.name}'."
    return refuse("InvalidQuery", message=message)


def number_of_units(operator: str, text: str) -> int:
    """The x of last-x-days and the like."""
    number = int(text) if text.isascii() and text.isdigit() else 0
    unit = operator.rpartition("-")[2]
    if not 1 <= number <= MOST_UNITS.get(unit, 36_500):
        raise refuse("InvalidQuery", message=f"'{text}' is not a valid number of units for '{operator}'.")
    return number


def check_operand_count(operator: str, operands: Iterable[Any]) -> None:
    """FetchXML and query functions must bring as many values as the operator takes."""
    count = len(tuple(operands))
    if operator in NO_OPERAND:
        wrong = count > 0
    elif operator in MANY_OPERANDS:
        wrong = count == 0
    else:
        wrong = count != (2 if operator in TWO_OPERANDS else 1)
    if wrong:
        raise refuse("InvalidQuery", message=f"Invalid number of values for operator '{operator}': {count}.")
