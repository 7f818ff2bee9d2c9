// Logs and metrics: one workspace with a daily cap, one Application Insights on it without key.

param name string
param location string

@description('GB a day; -1: no cap.')
param dailyCapGb string

@minValue(30)
param retentionDays int = 30
param tags object

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: 'log-${name}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionDays
    workspaceCapping: { dailyQuotaGb: json(dailyCapGb) }
    features: { disableLocalAuth: true }
  }
}

resource component 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${name}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    IngestionMode: 'LogAnalytics'
    RetentionInDays: retentionDays
    // Telemetry is accepted from the two identities only, not from whoever has the connection string.
    DisableLocalAuth: true
    DisableIpMasking: false
  }
}

output workspaceName string = workspace.name
output componentName string = component.name
