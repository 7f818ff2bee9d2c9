"""The function app: a table of contents. One code base, two roles by the app setting ``SYNC_ROLE``."""

from __future__ import annotations

import os

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
role = os.environ.get("SYNC_ROLE", "all")

if role in ("ingest", "all"):
    from shared.functions import ingest

    app.register_functions(ingest.blueprint)

if role in ("worker", "all"):
    from shared.functions import admin, worker

    app.register_functions(worker.blueprint)
    app.register_functions(admin.blueprint)

if role not in ("ingest", "worker", "all"):
    raise ValueError(f"SYNC_ROLE is '{role}'; it must be ingest, worker or all")
