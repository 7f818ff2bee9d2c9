"""Which refusals mean that a table is not to be had, and which are about something else."""

from __future__ import annotations

import pytest

from shared.dynamics.dataverse.closed_tables import is_closed
from shared.errors import CursorExpired, MailboxBroken, NotFound, ProfileBroken, Refused, SyncError, Transient


@pytest.mark.parametrize(
    ("error", "closed"),
    [
        (Refused("no such table", code="0x8006088a", status=404), True),
        (NotFound("no such set", status=404), True),
        (ProfileBroken("changes are not tracked", code="0x80072491", status=400), True),
        (ProfileBroken("the application lacks the rights", code="0x80040220", status=403), True),
        (Refused("the user lacks the rights", code="0x80040220", status=403), True),
        (MailboxBroken("the user is disabled", code="0x80040225", status=403), False),
        (ProfileBroken("the application is not let in", status=401), False),
        (Refused("wrong query", code="0x80060888", status=400), False),
        (CursorExpired("dead", code="0x80044352", status=410), False),
        (Transient("down", status=503), False),
    ],
)
def test_what_closes_the_table(error: SyncError, closed: bool) -> None:
    assert is_closed(error) is closed
