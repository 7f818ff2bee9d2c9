"""Evaluates ``$filter`` as far as Exchange does, and refuses the rest."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local.exchange import extended_properties
from local.exchange.errors import GraphError, bad_request
from local.exchange.filter_syntax import (
    Cast,
    Comparison,
    Junction,
    Lambda,
    Literal,
    Negation,
    Node,
    Operand,
    Path,
    StringTest,
    parse_filter,
)
from local.exchange.filterable import FILTERABLE, Filterable
from local.exchange.schema import TYPES

Json = dict[str, Any]
Test = Callable[[Json], bool]

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_STRINGS: dict[str, Callable[[str, str], bool]] = {
    "startswith": lambda text, part: text.startswith(part),
    "endswith": lambda text, part: text.endswith(part),
    "contains": lambda text, part: part in text,
}


def item_filter(text: str, type_name: str) -> Test:
    """A test of an item's row: ``{"shown": as answered in UTC, "extended": …}``."""
    if type_name not in FILTERABLE:
        raise invalid_nodes()
    return _compile(parse_filter(text), FILTERABLE[type_name])


def invalid_nodes() -> GraphError:
    return bad_request("The query filter contains one or more invalid nodes.", "ErrorInvalidUrlQueryFilter")


def names_extended_properties(text: str) -> bool:
    return "singlevalueextendedproperties" in text.lower()


def _compile(node: Node, fields: Filterable) -> Test:
    if isinstance(node, Junction):
        tests = [_compile(part, fields) for part in node.parts]
        gather = all if node.operator == "and" else any
        return lambda row: gather(test(row) for test in tests)
    if isinstance(node, Negation):
        inner = _compile(node.part, fields)
        return lambda row: not inner(row)
    if isinstance(node, Comparison):
        return _comparison(node, fields)
    if isinstance(node, StringTest):
        return _string_test(node, fields)
    if isinstance(node, Lambda):
        return _lambda(node, fields)
    name = _known(node, fields)
    if name not in fields.flags:
        raise invalid_nodes()
    return lambda row: bool(_read(row, name))


def _known(path: Operand, fields: Filterable) -> str:
    """The property's name, when such items can be filtered by it."""
    if not isinstance(path, Path):
        raise invalid_nodes()
    name = "/".join(path.parts)
    if path.parts[0] not in TYPES[fields.type_name]:
        raise bad_request(
            f"Could not find a property named '{path.parts[0]}' on type 'microsoft.graph.{fields.type_name}'."
        )
    if name not in fields.known:
        raise invalid_nodes()
    return name


def _read(row: Json, name: str) -> Any:
    value: Any = row["shown"]
    for part in name.split("/"):
        value = value.get(part) if value else None
    return value


def _comparison(node: Comparison, fields: Filterable) -> Test:
    left, right, compare = node.left, node.right, _OPERATORS[node.operator]
    if isinstance(left, Literal) and isinstance(right, Path):
        left, right = right, left
        compare = _OPERATORS[
            {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}.get(node.operator, node.operator)
        ]
    name = _known(left, fields)
    if not isinstance(right, Literal):
        raise invalid_nodes()
    if name in fields.moments:
        return _moment_test(name, compare, moment(right.value))
    if name in fields.flags and not isinstance(right.value, bool):
        raise _incompatible("Edm.Boolean")
    if name not in fields.flags and not isinstance(right.value, str | None):
        raise _incompatible("Edm.String")
    if right.value is not None and isinstance(right.value, str):
        folded = right.value.lower()
        return lambda row: compare(str(_read(row, name) or "").lower(), folded)
    return lambda row: compare(_read(row, name), right.value)


def _moment_test(name: str, compare: Callable[[Any, Any], bool], wanted: datetime) -> Test:
    """A moment that an item does not have is neither before nor after any other."""

    def test(row: Json) -> bool:
        found = _read(row, name)
        return found is not None and compare(moment(found), wanted)

    return test


def _string_test(node: StringTest, fields: Filterable) -> Test:
    name, test = _known(node.operand, fields), _STRINGS[node.function]
    if name not in fields.text | fields.parts or not isinstance(node.argument, Literal):
        raise invalid_nodes()
    wanted = str(node.argument.value).lower()
    return lambda row: test(str(_read(row, name) or "").lower(), wanted)


def moment(text: Any) -> datetime:
    """Local times without offset are UTC here."""
    try:
        parsed = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise bad_request(f"Invalid date-time literal '{text}'.", "ErrorInvalidUrlQueryFilter") from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _incompatible(declared: str) -> GraphError:
    return bad_request(
        "Invalid filter clause: A binary operator with incompatible types was detected. "
        f"Expected an operand of type '{declared}'."
    )


