"""The host's queue triggers against the real broker: order, sessions, settling, dead letters, outages."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.servicebus import ServiceBusMessage

from local.rig.ports import free_ports
from tests.runtime.running_broker import RunningBroker, running_broker
from tests.runtime.running_host import APPS, RunningHost, running_host, wait_for

APP = APPS / "queues"


@dataclass
class Bench:
    """A broker, and the host around the sample app that listens to it."""

    broker: RunningBroker
    host: RunningHost

    def seen(self, function: str, prefix: str) -> list[dict[str, Any]]:
        """What the app noted of this test's messages, in the order of their ends."""
        notes = self.host.http.get("/api/seen").json()
        return [n for n in notes if n["function"] == function and n["id"].startswith(prefix)]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("queues")
    with (
        running_broker(folder, free_ports(2), APP / "queues.json", folder / "clock") as broker,
        running_host(APP, folder, {"ServiceBus": broker.connection, "SESSION_QUEUE": "sessions"}) as host,
    ):
        yield Bench(broker, host)


def message(identifier: str, session: str | None = None, **order: object) -> ServiceBusMessage:
    properties: dict[Any, Any] = {"cause": "test"}
    return ServiceBusMessage(
        json.dumps(order), message_id=identifier, session_id=session, application_properties=properties
    )


async def test_a_message_reaches_the_function_with_its_properties_and_is_completed(bench: Bench) -> None:
    await bench.broker.send("sessions", message("hello-1", "hello"))
    [note] = wait_for(lambda: bench.seen("in_sessions", "hello-"))
    assert (note["session"], note["delivery"], note["properties"]) == ("hello", 1, {"cause": "test"})
    wait_for(lambda: bench.broker.empty("sessions"))


async def test_a_session_is_served_in_order_and_one_at_a_time(bench: Bench) -> None:
    await bench.broker.send("sessions", *[message(f"order-{n}", "order", seconds=0.05) for n in range(5)])
    notes = wait_for(lambda: len(found := bench.seen("in_sessions", "order-")) == 5 and found)
    assert [note["id"] for note in notes] == [f"order-{n}" for n in range(5)]
    assert all(before["ended"] <= after["began"] for before, after in itertools.pairwise(notes))


async def test_sessions_are_served_side_by_side_up_to_the_limit_of_host_json(bench: Bench) -> None:
    await bench.broker.send("sessions", *[message(f"side-{n}", f"side-{n}", seconds=0.7) for n in range(6)])
    notes = wait_for(lambda: len(found := bench.seen("in_sessions", "side-")) == 6 and found)
    at_once = [sum(1 for n in notes if n["began"] <= note["began"] < n["ended"]) for note in notes]
    assert 2 <= max(at_once) <= 4


async def test_a_failing_message_is_tried_again_at_once_and_then_dead_lettered(bench: Bench) -> None:
    before = bench.broker.queue("sessions")["deadLettered"]
    await bench.broker.send("sessions", message("fail-1", "fail", fail=True), message("fail-2", "fail"))
    wait_for(lambda: bench.broker.queue("sessions")["deadLettered"] == before + 1)
    wait_for(lambda: bench.broker.empty("sessions"))
    tries = [(note["id"], note["delivery"]) for note in bench.seen("in_sessions", "fail-")]
    assert tries == [("fail-1", 1), ("fail-1", 2), ("fail-1", 3), ("fail-2", 1)]


async def test_a_function_longer_than_the_lock_keeps_it(bench: Bench) -> None:
    await bench.broker.send("sessions", message("long-1", "long", seconds=4.5))
    wait_for(lambda: bench.seen("in_sessions", "long-"))
    wait_for(lambda: bench.broker.empty("sessions"))
    assert [note["delivery"] for note in bench.seen("in_sessions", "long-")] == [1]


async def test_a_queue_without_sessions_is_served_and_dead_letters_too(bench: Bench) -> None:
    await bench.broker.send("plain", message("plain-1"), message("plain-2", fail=True))
    wait_for(lambda: bench.broker.queue("plain")["deadLettered"] == 1)
    tries = sorted((note["id"], note["delivery"]) for note in bench.seen("plain", "plain-"))
    assert tries == [("plain-1", 1), ("plain-2", 1), ("plain-2", 2)]


async def test_the_host_outlives_a_broker_that_is_killed_and_started_again(bench: Bench) -> None:
    bench.broker.kill()
    wait_for(lambda: "cannot be reached" in bench.host.logged())
    bench.broker.start()
    await bench.broker.send("sessions", message("again-1", "again"))
    await bench.broker.send("plain", message("again-2"))
    wait_for(lambda: bench.seen("in_sessions", "again-") and bench.seen("plain", "again-"))
    wait_for(lambda: bench.broker.empty("sessions") and bench.broker.empty("plain"))


async def test_a_queue_function_is_run_by_hand(bench: Bench) -> None:
    body = {"input": json.dumps({}), "sessionId": "mailbox-7"}
    assert bench.host.http.post("/admin/functions/in_sessions", json=body).status_code == 200
    assert [n["session"] for n in bench.seen("in_sessions", "by-hand")] == ["mailbox-7"]


async def test_sigterm_lets_a_running_message_end_and_completes_it(tmp_path: Path) -> None:
    queues = APP / "queues.json"
    with (
        running_broker(tmp_path, free_ports(2), queues, tmp_path / "clock") as broker,
        running_host(APP, tmp_path, {"ServiceBus": broker.connection, "SESSION_QUEUE": "sessions"}) as host,
    ):
        await broker.send("sessions", message("end-1", "end", seconds=1.0))
        wait_for(lambda: broker.queue("sessions")["locked"])
        assert host.terminate() == 0
        assert broker.empty("sessions")
        assert broker.queue("sessions")["deadLettered"] == 0


async def test_a_killed_host_frees_its_session_and_the_next_one_gets_the_message(tmp_path: Path) -> None:
    queues = APP / "queues.json"
    with running_broker(tmp_path, free_ports(2), queues, tmp_path / "clock") as broker:
        settings = {"ServiceBus": broker.connection, "SESSION_QUEUE": "sessions"}
        with running_host(APP, tmp_path, settings) as host:
            await broker.send("sessions", message("crash-1", "crash", seconds=1.5))
            wait_for(lambda: broker.queue("sessions")["locked"])
            host.process.kill()
        with running_host(APP, tmp_path, settings) as host:
            bench = Bench(broker, host)
            [note] = wait_for(lambda: bench.seen("in_sessions", "crash-"))
            assert note["delivery"] == 2
            wait_for(lambda: broker.empty("sessions"))
