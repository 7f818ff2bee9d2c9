"""All measurements, in the order in which they do not disturb each other: first what is counted in simulated
time, on all cores, then what is timed on real parts, one after the other."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from benchmarks import beside, bounds, cost, fan_out, growth, idle, items, latency, throughput
from benchmarks.deeds import SIDES
from benchmarks.page import Table
from benchmarks.rig import running_bench
from tests.wire import series_costs

QUICK = 1_000
QUICK_REAL = 200


@dataclass(frozen=True)
class Counted:
    costs: list[items.Cost]
    idle: idle.Idle
    grown: list[growth.Grown]


@dataclass(frozen=True)
class Timed:
    throughput: throughput.Throughput
    plain: beside.Figures
    latency: latency.Latency
    fanned_out: list[fan_out.FannedOut]


def sections(*, quick: bool) -> list[Table]:
    counted = _counted([size for size in growth.SIZES if not quick or size <= QUICK])
    timed = _timed([size for size in fan_out.SIZES if not quick or size <= QUICK_REAL])
    return [*_measured(counted, timed), *_computed(counted, timed)]


def _counted(sizes: Sequence[int]) -> Counted:
    """The largest first, so that no core waits for it in the end."""
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as processes:
        grown = {size: processes.submit(growth.measure, size) for size in sorted(sizes, reverse=True)}
        day, costs = processes.submit(idle.measure), processes.submit(items.measure)
        found = Counted(costs.result(), day.result(), [grown[size].result() for size in sizes])
    _say("counted")
    return found


def _timed(sizes: Sequence[int]) -> Timed:
    with running_bench() as bench:
        carried = throughput.measure(bench)
        _say("CPU and throughput")
        plain = beside.measure(bench)
        _say("the plain sync")
    with running_bench() as bench:
        lag = latency.measure(bench)
        _say("latency")
    with running_bench() as bench:
        fanned_out = fan_out.measure(bench, sizes)
        _say("fan-out")
    return Timed(carried, plain, lag, fanned_out)


def _measured(counted: Counted, timed: Timed) -> list[Table]:
    p95 = max(timed.latency.at(side, 0.95) for side in SIDES)
    return [
        items.table(counted.costs),
        _series(),
        idle.table(counted.idle),
        *throughput.tables(timed.throughput),
        latency.table(timed.latency),
        growth.table(counted.grown),
        fan_out.table(timed.fanned_out),
        beside.table(timed.plain, counted.costs, counted.idle, p95),
    ]


def _computed(counted: Counted, timed: Timed) -> list[Table]:
    price = cost.prices()
    cpu = timed.fanned_out[-1].cpu
    mailbox = cost.mailbox_of(counted.idle, counted.costs, cpu, price["assumed"]["changes_per_day"])
    months = [cost.month(size, mailbox, counted.idle.shared, price) for size in cost.SIZES]
    return [cost.table(months, mailbox, price), bounds.table(timed.throughput, mailbox)]


def _series() -> Table:
    rows = [[name, *each] for name, each in series_costs.COSTS.items()]
    return Table(
        "Requests of a series",
        "A series of 52 with three exceptions, one reading of the change feed and one pass, envelopes of "
        "batches counted too; asserted by `tests/wire/test_request_counts_series.py`.",
        ["", "Graph", "Dataverse", "storage"],
        rows,
    )


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)
