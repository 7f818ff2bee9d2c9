"""What a month costs, from the measured counts and the list prices of ``prices.toml``."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.idle import Idle
from benchmarks.items import Cost
from benchmarks.ledger import DATAVERSE, GRAPH, MESSAGES, PARTS, STORAGE
from benchmarks.page import Table, shown

SIZES = (1_000, 50_000)
DAYS = 30.4
SECONDS = DAYS * 86_400
SESSIONS = 32
"""Passes at once in one instance (``maxConcurrentSessions``)."""
BUSY = 0.7
"""The part of its core that an instance is filled to before another starts."""
TIMER_RUNS = 1440 + 2 * 2880 + 48 + 288
"""A day's executions of the timers, and of the readings of the change feed that they ask for."""
TIMER_SECONDS = 1.0
"""The least that an execution on demand is charged for."""
HISTORY_MONTHS = 3


@dataclass(frozen=True)
class Mailbox:
    """What one mailbox asks for in a day: at rest, and for each change."""

    idle: Mapping[str, float]
    change: Mapping[str, float]
    changes: float
    pass_cpu: float
    """Seconds of a core."""

    def a_day(self, part: str) -> float:
        return self.idle[part] + self.changes * self.change[part]


@dataclass(frozen=True)
class Month:
    """Amounts by meter: how much of it, and dollars. ``fixed``: dollars whatever the mailboxes do."""

    mailboxes: int
    lines: Sequence[tuple[str, str, float]]
    fixed: float
    requests: Mapping[str, float]

    @property
    def dollars(self) -> float:
        return sum(dollars for _, _, dollars in self.lines)


def prices() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("prices.toml").read_text())


def mailbox_of(idle: Idle, costs: Sequence[Cost], cpu_milliseconds: float, changes: float) -> Mailbox:
    """A change costs the mean of all kinds and sides, with its echoes, and the look-up of its
    notifications."""
    changed = [cost for cost in costs if cost.deed == "changed"]
    change = {part: fmean(cost.all_told[part] for cost in changed) for part in PARTS}
    change[STORAGE] += change[MESSAGES]
    return Mailbox(idle.of_mailbox, change, changes, cpu_milliseconds / 1000)


def active_instances(passes_per_second: float, seconds: float, cpu: float) -> float:
    """How many instances execute something, on average, when passes of that length come at random: with few,
    the part of the time in which there is any; with many, what sessions and cores make necessary."""
    under_way = passes_per_second * seconds
    return max(1 - math.exp(-under_way), under_way / SESSIONS, passes_per_second * cpu / BUSY)


def month(size: int, mailbox: Mailbox, shared: Mapping[str, float], price: Mapping[str, Any]) -> Month:
    monthly = {part: DAYS * (size * mailbox.a_day(part) + shared[part]) for part in PARTS}
    functions, edge = _functions(size, mailbox, monthly, price)
    bus, base = _service_bus(monthly, price)
    rules = price["deployed"]["alert_rules"] * price["alert_rules"]["rule"]
    lines = (
        *functions,
        *bus,
        *_tables(size, mailbox, monthly, price),
        _logs(size, mailbox, monthly, price),
        ("Alert rules", f"{price['deployed']['alert_rules']}", rules),
    )
    fixed = edge + base + rules
    return Month(size, lines, fixed, {part: number / DAYS for part, number in monthly.items()})


Lines = list[tuple[str, str, float]]


def _functions(
    size: int, mailbox: Mailbox, monthly: Mapping[str, float], price: Mapping[str, Any]
) -> tuple[Lines, float]:
    """Lines, and the dollars that are fixed."""
    rate, deployed = price["functions"], price["deployed"]
    passes = monthly[MESSAGES]
    instances = _instances(mailbox, monthly, price)
    timers = DAYS * TIMER_RUNS * TIMER_SECONDS / SECONDS
    active = min(instances + timers, max(instances, 1.0))  # no time is paid for twice
    gb_seconds = active * SECONDS * deployed["worker_gb"]
    executions = passes + DAYS * TIMER_RUNS + size * DAYS * mailbox.changes
    ready = deployed["ingest_gb"] * SECONDS
    lines = [
        (
            "Functions, worker on demand",
            f"{shown(active)} instances active on average, {gb_seconds / 1e6:.2f} million GB-s",
            _over(gb_seconds, rate["free_gb_seconds"]) * rate["gb_second"],
        ),
        (
            "Functions, executions",
            f"{executions / 1e6:.2f} million",
            _over(executions, rate["free_executions"]) / 1e6 * rate["million_executions"],
        ),
        (
            "Functions, edge always ready",
            f"{ready / 1e6:.2f} million GB-s",
            ready * rate["always_ready_gb_second"],
        ),
    ]
    return lines, lines[-1][2]


def _instances(mailbox: Mailbox, monthly: Mapping[str, float], price: Mapping[str, Any]) -> float:
    assumed, passes = price["assumed"], monthly[MESSAGES]
    waited = (monthly[GRAPH] + monthly[DATAVERSE]) * assumed["seconds_per_request"]
    waited += monthly[STORAGE] * assumed["seconds_per_storage_request"]
    seconds = waited / passes + mailbox.pass_cpu
    return active_instances(passes / SECONDS, seconds, mailbox.pass_cpu)


