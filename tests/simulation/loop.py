"""An event loop in which nothing is waited for: when nobody has anything to do, the clock moves to whoever
has something to do next. Nothing from outside (sockets, threads) can wake it."""

from __future__ import annotations

import asyncio
import os
import random
import selectors
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar

import httpx

from local.clock import SimulatedClock

T = TypeVar("T")


class NothingWillHappenError(RuntimeError):
    """Everybody waits for somebody else: a deadlock, or something that waits for the world outside."""


class _Selector(selectors.SelectSelector):
    """Waiting is moving the clock."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise NothingWillHappenError
        if timeout > 0:
            self._clock.advance(timeout)
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """``asyncio.sleep`` and every time-out are by the simulated clock, whoever calls them."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__(_Selector(clock))
        self._clock = clock

    def time(self) -> float:
        return self._clock.own_offset


def _hurry_httpx() -> None:
    """It takes each URL apart several times per request, and delta links are long; and it looks for cookies,
    which nobody sets here, by making up a request of another library. Together a quarter of all time."""
    if not hasattr(httpx._urls.urlparse, "cache_info"):
        httpx._urls.urlparse = lru_cache(4096)(httpx._urls.urlparse)
        httpx.Cookies.extract_cookies = lambda self, response: None  # type: ignore[method-assign]


def run(clock: SimulatedClock, seed: int, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run it to its end; the same seed gives the same run."""
    _hurry_httpx()
    with seeded_entropy(seed), asyncio.Runner(loop_factory=lambda: SimulatedLoop(clock)) as runner:
        return runner.run(main())


@contextmanager
def seeded_entropy(seed: int) -> Iterator[None]:
    """What ``uuid4``, ``secrets`` and ``SystemRandom`` draw from, in our code and in SDKs, is the seed."""
    source = random.Random(f"entropy {seed}")
    before = os.urandom, random._urandom
    os.urandom = random._urandom = source.randbytes
    random.seed(seed)
    try:
        yield
    finally:
        os.urandom, random._urandom = before
