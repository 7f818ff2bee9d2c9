"""Which model of which package describes each resource type, and the API version that the template uses.

That the version exists was looked up in the public type index (Azure/bicep-types-az). A kind of configuration
whose name decides its shape is written ``type:name``.
"""

from __future__ import annotations

# Version, package, module, class.
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
