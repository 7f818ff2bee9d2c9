"""Microsoft's own schemas of Dataverse, as far as tests compare with them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from defusedxml import ElementTree

DATA = Path(__file__).parents[1] / "data" / "dataverse"
EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
CDM_NAMES = {"User": "systemuser", "ActivityParty": "activityparty"}


@dataclass
class EntityType:
    """Properties with their types and navigation properties with theirs, inherited ones included."""

    properties: dict[str, str] = field(default_factory=dict)
    navigation: dict[str, str] = field(default_factory=dict)


@cache
def entity_types() -> dict[str, EntityType]:
    root = ElementTree.parse(DATA / "dataverse-online-2022-10.subset.csdl.xml").getroot()
    elements = {element.get("Name"): element for element in root.iter(f"{EDM}EntityType")}
    return {name: _entity_type(name, elements) for name in elements}


def _entity_type(name: str, elements: dict[str, Any]) -> EntityType:
    element = elements[name]
    base = (element.get("BaseType") or "").removeprefix("mscrm.")
    found = _entity_type(base, elements) if base else EntityType()
    for each in element.findall(f"{EDM}Property"):
        found.properties[each.get("Name")] = each.get("Type")
    for each in element.findall(f"{EDM}NavigationProperty"):
        found.navigation[each.get("Name")] = each.get("Type").replace("mscrm.", "")
    return found


@cache
def entity_sets() -> dict[str, str]:
    root = ElementTree.parse(DATA / "dataverse-online-2022-10.subset.csdl.xml").getroot()
    sets = root.iter(f"{EDM}EntitySet")
    return {each.get("EntityType").rpartition(".")[2]: each.get("Name") for each in sets}


@cache
def cdm_attributes() -> dict[str, dict[str, dict[str, Any]]]:
    """Table -> column -> what the Common Data Model says about it."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for entity in json.loads((DATA / "cdm-attributes-and-options.json").read_text())["entities"]:
        name = CDM_NAMES.get(entity["entity"], entity["entity"].lower())
        for attribute in entity["attributes"]:
            found.setdefault(name, {})[attribute["sourceName"]] = attribute
    return found


def check_answer(body: dict[str, Any]) -> None:
    """Check the rows of an answer whose context names an entity set of the metadata."""
    name = re.split(r"[(/]", body.get("@odata.context", "").rpartition("$metadata#")[2])[0]
    table = {entity_set: table for table, entity_set in entity_sets().items()}.get(name)
    if table is None:
        return
    for row in body.get("value", [body]):
        if isinstance(row, dict) and "reason" not in row:
            check_row(table, row)


def check_row(table: str, row: dict[str, Any]) -> None:
    """Every property of a row the service answered is one that a real organization has."""
    known = entity_types()[table]
    for name, value in row.items():
        bare, annotation = name.partition("@")[::2]
        if not bare or annotation:
            assert not bare or bare in known.properties or bare in known.navigation, name
        elif bare in known.navigation:
            target = known.navigation[bare].removeprefix("Collection(").removesuffix(")")
            rows = value if isinstance(value, list) else [value] if value else []
            for each in rows:
                check_row("systemuser" if target == "principal" else target, each)
        elif "." not in bare:  # FetchXML names linked columns "alias.column"
            assert (table, bare) in NEWER or bare in known.properties, f"{table}.{bare}"


# Columns of the documentation that this 2022 organization or the data model do not have, or have
# otherwise. The documentation is the younger source.
NEWER = {
    ("activityparty", "unresolvedpartyname"),
    ("activityparty", "addressused"),
    ("appointment", "attachmentcount"),
}
