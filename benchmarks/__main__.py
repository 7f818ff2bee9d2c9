"""Measures what a pass costs this process in CPU, and what starting costs; writes docs/performance.md.

The stand-ins, Azurite and the broker run in processes of their own, so only our own work is counted.
"""

from __future__ import annotations

import asyncio
import json
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from shared.model.mailbox import Mailbox
from tests.wire import series_costs
from tests.wire.real_service import Running, Where, running

ROOT = Path(__file__).parents[1]
CATEGORY = "Tracked to Dynamics 365"
EVENTS = 200
CHANGES = 60
COLD = """
import os, resource, time
os.environ["SYNC_ROLE"] = "all"
begin = time.perf_counter()
import function_app
print(time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@dataclass
class Bench:
    endpoints: dict[str, str]
    http: aiohttp.ClientSession
    service: Running
    mailbox: str = ""

    async def call(self, method: str, url: str, body: Any = None) -> Any:
        headers = {"Authorization": "Bearer somebody", "Prefer": 'IdType="ImmutableId"'}
        async with self.http.request(method, url, json=body, headers=headers) as response:
            assert response.status < 400, await response.text()
            return await response.json(content_type=None)

    async def person(self) -> None:
        address = "bench@contoso.example"
        user = {"userPrincipalName": address, "displayName": "Bench", "timeZone": "UTC"}
        made = await self.call("POST", f"{self.endpoints['graph_control']}/users", user)
        row = {"internalemailaddress": address, "fullname": "Bench"}
        owner = await self.call("POST", f"{self.endpoints['dataverse_control']}/users", row)
        self.mailbox = str(made["id"])
        box = Mailbox(id=self.mailbox, address=address, user_id=owner["systemuserid"])
        await self.service.services.registry.add(box)

    async def each(self, method: str, paths: list[str], bodies: list[dict[str, Any]]) -> list[str]:
        """Requests in batches; the ids that were answered."""
        ids: list[str] = []
        for begin in range(0, len(paths), 20):
            requests = [
                {
                    "id": str(number),
                    "method": method,
                    "url": f"/users/{self.mailbox}{paths[number]}",
                    "headers": {"Content-Type": "application/json", "Prefer": 'IdType="ImmutableId"'},
                    "body": bodies[number],
                }
                for number in range(begin, min(begin + 20, len(paths)))
            ]
            answer = await self.call("POST", f"{self.endpoints['graph']}/$batch", {"requests": requests})
            ids += [str(part["body"]["id"]) for part in answer["responses"]]
        return ids

    async def passes(self) -> tuple[float, float]:
        """CPU and wall seconds until nothing is left to do."""
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(3):
            await self.service.run_pass(self.mailbox)
        return time.process_time() - cpu, time.perf_counter() - wall


def times() -> dict[str, Any]:
    start = (datetime.now(UTC) + timedelta(days=3)).replace(hour=9, minute=0, second=0, microsecond=0)
    edges = (("start", start), ("end", start + timedelta(hours=1)))
    return {name: {"dateTime": f"{at:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"} for name, at in edges}


async def measure(endpoints: dict[str, str]) -> list[tuple[str, str]]:
    organization = endpoints["dataverse"].removesuffix("/api/data/v9.2")
    where = Where(endpoints["graph"], organization, endpoints["table_storage"], "bench")
    async with aiohttp.ClientSession() as http, running(where) as service:
        bench = Bench(endpoints, http, service)
        await service.read_feed()
        await bench.person()
        bodies = [{"subject": f"Event {n}", "categories": [CATEGORY], **times()} for n in range(EVENTS)]
        ids = await bench.each("POST", ["/events"] * EVENTS, bodies)
        cpu, wall = await bench.passes()
        rows = [
            ("first sync, CPU per tracked event", f"{1000 * cpu / EVENTS:.1f} ms"),
            ("first sync, tracked events per second, one mailbox", f"{EVENTS / wall:.0f}"),
        ]
        changes = [{"subject": f"Changed {n}"} for n in range(CHANGES)]
        await bench.each("PATCH", [f"/events/{i}" for i in ids[:CHANGES]], changes)
        cpu, wall = await bench.passes()
        rows.append(("changed events, CPU per changed event in the pass", f"{1000 * cpu / CHANGES:.1f} ms"))
        rows.append(("changed events per second, one mailbox", f"{CHANGES / wall:.0f}"))
        return rows


def cold_start() -> list[tuple[str, str]]:
    shown = [
        subprocess.run([sys.executable, "-c", COLD], cwd=ROOT, capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    figures = [tuple(float(part) for part in each.stdout.split()) for each in shown]
    seconds, megabytes = sorted(figures)[1]
    return [
        ("import of function_app, cold process (median of 3)", f"{seconds:.2f} s"),
        ("memory after that import", f"{megabytes:.0f} MB"),
    ]


def version() -> str:
    shown = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return shown.stdout.strip() or "unknown"


def report(rows: list[tuple[str, str]]) -> str:
    lines = [f"| {name} | {figure} |" for name, figure in rows]
    return "\n".join(
        [
            "# Performance",
            "",
            "Generated by `make bench`. Times are of one small shared machine and noisy: compare runs of one",
            "machine only. The requests that a pass takes are stable; `tests/wire/test_request_counts.py`",
            "asserts them.",
            "",
            f"Code {version()}, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}, 2 cores.",
            "",
            "| what | measured |",
            "|---|--:|",
            *lines,
            "",
            "Requests of one reading of the change feed and one pass, those within a batch counted each;",
            "asserted by `tests/wire/test_request_counts_series.py`:",
            "",
            *series_costs.table(),
            "",
        ]
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        local = [sys.executable, "-m", "local", "--directory", directory]
        subprocess.run([*local, "up", "--empty"], cwd=ROOT, check=True)
        try:
            endpoints = json.loads(Path(directory, "endpoints.json").read_text())
            rows = asyncio.run(measure(endpoints)) + cold_start()
        finally:
            subprocess.run([*local, "down"], cwd=ROOT, check=True)
    text = report(rows)
    (ROOT / "docs" / "performance.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
