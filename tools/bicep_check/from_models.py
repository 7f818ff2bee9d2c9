"""``python -m tools.bicep_check.from_models``: writes ``types.json`` from Microsoft's management models.

It runs where ``requirements-bicep-types.txt`` is installed (an environment of its own), after the template
began to use another resource type, property group or API version. The models are those of each package's
newest API; that the version named in the template exists was looked up in the public type index
(Azure/bicep-types-az) by hand and stands in ``VERSIONS``. Of each object that the template writes, all
property names are kept, so that a misspelled one is found; of the others only that they are objects.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import re
import sys
import typing
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from tools.bicep_check.evaluate import evaluate
from tools.bicep_check.template import MAIN, PARAMETERS

TYPES = Path(__file__).with_name("types.json")
# Type, the version that the template uses, and the model that describes it: package, module, class.
VERSIONS: dict[str, tuple[str, str, str, str]] = {
    "Microsoft.Web/serverfarms": ("2024-04-01", "azure-mgmt-web", "web.models", "AppServicePlan"),
    "Microsoft.Web/sites": ("2024-04-01", "azure-mgmt-web", "web.models", "Site"),
    "Microsoft.Web/sites/config:authsettingsV2": (
        "2024-04-01",
        "azure-mgmt-web",
        "web.models",
        "SiteAuthSettingsV2",
    ),
    "Microsoft.Web/sites/config:appsettings": (
        "2024-04-01",
        "azure-mgmt-web",
        "web.models",
        "StringDictionary",
    ),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": (
        "2024-04-01",
        "azure-mgmt-web",
        "web.models",
        "CsmPublishingCredentialsPoliciesEntity",
    ),
    "Microsoft.ServiceBus/namespaces": (
        "2024-01-01",
        "azure-mgmt-servicebus",
        "servicebus.models",
        "SBNamespace",
    ),
    "Microsoft.ServiceBus/namespaces/queues": (
        "2024-01-01",
        "azure-mgmt-servicebus",
        "servicebus.models",
        "SBQueue",
    ),
    "Microsoft.Storage/storageAccounts": (
        "2023-01-01",
        "azure-mgmt-storage",
        "storage.models",
        "StorageAccountCreateParameters",
    ),
    "Microsoft.Storage/storageAccounts/blobServices": (
        "2023-01-01",
        "azure-mgmt-storage",
        "storage.models",
        "BlobServiceProperties",
    ),
    "Microsoft.Storage/storageAccounts/blobServices/containers": (
        "2023-01-01",
        "azure-mgmt-storage",
        "storage.models",
        "BlobContainer",
    ),
    "Microsoft.Storage/storageAccounts/tableServices": (
        "2023-01-01",
        "azure-mgmt-storage",
        "storage.models",
        "TableServiceProperties",
    ),
    "Microsoft.Storage/storageAccounts/tableServices/tables": (
        "2023-01-01",
        "azure-mgmt-storage",
        "storage.models",
        "Table",
    ),
    "Microsoft.ManagedIdentity/userAssignedIdentities": (
        "2023-01-31",
        "azure-mgmt-msi",
        "msi.models",
        "Identity",
    ),
    "Microsoft.Insights/components": (
        "2020-02-02",
        "azure-mgmt-applicationinsights",
        "applicationinsights.v2020_02_02.models",
        "ApplicationInsightsComponent",
    ),
    "Microsoft.Insights/workbooks": (
        "2023-06-01",
        "azure-mgmt-applicationinsights",
        "applicationinsights.v2023_06_01.models",
        "Workbook",
    ),
    "Microsoft.OperationalInsights/workspaces": (
        "2023-09-01",
        "azure-mgmt-loganalytics",
        "loganalytics.models",
        "Workspace",
    ),
    "Microsoft.Authorization/roleAssignments": (
        "2022-04-01",
        "azure-mgmt-authorization",
        "authorization.v2022_04_01.models",
        "RoleAssignmentCreateParameters",
    ),
    "Microsoft.Insights/actionGroups": (
        "2023-01-01",
        "azure-mgmt-monitor",
        "monitor.models",
        "ActionGroupResource",
    ),
    "Microsoft.Insights/metricAlerts": (
        "2018-03-01",
        "azure-mgmt-monitor",
        "monitor.models",
        "MetricAlertResource",
    ),
    "Microsoft.Insights/scheduledQueryRules": (
        "2023-12-01",
        "azure-mgmt-monitor",
        "monitor.models",
        "ScheduledQueryRuleResource",
    ),
    "Microsoft.Consumption/budgets": (
        "2023-11-01",
        "azure-mgmt-consumption",
        "consumption.models",
        "Budget",
    ),
    "Microsoft.Resources/resourceGroups": (
        "2024-03-01",
        "azure-mgmt-resource",
        "resource.resources.models",
        "ResourceGroup",
    ),
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
    """The writable properties of a model; those that the bodies write are followed inside."""
    found: dict[str, Any] = {}
    for path, hint in _attributes(model).items():
        here, values = found, bodies
        *outer, last = path
        for each in outer:
            here = here.setdefault(each, {"object": {}})["object"]
            values = [value[each] for value in values if isinstance(value, dict) and each in value]
        here[last] = _type(
            hint, [value[last] for value in values if isinstance(value, dict) and last in value], model
        )
    return found


def _attributes(model: Any) -> dict[tuple[str, ...], Any]:
    """JSON path of each property that may be written, with its type."""
    if hasattr(model, "_attribute_map"):
        rules = getattr(model, "_validation", {})
        return {
            tuple(part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", row["key"])): row["type"]
            for attribute, row in model._attribute_map.items()
            if row["key"] and not rules.get(attribute, {}).get("readonly")
        }
    model()  # a model learns its JSON names when the first instance is made
    found: dict[tuple[str, ...], Any] = {}
    for attribute, row in model._attr_to_rest_field.items():
        owner = next(each for each in model.__mro__ if attribute in vars(each).get("__annotations__", {}))
        if row._visibility != ["read"]:
            found[row._rest_name,] = (owner.__annotations__[attribute], owner)
    return found


def _type(hint: Any, values: list[Any], model: Any) -> Any:
    """A name of a simple type, a list of the values of an enumeration, or what is inside."""
    if isinstance(hint, str):
        return _old(hint, values, model)
    annotation, owner = hint
    module = sys.modules[owner.__module__]
    names = {
        **vars(typing),
        **vars(module),
        "_models": module,
        "datetime": importlib.import_module("datetime"),
    }
    package = importlib.import_module(owner.__module__.rpartition(".")[0])
    if "_models" in str(annotation):
        names["_models"] = package
        names["_types"] = package
    resolved = eval(str(annotation), names) if isinstance(annotation, str) else annotation  # noqa: S307
    return _new(resolved, values, package)


def _new(hint: Any, values: list[Any], package: Any) -> Any:
    if isinstance(hint, typing.ForwardRef):
        hint = eval(hint.__forward_arg__, {**vars(typing), "_models": package, "str": str})  # noqa: S307
    if isinstance(hint, str):
        hint = eval(hint, {**vars(typing), "_models": package, "str": str})  # noqa: S307
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Union:
        inner = [each for each in arguments if each not in (type(None),)]
        resolved = [_new(each, values, package) for each in inner]
        enums = [each for each in resolved if isinstance(each, list)]
        return enums[0] if enums else resolved[0]
    if origin in (list,):
        return {"array": _new(arguments[0], [item for v in values for item in _list(v)], package)}
    if origin in (dict,):
        return {"map": _new(arguments[1], _inside(values), package)}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return [each.value for each in hint]
    if hasattr(hint, "__mro__") and any(base.__name__ == "Model" for base in hint.__mro__):
        return {"object": _object(hint, values)} if values else "object"
    return {str: "string", bool: "bool", int: "int", float: "int", timedelta: "duration"}.get(hint, "any")


def _old(hint: str, values: list[Any], model: Any) -> Any:
    module = sys.modules[model.__module__.rpartition(".")[0]]
    if hint.startswith("["):
        return {"array": _old(hint[1:-1], [item for v in values for item in _list(v)], model)}
    if hint.startswith("{"):
        return {"map": _old(hint[1:-1], _inside(values), model)}
    simple = {
        "str": "string",
        "bool": "bool",
        "int": "int",
        "float": "int",
        "long": "int",
        "duration": "duration",
    }
    if hint in simple:
        return simple[hint]
    inner = getattr(module, DERIVED.get(hint, hint), None)
    if isinstance(inner, type) and issubclass(inner, Enum):
        return [each.value for each in inner]
    if inner is not None and hasattr(inner, "_attribute_map"):
        return {"object": _object(inner, values)} if values else "object"
    return "any"


def _inside(values: list[Any]) -> list[Any]:
    return [item for value in values if isinstance(value, dict) for item in value.values()]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


if __name__ == "__main__":
    sys.exit(main())
