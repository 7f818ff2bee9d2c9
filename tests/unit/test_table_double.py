"""The table double keeps the contract that Azurite keeps, and the real stores over it keep theirs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.store.alerts import TableAlertStore
from shared.store.answers import TableAnswerStore
from shared.store.dead_letters import TableDeadLetterStore
from shared.store.decisions import TableDecisionStore
from shared.store.feeds import TableFeedStore
from shared.store.history import TableHistoryStore
from shared.store.items import TableItemIndex
from shared.store.mailbox_store import TableMailboxStore
from shared.store.profiles import TableProfileStore
from shared.store.registry import TableMailboxRegistry
from shared.store.subscriptions import TableSubscriptionStore
from shared.store.tables import Tables
from tests.contracts import history_store, mailbox_store, registry, small_stores
from tests.contracts import tables as tables_contract
from tests.contracts.small_stores import MovedClock
from tests.doubles.stores import connected
from tests.doubles.table_service import TableService

table = tables_contract.table
mailbox = mailbox_store.mailbox


@pytest.fixture
async def tables() -> AsyncIterator[Tables]:
    async with connected(TableService()) as made:
        await made.ensure()
        made.requests = 0
        yield made


class TestTableDouble(tables_contract.TablesContract):
    """Without a server."""


class TestMailboxStore(mailbox_store.MailboxStoreContract):
    @pytest.fixture
    def store(self, tables: Tables) -> TableMailboxStore:
        return TableMailboxStore(tables)


class TestHistoryStore(history_store.HistoryStoreContract):
    @pytest.fixture
    def store(self, tables: Tables) -> TableHistoryStore:
        return TableHistoryStore(tables)


class TestMailboxRegistry(registry.MailboxRegistryContract):
    @pytest.fixture
    def registry(self, tables: Tables) -> TableMailboxRegistry:
        return TableMailboxRegistry(tables)


class TestItemIndex(small_stores.ItemIndexContract):
    @pytest.fixture
    def items(self, tables: Tables) -> TableItemIndex:
        return TableItemIndex(tables)


class TestDecisionStore(small_stores.DecisionStoreContract):
    @pytest.fixture
    def decisions(self, tables: Tables) -> TableDecisionStore:
        return TableDecisionStore(tables)


class TestProfileStore(small_stores.ProfileStoreContract):
    @pytest.fixture
    def profiles(self, tables: Tables) -> TableProfileStore:
        return TableProfileStore(tables)


class TestAnswerStore(small_stores.AnswerStoreContract):
    @pytest.fixture
    def moved(self) -> MovedClock:
        return MovedClock()

    @pytest.fixture
    def answers(self, tables: Tables, moved: MovedClock) -> TableAnswerStore:
        return TableAnswerStore(tables, moved)


class TestFeedStore(small_stores.FeedStoreContract):
    @pytest.fixture
    def feeds(self, tables: Tables) -> TableFeedStore:
        return TableFeedStore(tables)


class TestSubscriptionStore(small_stores.SubscriptionStoreContract):
    @pytest.fixture
    def subscriptions(self, tables: Tables) -> TableSubscriptionStore:
        return TableSubscriptionStore(tables)


class TestDeadLetterStore(small_stores.DeadLetterStoreContract):
    @pytest.fixture
    def letters(self, tables: Tables) -> TableDeadLetterStore:
        return TableDeadLetterStore(tables)


class TestAlertStore(small_stores.AlertStoreContract):
    @pytest.fixture
    def alerts(self, tables: Tables) -> TableAlertStore:
        return TableAlertStore(tables)
