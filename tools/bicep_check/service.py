"""What this template must say to fit this service: queues, app settings, roles, security, apps, alerts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from shared.jobs import messages
from shared.settings import TABLE, Setting, Settings, SettingsError
from tools.bicep_check.evaluate import Evaluation, Resource
from tools.bicep_check.functions import TENANT
from tools.bicep_check.kinds import (
    ACCOUNT,
    ASSIGNMENT,
    BUDGET,
    COMPONENT,
    CONFIG,
    CONTAINER,
    IDENTITY,
    METRIC_RULE,
    NAMESPACE,
    PEOPLE,
    QUEUE,
    RULE,
    SITE,
    TABLES,
    WORKBOOK,
)
from tools.bicep_check.security import at, at_path, check_security, check_tags, parts
from tools.bicep_check.symbols import Problem
from tools.bicep_check.template import PARAMETERS

PLATFORM_SETTINGS = frozenset(
    {
        "AzureWebJobsStorage__blobServiceUri",
        "AzureWebJobsStorage__credential",
        "AzureWebJobsStorage__clientId",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
        "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID",
    }
)
"""App settings that the platform reads and the code does not; none that Flex Consumption refuses."""
CONNECTION_STRINGS = frozenset({"ServiceBus", "STATE_TABLES"})
"""With keys in them: for one machine only, Azure has identities."""
BLOB_OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
TABLE_CONTRIBUTOR = "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3"
TABLE_READER = "76199698-9eea-4c19-bc75-cec21354c6b6"
BUS_OWNER = "090c5cfd-751d-490a-894a-3ce6f1109419"
BUS_SENDER = "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39"
METRICS_PUBLISHER = "3913510d-42f4-4e42-8a64-420c390055eb"

ALERTS = frozenset(
    {
        "dead-letters",
        "mailboxes-lag",
        "mailboxes-failing",
        "worker-silent",
        "notifications-slow",
        "subscriptions-lapsing",
        "alert-raised",
        "functions-failing",
        "log-cap-reached",
    }
)


def one_machine(setting: Setting) -> bool:
    """Settings that have no place in Azure."""
    return setting.local_only or setting.name in CONNECTION_STRINGS


def check_service(evaluation: Evaluation, infra: Path) -> list[Problem]:
    apps = {str(site.body.get("tags", {}).get("azd-service-name")): site for site in evaluation.of(SITE)}
    found = [
        *_queues(evaluation, infra),
        *check_security(evaluation),
        *check_tags(evaluation),
        *_alerts(evaluation, infra),
    ]
    if set(apps) != {"ingest", "worker"}:
        where = str(infra / "main.bicep")
        return [*found, Problem(where, 1, f"the apps are {sorted(apps)}, not ingest and worker")]
    return [
        *found,
        *_settings(evaluation, apps),
        *_roles(evaluation, apps),
        *_sign_in(evaluation, apps),
        *_sizes(evaluation, apps),
    ]


# --- queues ---------------------------------------------------------------------------------------


def _queues(evaluation: Evaluation, infra: Path) -> Iterator[Problem]:
    rows = {row["name"]: row for row in json.loads((infra / "queues.json").read_text())["queues"]}
    queues = {each.name: each for each in evaluation.of(QUEUE)}
    for name in sorted({*rows, *messages.QUEUES} - set(queues)):
        yield Problem(str(infra / "queues.json"), 1, f"queue '{name}' is deployed by nothing")
    for name, queue in queues.items():
        row = rows.get(name, {})
        for key in sorted(set(row) - {"name"}):
            if queue.properties.get(key) != row[key]:
                text = (
                    f"{key} of queue '{name}' is {queue.properties.get(key)!r}, in queues.json {row[key]!r}"
                )
                yield at(queue, text)
        if queue.properties.get("enablePartitioning") is not False:
            yield at(
                queue, f"queue '{name}' must not be partitioned: duplicates are found within a partition"
            )


# --- app settings ---------------------------------------------------------------------------------


def settings_of(evaluation: Evaluation, site: Resource) -> dict[str, str]:
    """The app settings that one app gets."""
    configs = parts(evaluation, CONFIG, site)
    return dict(configs["appsettings"].properties) if "appsettings" in configs else {}


def _settings(evaluation: Evaluation, apps: Mapping[str, Resource]) -> Iterator[Problem]:
    known = {each.name for each in TABLE}
    wanted = {each.name for each in TABLE if not one_machine(each)}
    given: set[str] = set()
    for role, site in apps.items():
        values = settings_of(evaluation, site)
        given |= set(values)
        for name in sorted(set(values) - known - PLATFORM_SETTINGS):
            yield at(site, f"nobody reads the app setting {name} of {role}")
        for name in sorted(set(values) & {each.name for each in TABLE if one_machine(each)}):
            yield at(site, f"{name} is for one machine, not for {role}")
        if values.get("SYNC_ROLE") != role:
            yield at(site, f"SYNC_ROLE of {role} is {values.get('SYNC_ROLE')!r}")
        try:
            Settings.from_environment(values)
        except SettingsError as error:
            for problem in error.problems:
                yield at(site, f"{role} would not start: {problem}")
        yield from _platform_settings(site, role, values)
    for name in sorted(wanted - given):
        yield at(apps["worker"], f"the app setting {name} is given to no app")


def _platform_settings(site: Resource, role: str, values: Mapping[str, str]) -> Iterator[Problem]:
    """An identity-based connection needs all of its parts; without the client id the app never wakes up."""
    for prefix, needed in (
        ("ServiceBus", ("fullyQualifiedNamespace", "credential", "clientId")),
        ("AzureWebJobsStorage", ("blobServiceUri", "credential", "clientId")),
    ):
        for part in needed:
            if not values.get(f"{prefix}__{part}"):
                yield at(site, f"{role} has no {prefix}__{part}")
    if values.get("ServiceBus__clientId") != values.get("AzureWebJobsStorage__clientId"):
        yield at(site, f"{role} uses two identities")
    for name in ("APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"):
        if not values.get(name):
            yield at(site, f"{role} has no {name}")


# --- roles ----------------------------------------------------------------------------------------


def _roles(evaluation: Evaluation, apps: Mapping[str, Resource]) -> Iterator[Problem]:
    """Exactly the roles that each identity uses: one too few stops the app, one too many is a risk."""
    wanted = {
        (role, needed, scope)
        for role, site in apps.items()
        for needed, scope in _needs(evaluation, role, settings_of(evaluation, site))
    }
    principals = {_told(identity, "principalId"): identity.name for identity in evaluation.of(IDENTITY)}
    roles_of = {_identity_name(site): role for role, site in apps.items()}
    given: dict[tuple[str, str, str], Resource] = {}
    for each in evaluation.of(ASSIGNMENT):
        owner = roles_of.get(principals.get(str(each.properties.get("principalId")), ""), "nobody")
        needed = str(each.properties.get("roleDefinitionId", "")).rsplit("/", 1)[-1]
        given[owner, needed, each.scope.id if each.scope else "the whole resource group"] = each
        if each.properties.get("principalType") != "ServicePrincipal":
            yield at(each, "without principalType ServicePrincipal a new identity is not found for minutes")
    for owner, needed, scope in sorted(wanted - set(given)):
        yield at(apps[owner], f"{owner} lacks the role {needed} on {scope}")
    for key in sorted(set(given) - wanted):
        yield at(given[key], f"{key[0]} has the role {key[1]} on {key[2]}, which it does not need")
    if len({each.name for each in evaluation.of(ASSIGNMENT)}) != len(evaluation.of(ASSIGNMENT)):
        yield at(evaluation.of(ASSIGNMENT)[0], "two role assignments have one name")


def _needs(evaluation: Evaluation, role: str, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Role and scope, from what the app's own settings point to."""
    accounts = {f"https://{each.name}.": each for each in evaluation.of(ACCOUNT)}
    host = _by_address(accounts, values.get("AzureWebJobsStorage__blobServiceUri", ""))
    state = _by_address(accounts, values.get("STATE_TABLES__endpoint", ""))
    if host:
        yield BLOB_OWNER, host.id
    for component in evaluation.of(COMPONENT):
        yield METRICS_PUBLISHER, component.id
    if role == "worker":
        if state:
            yield TABLE_CONTRIBUTOR, state.id
        for namespace in evaluation.of(NAMESPACE):
            yield BUS_OWNER, namespace.id
        return
    for queue in evaluation.of(QUEUE):
        if queue.name in (messages.MAILBOX_SYNC, messages.DYNAMICS_FEED):
            yield BUS_SENDER, queue.id
    for table in evaluation.of(TABLES):
        if table.name == "subscriptions" and state and table.id.startswith(state.id + "/"):
            yield TABLE_READER, table.id


