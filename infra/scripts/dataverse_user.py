"""For the Dynamics administrator: the application user of the worker's identity, with a role of its own.

Needs System Administrator in the environment. Run it in Azure Cloud Shell:

  python3 dataverse_user.py --organization https://contoso.crm4.dynamics.com --client-id <WORKER_CLIENT_ID>

The role holds what the service uses and nothing else (see PRIVILEGES below, each with its reason). The
service acts as the owner of each mailbox, so what it can do for a person is never more than that person may
do. A table that the environment does not have is left out. Running it again mends a role that was changed.
--undo disables the user and deletes the role.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from handover import HandoverError, Json, Service, Step, carry_out, cli_token, listed, main, parser, quoted

ROLE = "Exchange synchronization"
# Kind of item, privilege, and what it is for. All of them for the whole organization: change tracking asks
# for that, and acting as somebody gives the intersection of both persons' rights.
PRIVILEGES: tuple[tuple[str, str, str], ...] = (
    ("always", "prvActOnBehalfOfAnotherUser", "act as the owner of the mailbox"),
    ("always", "prvReadOrganization", "read the organization's synchronization settings"),
    ("always", "prvReadUser", "find users by address"),
    ("always", "prvReadUserSettings", "read a user's time zone"),
    ("always", "prvReadMailbox", "see whether server-side synchronization handles a mailbox"),
    ("always", "prvReadBusinessUnit", "resolve addresses of business units"),
    ("always", "prvReadTeam", "resolve addresses of teams"),
    ("always", "prvReadQueue", "resolve addresses of queues"),
    ("always", "prvReadEquipment", "resolve addresses of equipment"),
    ("always", "prvReadContact", "resolve addresses of contacts"),
    ("always", "prvReadAccount", "resolve addresses of accounts"),
    ("always", "prvReadLead", "resolve addresses of leads"),
    ("always", "prvReadEntity", "see whether change tracking is on"),
    ("always", "prvReadAttribute", "read lengths and options of columns"),
    ("always", "prvReadQuery", "read the sync filters of the system"),
    ("always", "prvReadUserQuery", "read the sync filters of users"),
    ("always", "prvReadFieldSecurityProfile", "see which secured columns a user may read and write"),
    ("activities", "prvReadActivity", "read appointments, tasks and e-mail, and follow their changes"),
    ("activities", "prvCreateActivity", "create them"),
    ("activities", "prvWriteActivity", "change them"),
    ("activities", "prvDeleteActivity", "delete them when the rules say so"),
    ("activities", "prvAppendActivity", "connect them to what they regard"),
    ("activities", "prvAppendToActivity", "add parties to them"),
    ("activities", "prvAssignActivity", "create them for their owner"),
    ("activities", "prvAppendToUser", "make users parties"),
    ("activities", "prvAppendToContact", "make contacts parties, or what an activity regards"),
    ("activities", "prvAppendToAccount", "make accounts parties, or what an activity regards"),
    ("activities", "prvAppendToLead", "make leads parties, or what an activity regards"),
    ("activities", "prvAppendToTeam", "make teams parties, or what an activity regards"),
    ("activities", "prvAppendToQueue", "make queues parties, or what an activity regards"),
    ("activities", "prvAppendToEquipment", "make equipment a party, or what an activity regards"),
    ("activities", "prvAppendToOpportunity", "let an activity regard an opportunity"),
    ("activities", "prvAppendToIncident", "let an activity regard a case"),
    ("activities", "prvAppendToCampaign", "let an activity regard a campaign"),
    ("activities", "prvAppendToContract", "let an activity regard a contract"),
    ("activities", "prvAppendToInvoice", "let an activity regard an invoice"),
    ("activities", "prvAppendToKnowledgeArticle", "let an activity regard a knowledge article"),
    ("activities", "prvAppendToOrder", "let an activity regard an order"),
    ("activities", "prvAppendToQuote", "let an activity regard a quote"),
    ("contacts", "prvCreateContact", "create contacts"),
    ("contacts", "prvWriteContact", "change contacts"),
    ("contacts", "prvDeleteContact", "delete contacts when the rules say so"),
    ("contacts", "prvAppendContact", "connect contacts to their account"),
)
KINDS = ("activities", "contacts")


class Environment:
    """The user and the role as they are, and the steps to where they should be."""

    def __init__(self, dataverse: Service, client_id: str) -> None:
        self._dataverse = dataverse
        self._client_id = client_id
        unit = dataverse.find(
            "/businessunits", filter="parentbusinessunitid eq null", select="businessunitid,name"
        )
        if unit is None:
            raise HandoverError("This environment has no root business unit that you may see.")
        self._unit = str(unit["businessunitid"])
        self._role = dataverse.find(
            "/roles",
            filter=f"name eq {quoted(ROLE)} and _businessunitid_value eq {self._unit}",
            select="roleid",
        )
        self._user = dataverse.find(
            "/systemusers", filter=f"applicationid eq {client_id}", select="systemuserid,isdisabled"
        )

    # --- making -----------------------------------------------------------------------------------

    def plan(self, kinds: Sequence[str]) -> list[Step]:
        known = self._known_privileges()
        wanted = {
            name: known[name] for kind, name, _ in PRIVILEGES if kind in ("always", *kinds) and name in known
        }
        steps = []
        if self._role is None:
            steps.append(Step(f"create the security role '{ROLE}'", self._create_role))
        steps += self._privilege_steps(wanted)
        if self._user is None:
            sentence = f"create an application user for {self._client_id}"
            steps.append(Step(sentence, self._create_user))
        elif self._user.get("isdisabled"):
            steps.append(Step("enable the application user", lambda: self._set_disabled(value=False)))
        if not self._has_role():
            steps.append(Step(f"give the user the role '{ROLE}'", self._give_role))
        return steps

    def left_out(self) -> list[str]:
        """Privileges that this environment does not know: it has no such table."""
        known = self._known_privileges()
        return [name for _, name, _ in PRIVILEGES if name not in known]

    def _known_privileges(self) -> Json:
        names = " or ".join(f"name eq {quoted(name)}" for _, name, _ in PRIVILEGES)
        rows = self._dataverse.rows("/privileges", filter=names, select="privilegeid,name")
        ours = {name.lower(): name for _, name, _ in PRIVILEGES}  # some are spelled otherwise here and there
        return {ours[row["name"].lower()]: row["privilegeid"] for row in rows if row["name"].lower() in ours}

    def _present(self) -> Json:
        if self._role is None:
            return {}
        answer = self._dataverse.get(f"/RetrieveRolePrivilegesRole(RoleId={self._role['roleid']})")
        return {row["PrivilegeId"]: row["Depth"] for row in answer["RolePrivileges"]}

    def _privilege_steps(self, wanted: Json) -> list[Step]:
        present = self._present()
        missing = [name for name, number in wanted.items() if present.get(number) != "Global"]
        steps = []
        if missing:
            body = {
                "Privileges": [
                    {"PrivilegeId": wanted[name], "Depth": "Global", "BusinessUnitId": self._unit}
                    for name in missing
                ]
            }
            sentence = f"put into the role: {listed(missing)}"
            steps.append(Step(sentence, lambda: self._act("AddPrivilegesRole", body)))
        for number in sorted(set(present) - set(wanted.values())):
            steps.append(
                Step(
                    f"take the privilege {number} out of the role: the service does not use it",
                    lambda number=number: self._act("RemovePrivilegeRole", {"PrivilegeId": number}),
                )
            )
        return steps

    def _act(self, action: str, body: Json) -> object:
        return self._dataverse.post(f"/roles({self._role_id()})/Microsoft.Dynamics.CRM.{action}", body)

    def _role_id(self) -> str:
        if self._role is None:
            raise HandoverError("the role is not there yet")
        return str(self._role["roleid"])

    def _user_id(self) -> str:
        if self._user is None:
            raise HandoverError("the application user is not there yet")
        return str(self._user["systemuserid"])

    def _create_role(self) -> None:
        body = {"name": ROLE, "businessunitid@odata.bind": f"/businessunits({self._unit})"}
        self._role = self._dataverse.post("/roles", body)

    def _create_user(self) -> None:
        body = {
            "applicationid": self._client_id,
            "businessunitid@odata.bind": f"/businessunits({self._unit})",
        }
        self._user = self._dataverse.post("/systemusers", body)

    def _has_role(self) -> bool:
        if self._user is None or self._role is None:
            return False
        rows = self._dataverse.rows(
            f"/systemusers({self._user_id()})/systemuserroles_association", select="roleid"
        )
        return any(row["roleid"] == self._role_id() for row in rows)

    def _give_role(self) -> None:
        role = f"{self._dataverse.root}/roles({self._role_id()})"
        where = f"/systemusers({self._user_id()})/systemuserroles_association/$ref"
        self._dataverse.post(where, {"@odata.id": role})

    # --- taking back ------------------------------------------------------------------------------

    def undo(self) -> list[Step]:
        steps = []
        if self._has_role():
            steps.append(Step(f"take the role '{ROLE}' from the user", self._take_role))
        if self._user and not self._user.get("isdisabled"):
            steps.append(Step("disable the application user", lambda: self._set_disabled(value=True)))
        if self._role:
            where = f"/roles({self._role_id()})"
            steps.append(Step(f"delete the role '{ROLE}'", lambda: self._dataverse.delete(where)))
        return steps

    def _take_role(self) -> None:
        where = f"/systemusers({self._user_id()})/systemuserroles_association({self._role_id()})/$ref"
        self._dataverse.delete(where)

    def _set_disabled(self, *, value: bool) -> None:
        self._dataverse.patch(f"/systemusers({self._user_id()})", {"isdisabled": value})


def run(
    arguments: Sequence[str],
    token: Callable[[str], str] = cli_token,
    ask: Callable[[str], str] = input,
    say: Callable[[str], object] = print,
) -> int:
    made = parser(__doc__)
    made.add_argument("--organization", required=True, help="https://contoso.crm4.dynamics.com")
    made.add_argument("--client-id", required=True, help="WORKER_CLIENT_ID of the deployment's outputs")
    made.add_argument("--kinds", nargs="*", choices=KINDS, default=list(KINDS), help=listed(KINDS))
    options = made.parse_args(arguments)
    organization = options.organization.rstrip("/")
    dataverse = Service(f"{organization}/api/data/v9.2", token(organization), "Dataverse")
    environment = Environment(dataverse, options.client_id)
    if options.undo:
        return carry_out(environment.undo(), options, ask, say)
    if left_out := environment.left_out():
        say(f"Left out, because this environment has no such table: {listed(left_out)}")
    return carry_out(environment.plan(options.kinds), options, ask, say)


if __name__ == "__main__":
    main(run)
