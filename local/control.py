"""What both stand-ins offer under ``/_control``: request counts, faults and the clock.

Counts, faults and throttling concern the service (``Bearer app``) unless the caller asks for ``all``.
Everything here is kept in the stand-in's journaled tables and so survives a kill.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

from local.clock import Clock
from local.journaled import JournaledTables
from local.wire import ConnectionCut, WireAnswer, WireRequest

SERVICE_TOKEN = "app"  # noqa: S105 - the rig's own, public by design
FAULT_KINDS = ("status:", "drop-before", "drop-after", "delay")
PREFIX = "/_control/"

Sleep = Callable[[float], Awaitable[None]]


class BadRequest(Exception):  # noqa: N818 - the answer to it
    """The rig asked for something that there is not."""


@dataclass(frozen=True)
class ControlRequest:
    """What a route of ``/_control`` is given."""

    query: Mapping[str, str]
    content: bytes


Handler = Callable[[ControlRequest], WireAnswer]


class ControlTable:
    """The routes under ``/_control``, by method and path."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, str], Handler] = {}

    def add(self, method: str, name: str, handler: Handler) -> None:
        self._routes[method, PREFIX + name] = handler

    def answer(self, request: WireRequest) -> WireAnswer:
        handler = self._routes.get((request.method, request.raw_path))
        if handler is None:
            known = any(path == request.raw_path for _, path in self._routes)
            return WireAnswer(405 if known else 404)
        try:
            return handler(ControlRequest(dict(parse_qsl(request.raw_query)), request.content))
        except BadRequest as error:
            return json_answer({"error": {"code": "BadRequest", "message": str(error)}}, 400)


def is_control(request: WireRequest) -> bool:
    return request.raw_path.startswith(PREFIX)


def json_answer(body: Any, status: int = 200) -> WireAnswer:
    return WireAnswer(status, json.dumps(body).encode(), {"Content-Type": "application/json; charset=utf-8"})


def tell_time(answer: WireAnswer, clock: Clock) -> WireAnswer:
    """Each answer carries the stand-in's own time, as the real services' answers carry theirs."""
    answer.headers["Date"] = format_datetime(clock.now().astimezone(UTC), usegmt=True)
    return answer


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

    def add_to(self, routes: ControlTable) -> None:
        routes.add("GET", "requests", self._get_requests)
        routes.add("DELETE", "requests", self._delete_requests)
        routes.add("POST", "faults", self._post_fault)
        routes.add("DELETE", "faults", self._delete_faults)
        routes.add("POST", "clock", self._post_clock)

    def _get_requests(self, request: ControlRequest) -> WireAnswer:
        return json_answer(self.counts("all" if request.query.get("caller") == "all" else "service"))

    def _delete_requests(self, _request: ControlRequest) -> WireAnswer:
        with self._tables.transaction():
            self._tables.clear("requests")
        return WireAnswer(204)

    def _post_fault(self, request: ControlRequest) -> WireAnswer:
        rule = json_object(request)
        do = str(rule.get("do") or "")
        if not do.startswith(FAULT_KINDS):
            raise BadRequest("'do' must be status:<n>, drop-before, drop-after or delay")
        number = self._next_fault()
        self._tables.put("faults", f"{number:08d}", {**rule, "times": int(rule.get("times") or 1)})
        return json_answer({"id": number}, 201)

    def _next_fault(self) -> int:
        serial = int(self._tables.get("control", "faults") or 0) + 1
        self._tables.put("control", "faults", serial)
        return serial

    def _delete_faults(self, _request: ControlRequest) -> WireAnswer:
        with self._tables.transaction():
            self._tables.clear("faults")
        return WireAnswer(204)

    def _post_clock(self, request: ControlRequest) -> WireAnswer:
        body = json_object(request)
        self._clock.advance(float(body.get("advanceSeconds") or 0))
        self._tables.put("control", "clock", self._clock.own_offset)
        return json_answer({"now": self._clock.now().isoformat()})


def json_object(request: ControlRequest) -> dict[str, Any]:
    """The request's body as a JSON object, or a 400 that says what is wrong."""
    try:
        body = json.loads(request.content)
    except ValueError as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body


async def carry_out(
    fault: Fault | None,
    answer: Callable[[], Awaitable[WireAnswer]],
    refuse: Callable[[int, int | None], WireAnswer],
    sleep: Sleep,
) -> WireAnswer:
    """Answer one whole request under a fault. Raises ``ConnectionCut`` where it drops the connection."""
    if fault is None:
        return await answer()
    if fault.status is not None:
        return refuse(fault.status, fault.retry_after)
    if fault.do == "drop-before":
        raise ConnectionCut
    if fault.do == "delay":
        await sleep(fault.seconds)
        return await answer()
    await answer()
    raise ConnectionCut