# --- lambdas ------------------------------------------------------------------------------------


def _lambda(node: Lambda, fields: Filterable) -> Test:
    if node.path == ("categories",) and node.kind == "any" and "categories" in TYPES[fields.type_name]:
        return _category(node)
    if node.path == ("singleValueExtendedProperties",) and node.kind == "any" and node.body is not None:
        return _extended(node)
    if len(node.path) == 1 and node.path[0] in fields.lists and node.kind == "any":
        return _element(node, fields.lists[node.path[0]])
    raise invalid_nodes()


def _element(node: Lambda, names: frozenset[str]) -> Test:
    """``list/any(x: x/name eq '…')``: equality of one property, as seen for addresses."""
    body, name = node.body, node.path[0]
    if not isinstance(body, Comparison) or body.operator != "eq" or not isinstance(body.right, Literal):
        raise invalid_nodes()
    if not isinstance(body.left, Path) or body.left.parts[0] != node.variable or len(body.left.parts) != 2:
        raise invalid_nodes()
    part, wanted = body.left.parts[1], str(body.right.value).lower()
    if part not in names:
        raise invalid_nodes()
    return lambda row: any(str(each.get(part) or "").lower() == wanted for each in row["shown"].get(name, []))


def _category(node: Lambda) -> Test:
    """Only equality; Exchange refuses ``startsWith`` and the like here."""
    if node.body is None:
        return lambda row: bool(row["shown"]["categories"])
    parts = (
        node.body.parts if isinstance(node.body, Junction) and node.body.operator == "or" else (node.body,)
    )
    wanted = set()
    for part in parts:
        equal = isinstance(part, Comparison) and part.operator == "eq" and part.left == Path((node.variable,))
        if not equal or not isinstance(part, Comparison) or not isinstance(part.right, Literal):
            raise invalid_nodes()
        wanted.add(str(part.right.value).lower())
    return lambda row: any(name.lower() in wanted for name in row["shown"]["categories"])


def _extended(node: Lambda) -> Test:
    """``ep/id eq '…' and ep/value …``: the id names one property, the rest tests its value."""
    body = node.body
    parts = body.parts if isinstance(body, Junction) and body.operator == "and" else (body,)
    named = [part for part in parts if isinstance(part, Comparison) and _is(part.left, node, "id")]
    if len(named) != 1 or named[0].operator != "eq" or not isinstance(named[0].right, Literal):
        raise invalid_nodes()
    identifier = extended_properties.normal_id(str(named[0].right.value))
    tests = [_value_test(part, node) for part in parts if part is not named[0]]
    return lambda row: (
        all(test(row["extended"].get(identifier)) for test in tests)
        and (bool(tests) or identifier in row["extended"])
    )


def _is(operand: Operand, node: Lambda, name: str) -> bool:
    return operand == Path((node.variable, name))


def _value_test(part: Node | None, node: Lambda) -> Callable[[str | None], bool]:
    if isinstance(part, StringTest) and _is(part.operand, node, "value"):
        if not isinstance(part.argument, Literal) or part.function == "endswith":
            raise invalid_nodes()
        wanted, function = str(part.argument.value).lower(), _STRINGS[part.function]
        return lambda value: value is not None and function(value.lower(), wanted)
    if not isinstance(part, Comparison) or not isinstance(part.right, Literal):
        raise invalid_nodes()
    if isinstance(part.left, Cast) and _is(part.left.operand, node, "value"):
        return _number_test(part.operator, part.right.value)
    if not _is(part.left, node, "value") or part.operator not in ("eq", "ne"):
        raise invalid_nodes()
    return _text_test(part.operator, part.right.value)


def _number_test(name: str, wanted: Any) -> Callable[[str | None], bool]:
    if not isinstance(wanted, int | float):
        raise _incompatible("Edm.Double")
    compare = _OPERATORS[name]

    def test(value: str | None) -> bool:
        try:
            return value is not None and compare(float(value), wanted)
        except ValueError:
            return False

    return test


def _text_test(name: str, wanted: Any) -> Callable[[str | None], bool]:
    """A property that is absent equals null only; a comparison with a text never finds it."""
    if wanted is None:
        return (lambda value: value is None) if name == "eq" else (lambda value: value is not None)
    if not isinstance(wanted, str):
        raise _incompatible("Edm.String")
    folded = wanted.lower()
    if name == "eq":
        return lambda value: value is not None and value.lower() == folded
    return lambda value: value is not None and value.lower() != folded
