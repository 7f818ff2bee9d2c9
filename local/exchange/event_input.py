"""What a POST or PATCH of an event says, checked by Exchange's rules and brought to the stored form."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from local.exchange import bodies, recurrence
from local.exchange.errors import GraphError, bad_request, invalid_request, validation_failed
from local.exchange.preferences import unsupported_time_zone
from local.exchange.validation import checked
from local.exchange.zones import UTC_NAME, instant, known_zone

Json = dict[str, Any]

MAX_ATTENDEES = 500
NO_TIME = "0001-01-01T00:00:00Z"
# Graph's own example of an update sends several of these; they are taken and change nothing.
READ_ONLY = frozenset(
    {
        "id",
        "changeKey",
        "createdDateTime",
        "lastModifiedDateTime",
        "iCalUId",
        "bodyPreview",
        "hasAttachments",
        "isCancelled",
        "isDraft",
        "isOrganizer",
        "organizer",
        "responseStatus",
        "seriesMasterId",
        "type",
        "originalStart",
        "originalStartTimeZone",
        "originalEndTimeZone",
        "onlineMeeting",
        "onlineMeetingUrl",
        "webLink",
        "cancelledOccurrences",
    }
)
DEFAULTS: Json = {
    "subject": "",
    "body": {"contentType": "html", "content": ""},
    "isAllDay": False,
    "locations": [],
    "attendees": [],
    "recurrence": None,
    "importance": "normal",
    "sensitivity": "normal",
    "showAs": "busy",
    "categories": [],
    "isReminderOn": True,
    "reminderMinutesBeforeStart": 15,
    "responseRequested": True,
    "allowNewTimeProposals": True,
    "hideAttendees": False,
    "isOnlineMeeting": False,
    "onlineMeetingProvider": "unknown",
    "onlineMeeting": None,
}
EMPTY_LOCATION: Json = {
    "displayName": "",
    "locationType": "default",
    "uniqueIdType": "unknown",
    "address": {},
    "coordinates": {},
}
_DATE_TIME = re.compile(r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,7})?)?)?$")


def parse(body: Json) -> Json:
    """The writable properties sent, in stored form; nothing is filled in."""
    sent = checked("event", body, ignored=READ_ONLY)
    changes = {name: value for name, value in sent.items() if name not in _PARSERS}
    for name, parser in _PARSERS.items():
        if name in sent:
            changes[name] = parser(sent[name])
    for name, default in DEFAULTS.items():
        if name in changes and changes[name] is None and default is not None:
            changes[name] = default
    return _with_locations(changes)


def _body(value: Json | None) -> Json:
    value = value or {}
    return bodies.stored(value.get("contentType") or "text", value.get("content") or "")


def local_moment(value: Json | None) -> Json:
    """A local time without offset, and its zone; ``Z`` only where the zone says the same."""
    if value is None or not isinstance(value.get("dateTime"), str):
        raise validation_failed()
    zone = value.get("timeZone") or UTC_NAME
    if not known_zone(zone):
        raise unsupported_time_zone(zone)
    text = value["dateTime"]
    if zone.upper() == UTC_NAME:
        text = text.removesuffix("Z")
    if not _DATE_TIME.match(text):
        raise invalid_date_time(value["dateTime"])
    try:
        moment = datetime.fromisoformat(text[:26])
        instant(moment.isoformat(), zone)
    except (ValueError, OverflowError) as error:
        raise invalid_date_time(value["dateTime"]) from error
    return {"dateTime": moment.isoformat(timespec="microseconds"), "timeZone": zone}


def invalid_date_time(text: str) -> GraphError:
    return bad_request(
        f"The value '{text}' is not a valid DateTime. Use a local date and time without offset.",
        "ErrorPropertyValidationFailure",
    )


def _attendees(rows: list[Json] | None) -> list[Json]:
    """One row per address; the answer given so far is Exchange's to say."""
    if len(rows or []) > MAX_ATTENDEES:
        raise invalid_request(f"The event has more than {MAX_ATTENDEES} attendees.")
    unique: dict[str, Json] = {}
    for row in rows or []:
        address = ((row.get("emailAddress") or {}).get("address") or "").strip()
        if "@" not in address:
            raise GraphError(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.")
        attendee = {
            "type": row.get("type") or "required",
            "status": {"response": "none", "time": NO_TIME},
            "emailAddress": {"name": row["emailAddress"].get("name") or address, "address": address},
        }
        unique.setdefault(address.lower(), attendee)
    return list(unique.values())


def _categories(names: list[str] | None) -> list[str]:
    return list(dict.fromkeys(names or []))


def _reminder(minutes: int | None) -> int | None:
    if minutes is not None and minutes < 0:
        raise validation_failed()
    return minutes


_PARSERS: dict[str, Any] = {
    "body": _body,
    "start": local_moment,
    "end": local_moment,
    "attendees": _attendees,
    "categories": _categories,
    "reminderMinutesBeforeStart": _reminder,
}


def _with_locations(changes: Json) -> Json:
    """``location`` replaces ``locations``; several locations make one display name."""
    rows = [_place(row) for row in changes.get("locations") or []]
    if changes.get("location"):
        rows = rows or ([_place(changes["location"])] if changes["location"].get("displayName") else [])
        changes["location"] = _place(changes["location"]) if rows else None
    elif "locations" in changes and "location" not in changes:
        name = "; ".join(row["displayName"] for row in rows)
        changes["location"] = rows[0] if len(rows) == 1 else _place({"displayName": name}) if rows else None
    if "location" in changes or "locations" in changes:
        changes["locations"] = rows
    return changes


def _place(row: Json) -> Json:
    name = row.get("displayName") or ""
    return {
        **{key: value for key, value in row.items() if value is not None},
        "displayName": name,
        "locationType": row.get("locationType") or "default",
        "uniqueId": row.get("uniqueId") or name,
        "uniqueIdType": row.get("uniqueIdType") or "private",
    }


def settled(props: Json) -> Json:
    """A whole event's properties after a change: the rules that need more than one of them."""
    if "start" not in props or "end" not in props:
        raise validation_failed()
    if props["isAllDay"]:
        _check_all_day(props["start"], props["end"])
    if begin_end(props)[0] > begin_end(props)[1]:
        raise validation_failed()
    if props["recurrence"]:
        props = _on_first_date(
            {**props, "recurrence": recurrence.normal(props["recurrence"], props["start"])}
        )
        if recurrence.overlapping(props):
            raise bad_request(
                "One occurrence of the recurring calendar item overlaps with another occurrence of the same "
                "calendar item.",
                "ErrorOccurrenceTimeSpanTooBig",
            )
    return props


def begin_end(props: Json) -> tuple[float, float]:
    """The instants of start and end."""
    return tuple(instant(props[name]["dateTime"], props[name]["timeZone"]) for name in ("start", "end"))  # type: ignore[return-value]


def _check_all_day(start: Json, end: Json) -> None:
    if start["timeZone"] != end["timeZone"]:
        raise invalid_request(
            "The Event.Start and Event.End properties of an all-day event need the same time zone."
        )
    for name, moment in (("Start", start), ("End", end)):
        if moment["dateTime"][10:] != "T00:00:00.000000":
            raise GraphError(
                400,
                "ErrorInvalidRequest",
                f"The Event.{name} property for an all-day event needs to be set to midnight.",
            )
    if start["dateTime"] >= end["dateTime"]:
        raise GraphError(
            400,
            "ErrorInvalidRequest",
            "The duration of an event marked as All day must be at least 24 hours.",
        )


def _on_first_date(props: Json) -> Json:
    """Exchange moves a series that starts on a day outside its pattern to the first day inside."""
    first = recurrence.first_date(props["recurrence"])
    if first is None:
        raise validation_failed()
    shift = first - date.fromisoformat(props["start"]["dateTime"][:10])
    if not shift:
        return props

    def later(moment: Json) -> Json:
        value = datetime.fromisoformat(moment["dateTime"]) + shift
        return {**moment, "dateTime": value.isoformat(timespec="microseconds")}

    span = {**props["recurrence"]["range"], "startDate": first.isoformat()}
    moved = {**props["recurrence"], "range": span}
    return {**props, "start": later(props["start"]), "end": later(props["end"]), "recurrence": moved}
