"""``python -m shared.doctor [--url ADMIN-API]``: 0 when nothing failed, 1 when something did, 2 when it could
not look."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from shared.doctor.finding import Finding, Level, failed
from shared.errors import SyncError
from shared.plain_words import sentence
from shared.settings import Settings, SettingsError, is_loopback

TIMEOUT = 300
FIX_SETTINGS = "Compare with docs/settings.md; in Azure deploy the template again, it sets all of them."
MARKS = {Level.OK: "ok    ", Level.NOTE: "note  ", Level.FAILED: "FAILED"}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m shared.doctor", description=__doc__)
    parser.add_argument("--url", help="the deployed admin API: https://…/api/admin")
    parser.add_argument("--client-id", help="ADMIN_CLIENT_ID: whom the Azure CLI asks for a token")
    parser.add_argument("--json", action="store_true", help="the findings as JSON")
    options = parser.parse_args(arguments)
    try:
        found = asked(options.url, options.client_id) if options.url else asyncio.run(look(os.environ))
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        print(f"The doctor cannot look: {error}", file=sys.stderr)
        return 2
    print(json.dumps([each.to_json() for each in found], indent=1) if options.json else as_text(found))
    return 1 if any(each.level is Level.FAILED for each in found) else 0


async def look(environment: Mapping[str, str]) -> list[Finding]:
    """From here, with the settings and the rights of whoever runs this. Only this needs what requirements.txt
    names; whoever asks a deployed worker needs nothing but Python."""
    from shared import wiring
    from shared.doctor.examination import examine

    try:
        settings = Settings.from_environment(environment)
    except SettingsError as error:
        return [failed("settings", f"{problem}.", FIX_SETTINGS) for problem in error.problems]
    try:
        return await examine(settings, await wiring.services(), wiring.identity())
    except SyncError as error:
        fix = "Check the addresses and roles of Table Storage and Service Bus (docs/settings.md)."
        return [failed("connection", sentence(error), fix)]


def asked(url: str, client_id: str | None) -> list[Finding]:
    """The deployed worker looks, with its own rights; we read what it found."""
    headers = {} if is_loopback(url) else {"Authorization": f"Bearer {_token(client_id)}"}
    request = urllib.request.Request(  # noqa: S310
        f"{url.rstrip('/')}/doctor", headers=headers, method="POST", data=b""
    )
    if not url.startswith("https://") and not is_loopback(url):
        raise ValueError("the address must be https")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
            rows: list[dict[str, Any]] = json.loads(answer.read())["value"]
    except urllib.error.HTTPError as error:
        raise OSError(_refusal(error.code)) from error
    return [Finding(row["check"], Level(row["level"]), row["sentence"], row.get("fix", "")) for row in rows]


def _refusal(status: int) -> str:
    reasons = {
        401: "you are not signed in (az login), or ADMIN_CLIENT_ID is another one",
        403: "you lack the role Sync.Admin (infra/scripts/entra_admin_app.py --administrator)",
        404: "this is not the admin API, or its functions are not loaded yet",
    }
    return f"{status}: {reasons.get(status, 'the worker failed; see its log')}"


def _token(client_id: str | None) -> str:
    if not client_id:
        raise ValueError("--client-id is needed: ADMIN_CLIENT_ID of the deployment")
    command = ["az", "account", "get-access-token", "--resource", f"api://{client_id}"]
    done = subprocess.run(  # noqa: S603
        [*command, "--query", "accessToken", "-o", "tsv"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def as_text(found: Sequence[Finding]) -> str:
    lines = []
    for each in found:
        lines.append(f"{MARKS[each.level]} {each.check}: {each.sentence}")
        if each.fix and each.level is not Level.OK:
            lines.append(f"       fix: {each.fix}")
    count = sum(each.level is Level.FAILED for each in found)
    lines.append(f"{count} failed, {len(found) - count} did not." if count else "Nothing failed.")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
