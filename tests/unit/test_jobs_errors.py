"""Every row of the table from a failed sending to the engine's errors."""

from __future__ import annotations

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.servicebus.exceptions import (
    MessageSizeExceededError,
    MessagingEntityNotFoundError,
    OperationTimeoutError,
    ServiceBusAuthorizationError,
    ServiceBusConnectionError,
    ServiceBusQuotaExceededError,
    ServiceBusServerBusyError,
)

from shared.errors import Refused, SyncError, Throttled, Transient
from shared.jobs.errors import FAILURES, TABLE, translate


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (MessageSizeExceededError(), Refused),
        (ServiceBusServerBusyError(), Throttled),
        (ServiceBusConnectionError(), Transient),
        (ServiceBusQuotaExceededError(), Transient),
        (ServiceBusAuthorizationError(), Transient),
        (MessagingEntityNotFoundError(), Transient),
        (OperationTimeoutError(), Transient),
        (ClientAuthenticationError("no token"), Transient),
        (ConnectionRefusedError(), Transient),
        (TimeoutError(), Transient),
    ],
)
def test_each_failure(failure: Exception, expected: type[SyncError]) -> None:
    found = translate(failure, "mailbox-sync")
    assert type(found) is expected
    assert found.code == type(failure).__name__
    assert "mailbox-sync" in str(found)
    assert isinstance(failure, FAILURES)


def test_the_general_rows_come_after_the_special_ones() -> None:
    for place, (failure, _) in enumerate(TABLE):
        assert not any(
            issubclass(later, failure) for later, _ in TABLE[place + 1 :] if later is not TimeoutError
        )
