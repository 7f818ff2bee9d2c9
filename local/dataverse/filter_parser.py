"""Parses ``$filter``: comparisons, functions, ``any``/``all`` and Dataverse's query functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from local.dataverse.conditions import (
    NUMBER_OPERAND,
    OPERATORS,
    check_column,
    check_operand_count,
    number_of_units,
)
from local.dataverse.errors import Refusal, refuse
from local.dataverse.filters import Condition, Expression, Group, Lambda, negate
from local.dataverse.odata_text import Token, syntax_error, tokens
from local.dataverse.schema import Column, Table
from local.dataverse.tables import TABLES

COMPARISONS = ("eq", "ne", "gt", "ge", "lt", "le")
TEXT_FUNCTIONS = {"contains": "contains", "startswith": "begins-with", "endswith": "ends-with"}
NAMESPACE = "Microsoft.Dynamics.CRM."
# Query functions are the FetchXML operators in camel case, apart from these.
FUNCTION_NAMES: Mapping[str, str] = {
    "EqualUserId": "eq-userid",
    "NotEqualUserId": "ne-userid",
    "EqualUserTeams": "eq-userteams",
    "EqualUserOrUserTeams": "eq-useroruserteams",
    "EqualBusinessId": "eq-businessid",
    "NotEqualBusinessId": "ne-businessid",
}
ACCEPTED: Mapping[str, frozenset[str]] = {
    "string": frozenset({"text"}),
    "memo": frozenset({"text"}),
    "datetime": frozenset({"date-time", "date"}),
    "date": frozenset({"date"}),
    "guid": frozenset({"guid"}),
    "lookup": frozenset({"guid"}),
    "boolean": frozenset({"name"}),
}
NUMBERS = frozenset({"number"})


def parse_filter(text: str, table: Table) -> Expression:
    parser = FilterParser(tokens(text), table)
    expression = parser.disjunction()
    parser.expect("end", "")
    return expression


class FilterParser:
    """Recursive descent over the tokens; ``variables`` are the range variables of lambdas."""

    def __init__(self, found: list[Token], table: Table) -> None:
        self._tokens = found
        self._at = 0
        self._root = table
        self._variables: dict[str, Table] = {}

    # --- grammar --------------------------------------------------------------------------------

    def disjunction(self) -> Expression:
        return self._chain("or", lambda: self._chain("and", self._negation))

    def _chain(self, word: Literal["and", "or"], part: Any) -> Expression:
        parts: list[Expression] = [part()]
        while self._peek().text == word:
            self._next()
            parts.append(part())
        return parts[0] if len(parts) == 1 else Group(word, tuple(parts))

    def _negation(self) -> Expression:
        if self._peek().text == "not":
            self._next()
            return negate(self._negation())
        if self._peek().text == "(":
            self._next()
            inner = self.disjunction()
            self.expect("punctuation", ")")
            return inner
        return self._primary()

    def _primary(self) -> Expression:
        token = self.expect("name")
        if token.text.startswith(NAMESPACE):
            return self._query_function(token.text.removeprefix(NAMESPACE))
        if self._peek().text == "(":
            return self._text_function(token.text)
        path, table, last = self._walk(token.text)
        if last in ("any", "all") and self._peek().text == "(":
            return self._lambda(path, last)
        return self._comparison(tuple(path), self._column(table, last))

    def _comparison(self, path: tuple[str, ...], column: Column) -> Expression:
        operator = self.expect("name").text
        if operator not in COMPARISONS:
            raise syntax_error(f"'{operator}' is not a comparison operator.")
        literal = self._next()
        if literal.text == "null" and operator in ("eq", "ne"):
            return Condition(path, column, "null" if operator == "eq" else "not-null", ())
        return Condition(path, column, operator, (self._operand(column, literal),))

    def _text_function(self, name: str) -> Expression:
        if name not in TEXT_FUNCTIONS:
            raise refuse("InvalidQuery", message=f"An unknown function with name '{name}' was found.")
        self.expect("punctuation", "(")
        path, table, last = self._walk(self.expect("name").text)
        column = self._column(table, last)
        if column.type not in ("string", "memo"):
            raise refuse("InvalidQuery", message=f"{name} needs a text column, not '{last}'.")
        self.expect("punctuation", ",")
        literal = self.expect("text")
        self.expect("punctuation", ")")
        return Condition(tuple(path), column, TEXT_FUNCTIONS[name], (literal.value,))

    def _query_function(self, name: str) -> Expression:
        spelled = re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
        operator = FUNCTION_NAMES.get(name) or spelled.replace("older-than-", "olderthan-")
        if operator not in OPERATORS:
            raise refuse("InvalidQuery", message=f"The query function '{NAMESPACE}{name}' is not supported.")
        self.expect("punctuation", "(")
        column_name, literals = self._arguments()
        column = self._column(self._root, column_name)
        operands = tuple(self._argument(column, operator, literal) for literal in literals)
        check_operand_count(operator, operands)
        check_column(operator, column)
        return Condition((), column, operator, operands)

    def _arguments(self) -> tuple[str, list[Token]]:
        name, literals = "", []
        while True:
            argument = self.expect("name").text
            self.expect("punctuation", "=")
            if argument == "PropertyName":
                name = str(self.expect("text").value)
            elif argument == "PropertyValue":
                literals = [self._next()]
            elif argument == "PropertyValues":
                literals = self._array()
            else:
                raise syntax_error(f"unknown parameter '{argument}'.")
            if self._next().text == ")":
                return name, literals

    def _array(self) -> list[Token]:
        self.expect("punctuation", "[")
        found: list[Token] = []
        while self._peek().text != "]":
            found.append(self._next())
            if self._peek().text == ",":
                self._next()
        self._next()
        return found

    def _lambda(self, path: list[str], kind: str) -> Expression:
        table = self._table_of(path[:-1])
        collection = table.collection_navigation[path[-1]]
        self.expect("punctuation", "(")
        body: Expression | None = None
        if self._peek().text != ")":
            variable = self.expect("name").text
            self.expect("punctuation", ":")
            self._variables[variable] = TABLES[collection.table]
            body = self.disjunction()
            del self._variables[variable]
        self.expect("punctuation", ")")
        return Lambda(tuple(path[:-1]), collection, "any" if kind == "any" else "all", body)

    # --- names ----------------------------------------------------------------------------------

    def _walk(self, first: str) -> tuple[list[str], Table, str]:
        """``a/b/c`` as the navigation steps, the table they end in, and the last name."""
        names = [first]
        while self._peek().text == "/":
            self._next()
            names.append(self.expect("name").text)
        table = self._root
        if self._variables:
            if names[0] not in self._variables:
                raise _unknown_property(names[0], self._root)
            table = self._variables[names.pop(0)]
            if not names:
                raise syntax_error("a range variable cannot be compared itself.")
        path: list[str] = []
        for name in names[:-1]:
            path.append(name)
            if name in table.collection_navigation and names[-1] in ("any", "all") and name == names[-2]:
                break
            table = self._step(table, name)
        return path, table, names[-1]

    @staticmethod
    def _step(table: Table, name: str) -> Table:
        if name not in table.single_navigation:
            raise _unknown_property(name, table)
        return TABLES[table.single_navigation[name][1][0]]

    def _table_of(self, path: list[str]) -> Table:
        table = list(self._variables.values())[-1] if self._variables else self._root
        for name in path:
            table = self._step(table, name)
        return table

    @staticmethod
    def _column(table: Table, name: str) -> Column:
        column = table.by_property.get(name)
        if column is None:
            raise _unknown_property(name, table)
        return column

    # --- literals and tokens --------------------------------------------------------------------

    @staticmethod
    def _operand(column: Column, literal: Token) -> Any:
        if literal.kind not in ACCEPTED.get(column.type, NUMBERS):
            message = (
                "A binary operator with incompatible types was detected. Found operand types "
                f"'{column.edm_type}' and '{literal.kind}' for '{column.property_name}'."
            )
            raise refuse("InvalidQuery", message=message)
        if column.type == "boolean" and not isinstance(literal.value, bool):
            raise _unknown_property(literal.text, None)
        if column.type == "datetime" and literal.kind == "date":
            return f"{literal.value}T00:00:00Z"
        return literal.value

    def _argument(self, column: Column, operator: str, literal: Token) -> Any:
        """Query functions take every value quoted or bare."""
        if operator in NUMBER_OPERAND:
            return number_of_units(operator, str(literal.value))
        if literal.kind != "text":
            return self._operand(column, literal)
        if column.type in ("string", "memo"):
            return literal.value
        return self._operand(column, tokens(str(literal.value))[0])

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._tokens[self._at]
        if token.kind != "end":
            self._at += 1
        return token

    def expect(self, kind: str, text: str | None = None) -> Token:
        token = self._next()
        if token.kind != kind or (text is not None and token.text != text):
            raise syntax_error(f"found '{token.text}' where '{text or kind}' was expected.")
        return token


def _unknown_property(name: str, table: Table | None) -> Refusal:
    kind = f"Microsoft.Dynamics.CRM.{table.name}" if table else "the filter"
    return refuse("InvalidQuery", message=f"Could not find a property named '{name}' on type '{kind}'.")
