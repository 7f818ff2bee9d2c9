"""The host: loads the app, listens for its triggers, and stops cleanly."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from aiohttp import web
from azure.servicebus.aio import ServiceBusClient

from local.clock import Clock
from local.functions_host.app_settings import resolve, service_bus_connection
from local.functions_host.functions import QUEUE
from local.functions_host.host_json import HostOptions, ServiceBusOptions, read_host_json
from local.functions_host.invocations import Invocations
from local.functions_host.invoker import load_app
from local.functions_host.queue_triggers import QueueTrigger
from local.functions_host.timer_triggers import TimerTriggers
from local.functions_host.web import HttpTriggers

log = logging.getLogger("functions_host")
GRACE_SECONDS = 8.0  # for functions that run when the host is told to stop
MAX_SESSIONS_SETTING = "FUNCTIONS_HOST_MAX_SESSIONS"  # on one machine each session is a connection


class Host:
    """One app on one port."""

    def __init__(
        self, invocations: Invocations, options: HostOptions, clock: Clock, settings: Mapping[str, str]
    ):
        self._invocations = invocations
        self._clock = clock
        self._settings = settings
        self._options = options
        self._service_bus = _limited(options.service_bus, settings)
        self._clients: dict[str, ServiceBusClient] = {}
        self._timers = TimerTriggers(invocations, clock, settings)
        self._queues = self._queue_triggers()

    @staticmethod
    async def load(app_directory: Path, clock: Clock, settings: Mapping[str, str]) -> Host:
        """Index the app and bind its triggers; whatever is wrong with it is raised here."""
        options = read_host_json(app_directory)
        invoker = await load_app(app_directory)
        return Host(Invocations(invoker, options.function_timeout), options, clock, settings)

    async def serve(self, port: int, stop: asyncio.Event) -> None:
        """Listen on loopback until told to stop; running functions may end first."""
        http = HttpTriggers(self._invocations, self._timers, self._options.route_prefix)
        runner = web.AppRunner(http.application(), access_log=None, shutdown_timeout=GRACE_SECONDS)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, reuse_address=True).start()
        listeners = [asyncio.create_task(run()) for run in (self._timers.run, *(q.run for q in self._queues))]
        log.warning("ready on port %d with %d functions", port, len(self._invocations.functions))
        stopped = asyncio.create_task(stop.wait())
        try:
            # A listener only ends by a bug of this host; then the host must not look alive.
            done, _ = await asyncio.wait([stopped, *listeners], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopped}:
                task.result()
        finally:
            await self._stop(runner, listeners)

    async def _stop(self, runner: web.AppRunner, listeners: list[asyncio.Task[None]]) -> None:
        for site in list(runner.sites):
            await site.stop()
        for queue in self._queues:
            queue.close()
        for listener in listeners:
            listener.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)
        await asyncio.gather(*(queue.stop(GRACE_SECONDS) for queue in self._queues))
        await runner.shutdown()
        if not await self._invocations.finished(GRACE_SECONDS):
            log.warning("functions still run and are cut short")
        await runner.cleanup()
        for client in self._clients.values():
            await client.close()

    def _queue_triggers(self) -> list[QueueTrigger]:
        functions = [f for f in self._invocations.functions.values() if f.kind == QUEUE]
        return [
            QueueTrigger(
                function,
                resolve(str(function.trigger["queueName"]), self._settings),
                self._client(str(function.trigger["connection"])),
                self._service_bus,
                self._invocations,
                self._clock,
            )
            for function in functions
        ]

    def _client(self, connection: str) -> ServiceBusClient:
        """One client per connection setting. No retries of its own: the triggers try again for ever."""
        if connection not in self._clients:
            text = service_bus_connection(connection, self._settings)
            self._clients[connection] = ServiceBusClient.from_connection_string(text, retry_total=0)
        return self._clients[connection]


def _limited(options: ServiceBusOptions, settings: Mapping[str, str]) -> ServiceBusOptions:
    limit = settings.get(MAX_SESSIONS_SETTING)
    return replace(options, max_concurrent_sessions=int(limit)) if limit else options
