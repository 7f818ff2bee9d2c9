"""One mailbox and its Dynamics, in step and empty: where most stories about the engine begin."""

from __future__ import annotations

import pytest

from tests.doubles.service import Service
from tests.doubles.world import MemoryMailbox


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def ada(service: Service) -> MemoryMailbox:
    box = service.person("ada", 1)
    await service.subscribe(box)
    await service.settle()
    return box
