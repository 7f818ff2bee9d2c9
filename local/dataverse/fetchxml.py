"""Reads FetchXML. What is not known is refused."""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from local.dataverse.conditions import Context
from local.dataverse.errors import refuse
from local.dataverse.fetch_conditions import Aliases, column_of, condition, filter_kind
from local.dataverse.fetch_model import (
    Fetch,
    FetchCondition,
    FetchEntity,
    FetchExists,
    FetchFilter,
    FetchOrder,
    invalid,
)
from local.dataverse.schema import Table
from local.dataverse.tables import TABLES

MOST_LINKS = 15
MOST_ROWS = 5000
# As a condition a link is asked for, or asked not to be there; beside the joins it stands in the entity.
IN_FILTER = {"any": True, "not any": False}
IN_ENTITY = frozenset({"exists", "in"})
AGGREGATION = ("aggregate", "groupby", "dategrouping")


def parse_fetch(text: str, context: Context) -> Fetch:
    try:
        root = ElementTree.fromstring(text)
    except (ParseError, DefusedXmlException) as error:
        raise invalid(str(error)) from error
    if root.tag != "fetch" or len(root) != 1 or root[0].tag != "entity":
        raise invalid("a fetch element with exactly one entity was expected.")
    if root.get("aggregate") == "true":
        raise refuse("NotInStandIn", feature="aggregate FetchXML queries")
    if sum(1 for _ in root.iter("link-entity")) > MOST_LINKS:
        raise refuse("TooManyLinks")
    entity = _FetchReader(context).entity(root[0], _table(root[0].get("name", "")))
    return _paged(root, entity)


def _paged(root: Element, entity: FetchEntity) -> Fetch:
    top, count, page = (_number(root, name) for name in ("top", "count", "page"))
    if top is not None and (count or page):
        raise invalid("the attribute 'top' cannot be used together with paging.")
    if top is not None and top > MOST_ROWS:
        raise invalid(f"'{top}' is more than {MOST_ROWS} rows.")
    _check_cookie(root.get("paging-cookie"), page or 1)
    return Fetch(
        entity,
        distinct=root.get("distinct") in ("true", "1"),
        top=top,
        count=count,
        page=page or 1,
        total=root.get("returntotalrecordcount") == "true",
    )


def _check_cookie(text: str | None, page: int) -> None:
    """The cookie of the page before, decoded; what it says is not needed here."""
    if text is None:
        return
    try:
        cookie = ElementTree.fromstring(text)
    except (ParseError, DefusedXmlException) as error:
        raise invalid("Malformed XML in the Paging Cookie") from error
    if cookie.tag != "cookie" or cookie.get("page") != str(page - 1):
        raise invalid("the paging cookie is not that of the page before.")


class _FetchReader:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._aliases = Aliases()

    def entity(self, element: Element, table: Table, alias: str = "") -> FetchEntity:
        """Links first: filters may speak of them, wherever they stand."""
        found = FetchEntity(table, alias)
        self._aliases.add(alias, table)
        exists: list[FetchCondition | FetchExists | FetchFilter] = []
        for child in element.findall("link-entity"):
            if child.get("link-type") in IN_ENTITY:
                exists.append(FetchExists(self._link(child, table), wanted=True))
            else:
                found.links.append(self._join(child, table))
        filters = [self._filter(child, table, alias) for child in element.findall("filter")]
        parts = (*filters, *exists)
        if parts:
            found.filter = filters[0] if len(filters) == 1 == len(parts) else FetchFilter("and", parts)
        for child in element:
            self._simple(child, found)
        return found

    def _simple(self, child: Element, found: FetchEntity) -> None:
        if child.tag == "attribute":
            if any(name in child.attrib for name in AGGREGATION):
                raise refuse("NotInStandIn", feature="aggregate FetchXML queries")
            found.columns.append((column_of(found.table, child.get("name", "")), child.get("alias", "")))
        elif child.tag == "all-attributes":
            found.columns += [(column, "") for column in found.table.columns]
        elif child.tag == "order":
            found.orders.append(_order(child, found.table))
        elif child.tag not in ("link-entity", "filter"):
            raise invalid(f"the element '{child.tag}' is not supported.")

    def _join(self, element: Element, parent: Table) -> FetchEntity:
        kind = element.get("link-type", "inner")
        if kind not in ("inner", "outer"):
            raise refuse("FetchJoin", name=kind)
        link = self._link(element, parent)
        link.outer = kind == "outer"
        return link

    def _link(self, element: Element, parent: Table) -> FetchEntity:
        table = _table(element.get("name", ""))
        link = self.entity(element, table, self._aliases.for_link(element.get("alias"), table))
        link.source = column_of(table, element.get("from", ""))
        link.target = column_of(parent, element.get("to", ""))
        return link

    def _filter(self, element: Element, table: Table, alias: str) -> FetchFilter:
        if element.get("isquickfindfields") in ("1", "true"):
            raise refuse("NotInStandIn", feature="quick find filters")
        return FetchFilter(filter_kind(element), tuple(self._part(child, table, alias) for child in element))

    def _part(self, child: Element, table: Table, alias: str) -> FetchCondition | FetchExists | FetchFilter:
        if child.tag == "filter":
            return self._filter(child, table, alias)
        if child.tag == "condition":
            return condition(child, table, self._aliases, self._context)
        if child.tag == "link-entity":
            return self._exists(child, table)
        raise invalid(f"the element '{child.tag}' is not supported in a filter.")

    def _exists(self, element: Element, parent: Table) -> FetchExists:
        kind = element.get("link-type", "inner")
        if kind in ("all", "not all"):
            raise refuse("NotInStandIn", feature=f"the link-type '{kind}'")
        if kind not in IN_FILTER:
            raise refuse("FetchJoin", name=kind)
        link = self._link(element, parent)
        if link.columns or link.orders:
            raise invalid(f"a link-entity of link-type '{kind}' cannot return columns.")
        return FetchExists(link, IN_FILTER[kind])


def _order(element: Element, table: Table) -> FetchOrder:
    if "entityname" in element.attrib or "alias" in element.attrib:
        raise refuse("NotInStandIn", feature="an order by entityname or alias")
    return FetchOrder(column_of(table, element.get("attribute", "")), element.get("descending") == "true")


def _table(name: str) -> Table:
    table = TABLES.get(name)
    if table is None:
        raise refuse("FetchNoEntity", name=name)
    return table


def _number(element: Element, name: str) -> int | None:
    text = element.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise invalid(f"'{text}' is not valid for '{name}'.")
    return int(text)
