// The dashboard: infra/workbook.json, shown under Workbooks of the Application Insights resource.

param location string
param componentName string
param tags object

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(component.id, 'exchange-dynamics-sync')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Exchange and Dynamics in step'
    category: 'workbook'
    sourceId: component.id
    serializedData: loadTextContent('../workbook.json')
    version: '1.0'
  }
}
