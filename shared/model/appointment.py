"""A Dynamics appointment as the rules see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from shared.model.party import ParticipationType, Party, RecordRef
from shared.model.scheduling import Availability
from shared.model.values import Value, Values

APPOINTMENT = "appointment"
SERIES = "recurringappointmentmaster"
"""The two tables that an event can become a row of (APPT-28)."""
SERVICE = "serviceappointment"
"""Goes one way, to Exchange; every user who takes part has an own copy (APPT-37, APPT-38)."""
SERVICE_ROLES = (
    ParticipationType.REQUIRED,
    ParticipationType.OPTIONAL,
    ParticipationType.ORGANIZER,
    ParticipationType.RESOURCE,
)
"""Who takes part in a service appointment: its resources, and who is required, optional or organizer. Being
only its owner is not enough (FLT-8), and its customers are no users."""


class InstanceType(IntEnum):
    """``instancetypecode``."""

    NONE = 0
    MASTER = 1
    INSTANCE = 2
    EXCEPTION = 3
    FUTURE_EXCEPTION = 4


class StateCode(IntEnum):
    OPEN = 0
    COMPLETED = 1
    CANCELED = 2
    SCHEDULED = 3


@dataclass(frozen=True, slots=True)
class DynamicsAppointment:
    """One appointment row with its parties; a series is its master's row with its exceptions.

    ``values`` holds the canonical fields under the same names as an event's:
    ``time`` ``{"allDay": bool, "start": "…Z", "end": "…Z"}`` (always UTC instants, all-day too),
    ``subject``, ``location`` (strings, never None), ``body`` (plain text, line ends ``\\n``, no trailing
    blanks; or ``{"html": …}``, see ``shared.bodies.forms``), ``sensitivity`` (the private flag, a bool),
    ``importance`` 0|1|2, ``showAs`` ``[statecode, statuscode]``,
    ``attendees`` sorted list of ``[address, "required"|"optional"]`` (lower case, without the organizer,
    without parties that have no address), ``organizer`` systemuserid or None,
    ``regarding`` ``{"table": …, "id": …}`` or None.
    ``etag`` is the row's ``@odata.etag`` as received. Of a series also ``recurrence``, the pattern columns
    (``dynamics.dataverse.series_pattern``; its ``time`` is the first slot's).

    ``exceptions``: a series' changed instances by their original start (an instant, ``…Z``), ``cancelled``
    the original starts of its deleted ones (APPT-35). ``group_id`` is what the halves of a series share that
    Dynamics cut in two. ``original_start``: of an instance or exception. ``availability``: who is busy, on
    the answer to a write that asked (APPT-29). ``remembered``: it was not read, its link says so.
    """

    id: str
    etag: str
    modified: datetime | None
    values: Values
    parties: tuple[Party, ...] = ()
    owner: RecordRef | None = None
    is_draft: bool = False
    instance_type: int = 0
    global_object_id: str | None = None
    series_id: str | None = None
    modified_by: str | None = None
    table: str = APPOINTMENT
    original_start: str | None = None
    group_id: str | None = None
    exceptions: Mapping[str, DynamicsAppointment] = field(default_factory=dict)
    cancelled: frozenset[str] = frozenset()
    attachment_count: int = 0
    availability: Availability | None = None
    remembered: bool = False

    @property
    def is_series(self) -> bool:
        return self.table == SERIES

    def value(self, name: str) -> Value:
        return self.values.get(name)

    @property
    def state(self) -> StateCode:
        status = self.values["showAs"]
        assert isinstance(status, list | tuple)
        return StateCode(int(str(status[0])))

    @property
    def is_closed(self) -> bool:
        return self.state in (StateCode.COMPLETED, StateCode.CANCELED)

    @property
    def organizer(self) -> Party | None:
        return next((p for p in self.parties if p.role == ParticipationType.ORGANIZER), None)


class Absence(IntEnum):
    """Why a Dynamics row was not returned, as the adapter found out (FLT-10)."""

    PHYSICAL = 0
    """The application user gets 404: the row is gone."""
    ACCESS = 1
    """The row exists, but the mailbox owner may not read it."""
