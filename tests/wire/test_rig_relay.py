"""The relay in front of the table storage: carries bytes, and cuts everything when it is killed."""

import asyncio
import socket
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from local.rig.ports import free_ports
from local.rig.relay import Relay


@asynccontextmanager
async def echo_server() -> AsyncIterator[int]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data.upper())
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def relay(port: int, target: int) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "local.rig.relay", "--port", str(port), "--target", str(target)
    )
    try:
        await connect(port)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(10):
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)


async def test_bytes_go_both_ways_and_the_end_is_passed_on() -> None:
    [port] = free_ports(1)
    async with echo_server() as target, relay(port, target):
        reader, writer = await connect(port)
        sent = b"abc" * 100_000
        writer.write(sent)
        writer.write_eof()
        assert await reader.read(-1) == sent.upper()
        writer.close()


async def test_a_kill_cuts_open_connections_refuses_new_ones_and_a_start_serves_again() -> None:
    [port] = free_ports(1)
    async with echo_server() as target:
        async with relay(port, target) as process:
            reader, writer = await connect(port)
            writer.write(b"one")
            assert await reader.read(3) == b"ONE"
            process.kill()
            await process.wait()
            assert await _rest(reader) == b""
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
        async with relay(port, target):
            reader, writer = await connect(port)
            writer.write(b"two")
            assert await reader.read(3) == b"TWO"


async def test_no_target_is_a_cut_connection_not_a_hanging_one() -> None:
    port, nobody = free_ports(2)
    async with relay(port, nobody):
        reader, _ = await connect(port)
        assert await _rest(reader) == b""


async def _rest(reader: asyncio.StreamReader) -> bytes:
    """What still comes; a reset connection has nothing more to say either."""
    try:
        async with asyncio.timeout(5):
            return await reader.read(-1)
    except ConnectionResetError:
        return b""


async def test_who_dies_unnoticed_before_the_other_side_ends_is_no_error_of_the_relay() -> None:
    """The relay does not read from a side while the other takes nothing, so it does not notice the death."""
    [port] = free_ports(1)
    failures: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    dead, stop = asyncio.Event(), asyncio.Event()

    async def takes_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await dead.wait()
        writer.write_eof()

    async with await asyncio.start_server(takes_nothing, "127.0.0.1", 0) as server:
        serving = asyncio.create_task(Relay(server.sockets[0].getsockname()[1]).serve(port, stop))
        _, writer = await connect(port)
        writer.write(b"x" * 20_000_000)
        await asyncio.sleep(0.3)
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        writer.transport.abort()
        await asyncio.sleep(0.1)
        dead.set()
        await asyncio.sleep(0.1)
        stop.set()
        await serving
    assert failures == []
