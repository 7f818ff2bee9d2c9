"""Subscriptions through the adapter, with a notification endpoint that really answers the handshake."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from shared.errors import NotFound, Refused
from shared.mailboxes.change_notifications import FORBIDDEN
from tests.marks import rule
from tests.wire.graph_adapter import connected


@dataclass
class Functions:
    """Our notification functions, as Graph sees them."""

    url: str = ""
    validated: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        token = request.query.get("validationToken")
        if token is None:
            return web.Response(status=202)
        self.validated.append(request.path)
        return web.Response(text=token)


@asynccontextmanager
async def functions() -> AsyncIterator[Functions]:
    running, app = Functions(), web.Application()
    app.router.add_post("/api/graph/{name}", running.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    running.url = f"http://127.0.0.1:{port}"
    try:
        yield running
    finally:
        await runner.cleanup()


def in_hours(hours: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours)


async def test_the_life_of_a_subscription() -> None:
    async with functions() as ours, connected(ours.url) as rig:
        user = await rig.user()
        made = await _subscribe(rig.graph, user)
        assert sorted(ours.validated) == ["/api/graph/lifecycle", "/api/graph/notifications"]
        assert (made.mailbox, made.resource) == (user, f"/users/{user}/events")
        assert await rig.graph.subscriptions() == [made]

        later = in_hours(48)
        renewed = await rig.graph.renew_subscription(made.id, later)
        assert (renewed.id, renewed.mailbox, renewed.expires_at) == (made.id, user, later)

        await rig.graph.delete_subscription(made.id)
        assert await rig.graph.subscriptions() == []
        await rig.graph.delete_subscription(made.id)
        with pytest.raises(NotFound):
            await rig.graph.renew_subscription(made.id, later)


async def test_an_endpoint_that_does_not_answer_is_refused() -> None:
    async with connected("http://127.0.0.1:9") as rig:
        user = await rig.user()
        with pytest.raises(Refused):
            await _subscribe(rig.graph, user)
        assert await rig.graph.subscriptions() == []


async def _subscribe(graph: Any, user: str) -> Any:
    return await graph.subscribe(
        user, resource=f"/users/{user}/events", client_state="secret", expires_at=in_hours(24)
    )


@rule("MBX-16")
async def test_a_mailbox_that_holds_all_the_subscriptions_it_may_is_no_broken_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("local.exchange.subscriptions.MAX_PER_MAILBOX", 1)
    async with functions() as ours, connected(ours.url) as rig:
        user = await rig.user()
        await _subscribe(rig.graph, user)
        with pytest.raises(Refused) as refused:
            await _subscribe(rig.graph, user)
        assert refused.value.status == FORBIDDEN
