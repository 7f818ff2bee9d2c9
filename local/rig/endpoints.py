"""``endpoints.json``: where outside tools find the parts of a rig that is up."""

from __future__ import annotations

from typing import Any

from local.rig.directory import RigDirectory, RigError, read_json, write_json
from local.rig.parts import KILLABLE
from local.rig.record import Record
from local.rig.settings import service_bus_connection, table_connection


def endpoints_of(record: Record) -> dict[str, Any]:
    """The addresses and process ids, under the fixed keys."""
    ports = record.ports
    exchange, dataverse = (f"http://127.0.0.1:{port}" for port in (ports.exchange, ports.dataverse))
    functions = f"http://127.0.0.1:{ports.functions}"
    return {
        "graph": f"{exchange}/v1.0",
        "graph_control": f"{exchange}/_control",
        "dataverse": f"{dataverse}/api/data/v9.2",
        "dataverse_control": f"{dataverse}/_control",
        "functions": functions,
        "admin": f"{functions}/api/admin",
        "table_storage": table_connection(ports),
        "service_bus": service_bus_connection(ports),
        "pids": {name: record.processes[name].pid for name in KILLABLE},
    }


def write_endpoints(directory: RigDirectory, record: Record) -> None:
    write_json(directory.endpoints, endpoints_of(record))


def read_endpoints(directory: RigDirectory) -> dict[str, Any]:
    """The endpoints of a rig that is up, or an error that says it is not."""
    endpoints = read_json(directory.endpoints)
    if endpoints is None:
        raise RigError("the rig is not up; start it with 'local up'")
    return endpoints
