"""The broker: queues from their definitions and the journal, a listening port, and the passing of time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

from local.clock import Clock
from local.service_bus.connection import Connection
from local.service_bus.control import start_control
from local.service_bus.definitions import QueueDefinition
from local.service_bus.entity import Entity
from local.service_bus.journal import Change, Journal
from local.service_bus.queue import Queue
from local.service_bus.store import Store

HOST = "127.0.0.1"
TICK_SECONDS = 0.05
JOURNAL_FILE = "service-bus.journal"


class Broker:
    """``async with Broker(definitions, clock) as broker:`` then use ``broker.connection_string``.

    Port 0 takes a free one; ``control_port`` None leaves the control interface out; without ``state``
    everything is in memory.
    """

    def __init__(
        self,
        definitions: Iterable[QueueDefinition],
        clock: Clock | None = None,
        *,
        port: int = 0,
        control_port: int | None = None,
        state: Path | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.port = port
        self.control_port = control_port
        self.container_id = "local-service-bus"
        self.journal = Journal(None if state is None else state / JOURNAL_FILE)
        self.connections: set[Connection] = set()
        self.entities = {one.name.lower(): self._entity(one) for one in definitions}
        self._leftovers: list[Change] = []
        self._stack = contextlib.AsyncExitStack()
        self._ticking: asyncio.Task[None] | None = None

    @property
    def connection_string(self) -> str:
        return (
            f"Endpoint=sb://{HOST}:{self.port};SharedAccessKeyName=local;SharedAccessKey=local;"
            "UseDevelopmentEmulator=true"
        )

    async def __aenter__(self) -> Broker:
        await self.start()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _fault: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        self._recover()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(self), HOST, self.port, reuse_address=True)
        self._stack.push_async_callback(_stop_listening, server)
        self.port = server.sockets[0].getsockname()[1]
        if self.control_port is not None:
            self.control_port = await start_control(self, HOST, self.control_port, self._stack)
        self._ticking = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
        for connection in list(self.connections):
            connection.close("amqp:connection:forced", "The broker is stopping.")
        await self._stack.aclose()
        self.journal.close()

    async def serve_until(self, stopping: asyncio.Event) -> None:
        """Serve until told to stop; a fault in the passing of time is the broker's end, not its secret."""
        assert self._ticking is not None
        waiting = asyncio.create_task(stopping.wait())
        await asyncio.wait({waiting, self._ticking}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()

    def tick(self) -> None:
        """Let the time pass now; the broker does so itself many times a second."""
        for entity in self.entities.values():
            entity.pass_time()

    async def _tick(self) -> None:
        while True:
            self.tick()
            self.journal.flush()
            await asyncio.sleep(TICK_SECONDS)

    # --- durability -----------------------------------------------------------------------------

    def _entity(self, definition: QueueDefinition) -> Entity:
        key = definition.name.lower()
        store = Store(lambda change: self.journal.append([key, *change]))
        return Entity(Queue(definition, store), self.clock)

    def _recover(self) -> None:
        """Read the journal, write it anew without its history, and free what was locked."""
        for key, *change in self.journal.replay():
            if key in self.entities:
                self.entities[key].queue.store.replay(change)
            else:
                self._leftovers.append([key, *change])  # its queue may be defined again next time
        self.journal.start(self._snapshot())
        now = self.clock.time()
        for entity in self.entities.values():
            entity.queue.recover(now)
        self.journal.flush()

    def _snapshot(self) -> Iterator[Change]:
        yield from self._leftovers
        for key, entity in self.entities.items():
            yield from ([key, *change] for change in entity.queue.store.snapshot())


async def _stop_listening(server: asyncio.Server) -> None:
    server.close()
    await server.wait_closed()
