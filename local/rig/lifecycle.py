"""Bringing the rig up and down, and killing and starting single parts."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import secrets
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from local.rig.directory import RigDirectory, RigError
from local.rig.endpoints import endpoints_of, write_endpoints
from local.rig.parts import AZURITE, Part, Ports, functions_part, service_parts
from local.rig.ports import free_ports, is_free
from local.rig.processes import Process, stop_all, wait_until_answering
from local.rig.record import Record, running_record
from local.rig.settings import app_settings
from shared.model.personal import PERSONAL_TABLES

READY_SECONDS = 60.0
STOP_SECONDS = 12.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class UpOptions:
    """What ``up`` was asked for."""

    empty: bool = False
    keep: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)


def up(directory: RigDirectory, options: UpOptions, say: Say) -> None:
    """Start everything, or what is missing of a rig that is already up."""
    with directory.locked():
        record = Record.read(directory)
        if record and record.running():
            _start_missing(directory, record, say)
            return
        started = time.monotonic()
        record = _new_record(directory, record if options.keep else None, options)
        try:
            _start_everything(directory, record, options, say)
        except BaseException:
            _stop(directory, record)
            raise
        say(f"up after {time.monotonic() - started:.1f} s: {directory.endpoints}")


def down(directory: RigDirectory, say: Say) -> None:
    """Stop everything; the data stays for ``up --keep``."""
    with directory.locked():
        record = Record.read(directory)
        running = record.running() if record else []
        if record:
            _stop(directory, record)
        say(f"stopped {', '.join(running)}" if running else "nothing was up")


def kill(directory: RigDirectory, name: str) -> None:
    """SIGKILL one part; returns when it is gone."""
    with directory.locked():
        running_record(directory).processes[name].kill()


def start(directory: RigDirectory, name: str, say: Say) -> None:
    """Start one part again as it was; returns when it answers."""
    with directory.locked():
        record = running_record(directory)
        if record.processes[name].alive():
            say(f"{name} is running")
            return
        _start_parts(directory, record, [record.parts[name]])
        write_endpoints(directory, record)


# --- the steps of up and down -----------------------------------------------------------------------


def _new_record(directory: RigDirectory, last: Record | None, options: UpOptions) -> Record:
    """A fresh rig, or one on the last rig's data, ports (the data holds addresses) and key."""
    if not options.keep:
        directory.start_from_nothing()
    if last and all(is_free(port) for port in vars(last.ports).values()):
        return Record(last.ports, last.webhook_key)
    return Record(Ports(*free_ports(len(fields(Ports)))), secrets.token_urlsafe(32))


def _start_everything(directory: RigDirectory, record: Record, options: UpOptions, say: Say) -> None:
    parts = service_parts(directory, record.ports)
    for part in parts:
        directory.state(part.name).mkdir(parents=True, exist_ok=True)
    _start_parts(directory, record, parts)
    settings = {**app_settings(directory, record.ports, record.webhook_key), **options.settings}
    _start_parts(directory, record, [functions_part(directory, record.ports.functions, settings)])
    _register_webhook(record)
    if not (options.empty or options.keep):
        _load_sample_tenant(endpoints_of(record), say)
    write_endpoints(directory, record)


def _start_missing(directory: RigDirectory, record: Record, say: Say) -> None:
    missing = [part for name, part in record.parts.items() if not record.processes[name].alive()]
    if missing:
        _start_parts(directory, record, missing)
        write_endpoints(directory, record)
    names = ", ".join(part.name for part in missing)
    say(f"was up; started {names} again" if missing else f"is up: {directory.endpoints}")


def _start_parts(directory: RigDirectory, record: Record, parts: list[Part]) -> None:
    """Start these side by side and wait until all answer; the record is written before the wait."""
    for part in parts:
        record.parts[part.name] = part
        record.processes[part.name] = Process.start(
            part.command, part.environment, directory.log(part.name), part.stop_signal
        )
        record.write(directory)
    for part in parts:
        process, log = record.processes[part.name], directory.log(part.name)
        wait_until_answering(part.name, process, part.ready, log, READY_SECONDS)


def _stop(directory: RigDirectory, record: Record) -> None:
    """From the outside in: nobody logs the end of what it uses, and Azurite ends with no connection open."""
    directory.endpoints.unlink(missing_ok=True)
    others = [name for name in record.processes if name not in ("functions", AZURITE)]
    for names in (["functions"], others, [AZURITE]):
        stop_all([record.processes[name] for name in names if name in record.processes], STOP_SECONDS)


def _register_webhook(record: Record) -> None:
    """Dataverse pushes its changes to the app, as a registered service endpoint does."""
    url = f"http://127.0.0.1:{record.ports.dataverse}/_control/webhooks"
    target = f"http://127.0.0.1:{record.ports.functions}/api/dynamics/changes"
    body = {"url": target, "key": record.webhook_key, "tables": list(WEBHOOK_TABLES)}
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310
            pass
    except OSError as error:
        raise RigError(f"the Dataverse webhook could not be registered: {error}") from error


WEBHOOK_TABLES = ("appointment", "serviceappointment", *PERSONAL_TABLES, "userquery", "savedquery")


def _load_sample_tenant(endpoints: dict[str, Any], say: Say) -> None:
    load = getattr(_sample_tenant(), "load", None)
    if load is None:
        say("there is no sample tenant in this checkout: the stand-ins are empty")
    else:
        asyncio.run(load(endpoints))


def _sample_tenant() -> Any:
    found = importlib.util.find_spec("local.tenant")
    return importlib.import_module("local.tenant") if found else None
