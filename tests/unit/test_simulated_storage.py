"""The storage of the simulation on a bad day: what a store's caller sees, and what was done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from local.clock import SimulatedClock
from shared.engine.ports import SubscriptionRow
from shared.errors import Conflict, Transient
from shared.store.subscriptions import TableSubscriptionStore
from shared.store.tables import Table
from tests.doubles.stores import connected
from tests.doubles.table_service import TableService, at_once
from tests.simulation import loop, storage
from tests.simulation.faults import CALM, Chance, Killed, Rates
from tests.simulation.storage import LATE, DisturbedStorage

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROW = {"PartitionKey": "p", "RowKey": "r"}
STORAGE = Rates(request=0, write=0, storage=1, kill=0, notification=0, lock=0, token=0, skew=0)
T = TypeVar("T")


class Only(Chance):
    """That one thing goes wrong, each time or the n-th time only, and nothing else."""

    def __init__(self, name: str, nth: int = 0) -> None:
        super().__init__(1, STORAGE)
        self._name, self._nth, self._times = name, nth, 0

    def of_hundred(self, name: str, rate: float) -> bool:
        self._times += name == self._name
        return name == self._name and self._nth in (0, self._times)


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return loop.run(SimulatedClock(NOW), 1, main)


async def disturbed(chance: Chance) -> tuple[Table, Table]:
    """The same table on a bad and on a good day."""
    service = TableService(DisturbedStorage(chance))
    calm = connected(service.through(at_once))
    await calm.create("state")
    return connected(service).table("state"), calm.table("state")


@pytest.mark.parametrize(
    ("fault", "done"), [("storage refuses", False), ("storage's answer lost", True), ("storage late", False)]
)
def test_a_write_of_which_nothing_is_known(fault: str, done: bool) -> None:
    async def main() -> None:
        bad, calm = await disturbed(Only(fault))
        for write in (bad.insert(ROW), bad.put({**ROW, "RowKey": "s"})):
            with pytest.raises(Transient):
                await write
        for row in ("r", "s"):
            assert (await calm.get("p", row) is not None) is done
        await asyncio.sleep(LATE)
        assert (await calm.get("p", "r") is not None) is (fault != "storage refuses")

    run(main)


def test_a_repeat_by_the_client_meets_what_the_first_try_did() -> None:
    async def main() -> None:
        bad, calm = await disturbed(Only("storage asked twice"))
        for write, stands in (
            (lambda: bad.insert({**ROW, "by": "insert"}), "insert"),
            (lambda: bad.put({**ROW, "by": "put"}), "put"),
        ):
            try:
                await write()
            except Conflict:
                assert stands == "insert"
            row = await calm.get("p", "r")
            assert row is not None
            assert row["by"] == stands

    run(main)


def test_slow_storage_answers_in_the_end() -> None:
    async def main() -> float:
        bad, _ = await disturbed(Only("storage slow"))
        began = asyncio.get_running_loop().time()
        await bad.put(ROW)
        return asyncio.get_running_loop().time() - began

    assert 1 < run(main) < 21


def test_what_a_store_does_with_several_requests_can_be_cut_in_its_middle() -> None:
    async def main() -> None:
        service = TableService(DisturbedStorage(Only("storage refuses", nth=2)))
        await connected(service.through(at_once)).ensure()
        store = TableSubscriptionStore(connected(service))
        row = SubscriptionRow("s1", "m1", "events", "hash", NOW)
        with pytest.raises(Transient):
            await store.put(row)
        assert (await store.get("s1"), await store.of_mailbox("m1")) == (row, [])

    run(main)


@pytest.mark.parametrize(("nth", "done"), [(1, False), (2, True)])
def test_a_worker_dies_before_or_after_its_request(
    nth: int, done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "in_worker", lambda: True)

    async def main() -> None:
        bad, calm = await disturbed(Only("kill at storage", nth))
        with pytest.raises(Killed):
            await bad.put(ROW)
        assert (await calm.get("p", "r") is not None) is done

    run(main)


def test_who_is_no_worker_is_not_killed_and_a_calm_day_is_calm() -> None:
    async def main(chance: Chance) -> None:
        bad, _ = await disturbed(chance)
        for number in range(200):
            await bad.put({**ROW, "n": number})
        assert +chance.happened == {}

    run(lambda: main(Only("kill at storage")))
    run(lambda: main(Chance(1, CALM)))


def test_requests_are_counted_by_table_and_kind() -> None:
    async def main() -> None:
        service = TableService()
        tables = connected(service)
        await tables.create("state")
        table: Table = tables.table("state")
        calls: list[Callable[[], Awaitable[Any]]] = [lambda: table.put(ROW), lambda: table.get("p", "r")]
        for call in (*calls, calls[1]):
            await call()
        assert service.requests == {
            ("state", "create table"): 1,
            ("state", "put"): 1,
            ("state", "get"): 2,
        }
        assert tables.requests == 4

    run(main)
