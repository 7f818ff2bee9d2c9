"""Sockets for a stand-in: a server on loopback before it, and a client for what it tells others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from local.wire import ConnectionCut, Received, StandIn, Unreachable, WireRequest


class Listener:
    """Carries each request to the stand-in. ``limits`` are those of aiohttp's parser."""

    def __init__(self, stand_in: StandIn, port: int, largest_body: int, **limits: int) -> None:
        self.port = port
        self._stand_in = stand_in
        self._largest_body = largest_body
        self._limits: dict[str, Any] = limits
        self._runner: web.AppRunner | None = None

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        app = web.Application(client_max_size=self._largest_body)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, **self._limits)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        try:
            content, too_large = await request.read(), False
        except web.HTTPRequestEntityTooLarge:
            content, too_large = b"", True
        except ConnectionResetError:  # whoever asked died before all was said
            return _dropped(request)
        headers = request.headers.copy()
        wire = WireRequest(request.method, request.raw_path, headers, content, request.host, too_large)
        try:
            answer = await self._stand_in.answer(wire)
        except ConnectionCut:
            return _dropped(request)
        return web.Response(status=answer.status, body=answer.content or None, headers=answer.headers)


def _dropped(request: web.Request) -> web.StreamResponse:
    """The client will see a transport error, not a status."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


class OverSockets:
    """``Outgoing`` by aiohttp."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def start(self) -> None:
        self._session = aiohttp.ClientSession()

    async def stop(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, url: str, content: bytes, headers: Mapping[str, str], seconds: float) -> Received:
        if self._session is None:
            raise Unreachable("the stand-in does not run")
        timeout = aiohttp.ClientTimeout(total=seconds)
        try:
            async with self._session.post(
                URL(url), data=content, headers=dict(headers), timeout=timeout
            ) as response:
                return Received(response.status, response.content_type, await response.text(errors="replace"))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(str(error)) from error
