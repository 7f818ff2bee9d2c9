"""What the hand-over scripts have in common: say what would be done, ask, do it, and be safe to run again.

They need Python 3.9 or later and the Azure CLI, nothing else, so they run in Azure Cloud Shell as they are.
Each script reads the present state first and plans only what is missing; a second run has nothing to do.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
TIMEOUT = 60


class HandoverError(Exception):
    """Why it cannot go on, as a sentence for the person who runs the script."""


@dataclass(frozen=True)
class Step:
    """One thing to do: the sentence that is shown, and the doing."""

    sentence: str
    do: Callable[[], object]


class Service:
    """A JSON service behind a bearer token: Microsoft Graph or the Dataverse Web API."""

    def __init__(self, root: str, token: str, name: str) -> None:
        self.root = root.rstrip("/")
        self._token = token
        self._name = name

    def get(self, path: str, **query: str) -> Json:
        tail = (
            "?" + urllib.parse.urlencode({f"${key}": value for key, value in query.items()}) if query else ""
        )
        return self._send("GET", path + tail)[0]

    def find(self, path: str, **query: str) -> Json | None:
        """The one row of a list; None when there is none."""
        rows = self.get(path, **query).get("value") or []
        if len(rows) > 1:
            raise HandoverError(f"{self._name} has {len(rows)} rows where one is expected: {path}")
        return rows[0] if rows else None

    def rows(self, path: str, **query: str) -> list[Json]:
        """All rows of a list, page after page."""
        body = self.get(path, **query)
        found = list(body.get("value") or [])
        while link := body.get("@odata.nextLink"):
            body = self._send("GET", link.removeprefix(self.root))[0]
            found += body.get("value") or []
        return found

    def post(self, path: str, body: Json) -> Json:
        """The answer; a service that answers with an address only is asked for the row there."""
        answer, headers = self._send("POST", path, body)
        address = headers.get("OData-EntityId")
        return self._send("GET", address.removeprefix(self.root))[0] if address and not answer else answer

    def patch(self, path: str, body: Json) -> None:
        self._send("PATCH", path, body)

    def delete(self, path: str) -> None:
        self._send("DELETE", path)

    def _send(self, method: str, path: str, body: Json | None = None) -> tuple[Json, Any]:
        if not path.startswith("/"):
            raise HandoverError(f"{self._name} leads to another address: {path}")
        request = urllib.request.Request(  # noqa: S310 - the root is checked by whoever made this
            self.root + path.replace(" ", "%20"),
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
                content = response.read()
                return (json.loads(content) if content else {}), response.headers
        except urllib.error.HTTPError as error:
            raise HandoverError(
                f"{self._name} refused {method} {path.split('?')[0]}: {_reason(error)}"
            ) from error
        except urllib.error.URLError as error:
            raise HandoverError(f"{self._name} cannot be reached: {error.reason}") from error


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        inner = json.loads(error.read())["error"]
        text = f"{inner.get('code')} {inner.get('message')}"
    except (ValueError, KeyError, TypeError):
        text = error.reason
    more = " (your account lacks the right for this; see docs/deploy.md)" if error.code in (401, 403) else ""
    return f"{error.code} {text}{more}"


def cli_token(resource: str) -> str:
    """The signed-in person's token, from the Azure CLI."""
    command = [
        "az",
        "account",
        "get-access-token",
        "--resource",
        resource,
        "--query",
        "accessToken",
        "-o",
        "tsv",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    except FileNotFoundError:
        raise HandoverError("The Azure CLI (az) is not installed; Azure Cloud Shell has it.") from None
    except subprocess.CalledProcessError as error:
        raise HandoverError(f"Sign in first (az login): {error.stderr.strip()}") from error
    return done.stdout.strip()


def parser(text: str | None) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--undo", action="store_true", help="take back what this script made")
    made.add_argument("--plan", action="store_true", help="say what would be done, and stop")
    made.add_argument("--yes", action="store_true", help="do not ask")
    return made


def carry_out(
    steps: Sequence[Step],
    options: argparse.Namespace,
    ask: Callable[[str], str] = input,
    say: Callable[[str], object] = print,
) -> int:
    """Show the steps, ask, do them one after the other. Returns the exit code."""
    if not steps:
        say("Nothing to do: everything is as it should be.")
        return 0
    say("This would be done:")
    for number, step in enumerate(steps, start=1):
        say(f"  {number}. {step.sentence}")
    if options.plan:
        return 0
    if not options.yes and ask("Go on? [yes/no] ").strip().lower() not in ("y", "yes"):
        say("Nothing was changed.")
        return 1
    for number, step in enumerate(steps, start=1):
        say(f"  {number}. {step.sentence} ...")
        step.do()
    say("Done.")
    return 0


def main(run: Callable[[Sequence[str]], int]) -> None:
    """Run a script: problems come out as one sentence."""
    try:
        code = run(sys.argv[1:])
    except HandoverError as error:
        print(error, file=sys.stderr)
        code = 2
    except (KeyboardInterrupt, EOFError):
        print("Stopped. Run it again to do the rest.", file=sys.stderr)
        code = 1
    sys.exit(code)


def quoted(text: str) -> str:
    """As a string in an OData filter."""
    return "'" + text.replace("'", "''") + "'"


def listed(names: Iterable[str]) -> str:
    return ", ".join(names)
