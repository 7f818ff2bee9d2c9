"""The Service Bus broker as a process of its own, with the queues of a sample app."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient, ServiceBusSender

from local.rig.processes import answers
from tests.runtime.running_host import ROOT, wait_for


@dataclass
class RunningBroker:
    """What a test does with the broker: send, look, kill and start again on the same ports."""

    port: int
    control_port: int
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def connection(self) -> str:
        keys = "SharedAccessKeyName=local;SharedAccessKey=bG9jYWw="
        return f"Endpoint=sb://127.0.0.1:{self.port};{keys};UseDevelopmentEmulator=true"

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(self.command, cwd=ROOT, stdout=output, stderr=output)
        wait_for(lambda: answers(f"tcp://127.0.0.1:{self.port}") and answers(self._queues_url))

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    async def send(self, queue: str, *messages: ServiceBusMessage) -> None:
        async with self.sender(queue) as sender:
            for message in messages:
                await sender.send_messages(message)

    @asynccontextmanager
    async def sender(self, queue: str) -> AsyncIterator[ServiceBusSender]:
        async with (
            ServiceBusClient.from_connection_string(self.connection) as client,
            client.get_queue_sender(queue) as sender,
        ):
            yield sender

    def queue(self, name: str) -> dict[str, int]:
        """The broker's counts of one queue."""
        with urllib.request.urlopen(self._queues_url, timeout=5) as answer:
            return next(queue for queue in json.load(answer)["value"] if queue["name"] == name)

    def empty(self, name: str) -> bool:
        counts = self.queue(name)
        return not any(counts[kind] for kind in ("active", "locked", "scheduled"))

    @property
    def _queues_url(self) -> str:
        return f"http://127.0.0.1:{self.control_port}/_control/queues"


@contextmanager
def running_broker(folder: Path, ports: list[int], queues: Path, clock: Path) -> Iterator[RunningBroker]:
    port, control_port = ports
    command = [sys.executable, "-m", "local.service_bus", "--port", str(port)]
    command += ["--control-port", str(control_port), "--state", str(folder / "broker")]
    command += ["--queues", str(queues), "--clock", str(clock)]
    broker = RunningBroker(port, control_port, command, folder / "broker.log")
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()
