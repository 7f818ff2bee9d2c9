"""Exchange's limits per application and mailbox: 4 requests at a time, 10,000 in 10 minutes."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager

from local.clock import Clock
from local.exchange.errors import GraphError

CONCURRENT = 4
WINDOW_SECONDS = 600
REQUESTS_PER_WINDOW = 10_000


class Throttle:
    """Refused requests count as well, as they do in the service."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._running: dict[str, int] = defaultdict(int)
        self._started: dict[str, deque[float]] = defaultdict(deque)

    @contextmanager
    def slot(self, mailbox: str) -> Iterator[None]:
        """Hold one of the mailbox's slots, or be refused."""
        self._count(mailbox)
        if self._running[mailbox] >= CONCURRENT:
            raise _refused("MailboxConcurrency", 1)
        self._running[mailbox] += 1
        try:
            yield
        finally:
            self._running[mailbox] -= 1

    def _count(self, mailbox: str) -> None:
        now, started = self._clock.time(), self._started[mailbox]
        while started and started[0] <= now - WINDOW_SECONDS:
            started.popleft()
        started.append(now)
        if len(started) > REQUESTS_PER_WINDOW:
            raise _refused("RequestCount", int(started[0] + WINDOW_SECONDS - now) + 1)


def _refused(limit: str, seconds: int) -> GraphError:
    return GraphError(
        429,
        "ApplicationThrottled",
        f"Application is over its {limit} limit.",
        {"Retry-After": str(seconds)},
    )
