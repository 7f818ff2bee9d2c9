"""A Dataverse organization as the engine's ``DynamicsSystem``: a table of contents of this package."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.dynamics.dataverse import (
    appointment_reads,
    appointment_writes,
    attachments,
    availability,
    changes,
    contact_search,
    filter_runs,
    record_reads,
    record_writes,
    series_reads,
    series_writes,
    sync_filters,
    task_search,
    users,
)
from shared.dynamics.dataverse.budget import Allowance, Sleep
from shared.dynamics.dataverse.client import Client
from shared.dynamics.dataverse.closed_tables import OPTIONAL, ClosedTables
from shared.dynamics.dataverse.errors import Now
from shared.dynamics.dataverse.field_rights import FieldSecurity
from shared.dynamics.dataverse.organization import SHARED, SharedOrganization
from shared.dynamics.dataverse.resolve import AddressBooks
from shared.dynamics.dataverse.service_appointments import ServiceAppointments
from shared.dynamics.dataverse.transport import Credential
from shared.engine.ports import (
    ChangedRow,
    ChangePage,
    DynamicsMailboxRow,
    DynamicsUser,
    FilterOwner,
    Likeness,
    Window,
)
from shared.model.appointment import APPOINTMENT, Absence, DynamicsAppointment
from shared.model.attachment import Attachment, NewFile
from shared.model.decision import (
    CreateAppointment,
    DeleteAppointment,
    PutException,
    RemoveInstance,
    UpdateAppointment,
)
from shared.model.organization import Organization
from shared.model.party import RecordRef
from shared.model.personal import (
    CreateRecord,
    DeleteRecord,
    DynamicsRecord,
    FieldRights,
    Match,
    UpdateRecord,
)
from shared.model.scheduling import Availability, Claim
from shared.model.sync_filter import Filters, SyncFilter

if TYPE_CHECKING:
    from httpx import AsyncBaseTransport


class Dataverse:
    """``url`` is the organization's, without a path; by ``clock`` dates in ``Retry-After`` are read, and what
    is asked is counted (``budget.py``). ``page_size``: of the change feed; ``transport`` carries the requests
    instead of sockets; ``settings_shared_for``: how long one reading of the organization's settings serves
    all; ``allowance``: how much of the organization's limits is ours, in this process."""

    def __init__(
        self,
        url: str,
        credential: Credential,
        clock: Now,
        *,
        page_size: int = changes.PAGE_SIZE,
        sleep: Sleep = asyncio.sleep,
        transport: AsyncBaseTransport | None = None,
        settings_shared_for: timedelta = SHARED,
        allowance: Allowance | None = None,
    ) -> None:
        self._client = Client(url, credential, clock, sleep=sleep, transport=transport, allowance=allowance)
        self._address_books = AddressBooks(self._client)
        self._closed = ClosedTables(self._client, clock)
        self._organization = SharedOrganization(self._client, clock, settings_shared_for)
        self._services = ServiceAppointments(self._client, self._closed)
        self._field_security = FieldSecurity(self._client, clock)
        self._page_size = page_size

    @property
    def requests(self) -> Counter[str]:
        """How often what was asked, by method and path template."""
        return self._client.requests

    async def close(self) -> None:
        await self._client.close()

    # --- the organization -------------------------------------------------------------------------

    async def admit(self) -> None:
        await self._client.admit()

    async def organization(self, *, shared: bool = False) -> Organization:
        return await self._organization.get(shared=shared)

    async def changes(self, table: str, link: str | None) -> ChangePage:
        if table in OPTIONAL:
            return await self._closed.changes(table, link, self._page_size)
        return await changes.changes(self._client, table, link, self._page_size)

    # --- people -----------------------------------------------------------------------------------

    async def find_user(self, id_or_address: str) -> DynamicsUser | None:
        return await users.find_user(self._client, id_or_address)

    async def users_by_address(self, addresses: Iterable[str]) -> Mapping[str, str]:
        return await users.users_by_address(self._client, addresses)

    async def mailbox_row(self, user_id: str) -> DynamicsMailboxRow | None:
        return await users.mailbox_row(self._client, user_id)

    async def resolve(
        self, addresses: Iterable[str], *, as_user: str, inactive_too: bool
    ) -> Mapping[str, RecordRef]:
        return await self._address_books.resolve(addresses, as_user=as_user, inactive_too=inactive_too)

    # --- appointments -----------------------------------------------------------------------------

    async def appointments(
        self, ids: Sequence[str], *, as_user: str
    ) -> Mapping[str, DynamicsAppointment | Absence]:
        return await appointment_reads.appointments(self._client, ids, as_user)

    async def organizers(self, appointment_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        return await appointment_reads.organizers(self._client, appointment_ids)

    async def appointments_organized_by(
        self, user_id: str, window: Window, *, as_user: str
    ) -> Sequence[ChangedRow]:
        return await appointment_reads.organized_by(self._client, user_id, window, as_user)

    async def find_by_global_object_id(
        self, global_object_id: str, table: str = APPOINTMENT
    ) -> Sequence[str]:
        return await appointment_reads.with_global_object_id(self._client, global_object_id, table)

    async def create_appointment(
        self, write: CreateAppointment, *, as_user: str | None
    ) -> DynamicsAppointment:
        return await appointment_writes.create(self._client, write, as_user)

    async def update_appointment(
        self, write: UpdateAppointment, *, as_user: str | None, known: DynamicsAppointment | None = None
    ) -> DynamicsAppointment:
        return await appointment_writes.update(self._client, write, as_user, known)

    async def delete_appointment(self, write: DeleteAppointment, *, as_user: str | None) -> None:
        await appointment_writes.delete(self._client, write, as_user)

    async def availability(self, claims: Sequence[Claim], *, as_user: str | None) -> Sequence[Availability]:
        return await availability.availability(self._client, claims, as_user)

    # --- series -----------------------------------------------------------------------------------

    async def series(
        self, ids: Sequence[str], *, as_user: str
    ) -> Mapping[str, DynamicsAppointment | Absence]:
        return await series_reads.series(self._client, ids, as_user)

    async def series_organized_by(
        self, user_id: str, window: Window, *, as_user: str
    ) -> Sequence[ChangedRow]:
        return await series_reads.organized_by(self._client, user_id, window, as_user)

    async def series_like(self, user_id: str, subject: str, start: str) -> Sequence[str]:
        return await series_reads.like(self._client, user_id, subject, start)

    async def put_exception(self, write: PutException, *, as_user: str | None) -> DynamicsAppointment:
        return await series_writes.put_exception(self._client, write, as_user)

    async def remove_instance(self, write: RemoveInstance, *, as_user: str | None) -> None:
        await series_writes.remove_instance(self._client, write, as_user)

    # --- service appointments ---------------------------------------------------------------------

    async def service_appointments(
        self, ids: Sequence[str], *, as_user: str
    ) -> Mapping[str, DynamicsAppointment | Absence]:
        return await self._services.by_id(ids, as_user)

    async def service_appointments_of(
        self, user_id: str, window: Window, *, as_user: str
    ) -> Sequence[ChangedRow]:
        return await self._services.of_user(user_id, window, as_user)

    async def service_parties(self, ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        return await self._services.parties(ids)

    # --- attachments ------------------------------------------------------------------------------

    async def attachments(self, row_id: str, *, as_user: str) -> Sequence[Attachment]:
        return await attachments.of_row(self._client, row_id, as_user)

    async def attachment_content(self, attachment_id: str, *, as_user: str) -> bytes:
        return await attachments.content(self._client, attachment_id, as_user)

    async def add_attachment(self, row_id: str, file: NewFile, key: str, *, as_user: str) -> None:
        await attachments.add(self._client, row_id, file, key, as_user)

    async def remove_attachment(self, attachment_id: str, *, as_user: str) -> None:
        await attachments.remove(self._client, attachment_id, as_user)

    # --- contacts, tasks, phone calls, letters, faxes ---------------------------------------------

    async def records(
        self, table: str, ids: Sequence[str], *, as_user: str
    ) -> Mapping[str, DynamicsRecord | Absence]:
        return await record_reads.records(self._client, table, ids, as_user)

    async def create_record(self, write: CreateRecord, *, as_user: str) -> DynamicsRecord:
        return await record_writes.create(self._client, write, as_user)

    async def update_record(self, write: UpdateRecord, *, as_user: str) -> DynamicsRecord:
        return await record_writes.update(self._client, write, as_user)

    async def delete_record(self, write: DeleteRecord, *, as_user: str) -> None:
        await record_writes.delete(self._client, write, as_user)

    async def contacts_like(self, wanted: Sequence[Likeness], *, as_user: str) -> Sequence[Sequence[Match]]:
        return await contact_search.contacts_like(self._client, wanted, as_user)

    async def tasks_called(self, subjects: Sequence[str], *, as_user: str) -> Sequence[DynamicsRecord]:
        return await task_search.tasks_called(self._client, subjects, as_user)

    async def field_rights(self, table: str, *, as_user: str) -> FieldRights:
        return await self._field_security.rights(table, as_user)

    # --- sync filters -----------------------------------------------------------------------------

    async def sync_filters(self, user_id: str) -> Filters:
        return await sync_filters.sync_filters(self._client, user_id)

    async def system_filters(self) -> Sequence[str]:
        return await sync_filters.system_filters(self._client)

    async def filter_owner(self, filter_id: str) -> FilterOwner | None:
        return await sync_filters.filter_owner(self._client, filter_id)

    async def matching(
        self, filters: Sequence[SyncFilter], ids: Sequence[str] | None, *, as_user: str
    ) -> Sequence[ChangedRow]:
        return await filter_runs.matching(self._client, filters, ids, as_user)
