"""For the Entra administrator: the app registration that signs administrators in to the admin API.

Needs Application Administrator. First, before the deployment:

  python3 entra_admin_app.py --administrator you@contoso.com

It prints the client id that the deployment asks for. Then, after the deployment, once more with its outputs:

  python3 entra_admin_app.py --worker-url <WORKER_URL> --worker-principal-id <WORKER_PRINCIPAL_ID>

which ties the registration to the worker by a federated credential: no secret exists that could leak or run
out. The registration has two roles: Sync.Admin may change, Sync.Reader may read. Only people and groups with
a role are let in. --undo deletes the registration; the admin API can then be reached by nobody.
"""

from __future__ import annotations

import argparse
import uuid
from collections.abc import Callable, Sequence

from handover import HandoverError, Json, Service, Step, carry_out, cli_token, main, parser, quoted

GRAPH = "https://graph.microsoft.com"
LOGIN = "https://login.microsoftonline.com"
AUDIENCE = "api://AzureADTokenExchange"
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
"""The Azure CLI's own public client id: with it, az account get-access-token works for administrators."""
ROLES = (
    ("Sync.Admin", "Change anything in the synchronization of Exchange and Dynamics"),
    ("Sync.Reader", "Look at the synchronization of Exchange and Dynamics"),
)
_NAMESPACE = uuid.UUID("5a3c3f4e-5f0e-4a8e-9a37-6c0f0a6f5a11")


