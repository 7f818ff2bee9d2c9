"""Requests to the stand-ins without sockets: what httpx would send is answered in this process, after a
while of simulated time, or is lost on the way."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime

import httpx
from multidict import CIMultiDict

from local.clock import Clock
from local.control import SERVICE_TOKEN, is_control
from local.wire import ConnectionCut, StandIn, WireAnswer, WireRequest
from tests.simulation.faults import Chance
from tests.simulation.workers import in_worker, outside

SOON, LATE = 2, 40


@dataclass
class Traffic:
    """Everything that was asked, as a number that tells two runs apart."""

    digest: str = ""
    requests: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    watcher: Callable[[str], None] | None = None

    def note(self, clock: Clock, part: str, request: httpx.Request, content: bytes, said: str) -> None:
        self.requests += 1
        line = f"{clock.now():%d %H:%M:%S.%f} {part} {request.method} {request.url.raw_path.decode()} {said}"
        hashed = hashlib.sha256(f"{self.digest} {line}".encode())
        hashed.update(content)
        self.digest = hashed.hexdigest()
        self.by_kind[part] += 1
        if self.watcher is not None:
            self.watcher(line)


class InProcess(httpx.AsyncBaseTransport):
    """``parts``: the stand-ins by ``host:port``. Only requests of the service are late or disturbed; people's
    are carried at once."""

    def __init__(
        self, parts: Mapping[str, tuple[str, StandIn]], clock: Clock, chance: Chance, traffic: Traffic
    ) -> None:
        self._parts = parts
        self._clock = clock
        self._chance = chance
        self._traffic = traffic

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.netloc.decode()
        part, stand_in = self._parts[host]
        content = await request.aread()
        headers = CIMultiDict((name.decode(), value.decode()) for name, value in request.headers.raw)
        wire = WireRequest(request.method, request.url.raw_path.decode(), headers, content, host)
        # An upload goes to a place outside Graph, with no token.
        upload = "Authorization" not in headers and not is_control(wire)
        service = upload or headers.get("Authorization") == f"Bearer {SERVICE_TOKEN}"
        try:
            answer = await (self._disturbed(part, stand_in, wire) if service else stand_in.answer(wire))
        except ConnectionCut:
            self._traffic.note(self._clock, part, request, content, "cut")
            raise httpx.ReadError("the connection was cut", request=request) from None
        except httpx.RequestError as error:
            self._traffic.note(self._clock, part, request, content, "unreachable")
            error.request = request
            raise
        self._traffic.note(self._clock, part, request, content + answer.content, str(answer.status))
        return httpx.Response(answer.status, headers=answer.headers, content=answer.content, request=request)

    async def _disturbed(self, part: str, stand_in: StandIn, wire: WireRequest) -> WireAnswer:
        chance = self._chance
        writes = _writes(wire)
        fault = chance.request_fault(part, writes=writes)
        if fault == "unreachable":
            raise httpx.ConnectError("nobody is there")
        await asyncio.sleep(chance.seconds("latency", 0.002, 0.05))
        self._kill(f"before {wire.method} {wire.target}", writes)
        if fault == "cut before":
            raise ConnectionCut
        if fault.startswith("status:") and not fault.endswith("after"):
            return self._refusal(fault)
        if fault == "delay":
            await asyncio.sleep(chance.seconds("delay", 1, 25))
        # The service goes on whatever becomes of who asked it.
        answering = asyncio.create_task(stand_in.answer(wire), context=outside())
        answer = await asyncio.shield(answering)
        await asyncio.sleep(chance.seconds("latency", 0.002, 0.05))
        self._kill(f"after {wire.method} {wire.target}", writes)
        if fault == "cut after":
            raise ConnectionCut
        return self._refusal(fault) if fault.endswith("after") else answer

    def _kill(self, where: str, writes: bool) -> None:
        if in_worker():
            self._chance.kill(where, writes=writes)

    def _refusal(self, fault: str) -> WireAnswer:
        """Of a gateway before the service: no body that means anything."""
        status, _, when = fault.removeprefix("status:").partition(" ")
        headers = {"Date": format_datetime(self._clock.now(), usegmt=True)}
        waits = {"soon": str(SOON), "late": str(LATE)}
        if when in waits:
            headers["Retry-After"] = waits[when]
        return WireAnswer(int(status), b"", headers)


def _writes(wire: WireRequest) -> bool:
    """A batch of reads only does not."""
    if wire.raw_path.endswith("$batch"):
        return any(word in wire.content for word in (b"PATCH ", b"DELETE ", b"POST "))
    return wire.method != "GET"
