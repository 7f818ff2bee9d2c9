"""What the engine needs of a Dynamics system, as Protocols."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.engine.ports.exchange import Window
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


@dataclass(frozen=True, slots=True)
class DynamicsUser:
    id: str
    address: str
    name: str
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class DynamicsMailboxRow:
    """What the user's ``mailbox`` row says about Microsoft's own sync (MBX-6, MBX-7, 1.8)."""

    address: str
    act_delivery_method: int
    enabled_for_act: bool
    address_approved: bool
    active: bool


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """``series``: the master's id and ``instance_type``, of an instance of a series."""

    id: str
    version: str
    owner: RecordRef | None = None
    series: str | None = None
    instance_type: int = 0
    company: str | None = None
    """Of a contact, its parent's name now, where it was asked for: a renamed account is no change of its
    contacts."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """What somebody is to be found by (CONT-9)."""

    emails: tuple[str, ...]
    name: str = ""
    company: str = ""


@dataclass(frozen=True, slots=True)
class FilterOwner:
    """Whose view a ``userquery`` is. ``sync_filter``: it is one of Outlook, and no other view."""

    user_id: str
    sync_filter: bool


@dataclass(frozen=True, slots=True)
class ChangePage:
    """One page of a table's change tracking. ``link``: next link or, when ``complete``, delta link."""

    rows: tuple[ChangedRow, ...]
    removed: tuple[str, ...]
    link: str
    complete: bool


