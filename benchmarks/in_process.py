"""Our passes in the process of the benchmark, without any host, beside the rig's parts: what is measured is
the pass alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks.rig import Bench
from shared.model.mailbox import Mailbox
from tests.wire.real_service import Running, Where, running
from tests.wire.road import Person

PASSES = 3
"""What was asked for, what it left over, and the echoes."""


@dataclass
class Ours:
    service: Running

    async def join(self, person: Person) -> None:
        box = Mailbox(id=person.mailbox, address=person.address, user_id=person.user)
        await self.service.services.registry.add(box)

    async def passes(self, person: Person) -> None:
        """The change feed is read as well, as it is after every change in Dynamics."""
        for _ in range(PASSES):
            await self.service.read_feed()
            await self.service.run_pass(person.mailbox)


@asynccontextmanager
async def ours(bench: Bench, prefix: str) -> AsyncIterator[Ours]:
    """``prefix``: of its tables' names."""
    endpoints = bench.road.endpoints
    organization = endpoints["dataverse"].removesuffix("/api/data/v9.2")
    async with running(
        Where(endpoints["graph"], organization, endpoints["table_storage"], prefix)
    ) as service:
        await service.read_feed()
        yield Ours(service)
