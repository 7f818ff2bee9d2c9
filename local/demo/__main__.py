"""``python -m local.demo``: the whole road once, with a report; ``--stay`` keeps it up for people to try."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from local.demo import report
from local.demo.admin import AdminRefused
from local.demo.show import DemoFailed, Phases, shown
from local.rig.directory import ROOT, RigDirectory, RigError
from local.rig.endpoints import read_endpoints
from local.rig.lifecycle import UpOptions, down, up
from local.rig.record import Record
from local.tenant.services import RequestRefused


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    parser.add_argument("--stay", action="store_true", help="load and subscribe only, and stay until Ctrl-C")
    stay = parser.parse_args().stay
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # SIGINT too: a shell may have it ignored in the background
        signal.signal(number, _interrupted)
    try:
        return _stay() if stay else _demo()
    except KeyboardInterrupt:
        _say("\ninterrupted")
        return 130


def _demo() -> int:
    """In a directory of its own, so that a rig that is up in this checkout is left alone."""
    directory, phases = RigDirectory(ROOT / ".local" / "demo"), Phases()
    with _alone(directory):
        down(directory, _quiet)  # what a killed demonstration may have left
        if not _succeeds(directory, lambda: _play(directory, phases)):
            return 1
    _say(report.section("Time", report.times(phases.seconds)))
    _say("\nEverything arrived. 'make run' keeps it up; 'docs/rules.md' tells what each rule says.")
    return 0


@contextmanager
def _alone(directory: RigDirectory) -> Iterator[None]:
    """One demonstration at a time in a checkout; a second one waits for the first."""
    directory.path.mkdir(parents=True, exist_ok=True)
    with (directory.path / "demonstration").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another demonstration runs in this checkout: waiting for its end")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _play(directory: RigDirectory, phases: Phases) -> None:
    with _rig(directory, phases):
        asyncio.run(_run(directory, phases))


def _stay() -> int:
    """In the checkout's own directory, where the rig's other commands find it."""
    directory = RigDirectory()
    record = Record.read(directory)
    if record and record.running():
        raise SystemExit("a rig is up in this checkout already: stop it with 'python -m local down'")
    return 0 if _succeeds(directory, lambda: _hold(directory)) else 1


def _hold(directory: RigDirectory) -> None:
    with _rig(directory, Phases()):
        asyncio.run(_open(directory))
        _say("")
        for name, value in read_endpoints(directory).items():
            if not isinstance(value, dict):
                _say(f"  {name:18} {value}")
        _say("\nrunning; Ctrl-C stops it")
        try:
            signal.pause()
        except KeyboardInterrupt:
            _say("")


async def _run(directory: RigDirectory, phases: Phases) -> None:
    async with shown(directory, _say, phases) as show:
        await show.run()


async def _open(directory: RigDirectory) -> None:
    async with shown(directory, _say, Phases()) as show:
        await show.open()


@contextmanager
def _rig(directory: RigDirectory, phases: Phases) -> Iterator[None]:
    """The rig, up for as long as this lasts, whatever happens in between."""
    try:
        with phases.timed("rig up"):
            up(directory, UpOptions(empty=True), _say)
        yield
    finally:
        with phases.timed("rig down"):
            down(directory, _say)


def _succeeds(directory: RigDirectory, play: Callable[[], None]) -> bool:
    """Failures of any kind end in one way: what happened, and where to look."""
    try:
        play()
    except (AdminRefused, DemoFailed, RequestRefused, RigError) as failure:
        _say(f"\nfailed: {failure}")
    except Exception:  # noqa: BLE001 - whatever it was, the reader wants to know where the logs are
        _say(f"\nfailed:\n{traceback.format_exc()}")
    else:
        return True
    _say(f"the logs are in {directory.log('functions').parent}")
    return False


def _interrupted(number: int, frame: object) -> None:
    del number, frame
    raise KeyboardInterrupt


def _say(text: str) -> None:
    print(text, flush=True)


def _quiet(text: str) -> None:
    del text


if __name__ == "__main__":
    sys.exit(main())