def _by_address(accounts: Mapping[str, Resource], url: str) -> Resource | None:
    return next((each for prefix, each in accounts.items() if url.startswith(prefix)), None)


def _identity_name(site: Resource) -> str:
    ids = list((site.body.get("identity") or {}).get("userAssignedIdentities") or {})
    return str(ids[0]).rsplit("/", 1)[-1] if len(ids) == 1 else ""


def _told(identity: Resource, what: str) -> str:
    from tools.bicep_check.evaluate import RUNTIME
    from tools.bicep_check.functions import guid

    return guid(RUNTIME[IDENTITY][f"properties.{what}"].format(name=identity.name))


# --- sign-in ---------------------------------------------------------------------------------------


def _sign_in(evaluation: Evaluation, apps: Mapping[str, Resource]) -> Iterator[Problem]:
    """Easy Auth on the whole worker; the edge is anonymous, because Graph and Dataverse cannot sign in."""
    worker = apps["worker"]
    auth = parts(evaluation, CONFIG, worker).get("authsettingsV2")
    if auth is None:
        yield at(worker, "the worker's admin API is not guarded by Easy Auth")
        return
    rule = auth.properties.get("globalValidation") or {}
    if at_path(auth.properties, "platform.enabled") is not True:
        yield at(auth, "Easy Auth is switched off")
    if (
        rule.get("requireAuthentication") is not True
        or rule.get("unauthenticatedClientAction") != "Return401"
    ):
        yield at(auth, "Easy Auth lets in callers who are not signed in")
    if rule.get("excludedPaths"):
        yield at(auth, "Easy Auth excludes paths; there anybody could send the principal header")
    provider = at_path(auth.properties, "identityProviders.azureActiveDirectory") or {}
    registration, client = provider.get("registration") or {}, PARAMETERS["adminClientId"]
    if provider.get("enabled") is not True or registration.get("clientId") != client:
        yield at(auth, "Easy Auth does not use the app registration of the administrators")
    if not str(registration.get("openIdIssuer")).endswith(f"/{TENANT}/v2.0"):
        yield at(auth, "Easy Auth takes tokens of another issuer than this tenant")
    if at_path(provider, "validation.allowedAudiences") != [client, f"api://{client}"]:
        yield at(auth, "Easy Auth takes tokens that were made for somebody else")
    if at_path(auth.properties, "login.tokenStore.enabled") is not False:
        yield at(auth, "Easy Auth keeps tokens that nobody needs")
    if at_path(auth.properties, "httpSettings.requireHttps") is not True:
        yield at(auth, "Easy Auth lets in plain http")
    setting = registration.get("clientSecretSettingName", "")
    if settings_of(evaluation, worker).get(setting) != settings_of(evaluation, worker).get(
        "ServiceBus__clientId"
    ):
        yield at(
            auth, "Easy Auth has no federated credential: its setting must hold the identity's client id"
        )
    if "authsettingsV2" in parts(evaluation, CONFIG, apps["ingest"]):
        yield at(apps["ingest"], "Graph and Dataverse cannot sign in at the edge")


