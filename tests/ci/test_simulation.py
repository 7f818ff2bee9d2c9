"""The simulation itself: nothing really waits, a seed replays exactly, and its queues do what the real do."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from local.clock import SimulatedClock
from shared.errors import Transient, UnknownResult
from shared.jobs import messages
from shared.jobs.sender import ServiceBusJobs
from shared.model.decision import DeleteEvent
from tests.contracts.jobs import Delivered, JobsContract, Receive
from tests.simulation import loop
from tests.simulation.faults import CALM, Chance, Killed, Rates
from tests.simulation.loop import NothingWillHappenError
from tests.simulation.queues import QueueDouble
from tests.simulation.world import START, World, world

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


# --- time and chance ------------------------------------------------------------------------------


def test_waiting_moves_the_clock_and_takes_no_time() -> None:
    clock, began = SimulatedClock(NOW), time.monotonic()

    async def main() -> list[str]:
        order: list[str] = []

        async def later(seconds: float, name: str) -> None:
            await asyncio.sleep(seconds)
            order.append(name)

        await asyncio.gather(later(7200, "b"), later(3600, "a"), later(86400, "c"))
        return order

    assert loop.run(clock, 1, main) == ["a", "b", "c"]
    assert timedelta(days=1) <= clock.now() - NOW < timedelta(days=1, seconds=1)
    assert time.monotonic() - began < 3600


def test_who_waits_for_the_world_outside_is_told() -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(NothingWillHappenError):
        loop.run(SimulatedClock(NOW), 1, main)


def test_ids_come_from_the_seed_and_only_inside() -> None:
    def drawn(seed: int) -> str:
        with loop.seeded_entropy(seed):
            return str(uuid.uuid4())

    assert drawn(1) == drawn(1) != drawn(2)
    assert uuid.uuid4() != uuid.uuid4()


# --- the queues -----------------------------------------------------------------------------------


class TestQueueDouble(JobsContract):
    @pytest.fixture
    def now(self) -> datetime:
        return NOW

    @pytest.fixture
    def queues(self) -> QueueDouble:
        return QueueDouble(SimulatedClock(NOW), Chance(1, CALM))

    @pytest.fixture
    def jobs(self, queues: QueueDouble) -> ServiceBusJobs:
        return ServiceBusJobs(queues)

    @pytest.fixture
    def receive(self, queues: QueueDouble) -> Receive:
        async def receive(queue: str) -> list[Delivered]:
            waiting = sorted(queues.waiting, key=lambda message: message.number)
            found = [message for message in waiting if message.queue == queue]
            for message in found:
                queues.waiting.remove(message)
            return [Delivered(m.queue, m.session, json.loads(m.body)) for m in found]

        return receive


Work = Callable[[str, bytes, float], Awaitable[None]]


def served(work: Work, rates: Rates, send: Callable[[ServiceBusJobs], Awaitable[None]]) -> QueueDouble:
    """The queues an hour after something was sent to them."""
    clock = SimulatedClock(NOW)
    queues = QueueDouble(clock, Chance(1, rates))

    async def main() -> None:
        queues.start(work)
        await send(ServiceBusJobs(queues))
        await asyncio.sleep(3600)

    loop.run(clock, 1, main)
    return queues


def test_a_session_is_served_by_one_worker_at_a_time_and_in_order() -> None:
    done: list[tuple[str, int]] = []
    at_once: list[str] = []

    async def work(queue: str, body: bytes, waited: float) -> None:
        job = messages.job(body)
        assert job.mailbox not in at_once
        at_once.append(job.mailbox)
        await asyncio.sleep(5)
        at_once.remove(job.mailbox)
        done.append((job.mailbox, job.attempt))

    async def send(jobs: ServiceBusJobs) -> None:
        for attempt in range(3):
            for mailbox in ("m1", "m2"):
                await jobs.again(mailbox, "continue", attempt=attempt)

    served(work, CALM, send)
    assert [attempt for mailbox, attempt in done if mailbox == "m1"] == [0, 1, 2]
    assert len(done) == 6


def test_a_scheduled_message_comes_when_its_time_has_come() -> None:
    waits: list[float] = []

    async def work(queue: str, body: bytes, waited: float) -> None:
        waits.append(waited)

    async def send(jobs: ServiceBusJobs) -> None:
        await jobs.again("m1", "continue", at=NOW + timedelta(minutes=7))

    queues = served(work, CALM, send)
    assert len(waits) == 1
    assert waits[0] < 1
    assert list(queues.waiting) == []


def test_ten_failures_are_the_end_of_a_message() -> None:
    tries: list[str] = []

    async def work(queue: str, body: bytes, waited: float) -> None:
        tries.append(queue)
        raise RuntimeError("no")

    async def send(jobs: ServiceBusJobs) -> None:
        await jobs.again("m1", "continue")

    queues = served(work, CALM, send)
    assert (len(tries), len(queues.dead), list(queues.waiting)) == (10, 1, [])


def test_a_killed_worker_takes_what_it_had_begun_with_it_and_its_message_comes_again() -> None:
    tries: list[str] = []
    leftovers: list[str] = []

    async def straggler() -> None:
        await asyncio.sleep(1)
        leftovers.append("still here")

    async def work(queue: str, body: bytes, waited: float) -> None:
        tries.append(queue)
        if len(tries) == 1:
            begun = asyncio.create_task(straggler())
            await asyncio.sleep(0.1)
            raise Killed(f"with {begun}")

    async def send(jobs: ServiceBusJobs) -> None:
        await jobs.again("m1", "continue")

    queues = served(work, CALM, send)
    assert (len(tries), leftovers, queues.dead) == (2, [], [])


def test_who_lost_the_lock_goes_on_beside_the_next() -> None:
    running: list[int] = [0]
    most: list[int] = [0]

    async def work(queue: str, body: bytes, waited: float) -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        await asyncio.sleep(30)
        running[0] -= 1

    async def send(jobs: ServiceBusJobs) -> None:
        await jobs.again("m1", "continue")

    served(work, Rates(0, 0, 0, 0, 0, 60, 0, 0), send)
    assert most[0] > 1


# --- requests -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error", "arrives"),
    [
        ("unreachable", Transient, False),
        ("cut before", UnknownResult, False),
        ("cut after", UnknownResult, True),
    ],
)
def test_a_lost_write_is_what_its_adapter_takes_it_for(
    fault: str, error: type[Exception], arrives: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimulatedClock(START)

    async def main() -> None:
        async with world(clock, 1, CALM) as made:
            anna = await made.person("anna", on=False)
            start = {"dateTime": "2026-03-09T10:00:00", "timeZone": "UTC"}
            event = await anna.graph("POST", "events", {"subject": "Here", "start": start, "end": start})
            monkeypatch.setattr(Chance, "request_fault", lambda self, part, writes: fault)
            mailbox = made.services.exchange.mailbox(anna.mailbox)
            with pytest.raises(error):
                await mailbox.delete_event(DeleteEvent(event["id"], event["@odata.etag"]))
            monkeypatch.undo()
            left = (await anna.graph("GET", "events"))["value"]
            assert (left == []) is arrives

    loop.run(clock, 1, main)


def test_people_are_answered_at_once_and_never_disturbed() -> None:
    clock = SimulatedClock(START)

    async def main() -> World:
        async with world(clock, 1, Rates(request=100, write=100)) as made:
            before = clock.now()
            anna = await made.person("anna", on=False)
            for number in range(20):
                await anna.add_contact(surname=str(number))
            assert clock.now() == before
            return made

    assert loop.run(clock, 1, main).chance.happened["unreachable"] == 0


def test_a_change_is_on_the_other_side_within_seconds_of_simulated_time() -> None:
    clock = SimulatedClock(START)

    async def main() -> None:
        async with world(clock, 1, CALM) as made:
            anna = await made.person("anna", on=False)
            await made.enable(anna)
            await made.run_for(timedelta(minutes=5))
            await anna.add_contact(givenName="Kim", surname="Here")
            await made.run_for(timedelta(seconds=10))
            (row,) = await anna.rows("contacts")
            assert row["lastname"] == "Here"
            await anna.edit("contacts", row["contactid"], lastname="There")
            await made.run_for(timedelta(seconds=10))
            (contact,) = await anna.contacts()
            assert contact["surname"] == "There"

    loop.run(clock, 1, main)


@pytest.mark.slow
def test_a_seed_replays_exactly_whatever_the_hashes() -> None:
    def run(hash_seed: str, seed: str) -> str:
        command = [sys.executable, "-m", "tests.simulation.hunt", "--seed", seed, "--mailboxes", "1"]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [*command, "--days", "1", "--hours", "1", "--shrink", "0"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        found = [word for word in done.stdout.split() if word.startswith("sha256:")]
        assert found, done.stdout + done.stderr
        return found[0]

    first = run("1", "3")
    assert run("2", "3") == first
    assert run("1", "4") != first


def test_httpx_is_told_what_a_real_cut_would_tell_it() -> None:
    clock = SimulatedClock(START)

    async def main() -> None:
        async with world(clock, 1, CALM) as made:
            await made.fault("dataverse", "drop-after", caller="all")
            with pytest.raises(httpx.ReadError):
                await made.http.get(f"{made.dataverse.url}/contacts", headers={"Authorization": "Bearer app"})

    loop.run(clock, 1, main)
