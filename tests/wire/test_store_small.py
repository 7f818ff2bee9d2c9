"""The small stores against real Table Storage."""

from __future__ import annotations

import pytest

from shared.store.alerts import TableAlertStore
from shared.store.answers import TableAnswerStore
from shared.store.dead_letters import TableDeadLetterStore
from shared.store.decisions import TableDecisionStore
from shared.store.feeds import TableFeedStore
from shared.store.items import TableItemIndex
from shared.store.profiles import TableProfileStore
from shared.store.subscriptions import TableSubscriptionStore
from shared.store.tables import Tables
from tests.contracts import small_stores
from tests.contracts.small_stores import MovedClock, decision, subscription


class TestTableItemIndex(small_stores.ItemIndexContract):
    @pytest.fixture
    def items(self, tables: Tables) -> TableItemIndex:
        return TableItemIndex(tables)

    async def test_requests(self, tables: Tables, items: TableItemIndex) -> None:
        for call, expected in (
            (items.own("appointment", "d1", "m1", instead_of=None), 1),
            (items.own("appointment", "d1", "m2", instead_of=None), 2),
            (items.join("appointment", "d1", "m1"), 1),
            (items.entry("appointment", "d1"), 1),
            (items.by_ical_uid("uid"), 1),
        ):
            before = tables.requests
            await call
            assert tables.requests - before == expected


class TestTableDecisionStore(small_stores.DecisionStoreContract):
    @pytest.fixture
    def decisions(self, tables: Tables) -> TableDecisionStore:
        return TableDecisionStore(tables)

    async def test_a_shorter_question_leaves_nothing_of_the_longer(
        self, decisions: TableDecisionStore
    ) -> None:
        await decisions.put(decision(id="one", mailbox="m1", question="?" * 90_000))
        await decisions.put(decision(id="one", mailbox="m1", question="short?"))
        found = await decisions.get("one")
        assert found is not None
        assert found.question == "short?"

    async def test_the_questions_of_a_mailbox_are_one_query(
        self, tables: Tables, decisions: TableDecisionStore
    ) -> None:
        await decisions.of_mailbox("m1")
        assert tables.requests == 1


class TestTableProfileStore(small_stores.ProfileStoreContract):
    @pytest.fixture
    def profiles(self, tables: Tables) -> TableProfileStore:
        return TableProfileStore(tables)


class TestTableAnswerStore(small_stores.AnswerStoreContract):
    @pytest.fixture
    def moved(self) -> MovedClock:
        return MovedClock()

    @pytest.fixture
    def answers(self, tables: Tables, moved: MovedClock) -> TableAnswerStore:
        return TableAnswerStore(tables, moved)

    async def test_old_answers_go_with_the_next(
        self, tables: Tables, answers: TableAnswerStore, moved: MovedClock
    ) -> None:
        await answers.put("m1", "old", {})
        moved.now += small_stores.timedelta(hours=2)
        await answers.put("m1", "new", {})
        found = tables.table("answers").query("PartitionKey eq @p", {"p": "m1"})
        assert [row["RowKey"] async for row in found] == ["new:000"]


class TestTableFeedStore(small_stores.FeedStoreContract):
    @pytest.fixture
    def feeds(self, tables: Tables) -> TableFeedStore:
        return TableFeedStore(tables)


class TestTableSubscriptionStore(small_stores.SubscriptionStoreContract):
    @pytest.fixture
    def subscriptions(self, tables: Tables) -> TableSubscriptionStore:
        return TableSubscriptionStore(tables)

    async def test_ingest_looks_up_with_one_read(
        self, tables: Tables, subscriptions: TableSubscriptionStore
    ) -> None:
        await subscriptions.put(subscription(id="s1"))
        before = tables.requests
        assert await subscriptions.get("s1")
        assert tables.requests == before + 1


class TestTableDeadLetterStore(small_stores.DeadLetterStoreContract):
    @pytest.fixture
    def letters(self, tables: Tables) -> TableDeadLetterStore:
        return TableDeadLetterStore(tables)


class TestTableAlertStore(small_stores.AlertStoreContract):
    @pytest.fixture
    def alerts(self, tables: Tables) -> TableAlertStore:
        return TableAlertStore(tables)

    async def test_a_hundred_alerts_are_one_request(self, tables: Tables, alerts: TableAlertStore) -> None:
        await alerts.put([small_stores.alert(f"mailbox-broken.{number}") for number in range(100)])
        assert tables.requests == 1
