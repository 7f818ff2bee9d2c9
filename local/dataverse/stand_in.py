"""The stand-in for Dataverse, whatever carries its requests: the Web API and ``/_control``."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from pathlib import Path
from urllib.parse import unquote
from uuid import uuid4

from local.clock import Clock
from local.control import Control, ControlTable, Fault, Sleep, carry_out, is_control, tell_time
from local.dataverse.batch import Batches
from local.dataverse.call import PATH_PREFIX, Call, Reply
from local.dataverse.callers import Callers
from local.dataverse.control_routes import ControlRoutes
from local.dataverse.control_security import ControlSecurity
from local.dataverse.errors import Refusal, refuse
from local.dataverse.faults import faulty_reply
from local.dataverse.limits import Limits, ServiceProtection
from local.dataverse.organization import found
from local.dataverse.paths import template
from local.dataverse.store import Store
from local.dataverse.web_api import URL_LIMIT, WebApi
from local.dataverse.webhooks import Webhooks
from local.journaled import JournaledTables
from local.wire import Outgoing, WireAnswer, WireRequest

LARGEST_BODY = 128 * 1024 * 1024
JOURNAL = "dataverse.journal"
BATCH = "$batch"
OPERATION = b"Content-Type: application/http"


class DataverseStandIn:
    """``sleep``: how it waits before a web hook is called, and where a fault delays an answer. Jobs run when
    somebody asks something; ``run_jobs`` is for when nobody does."""

    def __init__(
        self,
        clock: Clock,
        outgoing: Outgoing,
        *,
        state: Path | None = None,
        limits: Limits | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.clock = clock
        self._sleep = sleep
        self._tables = JournaledTables(state / JOURNAL if state else None)
        clock.advance(float(self._tables.get("control", "clock") or 0) - clock.own_offset)
        self._store = Store(self._tables, clock)
        found(self._store)
        self._api = WebApi(self._store)
        self._control = Control(self._tables, clock)
        self._webhooks = Webhooks(self._store, outgoing, sleep)
        self._limits = limits or Limits()
        self.protection = ServiceProtection(self._limits, clock)
        self._batches = Batches(self._api, self._store, self._count_and_take_fault, sleep)
        self._routes = ControlTable()
        self._control.add_to(self._routes)
        ControlRoutes(self._store, self._api, self._webhooks).add_to(self._routes)
        ControlSecurity(self._store, self._api).add_to(self._routes)

    async def close(self) -> None:
        await self._webhooks.stop()
        self._tables.close()

    # --- one request ----------------------------------------------------------------------------

    async def answer(self, request: WireRequest) -> WireAnswer:
        """Raises ``ConnectionCut`` where a planned fault cuts the connection."""
        if is_control(request):
            answer = self._routes.answer(request)
        elif not request.raw_path.startswith(PATH_PREFIX):
            answer = WireAnswer(404)
        elif request.too_large or len(request.content) > LARGEST_BODY:
            answer = WireAnswer(413)
        elif not Callers.authenticated(request.headers):
            answer = WireAnswer(401, headers={"WWW-Authenticate": "Bearer"})
        else:
            answer = await self._served(request)
        return tell_time(answer, self.clock)

    async def _served(self, request: WireRequest) -> WireAnswer:
        call = _read(request)
        self.run_jobs()
        fault = self._count_and_take_fault(call)

        async def answer() -> WireAnswer:
            return await self._answer(request, call)

        return await carry_out(
            fault, answer, lambda status, wait: _written(faulty_reply(status, wait)), self._sleep
        )

    async def _answer(self, request: WireRequest, call: Call) -> WireAnswer:
        """A ``$batch`` counts as one request for the limits, its time counts whole."""
        service = Callers.is_service(call.headers)
        try:
            with self.protection.request() if service else nullcontext():
                answer = await self._answered(request, call, service=service)
        except Refusal as refusal:
            answer = _written(Reply(refusal.status, refusal.body(), dict(refusal.headers)))
        finally:
            self._publish()
        answer.headers.update(self.protection.headers())
        return answer

    async def _answered(self, request: WireRequest, call: Call, *, service: bool) -> WireAnswer:
        if len(request.target) > URL_LIMIT:
            raise refuse("UrlTooLong", limit=URL_LIMIT)
        batched = call.path == BATCH
        if service and self._limits.operation_seconds:
            operations = call.body.count(OPERATION) if batched else 1
            await self._sleep(self._limits.operation_seconds * operations)
        return await self._batch(call) if batched else _written(self._api.answer(call))

    async def _batch(self, call: Call) -> WireAnswer:
        if call.method != "POST":
            raise refuse("MethodNotAllowed", method=call.method)
        reply = await self._batches.answer(call)
        headers = {"Content-Type": reply.content_type, **_common_headers()}
        return WireAnswer(reply.status, reply.body, headers)

    def run_jobs(self) -> None:
        """What is due by the clock."""
        self._api.run_jobs()
        self._publish()

    def _publish(self) -> None:
        events = list(self._api.records.events)
        self._api.records.events.clear()
        self._webhooks.publish(events)

    def _count_and_take_fault(self, call: Call) -> Fault | None:
        """Once per request and once per part of a ``$batch``."""
        service = Callers.is_service(call.headers)
        self._control.count(call.method, template(call.path), service=service)
        query = f"?{unquote(call.query)}" if call.query else ""
        return self._control.take_fault(call.method, f"{PATH_PREFIX}{call.path}{query}", service=service)


def _read(request: WireRequest) -> Call:
    path = unquote(request.raw_path.removeprefix(PATH_PREFIX))
    base_url = f"http://{request.host}{PATH_PREFIX.rstrip('/')}"
    return Call(request.method, path, request.raw_query, request.headers, request.content, base_url)


def _common_headers() -> dict[str, str]:
    request_id = str(uuid4())
    return {"OData-Version": "4.0", "REQ_ID": request_id, "x-ms-service-request-id": request_id}


def _written(reply: Reply) -> WireAnswer:
    headers = {**_common_headers(), **reply.headers}
    if isinstance(reply.body, dict):
        headers["Content-Type"] = "application/json; odata.metadata=minimal"
    elif isinstance(reply.body, str):
        headers["Content-Type"] = "text/plain"
    return WireAnswer(reply.status, reply.content(), headers)
