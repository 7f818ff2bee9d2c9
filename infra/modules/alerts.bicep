// What wakes somebody up. What each alert means and what to do: docs/operations.md, by the names used here.
//
// The queries read the lines that shared/telemetry.py writes: "measure {…}", with numbers and no personal data.

param location string
param email string
param ingestName string
param workerName string
param namespaceName string
param componentName string
param workspaceName string

@minValue(0)
param monthlyBudget int

@description('Budgets begin on the first of a month.')
param budgetStart string = utcNow('yyyy-MM-01')
param tags object

// Lines of the worker: one state a few minutes apart, one sum of passes at least each minute while any ran.
var measures = 'traces | where cloud_RoleName =~ "${workerName}" and message startswith "measure " | extend m = parse_json(substring(message, 8))'
var states = '${measures} | where tostring(m.kind) == "state"'

var logAlerts = [
  {
    name: 'mailboxes-lag'
    severity: 2
    description: 'An active mailbox was due for half an hour and had no pass.'
    query: '${states} | where toreal(m.late_s) > 1800'
    frequency: 'PT5M'
    window: 'PT15M'
    // Two of the three states of a quarter of an hour: not a single hiccup.
    above: 1
  }
  {
    name: 'mailboxes-failing'
    severity: 2
    description: 'A mailbox is broken, or fails again and again.'
    query: '${states} | where toint(m.broken) > 0 or toint(m.failing) > 0'
    frequency: 'PT15M'
    window: 'PT30M'
    above: 3
  }
  {
    name: 'worker-silent'
    severity: 1
    description: 'The worker has said nothing for half an hour: it does not run, or its timers do not.'
    query: '${states} | summarize seen = count() | where seen == 0'
    frequency: 'PT15M'
    window: 'PT30M'
    above: 0
  }
  {
    name: 'notifications-slow'
    severity: 2
    description: 'More than one notification in twenty was answered late or not at all; Graph drops them beyond 15 %.'
    query: 'requests | where cloud_RoleName =~ "${ingestName}" and operation_Name in ("graph_notifications", "graph_lifecycle") | summarize slow = sumif(itemCount, duration > 3000 or toint(resultCode) >= 500), total = sum(itemCount) | where total > 0 and slow * 20 > total'
    frequency: 'PT5M'
    window: 'PT15M'
    above: 0
  }
  {
    name: 'subscriptions-lapsing'
    severity: 2
    description: 'Change notifications end within twelve hours, or are missing; changes are then found by polling only.'
    query: '${measures} | where tostring(m.kind) == "subscriptions" and toint(m.lapsing) > 0'
    frequency: 'PT1H'
    window: 'PT2H'
    above: 2
  }
  {
    name: 'alert-raised'
    severity: 2
    description: 'The service raised an alert of its own that no other rule sees: GET /api/admin/alerts says which.'
    // Written once, when it begins. What has a rule of its own above is left out.
    query: '${measures} | where tostring(m.kind) == "alert" and tostring(m.event) == "raised" and tobool(m.told) and tostring(m.what) !in ("mailbox-broken", "mailboxes-lag")'
    frequency: 'PT5M'
    window: 'PT15M'
    above: 0
  }
  {
    name: 'functions-failing'
    severity: 2
    description: 'Functions of the worker ended with an exception: a bug, or a role that is missing.'
    query: 'requests | where cloud_RoleName =~ "${workerName}" and success == false and toint(resultCode) !between (400 .. 499)'
    frequency: 'PT15M'
    window: 'PT15M'
    above: 5
  }
]

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = {
  name: namespaceName
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'sync-administrators'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'sync'
    enabled: true
    emailReceivers: [
      {
        name: 'administrators'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource deadLetters 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'dead-letters'
  location: 'global'
  tags: tags
  properties: {
    description: 'Messages stay in a dead letter queue: the worker does not take them out to record them.'
    severity: 1
    enabled: true
    scopes: [namespace.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'dead letters'
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: 'Microsoft.ServiceBus/namespaces'
          metricName: 'DeadletteredMessages'
          timeAggregation: 'Minimum'
          operator: 'GreaterThan'
          threshold: 0
          dimensions: [
            {
              name: 'EntityName'
              operator: 'Include'
              values: ['*']
            }
          ]
        }
      ]
    }
    autoMitigate: true
    actions: [{ actionGroupId: people.id }]
  }
}

resource rule 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for each in logAlerts: {
  name: each.name
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: each.name
    description: each.description
    severity: each.severity
    enabled: true
    scopes: [component.id]
    evaluationFrequency: each.frequency
    windowSize: each.window
    criteria: {
      allOf: [
        {
          query: each.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: each.above
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    autoMitigate: true
    actions: { actionGroups: [people.id] }
  }
}]

resource capReached 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: 'log-cap-reached'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'log-cap-reached'
    description: 'The daily cap of Log Analytics was reached: until tomorrow nothing is recorded and no other log alert can fire.'
    severity: 2
    enabled: true
    scopes: [workspace.id]
    evaluationFrequency: 'PT1H'
    windowSize: 'PT1H'
    criteria: {
      allOf: [
        {
          query: '_LogOperation | where Category =~ "Ingestion" | where Detail contains "OverQuota"'
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    autoMitigate: false
    actions: { actionGroups: [people.id] }
  }
}

// A budget only tells; nothing is switched off. What bounds the cost are the caps: logs, instances, sampling.
resource budget 'Microsoft.Consumption/budgets@2023-11-01' = if (monthlyBudget > 0) {
  name: 'sync-monthly'
  properties: {
    category: 'Cost'
    amount: monthlyBudget
    timeGrain: 'Monthly'
    timePeriod: { startDate: budgetStart }
    notifications: {
      actual80: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: [email]
        contactGroups: [people.id]
      }
      forecast100: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: [email]
        contactGroups: [people.id]
      }
    }
  }
}
