"""``python -m local.service_bus``: the broker as one process of the rig."""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

from local.clock import Clock
from local.service_bus.broker import Broker
from local.service_bus.definitions import DEFAULT_FILE, load_definitions


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="local.service_bus", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="AMQP port on 127.0.0.1")
    parser.add_argument("--control-port", type=int, help="HTTP port of /_control")
    parser.add_argument("--state", type=Path, help="folder of the journal; without it, memory only")
    parser.add_argument("--clock", type=Path, help="file with the rig's clock offset in seconds")
    parser.add_argument("--queues", type=Path, default=DEFAULT_FILE, help="queue definitions")
    return parser.parse_args()


async def serve(options: argparse.Namespace) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    broker = Broker(
        load_definitions(options.queues),
        Clock(options.clock),
        port=options.port,
        control_port=options.control_port,
        state=options.state,
    )
    async with broker:
        print(f"service bus: {broker.connection_string}", flush=True)
        await broker.serve_until(stopping)


if __name__ == "__main__":
    asyncio.run(serve(arguments()))
