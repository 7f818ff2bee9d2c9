"""The broker's control port: what stands in its queues, as JSON."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from local.service_bus.entity import Entity

if TYPE_CHECKING:
    from local.service_bus.broker import Broker


async def start_control(broker: Broker, host: str, port: int, stack: AsyncExitStack) -> int:
    """Serve ``/_control`` until the stack closes; returns the port."""
    app = web.Application()

    async def queues(_request: web.Request) -> web.Response:
        broker.tick()
        return web.json_response({"value": [describe(entity) for entity in broker.entities.values()]})

    async def health(_request: web.Request) -> web.Response:
        return web.json_response(
            {"status": "ok", "port": broker.port, "connections": len(broker.connections)}
        )

    app.router.add_get("/_control/queues", queues)
    app.router.add_get("/_control/health", health)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, host, port, reuse_address=True)
    await site.start()
    bound: int = runner.addresses[0][1]
    return bound


def describe(entity: Entity) -> dict[str, Any]:
    """``active`` is what could be received now: locked, deferred and scheduled messages stand apart."""
    counts = entity.queue.counts()
    due = counts.next_scheduled_at
    return {
        "name": entity.queue.definition.name,
        "active": counts.active,
        "scheduled": counts.scheduled,
        "locked": counts.locked,
        "deferred": counts.deferred,
        "deadLettered": counts.dead_lettered,
        "nextScheduledAt": None if due is None else datetime.fromtimestamp(due, UTC).isoformat(),
    }
