"""What both stand-ins offer under ``/_control``: request counts, faults and the clock.

Counts, faults and throttling concern the service (``Bearer app``) unless the caller asks for ``all``.
Everything here is kept in the stand-in's journaled tables and so survives a kill.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from local.clock import Clock
from local.journaled import JournaledTables

SERVICE_TOKEN = "app"  # noqa: S105 - the rig's own, public by design
FAULT_KINDS = ("status:", "drop-before", "drop-after", "delay")


@dataclass(frozen=True)
class Fault:
    """What is to happen to one request; ``do`` as the rig's interface spells it."""

    do: str
    retry_after: int | None = None
    seconds: float = 0.0

    @property
    def status(self) -> int | None:
        return int(self.do.removeprefix("status:")) if self.do.startswith("status:") else None


class Control:
    """Counts of requests by kind and planned faults, with the routes that read and set them."""

    def __init__(self, tables: JournaledTables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock

    # --- counting -------------------------------------------------------------------------------

    def count(self, method: str, template: str, *, service: bool) -> None:
        """Count one request (or one part of a ``$batch``) under ``METHOD template``."""
        key = f"{method} {template}"
        callers = ("service", "all") if service else ("all",)
        for caller in callers:
            row = f"{caller} {key}"
            self._tables.put("requests", row, (self._tables.get("requests", row) or 0) + 1)

    def counts(self, caller: str = "service") -> dict[str, Any]:
        prefix = f"{caller} "
        rows = self._tables.table("requests").items()
        by_kind = {key.removeprefix(prefix): n for key, n in rows if key.startswith(prefix)}
        return {"total": sum(by_kind.values()), "byKind": dict(sorted(by_kind.items()))}

    # --- faults ---------------------------------------------------------------------------------

    def take_fault(self, method: str, path: str, *, service: bool) -> Fault | None:
        """The fault that the first matching rule has for this request; uses the rule up by one."""
        for key, rule in list(self._tables.table("faults").items()):
            if not self._matches(rule, method, path, service):
                continue
            if rule["times"] <= 1:
                self._tables.delete("faults", key)
            else:
                self._tables.put("faults", key, {**rule, "times": rule["times"] - 1})
            return Fault(rule["do"], rule.get("retryAfter"), float(rule.get("seconds") or 0))
        return None

    @staticmethod
    def _matches(rule: dict[str, Any], method: str, path: str, service: bool) -> bool:
        if not service and rule.get("caller") != "all":
            return False
        match = rule.get("match") or {}
        wanted = match.get("method")
        if wanted and wanted.upper() != method.upper():
            return False
        part = str(match.get("pathContains") or "")
        # An envelope is hit only when named: a rule for "POST" means the parts, not what they came in.
        return part in path and (not path.endswith("/$batch") or "$batch" in part)

    # --- routes ---------------------------------------------------------------------------------

    def add_routes(self, app: web.Application) -> None:
        app.on_response_prepare.append(self._tell_time)
        app.router.add_get("/_control/requests", self._get_requests)
        app.router.add_delete("/_control/requests", self._delete_requests)
        app.router.add_post("/_control/faults", self._post_fault)
        app.router.add_delete("/_control/faults", self._delete_faults)
        app.router.add_post("/_control/clock", self._post_clock)

    async def _tell_time(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Each answer carries the stand-in's own time, as the real services' answers carry theirs."""
        response.headers["Date"] = format_datetime(self._clock.now().astimezone(UTC), usegmt=True)

    async def _get_requests(self, request: web.Request) -> web.Response:
        return web.json_response(self.counts("all" if request.query.get("caller") == "all" else "service"))

    async def _delete_requests(self, _request: web.Request) -> web.Response:
        with self._tables.transaction():
            self._tables.clear("requests")
        return web.Response(status=204)

    async def _post_fault(self, request: web.Request) -> web.Response:
        rule = await json_object(request)
        do = str(rule.get("do") or "")
        if not do.startswith(FAULT_KINDS):
            raise bad_request("'do' must be status:<n>, drop-before, drop-after or delay")
        number = self._next_fault()
        self._tables.put("faults", f"{number:08d}", {**rule, "times": int(rule.get("times") or 1)})
        return web.json_response({"id": number}, status=201)

    def _next_fault(self) -> int:
        serial = int(self._tables.get("control", "faults") or 0) + 1
        self._tables.put("control", "faults", serial)
        return serial

    async def _delete_faults(self, _request: web.Request) -> web.Response:
        with self._tables.transaction():
            self._tables.clear("faults")
        return web.Response(status=204)

    async def _post_clock(self, request: web.Request) -> web.Response:
        body = await json_object(request)
        self._clock.advance(float(body.get("advanceSeconds") or 0))
        self._tables.put("control", "clock", self._clock.own_offset)
        return web.json_response({"now": self._clock.now().isoformat()})


async def json_object(request: web.Request) -> dict[str, Any]:
    """The request's body as a JSON object, or a 400 that says what is wrong."""
    try:
        body = await request.json()
    except ValueError as error:
        raise bad_request(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise bad_request("the body must be a JSON object")
    return body


def bad_request(message: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(
        text=f'{{"error":{{"code":"BadRequest","message":"{message}"}}}}', content_type="application/json"
    )


async def carry_out(
    fault: Fault | None,
    request: web.Request,
    answer: Callable[[], Awaitable[web.StreamResponse]],
    refuse: Callable[[int, int | None], web.StreamResponse],
) -> web.StreamResponse:
    """Answer one whole request under a fault; a dropped connection is closed without an answer."""
    if fault is None:
        return await answer()
    if fault.status is not None:
        return refuse(fault.status, fault.retry_after)
    if fault.do == "drop-before":
        return drop(request)
    if fault.do == "delay":
        await asyncio.sleep(fault.seconds)
        return await answer()
    await answer()
    return drop(request)


def drop(request: web.Request) -> web.StreamResponse:
    """Cut the client's connection: it will see a transport error, not a status."""
    transport = request.transport
    if transport is not None:
        transport.abort()
    return web.Response(status=500)
