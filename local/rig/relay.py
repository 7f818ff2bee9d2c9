"""``python -m local.rig.relay --port P --target T``: the table storage's door, which the rig can slam.

Azurite writes to disk only every few seconds, so it is not killed itself. Killing this relay cuts all
connections to it and refuses new ones, which is all that the service can see of an outage.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from contextlib import suppress

CHUNK = 64 * 1024


class Relay:
    """Carries bytes between each connection and one of its own to the target."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self, port: int, stop: asyncio.Event) -> None:
        server = await asyncio.start_server(self._carry, "127.0.0.1", port)
        async with server:
            await stop.wait()
            for writer in list(self._open):
                writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, target_writer}
        self._open |= pair
        try:
            await asyncio.gather(_pump(reader, target_writer), _pump(target_reader, writer))
        finally:
            self._open -= pair
            for each in pair:
                each.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side has said all; then the other is told so, if it is still there."""
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


async def _main(port: int, target: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await Relay(target).serve(port, stop)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m local.rig.relay")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--target", type=int, required=True)
    arguments = parser.parse_args()
    asyncio.run(_main(arguments.port, arguments.target))
