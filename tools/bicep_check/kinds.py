"""The resource types of this template, by short names."""

from __future__ import annotations

NAMESPACE, QUEUE = "Microsoft.ServiceBus/namespaces", "Microsoft.ServiceBus/namespaces/queues"
ACCOUNT, TABLES = (
    "Microsoft.Storage/storageAccounts",
    "Microsoft.Storage/storageAccounts/tableServices/tables",
)
COMPONENT, WORKSPACE = "Microsoft.Insights/components", "Microsoft.OperationalInsights/workspaces"
SITE, CONFIG, PLAN = "Microsoft.Web/sites", "Microsoft.Web/sites/config", "Microsoft.Web/serverfarms"
PUBLISHING = "Microsoft.Web/sites/basicPublishingCredentialsPolicies"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
RULE, METRIC_RULE = "Microsoft.Insights/scheduledQueryRules", "Microsoft.Insights/metricAlerts"
BUDGET, PEOPLE = "Microsoft.Consumption/budgets", "Microsoft.Insights/actionGroups"
CONTAINER = "Microsoft.Storage/storageAccounts/blobServices/containers"
WORKBOOK = "Microsoft.Insights/workbooks"
METRIC_CRITERIA = "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria"
TAG = "azd-env-name"
