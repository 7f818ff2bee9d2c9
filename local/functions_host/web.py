"""The host's HTTP side: the app's routes, and the host's own ``/admin`` for running functions by hand."""

from __future__ import annotations

import time
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web

from local.functions_host.errors import InvocationError
from local.functions_host.functions import HTTP, QUEUE, Function
from local.functions_host.http_routes import Routes
from local.functions_host.invocations import Invocations
from local.functions_host.timer_triggers import TimerTriggers
from local.functions_host.trigger_data import HttpAnswer, HttpCall, QueueMessage

MAX_BODY = 210 * 1024 * 1024  # what Azure's front end lets through


class HttpTriggers:
    """Answers requests with the app's functions."""

    def __init__(self, invocations: Invocations, timers: TimerTriggers, route_prefix: str) -> None:
        self._invocations = invocations
        self._timers = timers
        self._routes = Routes(invocations.functions.values(), route_prefix)

    def application(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_get("/admin/host/status", self._status)
        app.router.add_get("/admin/functions", self._list)
        app.router.add_post("/admin/functions/{name}", self._run_by_hand)
        app.router.add_route("*", "/{path:.*}", self._call)
        return app

    async def _call(self, request: web.Request) -> web.Response:
        """One request to the app. An unhandled error is an empty 500: Azure does not show it either."""
        path = urlsplit(request.raw_path).path
        found = self._routes.find(request.method, path)
        if found is None:
            return web.Response(status=404)
        function, parameters = found
        call = HttpCall(
            method=request.method,
            url=str(request.url),
            headers={name: ", ".join(request.headers.getall(name)) for name in request.headers},
            query=dict(request.query),
            route=parameters,
            body=await request.read(),
        )
        try:
            answer = await self._invocations.run(function, call)
        except InvocationError:
            return web.Response(status=500)
        return _response(answer)

    async def _status(self, _request: web.Request) -> web.Response:
        return web.json_response({"state": "Running", "functions": len(self._invocations.functions)})

    async def _list(self, _request: web.Request) -> web.Response:
        value = [_description(function) for function in self._invocations.functions.values()]
        return web.json_response(value)

    async def _run_by_hand(self, request: web.Request) -> web.Response:
        """Run a function now. Unlike Azure's, which only accepts (202), this answers when it has ended."""
        name = request.match_info["name"]
        function = self._invocations.functions.get(name)
        if function is None:
            known = ", ".join(sorted(self._invocations.functions))
            return _error(404, "NotFound", f"there is no function '{name}'; there are: {known}")
        started = time.monotonic()
        try:
            answer = await self._run(function, await _by_hand(request))
        except InvocationError as failure:
            return _error(500, "FunctionFailed", failure.error)
        seconds = round(time.monotonic() - started, 3)
        status = {"status": answer.status} if answer else {}
        return web.json_response({"name": name, "seconds": seconds, **status})

    async def _run(self, function: Function, by_hand: dict[str, str]) -> HttpAnswer | None:
        text = by_hand.get("input") or ""
        if function.kind == QUEUE:
            message = QueueMessage.by_hand(text, by_hand.get("sessionId"))
            return await self._invocations.run(function, message)
        if function.kind == HTTP:
            call = HttpCall(
                by_hand.get("method", "POST"), f"/admin/functions/{function.name}", body=text.encode()
            )
            return await self._invocations.run(function, call)
        await self._timers.timers[function.name].run_now()
        return None


async def _by_hand(request: web.Request) -> dict[str, str]:
    """``{"input": text, "sessionId": text, "method": text}``, all of it optional, as is the body."""
    if not await request.read():
        return {}
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or not all(isinstance(value, str) for value in body.values()):
        raise web.HTTPBadRequest(text="the body must be a JSON object of texts")
    return body


def _response(answer: HttpAnswer | None) -> web.Response:
    if answer is None:
        return web.Response(status=204)
    response = web.Response(status=answer.status, body=answer.body)
    response.headers.popall("Content-Type", None)
    for name, value in answer.headers:
        response.headers.add(name, value)
    return response


def _description(function: Function) -> dict[str, object]:
    return {"name": function.name, "config": {"bindings": [function.trigger]}}


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response(
        {"error": {"code": code, "message": message}}, status=status, reason=HTTPStatus(status).phrase
    )
