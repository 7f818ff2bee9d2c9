"""The one place where settings become connected objects. Built once per process, at first use."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from shared.clock import Now
from shared.engine.ports import Jobs, SubscriptionStore
from shared.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Edge:
    """What the public endpoints may use."""

    settings: Settings
    subscriptions: SubscriptionStore
    jobs: Jobs
    now: Now


@cache
def settings() -> Settings:
    return Settings.from_environment(os.environ)


def feed_session(values: Settings) -> str:
    """How the organization's feed is called in sessions and cursors: its host name."""
    return urlsplit(values.dataverse_url).netloc.lower()


class _Once(Generic[T]):
    """Builds something once, whoever asks first, however many ask at once."""

    def __init__(self, build: Callable[[], Awaitable[T]]) -> None:
        self._build = build
        self._value: T | None = None
        self._lock: asyncio.Lock | None = None

    async def __call__(self) -> T:
        if self._value is None:
            self._lock = self._lock or asyncio.Lock()
            async with self._lock:
                if self._value is None:
                    self._value = await self._build()
        return self._value
