"""Conditions in FetchXML: which column of which entity, and the values in the forms that rows hold."""

from __future__ import annotations

from typing import Any, Literal
from xml.etree.ElementTree import Element

from local.dataverse.conditions import (
    NUMBER_OPERAND,
    OPERATORS,
    TEXT_OPERATORS,
    Context,
    check_column,
    check_operand_count,
    number_of_units,
)
from local.dataverse.errors import refuse
from local.dataverse.fetch_model import FetchCondition, invalid
from local.dataverse.fetch_values import operand
from local.dataverse.schema import Column, Table

# Full-text search needs an index that no table here has.
NOT_HERE = frozenset({"contains", "not-contains"})
NAME = "name"
COMPARE_COLUMNS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})


class Aliases:
    """The entities of a query by alias; a link without one is known by its table's name too."""

    def __init__(self) -> None:
        self._tables: dict[str, Table] = {}
        self._unnamed: dict[str, str] = {}

    def add(self, alias: str, table: Table) -> None:
        self._tables[alias] = table

    def for_link(self, alias: str | None, table: Table) -> str:
        if alias is None:
            alias = f"{table.name}{len(self._tables)}"
            self._unnamed[table.name] = alias
        if alias in self._tables:
            raise invalid(f"the alias '{alias}' is used more than once.")
        return alias

    def find(self, name: str) -> tuple[str, Table]:
        alias = name if name in self._tables else self._unnamed.get(name, name)
        if alias not in self._tables:
            raise invalid(f"no link-entity has the alias '{name}'.")
        return alias, self._tables[alias]


def condition(element: Element, table: Table, aliases: Aliases, context: Context) -> FetchCondition:
    name = element.get("entityname", "")
    alias, holder = aliases.find(name) if name else ("", table)
    column = _compared(holder, element.get("attribute", ""))
    operator = element.get("operator", "")
    if operator not in OPERATORS or operator in NOT_HERE:
        raise refuse("FetchOperator", operator=operator)
    if "valueof" in element.attrib:
        other = _other(element.attrib["valueof"], table, aliases, column, operator)
        return FetchCondition(alias, column.name, column, operator, (), other)
    texts = [value.text or "" for value in element if value.tag == "value"]
    if "value" in element.attrib:
        texts.insert(0, element.attrib["value"])
    check_operand_count(operator, texts)
    check_column(operator, column)
    operands = tuple(_operand(column, operator, text, context) for text in texts)
    return FetchCondition(alias, column.name, column, operator, operands)


def filter_kind(element: Element) -> Literal["and", "or"]:
    kind = element.get("type", "and")
    if kind not in ("and", "or"):
        raise refuse("FetchFilterType", name=kind)
    return "or" if kind == "or" else "and"


def column_of(table: Table, name: str) -> Column:
    column = table.by_name.get(name)
    if column is None:
        raise refuse("FetchNoAttribute", table=table.name, name=name)
    return column


def _compared(table: Table, name: str) -> Column:
    """A column, or what a look-up's row is called: ``parentcustomeridname``, as Advanced Find writes it."""
    looked_up = table.by_name.get(name.removesuffix(NAME)) if name.endswith(NAME) else None
    if name not in table.by_name and looked_up is not None and looked_up.type == "lookup":
        return Column(name, "string")
    return column_of(table, name)


def _other(text: str, table: Table, aliases: Aliases, column: Column, operator: str) -> tuple[str, Column]:
    """The other column of a comparison: of the same entity, or ``alias.column``."""
    if operator not in COMPARE_COLUMNS:
        raise refuse("FetchOperator", operator=f"{operator} with valueof")
    name, dot, attribute = text.partition(".")
    alias, holder = aliases.find(name) if dot else ("", table)
    other = column_of(holder, attribute if dot else name)
    if other.type != column.type:
        raise invalid(f"'{column.name}' and '{other.name}' are not of the same type.")
    return alias, other


def _operand(column: Column, operator: str, text: str, context: Context) -> Any:
    if operator in NUMBER_OPERAND:
        return number_of_units(operator, text)
    if operator in TEXT_OPERATORS:
        return text
    return operand(column, text, context.zone)
