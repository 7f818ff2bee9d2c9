"""``python -m benchmarks.profiled``: where the CPU of a pass goes, function by function, for a first sync and
for changes. The pass runs in this process; everything that it talks to is the rig's."""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import time
from collections.abc import Sequence

from benchmarks.in_process import Ours, ours
from benchmarks.rig import Bench, running_bench
from tests.wire.road import Person

EVENTS = 200
SHOWN = 35


def main() -> None:
    with running_bench() as bench:
        (person,) = bench.people(1, "profiled")
        asyncio.run(_profile(bench, person, bench.add_events(person, EVENTS)))


async def _profile(bench: Bench, person: Person, ids: Sequence[str]) -> None:
    async with ours(bench, "profiled") as service:
        await service.join(person)
        await _shown("first sync", service, person)
        bench.edit_events(person, ids, "changed")
        await _shown("changed events", service, person)


async def _shown(title: str, service: Ours, person: Person) -> None:
    profile, cpu = cProfile.Profile(), time.process_time()
    profile.enable()
    await service.passes(person)
    profile.disable()
    milliseconds = 1000 * (time.process_time() - cpu) / EVENTS
    print(f"\n=== {title}: {milliseconds:.1f} ms of CPU for an event, the profiler's own included")
    for order in ("tottime", "cumtime"):
        pstats.Stats(profile).strip_dirs().sort_stats(order).print_stats(SHOWN)


if __name__ == "__main__":
    main()
