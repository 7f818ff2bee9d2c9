"""How series behave on both sides of the in-memory world: exceptions, deleted occurrences, new patterns.

Written from the facts, not with the product's own views: an exception holds what was overridden, takes the
rest from its series, and is forgotten when the pattern changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from shared.model import recurrence as model
from shared.model.appointment import DynamicsAppointment, InstanceType
from shared.model.event import EventType, ExchangeEvent
from shared.model.party import Party
from shared.model.recurrence import Recurrence
from shared.model.timezones import local_date, zone
from shared.rules.appointment_fields import cross_columns, cross_pattern

UTC_ZONE = zone("UTC")
OCCURRENCE = ("time", "subject", "body", "location", "importance", "showAs", "attendees")


def text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def pattern(event: ExchangeEvent) -> Recurrence:
    return model.from_value(event.value("recurrence"))


def columns(row: DynamicsAppointment) -> Recurrence:
    return model.from_value(cross_columns(row.value("recurrence"), UTC_ZONE).value)


def in_columns(value: Mapping[str, Any]) -> Mapping[str, Any]:
    crossed = cross_pattern(value, UTC_ZONE).value
    assert crossed is not None
    return crossed


# --- Exchange -------------------------------------------------------------------------------------


def edited(event: ExchangeEvent, changes: Mapping[str, Any]) -> ExchangeEvent:
    """A new pattern forgets exceptions and deletions; other changes show in exceptions that inherit them."""
    values = {**event.values, **changes}
    if "recurrence" in changes:
        kind = EventType.SERIES_MASTER if changes["recurrence"] else EventType.SINGLE
        if kind is EventType.SINGLE:
            values.pop("recurrence")
        return replace(event, values=values, type=kind, exceptions={}, cancelled=frozenset())
    exceptions = {
        day: replace(each, values={**each.values, **_inherited(each, event, changes)})
        for day, each in event.exceptions.items()
    }
    return replace(event, values=values, exceptions=exceptions)


def _inherited(exception: Any, series: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    return {n: v for n, v in changes.items() if n in OCCURRENCE and exception.value(n) == series.value(n)}


def has_slot(event: ExchangeEvent, day: str) -> bool:
    return event.is_series and model.contains(pattern(event), date.fromisoformat(day))


def slot_time(event: ExchangeEvent, day: str) -> dict[str, Any]:
    slot = model.slot_on(pattern(event), date.fromisoformat(day))
    return {"allDay": False, "start": text(slot.start), "end": text(slot.end)}


def with_exception(event: ExchangeEvent, day: str, changes: Mapping[str, Any], number: int) -> ExchangeEvent:
    plain = replace(
        event,
        id=f"{event.id}/{day}",
        type=EventType.EXCEPTION,
        ical_uid=f"{event.ical_uid}-{day}",
        series_master_id=event.id,
        original_start=slot_time(event, day)["start"],
        values={n: v for n, v in {**event.values, "time": slot_time(event, day)}.items() if n in OCCURRENCE},
        stamps=None,
        exceptions={},
        cancelled=frozenset(),
    )
    before = event.exceptions.get(day, plain)
    after = replace(before, etag=f'W/"{number}"', values={**before.values, **changes})
    return replace(event, exceptions={**event.exceptions, day: after})


def without_occurrence(event: ExchangeEvent, day: str) -> ExchangeEvent:
    exceptions = {each: e for each, e in event.exceptions.items() if each != day}
    return replace(event, exceptions=exceptions, cancelled=event.cancelled | {day})


def with_exceptions_of(copy: ExchangeEvent, series: ExchangeEvent) -> ExchangeEvent:
    """An attendee's copy, with the exceptions that its organizer made."""
    if not series.is_series:
        return replace(copy, exceptions={}, cancelled=frozenset())
    exceptions = {
        day: replace(each, id=f"{copy.id}/{day}", series_master_id=copy.id, is_organizer=False)
        for day, each in series.exceptions.items()
    }
    return replace(copy, exceptions=exceptions, cancelled=series.cancelled)


