"""The hand-over scripts: they say what they would do, ask, are safe to run twice, and undo what they made."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dataverse_push
import dataverse_user
import entra_admin_app
import graph_permissions
import handover
import pytest

from shared.dynamics.dataverse.tables import ADDRESS_BOOKS, ENTITY_SETS, FEEDS
from shared.model.filter_push import FILTER_TABLES
from shared.web.principal import ADMIN, READER
from tests.infra.fake_service import Fake, Refused, Set_, served

SCRIPTS = Path(__file__).parents[2] / "infra" / "scripts"
CLIENT, PRINCIPAL, KEY = str(uuid.uuid4()), str(uuid.uuid4()), "k" * 40
UNIT = str(uuid.uuid4())
NO_INCIDENTS = "prvAppendToIncident"


class Person:
    """Who runs the scripts: sees what is said, and answers."""

    def __init__(self, answer: str = "yes") -> None:
        self.seen: list[str] = []
        self.asked = 0
        self._answer = answer

    def ask(self, _question: str) -> str:
        self.asked += 1
        return self._answer

    def run(self, script: Any, *arguments: str) -> int:
        return int(script.run(arguments, token=lambda _: "admin", ask=self.ask, say=self.seen.append))

    @property
    def had_nothing_to_do(self) -> bool:
        return any("Nothing to do" in line for line in self.seen)


def dataverse() -> Fake:
    names = [name for _, name, _ in dataverse_user.PRIVILEGES if name != NO_INCIDENTS]
    privileges = [{"privilegeid": str(uuid.uuid4()), "name": name} for name in names]
    messages = [{"sdkmessageid": str(uuid.uuid4()), "name": name} for name in dataverse_push.MESSAGES]
    filters = [
        {
            "sdkmessagefilterid": str(uuid.uuid4()),
            "primaryobjecttypecode": table,
            "sdkmessageid/name": message["name"],
        }
        for table in dataverse_push.TABLES
        for message in messages
    ]
    step = {
        "name",
        "mode",
        "stage",
        "rank",
        "supporteddeployment",
        "asyncautodelete",
        "statecode",
        "statuscode",
    }
    bound = {"sdkmessageid", "sdkmessagefilterid", "eventhandler_serviceendpoint"}
    unit = "businessunitid@odata.bind"
    fake = Fake(
        "/api/data/v9.2",
        {
            "businessunits": Set_("businessunitid", set(), rows=[{"businessunitid": UNIT, "name": "root"}]),
            "roles": Set_("roleid", {"name", unit}),
            "systemusers": Set_("systemuserid", {"applicationid", unit, "isdisabled"}),
            "privileges": Set_("privilegeid", set(), rows=privileges),
            "sdkmessages": Set_("sdkmessageid", set(), rows=messages),
            "sdkmessagefilters": Set_("sdkmessagefilterid", set(), rows=filters),
            "serviceendpoints": Set_(
                "serviceendpointid",
                {"name", "contract", "url", "authtype", "authvalue", "messageformat"},
                secret={"authvalue"},
            ),
            "sdkmessageprocessingsteps": Set_(
                "sdkmessageprocessingstepid", step | {f"{each}@odata.bind" for each in bound}
            ),
        },
        answers_with_address=True,
    )
    _roles(fake)
    return fake


def _roles(fake: Fake) -> None:
    """Privileges of roles, and roles of users."""
    held: dict[str, dict[str, str]] = {}
    roles_of: dict[str, list[str]] = {}

    def privileges(role: str) -> Any:
        fake.row("roles", role)
        rows = [{"PrivilegeId": number, "Depth": depth} for number, depth in held.get(role, {}).items()]
        return {"RolePrivileges": rows}

    def add(role: str, body: Any) -> None:
        fake.row("roles", role)
        for each in body["Privileges"]:
            fake.row("privileges", each["PrivilegeId"])
            held.setdefault(role, {})[each["PrivilegeId"]] = each["Depth"]

    def remove(role: str, body: Any) -> None:
        del held[role][body["PrivilegeId"]]

    def give(user: str, body: Any) -> None:
        fake.row("systemusers", user)
        address = str(body["@odata.id"])
        if not address.startswith(f"{fake.address}/roles("):
            raise Refused(400, "a reference is a whole address")
        roles_of.setdefault(user, []).append(address.rstrip(")").rsplit("(", 1)[1])

    number = r"([\w-]+)"
    association = rf"/systemusers\({number}\)/systemuserroles_association"
    fake.special += [
        ("GET", rf"/RetrieveRolePrivilegesRole\(RoleId={number}\)", privileges),
        ("POST", rf"/roles\({number}\)/Microsoft\.Dynamics\.CRM\.AddPrivilegesRole", add),
        ("POST", rf"/roles\({number}\)/Microsoft\.Dynamics\.CRM\.RemovePrivilegeRole", remove),
        ("GET", association, lambda user: {"value": [{"roleid": each} for each in roles_of.get(user, [])]}),
        ("POST", association + r"/\$ref", give),
        ("DELETE", rf"{association}\({number}\)/\$ref", lambda user, role: roles_of[user].remove(role)),
    ]
    fake.sets["roles"].rows.clear()
    fake.kept["privileges"] = held


def graph() -> Fake:
    roles = [{"id": str(uuid.uuid4()), "value": name} for _, name, _, _ in graph_permissions.PERMISSIONS]
    service = {"id": str(uuid.uuid4()), "appId": graph_permissions.GRAPH_APP, "appRoles": roles}
    identity = {"id": PRINCIPAL, "appId": CLIENT, "appRoles": []}
    granted: list[dict[str, Any]] = []
    credentials: list[dict[str, Any]] = []

    def grant(_principal: str, body: Any) -> Any:
        known = {
            each["id"] for row in fake.sets["servicePrincipals"].rows for each in row.get("appRoles", [])
        }
        own = {each["id"] for row in fake.sets["applications"].rows for each in row["appRoles"]}
        if body["appRoleId"] not in known | own:
            raise Refused(400, "no such role")
        if any({**row, "id": ""} == {**body, "id": ""} for row in granted):
            raise Refused(400, "Permission being assigned already exists on the object")
        granted.append({"id": str(uuid.uuid4()), **body})
        return granted[-1]

    def revoke(_principal: str, number: str) -> None:
        granted[:] = [row for row in granted if row["id"] != number]

    def of(column: str) -> Any:
        return lambda number: {"value": [row for row in granted if row[column] == number]}

    def trust(_app: str, body: Any) -> Any:
        credentials.append({"id": str(uuid.uuid4()), **body})
        return credentials[-1]

    def create(body: Any) -> Any:
        fake._check(fake.sets["applications"], body)
        row = {"id": str(uuid.uuid4()), "appId": str(uuid.uuid4()), "identifierUris": [], **body}
        fake.sets["applications"].rows.append(row)
        return row

    number = r"([\w-]+)"
    app = {"displayName", "signInAudience", "appRoles", "identifierUris", "api", "web"}
    fake = Fake(
        "/v1.0",
        {
            "servicePrincipals": Set_("id", {"appId", "appRoleAssignmentRequired"}, rows=[service, identity]),
            "applications": Set_("id", app),
            "users": Set_("id", set(), rows=[{"id": "ann"}]),
            "organization": Set_("id", set(), rows=[{"id": "tenant"}]),
        },
        [
            ("POST", "/applications", create),
            ("POST", rf"/servicePrincipals/{number}/appRoleAssignments", grant),
            ("GET", rf"/servicePrincipals/{number}/appRoleAssignments", of("principalId")),
            ("DELETE", rf"/servicePrincipals/{number}/appRoleAssignments/{number}", revoke),
            ("POST", rf"/servicePrincipals/{number}/appRoleAssignedTo", grant),
            ("GET", rf"/servicePrincipals/{number}/appRoleAssignedTo", of("resourceId")),
            (
                "GET",
                rf"/applications/{number}/federatedIdentityCredentials",
                lambda _: {"value": credentials},
            ),
            ("POST", rf"/applications/{number}/federatedIdentityCredentials", trust),
            (
                "PATCH",
                rf"/applications/{number}/federatedIdentityCredentials/{number}",
                lambda _app, _number, body: credentials[0].update(body),
            ),
        ],
    )
    fake.kept |= {"granted": granted, "credentials": credentials}
    return fake


@pytest.fixture
def org() -> Iterator[tuple[Fake, str]]:
    fake = dataverse()
    with served(fake) as host:
        yield fake, host


@pytest.fixture
def entra() -> Iterator[tuple[Any, str]]:
    fake = graph()
    with served(fake) as host:
        yield fake, host


def user_script(host: str, person: Person, *more: str) -> int:
    return person.run(dataverse_user, "--organization", host, "--client-id", CLIENT, *more)


# --- the application user -------------------------------------------------------------------------


def test_the_application_user_gets_a_role_of_its_own(org: tuple[Any, str]) -> None:
    fake, host = org
    person = Person()
    assert user_script(host, person) == 0
    (role,) = fake.sets["roles"].rows
    (user,) = fake.sets["systemusers"].rows
    assert user["applicationid"] == CLIENT
    wanted = {name for _, name, _ in dataverse_user.PRIVILEGES} - {NO_INCIDENTS}
    names = {row["privilegeid"]: row["name"] for row in fake.sets["privileges"].rows}
    assert {names[number] for number in fake.kept["privileges"][role["roleid"]]} == wanted
    assert set(fake.kept["privileges"][role["roleid"]].values()) == {"Global"}
    assert any(NO_INCIDENTS in line and "no such table" in line for line in person.seen)


def test_the_role_covers_every_table_that_the_adapter_touches() -> None:
    """What may be regarded or be a party needs AppendTo; where addresses are looked up, Read."""
    names = {name for _, name, _ in dataverse_user.PRIVILEGES}
    privilege = {"systemuser": "User", "salesorder": "Order", "businessunit": "BusinessUnit"}
    privilege["knowledgearticle"] = "KnowledgeArticle"
    touched = {table: privilege.get(table, table.capitalize()) for table in ENTITY_SETS}
    assert {f"prvAppendTo{each}" for each in touched.values()} <= names
    looked_up = {privilege.get(book.table, book.table.capitalize()) for book in ADDRESS_BOOKS}
    assert {f"prvRead{each}" for each in looked_up} <= names


def test_a_second_run_has_nothing_to_do(org: tuple[Any, str]) -> None:
    fake, host = org
    user_script(host, Person())
    before = list(fake.writes)
    again = Person()
    assert user_script(host, again) == 0
    assert again.had_nothing_to_do
    assert (again.asked, fake.writes) == (0, before)


def test_a_role_that_somebody_changed_is_mended(org: tuple[Any, str]) -> None:
    fake, host = org
    user_script(host, Person())
    (role,) = fake.sets["roles"].rows
    right = dict(fake.kept["privileges"][role["roleid"]])
    foreign = {"privilegeid": "foreign", "name": "prvDeleteOrganization"}
    fake.sets["privileges"].rows.append(foreign)
    fake.kept["privileges"][role["roleid"]] |= {"foreign": "Global", next(iter(right)): "Basic"}
    assert user_script(host, Person()) == 0
    assert fake.kept["privileges"][role["roleid"]] == right


def test_undo_disables_the_user_and_deletes_the_role(org: tuple[Any, str]) -> None:
    fake, host = org
    user_script(host, Person())
    assert user_script(host, Person(), "--undo") == 0
    assert fake.sets["roles"].rows == []
    assert fake.sets["systemusers"].rows[0]["isdisabled"] is True
    assert user_script(host, Person()) == 0
    assert fake.sets["systemusers"].rows[0]["isdisabled"] is False
    assert len(fake.sets["systemusers"].rows) == 1


@pytest.mark.parametrize(("answer", "more"), [("no", ()), ("yes", ("--plan",))])
def test_nothing_is_written_before_a_yes(org: tuple[Any, str], answer: str, more: tuple[str, ...]) -> None:
    fake, host = org
    person = Person(answer)
    user_script(host, person, *more)
    assert fake.writes == []
    assert any("create the security role" in line for line in person.seen)


# --- push -----------------------------------------------------------------------------------------


def push_script(host: str, person: Person, *more: str) -> int:
    return person.run(dataverse_push, "--organization", host, "--ingest-url", "https://edge.example", *more)


@pytest.fixture
def webhook_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAVERSE_WEBHOOK_KEY", KEY)


@pytest.mark.usefixtures("webhook_key")
def test_push_does_without_the_table_of_an_app_that_is_not_installed(org: tuple[Any, str]) -> None:
    fake, host = org
    filters = fake.sets["sdkmessagefilters"].rows
    filters[:] = [row for row in filters if row["primaryobjecttypecode"] not in dataverse_push.OPTIONAL]
    assert push_script(host, Person()) == 0
    steps = fake.sets["sdkmessageprocessingsteps"].rows
    assert len(steps) == len(set(dataverse_push.TABLES) - dataverse_push.OPTIONAL) * 3


@pytest.mark.usefixtures("webhook_key")
def test_push_is_registered_once_for_every_table_that_is_followed(org: tuple[Any, str]) -> None:
    fake, host = org
    assert push_script(host, Person()) == 0
    (endpoint,) = fake.sets["serviceendpoints"].rows
    assert endpoint["url"] == "https://edge.example/api/dynamics/changes"
    assert KEY in endpoint["authvalue"]
    assert KEY not in endpoint["url"]
    steps = fake.sets["sdkmessageprocessingsteps"].rows
    assert len(steps) == len(dataverse_push.TABLES) * 3
    assert {(step["mode"], step["stage"]) for step in steps} == {(1, 40)}
    for step in steps:
        step |= {"_eventhandler_value": endpoint["serviceendpointid"], "statecode": 0}
    again = Person()
    assert push_script(host, again) == 0
    assert again.had_nothing_to_do


def test_push_follows_the_tables_of_the_adapter() -> None:
    assert set(dataverse_push.TABLES) == {*FEEDS, *FILTER_TABLES}


@pytest.mark.usefixtures("webhook_key")
def test_the_key_and_the_address_can_be_changed_and_steps_mended(
    org: tuple[Any, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, host = org
    push_script(host, Person())
    (endpoint,) = fake.sets["serviceendpoints"].rows
    for step in fake.sets["sdkmessageprocessingsteps"].rows:
        step |= {"_eventhandler_value": endpoint["serviceendpointid"], "statecode": 1}
    monkeypatch.setenv("DATAVERSE_WEBHOOK_KEY", "n" * 40)
    assert push_script(host, Person(), "--rotate-key") == 0
    assert "n" * 40 in endpoint["authvalue"]
    assert {step["statecode"] for step in fake.sets["sdkmessageprocessingsteps"].rows} == {0}
    endpoint["url"] = "https://old.example"
    push_script(host, Person())
    assert endpoint["url"] == "https://edge.example/api/dynamics/changes"


@pytest.mark.usefixtures("webhook_key")
def test_undo_removes_the_steps_and_the_web_hook(org: tuple[Any, str]) -> None:
    fake, host = org
    push_script(host, Person())
    number = fake.sets["serviceendpoints"].rows[0]["serviceendpointid"]
    for step in fake.sets["sdkmessageprocessingsteps"].rows:
        step["_eventhandler_value"] = number
    assert push_script(host, Person(), "--undo") == 0
    assert fake.sets["serviceendpoints"].rows == fake.sets["sdkmessageprocessingsteps"].rows == []


def test_a_short_key_is_refused(org: tuple[Any, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAVERSE_WEBHOOK_KEY", "short")
    with pytest.raises(handover.HandoverError, match="DATAVERSE_WEBHOOK_KEY"):
        push_script(org[1], Person())


# --- Entra ----------------------------------------------------------------------------------------


def permission_script(host: str, person: Person, *more: str) -> int:
    return person.run(graph_permissions, "--graph", host, "--principal-id", PRINCIPAL, *more)


def granted(fake: Any) -> set[str]:
    names = {each["id"]: each["value"] for each in fake.sets["servicePrincipals"].rows[0]["appRoles"]}
    return {names[row["appRoleId"]] for row in fake.kept["granted"]}


def test_permissions_are_given_once(entra: tuple[Any, str]) -> None:
    fake, host = entra
    assert permission_script(host, Person()) == 0
    assert granted(fake) == {
        "User.Read.All",
        "MailboxSettings.Read",
        "Calendars.ReadWrite",
        "Contacts.ReadWrite",
        "Tasks.ReadWrite.All",
    }
    again = Person()
    permission_script(host, again)
    assert again.had_nothing_to_do


def test_what_exchange_scopes_is_taken_back_in_entra(entra: tuple[Any, str]) -> None:
    fake, host = entra
    permission_script(host, Person(), "--kinds", "appointments", "contacts", "tasks")
    permission_script(host, Person(), "--scoped-by-exchange", "--kinds", "appointments", "contacts", "tasks")
    assert granted(fake) == {"User.Read.All", "Tasks.ReadWrite.All"}


def test_who_limits_the_mailboxes_gives_no_permission_for_all_tasks_unasked(entra: tuple[Any, str]) -> None:
    fake, host = entra
    permission_script(host, Person(), "--scoped-by-exchange")
    assert granted(fake) == {"User.Read.All"}


def test_undo_takes_the_permissions_away(entra: tuple[Any, str]) -> None:
    fake, host = entra
    permission_script(host, Person())
    permission_script(host, Person(), "--undo")
    assert granted(fake) == set()


def test_the_admin_app_has_the_roles_of_the_code_and_lets_in_only_those_who_have_one(
    entra: tuple[Any, str],
) -> None:
    fake, host = entra
    person = Person()
    assert person.run(entra_admin_app, "--graph", host, "--administrator", "ann") == 0
    (app,) = fake.sets["applications"].rows
    assert {role["value"] for role in app["appRoles"]} == {ADMIN, READER}
    assert app["identifierUris"] == [f"api://{app['appId']}"]
    principal = fake.sets["servicePrincipals"].rows[-1]
    assert principal["appRoleAssignmentRequired"] is True
    assert [row["principalId"] for row in fake.kept["granted"]] == ["ann"]
    assert person.seen[-1] == f"ADMIN_CLIENT_ID={app['appId']}"
    again = Person()
    again.run(entra_admin_app, "--graph", host, "--administrator", "ann")
    assert again.had_nothing_to_do


def test_the_admin_app_trusts_the_workers_identity_instead_of_a_secret(entra: tuple[Any, str]) -> None:
    fake, host = entra
    both = ("--worker-url", "https://w.example", "--worker-principal-id", PRINCIPAL)
    Person().run(entra_admin_app, "--graph", host)
    assert Person().run(entra_admin_app, "--graph", host, *both) == 0
    (app,) = fake.sets["applications"].rows
    assert app["web"]["redirectUris"] == ["https://w.example/.auth/login/aad/callback"]
    (credential,) = fake.kept["credentials"]
    assert (credential["subject"], credential["audiences"]) == (PRINCIPAL, ["api://AzureADTokenExchange"])
    assert credential["issuer"] == "https://login.microsoftonline.com/tenant/v2.0"
    again = Person()
    again.run(entra_admin_app, "--graph", host, *both)
    assert again.had_nothing_to_do
    Person().run(entra_admin_app, "--graph", host, "--worker-principal-id", CLIENT)
    assert fake.kept["credentials"][0]["subject"] == CLIENT


# --- all of them ----------------------------------------------------------------------------------


def test_a_refusal_is_one_plain_sentence(org: tuple[Any, str]) -> None:
    with pytest.raises(handover.HandoverError, match=r"Dataverse refused GET .*401.*right for this"):
        dataverse_user.run(["--organization", org[1], "--client-id", CLIENT], token=lambda _: "stranger")


@pytest.mark.parametrize(
    "script", ["graph_permissions", "entra_admin_app", "dataverse_user", "dataverse_push"]
)
def test_each_script_runs_by_itself_and_says_what_it_does(script: str) -> None:
    """Only the standard library and the script's own folder, as in Azure Cloud Shell."""
    shown = subprocess.run(
        [sys.executable, "-I", "-c", RUN_ALONE, str(SCRIPTS / f"{script}.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert "--undo" in shown.stdout
    assert "Needs" in shown.stdout


RUN_ALONE = """
import runpy, sys
script = sys.argv[1]
sys.path[:] = [each for each in sys.path if "site-packages" not in each]
sys.path.insert(0, script.rsplit("/", 1)[0])
sys.argv = [script, "--help"]
runpy.run_path(script, run_name="__main__")
"""


def test_the_doctor_that_asks_a_deployment_needs_nothing_but_python() -> None:
    code = (
        "import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p] + [sys.argv[1]];"
        "from shared.doctor.__main__ import main;"
        "sys.exit(main(['--url', 'http://127.0.0.1:9/api/admin']))"
    )
    shown = subprocess.run(
        [sys.executable, "-I", "-c", code, str(SCRIPTS.parents[1])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 2, shown.stderr
    assert "cannot look" in shown.stderr


def test_the_exchange_script_can_be_read_without_powershell() -> None:
    """PowerShell is not here. What can be seen: brackets pair; it asks, undoes, says what it cannot."""
    text = (SCRIPTS / "exchange_scope.ps1").read_text()
    for opening, closing in ("{}", "()", "[]"):
        assert text.count(opening) == text.count(closing)
    for word in ("Read-Host", "-Undo", "To Do tasks have no such role", "SupportsShouldProcess"):
        assert word in text
    prefix = re.findall(r"\$prefix = '(.+)'", text)[0]
    assert max(len(f"{prefix} Application {name}") for _, name, _, _ in graph_permissions.PERMISSIONS) <= 64
    scoped = {name for _, name, in_exchange, _ in graph_permissions.PERMISSIONS if in_exchange}
    assert {f"Application {name}" for name in scoped} <= set(text.replace("'", "\n").split("\n"))
