"""What makes the template secure and what it is: values that must stand there, tags on everything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tools.bicep_check import types
from tools.bicep_check.evaluate import Evaluation, Resource
from tools.bicep_check.kinds import (
    ACCOUNT,
    COMPONENT,
    CONTAINER,
    METRIC_CRITERIA,
    METRIC_RULE,
    NAMESPACE,
    PLAN,
    PUBLISHING,
    RULE,
    SITE,
    TAG,
    WORKBOOK,
    WORKSPACE,
)
from tools.bicep_check.symbols import Problem


def at(resource: Resource, text: str) -> Problem:
    return Problem(resource.path, resource.line, text)


def parts(evaluation: Evaluation, kind: str, parent: Resource) -> dict[str, Resource]:
    return {each.name: each for each in evaluation.of(kind) if each.parent is parent}


# Type, property path, and the only value that is allowed.
SECURE: tuple[tuple[str, str, Any], ...] = (
    (ACCOUNT, "allowSharedKeyAccess", False),
    (ACCOUNT, "allowBlobPublicAccess", False),
    (ACCOUNT, "allowCrossTenantReplication", False),
    (ACCOUNT, "minimumTlsVersion", "TLS1_2"),
    (ACCOUNT, "supportsHttpsTrafficOnly", True),
    (NAMESPACE, "disableLocalAuth", True),
    (NAMESPACE, "minimumTlsVersion", "1.2"),
    (COMPONENT, "DisableLocalAuth", True),
    (COMPONENT, "DisableIpMasking", False),
    (WORKSPACE, "features.disableLocalAuth", True),
    (SITE, "httpsOnly", True),
    (SITE, "siteConfig.minTlsVersion", "1.2"),
    (SITE, "siteConfig.scmMinTlsVersion", "1.2"),
    (SITE, "siteConfig.ftpsState", "Disabled"),
    (SITE, "functionAppConfig.deployment.storage.authentication.type", "UserAssignedIdentity"),
    (PUBLISHING, "allow", False),
    (CONTAINER, "publicAccess", "None"),
)
# The same for what stands beside the properties, or makes the thing what it is.
SHAPE: tuple[tuple[str, str, Any], ...] = (
    (NAMESPACE, "sku.name", "Standard"),
    (NAMESPACE, "sku.tier", "Standard"),
    (ACCOUNT, "kind", "StorageV2"),
    (PLAN, "kind", "functionapp"),
    (PLAN, "sku.name", "FC1"),
    (PLAN, "sku.tier", "FlexConsumption"),
    (PLAN, "properties.reserved", True),
    (SITE, "kind", "functionapp,linux"),
    (SITE, "identity.type", "UserAssigned"),
    (SITE, "properties.functionAppConfig.deployment.storage.type", "blobContainer"),
    (SITE, "properties.functionAppConfig.runtime.name", "python"),
    (COMPONENT, "kind", "web"),
    (COMPONENT, "properties.IngestionMode", "LogAnalytics"),
    (WORKSPACE, "properties.sku.name", "PerGB2018"),
    (RULE, "kind", "LogAlert"),
    (METRIC_RULE, "properties.criteria.odata:type", METRIC_CRITERIA),
    (WORKBOOK, "kind", "shared"),
)


def check_security(evaluation: Evaluation) -> Iterator[Problem]:
    for kind, path, wanted in SECURE:
        for resource in evaluation.of(kind):
            value = at_path(resource.properties, path)
            if value is not wanted and value != wanted:
                yield at(resource, f"{path} of {resource.full_name} must be {wanted!r}, not {value!r}")
    for kind, path, wanted in SHAPE:
        for resource in evaluation.of(kind):
            value = at_path(resource.body, path)
            if value != wanted:
                yield at(resource, f"{path} of {resource.full_name} must be {wanted!r}, not {value!r}")
    for site in evaluation.of(SITE):
        for name in sorted({"ftp", "scm"} - set(parts(evaluation, PUBLISHING, site))):
            yield at(site, f"{site.name} can be published to with a password ({name})")
    for workspace in evaluation.of(WORKSPACE):
        if at_path(workspace.properties, "workspaceCapping.dailyQuotaGb") is None:
            yield at(workspace, "the workspace has no daily cap")
        if not at_path(workspace.properties, "retentionInDays"):
            yield at(workspace, "the workspace says not how long it keeps what")
        for component in evaluation.of(COMPONENT):
            if component.properties.get("WorkspaceResourceId") != workspace.id:
                yield at(component, "Application Insights does not write into the workspace")


def check_tags(evaluation: Evaluation) -> Iterator[Problem]:
    """Whatever can carry tags carries those of the installation."""
    for resource in evaluation.resources:
        row = types.table().get(resource.type) or {}
        can_have = not resource.existing and "tags" in row.get("properties", {})
        if can_have and TAG not in (resource.body.get("tags") or {}):
            yield at(resource, f"{resource.symbol} lacks the tag {TAG}")


def at_path(value: Any, path: str) -> Any:
    """A dot inside a name is written as a colon."""
    for part in (each.replace(":", ".") for each in path.split(".")):
        value = value.get(part) if isinstance(value, dict) else None
    return value
