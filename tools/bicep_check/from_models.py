"""``python -m tools.bicep_check.from_models``: writes ``types.json`` from Microsoft's management models.

It runs where ``requirements-bicep-types.txt`` is installed (an environment of its own), after the template
began to use another resource type, property group or API version. The models are those of each package's
newest API; the template's versions stand in ``sources.py``. Of each object that the template writes, all
property names are kept, so that a misspelled one is found; of the others only that they are objects.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import re
import sys
import typing
from enum import Enum
from pathlib import Path
from typing import Any

from tools.bicep_check.evaluate import evaluate
from tools.bicep_check.sources import VERSIONS
from tools.bicep_check.template import MAIN, PARAMETERS

TYPES = Path(__file__).with_name("types.json")
_SIMPLE = {
    "str": "string",
    "bool": "bool",
    "int": "int",
    "long": "int",
    "float": "int",
    "duration": "duration",
    "timedelta": "duration",
}
# Where a model names only a base class, the one that the template uses.
DERIVED = {"MetricAlertCriteria": "MetricAlertSingleResourceMultipleMetricCriteria"}


def main() -> int:
    evaluation = evaluate(MAIN, PARAMETERS)
    if evaluation.problems:
        print("\n".join(map(str, evaluation.problems)), file=sys.stderr)
        return 1
    table: dict[str, Any] = {}
    for key, (version, package, module, name) in VERSIONS.items():
        kind, _, which = key.partition(":")
        bodies = [r.body for r in evaluation.of(kind) if not which or r.name == which]
        model = getattr(importlib.import_module(f"azure.mgmt.{module}"), name)
        source = f"{package} {importlib.metadata.version(package)}: {name}"
        table[key] = {"version": version, "source": source, "properties": _object(model, bodies)}
    TYPES.write_text(json.dumps(table, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


def _object(model: Any, bodies: list[Any]) -> dict[str, Any]:
    """The writable properties of a model; those that the bodies write are followed inside. Under the empty
    name stand those that must be there."""
    found: dict[str, Any] = {}
    for path, hint in _attributes(model).items():
        here, values = found, bodies
        *outer, last = path
        for each in outer:
            here = here.setdefault(each, {"object": {}})["object"]
            values = [value[each] for value in values if isinstance(value, dict) and each in value]
        if _must_be_there(model, path, hint):
            here.setdefault("", []).append(last)
        here[last] = _type(
            hint, [value[last] for value in values if isinstance(value, dict) and last in value], model
        )
    return found


def _attributes(model: Any) -> dict[tuple[str, ...], Any]:
    """JSON path of each property that may be written, with its type. Older packages describe themselves by an
    attribute map, newer ones by annotated fields."""
    if hasattr(model, "_attribute_map"):
        rules = getattr(model, "_validation", {})
        return {
            tuple(part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", row["key"])): row["type"]
            for attribute, row in model._attribute_map.items()
            if row["key"] and not rules.get(attribute, {}).get("readonly")
        }
    model()  # a model learns its JSON names when the first instance is made
    package = _package(model)
    hints = typing.get_type_hints(model, localns={"_models": package, "_types": package})
    return {
        (row._rest_name,): hints[attribute]
        for attribute, row in model._attr_to_rest_field.items()
        if row._visibility != ["read"]
    }


def _must_be_there(model: Any, path: tuple[str, ...], hint: Any) -> bool:
    if not isinstance(hint, str):
        return type(None) not in typing.get_args(hint)
    keys = {attribute: row["key"].replace("\\.", ".") for attribute, row in model._attribute_map.items()}
    rules = getattr(model, "_validation", {})
    return any(rules.get(name, {}).get("required") for name, key in keys.items() if key == ".".join(path))


def _package(model: Any) -> Any:
    return importlib.import_module(model.__module__.rpartition(".")[0])


def _type(hint: Any, values: list[Any], model: Any) -> Any:
    """A name of a simple type, a list of the values of an enumeration, or what is inside."""
    return _described(hint, values, model) if isinstance(hint, str) else _annotated(hint, values)


def _annotated(hint: Any, values: list[Any]) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Union:  # of an enumeration and any text, or of something and nothing
        found = [_annotated(each, values) for each in arguments if each is not type(None)]
        return next((each for each in found if isinstance(each, list)), found[0])
    if origin is list:
        return {"array": _annotated(arguments[0], _items(values))}
    if origin is dict:
        return {"map": _annotated(arguments[1], _inside(values))}
    return _class(hint, values) or _SIMPLE.get(getattr(hint, "__name__", ""), "any")


def _described(hint: str, values: list[Any], model: Any) -> Any:
    if hint.startswith("["):
        return {"array": _described(hint[1:-1], _items(values), model)}
    if hint.startswith("{"):
        return {"map": _described(hint[1:-1], _inside(values), model)}
    named = getattr(_package(model), DERIVED.get(hint, hint), None)
    return _SIMPLE.get(hint) or _class(named, values) or "any"


def _class(kind: Any, values: list[Any]) -> Any:
    """An enumeration's values, a model's properties; None for anything else."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [each.value for each in kind]
    if any(base.__name__ == "Model" for base in getattr(kind, "__mro__", ())):
        return {"object": _object(kind, values)} if values else "object"
    return None


def _items(values: list[Any]) -> list[Any]:
    return [item for value in values if isinstance(value, list) for item in value]


def _inside(values: list[Any]) -> list[Any]:
    return [item for value in values if isinstance(value, dict) for item in value.values()]


if __name__ == "__main__":
    sys.exit(main())
