"""Service appointments: read only, and only where the organization has them (the table comes with service
scheduling)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.dynamics.dataverse import appointment_reads, changes
from shared.dynamics.dataverse.activities import SERVICES
from shared.dynamics.dataverse.appointment_reads import Found
from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.closed_tables import ClosedTables, is_closed
from shared.dynamics.dataverse.organized import Organized, organized_rows, overlaps
from shared.engine.ports import ChangedRow, Window
from shared.errors import SyncError
from shared.model.appointment import SERVICE, SERVICE_ROLES


class ServiceAppointments:
    """The table of one organization, as far as it is there."""

    def __init__(self, client: Client, closed: ClosedTables) -> None:
        self._client = client
        self._closed = closed

    async def by_id(self, ids: Sequence[str], as_user: str) -> Found:
        """While the table cannot be read nothing is known of its rows: they are left out, for a row that is
        not seen is neither gone nor hidden."""
        if self._closed.is_absent(SERVICE):
            return {}
        try:
            return await appointment_reads.appointments(self._client, ids, as_user, SERVICES)
        except SyncError as error:
            if not is_closed(error):
                raise
            self._closed.note_absent(SERVICE, error)
            return {}

    async def of_user(self, user_id: str, window: Window, as_user: str) -> Sequence[ChangedRow]:
        if self._closed.is_absent(SERVICE):
            return []
        query = Organized(SERVICES, user_id, ("ownerid",), overlaps(window), SERVICE_ROLES)
        try:
            rows = await organized_rows(self._client, query, as_user)
        except SyncError as error:
            if not is_closed(error):
                raise
            if error.status != 403:  # else this user may read none; another may
                self._closed.note_absent(SERVICE, error)
            return []
        return [changes.changed_row(row) for row in rows]

    async def parties(self, ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        return await appointment_reads.users_taking_part(self._client, ids, SERVICE_ROLES)
