// azd's scope: a resource group, and in it everything that group.bicep describes.
// Whoever already has a resource group deploys group.bicep alone: az deployment group create.
targetScope = 'subscription'

@minLength(1)
@maxLength(32)
@description('Name of this installation; azd calls it the environment.')
param environmentName string

@minLength(1)
@description('Azure region. It must offer Flex Consumption: az functionapp list-flexconsumption-locations.')
param location string

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

var allTags = union(tags, { 'azd-env-name': environmentName })

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: allTags
}

module core 'group.bicep' = {
  name: 'core'
  scope: group
  params: {
    environmentName: environmentName
    location: location
    dataverseUrl: dataverseUrl
    adminClientId: adminClientId
    alertEmail: alertEmail
    pythonVersion: pythonVersion
    dataverseWebhookKey: dataverseWebhookKey
    historyDays: historyDays
    logDailyCapGb: logDailyCapGb
    monthlyBudget: monthlyBudget
    stateRedundancy: stateRedundancy
    tags: allTags
  }
}

output AZURE_RESOURCE_GROUP string = group.name
output INGEST_NAME string = core.outputs.ingestName
output INGEST_URL string = core.outputs.ingestUrl
output WORKER_NAME string = core.outputs.workerName
output WORKER_URL string = core.outputs.workerUrl
output WORKER_CLIENT_ID string = core.outputs.workerClientId
output WORKER_PRINCIPAL_ID string = core.outputs.workerPrincipalId
