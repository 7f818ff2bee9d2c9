<#
.SYNOPSIS
For the Exchange administrator: let the service's identity into chosen mailboxes only.

.DESCRIPTION
RBAC for Applications in Exchange Online. It gives the worker's identity roles that hold for the members of one
management scope, by default for mailboxes whose CustomAttribute10 is "Dynamics".

Two things that surprise:
- What was granted in Entra (graph_permissions.py) holds for ALL mailboxes and makes this scope void, because the
  two add up. Run graph_permissions.py with --scoped-by-exchange.
- To Do tasks have no such role. Tasks.ReadWrite.All can only be granted in Entra, for all mailboxes, or be left
  out: then switch synchronizeTasks off in the profile.

Changes take from 30 minutes to two hours to work. Safe to run twice; -Undo takes everything back.
Needs Organization Management, and the module ExchangeOnlineManagement (Connect-ExchangeOnline first).

.EXAMPLE
./exchange_scope.ps1 -ClientId <WORKER_CLIENT_ID> -ObjectId <WORKER_PRINCIPAL_ID> -Test adele@contoso.com
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [Parameter(Mandatory)] [guid] $ClientId,
    [Parameter(Mandatory)] [guid] $ObjectId,
    [ValidateSet('appointments', 'contacts', 'mail')] [string[]] $Kinds = @('appointments', 'contacts'),
    [string] $Filter = "CustomAttribute10 -eq 'Dynamics'",
    [string] $Test,
    [switch] $Undo,
    [switch] $Yes
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$name = 'Exchange Dynamics synchronization'
$scope = 'Dynamics synchronization'
# Of our role assignments; Exchange allows 64 characters for the whole name.
$prefix = 'Dynamics sync'
$rolesOf = @{
    always       = @('Application MailboxSettings.Read')
    appointments = @('Application Calendars.ReadWrite')
    contacts     = @('Application Contacts.ReadWrite')
    mail         = @('Application Mail.ReadWrite', 'Application Mail.Send')
}
$roles = @($rolesOf.always) + @($Kinds | ForEach-Object { $rolesOf[$_] })

function Get-Assignments {
    @(Get-ManagementRoleAssignment | Where-Object { $_.Name -like "$prefix*" })
}

$principal = Get-ServicePrincipal -ErrorAction SilentlyContinue | Where-Object { $_.AppId -eq $ClientId }
$present = Get-ManagementScope -Identity $scope -ErrorAction SilentlyContinue
$steps = [System.Collections.Generic.List[object]]::new()
function Add-Step([string] $Sentence, [scriptblock] $Do) { $steps.Add(@{ Sentence = $Sentence; Do = $Do }) }

if ($Undo) {
    foreach ($each in Get-Assignments) {
        $assignment = $each.Name
        Add-Step "remove the role assignment '$assignment'" {
            Remove-ManagementRoleAssignment -Identity $assignment -Confirm:$false
        }.GetNewClosure()
    }
    if ($present) { Add-Step "remove the scope '$scope'" { Remove-ManagementScope -Identity $scope -Confirm:$false } }
    if ($principal) {
        Add-Step 'remove the identity from Exchange' { Remove-ServicePrincipal -Identity $principal.Id -Confirm:$false }
    }
}
else {
    if (-not $principal) {
        Add-Step 'make the identity known to Exchange' {
            New-ServicePrincipal -AppId $ClientId -ObjectId $ObjectId -DisplayName $name | Out-Null
        }
    }
    if (-not $present) {
        Add-Step "make the scope '$scope': mailboxes with $Filter" {
            New-ManagementScope -Name $scope -RecipientRestrictionFilter $Filter | Out-Null
        }
    }
    elseif ($present.RecipientFilter -ne $Filter) {
        Add-Step "change the scope '$scope' from $($present.RecipientFilter) to $Filter" {
            Set-ManagementScope -Identity $scope -RecipientRestrictionFilter $Filter
        }
    }
    $given = @(Get-Assignments | ForEach-Object { $_.Role.ToString() })
    foreach ($role in $roles) {
        if ($given -notcontains $role) {
            Add-Step "give '$role' within the scope" {
                New-ManagementRoleAssignment -Name "$prefix $role" -App $ObjectId -Role $role `
                    -CustomResourceScope $scope | Out-Null
            }.GetNewClosure()
        }
    }
}

if ($steps.Count -eq 0) { Write-Output 'Nothing to do: everything is as it should be.' }
else {
    Write-Output 'This would be done:'
    for ($i = 0; $i -lt $steps.Count; $i++) { Write-Output "  $($i + 1). $($steps[$i].Sentence)" }
    if ($WhatIfPreference) { return }
    if (-not $Yes -and (Read-Host 'Go on? [yes/no]') -notin @('y', 'yes')) {
        Write-Output 'Nothing was changed.'
        exit 1
    }
    foreach ($step in $steps) {
        Write-Output "  $($step.Sentence) ..."
        & $step.Do
    }
    Write-Output 'Done. It takes up to two hours until every server knows.'
}
if ($Test -and -not $Undo) {
    # Says at once what the scope will allow, without waiting for the servers; it does not see grants in Entra.
    Test-ServicePrincipalAuthorization -Identity $ObjectId -Resource $Test | Format-Table -AutoSize
}
