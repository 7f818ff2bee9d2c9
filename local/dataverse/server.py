"""The stand-in for Dataverse as an HTTP server: the Web API and ``/_control``."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote
from uuid import uuid4

from aiohttp import web

from local.clock import Clock
from local.control import Control, Fault, carry_out, drop
from local.dataverse.batch import Batches
from local.dataverse.call import PATH_PREFIX, Call, Reply
from local.dataverse.callers import Callers
from local.dataverse.control_routes import ControlRoutes
from local.dataverse.control_security import ControlSecurity
from local.dataverse.errors import Refusal, refuse
from local.dataverse.faults import ConnectionCut, faulty_reply
from local.dataverse.limits import Limits, ServiceProtection
from local.dataverse.organization import found
from local.dataverse.paths import template
from local.dataverse.store import Store
from local.dataverse.web_api import URL_LIMIT, WebApi
from local.dataverse.webhooks import Webhooks
from local.journaled import JournaledTables

LARGEST_BODY = 128 * 1024 * 1024
JOURNAL = "dataverse.journal"
BATCH = "$batch"
JOB_SECONDS = 0.25


class Dataverse:
    """``async with Dataverse() as dataverse``: listens on loopback, by default on a free port."""

    def __init__(
        self,
        clock: Clock | None = None,
        state: Path | None = None,
        port: int = 0,
        limits: Limits | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.port = port
        self._tables = JournaledTables(state / JOURNAL if state else None)
        self.clock.advance(float(self._tables.get("control", "clock") or 0) - self.clock.own_offset)
        self._store = Store(self._tables, self.clock)
        found(self._store)
        self._api = WebApi(self._store)
        self._control = Control(self._tables, self.clock)
        self._webhooks = Webhooks(self._store)
        self._protection = ServiceProtection(limits or Limits(), self.clock)
        self._batches = Batches(self._api, self._store, self._count_and_take_fault)
        self._runner: web.AppRunner | None = None
        self._jobs: asyncio.Task[None] | None = None

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The service root."""
        return f"{self.host}{PATH_PREFIX.rstrip('/')}"

    @property
    def control_url(self) -> str:
        return f"{self.host}/_control"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        app = web.Application(client_max_size=LARGEST_BODY)
        self._control.add_routes(app)
        ControlRoutes(self._store, self._api, self._webhooks).add_to(app)
        ControlSecurity(self._store, self._api).add_to(app)
        app.router.add_route("*", PATH_PREFIX + "{path:.*}", self._serve)
        # Long URLs are refused by us with the documented error, not by the HTTP parser.
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=1.0, max_line_size=4 * URL_LIMIT, max_field_size=65_536
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]
        self._webhooks.start()
        self._jobs = asyncio.create_task(self._work())

    async def stop(self) -> None:
        if self._jobs is not None:
            self._jobs.cancel()
            await asyncio.gather(self._jobs, return_exceptions=True)
        await self._webhooks.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        self._tables.close()

    # --- one request ----------------------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if not Callers.authenticated(request.headers.copy()):
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        call = await self._read(request)
        self._run_jobs()
        fault = self._count_and_take_fault(call)

        async def answer() -> web.StreamResponse:
            try:
                return await self._answer(request, call)
            except ConnectionCut:
                return drop(request)

        return await carry_out(
            fault, request, answer, lambda status, wait: _written(faulty_reply(status, wait))
        )

    async def _answer(self, request: web.Request, call: Call) -> web.Response:
        """A ``$batch`` counts as one request for the limits, its time counts whole."""
        service = Callers.is_service(call.headers)
        try:
            with self._protection.request() if service else nullcontext():
                if len(request.raw_path) > URL_LIMIT:
                    raise refuse("UrlTooLong", limit=URL_LIMIT)
                if call.path == BATCH:
                    return await self._batch(call)
                return _written(self._api.answer(call))
        except Refusal as refusal:
            return _written(Reply(refusal.status, refusal.body(), dict(refusal.headers)))
        finally:
            self._publish()

    async def _batch(self, call: Call) -> web.Response:
        if call.method != "POST":
            raise refuse("MethodNotAllowed", method=call.method)
        reply = await self._batches.answer(call)
        headers = {"Content-Type": reply.content_type, **_common_headers()}
        return web.Response(status=reply.status, body=reply.body, headers=headers)

    async def _work(self) -> None:
        """Jobs run when their time has come, also when nobody asks anything."""
        while True:
            await asyncio.sleep(JOB_SECONDS)
            self._run_jobs()

    def _run_jobs(self) -> None:
        self._api.run_jobs()
        self._publish()

    def _publish(self) -> None:
        events = list(self._api.records.events)
        self._api.records.events.clear()
        self._webhooks.publish(events)

    async def _read(self, request: web.Request) -> Call:
        raw_path, _, query = request.raw_path.partition("?")
        path = unquote(raw_path.removeprefix(PATH_PREFIX))
        base_url = f"http://{request.host}{PATH_PREFIX.rstrip('/')}"
        return Call(request.method, path, query, request.headers.copy(), await request.read(), base_url)

    def _count_and_take_fault(self, call: Call) -> Fault | None:
        """Once per request and once per part of a ``$batch``."""
        service = Callers.is_service(call.headers)
        self._control.count(call.method, template(call.path), service=service)
        query = f"?{unquote(call.query)}" if call.query else ""
        return self._control.take_fault(call.method, f"{PATH_PREFIX}{call.path}{query}", service=service)


def _common_headers() -> dict[str, str]:
    request_id = str(uuid4())
    return {"OData-Version": "4.0", "REQ_ID": request_id, "x-ms-service-request-id": request_id}


def _written(reply: Reply) -> web.Response:
    headers = {**_common_headers(), **reply.headers}
    if isinstance(reply.body, dict):
        headers["Content-Type"] = "application/json; odata.metadata=minimal"
    elif isinstance(reply.body, str):
        headers["Content-Type"] = "text/plain"
    return web.Response(status=reply.status, body=reply.content() or None, headers=headers)