# --- sizes ----------------------------------------------------------------------------------------


def _sizes(evaluation: Evaluation, apps: Mapping[str, Resource]) -> Iterator[Problem]:
    plans = [str(site.properties.get("serverFarmId")) for site in apps.values()]
    if len(set(plans)) != len(plans):
        yield at(apps["worker"], "a Flex Consumption plan holds one app")
    hosts = [
        settings_of(evaluation, s).get("AzureWebJobsStorage__blobServiceUri", "").split("/package")[0]
        for s in apps.values()
    ]
    if len(set(hosts)) != len(hosts):
        yield at(apps["worker"], "both apps share a host account: the edge could replace the worker's code")
    for role, site in apps.items():
        ready = at_path(site.properties, "functionAppConfig.scaleAndConcurrency.alwaysReady") or []
        if (role == "ingest") != any(each.get("name") == "http" for each in ready):
            yield at(site, f"{role}: exactly the edge has an always-ready HTTP instance")
        if not at_path(site.properties, "functionAppConfig.scaleAndConcurrency.triggers.http"):
            yield at(site, f"{role}: nothing bounds its HTTP requests")
        identity = at_path(
            site.properties,
            "functionAppConfig.deployment.storage.authentication.userAssignedIdentityResourceId",
        )
        if identity not in ((site.body.get("identity") or {}).get("userAssignedIdentities") or {}):
            yield at(site, f"{role}: its package is read with another identity")
        package = str(at_path(site.properties, "functionAppConfig.deployment.storage.value"))
        boxes = {
            f"https://{each.parent.parent.name}.blob.core.windows.net/{each.name}"
            for each in evaluation.of(CONTAINER)
            if each.parent and each.parent.parent
        }
        if package not in boxes:
            yield at(site, f"{role}: the container of its package is deployed by nothing")
        if not package.startswith(
            settings_of(evaluation, site).get("AzureWebJobsStorage__blobServiceUri", "?")
        ):
            yield at(site, f"{role}: its package lies in another app's account")


