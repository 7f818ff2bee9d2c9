"""The broker as the rig runs it, a process of its own: kills, the shared clock file, the control port."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.servicebus import NEXT_AVAILABLE_SESSION, ServiceBusClient, ServiceBusMessage, ServiceBusReceiver
from azure.servicebus.aio import ServiceBusClient as AsyncClient
from azure.servicebus.exceptions import ServiceBusError

from local.clock import write_offset

QUEUES = [
    {"name": "plain", "requiresDuplicateDetection": True},
    {"name": "sessions", "requiresSession": True, "lockDuration": "PT30S"},
]


class BrokerProcess:
    """Starts, kills and looks into a broker on fixed ports."""

    def __init__(self, folder: Path) -> None:
        self.port, self.control_port = free_port(), free_port()
        self.clock = folder / "clock"
        queues = folder / "queues.json"
        queues.write_text(json.dumps({"queues": QUEUES}))
        self._command = [sys.executable, "-m", "local.service_bus", "--port", str(self.port)]
        self._command += ["--control-port", str(self.control_port), "--state", str(folder / "state")]
        self._command += ["--clock", str(self.clock), "--queues", str(queues)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def connection(self) -> str:
        return (
            f"Endpoint=sb://127.0.0.1:{self.port};SharedAccessKeyName=x;SharedAccessKey=y;"
            "UseDevelopmentEmulator=true"
        )

    def client(self) -> ServiceBusClient:
        return ServiceBusClient.from_connection_string(self.connection, retry_total=0)

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        until(lambda: self._answers())

    def stop(self, number: int = signal.SIGKILL) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(10)

    def queue(self, name: str) -> dict[str, Any]:
        rows = self._get("queues")["value"]
        return next(row for row in rows if row["name"] == name)

    def _answers(self) -> bool:
        try:
            return bool(self._get("health")["status"] == "ok")
        except OSError:
            return False

    def _get(self, path: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.control_port}/_control/{path}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def until(condition: Any, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def one(receiver: ServiceBusReceiver) -> Any:
    messages = receiver.receive_messages(max_message_count=1, max_wait_time=5)
    assert len(messages) == 1
    return messages[0]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    process = BrokerProcess(tmp_path)
    process.start()
    yield process
    process.stop()


def test_a_kill_loses_nothing_and_counts_what_was_out(broker: BrokerProcess) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    with broker.client() as client:
        with client.get_queue_sender("plain") as sender:
            sender.send_messages(ServiceBusMessage("a", message_id="a"))
            sender.send_messages(ServiceBusMessage("bad"))
            sender.schedule_messages(ServiceBusMessage("later"), later)
        with client.get_queue_sender("sessions") as sender:
            sender.send_messages(ServiceBusMessage("s", session_id="s"))
        with (
            client.get_queue_receiver("plain") as receiver,
            client.get_queue_receiver("sessions", session_id="s") as session,
        ):
            one(receiver)
            receiver.dead_letter_message(one(receiver), reason="why")
            session.session.set_state("state")
            one(session)
            broker.stop()
    broker.start()
    counts = broker.queue("plain")
    assert (counts["active"], counts["locked"], counts["scheduled"], counts["deadLettered"]) == (1, 0, 1, 1)
    assert datetime.fromisoformat(counts["nextScheduledAt"]) == later.replace(
        microsecond=later.microsecond // 1000 * 1000
    )
    with broker.client() as client:
        with client.get_queue_sender("plain") as sender:
            sender.send_messages(ServiceBusMessage("twice", message_id="a"))
        with client.get_queue_receiver("plain") as receiver:
            message = one(receiver)
            assert (str(message), message.delivery_count) == ("a", 1)
            receiver.complete_message(message)
            write_offset(broker.clock, 3601)
            assert str(one(receiver)) == "later"
        with client.get_queue_receiver("sessions", session_id=NEXT_AVAILABLE_SESSION) as session:
            assert session.session.get_state() == b"state"
            assert one(session).delivery_count == 1


async def test_what_was_acknowledged_before_a_kill_in_full_flight_is_there_after_it(
    broker: BrokerProcess,
) -> None:
    acknowledged: list[str] = []

    async def send_until_it_breaks(name: str) -> None:
        async with AsyncClient.from_connection_string(broker.connection, retry_total=0) as client:
            sender = client.get_queue_sender("plain")
            number = 0
            while True:
                number += 1
                try:
                    await sender.send_messages(ServiceBusMessage(f"{name}{number}"))
                except (ServiceBusError, OSError):
                    return
                acknowledged.append(f"{name}{number}")
                if len(acknowledged) == 500:
                    broker.stop()

    await asyncio.gather(*(send_until_it_breaks(name) for name in "abc"))
    broker.start()
    received: list[str] = []
    with (
        broker.client() as client,
        client.get_queue_receiver("plain", receive_mode="receiveanddelete") as receiver,
    ):
        while messages := receiver.receive_messages(max_message_count=500, max_wait_time=1):
            received += [str(message) for message in messages]
    assert len(acknowledged) >= 500
    assert set(acknowledged) <= set(received)
    assert len(received) == len(set(received))
    assert len(received) <= len(acknowledged) + 3, "at most the one in flight of each sender besides"


def test_an_open_sender_finds_the_broker_again_after_a_kill(broker: BrokerProcess) -> None:
    with (
        ServiceBusClient.from_connection_string(broker.connection) as client,
        client.get_queue_sender("plain") as sender,
    ):
        sender.send_messages(ServiceBusMessage("before"))
        broker.stop()
        broker.start()
        sender.send_messages(ServiceBusMessage("after"))
    assert broker.queue("plain")["active"] == 2


def test_a_clean_stop_keeps_everything_too(broker: BrokerProcess) -> None:
    with broker.client() as client, client.get_queue_sender("plain") as sender:
        sender.send_messages(ServiceBusMessage("kept"))
        assert broker.stop(signal.SIGTERM) == 0
    broker.start()
    assert broker.queue("plain")["active"] == 1


def test_the_clock_file_ends_locks_within_a_moment(broker: BrokerProcess) -> None:
    with broker.client() as client:
        with client.get_queue_sender("sessions") as sender:
            sender.send_messages(ServiceBusMessage("s", session_id="s"))
        with client.get_queue_receiver("sessions", session_id="s") as receiver:
            one(receiver)
            assert (broker.queue("sessions")["active"], broker.queue("sessions")["locked"]) == (0, 1)
            write_offset(broker.clock, 31)
            until(lambda: broker.queue("sessions")["locked"] == 0, 1)
            assert broker.queue("sessions")["active"] == 1
