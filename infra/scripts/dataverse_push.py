"""For the Dynamics administrator: let Dataverse say at once that something changed.

Without this, changes in Dynamics are found by polling within half a minute. Needs System Customizer or System
Administrator. Run it in Azure Cloud Shell:

  export DATAVERSE_WEBHOOK_KEY=<the value that the deployment got>
  python3 dataverse_push.py --organization https://contoso.crm4.dynamics.com --ingest-url <INGEST_URL>

It registers a web hook with asynchronous steps for the tables that are synchronized; nobody who saves a row
waits for it. The message is never used for more than "look at the change feed", or "this person's sync
filters changed". --rotate-key writes a new key into the registration. --undo removes the steps and the web
hook.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from functools import partial
from xml.sax.saxutils import quoteattr

from handover import HandoverError, Json, Service, Step, carry_out, cli_token, main, parser, quoted

NAME = "Exchange synchronization"
PATH = "/api/dynamics/changes"
TABLES = (
    *("recurringappointmentmaster", "appointment", "serviceappointment"),
    *("contact", "task", "phonecall", "letter", "fax"),
    *("userquery", "savedquery"),
)
OPTIONAL = frozenset({"serviceappointment", "userquery", "savedquery"})
"""Tables that an organization has only with the app they belong to (service scheduling), or of which it may
not tell (sync filters, of users and of the system)."""
MESSAGES = ("Create", "Update", "Delete")
HEADER = "x-webhook-key"
SHORTEST_KEY = 32
WEBHOOK, HTTP_HEADER, JSON_FORMAT = 8, 5, 2
AFTER_THE_OPERATION, ASYNCHRONOUS = 40, 1


class Push:
    """The web hook and its steps as they are, and the steps to where they should be."""

    def __init__(self, dataverse: Service, address: str, key: str) -> None:
        self._dataverse = dataverse
        self._address = address
        self._key = key
        self._endpoint = dataverse.find(
            "/serviceendpoints", filter=f"name eq {quoted(NAME)}", select="serviceendpointid,url,contract"
        )
        self._steps = {row["name"]: row for row in self._read_steps()}

    def _read_steps(self) -> list[Json]:
        if self._endpoint is None:
            return []
        number = self._endpoint["serviceendpointid"]
        return self._dataverse.rows(
            "/sdkmessageprocessingsteps",
            filter=f"_eventhandler_value eq {number}",
            select="sdkmessageprocessingstepid,name,mode,stage,statecode",
        )

    def plan(self, *, rotate: bool) -> list[Step]:
        steps = []
        if self._endpoint is None:
            steps.append(Step(f"register a web hook that calls {self._address}", self._create))
        elif self._endpoint["url"] != self._address:
            steps.append(Step(f"let the web hook call {self._address}", lambda: self._change(self._body())))
        elif rotate:
            key = {"authvalue": self._secret()}
            steps.append(Step("give the web hook the new key", lambda: self._change(key)))
        for table in TABLES:
            for message in MESSAGES:
                steps += self._step(table, message)
        return steps

    def _body(self) -> Json:
        return {
            "name": NAME,
            "contract": WEBHOOK,
            "url": self._address,
            "authtype": HTTP_HEADER,
            "authvalue": self._secret(),
            "messageformat": JSON_FORMAT,
        }

    def _secret(self) -> str:
        """In a header: an address ends up in logs."""
        name, value = quoteattr(HEADER), quoteattr(self._key)
        return f"<settings><setting name={name} value={value} /></settings>"

    def _create(self) -> None:
        self._endpoint = self._dataverse.post("/serviceendpoints", self._body())

    def _change(self, body: Json) -> None:
        self._dataverse.patch(f"/serviceendpoints({self._endpoint_id()})", body)

    def _endpoint_id(self) -> str:
        if self._endpoint is None:
            raise HandoverError("the web hook is not there yet")
        return str(self._endpoint["serviceendpointid"])

    def _step(self, table: str, message: str) -> list[Step]:
        name = f"{NAME}: {message} of {table}"
        present = self._steps.get(name)
        if present is None and table in OPTIONAL and self._allowed(table, message) is None:
            return []
        if present is None:
            sentence = f"call it after each {message} of {table}"
            return [Step(sentence, lambda: self._add(name, table, message))]
        where = f"/sdkmessageprocessingsteps({present['sdkmessageprocessingstepid']})"
        wanted: Json = {"mode": ASYNCHRONOUS, "stage": AFTER_THE_OPERATION, "statecode": 0}
        if all(present.get(key) == value for key, value in wanted.items()):
            return []
        body = {**wanted, "statuscode": 1}
        return [Step(f"mend the step '{name}'", lambda: self._dataverse.patch(where, body))]

    def _add(self, name: str, table: str, message: str) -> None:
        sdk_message = self._dataverse.find(
            "/sdkmessages", filter=f"name eq {quoted(message)}", select="sdkmessageid"
        )
        allowed = self._allowed(table, message)
        if sdk_message is None or allowed is None:
            raise HandoverError(f"This environment cannot call out after {message} of {table}.")
        body = {
            "name": name,
            "mode": ASYNCHRONOUS,
            "stage": AFTER_THE_OPERATION,
            "rank": 1,
            "supporteddeployment": 0,
            "asyncautodelete": True,
            "sdkmessageid@odata.bind": f"/sdkmessages({sdk_message['sdkmessageid']})",
            "sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({allowed['sdkmessagefilterid']})",
            "eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({self._endpoint_id()})",
        }
        self._dataverse.post("/sdkmessageprocessingsteps", body)

    def _allowed(self, table: str, message: str) -> Json | None:
        """What says that this environment can call out after this message of this table."""
        return self._dataverse.find(
            "/sdkmessagefilters",
            filter=f"primaryobjecttypecode eq {quoted(table)} and sdkmessageid/name eq {quoted(message)}",
            select="sdkmessagefilterid",
        )

    def undo(self) -> list[Step]:
        steps = []
        for name, row in sorted(self._steps.items()):
            where = f"/sdkmessageprocessingsteps({row['sdkmessageprocessingstepid']})"
            steps.append(Step(f"remove the step '{name}'", partial(self._dataverse.delete, where)))
        if self._endpoint:
            where = f"/serviceendpoints({self._endpoint_id()})"
            steps.append(Step("remove the web hook", lambda: self._dataverse.delete(where)))
        return steps


def _key(options: argparse.Namespace) -> str:
    key = os.environ.get("DATAVERSE_WEBHOOK_KEY", "")
    if not options.undo and len(key) < SHORTEST_KEY:
        raise HandoverError(
            "Set DATAVERSE_WEBHOOK_KEY to the key that the deployment got; "
            f"it has {SHORTEST_KEY} characters or more."
        )
    return key


def run(
    arguments: Sequence[str],
    token: Callable[[str], str] = cli_token,
    ask: Callable[[str], str] = input,
    say: Callable[[str], object] = print,
) -> int:
    made = parser(__doc__)
    made.add_argument("--organization", required=True, help="https://contoso.crm4.dynamics.com")
    made.add_argument("--ingest-url", default="", help="INGEST_URL of the deployment's outputs")
    made.add_argument("--rotate-key", action="store_true")
    options = made.parse_args(arguments)
    if not options.undo and not options.ingest_url.startswith("https://"):
        raise HandoverError("--ingest-url must be the https address of the edge.")
    key, organization = _key(options), options.organization.rstrip("/")
    dataverse = Service(f"{organization}/api/data/v9.2", token(organization), "Dataverse")
    push = Push(dataverse, options.ingest_url.rstrip("/") + PATH, key)
    steps = push.undo() if options.undo else push.plan(rotate=options.rotate_key)
    return carry_out(steps, options, ask, say)


if __name__ == "__main__":
    main(run)
