"""For the Entra administrator: give the worker's identity its Microsoft Graph permissions.

Needs Privileged Role Administrator. Run it in Azure Cloud Shell:

  python3 graph_permissions.py --principal-id <WORKER_PRINCIPAL_ID>

With --scoped-by-exchange only those permissions are given that Exchange cannot scope; the others come from
exchange_scope.ps1 and then hold for chosen mailboxes only. A permission that was given here holds for ALL
mailboxes, whatever Exchange says: the two add up. To Do tasks have no role in Exchange, so
Tasks.ReadWrite.All always holds for every mailbox. With --scoped-by-exchange it is given only where --kinds
names tasks; without it switch synchronizeTasks off in the profile.
--undo takes the permissions away again.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from handover import HandoverError, Json, Service, Step, carry_out, cli_token, listed, main, parser, quoted

GRAPH = "https://graph.microsoft.com"
GRAPH_APP = "00000003-0000-0000-c000-000000000000"
# Kind of item, permission, whether Exchange can scope it, and what it is for.
PERMISSIONS: tuple[tuple[str, str, bool, str], ...] = (
    ("always", "User.Read.All", False, "find the mailbox behind an address"),
    ("always", "MailboxSettings.Read", True, "read a mailbox's time zone"),
    ("appointments", "Calendars.ReadWrite", True, "read and write events, and be told of changes"),
    ("contacts", "Contacts.ReadWrite", True, "read and write contacts"),
    ("tasks", "Tasks.ReadWrite.All", False, "read and write To Do tasks"),
    ("mail", "Mail.ReadWrite", True, "read mail and mark it as tracked"),
    ("mail", "Mail.Send", True, "send mail that was written in Dynamics"),
)
KINDS = ("appointments", "contacts", "tasks", "mail")
DEFAULT = ("appointments", "contacts", "tasks")
DEFAULT_WHEN_SCOPED = ("appointments", "contacts")
"""Nobody who limits the service to some mailboxes gives a permission for all of them unasked."""


def wanted(kinds: Sequence[str], *, scoped_by_exchange: bool) -> list[tuple[str, str]]:
    """Permission and what it is for."""
    return [
        (name, purpose)
        for kind, name, in_exchange, purpose in PERMISSIONS
        if kind in ("always", *kinds) and not (scoped_by_exchange and in_exchange)
    ]


def plan(graph: Service, options: argparse.Namespace) -> list[Step]:
    resource = graph.find("/servicePrincipals", filter=f"appId eq {quoted(GRAPH_APP)}")
    if resource is None:
        raise HandoverError("Microsoft Graph's own service principal is not in this tenant.")
    roles = {role["value"]: role["id"] for role in resource["appRoles"]}
    here = f"/servicePrincipals/{options.principal_id}/appRoleAssignments"
    given = {row["appRoleId"]: row["id"] for row in graph.rows(here) if row["resourceId"] == resource["id"]}
    if options.undo:
        known = [name for _, name, _, _ in PERMISSIONS]
        return [
            Step(f"take {name} away", _delete(graph, f"{here}/{given[roles[name]]}"))
            for name in known
            if roles.get(name) in given
        ]
    steps = []
    for name, purpose in wanted(options.kinds, scoped_by_exchange=options.scoped_by_exchange):
        if roles[name] not in given:
            body = {
                "principalId": options.principal_id,
                "resourceId": resource["id"],
                "appRoleId": roles[name],
            }
            steps.append(Step(f"give {name}, to {purpose}", _post(graph, here, body)))
    return steps + _too_wide(graph, options, roles, given, here)


def _too_wide(graph: Service, options: argparse.Namespace, roles: Json, given: Json, here: str) -> list[Step]:
    """What was given for all mailboxes makes Exchange's scope void."""
    if not options.scoped_by_exchange:
        return []
    wide = [name for _, name, in_exchange, _ in PERMISSIONS if in_exchange and roles.get(name) in given]
    return [
        Step(f"take {name} away: it holds for all mailboxes", _delete(graph, f"{here}/{given[roles[name]]}"))
        for name in wide
    ]


def _post(service: Service, path: str, body: Json) -> Callable[[], object]:
    return lambda: service.post(path, body)


def _delete(service: Service, path: str) -> Callable[[], object]:
    return lambda: service.delete(path)


def run(
    arguments: Sequence[str],
    token: Callable[[str], str] = cli_token,
    ask: Callable[[str], str] = input,
    say: Callable[[str], object] = print,
) -> int:
    made = parser(__doc__)
    made.add_argument("--principal-id", required=True, help="WORKER_PRINCIPAL_ID of the deployment's outputs")
    made.add_argument("--kinds", nargs="*", choices=KINDS, default=None, help=listed(KINDS))
    made.add_argument("--scoped-by-exchange", action="store_true")
    made.add_argument("--graph", default=GRAPH, help=argparse.SUPPRESS)
    options = made.parse_args(arguments)
    if options.kinds is None:
        options.kinds = DEFAULT_WHEN_SCOPED if options.scoped_by_exchange else DEFAULT
    graph = Service(f"{options.graph}/v1.0", token(GRAPH), "Microsoft Graph")
    return carry_out(plan(graph, options), options, ask, say)


if __name__ == "__main__":
    main(run)
