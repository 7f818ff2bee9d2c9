"""``python -m tests.simulation.hunt``: worlds with fresh seeds, one process a core, for as long as one lets
it. A promise that is broken is told with its story, made short, and can be told again (``--plan``).

``--minutes 5``, ``--worlds 20``, ``--first 1000`` (the first seed), ``--log docs/hunt.log``, ``--jobs 2``;
``--go-on``: in that log, with the worlds that broke a promise first. More: ``--help``."""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import replace
from itertools import chain, count, islice
from pathlib import Path

from tests.simulation.log import Log, Told, told_in
from tests.simulation.plan import Plan, of_the_hunt, read_plan
from tests.simulation.run import Outcome, hunt
from tests.simulation.shrink import shrunk

SHRINK_SECONDS = 600.0


def show(outcome: Outcome, *, whole: bool = False) -> None:
    """What was broken, and the story of each item that shows it."""
    print(f"seed {outcome.plan.seed}: {len(outcome.broken)} broken; sha256:{outcome.digest[:16]}")
    print(f"  plan: {outcome.plan}")
    for each in outcome.broken:
        print(f"  {each}")
        mark = each.item.mark if each.item else ""
        for line in outcome.story if mark and not whole else ():
            if f" {mark} " in line:
                print(f"      {line}")
    if whole:
        print("\n".join(outcome.story))


def replayed(plan: Plan, *, whole: bool, trace: bool, shrink: float) -> int:
    """One world, in this process."""
    outcome = hunt(plan, print if trace else None)
    show(outcome, whole=whole or trace)
    print(f"  {outcome.numbers}")
    if outcome.broken and shrink:
        print("made short:")
        show(shrunk(outcome, shrink), whole=True)
    return int(bool(outcome.broken))


def hunted(args: argparse.Namespace) -> int:
    """Fresh seeds until the time is over or somebody stops it; the first broken promises are made short."""
    log = Log(args.log, args.told)
    log.begin()
    failed: list[Outcome] = []
    until = time.monotonic() + args.minutes * 60 if args.minutes else float("inf")
    try:
        for outcome in _outcomes(_plans(args, until), args.jobs):
            log.world(outcome)
            if outcome.broken:
                show(outcome)
                failed.append(outcome)
            if len(failed) >= args.stop_after:
                break
    except KeyboardInterrupt:
        print("stopped")
    log.end()
    for outcome in failed[: 1 if args.shrink else 0]:
        print("made short:")
        show(shrunk(outcome, args.shrink), whole=True)
    return int(bool(failed))


def _outcomes(plans: Iterator[Plan], jobs: int) -> Iterator[Outcome]:
    """One world a process at a time; each begins when another has ended."""
    if jobs == 1:
        yield from map(hunt, plans)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _begin_worker, max_tasks_per_child=20) as workers:
        try:
            running = {workers.submit(hunt, plan) for plan in islice(plans, jobs)}
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {workers.submit(hunt, plan) for plan in islice(plans, len(done))}
                yield from (each.result() for each in done)
        finally:
            workers.shutdown(wait=False, cancel_futures=True)


def _begin_worker() -> None:
    """Whoever stops the hunt means the process that writes the log. A world leaves few cycles behind: looking
    for them less often saves a seventh of the time."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(100_000, 50, 100)


def _plans(args: argparse.Namespace, until: float) -> Iterator[Plan]:
    first = max(args.told.worlds, default=args.first - 1) + 1
    plans = (_sized(args, of_the_hunt(seed)) for seed in chain(args.told.broken, count(first)))
    wanted = (plan for plan in plans if args.polled in (None, plan.polled))
    for plan in islice(wanted, args.worlds or None):
        if time.monotonic() >= until:
            return
        yield plan


def _sized(args: argparse.Namespace, plan: Plan) -> Plan:
    sizes = {name: getattr(args, name) for name in ("mailboxes", "days", "deeds", "hours")}
    chosen = {name: value for name, value in sizes.items() if value is not None}
    return replace(plan, trouble=not args.no_trouble, **chosen)


def plan_of(args: argparse.Namespace) -> Plan | None:
    """The one world that was asked for."""
    if args.plan:
        return args.plan
    if args.seed is None:
        return None
    return _sized(args, of_the_hunt(args.seed))


def _given(plan: str) -> Plan:
    try:
        return read_plan(json.loads(Path(plan).read_text() if plan.endswith(".json") else plan))
    except (OSError, ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError(f"no plan: {error}") from None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=0, help="how long; otherwise until Ctrl-C")
    parser.add_argument("--worlds", type=int, default=0, help="how many at most")
    parser.add_argument("--first", type=int, default=int(time.time()), help="the first seed; fresh otherwise")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--go-on", action="store_true", help="in that log, which the same service has made")
    parser.add_argument("--stop-after", type=int, default=5, help="failing worlds")
    parser.add_argument("--shrink", type=float, default=SHRINK_SECONDS, help="seconds; 0: not at all")
    parser.add_argument("--seed", type=int, help="this world only, in this process")
    parser.add_argument("--plan", type=_given, help="this world only: a plan as JSON, or a .json file")
    parser.add_argument("--mailboxes", type=int)
    parser.add_argument("--days", type=int)
    parser.add_argument("--deeds", type=int)
    parser.add_argument("--hours", type=float, help="of each day")
    parser.add_argument("--polled", choices=("seldom", "often"), help="only worlds whose mailboxes are")
    parser.add_argument("--no-trouble", action="store_true")
    parser.add_argument("--story", action="store_true", help="everything that people did")
    parser.add_argument("--trace", action="store_true", help="and every request")
    args = parser.parse_args()
    args.told = _told(parser, args.log) if args.go_on else Told()
    return args


def _told(parser: argparse.ArgumentParser, log: Path | None) -> Told:
    if log is None:
        parser.error("--go-on: in which log? (--log docs/hunt.log)")
    try:
        return told_in(log.read_text())
    except FileNotFoundError:
        parser.error(f"--go-on: there is no log {log} yet: begin it without --go-on")
    except (OSError, ValueError) as error:
        parser.error(f"--go-on: {error}")


def main() -> int:
    args = _arguments()
    plan = plan_of(args)
    if plan is None:
        return hunted(args)
    return replayed(plan, whole=args.story, trace=args.trace, shrink=args.shrink)


if __name__ == "__main__":
    sys.exit(main())
