"""The subscriptions of all mailboxes: renewed spread and bounded, made anew, refused by Graph, and how far
the net relies on them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.engine.ports import Subscription
from shared.errors import Refused, SyncError, Throttled, Transient
from shared.jobs.messages import Job
from shared.mailboxes import alerts, jobs_of_mailbox, renewals
from shared.mailboxes.conditions import measure
from shared.mailboxes.renewals import renew_all
from shared.model.event import ExchangeEvent
from shared.model.mailbox import Mailbox
from tests.doubles.service import Service
from tests.doubles.world import EPOCH, MemoryMailbox
from tests.marks import rule
from tests.rules.build import CATEGORY, at

SOON = EPOCH + timedelta(days=3)
FULL = Refused("Graph answered 403 ExtensionError", code="ExtensionError", status=403)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def ada(service: Service) -> MemoryMailbox:
    return await person(service, "ada", 1)


async def person(service: Service, name: str, number: int) -> MemoryMailbox:
    box = service.person(name, number)
    await service.subscribe(box)
    await service.settle()
    return box


async def row(service: Service, box: MemoryMailbox) -> Mailbox:
    found = await service.services.registry.get(box.id)
    assert found is not None
    return found


class Graph:
    """What the service asks of Graph about subscriptions, and what goes wrong with it."""

    def __init__(self, service: Service, patch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.error: SyncError | None = None
        for name in ("subscribe", "renew_subscription", "subscriptions"):
            patch.setattr(service.exchange, name, self._watched(name, getattr(service.exchange, name)))

    def _watched(self, name: str, original: Any) -> Any:
        async def call(*given: object, **named: object) -> Any:
            self.asked.append(name)
            if self.error is not None:
                raise self.error
            return await original(*given, **named)

        return call

    def take(self) -> list[str]:
        taken, self.asked = self.asked, []
        return sorted(taken)


@pytest.fixture
def graph(service: Service, monkeypatch: pytest.MonkeyPatch) -> Graph:
    return Graph(service, monkeypatch)


async def wait_of(service: Service, box: MemoryMailbox, cause: str = "due") -> float:
    """Minutes until the next poll, after a pass in which everything was read."""
    await service.services.registry.patch(box.id, poll_at=None, activity=0.0)
    await service.run_pass(box, cause)
    found = await row(service, box)
    assert found.poll_at is not None
    return (found.poll_at - service.clock()) / timedelta(minutes=1)


def touch(box: MemoryMailbox) -> ExchangeEvent:
    return box.add(subject="Kickoff", categories=[CATEGORY], time=at(SOON))


# --- how far they are relied on -------------------------------------------------------------------


@rule("MBX-14")
async def test_a_mailbox_with_its_subscriptions_is_polled_less_often(
    service: Service, ada: MemoryMailbox
) -> None:
    assert (await row(service, ada)).subscribed_until == min(
        each.expires_at for each in await service.services.subscriptions.of_mailbox(ada.id)
    )
    assert 24 <= await wait_of(service, ada) <= 29
    service.clock.forward(8 * 86400)
    assert await wait_of(service, ada) <= 12
    await renew_all(service.services)
    assert 24 <= await wait_of(service, ada) <= 29


@rule("MBX-14", "PAIN-7")
async def test_a_change_of_which_nobody_told_brings_the_polls_back_and_the_subscriptions_are_looked_at(
    service: Service, ada: MemoryMailbox, graph: Graph
) -> None:
    """Graph lost them without a word."""
    await renew_all(service.services)
    service.exchange.watching.clear()
    touch(ada)
    assert await wait_of(service, ada) <= 12
    assert await wait_of(service, ada) <= 12
    graph.take()
    outcome = await renew_all(service.services)
    assert (outcome.removed, outcome.recreated) == (2, 2)
    assert len(service.exchange.watching) == 2
    service.clock.forward(86400)
    assert 24 <= await wait_of(service, ada) <= 29


@rule("MBX-14")
async def test_a_notification_that_comes_restores_the_trust(service: Service, ada: MemoryMailbox) -> None:
    touch(ada)
    assert await wait_of(service, ada) <= 12
    await service.run_pass(ada, "notification")
    assert (await row(service, ada)).untold_at is None
    assert 24 <= await wait_of(service, ada) <= 29


@rule("MBX-14")
async def test_missed_notifications_are_made_good_at_once_and_not_relied_on(
    service: Service, ada: MemoryMailbox
) -> None:
    touch(ada)
    await service.run_pass(ada, "missed")
    assert len(service.dynamics.rows) == 1
    found = await row(service, ada)
    assert found.untold_at == service.clock()
    assert found.poll_at is not None
    assert found.poll_at <= service.clock() + timedelta(minutes=12)


async def test_what_comes_from_dynamics_says_nothing_of_notifications(
    service: Service, ada: MemoryMailbox
) -> None:
    event = touch(ada)
    await service.run_pass(ada, "notification")
    (appointment,) = service.dynamics.rows.values()
    service.dynamics.edit(appointment.id, subject="Changed")
    await service.read_feed()
    await service.run_pass(ada, "due")
    assert ada.items[event.id].value("subject") == "Changed"
    assert 24 <= await wait_of(service, ada) <= 29


# --- lifecycle ------------------------------------------------------------------------------------


async def test_a_subscription_that_graph_removed_is_made_anew(service: Service, ada: MemoryMailbox) -> None:
    gone = next(iter(service.exchange.watching))
    del service.exchange.watching[gone]
    touch(ada)
    await service.run_pass(ada, "subscriptions")
    assert len(service.exchange.watching) == 2
    assert len(service.dynamics.rows) == 1
    rows = await service.services.subscriptions.of_mailbox(ada.id)
    assert {each.id for each in rows} == set(service.exchange.watching)


@rule("MBX-16")
async def test_an_extension_that_does_not_work_now_is_tried_by_the_timer_and_polls_meanwhile(
    service: Service, ada: MemoryMailbox, graph: Graph
) -> None:
    graph.error = Transient("no answer", status=503)
    service.clock.forward(3600)
    await service.run_pass(ada, "reauthorize")
    assert (await row(service, ada)).subscribed_until is None
    assert await wait_of(service, ada) <= 12
    graph.error = None
    outcome = await renew_all(service.services)
    assert outcome.renewed == 2
    assert 24 <= await wait_of(service, ada) <= 29


# --- Graph refuses --------------------------------------------------------------------------------


@rule("MBX-16", "PAIN-7")
async def test_a_mailbox_whose_subscriptions_graph_refuses_is_polled_and_asked_for_seldom(
    service: Service, graph: Graph
) -> None:
    """The limit is 1,000 a mailbox, of all applications; one alert says so."""
    graph.error = FULL
    ada = await person(service, "ada", 1)
    assert "subscribe" in graph.take()
    for _ in range(11):
        service.clock.forward(1800)
        await renew_all(service.services)
    assert "subscribe" not in graph.take()
    assert await wait_of(service, ada) <= 12
    found = {each.key: each.count for each in await measure(service.services)}
    assert found["subscriptions-refused"] == 1
    assert "subscriptions-lapsing" not in found
    raised = [alert.what for _ in range(3) for alert in (await alerts.look(service.services)).raised]
    assert raised.count("subscriptions-refused") == 1
    service.clock.forward(1800)
    await renew_all(service.services)
    assert graph.take().count("subscribe") == 1
    graph.error = None
    service.clock.forward(6 * 3600)
    assert (await renew_all(service.services)).recreated == 2
    assert 24 <= await wait_of(service, ada) <= 29
    cleared = [alert.what for alert in (await alerts.look(service.services)).cleared]
    assert "subscriptions-refused" in cleared


# --- the timer ------------------------------------------------------------------------------------


async def test_a_run_with_nothing_to_do_asks_graph_for_nothing(
    service: Service, ada: MemoryMailbox, graph: Graph
) -> None:
    await renew_all(service.services)
    graph.take()
    for _ in range(11):
        service.clock.forward(1800)
        await renew_all(service.services)
    assert graph.take() == []
    service.clock.forward(1800)
    await renew_all(service.services)
    assert graph.take() == ["subscriptions"]


async def many(service: Service, number: int) -> None:
    """Mailboxes enabled at once, their subscriptions made at once."""
    ends = service.clock() + timedelta(minutes=10_000)
    for n in range(number):
        box = service.person(f"p{n}", n + 10)
        user = service.dynamics.users[box.address]
        await service.services.registry.add(
            Mailbox(box.id, box.address, user, subscribed_until=ends, last_pass_at=service.clock())
        )
        for kind in ("events", "contacts"):
            made = Subscription(f"{n}-{kind}", box.id, f"/users/{box.id}/{kind}", ends)
            service.exchange.watching[made.id] = made
            await service.services.subscriptions.put(
                renewals.SubscriptionRow(made.id, box.id, made.resource, "", ends)
            )


async def run_until(service: Service, end: datetime, graph: Graph) -> list[int]:
    counts = []
    while service.clock() < end:
        await renew_all(service.services)
        counts.append(graph.take().count("renew_subscription"))
        service.clock.forward(1800)
    return counts


async def test_renewals_of_mailboxes_that_began_together_are_spread_over_a_day(
    service: Service, graph: Graph
) -> None:
    await many(service, 100)
    counts = await run_until(service, EPOCH + timedelta(days=6.8), graph)
    assert sum(counts) == 200
    assert max(counts) <= 20
    assert all(each.expires_at > service.clock() for each in service.exchange.watching.values())


async def test_a_run_does_a_bounded_amount_and_the_soonest_first(
    service: Service, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewals, "A_RUN", 7)
    await many(service, 30)
    service.clock.forward(6 * 86400)
    counts = await run_until(service, service.clock() + timedelta(hours=3), graph)
    assert counts[:5] == [14, 14, 14, 14, 4]
    assert sum(counts) == 60


@pytest.mark.parametrize(
    "error", [Throttled("slower", retry_after=60, status=429), Transient("away", status=503)]
)
async def test_a_run_that_is_refused_everything_ends_early_and_the_next_goes_on(
    service: Service, graph: Graph, error: SyncError
) -> None:
    await many(service, 60)
    service.clock.forward(6 * 86400)
    await service.services.feeds.put_cursors(service.services.feed, await _listed(service))
    graph.error = error
    await renew_all(service.services)
    assert len(graph.take()) <= 2 * (renewals.GIVE_UP + renewals.AT_ONCE)
    graph.error = None
    assert (await renew_all(service.services)).renewed == 120


async def _listed(service: Service) -> Sequence[renewals.Cursor]:
    return [renewals.Cursor(renewals.LISTED, "", complete=True, updated_at=service.clock())]


async def test_a_pass_about_a_subscription_reads_no_filters(service: Service, ada: MemoryMailbox) -> None:
    """Graph asks for one every so often; that costs Dynamics nothing."""
    before = (await row(service, ada)).filters_read_at
    service.clock.forward(60)
    await jobs_of_mailbox.run(service.services, Job(ada.id, "reauthorize"))
    assert (await row(service, ada)).filters_read_at == before
