"""Servers for the wire tests: one Azurite for the whole run, one Service Bus broker for each test."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from local.rig import azurite as rig_azurite
from local.service_bus.broker import Broker
from local.service_bus.definitions import load_definitions
from shared.store.tables import Tables

STARTS_WITHIN = 30.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"Azurite did not open port {port} (exit code {process.poll()})")


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A connection string of a table server that lives as long as the tests."""
    port = free_port()
    command = rig_azurite.command(port, tmp_path_factory.mktemp("azurite"))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait_until_open(port, process)
        yield rig_azurite.connection_string(port)
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture
async def tables(azurite: str) -> AsyncIterator[Tables]:
    """Tables of this test alone, told apart by a prefix of their names."""
    async with Tables(azurite, prefix=f"t{uuid4().hex[:12]}") as connected:
        await connected.ensure()
        connected.requests = 0
        yield connected


@pytest.fixture
async def service_bus() -> AsyncIterator[Broker]:
    """A broker in this process, with the queues of ``infra/queues.json``."""
    async with Broker(load_definitions(), port=free_port()) as broker:
        yield broker
