"""An Exchange event as the rules see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.model.values import Value, Values


class EventType(StrEnum):
    SINGLE = "singleInstance"
    OCCURRENCE = "occurrence"
    EXCEPTION = "exception"
    SERIES_MASTER = "seriesMaster"


@dataclass(frozen=True, slots=True)
class Stamps:
    """The named properties that mark an item as tracked (LNK-3, LNK-4). Absent ones are None.

    ``regarding_type`` is the object type code as text or a table name, as the writer left it.
    ``withheld`` is our own: attendees kept out of Exchange so that nobody is mailed (APPT-26 b), JSON.
    """

    link_state: float | None = None
    crm_id: str | None = None
    org_id: str | None = None
    regarding_id: str | None = None
    regarding_type: str | None = None
    object_type: str | None = None
    withheld: str | None = None

    @property
    def tracked(self) -> bool:
        return self.link_state in (1.0, 2.0)


@dataclass(frozen=True, slots=True)
class ExchangeEvent:
    """One event of one mailbox, decoded; a series is its master with its exceptions.

    ``values`` holds the canonical fields:
    ``time`` ``{"allDay": false, "start": "2026-01-05T09:00:00Z", "end": …}`` or, for all-day,
    ``{"allDay": true, "start": "2026-01-05", "end": "2026-01-06"}`` (end exclusive);
    ``subject``, ``location`` (strings, never None), ``body`` (plain text, ``\\n`` line ends, no trailing
    blanks; or ``{"html": …}``, see ``shared.bodies.forms``), ``importance`` low|normal|high, ``showAs``,
    ``sensitivity`` normal|personal|private|confidential, ``attendees`` sorted list of
    ``[address, "required"|"optional"|"resource"]`` (lower-case addresses, organizer left out),
    ``organizer`` lower-case address or None,
    ``regarding`` ``{"type": …, "id": …}`` or None (only present when ``stamps`` were read);
    of a series' master also ``recurrence`` (``model.recurrence``; its ``time`` is the first slot's).

    ``exceptions``: a series' changed occurrences by the date of their slot in the series' zone
    (``2026-03-09``), ``cancelled`` the dates of its deleted ones (APPT-36: never by iCalUId or instance
    id). Both are only filled where the series was read as a whole. ``original_start``: of an occurrence or
    exception, the instant (``…Z``) of its slot. ``has_attachments``: None where the row did not say.
    """

    id: str
    etag: str
    type: EventType
    ical_uid: str
    is_organizer: bool
    modified: datetime | None
    values: Values
    categories: tuple[str, ...] = ()
    stamps: Stamps | None = None
    calendar_id: str | None = None
    is_cancelled: bool = False
    is_online_meeting: bool = False
    join_url: str | None = None
    series_master_id: str | None = None
    start_time_zone: str | None = None
    attendee_names: Mapping[str, str] = field(default_factory=dict)
    masked: bool = False
    """It is private, and the profile keeps its content out of Dynamics (APPT-9, ``shared.rules.privacy``)."""
    original_start: str | None = None
    exceptions: Mapping[str, ExchangeEvent] = field(default_factory=dict)
    cancelled: frozenset[str] = frozenset()
    has_attachments: bool | None = None

    @property
    def is_series(self) -> bool:
        return self.type is EventType.SERIES_MASTER

    def value(self, name: str) -> Value:
        return self.values.get(name)
