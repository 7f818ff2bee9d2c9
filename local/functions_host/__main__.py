"""``python -m local.functions_host --port P --app DIR [--clock FILE]``: app settings are its environment."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from local.clock import Clock
from local.functions_host.errors import AppError
from local.functions_host.host import Host


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.functions_host", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--app", type=Path, required=True, help="the folder of function_app.py and host.json")
    parser.add_argument("--clock", type=Path, help="the file with the rig's clock offset")
    arguments = parser.parse_args()
    _set_up_logging()
    try:
        asyncio.run(_run(arguments.port, arguments.app.resolve(), Clock(arguments.clock)))
    except AppError as error:
        print(f"the app cannot start: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(port: int, app: Path, clock: Clock) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    host = await Host.load(app, clock, os.environ)
    await host.serve(port, stop)


def _set_up_logging() -> None:
    """The app's own lines from INFO on; the SDKs only when something is wrong."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for name in ("azure", "uamqp", "httpx", "httpcore", "msal", "asyncio", "hpack"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # The SDK reports every connection it loses as an error; the triggers say it once, in one line.
    logging.getLogger("azure.servicebus").setLevel(logging.CRITICAL)


if __name__ == "__main__":
    sys.exit(main())
