"""The Dynamics organization and its settings (SET)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dateutil.relativedelta import relativedelta

from shared.model.attachment import FileLimits

# Defaults of section N of the behaviour file, except SET-1, which is true here (FLT-10).
DEFAULTS: Mapping[str, bool | int] = {
    "DistinctPhysicalAndLogicalDeletesForExchangeSync": True,  # SET-1
    "SSSPropagateAppointmentCancellationsToExchange": False,  # SET-2
    "SSSUpdatePastMeetingsInNonDraftMode": False,  # SET-3
    "SSSTaskDeletionSyncBehaviorFromExchange": 0,  # SET-4
    "SSSSyncAppointmentIsPrivateFromExchange": False,  # SET-5
    "TrackAppointmentsFromNonOrganizer": True,  # SET-6
    "ForceOrganizerSyncForAttendeeTrackedAppointment": False,  # SET-7
    "UseCrmOrganizerForEmptyExchangeOrganizer": False,  # SET-8
    "DisableImplicitSharingOfCommunicationActivities": False,  # SET-9
    "AllowSaveAsDraftAppointment": False,  # SET-10
    "IgnoreCopiedItemsInSSSForMailbox": True,  # SET-11
    "TrackCategorizedItems": True,  # SET-12
    "ValidateContactBeforeTracking": True,  # SET-22
    "ResolveForInactiveEntities": False,  # SET-23
    "appointmentricheditorexperience": False,  # SET-47, a column of its own
}
RICH_BODIES = "appointmentricheditorexperience"


@dataclass(frozen=True, slots=True)
class Expansion:
    """How many months back and ahead Dynamics has the instances of a series (APPT-34, SET-47)."""

    past_months: int = 3
    future_months: int = 12

    def reaches(self, moment: datetime, now: datetime) -> bool:
        earliest = now - relativedelta(months=self.past_months)
        return earliest <= moment <= now + relativedelta(months=self.future_months)


@dataclass(frozen=True, slots=True)
class Organization:
    """``settings`` holds what the organization really has set; absent ones have the default. ``url``: where
    people open its rows."""

    id: str
    settings: Mapping[str, bool | int | str] = field(default_factory=dict)
    files: FileLimits = field(default_factory=FileLimits)
    expansion: Expansion = field(default_factory=Expansion)
    url: str = ""

    def flag(self, name: str) -> bool:
        value = self.settings.get(name, DEFAULTS[name])
        return value if isinstance(value, bool) else str(value).strip().lower() in ("true", "1")

    def number(self, name: str) -> int:
        """A numeric setting; what is no number has the default."""
        value, default = self.settings.get(name, DEFAULTS[name]), DEFAULTS[name]
        return int(value) if str(value).strip().lstrip("-").isdigit() else int(default)
