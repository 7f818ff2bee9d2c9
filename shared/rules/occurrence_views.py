"""What each side of a series shows at the slots that are not plain, in one form (APPT-28, APPT-36).

A view maps the date of a slot, in the series' zone, to ``CANCELLED`` or to the fields in which the occurrence
differs from its series: what it merely inherits is not in it, so that a change of the series is no change of
its exceptions. The key is never an iCalUId or an instance id: those change when a pattern does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from shared.model import recurrence as model
from shared.model.appointment import DynamicsAppointment
from shared.model.event import ExchangeEvent
from shared.model.recurrence import MINUTES_A_DAY, Recurrence, Slot
from shared.model.timezones import local_date
from shared.model.timezones import zone as zone_of
from shared.model.values import Value, Values
from shared.rules import item_time, privacy
from shared.rules.appointment_fields import OCCURRENCE_FIELDS
from shared.rules.meeting_time import instant, text_of
from shared.rules.merge import same

CANCELLED = "cancelled"
View = Mapping[str, Value]
NEAR = timedelta(hours=12)
FIELD_NAMES = tuple(field.name for field in OCCURRENCE_FIELDS)


@dataclass(frozen=True, slots=True)
class Slots:
    """The patterns of both sides, Dynamics' as it reads in the mailbox's zone. One that is not known is
    taken for the other."""

    exchange: Recurrence | None
    dynamics: Recurrence | None

    @classmethod
    def of(cls, event: ExchangeEvent | None, row: DynamicsAppointment | None, zone: ZoneInfo) -> Slots:
        exchange = item_time.recurrence_of(item_time.of_event(event)) if event else None
        dynamics = item_time.recurrence_of(item_time.of_row(row, zone)) if row else None
        return cls(exchange or dynamics, dynamics or exchange)

    def date_of(self, original_start: str) -> str:
        """The date of the slot that Dynamics knows by this instant."""
        moment = instant(original_start)
        ours = self.dynamics
        if ours is None:
            return moment.date().isoformat()
        day = local_date(moment, zone_of(ours.time_zone))
        theirs = self.exchange
        if theirs is None or theirs.all_day or theirs.time_zone == ours.time_zone:
            return day.isoformat()
        slot = _nearest(theirs, moment)
        return (slot.date if slot else day).isoformat()

    def in_exchange(self, day: str) -> Slot | None:
        """The slot of this date in Exchange's pattern."""
        return model.slot_of(self.exchange, _day(day)) if self.exchange else None

    def in_dynamics(self, day: str) -> Slot | None:
        """The slot in Dynamics' pattern that stands for Exchange's of this date."""
        if self.dynamics is None or self.exchange is None:
            return None
        if self.exchange.all_day or self.exchange.time_zone == self.dynamics.time_zone:
            return model.slot_of(self.dynamics, _day(day))
        return _nearest(self.dynamics, model.slot_on(self.exchange, _day(day)).start)


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _nearest(series: Recurrence, moment: datetime) -> Slot | None:
    """In another zone a slot may fall on the neighbouring day, and its hour may drift over a change of
    clocks; half a day tells it from its neighbours."""
    near = model.occurrences(series, moment - NEAR, moment + NEAR)
    return min(near, key=lambda slot: abs(slot.start - moment), default=None)


# --- Exchange -------------------------------------------------------------------------------------


def exchange_view(event: ExchangeEvent) -> dict[str, Value]:
    series = item_time.recurrence_of(item_time.of_event(event))
    view: dict[str, Value] = dict.fromkeys(event.cancelled, CANCELLED)
    for day, exception in event.exceptions.items():
        plain = plain_exchange_time(series, day) if series else None
        changed = _differences(exception.values, event.values, plain)
        seen = {name: value for name, value in changed.items() if not privacy.hides(exception, name)}
        if seen:
            view[day] = seen
    return view


def plain_exchange_time(series: Recurrence, day: str) -> Value:
    """When the occurrence of this date takes place by the pattern, as an event's ``time`` says it."""
    slot = model.slot_on(series, _day(day))
    if series.all_day:
        last = slot.date + timedelta(days=series.minutes // MINUTES_A_DAY)
        return {"allDay": True, "start": slot.date.isoformat(), "end": last.isoformat()}
    return {"allDay": False, "start": text_of(slot.start), "end": text_of(slot.end)}


# --- Dynamics -------------------------------------------------------------------------------------


def dynamics_view(row: DynamicsAppointment, slots: Slots) -> dict[str, Value]:
    view: dict[str, Value] = {slots.date_of(start): CANCELLED for start in row.cancelled}
    for start, exception in row.exceptions.items():
        plain = plain_dynamics_time(slots.dynamics, start) if slots.dynamics else None
        changed = _differences(exception.values, row.values, plain)
        if changed:
            view[slots.date_of(start)] = changed
    return view


def plain_dynamics_time(series: Recurrence, original_start: str) -> Value:
    """When the instance of this original start takes place by the pattern, as a row's ``time`` says it."""
    begin = instant(original_start)
    slot = model.slot_on(series, local_date(begin, zone_of(series.time_zone)))
    end = slot.end if slot.start == begin else begin + timedelta(minutes=series.minutes)
    return {"allDay": series.all_day, "start": text_of(begin), "end": text_of(end)}


def exceptions_by_date(row: DynamicsAppointment, slots: Slots) -> dict[str, DynamicsAppointment]:
    return {slots.date_of(start): exception for start, exception in row.exceptions.items()}


def _differences(shown: Values, series: Values, plain_time: Value) -> dict[str, Value]:
    inherited = {**series, "time": plain_time}
    return {
        name: shown[name]
        for name in FIELD_NAMES
        if name in shown and not same(shown[name], inherited.get(name))
    }
