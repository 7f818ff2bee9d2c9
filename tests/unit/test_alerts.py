"""Alerts: raised once, kept while it lasts, cleared by themselves, and what is said of them."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.engine.ports import Cursor, PendingDecision, Question
from shared.engine.router import FEED_TABLES
from shared.errors import Transient
from shared.mailboxes import alerts
from shared.mailboxes.alerts import compared
from shared.mailboxes.conditions import KINDS, Condition, measure
from shared.model.alert import Alert, Severity
from tests.contracts.small_stores import dead_letter
from tests.doubles.service import FEED, Service
from tests.doubles.world import EPOCH, MemoryMailbox
from tests.marks import rule

BROKEN = Condition("mailbox-broken", "m1", "m1")
FAILING = Condition("mailbox-failing", "m1", "m1")


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def ada(service: Service) -> MemoryMailbox:
    """Subscribed, past her first pass, with nothing wrong."""
    box = service.person("ada", 1)
    await service.subscribe(box)
    await service.settle()
    return box


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    """What was said of alerts so far."""
    caplog.set_level(logging.INFO)

    def read() -> list[dict[str, Any]]:
        texts = [record.getMessage() for record in caplog.records if record.name == "sync.measure"]
        found = [json.loads(text.removeprefix("measure ")) for text in texts]
        return [line for line in found if line["kind"] == "alert"]

    return read


async def conditions(service: Service) -> dict[str, int]:
    found = {each.key: each.count for each in await measure(service.services)}
    return {key: count for key, count in found.items() if not key.startswith("subscriptions-lapsing")}


# --- raising and clearing -------------------------------------------------------------------------


@rule("MBX-19")
def test_an_alert_is_raised_once_and_cleared_once() -> None:
    rows: tuple[Alert, ...] = ()
    events = []
    for minute, found in enumerate([[], [BROKEN], [BROKEN], [BROKEN], [], []]):
        outcome = compared(rows, found, EPOCH + timedelta(minutes=5 * minute))
        rows = outcome.kept
        events.append((len(outcome.raised), len(outcome.cleared)))
    assert events == [(0, 0), (1, 0), (0, 0), (0, 0), (0, 1), (0, 0)]
    (row,) = rows
    assert row.raised_at == EPOCH + timedelta(minutes=5)
    assert row.last_seen_at == EPOCH + timedelta(minutes=15)
    assert row.cleared_at == EPOCH + timedelta(minutes=20)


def test_what_may_pass_by_itself_is_given_time() -> None:
    patience = KINDS["mailbox-failing"].patience
    first = compared((), [FAILING], EPOCH)
    assert (first.raised, first.kept[0].active) == ((), False)
    soon = compared(first.kept, [FAILING], EPOCH + patience - timedelta(seconds=1))
    assert soon.raised == ()
    passed = compared(soon.kept, [], EPOCH + patience)
    assert (passed.kept, passed.cleared) == ((), ())
    assert [alert.key for alert in passed.dropped] == [FAILING.key]
    late = compared(soon.kept, [FAILING], EPOCH + patience)
    assert [alert.key for alert in late.raised] == [FAILING.key]


def test_what_comes_back_is_raised_anew_and_what_is_long_over_is_forgotten() -> None:
    over = compared(compared((), [BROKEN], EPOCH).kept, [], EPOCH + timedelta(hours=1))
    again = compared(over.kept, [BROKEN], EPOCH + timedelta(hours=2))
    assert [alert.raised_at for alert in again.raised] == [EPOCH + timedelta(hours=2)]
    assert again.kept[0].cleared_at is None
    assert compared(over.kept, [], EPOCH + timedelta(days=30)).kept == over.kept
    forgotten = compared(over.kept, [], EPOCH + timedelta(days=31))
    assert (forgotten.kept, forgotten.dropped) == ((), over.kept)


_sets = st.lists(st.sets(st.sampled_from(["a", "b", "c"])), max_size=12)


@given(found=_sets, what=st.sampled_from(sorted(KINDS)))
def test_raising_and_clearing_alternate_whatever_comes_and_goes(found: list[set[str]], what: str) -> None:
    rows: tuple[Alert, ...] = ()
    up: set[str] = set()
    for number, names in enumerate(found):
        now = EPOCH + timedelta(minutes=7 * number)
        outcome = compared(rows, [Condition(what, name) for name in sorted(names)], now)
        raised, cleared = {a.key for a in outcome.raised}, {a.key for a in outcome.cleared}
        assert not raised & up
        assert cleared == up - {f"{what}.{name}" for name in names}
        up = (up | raised) - cleared
        rows = outcome.kept
        assert {alert.key for alert in rows if alert.active} == up
        assert len({alert.key for alert in rows}) == len(rows)


# --- what is wrong --------------------------------------------------------------------------------


async def test_nothing_is_wrong_with_a_service_that_runs(service: Service, ada: MemoryMailbox) -> None:
    assert await conditions(service) == {}


async def test_a_mailbox_that_is_broken_fails_or_comes_too_late(service: Service, ada: MemoryMailbox) -> None:
    registry = service.services.registry
    await registry.patch(ada.id, failures=2)
    assert await conditions(service) == {}
    await registry.patch(ada.id, failures=3)
    assert await conditions(service) == {f"mailbox-failing.{ada.id}": 1}
    await registry.patch(ada.id, state="broken")
    assert await conditions(service) == {f"mailbox-broken.{ada.id}": 1}
    await registry.patch(ada.id, state="active", failures=0, poll_at=service.clock() - timedelta(minutes=31))
    assert await conditions(service) == {"mailboxes-lag": 1}
    await registry.patch(ada.id, state="paused")
    assert await conditions(service) == {}


async def test_a_feed_that_is_not_read_any_more(service: Service, ada: MemoryMailbox) -> None:
    long_ago = service.clock() - timedelta(minutes=16)
    cursors = await service.services.feeds.cursors(FEED)
    old = [replace(cursors[table], updated_at=long_ago) for table in FEED_TABLES[:2]]
    await service.services.feeds.put_cursors(FEED, old)
    assert await conditions(service) == {"feed-silent": 2}
    await service.read_feed()
    assert await conditions(service) == {}


async def test_subscriptions_that_are_missing(service: Service, ada: MemoryMailbox) -> None:
    rows = await service.services.subscriptions.of_mailbox(ada.id)
    assert [each.what for each in await measure(service.services)] == []
    await service.services.subscriptions.remove(rows[0].id)
    (found,) = await measure(service.services)
    assert (found.what, found.count) == ("subscriptions-lapsing", 1)


@rule("MBX-19")
@pytest.mark.parametrize("kind", list(Question))
async def test_whatever_asks_for_a_decision_is_told(
    service: Service, ada: MemoryMailbox, lines: Any, kind: Question
) -> None:
    decisions = service.services.decisions
    for number in range(2):
        await decisions.put(PendingDecision(f"d{number}", ada.id, kind, "Which?", service.clock()))
    await alerts.look(service.services)
    (line,) = lines()
    assert (line["what"], line["count"], line["told"]) == ("decisions-waiting", 2, True)
    assert line["severity"] == "information"
    for number in range(2):
        asked = await decisions.get(f"d{number}")
        assert asked is not None
        await decisions.remove(asked)
    await alerts.look(service.services)
    assert [each["event"] for each in lines()] == ["raised", "cleared"]


async def test_an_alert_in_which_nothing_changed_is_not_written_again(
    service: Service, ada: MemoryMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[list[Alert]] = []
    keep = service.services.alerts.put

    async def put(rows: Sequence[Alert]) -> None:
        written.append(list(rows))
        await keep(rows)

    monkeypatch.setattr(service.services.alerts, "put", put)
    await service.services.registry.patch(ada.id, state="broken")
    await alerts.look(service.services)
    await service.services.registry.patch(ada.id, state="active")
    for _ in range(3):
        await alerts.look(service.services)
    assert [[each.active for each in rows] for rows in written] == [[True], [False], [], []]


async def test_dead_letters_by_queue(service: Service) -> None:
    for number in (1, 2):
        await service.services.dead_letters.add(dead_letter(number))
    await service.services.dead_letters.add(dead_letter(3, queue="dynamics-feed"))
    assert await conditions(service) == {"dead-letters.mailbox-sync": 2, "dead-letters.dynamics-feed": 1}


async def test_what_cannot_be_measured_clears_nothing(
    service: Service, ada: MemoryMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.services.registry.patch(ada.id, state="broken")
    await alerts.look(service.services)
    before = await service.services.alerts.all()

    async def away(_organization: str) -> dict[str, Cursor]:
        raise Transient("no tables")

    monkeypatch.setattr(service.services.feeds, "cursors", away)
    await service.services.registry.patch(ada.id, state="active")
    with pytest.raises(Transient):
        await alerts.look(service.services)
    assert await service.services.alerts.all() == before


# --- what is said ---------------------------------------------------------------------------------


@rule("MBX-19")
@pytest.mark.parametrize(
    ("severity", "told"),
    [(Severity.ERROR, True), (Severity.INFORMATION, True), (Severity.WARNING, False)],
)
def test_errors_and_information_are_told_and_warnings_are_not(severity: Severity, told: bool) -> None:
    assert severity.told is told


async def test_a_line_names_nobody(service: Service, ada: MemoryMailbox, lines: Any) -> None:
    await service.services.registry.patch(ada.id, state="broken")
    await alerts.look(service.services)
    await alerts.look(service.services)
    (line,) = lines()
    assert (line["event"], line["what"], line["severity"]) == ("raised", "mailbox-broken", "error")
    assert ada.id not in json.dumps(line)
    assert "@" not in json.dumps(line)


@rule("MBX-19")
def test_what_is_told_is_mailed_by_one_rule_or_another() -> None:
    """The template mails each raised alert that is told, but for those with a rule of their own."""
    text = (Path(__file__).parents[2] / "infra" / "modules" / "alerts.bicep").read_text()
    (query,) = re.findall(r"'(.*m\.kind\) == \"alert\".*)'", text)
    assert 'tostring(m.event) == "raised" and tobool(m.told)' in query
    (excluded,) = re.findall(r"!in \((.*)\)", query)
    others = {"mailbox-broken": "m.broken", "mailboxes-lag": "m.late_s"}
    assert {name.strip(' "') for name in excluded.split(",")} == set(others) <= set(KINDS)
    assert all(measured in text for measured in others.values())
