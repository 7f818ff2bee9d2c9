"""``python -m local``: the rig's command line."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from local.clock import read_offset, write_offset
from local.rig.directory import RigDirectory, RigError
from local.rig.endpoints import read_endpoints
from local.rig.functions_admin import run_timer
from local.rig.lifecycle import UpOptions, down, kill, start, up
from local.rig.parts import KILLABLE
from local.rig.record import running_record
from local.rig.settle import settle
from local.rig.telemetry import as_page, read_telemetry


def main() -> int:
    arguments = _parser().parse_args()
    directory = RigDirectory(arguments.directory) if arguments.directory else RigDirectory()
    try:
        return int(arguments.run(directory, arguments) or 0)
    except RigError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="The whole service on this machine.")
    parser.add_argument("--directory", type=Path, help="the rig's own directory (default: .local)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    for name, run, text in (
        ("up", _up, "start everything in the background"),
        ("run", _run, "start everything and stop it at Ctrl-C"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--empty", action="store_true", help="without the sample tenant")
        command.add_argument("--keep", action="store_true", help="on the data of the last time")
        command.add_argument("--env", action="append", default=[], type=_setting, metavar="NAME=VALUE")
        command.set_defaults(run=run)

    command = commands.add_parser("settle", help="wait until every change made so far is decided")
    command.add_argument("--timeout", type=float, default=120, metavar="S")
    command.set_defaults(run=_settle)

    command = commands.add_parser("run-timer", help="run one timer function now")
    command.add_argument("name")
    command.set_defaults(run=_run_timer)

    command = commands.add_parser("doctor", help="check everything that can be wrong with a deployment")
    command.add_argument("--json", action="store_true")
    command.set_defaults(run=_doctor)

    command = commands.add_parser("telemetry", help="the numbers and traces that the service wrote")
    command.add_argument("--json", action="store_true", help="the lines as they are, one JSON object each")
    command.set_defaults(run=_telemetry)

    command = commands.add_parser("advance", help="move the clock of all parts forward")
    command.add_argument("seconds", type=float)
    command.set_defaults(run=_advance)

    for name, run, text in (("kill", _kill, "SIGKILL one part"), ("start", _start, "start it again")):
        command = commands.add_parser(name, help=text)
        command.add_argument("part", choices=KILLABLE)
        command.set_defaults(run=run)

    commands.add_parser("down", help="stop everything").set_defaults(run=_down)
    return parser


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE")
    return name, value


def _up(directory: RigDirectory, arguments: argparse.Namespace) -> None:
    up(directory, UpOptions(arguments.empty, arguments.keep, dict(arguments.env)), print)


def _run(directory: RigDirectory, arguments: argparse.Namespace) -> None:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    _up(directory, arguments)
    for name, value in read_endpoints(directory).items():
        print(f"{name:18} {value}")
    print("running; Ctrl-C stops it")
    stopped.wait()
    down(directory, print)


def _settle(directory: RigDirectory, arguments: argparse.Namespace) -> int:
    running_record(directory)
    pending = asyncio.run(settle(directory, arguments.timeout, print))
    for line in pending:
        print(f"pending: {line}", file=sys.stderr)
    return 1 if pending else 0


def _run_timer(directory: RigDirectory, arguments: argparse.Namespace) -> None:
    asyncio.run(run_timer(read_endpoints(directory)["functions"], arguments.name))


def _doctor(directory: RigDirectory, arguments: argparse.Namespace) -> int:
    """With the app settings of this rig's functions host."""
    settings = running_record(directory).parts["functions"].environment
    more = ["--json"] if arguments.json else []
    command = [sys.executable, "-m", "shared.doctor", *more]
    return subprocess.run(command, env={**os.environ, **settings}, check=False).returncode


def _telemetry(directory: RigDirectory, arguments: argparse.Namespace) -> None:
    written = read_telemetry(directory.log("functions"))
    print("\n".join(json.dumps(row) for row in written) if arguments.json else as_page(written))


def _advance(directory: RigDirectory, arguments: argparse.Namespace) -> None:
    if arguments.seconds < 0:
        raise RigError("the clock only moves forward")
    with directory.locked():
        running_record(directory)
        write_offset(directory.clock, read_offset(directory.clock) + arguments.seconds)


def _kill(directory: RigDirectory, arguments: argparse.Namespace) -> None:
    kill(directory, arguments.part)


def _start(directory: RigDirectory, arguments: argparse.Namespace) -> None:
    start(directory, arguments.part, print)


def _down(directory: RigDirectory, arguments: argparse.Namespace) -> None:
    del arguments
    down(directory, print)


if __name__ == "__main__":
    sys.exit(main())
