"""Types, API versions and property names against Microsoft's published management models (``types.json``)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tools.bicep_check.evaluate import Evaluation, Located, Resource
from tools.bicep_check.symbols import Problem

TABLE = Path(__file__).with_name("types.json")
ALWAYS = frozenset({"name", "parent", "scope", "dependsOn"})
"""Bicep's own, on every resource."""
_DURATION = re.compile(r"P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?")
_SIMPLE: dict[str, type | tuple[type, ...]] = {"string": str, "bool": bool, "int": (int, float)}


@cache
def table() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return found


def check_types(evaluation: Evaluation) -> list[Problem]:
    """Everything that no version of the management interface would accept."""
    found: list[Problem] = []
    for resource in evaluation.resources:
        row = _row(resource)
        if row is None:
            found.append(_at(resource, f"{resource.type} is not a type that types.json knows"))
        elif row["version"] != resource.version:
            text = f"{resource.type} is used in version {row['version']}, not {resource.version}"
            found.append(_at(resource, text))
        elif not resource.existing:
            found += _body(resource, row["properties"])
    return [*found, *_existing(evaluation)]


def _row(resource: Resource) -> dict[str, Any] | None:
    """Kinds of configuration differ by their name."""
    row: dict[str, Any] | None = table().get(f"{resource.type}:{resource.name}") or table().get(resource.type)
    if row is None and resource.existing:
        row = next((each for key, each in table().items() if key.partition(":")[0] == resource.type), None)
    return row


def _at(resource: Resource, text: str, line: int = 0) -> Problem:
    return Problem(resource.path, line or resource.line, text)


def _body(resource: Resource, properties: Mapping[str, Any]) -> Iterator[Problem]:
    own = {key: value for key, value in resource.body.items() if key not in ALWAYS}
    lines = resource.body.lines if isinstance(resource.body, Located) else {}
    yield from _object(resource, Located(own, lines), properties, resource.symbol)
    if "location" in properties and "location" not in resource.body:
        yield _at(resource, f"'{resource.symbol}' has no location")


def _object(
    resource: Resource, value: Mapping[str, Any], properties: Mapping[str, Any], where: str
) -> Iterator[Problem]:
    for key in sorted(set(properties.get("", ())) - set(value)):
        yield _at(resource, f"{where} has no '{key}', which must be there")
    for key, inner in value.items():
        line = value.lines.get(key, 0) if isinstance(value, Located) else 0
        if key not in properties:
            yield _at(resource, f"{where} has no property '{key}'", line)
        elif inner is not None:
            yield from _value(resource, inner, properties[key], f"{where}.{key}", line)


def _value(resource: Resource, value: Any, wanted: Any, where: str, line: int) -> Iterator[Problem]:
    if isinstance(wanted, list):
        if value not in wanted:
            yield _at(resource, f"{where} must be one of {', '.join(wanted)}, not {value!r}", line)
    elif isinstance(wanted, dict):
        yield from _composed(resource, value, wanted, where, line)
    elif wanted == "duration":
        if not (isinstance(value, str) and _DURATION.fullmatch(value)):
            yield _at(resource, f"{where} must be an ISO 8601 duration, not {value!r}", line)
    elif wanted == "object":
        if not isinstance(value, dict) or value:
            yield _at(resource, f"{where} is not in types.json; write that anew", line)
    elif wanted in _SIMPLE and not _is(value, wanted):
        yield _at(resource, f"{where} must be a {wanted}, not {value!r}", line)


def _is(value: Any, wanted: str) -> bool:
    return isinstance(value, _SIMPLE[wanted]) and not (wanted == "int" and isinstance(value, bool))


def _composed(
    resource: Resource, value: Any, wanted: Mapping[str, Any], where: str, line: int
) -> Iterator[Problem]:
    ((kind, inner),) = wanted.items()
    if kind == "array" and isinstance(value, list):
        for item in value:
            yield from _value(resource, item, inner, f"{where}[]", line)
    elif kind == "array" or not isinstance(value, dict):
        yield _at(
            resource, f"{where} must be an {'array' if kind == 'array' else 'object'}, not {value!r}", line
        )
    elif kind == "object":
        yield from _object(resource, value, inner, where)
    elif inner not in ("any", "object"):
        for key, item in value.items():
            yield from _value(resource, item, inner, f"{where}['{key}']", line)


def _existing(evaluation: Evaluation) -> Iterator[Problem]:
    """What is referred to must be deployed by the template itself."""
    deployed = {(each.type, each.full_name) for each in evaluation.resources if not each.existing}
    for each in evaluation.resources:
        if each.existing and (each.type, each.full_name) not in deployed:
            yield _at(each, f"existing {each.type} '{each.full_name}' is deployed by nothing here")