class AdminApp:
    """The registration as it is, and the steps to where it should be."""

    def __init__(self, graph: Service, name: str, tenant: str) -> None:
        self._graph = graph
        self._name = name
        self._tenant = tenant
        self.app: Json | None = graph.find("/applications", filter=f"displayName eq {quoted(name)}")
        self._principal: Json | None = self._find_principal()

    def _find_principal(self) -> Json | None:
        if self.app is None:
            return None
        return self._graph.find("/servicePrincipals", filter=f"appId eq {quoted(self.app['appId'])}")

    def plan(self, options: argparse.Namespace) -> list[Step]:
        if options.undo:
            return [Step(f"delete the app registration '{self._name}'", self._delete)] if self.app else []
        steps = []
        if self.app is None:
            steps.append(Step(f"create the app registration '{self._name}' with its two roles", self._create))
        if not (self.app or {}).get("identifierUris"):
            steps.append(Step("name its audience, and let the Azure CLI ask for tokens", self._expose))
        if self._principal is None:
            steps.append(Step("let in only those who have a role", self._close))
        for person in options.administrator:
            steps += self._administrator(person)
        if options.worker_url:
            steps += self._sign_in_address(options.worker_url)
        if options.worker_principal_id:
            steps += self._federation(options.worker_principal_id)
        return steps

    def _known(self) -> Json:
        if self.app is None:
            raise HandoverError("the app registration is not there yet")
        return self.app

    def _here(self) -> str:
        return f"/applications/{self._known()['id']}"

    def _create(self) -> None:
        roles = [
            {
                "id": str(uuid.uuid5(_NAMESPACE, value)),
                "value": value,
                "displayName": value,
                "description": text,
                "allowedMemberTypes": ["User", "Application"],
                "isEnabled": True,
            }
            for value, text in ROLES
        ]
        body = {"displayName": self._name, "signInAudience": "AzureADMyOrg", "appRoles": roles}
        self.app = self._graph.post("/applications", body)

    def _expose(self) -> None:
        """Two requests: the address contains the id that Entra chose, the approval names the scope."""
        app, scope = self._known(), str(uuid.uuid5(_NAMESPACE, "user_impersonation"))
        text = "Use the administration of the synchronization as yourself"
        api = {
            "requestedAccessTokenVersion": 2,
            "oauth2PermissionScopes": [
                {
                    "id": scope,
                    "value": "user_impersonation",
                    "type": "User",
                    "isEnabled": True,
                    "adminConsentDisplayName": text,
                    "adminConsentDescription": text,
                    "userConsentDisplayName": text,
                    "userConsentDescription": text,
                }
            ],
        }
        self._graph.patch(self._here(), {"identifierUris": [f"api://{app['appId']}"], "api": api})
        allowed = [{"appId": AZURE_CLI, "delegatedPermissionIds": [scope]}]
        self._graph.patch(self._here(), {"api": {**api, "preAuthorizedApplications": allowed}})

    def _close(self) -> None:
        body = {"appId": self._known()["appId"], "appRoleAssignmentRequired": True}
        self._principal = self._graph.post("/servicePrincipals", body)

    def _administrator(self, person: str) -> list[Step]:
        user = self._graph.get(f"/users/{person}", select="id")
        role = str(uuid.uuid5(_NAMESPACE, ROLES[0][0]))
        if self._principal is not None:
            rows = self._graph.rows(f"/servicePrincipals/{self._principal['id']}/appRoleAssignedTo")
            if any(row["principalId"] == user["id"] and row["appRoleId"] == role for row in rows):
                return []

        def do() -> None:
            principal = self._principal
            if principal is None:
                raise HandoverError("the enterprise application is not there yet")
            body = {"principalId": user["id"], "resourceId": principal["id"], "appRoleId": role}
            self._graph.post(f"/servicePrincipals/{principal['id']}/appRoleAssignedTo", body)

        return [Step(f"give {person} the role Sync.Admin", do)]

    def _sign_in_address(self, worker: str) -> list[Step]:
        address = f"{worker.rstrip('/')}/.auth/login/aad/callback"
        present = ((self.app or {}).get("web") or {}).get("redirectUris") or []
        if address in present:
            return []
        body = {"web": {"redirectUris": [*present, address]}}
        return [
            Step(f"send people who signed in back to {worker}", lambda: self._graph.patch(self._here(), body))
        ]

    def _federation(self, principal_id: str) -> list[Step]:
        wanted = {
            "name": "worker",
            "issuer": f"{LOGIN}/{self._tenant}/v2.0",
            "subject": principal_id,
            "audiences": [AUDIENCE],
        }
        where = "federatedIdentityCredentials"
        present = self._graph.rows(f"{self._here()}/{where}") if self.app else []
        old = next((row for row in present if row["name"] == wanted["name"]), None)
        if old is None:
            return [
                Step(
                    "trust the worker's identity in place of a secret",
                    lambda: self._graph.post(f"{self._here()}/{where}", wanted),
                )
            ]
        if all(old.get(key) == value for key, value in wanted.items()):
            return []
        return [
            Step(
                "trust the worker's new identity instead of the old one",
                lambda: self._graph.patch(f"{self._here()}/{where}/{old['id']}", wanted),
            )
        ]

    def _delete(self) -> None:
        self._graph.delete(self._here())


def run(
    arguments: Sequence[str],
    token: Callable[[str], str] = cli_token,
    ask: Callable[[str], str] = input,
    say: Callable[[str], object] = print,
) -> int:
    made = parser(__doc__)
    made.add_argument("--name", default="Exchange Dynamics synchronization")
    made.add_argument("--administrator", action="append", default=[], help="user principal name, repeatable")
    made.add_argument("--worker-url", default="", help="WORKER_URL of the deployment's outputs")
    made.add_argument("--worker-principal-id", default="", help="WORKER_PRINCIPAL_ID of the outputs")
    made.add_argument("--graph", default=GRAPH, help=argparse.SUPPRESS)
    options = made.parse_args(arguments)
    graph = Service(f"{options.graph}/v1.0", token(GRAPH), "Microsoft Graph")
    tenant = str((graph.find("/organization", select="id") or {}).get("id", ""))
    admin_app = AdminApp(graph, options.name, tenant)
    code = carry_out(admin_app.plan(options), options, ask, say)
    if admin_app.app and not options.undo:
        say(f"ADMIN_CLIENT_ID={admin_app.app['appId']}")
    return code


if __name__ == "__main__":
    main(run)