class DynamicsSystem(Protocol):
    """A Dynamics organization. ``as_user`` is a systemuserid to impersonate; None = the application user."""

    async def admit(self) -> None:
        """Before a pass, which will ask for many things. Raises OutOfBudget, with the time of its turn, when
        too many others are at it."""
        ...

    async def organization(self, *, shared: bool = False) -> Organization:
        """``shared``: one that another pass has read within the last half second will do."""
        ...

    async def changes(self, table: str, link: str | None) -> ChangePage:
        """A page of the org-wide feed; ``None`` begins one. Raises CursorExpired. A page without a link: the
        organization does not offer this feed now."""
        ...

    async def organizers(self, appointment_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Per appointment the systemuserids of its organizer parties."""
        ...

    async def find_user(self, id_or_address: str) -> DynamicsUser | None: ...
    async def mailbox_row(self, user_id: str) -> DynamicsMailboxRow | None: ...
    async def appointments(
        self, ids: Sequence[str], *, as_user: str
    ) -> Mapping[str, DynamicsAppointment | Absence]:
        """Rows with parties as that user sees them; an id not readable is looked up as the application
        (404 = PHYSICAL, found = ACCESS)."""
        ...

    async def appointments_organized_by(
        self, user_id: str, window: Window, *, as_user: str
    ) -> Sequence[ChangedRow]:
        """Ids and versions of the single appointments that overlap the window with this user as organizer."""
        ...

    async def series(
        self, ids: Sequence[str], *, as_user: str
    ) -> Mapping[str, DynamicsAppointment | Absence]:
        """Series by their master's id, whole: with parties, exceptions and deleted instances."""
        ...

    async def series_organized_by(
        self, user_id: str, window: Window, *, as_user: str
    ) -> Sequence[ChangedRow]:
        """Masters with this user as organizer that reach into the window, and their exceptions (with
        ``series``)."""
        ...

    async def series_like(self, user_id: str, subject: str, start: str) -> Sequence[str]:
        """Masters of this organizer with that subject whose first instance begins at ``start``: what an
        appointment becomes that Dynamics turned into a series (AddRecurrence deletes the appointment)."""
        ...

    async def service_appointments(
        self, ids: Sequence[str], *, as_user: str
    ) -> Mapping[str, DynamicsAppointment | Absence]:
        """As ``appointments``; those of which nothing can be known now are left out: an organization without
        service scheduling has no such table."""
        ...

    async def service_appointments_of(
        self, user_id: str, window: Window, *, as_user: str
    ) -> Sequence[ChangedRow]:
        """Ids and versions of those that overlap the window and in which this user takes part (APPT-37)."""
        ...

    async def service_parties(self, ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Per service appointment the systemuserids of those who take part."""
        ...

    async def find_by_global_object_id(
        self, global_object_id: str, table: str = APPOINTMENT
    ) -> Sequence[str]: ...
    async def resolve(
        self, addresses: Iterable[str], *, as_user: str, inactive_too: bool
    ) -> Mapping[str, RecordRef]:
        """Addresses to one row each, in the order of EMI-11 (user, contact, account …), among what the user
        may read; unknown ones are left out (APPT-7)."""
        ...

    async def users_by_address(self, addresses: Iterable[str]) -> Mapping[str, str]:
        """Enabled users (systemuserid) by their internal e-mail address, read as the application."""
        ...

    async def create_appointment(
        self, write: CreateAppointment, *, as_user: str | None
    ) -> DynamicsAppointment:
        """Raises Conflict when the id is taken (read and join), UnknownResult when the answer is lost. To a
        write with a ``claim`` the answer holds the ``availability``; so it does for an update."""
        ...

    async def update_appointment(
        self, write: UpdateAppointment, *, as_user: str | None, known: DynamicsAppointment | None = None
    ) -> DynamicsAppointment:
        """``known``: the row as it was read; its parties stay in the answer unless the write replaces them,
        which spares a second request."""
        ...

    async def delete_appointment(self, write: DeleteAppointment, *, as_user: str | None) -> None: ...
    async def put_exception(self, write: PutException, *, as_user: str | None) -> DynamicsAppointment:
        """The exception's row. Raises Conflict when the slot is an exception already or changed meanwhile,
        NotFound when the series has no such slot."""
        ...

    async def remove_instance(self, write: RemoveInstance, *, as_user: str | None) -> None:
        """Raises NotFound when it is gone already."""
        ...

    async def attachments(self, row_id: str, *, as_user: str) -> Sequence[Attachment]:
        """The files of an appointment, without contents."""
        ...

    async def attachment_content(self, attachment_id: str, *, as_user: str) -> bytes: ...
    async def add_attachment(self, row_id: str, file: NewFile, key: str, *, as_user: str) -> None:
        """Under the chosen id. Raises Conflict when it is taken."""
        ...

    async def remove_attachment(self, attachment_id: str, *, as_user: str) -> None:
        """Raises NotFound when it is gone already."""
        ...

    async def availability(self, claims: Sequence[Claim], *, as_user: str | None) -> Sequence[Availability]:
        """Who is busy, claim by claim; nothing is saved (APPT-29)."""
        ...

    # contacts, tasks, phone calls, letters, faxes
    async def records(
        self, table: str, ids: Sequence[str], *, as_user: str
    ) -> Mapping[str, DynamicsRecord | Absence]:
        """Rows as that user sees them; an id not readable is looked up as the application (404 = PHYSICAL,
        found = ACCESS)."""
        ...

    async def create_record(self, write: CreateRecord, *, as_user: str) -> DynamicsRecord:
        """Raises Conflict when the id is taken, UnknownResult when the answer is lost."""
        ...

    async def update_record(self, write: UpdateRecord, *, as_user: str) -> DynamicsRecord: ...
    async def delete_record(self, write: DeleteRecord, *, as_user: str) -> None: ...
    async def contacts_like(self, wanted: Sequence[Likeness], *, as_user: str) -> Sequence[Sequence[Match]]:
        """Per likeness the active contacts readable by that user that have one of its addresses in any of
        their three, or its full name (CONT-9). One ``$batch``, whatever their number."""
        ...

    async def tasks_called(self, subjects: Sequence[str], *, as_user: str) -> Sequence[DynamicsRecord]:
        """That user's own tasks, phone calls, letters and faxes with one of these subjects, open or closed
        (PAIN-6). One ``$batch``, whatever their number."""
        ...

    async def field_rights(self, table: str, *, as_user: str) -> FieldRights:
        """Which columns field-level security closes to that user (FLD-35); nothing is asked where the table
        has no secured column."""
        ...

    # sync filters
    async def sync_filters(self, user_id: str) -> Filters:
        """The user's active Outlook filters and the system's, of all tables (FLT-2, FLT-3)."""
        ...

    async def system_filters(self) -> Sequence[str]:
        """Id and version of each filter that the organization has for everybody, and of each default
        template, read as the application."""
        ...

    async def filter_owner(self, filter_id: str) -> FilterOwner | None:
        """Read as the application; None: it is gone, or may not be read."""
        ...

    async def matching(
        self, filters: Sequence[SyncFilter], ids: Sequence[str] | None, *, as_user: str
    ) -> Sequence[ChangedRow]:
        """The rows (of one table) that match any of the filters, run by Dataverse as that user: of these ids,
        or all (None). Ids and versions only; of contacts also ``company``."""
        ...