def _service_bus(monthly: Mapping[str, float], price: Mapping[str, Any]) -> tuple[Lines, float]:
    rate = price["service_bus"]
    operations = monthly[MESSAGES] * price["assumed"]["operations_per_message"]
    over = _over(operations, rate["included_operations"]) / 1e6 * rate["million_operations"]
    return [
        ("Service Bus, base", "1 namespace", rate["base"]),
        ("Service Bus, operations", f"{operations / 1e6:.2f} million", over),
    ], rate["base"]


def _tables(
    size: int, mailbox: Mailbox, monthly: Mapping[str, float], price: Mapping[str, Any]
) -> tuple[tuple[str, str, float], ...]:
    rate, assumed = price["tables"], price["assumed"]
    history = HISTORY_MONTHS * DAYS * mailbox.changes * assumed["kb_per_change_in_history"]
    gigabytes = size * (assumed["linked_items"] * assumed["kb_per_link"] + history) / 2**20
    transactions = monthly[STORAGE]
    return (
        (
            "Table Storage, transactions",
            f"{transactions / 1e6:.2f} million",
            transactions / 10_000 * rate["ten_thousand_transactions"],
        ),
        ("Table Storage, data", f"{gigabytes:.1f} GB", gigabytes * rate["gb_month"]),
    )


def _logs(
    size: int, mailbox: Mailbox, monthly: Mapping[str, float], price: Mapping[str, Any]
) -> tuple[str, str, float]:
    """A record of each pass that had something to do, and a sample of the invocations; up to the cap."""
    rate, deployed = price["logs"], price["deployed"]
    busy = DAYS * size * mailbox.changes * mailbox.change[MESSAGES]
    sampled = min(
        monthly[MESSAGES], _instances(mailbox, monthly, price) * SECONDS * deployed["records_per_second"]
    )
    gigabytes = min(
        (busy + sampled) * price["assumed"]["kb_per_record"] / 1e6, DAYS * deployed["log_gb_per_day"]
    )
    return ("Logs", f"{gigabytes:.1f} GB", _over(gigabytes, rate["free_gb"]) * rate["gb"])


def _over(amount: float, free: float) -> float:
    return max(0.0, amount - free)


def table(months: Sequence[Month], mailbox: Mailbox, price: Mapping[str, Any]) -> Table:
    rows: list[list[object]] = []
    for number, (name, _, _) in enumerate(months[0].lines):
        cells: list[object] = [name]
        for each in months:
            _, amount, dollars = each.lines[number]
            cells += [amount, f"{dollars:,.2f}"]
        rows.append(cells)
    rows += [
        ["**a month**", *_dollars([each.dollars for each in months])],
        ["of it fixed", *_dollars([each.fixed for each in months])],
        ["one mailbox", *_dollars([each.dollars / each.mailboxes for each in months])],
    ]
    head = ["meter", *(cell for each in months for cell in (f"{each.mailboxes:,} mailboxes", "$"))]
    return Table(
        "What a month costs",
        f"The counts above times list prices of {price['as_of']} ({price['region']}, US dollars, with their "
        f"sources in `benchmarks/prices.toml`), {shown(mailbox.changes)} changes per mailbox and day.",
        head,
        rows,
        [
            _unverified(price),
            _pass_length(price["assumed"]),
            _entitlements(months),
        ],
    )


def _pass_length(assumed: Mapping[str, Any]) -> str:
    request, storage = assumed["seconds_per_request"], assumed["seconds_per_storage_request"]
    return (
        f"A pass is taken to last {request:g} seconds for each request to Graph or Dataverse, {storage:g} to "
        f"storage, and its own CPU; {SESSIONS} passes share an instance, which is paid for while any "
        "runs. First syncs are not in it: they are paid once."
    )


def _dollars(amounts: Sequence[float]) -> list[object]:
    return [cell for amount in amounts for cell in ("", f"{amount:,.2f}")]


def _unverified(price: Mapping[str, Any]) -> str:
    rates = {name: rate for name, rate in price.items() if isinstance(rate, dict)}
    names = [name for name, rate in rates.items() if not rate.get("verified", True)]
    return (
        f"Quoted by one source only (unverified): {', '.join(names)}. Requests to Graph and Dataverse cost "
        "nothing within their limits."
    )


def _entitlements(months: Sequence[Month]) -> str:
    counts = "; ".join(
        f"{each.mailboxes:,} mailboxes: {each.requests[DATAVERSE]:,.0f} of Dataverse, "
        f"{each.requests[GRAPH]:,.0f} of Graph"
        for each in months
    )
    return (
        f"Requests a day, which count against entitlements: {counts}. Dataverse counts them against the "
        "tenant's pool for application users (unverified: 500,000, and 5,000 more for each licence of "
        "Dynamics 365 Enterprise, a day); Graph has no daily pool. Not counted: the organization's settings, "
        "about 1,440 a day for each worker that is never idle."
    )
