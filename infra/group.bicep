// Everything that one installation consists of, for an existing resource group.
//
// Two function apps from one code base (see README): `ingest` is the public edge with the fewest rights, `worker`
// does the work and has no public endpoint besides the admin API, which Easy Auth guards. Each has an identity and
// a host storage account of its own, so that whoever gets hold of the edge can replace neither the worker's code
// nor read its state.
targetScope = 'resourceGroup'

@minLength(1)
@maxLength(32)
@description('Name of this installation.')
param environmentName string

@description('Azure region. It must offer Flex Consumption.')
param location string = resourceGroup().location

@description('The Dynamics 365 organization, for example https://contoso.crm4.dynamics.com, without a path.')
param dataverseUrl string

@minLength(36)
@maxLength(36)
@description('Client id of the app registration that signs administrators in; infra/scripts/entra_admin_app.py makes it.')
param adminClientId string

@description('Who gets the alerts.')
param alertEmail string

@allowed(['3.13', '3.12'])
@description('Python of both apps.')
param pythonVersion string = '3.13'

@secure()
@description('Secret of the Dataverse push; empty: the endpoint refuses every push, and changes are found by polling.')
param dataverseWebhookKey string = ''

@minValue(1)
@maxValue(3650)
@description('How long the history is kept, in days.')
param historyDays int = 90

@description('Daily cap of Log Analytics in GB, as text because it may be a fraction; -1: none.')
param logDailyCapGb string = '1'

@minValue(0)
@description('Monthly budget in the currency of the subscription; 0: no budget.')
param monthlyBudget int = 100

@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_RAGRS', 'Standard_GZRS'])
@description('How often the state is kept: ZRS in three zones, where the region has them; LRS is the cheapest.')
param stateRedundancy string = 'Standard_ZRS'

@description('Tags for everything.')
param tags object = {}

var token = uniqueString(resourceGroup().id, environmentName)
var ingestName = 'sync-ingest-${token}'
var workerName = 'sync-worker-${token}'
var queues = loadJsonContent('queues.json').queues
var graphUrl = 'https://graph.microsoft.com/v1.0'

resource ingestIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-${ingestName}'
  location: location
  tags: tags
}

resource workerIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-${workerName}'
  location: location
  tags: tags
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    name: 'sync-${token}'
    location: location
    dailyCapGb: logDailyCapGb
    tags: tags
  }
}

module serviceBus 'modules/service-bus.bicep' = {
  name: 'service-bus'
  params: {
    name: 'sync-bus-${token}'
    location: location
    queues: queues
    tags: tags
  }
}

module ingestHost 'modules/storage.bicep' = {
  name: 'ingest-host-storage'
  params: {
    name: 'sti${token}'
    location: location
    containers: ['package']
    tags: tags
  }
}

module workerHost 'modules/storage.bicep' = {
  name: 'worker-host-storage'
  params: {
    name: 'stw${token}'
    location: location
    containers: ['package']
    tags: tags
  }
}

// The worker makes its tables itself; this one must be there before the edge looks into it.
module state 'modules/storage.bicep' = {
  name: 'state-storage'
  params: {
    name: 'sts${token}'
    location: location
    redundancy: stateRedundancy
    tables: ['subscriptions']
    tags: tags
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  params: {
    ingestPrincipalId: ingestIdentity.properties.principalId
    workerPrincipalId: workerIdentity.properties.principalId
    ingestHostName: ingestHost.outputs.name
    workerHostName: workerHost.outputs.name
    stateName: state.outputs.name
    namespaceName: serviceBus.outputs.name
    componentName: monitoring.outputs.componentName
  }
}

var common = {
  GRAPH_BASE_URL: graphUrl
  DATAVERSE_URL: dataverseUrl
  STATE_TABLES__endpoint: state.outputs.tableEndpoint
  ServiceBus__fullyQualifiedNamespace: serviceBus.outputs.host
  ServiceBus__credential: 'managedidentity'
}

module ingest 'modules/function-app.bicep' = {
  name: 'ingest'
  params: {
    name: ingestName
    service: 'ingest'
    location: location
    pythonVersion: pythonVersion
    identityName: ingestIdentity.name
    storageName: ingestHost.outputs.name
    componentName: monitoring.outputs.componentName
    instanceMemoryMB: 512
    // Graph drops notifications when more than 15 % of the answers are slow; a cold start is slow.
    alwaysReadyHttp: 1
    settings: union(common, {
      SYNC_ROLE: 'ingest'
      ServiceBus__clientId: ingestIdentity.properties.clientId
      DATAVERSE_WEBHOOK_KEY: dataverseWebhookKey
    })
    tags: tags
  }
  dependsOn: [roles]
}

module worker 'modules/function-app.bicep' = {
  name: 'worker'
  params: {
    name: workerName
    service: 'worker'
    location: location
    pythonVersion: pythonVersion
    identityName: workerIdentity.name
    storageName: workerHost.outputs.name
    componentName: monitoring.outputs.componentName
    instanceMemoryMB: 2048
    alwaysReadyHttp: 0
    adminClientId: adminClientId
    settings: union(common, {
      SYNC_ROLE: 'worker'
      ServiceBus__clientId: workerIdentity.properties.clientId
      PUBLIC_BASE_URL: ingest.outputs.url
      ADMIN_AUTH: 'platform'
      HISTORY_DAYS: string(historyDays)
      SYSTEM_FILTERS_MINUTES: '12'
      DUE_MAILBOXES_SCHEDULE: '0 * * * * *'
      DYNAMICS_FEED_SCHEDULE: '15,45 * * * * *'
      RENEW_SUBSCRIPTIONS_SCHEDULE: '0 */30 * * * *'
      WATCH_SCHEDULE: '20 */5 * * * *'
    })
    tags: tags
  }
  dependsOn: [roles]
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  params: {
    location: location
    email: alertEmail
    ingestName: ingestName
    workerName: workerName
    namespaceName: serviceBus.outputs.name
    componentName: monitoring.outputs.componentName
    workspaceName: monitoring.outputs.workspaceName
    monthlyBudget: monthlyBudget
    tags: tags
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  params: {
    location: location
    componentName: monitoring.outputs.componentName
    tags: tags
  }
}

output ingestName string = ingestName
output ingestUrl string = ingest.outputs.url
output workerName string = workerName
output workerUrl string = worker.outputs.url
output workerClientId string = workerIdentity.properties.clientId
output workerPrincipalId string = workerIdentity.properties.principalId
