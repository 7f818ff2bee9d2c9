"""Requests to the stand-ins without sockets: httpx gets its answer in this process, through the same code
that answers on a socket. Where a planned fault cuts the connection, httpx sees that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from multidict import CIMultiDict

from local.wire import ConnectionCut, Received, StandIn, Unreachable, WireRequest


@dataclass(frozen=True)
class Place:
    """Where a stand-in is."""

    url: str
    control_url: str


class Carried(httpx.AsyncBaseTransport):
    """``parts``: the stand-ins by ``host:port``."""

    def __init__(self, parts: Mapping[str, StandIn]) -> None:
        self._parts = parts

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.netloc.decode()
        headers = CIMultiDict((name.decode(), value.decode()) for name, value in request.headers.raw)
        target, content = request.url.raw_path.decode(), await request.aread()
        try:
            answer = await self._parts[host].answer(
                WireRequest(request.method, target, headers, content, host)
            )
        except ConnectionCut:
            raise httpx.ReadError("the connection was cut", request=request) from None
        return httpx.Response(answer.status, headers=answer.headers, content=answer.content, request=request)


class Nobody:
    """No endpoint of ours listens to what the stand-ins have to tell."""

    async def post(self, url: str, content: bytes, headers: Mapping[str, str], seconds: float) -> Received:
        raise Unreachable("nobody listens")
