"""Service protection limits: requests, execution time and concurrency of one user in a sliding window."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from local.clock import Clock
from local.dataverse.errors import Refusal, refuse


@dataclass(frozen=True)
class Limits:
    """The defaults that Microsoft documents, per user and web server. ``advised``: how many requests at once
    every answer says would be best. ``operation_seconds``: what each operation takes here, whether it comes
    alone or in a batch, for days in which the service is slow."""

    requests: int = 6000
    milliseconds: int = 1_200_000
    concurrent: int = 52
    window_seconds: int = 300
    advised: int = 10
    operation_seconds: float = 0.0


class ServiceProtection:
    """Counts what the service's own user does; a refused request counts too, so hammering prolongs it."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self.refused = 0
        self._clock = clock
        self._requests: deque[float] = deque()
        self._spent: deque[tuple[float, float]] = deque()
        self._total = 0.0
        self._running = 0

    @contextmanager
    def request(self) -> Iterator[None]:
        """Around the whole answering of one request; raises the documented 429 instead."""
        try:
            self._admit()
        except Refusal:
            self.refused += 1
            raise
        time = asyncio.get_running_loop().time
        self._running += 1
        began = time()
        try:
            yield
        finally:
            self._running -= 1
            spent = (time() - began) * 1000
            self._spent.append((self._clock.time(), spent))
            self._total += spent

    def headers(self) -> dict[str, str]:
        """What every answer says: the advised number of requests at once and, to whoever debugs, what is left
        of the window's requests and milliseconds."""
        self._forget(self._clock.time() - self._limits.window_seconds)
        requests = max(0, self._limits.requests - len(self._requests))
        milliseconds = max(0.0, self._limits.milliseconds - self._total)
        return {
            "x-ms-dop-hint": str(self._limits.advised),
            "x-ms-ratelimit-burst-remaining-xrm-requests": str(requests),
            "x-ms-ratelimit-time-remaining-xrm-requests": f"{milliseconds:,.2f}",
        }

    def _admit(self) -> None:
        now = self._clock.time()
        self._forget(now - self._limits.window_seconds)
        self._requests.append(now)
        window = self._limits.window_seconds
        if self._running >= self._limits.concurrent:
            raise refuse("TooManyAtOnce", _retry_after(1), limit=self._limits.concurrent)
        if len(self._requests) > self._limits.requests:
            wait = self._requests[-self._limits.requests] + window - now
            raise refuse("TooManyRequests", _retry_after(wait), limit=self._limits.requests, window=window)
        if self._total > self._limits.milliseconds:
            wait = self._spent[0][0] + window - now
            raise refuse("TooMuchTime", _retry_after(wait), limit=self._limits.milliseconds, window=window)

    def _forget(self, before: float) -> None:
        while self._requests and self._requests[0] <= before:
            self._requests.popleft()
        while self._spent and self._spent[0][0] <= before:
            self._total -= self._spent.popleft()[1]


def _retry_after(seconds: float) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(seconds)))}
