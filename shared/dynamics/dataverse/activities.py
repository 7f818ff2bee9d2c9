"""The tables of what is in calendars (APPT-28, APPT-37), as the Web API spells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.dynamics.dataverse import series_pattern
from shared.model.appointment import APPOINTMENT, SERIES, SERVICE

_ACTIVITY = (
    "activityid,subject,description,location,prioritycode,statecode,statuscode,scheduledstart,scheduledend,"
    "modifiedon,_modifiedby_value,_ownerid_value,_regardingobjectid_value"
)
_COMMON = f"{_ACTIVITY},globalobjectid,instancetypecode,ismapiprivate"


@dataclass(frozen=True, slots=True)
class Activity:
    """``columns`` is what a row is read with, besides its parties."""

    table: str
    entity_set: str
    columns: str

    @property
    def parties(self) -> str:
        return f"{self.table}_activity_parties"

    @property
    def expand(self) -> str:
        """A collection expanded without a page size comes whole: its nextLink is there even when nothing
        follows."""
        return f"{self.parties}($select=participationtypemask,addressused,unresolvedpartyname,_partyid_value)"

    def regarding(self, target: str) -> str:
        return f"regardingobjectid_{target}_{self.table}@odata.bind"


APPOINTMENTS = Activity(
    APPOINTMENT, "appointments", f"{_COMMON},isalldayevent,isdraft,seriesid,originalstartdate,attachmentcount"
)
MASTERS = Activity(
    SERIES,
    "recurringappointmentmasters",
    f"{_COMMON},{series_pattern.COLUMNS},deletedexceptionslist,_groupid_value",
)
SERVICES = Activity(SERVICE, "serviceappointments", f"{_ACTIVITY},isalldayevent")
ACTIVITIES: Mapping[str, Activity] = {kind.table: kind for kind in (APPOINTMENTS, MASTERS, SERVICES)}
