"""An event as Graph answers it: whole, selected, or as the bare row of an occurrence."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

from local.exchange import bodies, recurrence
from local.exchange.event_input import EMPTY_LOCATION
from local.exchange.preferences import Preferences
from local.exchange.zones import local_text, seven_decimals, short_utc

Json = dict[str, Any]


def event_id(event: Json, preferences: Preferences) -> str:
    return str(event["id"] if preferences.immutable_ids else event["restId"])


def etag(event: Json) -> str:
    return f'W/"{event["changeKey"]}"'


def shown(event: Json, preferences: Preferences) -> Json:
    """The whole event, without annotations other than the etag."""
    props = event["props"]
    identifier = event_id(event, preferences)
    return {
        "@odata.etag": etag(event),
        "id": identifier,
        "createdDateTime": event["created"],
        "lastModifiedDateTime": event["modified"],
        "changeKey": event["changeKey"],
        "categories": props["categories"],
        **({"transactionId": event["transactionId"]} if event["transactionId"] else {}),
        "originalStartTimeZone": props["start"]["timeZone"],
        "originalEndTimeZone": props["end"]["timeZone"],
        "iCalUId": event["iCalUId"],
        "reminderMinutesBeforeStart": props["reminderMinutesBeforeStart"],
        "isReminderOn": props["isReminderOn"],
        "hasAttachments": False,
        "subject": props["subject"],
        "bodyPreview": bodies.preview(props["body"]),
        "importance": props["importance"],
        "sensitivity": props["sensitivity"],
        "isAllDay": props["isAllDay"],
        "isCancelled": event["isCancelled"],
        "isOrganizer": event["isOrganizer"],
        "responseRequested": props["responseRequested"],
        "seriesMasterId": None,
        "showAs": props["showAs"],
        "type": "seriesMaster" if props["recurrence"] else "singleInstance",
        "webLink": f"https://outlook.office365.com/owa/?itemid={quote(identifier, safe='')}"
        "&exvsurl=1&path=/calendar/item",
        "onlineMeetingUrl": None,
        "isOnlineMeeting": props["isOnlineMeeting"],
        "onlineMeetingProvider": props["onlineMeetingProvider"],
        "onlineMeeting": props["onlineMeeting"],
        "allowNewTimeProposals": props["allowNewTimeProposals"],
        "isDraft": False,
        "hideAttendees": props["hideAttendees"],
        "recurrence": props["recurrence"],
        "responseStatus": event["responseStatus"],
        "body": bodies.shown(props["body"], as_text=preferences.text_body),
        "start": _moment(props["start"], event["startsAt"], props["isAllDay"], preferences),
        "end": _moment(props["end"], event["endsAt"], props["isAllDay"], preferences),
        "location": props.get("location") or EMPTY_LOCATION,
        "locations": props["locations"],
        "attendees": props["attendees"],
        "organizer": {"emailAddress": event["organizer"]},
    }


def _moment(stored: Json, instant: float, all_day: bool, preferences: Preferences) -> Json:
    """All-day events are midnight to midnight whatever zone is asked for."""
    zone = preferences.time_zone
    if all_day:
        return {"dateTime": seven_decimals(datetime.fromisoformat(stored["dateTime"])), "timeZone": zone}
    return {"dateTime": local_text(instant, zone), "timeZone": zone}


def occurrence_shown(master: Json, occurrence: recurrence.Occurrence, preferences: Preferences) -> Json:
    """An occurrence whole: its master's properties at its own time."""
    day = {"dateTime": f"{occurrence.date}T00:00:00", "timeZone": ""}
    all_day = master["props"]["isAllDay"]
    last_day = {"dateTime": _end_day(master, occurrence.date), "timeZone": ""}
    return {
        **shown(master, preferences),
        "id": recurrence.occurrence_id(event_id(master, preferences), occurrence.date),
        "iCalUId": _dated_uid(master["iCalUId"], occurrence.date),
        "type": "occurrence",
        "seriesMasterId": event_id(master, preferences),
        "recurrence": None,
        "originalStart": short_utc(datetime.fromtimestamp(occurrence.start, UTC)),
        "start": _moment(day, occurrence.start, all_day, preferences),
        "end": _moment(last_day, occurrence.end, all_day, preferences),
    }


def _dated_uid(uid: str, day: date) -> str:
    """An occurrence's iCalUId has its day where the series' has zeros."""
    return f"{uid[:32]}{day.year:04X}{day.month:02X}{day.day:02X}{uid[40:]}"


def _end_day(master: Json, day: date) -> str:
    first, last = (datetime.fromisoformat(master["props"][name]["dateTime"]) for name in ("start", "end"))
    return f"{day + (last - first)}T00:00:00"


def bare_occurrence(master: Json, occurrence: recurrence.Occurrence, preferences: Preferences) -> Json:
    """All that a delta says of an occurrence that is like its master."""
    whole = occurrence_shown(master, occurrence, preferences)
    return {name: whole[name] for name in ("@odata.etag", "id", "seriesMasterId", "type", "start", "end")}


def typed(row: Json) -> Json:
    return {"@odata.type": "#microsoft.graph.event", **row}
