"""Everything a pass works with, connected once in ``shared.wiring`` and handed down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.engine.ports import (
    AlertStore,
    AnswerStore,
    DeadLetterStore,
    DecisionStore,
    DynamicsSystem,
    Exchange,
    FeedStore,
    HistoryStore,
    ItemIndex,
    Jobs,
    MailboxRegistry,
    MailboxStore,
    ProfileStore,
    SubscriptionStore,
)


async def _no_step(_name: str) -> None:
    """Nobody watches the steps."""


@dataclass(frozen=True, slots=True)
class Services:
    """The ports, the clock, and ``on_step``: called between any two steps of a pass (traces, crash tests).
    ``feed`` names the organization's change feed: the session of its jobs, the partition of its cursors;
    ``filters_every``: how often the system's sync filters are looked at."""

    exchange: Exchange
    dynamics: DynamicsSystem
    store: MailboxStore
    items: ItemIndex
    history: HistoryStore
    decisions: DecisionStore
    registry: MailboxRegistry
    profiles: ProfileStore
    answers: AnswerStore
    feeds: FeedStore
    subscriptions: SubscriptionStore
    dead_letters: DeadLetterStore
    alerts: AlertStore
    jobs: Jobs
    now: Callable[[], datetime]
    feed: str
    filters_every: timedelta = timedelta(minutes=12)
    on_step: Callable[[str], Awaitable[None]] = _no_step
