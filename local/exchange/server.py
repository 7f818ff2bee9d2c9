"""The stand-in for Exchange Online as an HTTP server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from types import TracebackType

from local.clock import Clock
from local.exchange.stand_in import LARGEST_BODY, LATENCY_SECONDS, ExchangeStandIn
from local.sockets import Listener, OverSockets


class ExchangeOnline:
    """``async with ExchangeOnline() as exchange: exchange.url``, on loopback, on a free port by default."""

    def __init__(
        self,
        clock: Clock | None = None,
        journal: Path | None = None,
        port: int = 0,
        random: Random | None = None,
        latency: float = LATENCY_SECONDS,
    ) -> None:
        self.clock = clock or Clock()
        self._outgoing = OverSockets()
        self.stand_in = ExchangeStandIn(
            self.clock, self._outgoing, journal=journal, random=random, latency=latency
        )
        self._listener = Listener(self.stand_in, port, LARGEST_BODY)

    @property
    def host(self) -> str:
        return self._listener.host

    @property
    def url(self) -> str:
        """Where Graph is."""
        return f"{self.host}/v1.0"

    @property
    def control_url(self) -> str:
        return f"{self.host}/_control"

    async def __aenter__(self) -> ExchangeOnline:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        self._outgoing.start()
        await self._listener.start()
        self.stand_in.notifier.start()

    async def stop(self) -> None:
        await self.stand_in.notifier.stop()
        await self._listener.stop()
        await self._outgoing.stop()
        self.stand_in.close()


async def serve(port: int, state: Path | None, clock_file: Path | None, stopped: asyncio.Event) -> None:
    """Run until told to stop."""
    journal = state / "exchange.journal" if state else None
    async with ExchangeOnline(Clock(clock_file), journal, port):
        await stopped.wait()
