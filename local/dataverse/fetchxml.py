"""FetchXML as data: entity, columns, filters, links, order, paging. What is not known is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from local.dataverse.conditions import (
    NUMBER_OPERAND,
    OPERATORS,
    TEXT_OPERATORS,
    Context,
    check_column,
    check_operand_count,
    number_of_units,
)
from local.dataverse.errors import Refusal, refuse
from local.dataverse.fetch_values import operand
from local.dataverse.schema import Column, Table
from local.dataverse.tables import TABLES


@dataclass(frozen=True)
class FetchCondition:
    """``alias`` names the linked entity it is about; empty: the one whose filter it stands in."""

    alias: str
    attribute: str
    column: Column
    operator: str
    operands: tuple[Any, ...]


@dataclass(frozen=True)
class FetchFilter:
    kind: Literal["and", "or"]
    parts: tuple[FetchCondition | FetchFilter, ...]


@dataclass(frozen=True)
class FetchOrder:
    column: Column
    descending: bool


@dataclass
class FetchEntity:
    """The root entity or a linked one; a linked one is joined ``source`` (here) to ``target`` (parent)."""

    table: Table
    alias: str = ""
    columns: list[tuple[Column, str]] = field(default_factory=list)
    filter: FetchFilter | None = None
    links: list[FetchEntity] = field(default_factory=list)
    orders: list[FetchOrder] = field(default_factory=list)
    source: Column | None = None
    target: Column | None = None
    outer: bool = False


@dataclass
class Fetch:
    entity: FetchEntity
    distinct: bool
    top: int | None
    count: int | None
    page: int
    total: bool


def invalid(message: str) -> Refusal:
    return refuse("InvalidQuery", message=f"Invalid FetchXML: {message}")


def parse_fetch(text: str, context: Context) -> Fetch:
    try:
        root = ElementTree.fromstring(text)
    except (ParseError, DefusedXmlException) as error:
        raise invalid(str(error)) from error
    if root.tag != "fetch" or len(root) != 1 or root[0].tag != "entity":
        raise invalid("a fetch element with exactly one entity was expected.")
    if root.get("aggregate") == "true":
        raise refuse("NotInStandIn", feature="aggregate FetchXML queries")
    entity = _FetchReader(context).entity(root[0], _table(root[0].get("name", "")))
    return Fetch(
        entity,
        distinct=root.get("distinct") in ("true", "1"),
        top=_number(root, "top"),
        count=_number(root, "count"),
        page=_number(root, "page") or 1,
        total=root.get("returntotalrecordcount") == "true",
    )


class _FetchReader:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._aliases: dict[str, Table] = {}

    def entity(self, element: Element, table: Table, alias: str = "") -> FetchEntity:
        found = FetchEntity(table, alias)
        self._aliases[alias] = table
        for child in element:
            if child.tag == "link-entity":
                found.links.append(self._link(child, table))
        filters = [self._filter(child, table) for child in element if child.tag == "filter"]
        if filters:
            found.filter = filters[0] if len(filters) == 1 else FetchFilter("and", tuple(filters))
        for child in element:
            self._simple(child, found)
        return found

    def _simple(self, child: Element, found: FetchEntity) -> None:
        if child.tag == "attribute":
            column = _column(found.table, child.get("name", ""))
            found.columns.append((column, child.get("alias", "")))
        elif child.tag == "all-attributes":
            found.columns += [(column, "") for column in found.table.columns]
        elif child.tag == "order":
            column = _column(found.table, child.get("attribute", ""))
            found.orders.append(FetchOrder(column, child.get("descending") == "true"))
        elif child.tag not in ("link-entity", "filter"):
            raise invalid(f"the element '{child.tag}' is not supported.")

    def _link(self, element: Element, parent: Table) -> FetchEntity:
        table = _table(element.get("name", ""))
        kind = element.get("link-type", "inner")
        if kind not in ("inner", "outer"):
            raise invalid(f"the link-type '{kind}' is not supported.")
        alias = element.get("alias") or f"{table.name}{len(self._aliases)}"
        if alias in self._aliases:
            raise invalid(f"the alias '{alias}' is used more than once.")
        link = self.entity(element, table, alias)
        link.source = _column(table, element.get("from", ""))
        link.target = _column(parent, element.get("to", ""))
        link.outer = kind == "outer"
        return link

    def _filter(self, element: Element, table: Table) -> FetchFilter:
        kind = element.get("type", "and")
        if kind not in ("and", "or"):
            raise invalid(f"the filter type '{kind}' is not supported.")
        parts: list[FetchCondition | FetchFilter] = []
        for child in element:
            if child.tag == "filter":
                parts.append(self._filter(child, table))
            elif child.tag == "condition":
                parts.append(self._condition(child, table))
            else:
                raise invalid(f"the element '{child.tag}' is not supported in a filter.")
        return FetchFilter("or" if kind == "or" else "and", tuple(parts))

    def _condition(self, element: Element, table: Table) -> FetchCondition:
        alias = element.get("entityname", "")
        if alias and alias not in self._aliases:
            raise invalid(f"no link-entity has the alias '{alias}'.")
        holder = self._aliases[alias] if alias else table
        name = element.get("attribute", "")
        column = _column(holder, name)
        operator = element.get("operator", "")
        if operator not in OPERATORS or operator in ("contains", "not-contains"):
            raise invalid(f"the condition operator '{operator}' is not supported.")
        if "valueof" in element.attrib:
            raise refuse("NotInStandIn", feature="comparing columns with valueof")
        texts = [value.text or "" for value in element if value.tag == "value"]
        if "value" in element.attrib:
            texts.insert(0, element.attrib["value"])
        check_operand_count(operator, texts)
        check_column(operator, column)
        operands = tuple(self._operand(column, operator, text) for text in texts)
        return FetchCondition(alias, name, column, operator, operands)

    def _operand(self, column: Column, operator: str, text: str) -> Any:
        if operator in NUMBER_OPERAND:
            return number_of_units(operator, text)
        if operator in TEXT_OPERATORS:
            return text
        return operand(column, text, self._context.zone)


def _table(name: str) -> Table:
    table = TABLES.get(name)
    if table is None:
        message = f"The entity with a name = '{name}' was not found in the MetadataCache."
        raise refuse("InvalidQuery", message=message)
    return table


def _column(table: Table, name: str) -> Column:
    column = table.by_name.get(name)
    if column is None:
        message = f"'{table.name}' entity doesn't contain attribute with Name = '{name}'."
        raise refuse("InvalidQuery", message=message)
    return column


def _number(element: Element, name: str) -> int | None:
    text = element.get(name)
    if text is None:
        return None
    if not text.isdigit() or int(text) == 0:
        raise invalid(f"'{text}' is not valid for '{name}'.")
    return int(text)
