"""Spans, sums and what is never in them."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shared import telemetry
from shared.functions.adapting import traceparent_of, waited_seconds
from shared.jobs.messages import FeedJob, Job
from shared.mailboxes import alerts, overview
from shared.mailboxes.overview import FAILING
from tests.contracts.small_stores import dead_letter
from tests.doubles.service import FEED, Service
from tests.rules.build import CATEGORY, at

ROOT = Path(__file__).parents[2]
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    """What was written so far: word and values."""
    caplog.set_level(logging.INFO)
    telemetry.sums.write()
    caplog.clear()

    def read(word: str) -> list[dict[str, Any]]:
        texts = [record.getMessage() for record in caplog.records if record.name.startswith("sync.")]
        return [json.loads(text.removeprefix(word)) for text in texts if text.startswith(f"{word} {{")]

    return read


def test_a_span_goes_on_with_the_trace_of_its_parent(lines: Any) -> None:
    with telemetry.span("pass", PARENT, cause="notification"):
        inner = telemetry.traceparent()
    (span,) = lines("span")
    assert (span["trace"], span["parent"]) == (PARENT.split("-")[1], PARENT.split("-")[2])
    assert inner == f"00-{span['trace']}-{span['span']}-01"
    assert telemetry.traceparent() == ""


@pytest.mark.parametrize("text", ["", "nonsense", PARENT.upper(), "00-" + "0" * 32 + "-b7ad6b7169203331-01"])
def test_what_is_no_trace_context_begins_a_trace_of_its_own(lines: Any, text: str) -> None:
    with telemetry.span("pass", text):
        pass
    (span,) = lines("span")
    assert "parent" not in span
    assert re.fullmatch("[0-9a-f]{32}", span["trace"])


def test_an_exception_is_named_and_goes_on(lines: Any) -> None:
    with pytest.raises(KeyError), telemetry.span("pass"):
        raise KeyError("somebody's subject")
    (span,) = lines("span")
    assert span["error"] == "KeyError"
    assert "subject" not in json.dumps(span)


def test_sums_are_written_when_the_last_pass_ends_and_only_then(lines: Any) -> None:
    with telemetry.span("pass"):
        with telemetry.span("pass", waited_s=3.0):
            telemetry.sums.request("graph")
            telemetry.sums.decided(["APPT-1", "APPT-1", "FLD-5"])
            telemetry.passed({"actions": 2})
        assert lines("measure") == []
        telemetry.passed({"actions": 1}, failed=True)
    (sums,) = lines("measure")
    assert (sums["passes"], sums["failed"], sums["actions"]) == (2, 1, 3)
    assert sums["requests"] == {"graph": 1}
    assert sums["rules"] == {"APPT-1": 2, "FLD-5": 1}
    assert sums["lag_s_max"] >= 3.0


def test_with_passes_all_the_time_sums_are_written_each_minute(
    lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with telemetry.span("pass"):
        monkeypatch.setattr(telemetry.sums, "_written_at", telemetry.monotonic() - telemetry.EVERY)
        with telemetry.span("pass"):
            telemetry.passed({})
        assert [row["passes"] for row in lines("measure")] == [1]


async def test_one_trace_runs_from_the_push_to_the_pass_and_names_nobody(lines: Any) -> None:
    service = Service()
    ann = service.person("ann", 1)
    await service.subscribe(ann)
    await service.settle()
    ann.add(subject="Secret plan", time=at(service.clock() + timedelta(days=3)), categories=(CATEGORY,))
    job = Job(ann.id, "notification", traceparent=PARENT)
    await service_run(service, job)
    span = lines("span")[-1]
    assert span["trace"] == PARENT.split("-")[1]
    assert (span["name"], span["cause"]) == ("pass", "notification")
    assert span["actions"] > 0
    assert span["mailbox"] == telemetry.hashed(ann.id)
    written = json.dumps([*lines("span"), *lines("measure")])
    for text in ("Secret", ann.id, ann.address, service.dynamics.users[ann.address]):
        assert text not in written


async def service_run(service: Service, job: Job | FeedJob) -> None:
    from shared.mailboxes import feed_jobs, jobs_of_mailbox

    if isinstance(job, Job):
        await jobs_of_mailbox.run(service.services, job)
    else:
        await feed_jobs.run(service.services, job)


async def test_an_idle_pass_that_was_only_due_counts_and_has_no_line(lines: Any) -> None:
    service = Service()
    ann = service.person("ann", 1)
    await service.subscribe(ann)
    await service.settle()
    before = len(lines("span"))
    counted = sum(row.get("passes", 0) for row in lines("measure"))
    await service_run(service, Job(ann.id, "due"))
    await service_run(service, FeedJob(FEED, "net"))
    assert len(lines("span")) == before
    assert sum(row.get("passes", 0) for row in lines("measure")) == counted + 1


async def test_the_state_of_all_mailboxes_is_measured_every_few_minutes(lines: Any) -> None:
    service = Service()
    ann = service.person("ann", 1)
    await service.subscribe(ann)
    await service.settle()
    service.clock.forward(60 * (5 - service.clock().minute % 5) - service.clock().second)
    await service.services.registry.patch(
        ann.id, failures=FAILING, poll_at=service.clock() - timedelta(minutes=2)
    )
    await overview.measure_mailboxes(service.services, service.clock())
    service.clock.forward(60)
    await overview.measure_mailboxes(service.services, service.clock())
    (state,) = [row for row in lines("measure") if row["kind"] == "state"]
    assert (state["active"], state["broken"], state["failing"]) == (1, 0, 1)
    assert state["late_s"] == 120


async def test_subscriptions_that_end_soon_or_are_missing_are_counted() -> None:
    service = Service()
    ann = service.person("ann", 1)
    await service.subscribe(ann)
    await service.settle()
    assert await overview.subscriptions_of_all(service.services) == (0, 0)
    service.clock.forward(6 * 86400 + 20 * 3600)
    assert await overview.subscriptions_of_all(service.services) == (0, 2)
    for row in await service.services.subscriptions.of_mailbox(ann.id):
        await service.services.subscriptions.remove(row.id)
    assert await overview.subscriptions_of_all(service.services) == (2, 0)


def test_what_the_host_tells_of_a_message_and_of_a_call() -> None:
    now = datetime(2026, 12, 1, tzinfo=UTC)
    assert waited_seconds(now - timedelta(seconds=4), now) == 4.0
    assert waited_seconds((now - timedelta(seconds=4)).replace(tzinfo=None), now) == 4.0
    assert waited_seconds(None, now) == waited_seconds(now + timedelta(seconds=9), now) == 0.0
    assert traceparent_of(SimpleNamespace(trace_context=SimpleNamespace(trace_parent=PARENT))) == PARENT
    assert traceparent_of(SimpleNamespace()) == traceparent_of(None) == ""


def test_the_edge_imports_nothing_heavy() -> None:
    """Telemetry included: neither msgraph nor httpx nor OpenTelemetry at the edge."""
    code = (
        "import sys, function_app, shared.wiring;"
        "print([m for m in ('msgraph', 'httpx', 'opentelemetry', 'kiota_abstractions') if m in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"SYNC_ROLE": "ingest", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == "[]"


def test_host_json_keeps_classic_mode_samples_and_lets_our_lines_through() -> None:
    host = json.loads((ROOT / "host.json").read_text())
    assert "telemetryMode" not in host
    sampling = host["logging"]["applicationInsights"]["samplingSettings"]
    assert sampling["isEnabled"] is True
    assert sampling["maxTelemetryItemsPerSecond"] <= 5
    assert "Trace" in sampling["excludedTypes"], "an alert that waits for a line needs every line"
    levels = host["logging"]["logLevel"]
    assert levels["Function"] == "Warning"
    blueprints = (ROOT / "shared" / "functions").glob("*.py")
    named = {
        name for path in blueprints for name in re.findall(r'function_name\("(\w+)"\)', path.read_text())
    }
    assert {f"Function.{name}.User" for name in named} == {
        key for key, level in levels.items() if key.endswith(".User") and level == "Information"
    }


async def test_the_alerts_and_the_workbook_ask_for_numbers_that_are_written(lines: Any) -> None:
    asked = "".join((ROOT / "infra" / name).read_text() for name in ("modules/alerts.bicep", "workbook.json"))
    with telemetry.span("pass", waited_s=1.0, cause="due", mailbox="m"):
        telemetry.sums.throttled()
        telemetry.passed({"actions": 1, "skipped": 1})
    telemetry.measured("state", **overview.state_of([], Service().clock()))
    telemetry.measured("subscriptions", missing=0, lapsing=0)
    service = Service()
    await service.services.dead_letters.add(dead_letter())
    await alerts.look(service.services)
    known = {key for row in lines("measure") for key in row}
    assert set(re.findall(r"\bm\.(\w+)", asked)) <= known
    assert set(re.findall(r"\bs\.(\w+)", asked)) <= {key for row in lines("span") for key in row}
