"""A series as one request tells it: its master, the exceptions expanded, the cancelled dates (APPT-36).

Occurrences are keyed by the day of their slot in the series' zone: ids and iCalUIds of occurrences do not
last, and an exception can be anywhere, also outside every window that is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

from shared.exchange import events, stamps
from shared.exchange.events import UnreadableEvent
from shared.model.event import ExchangeEvent, Stamps
from shared.model.timezones import UnknownTimeZone, zone

Json = dict[str, Any]

EXCEPTIONS = "exceptionOccurrences"
MORE_EXCEPTIONS = f"{EXCEPTIONS}@odata.nextLink"
CANCELLED = "cancelledOccurrences"
# Graph shows of the exceptions what is selected of the master, but no etag: that is made of the changeKey.
FIELDS = (*events.FIELDS, "changeKey", CANCELLED, EXCEPTIONS)
EXPAND = (EXCEPTIONS, stamps.EXPAND)

_DATE_AT_END = re.compile(r"(\d{4}-\d{2}-\d{2})$")


def decode(row: Json) -> ExchangeEvent:
    """A row that is no series' (any more) is decoded as what it is. An exception that cannot be read makes
    the series unreadable: left out, it would be taken for a plain occurrence, and be undone elsewhere."""
    event = events.decode(row, marks=Stamps())
    if not event.is_series:
        return event
    return replace(event, exceptions=_exceptions(row, event), cancelled=_cancelled(row.get(CANCELLED)))


def _exceptions(row: Json, master: ExchangeEvent) -> Mapping[str, ExchangeEvent]:
    shown = row.get(EXCEPTIONS)
    if not isinstance(shown, list):
        raise UnreadableEvent("the series' exceptions are not shown")
    found: dict[str, ExchangeEvent] = {}
    for entry in shown:
        exception = _exception(entry)
        found[_slot_date(exception, master)] = exception
    return found


def _exception(entry: Any) -> ExchangeEvent:
    """The message names the slot, for people who must find it."""
    if not isinstance(entry, dict):
        raise UnreadableEvent("an exception of the series is not shaped like an event")
    try:
        return events.decode(_with_etag(entry))
    except UnreadableEvent as error:
        slot = str(entry.get("originalStart") or "unknown")[:10]
        raise UnreadableEvent(f"the series' exception of {slot}: {error}") from error


def _with_etag(entry: Json) -> Json:
    key = entry.get("changeKey")
    return {"@odata.etag": f'W/"{key}"', **entry} if key else entry


def _cancelled(identifiers: Any) -> frozenset[str]:
    """``OID.{master}.{yyyy-MM-dd}``; an id may hold dots, the date stands at the end. No list, none gone."""
    return frozenset(_date_of(identifier) for identifier in _listed(identifiers))


def _listed(identifiers: Any) -> Iterable[Any]:
    if identifiers is None:
        return ()
    if not isinstance(identifiers, list):
        raise UnreadableEvent("the series' cancelled occurrences are no list")
    return identifiers


def _date_of(identifier: Any) -> str:
    match = _DATE_AT_END.search(str(identifier))
    try:
        return date.fromisoformat(match[1] if match else "").isoformat()
    except ValueError as error:
        raise UnreadableEvent("a cancelled occurrence of the series without its date") from error


# --- slots ----------------------------------------------------------------------------------------


def _slot_date(exception: ExchangeEvent, master: ExchangeEvent) -> str:
    if exception.original_start is None:
        raise UnreadableEvent("an exception of the series does not say which occurrence it was")
    slot = datetime.fromisoformat(exception.original_start.replace("Z", "+00:00"))
    when = master.value("time")
    all_day = isinstance(when, Mapping) and bool(when["allDay"])
    return day_of(slot, _zone_of(master), all_day=all_day)


def day_of(slot: datetime, zone_name: str, *, all_day: bool) -> str:
    """The day of a slot. All-day ones begin at midnight in the series' zone or, as dates are shown in any
    zone, at that of UTC."""
    try:
        local = slot.astimezone(zone(zone_name))
    except UnknownTimeZone:
        local = slot.astimezone(UTC)
    universal = slot.astimezone(UTC)
    if all_day and local.time() != time.min and universal.time() == time.min:
        return universal.date().isoformat()
    return local.date().isoformat()


def _zone_of(master: ExchangeEvent) -> str:
    """Of a pattern that could not be read the zone in which the series was made."""
    recurrence = master.value("recurrence")
    known = recurrence.get("zone") if isinstance(recurrence, Mapping) else None
    return str(known or master.start_time_zone or "UTC")
