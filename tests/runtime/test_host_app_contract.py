"""The app, host.json, the settings template and the queue definitions name the same things."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from local.functions_host.app_settings import resolve
from local.functions_host.functions import HTTP, QUEUE, TIMER, Function
from local.functions_host.host_json import HostOptions, parse_time_span, read_host_json
from local.functions_host.http_routes import Routes
from local.functions_host.ncrontab import Schedule
from local.rig.settings import SCHEDULES
from local.service_bus.definitions import load_definitions

ROOT = Path(__file__).parents[2]
NO_APP = pytest.mark.skipif(not (ROOT / "function_app.py").exists(), reason="there is no function_app.py yet")
LIST_BINDINGS = """
import json, function_app
indexed = function_app.app.get_functions()
print(json.dumps([[f.get_function_name(), f.get_raw_bindings()] for f in indexed]))
"""
# Shared properties of all queues and of all functions: the fence's times must fit them.
LOCK_SECONDS = 300


def template() -> dict[str, str]:
    return dict(json.loads((ROOT / "local.settings.json.template").read_text())["Values"])


def options() -> HostOptions:
    return read_host_json(ROOT)


@cache
def functions(role: str) -> list[Function]:
    """The app's functions in that role, indexed in a process of their own."""
    environment = {**os.environ, **template(), "SYNC_ROLE": role}
    shown = subprocess.run(
        [sys.executable, "-c", LIST_BINDINGS],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    return [Function.from_raw_bindings(name, raw) for name, raw in json.loads(shown.stdout)]


@NO_APP
def test_all_roles_together_are_the_whole_app() -> None:
    names = {role: {function.name for function in functions(role)} for role in ("all", "ingest", "worker")}
    assert names["all"] == names["ingest"] | names["worker"]


@NO_APP
def test_the_timers_of_the_fixed_interface_are_there_and_every_schedule_is_valid() -> None:
    timers = {f.name: str(f.trigger["schedule"]) for f in functions("all") if f.kind == TIMER}
    assert {"due_mailboxes", "dynamics_feed", "renew_subscriptions", "watch"} <= timers.keys()
    for schedule in timers.values():
        Schedule.parse(resolve(schedule, template()))
        Schedule.parse(resolve(schedule, SCHEDULES))


@NO_APP
def test_no_timer_runs_when_the_app_starts() -> None:
    assert [f.name for f in functions("all") if f.trigger.get("runOnStartup")] == []


@NO_APP
def test_queue_triggers_name_queues_that_exist_with_the_same_sessions() -> None:
    defined = {queue.name: queue.requires_session for queue in load_definitions()}
    triggers = {
        resolve(str(f.trigger["queueName"]), template()): bool(f.trigger.get("isSessionsEnabled"))
        for f in functions("all")
        if f.kind == QUEUE
    }
    assert triggers.items() <= defined.items()


@NO_APP
def test_every_connection_and_setting_that_a_binding_names_is_in_the_template() -> None:
    for function in functions("all"):
        for value in function.trigger.values():
            if isinstance(value, str):
                resolve(value, template())
        if function.kind == QUEUE:
            assert function.trigger["connection"] in template()


@NO_APP
def test_every_route_can_be_matched_and_is_anonymous() -> None:
    http = [function for function in functions("all") if function.kind == HTTP]
    Routes(http, options().route_prefix)
    assert {str(function.trigger["authLevel"]).upper() for function in http} == {"ANONYMOUS"}


def test_locks_are_renewed_for_as_long_as_a_function_may_run() -> None:
    assert options().service_bus.max_auto_lock_renewal >= options().function_timeout
    assert {queue.lock_seconds for queue in load_definitions()} == {LOCK_SECONDS}


def test_sessions_are_left_soon_and_many_are_served() -> None:
    section = json.loads((ROOT / "host.json").read_text())["extensions"]["serviceBus"]
    idle = options().service_bus.session_idle_timeout
    assert timedelta(seconds=1) <= idle <= timedelta(seconds=5)
    assert section["maxConcurrentSessions"] == 32
    assert section["prefetchCount"] == 0, "with sessions a prefetched message waits in a lock"


def test_only_options_the_extension_knows_are_set() -> None:
    section = json.loads((ROOT / "host.json").read_text())["extensions"]["serviceBus"]
    known = {"prefetchCount", "autoCompleteMessages", "maxAutoLockRenewalDuration"}
    assert section.keys() <= known | {"maxConcurrentSessions", "sessionIdleTimeout", "maxConcurrentCalls"}


def test_the_extension_bundle_carries_service_bus_5() -> None:
    bundle = json.loads((ROOT / "host.json").read_text())["extensionBundle"]
    assert bundle["version"] == "[4.*, 5.0.0)"
    assert parse_time_span("00:10:00") == options().function_timeout


def test_nothing_of_the_rig_or_the_tests_is_deployed() -> None:
    ignored = set((ROOT / ".funcignore").read_text().split())
    assert {"local/", "tests/", "docs/", "benchmarks/", "infra/", ".local/", ".venv*/"} <= ignored
