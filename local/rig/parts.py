"""The rig's parts: what runs, on which ports, and what shows that it is ready."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from local.rig import azurite
from local.rig.directory import ROOT, RigDirectory

AZURITE = "azurite"  # behind the part "tables", which is the relay in front of it
KILLABLE = ("functions", "service_bus", "exchange", "dataverse", "tables")
# For tests: another Python for the functions host (CI runs it on 3.13), another app than this checkout's.
FUNCTIONS_PYTHON, FUNCTIONS_APP = "RIG_FUNCTIONS_PYTHON", "RIG_FUNCTIONS_APP"
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV", "SSL_CERT_FILE")


@dataclass(frozen=True)
class Part:
    """One process of the rig and how to start it, the same way again after a kill."""

    name: str
    command: list[str]
    ready: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    stop_signal: str = "SIGTERM"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Ports:
    """The port of each part; kept with the data, which holds addresses made of them."""

    service_bus: int
    service_bus_control: int
    azurite: int
    tables: int
    exchange: int
    dataverse: int
    functions: int


def service_parts(directory: RigDirectory, ports: Ports) -> list[Part]:
    """Everything the functions app talks to."""
    broker_control = f"http://127.0.0.1:{ports.service_bus_control}/_control/queues"
    clock = ["--clock", str(directory.clock)]
    broker_ports = ["--port", str(ports.service_bus), "--control-port", str(ports.service_bus_control)]
    return [
        Part(
            "service_bus",
            _module("local.service_bus", *broker_ports, *_state(directory, "service_bus"), *clock),
            [f"tcp://127.0.0.1:{ports.service_bus}", broker_control],
            _environment({}),
        ),
        Part(
            AZURITE,
            azurite.command(ports.azurite, directory.state(AZURITE)),
            [_table_url(ports.azurite)],
            _environment({}),
            stop_signal="SIGINT",  # at any other it ends without writing its data
        ),
        Part(
            "tables",
            _module("local.rig.relay", "--port", str(ports.tables), "--target", str(ports.azurite)),
            [f"tcp://127.0.0.1:{ports.tables}"],
            _environment({}),
        ),
        _stand_in(directory, "exchange", ports.exchange),
        _stand_in(directory, "dataverse", ports.dataverse),
    ]


def functions_part(directory: RigDirectory, port: int, settings: Mapping[str, str]) -> Part:
    """The functions host with the app of this checkout; app settings are its environment."""
    app = os.environ.get(FUNCTIONS_APP, str(ROOT))
    arguments = ["--port", str(port), "--app", app, "--clock", str(directory.clock)]
    python = os.environ.get(FUNCTIONS_PYTHON, sys.executable)
    command = [python, "-m", "local.functions_host", *arguments]
    return Part("functions", command, [f"http://127.0.0.1:{port}/admin/host/status"], _environment(settings))


def _stand_in(directory: RigDirectory, name: str, port: int) -> Part:
    command = _module(
        f"local.{name}", "--port", str(port), *_state(directory, name), "--clock", str(directory.clock)
    )
    return Part(name, command, [f"http://127.0.0.1:{port}/_control/version"], _environment({}))


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]


def _state(directory: RigDirectory, name: str) -> list[str]:
    return ["--state", str(directory.state(name))]


def _table_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/{azurite.ACCOUNT}"


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Only what a process needs from ours: a developer's cloud credentials stay out of the rig."""
    ours = {name: value for name, value in os.environ.items() if name in PASSED_ON}
    return {**ours, "PYTHONUNBUFFERED": "1", **settings}
