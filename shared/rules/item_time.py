"""When an item takes place, be it a single appointment or a series: one value tells, whichever it is.

``when`` is an event's ``time`` or, of a series, its ``recurrence`` in Exchange's form. A recurrence that
could not be read says nothing: it counts as neither over nor outside a window, so that nobody concludes
from it.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from shared.model import recurrence as model
from shared.model.appointment import DynamicsAppointment
from shared.model.event import ExchangeEvent
from shared.model.recurrence import NotARecurrence, Recurrence
from shared.model.values import Value
from shared.rules import meeting_time
from shared.rules.appointment_fields import RECURRENCE, crossing


def of_event(event: ExchangeEvent) -> Value:
    return event.value("recurrence") if event.is_series else event.value("time")


def of_row(row: DynamicsAppointment, zone: ZoneInfo) -> Value:
    """A row's time, or its pattern as Exchange would say it."""
    if not row.is_series:
        return row.value("time")
    return crossing(RECURRENCE, zone, None).to_exchange(row.value("recurrence"))


def has_no_time(row: DynamicsAppointment) -> bool:
    """The API lets an appointment be without start and end; a series has a pattern instead."""
    return not row.is_series and row.value("time") is None


def recurrence_of(when: Value) -> Recurrence | None:
    """The series that a value describes; None for a single time and for what cannot be read."""
    if not isinstance(when, dict) or "range" not in when:
        return None
    try:
        return model.from_value(when)
    except NotARecurrence:
        return None


def is_unreadable(when: Value) -> bool:
    return not isinstance(when, dict) or ("start" not in when and recurrence_of(when) is None)


def is_past(when: Value, zone: ZoneInfo, now: datetime) -> bool:
    """An appointment is past once it has begun (APPT-22: scheduledStart < now), a series once its last
    occurrence has."""
    if is_unreadable(when):
        return False
    series = recurrence_of(when)
    if series is not None:
        return model.next_slot(series, now) is None
    return meeting_time.start_of(when, zone) < now


def overlaps(when: Value, zone: ZoneInfo, start: datetime, end: datetime) -> bool:
    """Whether it, or any of its occurrences, touches the window."""
    if is_unreadable(when):
        return True
    series = recurrence_of(when)
    if series is not None:
        return model.overlaps(series, start, end)
    return meeting_time.overlaps(when, zone, start, end)


def newest_start(when: Value, zone: ZoneInfo, now: datetime) -> datetime | None:
    """When it begins; of a series, its next occurrence, or None when there is none any more."""
    if is_unreadable(when):
        return None
    series = recurrence_of(when)
    if series is None:
        return meeting_time.start_of(when, zone)
    slot = model.next_slot(series, now)
    return slot.start if slot else None
