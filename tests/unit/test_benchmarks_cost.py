"""The monthly cost, from counts that are made up."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from benchmarks import cost
from benchmarks.cost import Mailbox, active_instances, month, prices
from benchmarks.idle import Idle
from benchmarks.items import Cost

NOTHING = dict.fromkeys(("graph", "dataverse", "storage", "messages"), 0.0)
SOME = {"graph": 100.0, "dataverse": 10.0, "storage": 200.0, "messages": 50.0}


def mailbox(changes: float = 0, cpu: float = 0.03) -> Mailbox:
    return Mailbox(SOME, {**NOTHING, "dataverse": 2.0, "messages": 1.0}, changes, cpu)


def test_few_passes_are_paid_for_one_by_one_and_many_share_an_instance() -> None:
    assert active_instances(0.001, 2, 0.03) == pytest.approx(0.002, rel=0.01)
    assert active_instances(5, 2, 0.03) == pytest.approx(1, abs=0.001)
    assert active_instances(100, 1, 0.0) == pytest.approx(100 / 32)
    assert active_instances(100, 1, 0.07) == pytest.approx(10)


def test_a_change_is_the_mean_of_all_kinds_and_its_notification_is_looked_up() -> None:
    def one(deed: str, storage: int) -> Cost:
        counts = Counter(graph=2, dataverse=1, storage=storage, messages=2)
        return Cost("event", deed, "Exchange", Counter(), counts)

    idle = Idle({"polling": SOME}, NOTHING, NOTHING, {})
    made = cost.mailbox_of(idle, [one("changed", 4), one("changed", 8), one("made", 99)], 30, 20)
    assert made.change == {"graph": 2, "dataverse": 1, "storage": 6 + 2, "messages": 2}
    assert made.a_day("graph") == 100 + 20 * 2
    assert made.pass_cpu == 0.03


def test_what_is_fixed_does_not_depend_on_mailboxes() -> None:
    price = prices()
    small, large = (month(size, mailbox(), NOTHING, price) for size in (10, 10_000))
    assert small.fixed == large.fixed
    assert small.fixed <= small.dollars < large.dollars


def test_what_is_free_is_not_charged_and_the_rest_is_by_the_list() -> None:
    price: dict[str, Any] = prices()
    lines = {name: dollars for name, _, dollars in month(1, mailbox(), NOTHING, price).lines}
    assert lines["Service Bus, base"] == price["service_bus"]["base"]
    assert lines["Service Bus, operations"] == 0
    assert lines["Logs"] == 0
    transactions = 1000 * 200 * cost.DAYS
    lines = {name: dollars for name, _, dollars in month(1000, mailbox(), NOTHING, price).lines}
    dollars = transactions / 10_000 * price["tables"]["ten_thousand_transactions"]
    assert lines["Table Storage, transactions"] == pytest.approx(dollars)


def test_changes_cost_requests_of_dataverse() -> None:
    idle, busy = (month(1000, mailbox(changes), NOTHING, prices()) for changes in (0, 20))
    assert busy.requests["dataverse"] - idle.requests["dataverse"] == pytest.approx(1000 * 20 * 2)


def test_what_all_share_is_paid_once() -> None:
    shared = {**NOTHING, "dataverse": 23_040.0}
    for size in (10, 1000):
        found = month(size, mailbox(), shared, prices())
        assert found.requests["dataverse"] == pytest.approx(size * 10 + 23_040)


def test_every_price_says_where_it_is_from() -> None:
    rates = [prices()[name] for name in ("functions", "service_bus", "tables", "logs")]
    assert all(rate["source"] and isinstance(rate["verified"], bool) for rate in rates)
