// Who may do what. Each assignment says why; whoever deploys this needs Owner or User Access Administrator.
//
// Not here: Microsoft Graph, Exchange and Dataverse. Those who may give these rights rarely hold the ones above;
// infra/scripts has a script for each of them.

param ingestPrincipalId string
param workerPrincipalId string
param ingestHostName string
param workerHostName string
param stateName string
param namespaceName string
param componentName string

var role = {
  blobOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b' // Storage Blob Data Owner
  tableContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3' // Storage Table Data Contributor
  tableReader: '76199698-9eea-4c19-bc75-cec21354c6b6' // Storage Table Data Reader
  busOwner: '090c5cfd-751d-490a-894a-3ce6f1109419' // Azure Service Bus Data Owner
  busSender: '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39' // Azure Service Bus Data Sender
  metricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb' // Monitoring Metrics Publisher
}

// The queues to which notifications lead.
var ingestQueues = ['mailbox-sync', 'dynamics-feed']

resource ingestHost 'Microsoft.Storage/storageAccounts@2023-01-01' existing = {
  name: ingestHostName
}

resource workerHost 'Microsoft.Storage/storageAccounts@2023-01-01' existing = {
  name: workerHostName
}

resource state 'Microsoft.Storage/storageAccounts@2023-01-01' existing = {
  name: stateName
}

resource stateTables 'Microsoft.Storage/storageAccounts/tableServices@2023-01-01' existing = {
  parent: state
  name: 'default'
}

resource subscriptions 'Microsoft.Storage/storageAccounts/tableServices/tables@2023-01-01' existing = {
  parent: stateTables
  name: 'subscriptions'
}

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = {
  name: namespaceName
}

resource queue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' existing = [for each in ingestQueues: {
  parent: namespace
  name: each
}]

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

// The host keeps its keys, leases and package here, and asks for Owner by its documentation. The account holds
// nothing else, and each app has its own.
resource ingestHostRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(ingestHost.id, ingestPrincipalId, role.blobOwner)
  scope: ingestHost
  properties: {
    principalId: ingestPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.blobOwner)
  }
}

resource workerHostRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workerHost.id, workerPrincipalId, role.blobOwner)
  scope: workerHost
  properties: {
    principalId: workerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.blobOwner)
  }
}

// The edge looks up whose subscription a notification is of: one table, read only.
resource ingestTableRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscriptions.id, ingestPrincipalId, role.tableReader)
  scope: subscriptions
  properties: {
    principalId: ingestPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.tableReader)
  }
}

// The whole account, because the worker makes a history table each month and drops the oldest.
resource workerTableRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(state.id, workerPrincipalId, role.tableContributor)
  scope: state
  properties: {
    principalId: workerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.tableContributor)
  }
}

resource ingestQueueRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (each, index) in ingestQueues: {
  name: guid(namespace.id, each, ingestPrincipalId, role.busSender)
  scope: queue[index]
  properties: {
    principalId: ingestPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.busSender)
  }
}]

// Wider than sending and receiving: the platform counts messages through the administration interface to decide
// whether to start an instance, and with Data Receiver alone the app never wakes up (Azure/azure-functions-host
// issue 8261). The namespace holds nothing but these queues.
resource workerBusRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(namespace.id, workerPrincipalId, role.busOwner)
  scope: namespace
  properties: {
    principalId: workerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.busOwner)
  }
}

resource ingestMetricsRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(component.id, ingestPrincipalId, role.metricsPublisher)
  scope: component
  properties: {
    principalId: ingestPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.metricsPublisher)
  }
}

resource workerMetricsRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(component.id, workerPrincipalId, role.metricsPublisher)
  scope: component
  properties: {
    principalId: workerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.metricsPublisher)
  }
}
