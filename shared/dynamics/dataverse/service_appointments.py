"""Service appointments: read only, and only where the organization has them.

The table comes with service scheduling. Where it is missing, not tracked for changes, or closed to the
application, nothing else may suffer: that is remembered for a day, and costs no request meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from shared.dynamics.dataverse import appointment_reads, changes
from shared.dynamics.dataverse.activities import SERVICES
from shared.dynamics.dataverse.appointment_reads import Found
from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.errors import NO_SUCH_TABLE, NOT_TRACKED, Now
from shared.dynamics.dataverse.organized import Organized, organized_rows, overlaps
from shared.engine.ports import ChangedRow, ChangePage, Window
from shared.errors import ProfileBroken, Refused, SyncError
from shared.model.appointment import SERVICE, SERVICE_ROLES

ASK_AGAIN = timedelta(days=1)
NOTHING = ChangePage((), (), "", complete=True)
log = logging.getLogger(__name__)


class ServiceAppointments:
    """The table of one organization, as far as it is there."""

    def __init__(self, client: Client, now: Now) -> None:
        self._client = client
        self._now = now
        self._absent_until: datetime | None = None
        self._untracked_until: datetime | None = None

    async def changes(self, link: str | None, page_size: int) -> ChangePage:
        """Without a feed, each mailbox's own comparison finds what changed (once a day)."""
        if self._is_absent() or self._still(self._untracked_until):
            return NOTHING
        try:
            return await changes.changes(self._client, SERVICE, link, page_size)
        except SyncError as error:
            if not is_closed(error):
                raise
            self._untracked_until = self._note("no change feed of service appointments", error)
            return NOTHING

    async def by_id(self, ids: Sequence[str], as_user: str) -> Found:
        """While the table cannot be read nothing is known of its rows: they are left out, for a row that is
        not seen is neither gone nor hidden."""
        if self._is_absent():
            return {}
        try:
            return await appointment_reads.appointments(self._client, ids, as_user, SERVICES)
        except SyncError as error:
            if not is_closed(error):
                raise
            self._absent_until = self._note("service appointments cannot be read", error)
            return {}

    async def of_user(self, user_id: str, window: Window, as_user: str) -> Sequence[ChangedRow]:
        if self._is_absent():
            return []
        query = Organized(SERVICES, user_id, ("ownerid",), overlaps(window), SERVICE_ROLES)
        try:
            rows = await organized_rows(self._client, query, as_user)
        except SyncError as error:
            if not is_closed(error):
                raise
            if error.status != 403:  # else this user may read none; another may
                self._absent_until = self._note("service appointments cannot be read", error)
            return []
        return [changes.changed_row(row) for row in rows]

    async def parties(self, ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        return await appointment_reads.users_taking_part(self._client, ids, SERVICE_ROLES)

    # --- what is remembered -----------------------------------------------------------------------

    def _is_absent(self) -> bool:
        return self._still(self._absent_until)

    def _still(self, until: datetime | None) -> bool:
        return until is not None and self._now() < until

    def _note(self, what: str, error: SyncError) -> datetime:
        log.warning("%s: %s; asked again in a day", what, error)
        return self._now() + ASK_AGAIN


def is_closed(error: SyncError) -> bool:
    """No such table in this organization, none whose changes are tracked, or none for the application."""
    missing = error.status in (403, 404) or error.code in (NO_SUCH_TABLE, NOT_TRACKED)
    return missing and isinstance(error, Refused | ProfileBroken)
