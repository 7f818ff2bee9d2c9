"""Tables that an organization may not have, or not let us follow: nothing else may suffer from that.

An app is not installed, changes are not tracked, the application lacks a right: that is remembered for a
day and costs no request meanwhile.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from shared.dynamics.dataverse import changes
from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.errors import NO_SUCH_TABLE, NOT_TRACKED, Now
from shared.engine.ports import ChangePage
from shared.errors import ProfileBroken, Refused, SyncError
from shared.model.appointment import SERVICE
from shared.model.personal import PERSONAL_TABLES

ASK_AGAIN = timedelta(days=1)
OPTIONAL = frozenset({SERVICE, *PERSONAL_TABLES})
"""Without appointments there is no service; without these there is less of it."""
NOTHING = ChangePage((), (), "", complete=True)
log = logging.getLogger(__name__)


class ClosedTables:
    """What of the optional tables is not to be had now: the table itself, or only its change feed."""

    def __init__(self, client: Client, now: Now) -> None:
        self._client = client
        self._now = now
        self._absent: dict[str, datetime] = {}
        self._unfollowed: dict[str, datetime] = {}

    def is_absent(self, table: str) -> bool:
        return self._still(self._absent, table)

    def note_absent(self, table: str, error: SyncError) -> None:
        self._note(self._absent, table, f"rows of {table} cannot be read", error)

    async def changes(self, table: str, link: str | None, page_size: int) -> ChangePage:
        """Without a feed, each mailbox's own comparison finds what changed (once a day)."""
        if self.is_absent(table) or self._still(self._unfollowed, table):
            return NOTHING
        try:
            return await changes.changes(self._client, table, link, page_size)
        except SyncError as error:
            if not is_closed(error):
                raise
            self._note(self._unfollowed, table, f"no change feed of {table}", error)
            return NOTHING

    def _still(self, closed: dict[str, datetime], table: str) -> bool:
        until = closed.get(table)
        return until is not None and self._now() < until

    def _note(self, closed: dict[str, datetime], table: str, what: str, error: SyncError) -> None:
        log.warning("%s: %s; asked again in a day", what, error)
        closed[table] = self._now() + ASK_AGAIN


def is_closed(error: SyncError) -> bool:
    """No such table in this organization, none whose changes are tracked, or none for the application."""
    missing = error.status in (403, 404) or error.code in (NO_SUCH_TABLE, NOT_TRACKED)
    return missing and isinstance(error, Refused | ProfileBroken)
