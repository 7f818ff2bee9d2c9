"""What a failure to send means to the engine, as a table of data; the first row that fits counts."""

from __future__ import annotations

from azure.core.exceptions import AzureError
from azure.servicebus.exceptions import MessageSizeExceededError, ServiceBusServerBusyError

from shared.errors import Refused, SyncError, Throttled, Transient

BUSY_FOR = 10.0
"""Seconds to wait when the namespace is at its limit; it does not say itself."""

TABLE: tuple[tuple[type[BaseException], type[SyncError]], ...] = (
    (MessageSizeExceededError, Refused),
    (ServiceBusServerBusyError, Throttled),
    # Everything else passes or is mended from outside: no connection, a full or disabled queue, a role that
    # has not arrived yet. Messages are hints; the net sends them again.
    (AzureError, Transient),
    (OSError, Transient),
    (TimeoutError, Transient),
)
FAILURES = tuple(failure for failure, _ in TABLE)


def translate(failure: BaseException, queue: str, what: str = "nothing sent to") -> SyncError:
    """The engine's error. Its text names the queue and the kind of failure only."""
    code = type(failure).__name__
    kind = next(error for each, error in TABLE if isinstance(failure, each))
    text = f"service bus: {what} {queue}: {code}"
    if kind is Throttled:
        return Throttled(text, retry_after=BUSY_FOR, code=code)
    return kind(text, code=code)