# --- alerts ---------------------------------------------------------------------------------------


def _alerts(evaluation: Evaluation, infra: Path) -> Iterator[Problem]:
    rules = {each.name: each for kind in (RULE, METRIC_RULE) for each in evaluation.of(kind)}
    where = str(infra / "modules" / "alerts.bicep")
    for name in sorted(ALERTS - set(rules)):
        yield Problem(where, 1, f"there is no alert '{name}'")
    for name, rule in rules.items():
        if rule.properties.get("enabled") is not True or not rule.properties.get("actions"):
            yield at(rule, f"alert '{name}' tells nobody")
        yield from _alert(rule)
    for group in evaluation.of(PEOPLE):
        mails = [each.get("emailAddress") for each in group.properties.get("emailReceivers") or []]
        named = group.properties.get("enabled") is True and group.properties.get("groupShortName")
        if not named or mails != [PARAMETERS["alertEmail"]]:
            yield at(group, "alerts reach nobody")
    if not evaluation.of(BUDGET):
        yield Problem(where, 1, "there is no budget")
    for budget in evaluation.of(BUDGET):
        for name, each in (budget.properties.get("notifications") or {}).items():
            if each.get("enabled") is not True or not each.get("contactGroups"):
                yield at(budget, f"the budget's '{name}' tells nobody")
    for workbook in evaluation.of(WORKBOOK):
        try:
            json.loads(str(workbook.properties.get("serializedData")))
        except ValueError:
            yield at(workbook, "the workbook is no JSON")
        if not workbook.properties.get("sourceId"):
            yield at(workbook, "the workbook belongs to nothing")


def _alert(rule: Resource) -> Iterator[Problem]:
    """What a rule needs to fire; the interface takes it without, and then it never does."""
    wanted = ("scopes", "severity", "evaluationFrequency", "windowSize", "description")
    conditions = at_path(rule.properties, "criteria.allOf") or [{}]
    needed = ["timeAggregation", "operator", "threshold"]
    needed.append("query" if rule.type == RULE else "metricName")
    for name in wanted:
        if rule.properties.get(name) in (None, "", []):
            yield at(rule, f"alert '{rule.name}' has no {name}")
    for name in needed:
        if conditions[0].get(name) in (None, ""):
            yield at(rule, f"alert '{rule.name}' has a condition without {name}")
