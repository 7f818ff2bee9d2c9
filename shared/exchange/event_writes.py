"""Creates, updates and marks of events, encoded as Graph's JSON: only what is to change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.bodies.forms import is_rich, markup_of
from shared.errors import Refused
from shared.exchange import event_recurrence, event_time, stamps
from shared.model.decision import CreateEvent, MarkEvent, UpdateEvent, UpdateOccurrence
from shared.model.recurrence import NotARecurrence
from shared.model.values import Value, Values

Json = dict[str, Any]


def create(write: CreateEvent, time_zone: str) -> Json:
    """The stamps go in the create body: that is how a create whose answer was lost is found again."""
    body = _content(write.values, write.attendee_names, time_zone)
    if body.get("recurrence", body) is None:
        del body["recurrence"]  # what is new happens once unless said otherwise
    body["transactionId"] = write.transaction_id
    body["categories"] = list(write.categories)
    marks = stamps.encode(write.stamps)
    if marks:
        body["singleValueExtendedProperties"] = marks
    return _with_reminder(body, write.reminder)


def update(write: UpdateEvent, time_zone: str) -> Json:
    return _with_reminder(_content(write.values, write.attendee_names, time_zone), write.reminder)


def occurrence(write: UpdateOccurrence, time_zone: str) -> Json:
    return _content(write.values, write.attendee_names, time_zone)


def mark(write: MarkEvent) -> Json:
    """Nothing that an attendee could be told of (APPT-26 c)."""
    body: Json = {}
    if write.categories is not None:
        body["categories"] = list(write.categories)
    marks = stamps.encode(write.stamps)
    if marks:
        body["singleValueExtendedProperties"] = marks
    return body


def _with_reminder(body: Json, reminder: bool | None) -> Json:
    return body if reminder is None else {**body, "isReminderOn": reminder}


def _content(values: Values, names: Mapping[str, str], time_zone: str) -> Json:
    """Organizer and regarding have no place here: the one cannot be set, the other is a stamp."""
    body: Json = _when(values, time_zone)
    for name in ("subject", "importance", "showAs"):
        if name in values:
            body[name] = values[name]
    if "location" in values:
        body["location"] = {"displayName": values["location"]}
    if "body" in values:
        body["body"] = _body(values["body"])
    if "attendees" in values:
        body["attendees"] = [_attendee(entry, names) for entry in _entries(values["attendees"])]
    return body


def _when(values: Values, time_zone: str) -> Json:
    """A series is written in its own zone, its times with its pattern: Graph wants the first day of both to
    be the same. Without a pattern (None) an event happens once, at its ``time``."""
    if values.get("recurrence") is not None:
        return _series(values["recurrence"])
    once = {"recurrence": None} if "recurrence" in values else {}
    return once | (event_time.encode(values["time"], time_zone) if "time" in values else {})


def _series(value: Value) -> Json:
    try:
        return event_recurrence.encode(value)
    except NotARecurrence as error:
        raise Refused(f"the series cannot be written: {error}") from error


def _body(value: Any) -> Json:
    return html_body(markup_of(value)) if is_rich(value) else {"contentType": "text", "content": value}


def html_body(content: str) -> Json:
    return {"contentType": "html", "content": content}


def _entries(value: Any) -> list[Any]:
    return list(value or ())


def _attendee(entry: Any, names: Mapping[str, str]) -> Json:
    address, role = entry
    mail = {"address": address}
    if names.get(address):
        mail["name"] = names[address]
    return {"emailAddress": mail, "type": role}
