"""What a decision about one appointment is made from: everything is read before, nothing is read here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from shared.model.appointment import APPOINTMENT, SERIES, SERVICE, Absence, DynamicsAppointment
from shared.model.attachment import Files
from shared.model.decision import ItemRef
from shared.model.event import ExchangeEvent
from shared.model.link import Link
from shared.model.mailbox import Mailbox
from shared.model.organization import Organization
from shared.model.organization_settings import RICH_BODIES
from shared.model.party import RecordRef
from shared.model.profile import Profile
from shared.model.scheduling import Availability
from shared.model.timezones import zone
from shared.rules import privacy, tracking

KIND = "appointment"


@dataclass(frozen=True, slots=True)
class Context:
    """The mailbox whose pass this is, the settings that hold for it, and the time."""

    mailbox: Mailbox
    organization: Organization
    profile: Profile
    now: datetime
    window_start: datetime
    window_end: datetime

    @property
    def zone(self) -> ZoneInfo:
        return zone(self.mailbox.time_zone)

    @property
    def rich(self) -> bool:
        """Bodies of single items travel as HTML (APPT-8)."""
        return self.organization.flag(RICH_BODIES)


@dataclass(frozen=True, slots=True)
class AppointmentSituation:
    """One appointment as both sides have it.

    ``event_gone``: Graph answers 404 for the linked event. ``record`` is an Absence when the row could not
    be read, None when no row is known. ``owner``: the mailbox that owns the row's content now (id), if any;
    ``organizer_mailbox``: the organizer's mailbox, if it is subscribed. ``organizer_user``: the
    systemuserid of the event's organizer, if a Dynamics user. ``resolved``: attendee addresses to rows.
    ``copy_of``: the live event that the stamped row is linked to already (LNK-7). ``dropped``: an
    administrator answered "drop" for what waits here. ``ended_before``: a link of this mailbox with the row
    ended, says the index of items, though the link itself is lost. ``successor``: the row that the linked
    one became (Dynamics made a series of an appointment, or the organizer's mailbox did so for all).
    ``parked``: the row names a meeting that another row is linked to: it holds the past instances of a series
    that Dynamics cut in two, or is a twin. ``leftover``: a pass of ours made it and never committed.
    ``row_removed``: the change feed says that the row was there and is gone.
    ``files``: the attachments of both sides; None where nobody looked at them.
    ``availability``: who is busy at the event's time, where Dynamics was asked; ``allowed_time`` and
    ``refused_time``: the time for which an administrator said that it may, or may not, be saved (APPT-29).
    ``in_filter``: whether the row, which the mailbox's owner organizes or takes part in, matches the owner's
    sync filters; None where that does not matter or nobody knows.
    """

    link: Link | None = None
    event: ExchangeEvent | None = None
    event_gone: bool = False
    record: DynamicsAppointment | Absence | None = None
    owner: str | None = None
    owner_name: str = ""
    organizer_mailbox: str | None = None
    organizer_user: str | None = None
    resolved: Mapping[str, RecordRef] = field(default_factory=dict)
    copy_of: str | None = None
    dropped: bool = False
    ended_before: bool = False
    successor: DynamicsAppointment | None = None
    parked: bool = False
    leftover: bool = False
    row_removed: bool = False
    files: Files | None = None
    availability: Availability | None = None
    allowed_time: str = ""
    refused_time: str = ""
    in_filter: bool | None = None

    @property
    def row(self) -> DynamicsAppointment | None:
        return self.record if isinstance(self.record, DynamicsAppointment) else None

    @property
    def table(self) -> str:
        """The Dynamics table of the row, as far as one is known."""
        if self.row:
            return self.row.table
        if self.link:
            return self.link.table
        if self.event and tracking.stamped_table(self.event) == SERVICE:
            return SERVICE
        return SERIES if self.event and self.event.is_series else APPOINTMENT

    def ref(self) -> ItemRef:
        event_id = self.event.id if self.event else (self.link.exchange_id if self.link else None)
        row_id = self.row.id if self.row else (self.link.dynamics_id if self.link else None)
        return ItemRef(KIND, event_id, row_id, self._subject())

    def _subject(self) -> str:
        if self.event:
            return privacy.subject_of(self.event)
        if self.row:
            return str(self.row.value("subject") or "")
        return self.link.subject if self.link else ""
