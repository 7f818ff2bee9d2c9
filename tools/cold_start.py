"""``python -m tools.cold_start FOLDER``: how long the built artefact takes to be ready.

Runs on the Python that the artefact was built for, with ``azure-functions-runtime`` installed (in Azure the
platform brings it): index the app as Microsoft's worker does, then make the clients of the first invocation.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from tools.package import PACKAGES

RUNS = 5
SETTINGS = {
    "ServiceBus__fullyQualifiedNamespace": "sync.servicebus.windows.net",
    "ServiceBus__clientId": "44444444-4444-4444-4444-444444444444",
    "STATE_TABLES__endpoint": "https://sync.table.core.windows.net",
    "DATAVERSE_URL": "https://contoso.crm4.dynamics.com",
    "PUBLIC_BASE_URL": "https://edge.azurewebsites.net",
}
# Microsoft's library is found behind the artefact's own packages.
MEASURE = """
import asyncio, json, sys, time
from types import SimpleNamespace
begun = time.perf_counter()
import azure_functions_runtime as runtime
from azure_functions_runtime import handle_event
class Protos:
    class BindingInfo(SimpleNamespace):
        undefined, in_, out, inout = 0, 0, 1, 2
    class StatusResult(SimpleNamespace):
        Failure, Success = 0, 1
    RpcFunctionMetadata = RpcException = RpcRetryOptions = SimpleNamespace
    WorkerInitResponse = WorkerMetadata = SimpleNamespace
init = SimpleNamespace(capabilities={}, function_app_directory=sys.argv[1])
library = time.perf_counter()
async def main():
    request = SimpleNamespace(request=SimpleNamespace(worker_init_request=init),
                              properties={"host": "127.0.0.1", "protos": Protos})
    answer = await runtime.worker_init_request(request)
    assert answer.result.status == Protos.StatusResult.Success, answer.result.exception.message
    indexed = time.perf_counter()
    if sys.argv[2] == "worker":
        from shared.exchange.graph import GraphExchange
        from shared.dynamics.dataverse.system import Dataverse
        from shared.credentials import credential
        from shared.wiring import settings
        from shared.clock import clock
        identity = credential(settings())
        exchange = GraphExchange("https://graph.microsoft.com/v1.0", identity, "https://edge", clock())
        exchange.mailbox("m")._user().calendar_view
        Dataverse(settings().dataverse_url, identity, clock())
    from shared.jobs.connection import Connection
    from shared.store.tables import Tables
    from shared.wiring import identity, settings
    Connection.from_settings(settings(), identity())
    Tables.from_settings(settings(), identity())
    connected = time.perf_counter()
    import resource
    print(json.dumps({"functions": len(handle_event._metadata_result), "index": indexed - library,
                      "connect": connected - indexed, "total": connected - library,
                      "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
asyncio.run(main())
"""


def measure(folder: Path, role: str, library: Path | None = None) -> dict[str, float]:
    """The median of some runs; the first one warms the file cache and does not count."""
    packages = [str(folder / PACKAGES), str(folder), *([str(library)] if library else [])]
    environment = {**os.environ, **SETTINGS, "SYNC_ROLE": role, "PYTHONPATH": os.pathsep.join(packages)}
    rows = []
    for _ in range(RUNS + 1):
        shown = subprocess.run(
            [sys.executable, "-c", MEASURE, str(folder), role],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if shown.returncode:
            sys.exit(shown.stderr)
        rows.append(json.loads(shown.stdout))
    return {name: statistics.median(row[name] for row in rows[1:]) for name in rows[0]}


def main() -> int:
    folder = Path(sys.argv[1]).resolve()
    for role in ("ingest", "worker"):
        row = measure(folder, role)
        print(
            f"{role}: {row['functions']:.0f} functions indexed in {row['index']:.2f} s, clients made in "
            f"{row['connect']:.2f} s, together {row['total']:.2f} s, {row['megabytes']:.0f} MB"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