# --- Dynamics -------------------------------------------------------------------------------------


def has_instance(row: DynamicsAppointment, original_start: str) -> bool:
    if not row.is_series or original_start in row.cancelled:
        return False
    series, moment = columns(row), datetime.fromisoformat(original_start)
    slot = model.slot_of(series, local_date(moment, UTC_ZONE))
    return slot is not None and slot.start == moment


def first_start(row: DynamicsAppointment) -> str:
    series = columns(row)
    first = model.first_date(series)
    return text(model.slot_on(series, first).start) if first else ""


def has_past(row: DynamicsAppointment, now: datetime) -> bool:
    first = first_start(row)
    return bool(first) and datetime.fromisoformat(first) < now


def written(
    row: DynamicsAppointment,
    values: Mapping[str, Any],
    parties: tuple[Party, ...],
    number: Callable[[], int],
) -> DynamicsAppointment:
    """A new pattern makes every instance anew; other columns flow to exceptions that do not override them."""
    after = {**row.values, **values}
    if not row.is_series or "recurrence" in values:
        return replace(row, values=after, parties=parties, exceptions={}, cancelled=frozenset())
    exceptions = {}
    for start, each in row.exceptions.items():
        flow = _inherited(each, row, values)
        etag = f'W/"{number()}"' if flow else each.etag
        people = parties if "attendees" in flow else each.parties
        exceptions[start] = replace(each, etag=etag, values={**each.values, **flow}, parties=people)
    return replace(row, values=after, parties=parties, exceptions=exceptions)


def with_instance(
    row: DynamicsAppointment,
    original_start: str,
    changes: Mapping[str, Any],
    number: int,
    parties: tuple[Party, ...] | None,
    now: datetime,
) -> DynamicsAppointment:
    begin = datetime.fromisoformat(original_start)
    end = begin + timedelta(minutes=columns(row).minutes)
    time = {"allDay": False, "start": text(begin), "end": text(end)}
    plain = DynamicsAppointment(
        id=str(uuid5(NAMESPACE_OID, f"{row.id} {original_start} {row.etag}")),
        etag="",
        modified=now,
        values={n: v for n, v in {**row.values, "time": time}.items() if n != "recurrence"},
        parties=row.parties,
        owner=row.owner,
        instance_type=InstanceType.EXCEPTION,
        series_id=row.id,
        original_start=original_start,
    )
    before = row.exceptions.get(original_start, plain)
    after = replace(
        before,
        etag=f'W/"{number}"',
        modified=now,
        values={**before.values, **changes},
        parties=before.parties if parties is None else parties,
    )
    return replace(row, exceptions={**row.exceptions, original_start: after})


def history_of(row: DynamicsAppointment, now: datetime) -> DynamicsAppointment:
    """The series as it was until now."""
    series = columns(row)
    last = (
        max((d for d in model.dates(series) if model.slot_on(series, d).start < now), default=None)
        if (series.range_type is not model.RangeType.NO_END)
        else local_date(now - timedelta(days=1), UTC_ZONE)
    )
    ended = replace(
        series,
        range_type=model.RangeType.END_DATE,
        occurrences=None,
        end_date=max(last or series.start_date, series.start_date),
    )
    return replace(row, values={**row.values, "recurrence": in_columns(model.to_value(ended))})


def from_now_on(columns_now: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    """What is left of a pattern when its past was parked: it starts on its first slot to come."""
    series = model.from_value(cross_columns(columns_now, UTC_ZONE).value)
    slot = model.next_slot(series, now)
    if slot is None:
        return columns_now
    passed = sum(1 for day in model.dates(series) if day < slot.date) if series.occurrences else 0
    left = None if series.occurrences is None else series.occurrences - passed
    return in_columns(model.to_value(replace(series, start_date=slot.date, occurrences=left)))


def parked_id(row_id: str, version: int) -> str:
    return str(uuid5(NAMESPACE_OID, f"parked {row_id} {version}"))
