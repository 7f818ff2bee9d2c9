"""All measurements, in the order in which they do not disturb each other: first what is counted in simulated
time, on all cores, then what is timed on real parts, one after the other."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks import beside, bounds, cost, fan_out, growth, idle, items, latency, throughput
from benchmarks.deeds import SIDES
from benchmarks.kept import Kept
from benchmarks.page import Table
from benchmarks.rig import Bench, running_bench
from tests.wire import series_costs

QUICK = 1_000
QUICK_REAL = 100


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


def sections(kept: Kept, *, quick: bool) -> list[Table]:
    counted = _counted(kept, [size for size in growth.SIZES if not quick or size <= QUICK])
    timed = _timed(kept, [size for size in fan_out.SIZES if not quick or size <= QUICK_REAL])
    return [*_measured(counted, timed), *_computed(counted, timed)]


def _counted(kept: Kept, sizes: Sequence[int]) -> Counted:
    """The largest first, so that no core waits for it in the end."""
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as processes:
        measures: dict[str, Callable[[], Any]] = {
            f"growth of {size}": partial(growth.measure, size) for size in sorted(sizes, reverse=True)
        }
        measures |= {"idle day": idle.measure, "items": items.measure}
        futures = {name: processes.submit(kept, name, measure) for name, measure in measures.items()}
        found = {name: future.result() for name, future in futures.items()}
    return Counted(found["items"], found["idle day"], [found[f"growth of {size}"] for size in sizes])


def _timed(kept: Kept, sizes: Sequence[int]) -> Timed:
    """Each on a rig of its own."""
    return Timed(
        kept("throughput", partial(_on_a_rig, throughput.measure)),
        kept("beside", partial(_on_a_rig, beside.measure)),
        kept("latency", partial(_on_a_rig, latency.measure)),
        kept(f"fan-out to {max(sizes)}", partial(_on_a_rig, partial(fan_out.measure, sizes=sizes))),
    )


def _on_a_rig(measure: Callable[[Bench], Any]) -> Any:
    with running_bench() as bench:
        return measure(bench)


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
