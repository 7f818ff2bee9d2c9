"""The stand-in for Dataverse as an HTTP server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Self

from local.clock import Clock
from local.dataverse.call import PATH_PREFIX
from local.dataverse.limits import Limits
from local.dataverse.stand_in import LARGEST_BODY, DataverseStandIn
from local.dataverse.web_api import URL_LIMIT
from local.sockets import Listener, OverSockets

JOB_SECONDS = 0.25


class Dataverse:
    """``async with Dataverse() as dataverse``: listens on loopback, by default on a free port."""

    def __init__(
        self,
        clock: Clock | None = None,
        state: Path | None = None,
        port: int = 0,
        limits: Limits | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self._outgoing = OverSockets()
        self.stand_in = DataverseStandIn(self.clock, self._outgoing, state=state, limits=limits)
        # Long URLs are refused by the stand-in with the documented error, not by the HTTP parser.
        self._listener = Listener(
            self.stand_in, port, LARGEST_BODY, max_line_size=4 * URL_LIMIT, max_field_size=65_536
        )
        self._jobs: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        return self._listener.port

    @property
    def host(self) -> str:
        return self._listener.host

    @property
    def url(self) -> str:
        """The service root."""
        return f"{self.host}{PATH_PREFIX.rstrip('/')}"

    @property
    def control_url(self) -> str:
        return f"{self.host}/_control"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        self._outgoing.start()
        await self._listener.start()
        self._jobs = asyncio.create_task(self._work())

    async def stop(self) -> None:
        if self._jobs is not None:
            self._jobs.cancel()
            await asyncio.gather(self._jobs, return_exceptions=True)
        await self._listener.stop()
        await self.stand_in.close()
        await self._outgoing.stop()

    async def _work(self) -> None:
        """Jobs run when their time has come, also when nobody asks anything."""
        while True:
            await asyncio.sleep(JOB_SECONDS)
            self.stand_in.run_jobs()
