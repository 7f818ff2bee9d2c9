"""Requests to the stand-ins without sockets: what httpx would send is answered in this process, after a
while of simulated time, or is lost on the way."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from random import Random
from typing import Any

import httpx
from multidict import CIMultiDict

from local.clock import Clock
from local.control import SERVICE_TOKEN, is_control
from local.wire import ConnectionCut, StandIn, WireAnswer, WireRequest
from tests.simulation.faults import Chance
from tests.simulation.workers import at_the_service_of_ours, in_worker, noted_deletions

SOON, LATE = 2, 40
TOKENS = ("deltatoken", "skiptoken")


@dataclass
class Traffic:
    """Everything that was asked, as a number that tells two runs apart."""

    digest: str = ""
    requests: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    watcher: Callable[[str], None] | None = None

    def note(self, clock: Clock, part: str, wire: WireRequest, answer: bytes, said: str) -> None:
        self.requests += 1
        line = f"{clock.now():%d %H:%M:%S.%f} {part} {wire.method} {wire.target} {said}"
        hashed = hashlib.sha256(f"{self.digest} {line}".encode())
        hashed.update(wire.content)
        hashed.update(answer)
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
        content = await request.aread()
        headers = CIMultiDict((name.decode(), value.decode()) for name, value in request.headers.raw)
        host = request.url.netloc.decode()
        try:
            answer = await self.carry(
                WireRequest(request.method, request.url.raw_path.decode(), headers, content, host)
            )
        except httpx.RequestError as error:
            error.request = request
            raise
        return httpx.Response(answer.status, headers=answer.headers, content=answer.content, request=request)

    async def carry(self, wire: WireRequest) -> WireAnswer:
        """Raises what httpx raises when there is no connection or no answer."""
        part, stand_in = self._parts[wire.host]
        # An upload goes to a place outside Graph, with no token.
        upload = "Authorization" not in wire.headers and not is_control(wire)
        service = upload or wire.headers.get("Authorization") == f"Bearer {SERVICE_TOKEN}"
        try:
            answer = await (self._disturbed(part, stand_in, wire) if service else stand_in.answer(wire))
        except ConnectionCut:
            self._traffic.note(self._clock, part, wire, b"", "cut")
            raise httpx.ReadError("the connection was cut") from None
        except httpx.RequestError:
            self._traffic.note(self._clock, part, wire, b"", "unreachable")
            raise
        self._traffic.note(self._clock, part, wire, answer.content, str(answer.status))
        return answer

    async def _disturbed(self, part: str, stand_in: StandIn, wire: WireRequest) -> WireAnswer:
        chance = self._chance
        writes = _writes(wire)
        if writes:
            noted_deletions(_deletions(wire))
        fault = chance.request_fault(part, writes=writes)
        if fault == "unreachable":
            raise httpx.ConnectError("nobody is there")
        await asyncio.sleep(chance.seconds("latency", 0.002, 0.05))
        self._kill(f"before {wire.method} {wire.target}", writes)
        if fault == "cut before":
            raise ConnectionCut
        if fault.startswith("status:") and not fault.endswith("after"):
            return self._refusal(fault)
        lost = _follows(wire) and chance.of_hundred(f"token of {part}", chance.rates.token)
        if lost and not wire.raw_path.endswith("$batch"):
            return _token_lost(part)
        if fault == "delay":
            await asyncio.sleep(chance.seconds("delay", 1, 25))
        # The service goes on whatever becomes of who asked it.
        answering = asyncio.create_task(stand_in.answer(wire), context=at_the_service_of_ours())
        answer = await asyncio.shield(answering)
        await asyncio.sleep(chance.seconds("latency", 0.002, 0.05))
        self._kill(f"after {wire.method} {wire.target}", writes)
        if fault == "cut after":
            raise ConnectionCut
        if lost:
            return _one_token_lost(wire, answer, chance.source("which token"))
        return self._refusal(fault) if fault.endswith("after") else answer

    def _kill(self, where: str, writes: bool) -> None:
        if in_worker():
            self._chance.kill(where, writes=writes)

    def _refusal(self, fault: str) -> WireAnswer:
        """Of a gateway before the service: no body that means anything."""
        status, _, when = fault.removeprefix("status:").partition(" ")
        if status == "401":
            return _json(401, _error("InvalidAuthenticationToken"))
        headers = {"Date": format_datetime(self._clock.now(), usegmt=True)}
        waits = {"soon": str(SOON), "late": str(LATE)}
        if when in waits:
            headers["Retry-After"] = waits[when]
        return WireAnswer(int(status), b"", headers)


def _deletions(wire: WireRequest) -> list[str]:
    """What a request asks to delete, by its address; in a batch of either service."""
    if not wire.raw_path.endswith("$batch"):
        return [wire.target] if wire.method == "DELETE" else []
    if wire.content.startswith(b"{"):
        parts = json.loads(wire.content)["requests"]
        return [row["url"] for row in parts if row["method"] == "DELETE"]
    return [line.split()[1] for line in wire.content.decode().splitlines() if line.startswith("DELETE ")]


def _follows(wire: WireRequest) -> bool:
    """Asks what changed since a place in a delta: at the beginning of a round, or in its middle."""
    if wire.raw_path.endswith("$batch"):
        return any(word.encode() in wire.content for word in TOKENS)
    return _is_delta(wire.target)


def _token_lost(part: str) -> WireAnswer:
    status, code = (410, "SyncStateNotFound") if part == "graph" else (400, "0x80044352")
    return _json(status, _error(code))


def _one_token_lost(wire: WireRequest, answer: WireAnswer, random: Random) -> WireAnswer:
    """Of a batch of deltas, one; if it is a batch of Graph's."""
    if answer.status != 200 or not wire.content.startswith(b"{"):
        return answer
    asked = {row["id"] for row in json.loads(wire.content)["requests"] if _is_delta(row["url"])}
    parts = json.loads(answer.content)["responses"]
    meant = [row for row in parts if row["id"] in asked]
    if meant:
        random.choice(meant).update(status=410, body=_error("SyncStateNotFound"), headers={})
    return _json(200, {"responses": parts})


def _is_delta(url: str) -> bool:
    return any(word in url for word in TOKENS) and ("/delta" in url or "deltatoken" in url)


def _error(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "of the simulation"}}


def _json(status: int, body: Any) -> WireAnswer:
    return WireAnswer(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


def _writes(wire: WireRequest) -> bool:
    """A batch of reads only does not."""
    if wire.raw_path.endswith("$batch"):
        return any(word in wire.content for word in (b"PATCH ", b"DELETE ", b"POST "))
    return wire.method != "GET"
