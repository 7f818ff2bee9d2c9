"""``EntityDefinitions``: what set-up checks and Microsoft's client read about tables and columns."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from typing import Any, ClassVar
from urllib.parse import unquote_plus
from uuid import NAMESPACE_OID, uuid5

from local.dataverse.call import Call, Reply
from local.dataverse.errors import refuse
from local.dataverse.field_security import FieldSecurity
from local.dataverse.odata_text import split
from local.dataverse.paths import Segment
from local.dataverse.schema import Column, Option, Table
from local.dataverse.tables import TABLES

Json = dict[str, Any]
NAMESPACE = "Microsoft.Dynamics.CRM."
KINDS = {
    "string": "String",
    "memo": "Memo",
    "integer": "Integer",
    "bigint": "BigInt",
    "decimal": "Decimal",
    "double": "Double",
    "boolean": "Boolean",
    "datetime": "DateTime",
    "date": "DateTime",
    "guid": "Uniqueidentifier",
    "picklist": "Picklist",
    "state": "State",
    "status": "Status",
    "lookup": "Lookup",
}
METADATA_TYPES = {"Uniqueidentifier": "UniqueIdentifier"}
EQUALS = re.compile(r"^(\w+) eq (?:'([^']*)'|(true|false))$")


class Metadata:
    """Read-only; every request is answered from the table definitions."""

    ROOTS: ClassVar[frozenset[str]] = frozenset({"EntityDefinitions"})

    def __init__(self, fields: FieldSecurity) -> None:
        self._fields = fields

    def answer(self, call: Call, path: list[Segment]) -> Reply:
        if call.method != "GET":
            raise refuse("NotInStandIn", feature="changes of table definitions")
        query = _query(call.query)
        context = f"{call.base_url}/$metadata#{'/'.join(segment.name for segment in path)}"
        found = self._find(path)
        if isinstance(found, list):
            chosen = _filtered(found, query.get("$filter", ""))
            return Reply(200, {"@odata.context": context, "value": [_projected(x, query) for x in chosen]})
        return Reply(200, {"@odata.context": context, **_projected(found, query)})

    def _find(self, path: list[Segment]) -> Json | list[Json]:
        tables = [table for table in TABLES.values() if _may_be_meant(table, path)]
        entities = [entity(table, self._fields.secured(table)) for table in tables]
        here: Json | list[Json] = entities
        for segment in path:
            if segment.name == "EntityDefinitions":
                here = entities
            elif segment.name.startswith(NAMESPACE):
                here = _cast(here, segment.name.removeprefix(NAMESPACE))
            elif isinstance(here, dict) and segment.name in here:
                here = here[segment.name]
            else:
                raise refuse("UnknownSegment", segment=segment.name)
            if segment.key and isinstance(here, list):
                here = _keyed(here, segment.key)
        return here


def entity(table: Table, secured: Container[str] = frozenset()) -> Json:
    return {
        "LogicalName": table.name,
        "SchemaName": table.name.capitalize(),
        "EntitySetName": table.entity_set,
        "LogicalCollectionName": table.entity_set,
        "ObjectTypeCode": table.type_code,
        "PrimaryIdAttribute": table.primary_id,
        "PrimaryNameAttribute": table.primary_name,
        "MetadataId": _metadata_id(table.name),
        "ChangeTrackingEnabled": table.change_tracking,
        "IsOptimisticConcurrencyEnabled": table.optimistic_concurrency,
        "IsActivity": table.kind == "activity",
        "OwnershipType": "UserOwned" if table.owned else "OrganizationOwned",
        "DisplayName": _label(table.label),
        "Attributes": [attribute(table, column, column.name in secured) for column in table.columns],
        "Keys": [],
        "ManyToOneRelationships": _relationships(table),
    }


def attribute(table: Table, column: Column, secured: bool = False) -> Json:
    kind = KINDS[column.type]
    found: Json = {
        "@odata.type": f"#{NAMESPACE}{METADATA_TYPES.get(kind, kind)}AttributeMetadata",
        "LogicalName": column.name,
        "SchemaName": column.name,
        "EntityLogicalName": table.name,
        "AttributeType": kind,
        "AttributeTypeName": {"Value": f"{kind}Type"},
        "MetadataId": column_id(table, column.name),
        "DisplayName": _label(column.name),
        "IsPrimaryId": column.name == table.primary_id,
        "IsPrimaryName": column.name == table.primary_name,
        "IsValidForCreate": column.create,
        "IsValidForUpdate": column.update,
        "IsValidForRead": True,
        "IsSecured": secured,
    }
    if column.type in ("string", "memo"):
        found["MaxLength"] = column.max_length
    if column.minimum is not None or column.maximum is not None:
        found |= {"MinValue": column.minimum, "MaxValue": column.maximum}
    if column.targets:
        found["Targets"] = list(column.targets)
    if column.options:
        found |= {
            "OptionSet": {
                "Name": f"{table.name}_{column.name}",
                "IsGlobal": False,
                "Options": [_option(o) for o in column.options],
            },
            "GlobalOptionSet": None,
        }
    return found


def _option(option: Option) -> Json:
    found: Json = {"Value": option.value, "Label": _label(option.label)}
    return found if option.state is None else {**found, "State": option.state}


def _label(text: str) -> Json:
    label = {"Label": text, "LanguageCode": 1033}
    return {"LocalizedLabels": [label], "UserLocalizedLabel": label}


def _relationships(table: Table) -> list[Json]:
    return [
        {
            "ReferencingEntity": table.name,
            "ReferencingAttribute": column.name,
            "ReferencedEntity": target,
            "ReferencingEntityNavigationPropertyName": navigation,
        }
        for column in table.columns
        for navigation, target in column.navigation
    ]


def column_id(table: Table, column: str) -> str:
    return _metadata_id(f"{table.name}.{column}")


def _metadata_id(name: str) -> str:
    return str(uuid5(NAMESPACE_OID, name))


def _query(text: str) -> dict[str, str]:
    query: dict[str, str] = {}
    for part in filter(None, text.split("&")):
        name, _, value = part.partition("=")
        if unquote_plus(name) not in ("$select", "$expand", "$filter"):
            raise refuse("UnsupportedQueryOption", option=unquote_plus(name))
        query[unquote_plus(name)] = unquote_plus(value)
    return query


def _cast(here: Json | list[Json], kind: str) -> Json | list[Json]:
    wanted = f"#{NAMESPACE}{kind}"
    if isinstance(here, list):
        return [item for item in here if item.get("@odata.type") == wanted]
    if here.get("@odata.type") != wanted:
        raise refuse("UnknownSegment", segment=f"{NAMESPACE}{kind}")
    return here


def _may_be_meant(table: Table, path: list[Segment]) -> bool:
    """Of a path that names one table, that one: the others need not be written out."""
    key = path[0].key or ""
    return not key.startswith("LogicalName=") or key == f"LogicalName='{table.name}'"


def _keyed(items: Iterable[Json], key: str) -> Json:
    name, equals, value = key.partition("=")
    wanted = ("LogicalName", value.strip("'")) if equals and name == "LogicalName" else ("MetadataId", key)
    for item in items:
        if item.get(wanted[0]) == wanted[1]:
            return item
    raise refuse("NotFound", table="metadata", id=key)


def _filtered(items: list[Json], text: str) -> list[Json]:
    """``Name eq 'value'`` joined by ``or`` or ``and``; metadata queries here take no more than that."""
    if not text:
        return items
    words = [part.strip() for part in re.split(r"\s+(and|or)\s+", text)]
    chosen = [_matching(items, words[0])]
    for word, part in zip(words[1::2], words[2::2], strict=True):
        if word == "or":
            chosen.append(_matching(items, part))
        else:
            chosen[-1] = _matching(chosen[-1], part)
    return [item for item in items if any(item is other for found in chosen for other in found)]


def _matching(items: list[Json], text: str) -> list[Json]:
    match = EQUALS.match(text.strip("()"))
    if match is None:
        raise refuse("NotInStandIn", feature=f"the metadata filter {text}")
    name, quoted, truth = match.groups()
    wanted: Any = quoted if truth is None else truth == "true"
    return [item for item in items if item.get(name) == wanted]


def _projected(item: Json, query: dict[str, str]) -> Json:
    expands = {name.partition("(")[0]: name for name in split(query.get("$expand", ""), ",")}
    found: Json = {}
    select = split(query.get("$select", ""), ",")
    for name in select:
        if name not in item and not _known(name):
            message = f"Could not find a property named '{name}'."
            raise refuse("InvalidQuery", message=message)
    for name, value in item.items():
        chosen = not select or name in select or name.startswith("@") or name == "MetadataId"
        nested = name in ("OptionSet", "GlobalOptionSet") or (isinstance(value, list) and name != "Targets")
        if name in expands:
            found[name] = _expanded(value, expands[name])
        elif chosen and not nested:
            found[name] = value
    return found


def _expanded(value: Any, text: str) -> Any:
    _, opened, rest = text.partition("(")
    inner = dict(part.partition("=")[::2] for part in split(rest[:-1], ";")) if opened else {}
    if isinstance(value, list):
        return [_projected(item, inner) for item in _filtered(value, inner.get("$filter", ""))]
    return None if value is None else dict(value)


def _known(name: str) -> bool:
    """Properties that some attribute kinds have and others lack."""
    return name in ("MaxLength", "MinValue", "MaxValue", "Targets", "Format")
