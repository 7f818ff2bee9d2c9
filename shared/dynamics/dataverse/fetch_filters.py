"""FetchXML of sync filters as trees: read safely, compared with the product's own templates, and narrowed
to what is asked without changing what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from shared.dynamics.dataverse.odata import guid
from shared.model.appointment import APPOINTMENT, SERIES, SERVICE, SERVICE_ROLES
from shared.model.party import ParticipationType
from shared.model.personal import PERSONAL_TABLES

PAGE = 5000
PAGING = ("top", "count", "page", "paging-cookie", "distinct", "returntotalrecordcount")
"""Attributes of a fetch that say how much is shown of what it finds, and how often, not what it finds."""
SHOWN = ("attribute", "all-attributes", "order")
"""Elements that say what is shown of a row, and in which order."""

Condition = tuple[str, str, frozenset[str]]
MINE: Condition = ("ownerid", "eq-userid", frozenset())
OPEN: Condition = ("statecode", "in", frozenset({"0"}))
ME: Condition = ("partyid", "eq-userid", frozenset())
ROLE = "participationtypemask"
_ATTENDING = frozenset({ParticipationType.REQUIRED, ParticipationType.OPTIONAL, ParticipationType.ORGANIZER})


class UnreadableFilter(ValueError):  # noqa: N818 - it is what it says
    """Not the FetchXML of a filter: the message says why."""


# --- reading --------------------------------------------------------------------------------------


def parse(text: str, table: str) -> Element:
    """The ``fetch`` element. A document type, which alone can declare entities, has no place in it and is
    refused before a parser sees it."""
    try:
        if "<!DOCTYPE" in text:
            raise UnreadableFilter("it declares a document type")
        root = ElementTree.fromstring(text)  # noqa: S314 - no document type, so no entities
    except ElementTree.ParseError:
        raise UnreadableFilter("it is no XML") from None
    if root.tag != "fetch" or [child.tag for child in root] != ["entity"]:
        raise UnreadableFilter("it is no query of one table")
    if root[0].get("name") != table:
        raise UnreadableFilter(f"it is a query of another table than {table}")
    if root.get("aggregate") in ("true", "1"):
        raise UnreadableFilter("it counts or sums instead of choosing rows")
    return root


# --- comparing ------------------------------------------------------------------------------------


def is_usual(fetch: Element, table: str) -> bool:
    """Whether it says no more and no less than the product's own template of the table: one's own open rows
    (FLT-7, FLT-9), or what one takes part in (FLT-8), of appointments at least all that one organizes."""
    if fetch.get("top") is not None:
        return False
    try:
        conditions = _conditions(fetch[0])
    except _Unusual:
        return False
    own, links = conditions.pop("", frozenset()), list(conditions.values())
    if table in PERSONAL_TABLES:
        return own == {MINE, OPEN} and not links
    if own or len(links) != 1 or ME not in links[0] or len(links[0]) != 2:
        return False
    ((column, operator, values),) = links[0] - {ME}
    return column == ROLE and operator == "in" and _are_usual_roles(values, table)


def _are_usual_roles(values: frozenset[str], table: str) -> bool:
    if not all(value.isdecimal() for value in values):
        return False
    roles = frozenset(int(value) for value in values)
    if table == SERVICE:
        return roles == frozenset(int(role) for role in SERVICE_ROLES)
    return table in (APPOINTMENT, SERIES) and int(ParticipationType.ORGANIZER) in roles <= _ATTENDING


class _Unusual(Exception):  # noqa: N818 - it is what it says
    """Something that no template of the product has."""


def _conditions(entity: Element) -> dict[str, frozenset[Condition]]:
    """The conditions that all must hold: under "" those of the entity, under its alias those of a link."""
    found: dict[str, set[Condition]] = {"": set()}
    for child in entity:
        if child.tag == "link-entity":
            alias = child.get("alias") or child.get("name") or ""
            if not _joins_parties(child) or alias in found:
                raise _Unusual
            found[alias] = set()
    for child in entity:
        alias = (child.get("alias") or child.get("name") or "") if child.tag == "link-entity" else ""
        for part in child if child.tag == "link-entity" else (child,):
            if part.tag in SHOWN:
                continue
            for condition in _all_of(part):
                found.setdefault(condition.get("entityname") or alias, set()).add(_canonical(condition))
    return {alias: frozenset(conditions) for alias, conditions in found.items()}


def _joins_parties(link: Element) -> bool:
    """The inner join of an activity with its parties."""
    said = (link.get("name"), link.get("from"), link.get("to"), link.get("link-type", "inner"))
    return said == ("activityparty", "activityid", "activityid", "inner")


def _all_of(part: Element) -> Iterator[Element]:
    """The conditions of a filter whose filters are all of kind "and", or have one part only."""
    if part.tag == "condition":
        yield part
        return
    if part.tag != "filter" or (part.get("type", "and") != "and" and len(part) > 1):
        raise _Unusual
    for child in part:
        yield from _all_of(child)


def _canonical(condition: Element) -> Condition:
    """An equal value is one of one value. The names that an editor notes beside values say nothing."""
    values = [child.text or "" for child in condition if child.tag == "value"]
    values += [condition.attrib["value"]] if "value" in condition.attrib else []
    operator = condition.get("operator", "")
    if "valueof" in condition.attrib:
        raise _Unusual
    canonical = "in" if operator == "eq" else operator
    return condition.get("attribute", ""), canonical, frozenset(value.strip() for value in values)


# --- narrowing ------------------------------------------------------------------------------------


def limit_of(fetch: Element) -> str | None:
    """``top``: the first so many rows only. It goes neither with pages nor with a narrower question."""
    return fetch.get("top")


def narrowed(
    fetch: Element,
    key: str,
    columns: Iterable[str],
    ids: Sequence[str] | None,
    page: int = 1,
    cookie: str = "",
) -> str:
    """The same rows, of these ids only (None: all), with these columns, page by page. What a join finds
    several times comes several times: a distinct row would come without its version."""
    query = deepcopy(fetch)
    for name in PAGING:
        query.attrib.pop(name, None)
    query.set("count", str(PAGE))
    query.set("page", str(page))
    if cookie:
        query.set("paging-cookie", cookie)
    entity = query[0]
    _show(entity, columns)
    ElementTree.SubElement(entity, "order", {"attribute": key})
    if ids is not None:
        _restrict(entity, key, ids)
    return _text(query)


def limited(fetch: Element, key: str) -> str:
    """A query with a limit as it is, and its rows' ids in any case: what it shows and in which order decides
    what is within the limit."""
    query = deepcopy(fetch)
    for name in PAGING:
        if name not in ("top", "distinct"):
            query.attrib.pop(name, None)
    query[0].append(Element("attribute", {"name": key}))
    return _text(query)


def of_ids(table: str) -> Element:
    """A query of a table that has no condition yet."""
    fetch = Element("fetch")
    ElementTree.SubElement(fetch, "entity", {"name": table})
    return fetch


def _show(entity: Element, columns: Iterable[str]) -> None:
    """Show these columns of the entity, and none of what is linked to it."""
    for holder in [entity, *entity.iter("link-entity")]:
        for child in [each for each in holder if each.tag in SHOWN]:
            holder.remove(child)
    for position, column in enumerate(columns):
        entity.insert(position, Element("attribute", {"name": column}))


def _restrict(entity: Element, key: str, ids: Sequence[str]) -> None:
    """One filter around what is there: the ids and all that was asked before."""
    outer = Element("filter", {"type": "and"})
    among = ElementTree.SubElement(outer, "condition", {"attribute": key, "operator": "in"})
    for row_id in ids:
        ElementTree.SubElement(among, "value").text = guid(row_id)
    for present in entity.findall("filter"):
        entity.remove(present)
        outer.append(present)
    entity.append(outer)


def _text(query: Element) -> str:
    return ElementTree.tostring(query, encoding="unicode")
