"""The real stores over tables, as the service has them (``shared/wiring.py``); the tables may be a double."""

from __future__ import annotations

from typing import Any, cast

from azure.data.tables.aio import TableServiceClient

from shared.clock import Now
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
from tests.doubles.table_service import TableService


def connected(service: TableService) -> Tables:
    """Our connection to the double."""
    tables = Tables(service=cast(TableServiceClient, service))
    service.on_request = tables.count
    return tables


def stores(tables: Tables, now: Now) -> dict[str, Any]:
    """By the names of their ports in ``Services``."""
    return {
        "store": TableMailboxStore(tables),
        "items": TableItemIndex(tables),
        "history": TableHistoryStore(tables),
        "decisions": TableDecisionStore(tables),
        "registry": TableMailboxRegistry(tables),
        "profiles": TableProfileStore(tables),
        "answers": TableAnswerStore(tables, now),
        "feeds": TableFeedStore(tables),
        "subscriptions": TableSubscriptionStore(tables),
        "dead_letters": TableDeadLetterStore(tables),
        "alerts": TableAlertStore(tables),
    }
