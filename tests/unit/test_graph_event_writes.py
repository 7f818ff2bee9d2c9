"""Events encoded as Graph's JSON: only what is to change."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import Refused
from shared.exchange import event_writes, stamps
from shared.model.decision import CreateEvent, MarkEvent, UpdateEvent
from shared.model.event import Stamps

BERLIN = "W. Europe Standard Time"


def update(zone: str = BERLIN, **values: Any) -> dict[str, Any]:
    return event_writes.update(UpdateEvent("id", "etag", values, None, {"a@x.com": "Anna"}), zone)


def timed(start: str, end: str) -> dict[str, Any]:
    return {"allDay": False, "start": start, "end": end}


@pytest.mark.rule("APPT-26")
def test_an_update_sends_only_what_changed() -> None:
    assert update(subject="New") == {"subject": "New"}
    assert update() == {}


@pytest.mark.rule("APPT-26")
def test_marks_touch_nothing_that_attendees_see() -> None:
    body = event_writes.mark(MarkEvent("id", None, ("Tracked to Dynamics 365",), Stamps(link_state=2.0)))
    assert set(body) == {"categories", "singleValueExtendedProperties"}
    assert "categories" not in event_writes.mark(MarkEvent("id", None, None, Stamps(link_state=0.0)))


def test_times_are_written_in_the_mailboxs_zone() -> None:
    body = update(time=timed("2026-07-05T07:00:00Z", "2026-07-05T08:30:00Z"))
    assert body == {
        "isAllDay": False,
        "start": {"dateTime": "2026-07-05T09:00:00", "timeZone": BERLIN},
        "end": {"dateTime": "2026-07-05T10:30:00", "timeZone": BERLIN},
    }


def test_the_hour_that_clocks_show_twice_is_written_in_utc() -> None:
    body = update(time=timed("2026-10-25T01:30:00Z", "2026-10-25T03:00:00Z"))
    assert body["start"] == {"dateTime": "2026-10-25T01:30:00", "timeZone": "UTC"}
    assert body["end"] == {"dateTime": "2026-10-25T04:00:00", "timeZone": BERLIN}


@pytest.mark.parametrize("zone", [BERLIN, "tzone://Microsoft/Custom"])
def test_all_day_events_are_midnights_of_one_zone(zone: str) -> None:
    body = update(zone, time={"allDay": True, "start": "2026-01-05", "end": "2026-01-06"})
    name = "UTC" if zone.startswith("tzone") else zone
    assert body == {
        "isAllDay": True,
        "start": {"dateTime": "2026-01-05T00:00:00", "timeZone": name},
        "end": {"dateTime": "2026-01-06T00:00:00", "timeZone": name},
    }


def test_every_other_field_has_its_place() -> None:
    body = update(
        location="Room 1",
        body="two\nlines",
        importance="high",
        showAs="oof",
        attendees=[["a@x.com", "required"], ["b@x.com", "optional"]],
        organizer="boss@x.com",
        regarding={"type": "account", "id": "x"},
    )
    assert body == {
        "location": {"displayName": "Room 1"},
        "body": {"contentType": "text", "content": "two\nlines"},
        "importance": "high",
        "showAs": "oof",
        "attendees": [
            {"emailAddress": {"address": "a@x.com", "name": "Anna"}, "type": "required"},
            {"emailAddress": {"address": "b@x.com"}, "type": "optional"},
        ],
    }


def test_a_create_carries_its_key_its_stamps_and_its_category() -> None:
    marks = Stamps(link_state=1.0)
    write = CreateEvent("key", {"subject": "S"}, marks, ("Tracked to Dynamics 365",), False)
    assert event_writes.create(write, "UTC") == {
        "subject": "S",
        "transactionId": "key",
        "categories": ["Tracked to Dynamics 365"],
        "singleValueExtendedProperties": stamps.encode(marks),
        "isReminderOn": False,
    }


# --- series ---------------------------------------------------------------------------------------

DAILY: dict[str, Any] = {
    "type": "daily",
    "interval": 2,
    "range": {"type": "numbered", "start": "2026-03-28", "occurrences": 3},
    "time": "09:00",
    "minutes": 45,
    "allDay": False,
    "zone": "Tokyo Standard Time",
}


@pytest.mark.rule("APPT-28")
def test_a_series_brings_its_own_times_and_zone() -> None:
    body = update(time=timed("2020-01-01T00:00:00Z", "2020-01-01T01:00:00Z"), recurrence=DAILY, subject="S")
    assert body == {
        "start": {"dateTime": "2026-03-28T09:00:00", "timeZone": "Tokyo Standard Time"},
        "end": {"dateTime": "2026-03-28T09:45:00", "timeZone": "Tokyo Standard Time"},
        "isAllDay": False,
        "recurrence": {
            "pattern": {"type": "daily", "interval": 2},
            "range": {
                "type": "numbered",
                "startDate": "2026-03-28",
                "numberOfOccurrences": 3,
                "recurrenceTimeZone": "Tokyo Standard Time",
            },
        },
        "subject": "S",
    }


def test_a_series_that_becomes_a_single_event_says_so_and_when_it_is() -> None:
    body = update("UTC", time=timed("2026-03-28T00:00:00Z", "2026-03-28T01:00:00Z"), recurrence=None)
    assert body == {
        "recurrence": None,
        "isAllDay": False,
        "start": {"dateTime": "2026-03-28T00:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-03-28T01:00:00", "timeZone": "UTC"},
    }


def test_a_new_event_without_a_recurrence_does_not_mention_one() -> None:
    write = CreateEvent("key", {"subject": "S", "recurrence": None}, Stamps(), (), None)
    assert "recurrence" not in event_writes.create(write, BERLIN)
    series = CreateEvent("key", {"recurrence": DAILY}, Stamps(), (), None)
    assert event_writes.create(series, BERLIN)["recurrence"]["pattern"]["type"] == "daily"


def test_a_recurrence_that_was_not_readable_is_not_written() -> None:
    with pytest.raises(Refused):
        update(recurrence={"unreadable": "the rules of its time zone are not known"})
