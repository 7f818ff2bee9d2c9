"""Whatever is asked when: no window holds more than is allowed, nobody waits without a reason, and first
syncs never keep others from their places."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from shared.dynamics.dataverse.budget import Allowance, Spending
from shared.dynamics.dataverse.in_flight import InFlight
from shared.lane import Lane

GAPS = st.lists(st.tuples(st.floats(0, 40), st.floats(0, 30), st.booleans()), min_size=1, max_size=60)
TINY = 1e-6


@given(GAPS, st.integers(1, 12), st.floats(5, 60))
def test_no_window_holds_more_than_is_allowed_and_waiting_once_is_enough(
    asked: list[tuple[float, float, bool]], requests: int, seconds: float
) -> None:
    allowance = Allowance(requests=requests, seconds=seconds, window=100, bulk=0.5)
    spending, now = Spending(allowance), 0.0
    sent: list[tuple[float, float, bool]] = []
    for gap, took, bulk in asked:
        now += gap
        part = allowance.bulk if bulk else 1.0
        now += spending.wait(now, part) + TINY
        assert spending.wait(now, part) <= TINY
        before = [each for each in sent if each[0] > now - allowance.window]
        assert len(before) < max(1, int(requests * part)) or not before
        assert sum(each[1] for each in before) <= seconds * part + TINY or not before
        spending.sent(now)
        spending.took(now, took)
        sent.append((now, took, bulk))


@given(
    st.lists(st.sampled_from(["sync", "bulk", "leave sync", "leave bulk", "more", "fewer"]), max_size=80),
    st.integers(1, 8),
)
def test_places_are_kept_and_turns_are_fair(deeds: list[str], size: int) -> None:
    async def main() -> None:
        places = InFlight(size)
        tasks: dict[Lane, list[asyncio.Task[None]]] = {lane: [] for lane in Lane}
        left = dict.fromkeys(Lane, 0)
        for deed in deeds:
            lane = Lane.BULK if deed.endswith("bulk") else Lane.SYNC
            grown = places.running
            if deed in ("sync", "bulk"):
                tasks[lane].append(asyncio.create_task(places.enter(lane, 60)))
            elif deed == "more":
                places.resize(places.places + 1)
            elif deed == "fewer":
                places.resize(max(1, places.places - 1))
            elif places.running_in(lane):
                places.leave(lane)
                left[lane] += 1
            for _ in range(3):
                await asyncio.sleep(0)
            inside = {each: sum(t.done() for t in tasks[each]) - left[each] for each in Lane}
            assert inside == {each: places.running_in(each) for each in Lane}
            assert places.running <= max(places.places, grown)
            waits = {each: any(not t.done() for t in tasks[each]) for each in Lane}
            full = places.running >= places.places
            assert full or not waits[Lane.SYNC], "work waits although there is a place"
            assert full or not waits[Lane.BULK] or inside[Lane.BULK] >= max(1, places.places // 2)
            first_in_line = [t.done() for t in tasks[Lane.SYNC]]
            assert first_in_line == sorted(first_in_line, reverse=True), "in the order in which it came"
        for every in tasks.values():
            for task in every:
                task.cancel()
        await asyncio.gather(*(t for every in tasks.values() for t in every), return_exceptions=True)

    asyncio.run(main())
