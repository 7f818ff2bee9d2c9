"""Graph's event JSON, decoded to ``ExchangeEvent`` with its canonical values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from shared.exchange import event_recurrence, event_text, event_time, stamps
from shared.model.event import EventType, ExchangeEvent, Stamps

Json = dict[str, Any]

# A feed may show only what changed; without these a row says too little to be decided upon.
_ESSENTIAL = (
    *("subject", "body", "start", "end", "isAllDay", "location", "importance", "showAs", "attendees"),
    *("categories", "iCalUId", "isOrganizer", "sensitivity"),
)
FIELDS = (
    *("id", *_ESSENTIAL, "organizer", "isCancelled", "isOnlineMeeting", "lastModifiedDateTime", "type"),
    *(
        "onlineMeeting",
        "seriesMasterId",
        "originalStart",
        "originalStartTimeZone",
        "originalEndTimeZone",
        "recurrence",
        "hasAttachments",
    ),
)
UNREADABLE = "unreadable"
"""The one key of a ``recurrence`` that could not be read; its value says why, for people."""

_ROLES = ("required", "optional", "resource")


class UnreadableEvent(ValueError):  # noqa: N818 - it names the finding
    """An event that cannot be understood. The message is for people and quotes no content."""


def is_complete(row: Json) -> bool:
    """Occurrences are bare by nature: their master says the rest, and its pattern with it."""
    needed = {*_ESSENTIAL, "recurrence"} if row.get("type") == EventType.SERIES_MASTER else set(_ESSENTIAL)
    return row.get("type") == EventType.OCCURRENCE or row.keys() >= needed


def decode(row: Json, *, calendar_id: str | None = None, marks: Stamps | None = None) -> ExchangeEvent:
    """``marks``: stamps that are known although the row does not show them. Values hold only what the row
    says: a bare occurrence has nothing but its time."""
    try:
        return _decoded(row, calendar_id, marks)
    except (TypeError, AttributeError, KeyError) as error:
        raise UnreadableEvent("not shaped like an event") from error


def _decoded(row: Json, calendar_id: str | None, marks: Stamps | None) -> ExchangeEvent:
    shown = _shown_stamps(row) or marks
    values = _values(row)
    if shown is not None:
        values["regarding"] = stamps.regarding(shown)
    return ExchangeEvent(
        id=_text(row, "id"),
        etag=_text(row, "@odata.etag"),
        type=_type(row),
        ical_uid=str(row.get("iCalUId") or ""),
        is_organizer=bool(row.get("isOrganizer")),
        modified=_modified(row.get("lastModifiedDateTime")),
        values=values,
        categories=tuple(str(name) for name in row.get("categories") or ()),
        stamps=shown,
        calendar_id=calendar_id,
        is_cancelled=bool(row.get("isCancelled")),
        is_online_meeting=bool(row.get("isOnlineMeeting")),
        join_url=join_url(row.get("onlineMeeting")),
        series_master_id=row.get("seriesMasterId"),
        start_time_zone=row.get("originalStartTimeZone"),
        attendee_names=_names(row),
        original_start=_slot(row.get("originalStart")),
        has_attachments=_flag(row.get("hasAttachments")),
    )


def decode_stamps(row: Json) -> Stamps:
    """Of a row that was read with ``$expand``: no property means no stamp."""
    return _shown_stamps(row) or Stamps()


def _shown_stamps(row: Json) -> Stamps | None:
    rows = row.get("singleValueExtendedProperties")
    return stamps.decode(rows) if isinstance(rows, list) else None


def _values(row: Json) -> Json:
    values: Json = {"time": _time(row)}
    for name in ("subject", "importance", "showAs", "sensitivity"):
        if name in row:
            values[name] = str(row[name] or "")
    if "location" in row:
        location = row["location"]
        values["location"] = str((location.get("displayName") if isinstance(location, dict) else "") or "")
    if "body" in row:
        values["body"] = event_text.decode(row["body"])
    if "organizer" in row:
        values["organizer"] = _address(row["organizer"])
    if "attendees" in row:
        values["attendees"] = _attendees(row)
    if row.get("type") == EventType.SERIES_MASTER and "recurrence" in row:
        values["recurrence"] = _recurrence(row)
    return values


def _recurrence(row: Json) -> Json:
    """A pattern that cannot be read (a custom time zone) leaves the event itself readable."""
    try:
        return dict(event_recurrence.decode(row))
    except event_recurrence.UnreadableRecurrence as error:
        return {UNREADABLE: str(error)}


def join_url(meeting: Any) -> str | None:
    url = meeting.get("joinUrl") if isinstance(meeting, dict) else None
    return url if isinstance(url, str) and url else None


def _time(row: Json) -> Json:
    zones = (row.get("originalStartTimeZone"), row.get("originalEndTimeZone"))
    all_day = bool(row.get("isAllDay"))
    try:
        return event_time.decode(row.get("start"), row.get("end"), all_day=all_day, zones=zones)
    except event_time.UnreadableTime as error:
        raise UnreadableEvent(str(error)) from error


def _attendees(row: Json) -> list[list[str]]:
    """Sorted, without the organizer; of one address given twice the more binding role counts."""
    organizer = _address(row.get("organizer"))
    roles: dict[str, str] = {}
    for attendee in row["attendees"] or ():
        address = _address(attendee)
        if address is None or address == organizer:
            continue
        role = attendee.get("type")
        role = role if role in _ROLES else _ROLES[0]
        roles[address] = min(roles.get(address, role), role, key=_ROLES.index)
    return [[address, roles[address]] for address in sorted(roles)]


def _names(row: Json) -> dict[str, str]:
    names: dict[str, str] = {}
    for attendee in row.get("attendees") or ():
        address = _address(attendee)
        name = attendee["emailAddress"].get("name") if address else None
        if address and name:
            names.setdefault(address, str(name))
    return names


def _address(recipient: Any) -> str | None:
    """The lower-case address of a recipient; None where there is only a name."""
    mail = recipient.get("emailAddress") if isinstance(recipient, dict) else None
    address = mail.get("address") if isinstance(mail, dict) else None
    return str(address).strip().lower() or None if address else None


def _text(row: Json, name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise UnreadableEvent(f"no {name}")
    return value


def _type(row: Json) -> EventType:
    try:
        return EventType(str(row.get("type")))
    except ValueError as error:
        raise UnreadableEvent("unknown type of event") from error


def _modified(text: Any) -> datetime | None:
    return _instant(text, "unreadable time of the last change") if text else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _slot(text: Any) -> str | None:
    return event_time.instant_text(_instant(text, "unreadable original start")) if text else None


def _instant(text: Any, otherwise: str) -> datetime:
    try:
        return event_time.moment({"dateTime": text})
    except event_time.UnreadableTime as error:
        raise UnreadableEvent(otherwise) from error
