// The queues. Their definitions are the file that the local broker reads too: infra/queues.json.
// Sessions and duplicate detection cannot be changed later; a queue that needs other ones gets another name.

@minLength(6)
@maxLength(50)
param name string
param location string

@description('The rows of queues.json.')
param queues array
param tags object

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  // Basic has neither sessions nor duplicate detection; Premium costs sixty times as much.
  sku: {
    name: 'Standard'
    tier: 'Standard'
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: 'Enabled'
  }
}

resource queue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = [for each in queues: {
  parent: namespace
  name: each.name
  properties: {
    requiresSession: each.requiresSession
    lockDuration: each.lockDuration
    maxDeliveryCount: each.maxDeliveryCount
    requiresDuplicateDetection: each.requiresDuplicateDetection
    duplicateDetectionHistoryTimeWindow: each.duplicateDetectionHistoryTimeWindow
    defaultMessageTimeToLive: each.defaultMessageTimeToLive
    deadLetteringOnMessageExpiration: each.deadLetteringOnMessageExpiration
    maxSizeInMegabytes: each.maxSizeInMegabytes
    // Partitions would forbid duplicate detection over a whole queue.
    enablePartitioning: false
  }
}]

output name string = namespace.name
// Without scheme and port: what the SDK and the trigger want.
output host string = split(split(namespace.properties.serviceBusEndpoint, '//')[1], ':')[0]
