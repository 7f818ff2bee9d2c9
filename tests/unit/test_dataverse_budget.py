"""The budget of an organization: who waits for whom, for how long, and who is told to come back later."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dynamics.dataverse.budget import SHORT_WAIT, Allowance, Budget
from shared.dynamics.dataverse.in_flight import InFlight
from shared.dynamics.dataverse.line import LONGEST
from shared.errors import OutOfBudget, Throttled
from shared.lane import Lane, working_in
from tests.simulation.workers import outside

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LONG = 10.0


@dataclass
class Time:
    """Moves when somebody waits."""

    moment: datetime = NOW
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.moment += timedelta(seconds=seconds)

    def budget(self, **allowed: Any) -> Budget:
        return Budget(self.now, self.sleep, Allowance(**{"to_end": 0.0, **allowed}))


async def ask(budget: Budget, times: int = 1, lane: Lane = Lane.SYNC) -> None:
    with working_in(lane):
        for _ in range(times):
            async with budget.request():
                pass


# --- the window -----------------------------------------------------------------------------------


async def test_when_all_requests_are_used_up_the_next_comes_back_when_the_first_is_forgotten() -> None:
    time = Time()
    budget = time.budget(requests=3, window=300)
    await ask(budget, 3)
    time.moment += timedelta(seconds=100)
    with pytest.raises(Throttled) as throttled:
        await ask(budget)
    assert (throttled.value.retry_after, time.slept) == (200, [])
    time.moment += timedelta(seconds=196)
    await ask(budget)
    assert time.slept == [4.0]


async def test_the_time_that_requests_took_is_used_up_too() -> None:
    time = Time()
    budget = time.budget(seconds=0.05, window=300)
    async with budget.request():
        await asyncio.sleep(0.06)
    with pytest.raises(Throttled) as throttled:
        await ask(budget)
    assert throttled.value.retry_after == pytest.approx(300, abs=1)


async def test_first_syncs_leave_a_part_to_everybody_else() -> None:
    time = Time()
    budget = time.budget(requests=100, bulk=0.7)
    for _ in range(9):
        await ask(budget, 7, Lane.BULK)
        time.moment += timedelta(seconds=30)
    await ask(budget, 7)
    with pytest.raises(Throttled):
        await ask(budget, 1, Lane.BULK)
    await ask(budget, 30)
    with pytest.raises(Throttled):
        await ask(budget)


async def test_first_syncs_use_their_part_evenly_so_that_none_waits_for_minutes() -> None:
    time = Time()
    budget = time.budget(requests=100, bulk=0.7)
    await ask(budget, 7, Lane.BULK)
    with pytest.raises(Throttled) as throttled:
        await ask(budget, 1, Lane.BULK)
    assert throttled.value.retry_after == 30
    await ask(budget, 50)


# --- passes ---------------------------------------------------------------------------------------


async def begin(budget: Budget, requests: int, lane: Lane = Lane.SYNC) -> None:
    with working_in(lane):
        await budget.admit()
    await ask(budget, requests, lane)


async def turn(budget: Budget, lane: Lane = Lane.SYNC) -> float:
    with working_in(lane), pytest.raises(OutOfBudget) as sent_away:
        await budget.admit()
    return sent_away.value.retry_after


@pytest.mark.parametrize("lane", Lane)
async def test_a_pass_that_has_begun_may_go_on_where_none_may_begin(lane: Lane) -> None:
    budget = Time().budget(requests=100, bulk=0.7, to_end=0.1)
    await begin(budget, 100 if lane is Lane.SYNC else 7, lane)
    await turn(budget, lane)
    await ask(budget, 10, lane)
    with pytest.raises(OutOfBudget):
        await ask(budget, 1, lane)


async def test_who_is_sent_away_comes_back_one_after_the_other_as_fast_as_passes_go() -> None:
    time = Time()
    budget = time.budget(requests=100, window=300)
    for _ in range(10):
        await begin(budget, 10)
    turns = [await turn(budget) for _ in range(5)]
    assert turns[0] == 300
    between = {round(later - sooner, 6) for sooner, later in pairwise(turns)}
    assert between == {22.5}, "three quarters of the 30 seconds that ten of a hundred requests take of 300"


async def test_nobody_is_sent_away_for_longer_than_that_however_many_there_are() -> None:
    budget = Time().budget(requests=100, window=300)
    for _ in range(10):
        await begin(budget, 10)
    turns = [await turn(budget) for _ in range(100)]
    assert turns == sorted(turns)
    assert max(turns) == LONGEST


async def test_where_the_service_holds_everybody_longer_than_that_nobody_comes_before() -> None:
    budget = Time().budget()
    budget.hold(2 * LONGEST)
    assert [await turn(budget) for _ in range(3)] == [2 * LONGEST] * 3


async def test_a_turn_that_is_near_is_waited_for() -> None:
    time = Time()
    budget = time.budget(requests=100, window=300)
    await begin(budget, 100)
    time.moment += timedelta(seconds=297)
    await begin(budget, 1)
    assert time.slept == [3.0]


async def test_first_syncs_stand_in_a_line_of_their_own() -> None:
    budget = Time().budget(requests=100, bulk=0.7)
    await begin(budget, 7, Lane.BULK)
    assert [await turn(budget, Lane.BULK) for _ in range(3)] == [30, 52.5, 75]
    await begin(budget, 1)


@given(
    st.integers(1, 60),
    st.integers(1, 30),
    st.integers(1, 400),
)
async def test_a_crowd_is_through_about_as_fast_as_the_budget_allows_and_asks_a_few_times_each(
    crowd: int, cost: int, requests: int
) -> None:
    """Each comes at once, and again at its turn, until it was let in."""
    time = Time()
    budget = time.budget(requests=requests, window=300, to_end=0.1)
    coming = [(NOW, number) for number in range(crowd)]
    tries = 0
    while coming:
        moment, who = heappop(coming)
        time.moment = max(moment, time.moment)
        tries += 1
        try:
            await budget.admit()
        except OutOfBudget as error:
            heappush(coming, (time.moment + timedelta(seconds=error.retry_after), who))
            continue
        for _ in range(cost):
            with suppress(OutOfBudget):
                await ask(budget)
    least = crowd * cost / requests * 300
    assert (time.moment - NOW).total_seconds() <= 2 * least + 2 * LONGEST
    assert tries <= crowd * (3 + least / LONGEST)


# --- what the service says ------------------------------------------------------------------------


async def test_a_refusal_holds_everybody_briefly_or_until_it_is_over() -> None:
    time = Time()
    budget = time.budget()
    budget.hold(3)
    await ask(budget, 2)
    assert time.slept == [3.0]
    budget.hold(60)
    budget.hold(1)
    for lane in Lane:
        with pytest.raises(Throttled) as throttled:
            await ask(budget, lane=lane)
        assert throttled.value.retry_after == 60
    assert time.slept == [3.0]


async def test_who_waits_for_a_place_when_everybody_is_held_is_held_as_well() -> None:
    time = Time()
    budget = time.budget(at_once=1)
    async with budget.request():
        waiting = asyncio.create_task(ask(budget))
        await asyncio.sleep(0)
        budget.hold(60)
    with pytest.raises(Throttled):
        await waiting
    time.moment += timedelta(seconds=60)
    await ask(budget)


async def test_the_service_advises_how_many_at_once_within_reason() -> None:
    budget = Time().budget()
    assert budget.places == 8
    for hint, places in (("20", 20), ("4", 4), ("400", 40), ("0", 1), (None, 1), ("many", 1), ("12", 12)):
        budget.advise(hint)
        assert budget.places == places


async def test_too_many_at_once_means_half_as_many_for_a_while_whatever_is_advised() -> None:
    time = Time()
    budget = time.budget()
    budget.advise("20")
    budget.crowded()
    budget.advise("20")
    assert budget.places == 10
    time.moment += timedelta(seconds=300)
    budget.advise("20")
    assert budget.places == 20


# --- places ---------------------------------------------------------------------------------------


async def entered(places: InFlight, lane: Lane, order: list[str], name: str) -> None:
    await places.enter(lane, LONG)
    order.append(name)


async def waiting(places: InFlight, order: list[str], *names: str) -> list[asyncio.Task[None]]:
    """Names that begin with ``b`` are first syncs'."""
    tasks = []
    for name in names:
        lane = Lane.BULK if name.startswith("b") else Lane.SYNC
        tasks.append(asyncio.create_task(entered(places, lane, order, name)))
        await asyncio.sleep(0)
    return tasks


