"""``python -m local.dataverse --port P [--state DIR] [--clock FILE]``: the stand-in as a process."""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

from local.clock import Clock
from local.dataverse.server import Dataverse


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.dataverse", description="Stand-in for Dataverse")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, help="directory of the journal; without it nothing is kept")
    parser.add_argument("--clock", type=Path, help="file with the rig's clock offset in seconds")
    return parser.parse_args()


async def _main(arguments: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with Dataverse(Clock(arguments.clock), arguments.state, arguments.port):
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(_main(_arguments()))
