"""Takes one call through the service: who asks, counting, faults, throttling, the handler, the answer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from urllib.parse import unquote

from local.clock import Clock
from local.control import Control, Fault, Sleep
from local.exchange.access import caller_of, resolve_me
from local.exchange.call import Answer, Call
from local.exchange.directory import Directory
from local.exchange.errors import GraphError
from local.exchange.identifiers import Identifiers
from local.exchange.routing import Handler, Router, template_of
from local.exchange.throttle import Throttle
from local.exchange.zones import utc_text
from local.journaled import JournaledTables

_FAULT_CODES = {
    429: "ApplicationThrottled",
    503: "ErrorServerBusy",
    504: "ErrorTimeout",
    412: "ErrorIrresolvableConflict",
}


class GraphService:
    """``latency`` is how long the service works on a request: without it nothing would ever be concurrent."""

    def __init__(
        self,
        tables: JournaledTables,
        clock: Clock,
        directory: Directory,
        identifiers: Identifiers,
        control: Control,
        latency: float,
        sleep: Sleep,
    ) -> None:
        self.router = Router()
        self.control = control
        self._tables = tables
        self._clock = clock
        self._directory = directory
        self._identifiers = identifiers
        self._throttle = Throttle(clock)
        self._latency = latency
        self._sleep = sleep

    def take_fault(self, call: Call) -> Fault | None:
        """The fault planned for a call, if its caller is one whom faults concern."""
        service = call.upload or call.headers.get("authorization", "").strip().lower() == "bearer app"
        query = f"?{unquote(call.raw_query)}" if call.raw_query else ""
        return self.control.take_fault(call.method, call.path + query, service=service)

    async def perform(self, call: Call, fault: Fault | None = None) -> Answer:
        """Answer a call; a status or delay is carried out here, a drop by whoever holds the connection."""
        try:
            answer = await self._answered(call, fault)
        except GraphError as error:
            answer = self.refusal(error, call)
        answer.headers.update(self._request_ids(call))
        return answer

    async def _answered(self, call: Call, fault: Fault | None) -> Answer:
        call.caller = caller_of(call.headers)
        handler, refusal = self._route(call)
        self.control.count(call.method, call.template, service=call.caller.service)
        if fault is not None and fault.status is not None:
            raise planned_refusal(fault.status, fault.retry_after)
        if fault is not None and fault.do == "delay":
            await self._sleep(fault.seconds)
        with self._slot(call):
            if call.caller.service and self._latency:
                await self._sleep(self._latency)
            if handler is None:
                raise refusal or RuntimeError("no handler and no refusal")
            return await self._handled(handler, call)

    def perform_upload(self, call: Call, handler: Callable[[Call], Answer]) -> Answer:
        """A pre-authenticated request outside Graph; counted and disturbed as the service's own."""
        self.control.count(call.method, "/AttachmentSessions/{id}", service=True)
        try:
            with self._tables.transaction():
                return handler(call)
        except GraphError as error:
            return self.refusal(error, call)

    def admit_batch(self, envelope: Call) -> None:
        """An envelope is counted once; its parts are counted by themselves."""
        envelope.caller = caller_of(envelope.headers)
        if envelope.method != "POST":
            raise GraphError(405, "BadRequest", "The OData request is not supported.")
        self.control.count("POST", "/$batch", service=envelope.caller.service)

    def _route(self, call: Call) -> tuple[Handler | None, GraphError | None]:
        """A call that will be refused is counted all the same."""
        try:
            resolve_me(call, self._directory)
            return self.router.find(call), None
        except GraphError as error:
            call.template = call.template or template_of(call.segments)
            return None, error

    async def _handled(self, handler: Handler, call: Call) -> Answer:
        if inspect.iscoroutinefunction(handler):
            pending: Answer = await handler(call)
            return pending
        with self._tables.transaction():
            result = handler(call)
        if inspect.isawaitable(result):
            return await result
        return result

    def _slot(self, call: Call) -> AbstractContextManager[None]:
        """Only mailbox data is limited per mailbox; the directory and subscriptions are not."""
        if not call.caller.service or "user" not in call.params or len(call.segments) < 3:
            return nullcontext()
        user = self._directory.find(call.params["user"])
        return self._throttle.slot(user["id"]) if user else nullcontext()

    def refusal(self, error: GraphError, call: Call) -> Answer:
        inner = {
            "date": utc_text(self._clock.now())[:19],
            "request-id": self._identifiers.guid(),
            "client-request-id": call.headers.get("client-request-id") or self._identifiers.guid(),
        }
        body = {"error": {"code": error.code, "message": error.message, "innerError": inner, **error.extra}}
        return Answer(error.status, body, dict(error.headers))

    def _request_ids(self, call: Call) -> dict[str, str]:
        own = self._identifiers.guid()
        return {"request-id": own, "client-request-id": call.headers.get("client-request-id") or own}


def planned_refusal(status: int, retry_after: int | None) -> GraphError:
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
    code = _FAULT_CODES.get(status, "UnknownError")
    return GraphError(status, code, "This answer was planned by a fault.", headers)