async def test_first_syncs_have_half_of_the_places_and_none_while_others_wait() -> None:
    places, order = InFlight(4), list[str]()
    tasks = await waiting(places, order, "b1", "b2", "b3", "s1", "s2", "s3", "s4")
    assert order == ["b1", "b2", "s1", "s2"]
    places.leave(Lane.BULK)
    await asyncio.sleep(0)
    assert order[4:] == ["s3"]
    places.leave(Lane.SYNC)
    await asyncio.sleep(0)
    assert order[5:] == ["s4"]
    places.leave(Lane.SYNC)
    await asyncio.sleep(0)
    assert order[6:] == ["b3"]
    await asyncio.gather(*tasks)


async def test_one_place_is_always_a_first_syncs_so_that_it_ends() -> None:
    places, order = InFlight(2), list[str]()
    tasks = await waiting(places, order, "s1", "s2", "s3", "b1", "s4")
    places.leave(Lane.SYNC)
    await asyncio.sleep(0)
    assert order == ["s1", "s2", "b1"]
    places.leave(Lane.SYNC)
    await asyncio.sleep(0)
    assert order[3:] == ["s3"]
    places.leave(Lane.BULK)
    await asyncio.gather(*tasks)


async def test_who_gives_up_takes_no_place_with_it() -> None:
    places = InFlight(1)
    await places.enter(Lane.SYNC, LONG)
    with pytest.raises(TimeoutError):
        await places.enter(Lane.SYNC, 0.01)
    order: list[str] = []
    (task,) = await waiting(places, order, "s1")
    places.leave(Lane.SYNC)
    task.cancel()  # its turn has come, and it is gone
    await asyncio.gather(task, return_exceptions=True)
    assert places.running == 0
    await places.enter(Lane.SYNC, 0.01)


async def test_more_places_are_taken_at_once_and_fewer_when_somebody_leaves() -> None:
    places, order = InFlight(1), list[str]()
    tasks = await waiting(places, order, "s1", "s2", "s3")
    places.resize(3)
    await asyncio.gather(*tasks)
    places.resize(1)
    (last,) = await waiting(places, order, "s4")
    for _ in range(2):
        places.leave(Lane.SYNC)
        await asyncio.sleep(0)
    assert not last.done()
    places.leave(Lane.SYNC)
    await last


async def test_whoever_waits_too_long_for_a_place_comes_back_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.dynamics.dataverse.budget.PATIENCE", 0.01)
    budget = Time().budget(at_once=1)
    async with budget.request():
        task = asyncio.get_running_loop().create_task(ask(budget), context=outside())
        with pytest.raises(Throttled) as throttled:
            await task
    assert throttled.value.retry_after == SHORT_WAIT
    await ask(budget)
