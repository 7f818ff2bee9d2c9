"""The in-memory doubles keep the contracts of the real stores."""

from __future__ import annotations

import pytest

from tests.contracts import history_store, mailbox_store, registry, small_stores
from tests.contracts.small_stores import MovedClock
from tests.doubles import tables

mailbox = mailbox_store.mailbox


class TestMemoryMailboxStore(mailbox_store.MailboxStoreContract):
    @pytest.fixture
    def store(self) -> tables.MemoryMailboxStore:
        return tables.MemoryMailboxStore()


class TestMemoryHistoryStore(history_store.HistoryStoreContract):
    @pytest.fixture
    def store(self) -> tables.MemoryHistoryStore:
        return tables.MemoryHistoryStore()


class TestMemoryMailboxRegistry(registry.MailboxRegistryContract):
    @pytest.fixture
    def registry(self) -> tables.MemoryMailboxRegistry:
        return tables.MemoryMailboxRegistry()


class TestMemoryItemIndex(small_stores.ItemIndexContract):
    @pytest.fixture
    def items(self) -> tables.MemoryItemIndex:
        return tables.MemoryItemIndex()


class TestMemoryDecisionStore(small_stores.DecisionStoreContract):
    @pytest.fixture
    def decisions(self) -> tables.MemoryDecisionStore:
        return tables.MemoryDecisionStore()


class TestMemoryProfileStore(small_stores.ProfileStoreContract):
    @pytest.fixture
    def profiles(self) -> tables.MemoryProfileStore:
        return tables.MemoryProfileStore()


class TestMemoryAnswerStore(small_stores.AnswerStoreContract):
    @pytest.fixture
    def moved(self) -> MovedClock:
        return MovedClock()

    @pytest.fixture
    def answers(self, moved: MovedClock) -> tables.MemoryAnswerStore:
        return tables.MemoryAnswerStore(moved)


class TestMemoryFeedStore(small_stores.FeedStoreContract):
    @pytest.fixture
    def feeds(self) -> tables.MemoryFeedStore:
        return tables.MemoryFeedStore()


class TestMemorySubscriptionStore(small_stores.SubscriptionStoreContract):
    @pytest.fixture
    def subscriptions(self) -> tables.MemorySubscriptionStore:
        return tables.MemorySubscriptionStore()


class TestMemoryDeadLetterStore(small_stores.DeadLetterStoreContract):
    @pytest.fixture
    def letters(self) -> tables.MemoryDeadLetterStore:
        return tables.MemoryDeadLetterStore()


class TestMemoryAlertStore(small_stores.AlertStoreContract):
    @pytest.fixture
    def alerts(self) -> tables.MemoryAlertStore:
        return tables.MemoryAlertStore()
