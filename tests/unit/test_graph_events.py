"""Graph's event JSON, decoded: the documentation's own examples, and what may be wrong with a row."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.exchange import event_text, events, stamps
from shared.model.event import EventType, ExchangeEvent, Stamps

Json = dict[str, Any]
EXAMPLES = Path(__file__).parents[1] / "data" / "graph" / "examples"


def documented(page: str) -> list[Json]:
    """The events in a documentation page's answers."""
    exchanges = json.loads((EXAMPLES / f"{page}.json").read_text())["exchanges"]
    bodies = [e["body"] for e in exchanges if e["kind"] == "response" and isinstance(e.get("body"), dict)]
    rows = [row for body in bodies for row in body.get("value", [body])]
    return [row for row in rows if isinstance(row, dict) and isinstance(row.get("start"), dict)]


def row(**changes: Any) -> Json:
    """A documented single event, changed."""
    return {**documented("user-post-events")[0], **changes}


def time_of(event: ExchangeEvent) -> Any:
    return event.values["time"]


def at(text: str, zone: str = "UTC") -> Json:
    return {"dateTime": text, "timeZone": zone}


def attendee(address: str | None, role: str = "required", name: str = "") -> Json:
    return {"emailAddress": {"address": address, "name": name}, "type": role}


# --- the documentation's examples -----------------------------------------------------------------


@pytest.mark.parametrize("page", ["user-post-events", "calendar-post-events"])
def test_documented_whole_events_are_read(page: str) -> None:
    for example in documented(page):
        assert events.is_complete(example)
        event = events.decode(example)
        assert event.id == example["id"]
        assert event.etag == example["@odata.etag"]
        assert event.values["subject"] == example["subject"]


def test_a_documented_event_in_full() -> None:
    event = events.decode(row())
    assert event.type is EventType.SINGLE
    assert event.is_organizer
    assert time_of(event) == {"allDay": False, "start": "2017-04-15T18:00:00Z", "end": "2017-04-15T19:00:00Z"}
    assert event.values["body"] == {"html": "Does late morning work for you?"}
    assert event.values["attendees"] == [["samanthab@contoso.onmicrosoft.com", "required"]]
    assert event.values["organizer"] == "danas@contoso.onmicrosoft.com"
    assert "regarding" not in event.values
    assert event.stamps is None


def test_documented_rows_of_the_feed_say_too_little() -> None:
    rows = documented("delta-query-events")
    assert rows
    assert not any(events.is_complete(example) for example in rows)


def test_a_bare_occurrence_has_nothing_but_its_time() -> None:
    bare = next(r for r in documented("event-list-instances") if r["type"] == "occurrence")
    kept = {
        name: bare[name]
        for name in ("@odata.etag", "id", "seriesMasterId", "type", "start", "end")
        if name in bare
    }
    assert events.is_complete(kept)
    event = events.decode(kept)
    assert set(event.values) == {"time"}
    assert event.type is EventType.OCCURRENCE


# --- time -----------------------------------------------------------------------------------------


def test_seven_decimals_are_dropped() -> None:
    event = events.decode(row(start=at("2026-01-05T09:00:00.9999999"), end=at("2026-01-05T10:00:00.0000000")))
    assert time_of(event)["start"] == "2026-01-05T09:00:00Z"


def test_another_zone_than_asked_for_is_converted() -> None:
    zone = "W. Europe Standard Time"
    event = events.decode(row(start=at("2026-07-05T09:00:00", zone), end=at("2026-07-05T10:00:00", zone)))
    assert time_of(event)["start"] == "2026-07-05T07:00:00Z"


def test_an_all_day_event_is_dates_as_answered() -> None:
    event = events.decode(
        row(isAllDay=True, start=at("2026-01-05T00:00:00.0000000"), end=at("2026-01-07T00:00:00.0000000"))
    )
    assert time_of(event) == {"allDay": True, "start": "2026-01-05", "end": "2026-01-07"}


def test_an_all_day_event_that_is_not_at_midnight_is_read_in_its_own_zone() -> None:
    event = events.decode(
        row(
            isAllDay=True,
            originalStartTimeZone="Tokyo Standard Time",
            start=at("2026-01-04T15:00:00"),
            end=at("2026-01-05T15:00:00"),
        )
    )
    assert time_of(event) == {"allDay": True, "start": "2026-01-05", "end": "2026-01-06"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": None}, "no id"),
        ({"@odata.etag": ""}, "no @odata.etag"),
        ({"type": "somethingNew"}, "unknown type of event"),
        ({"start": None}, "no readable date and time"),
        ({"start": at("yesterday")}, "no readable date and time"),
        ({"start": at("2026-02-30T09:00:00")}, "no such date or time"),
        ({"start": at("2017-04-15T09:00:00", "tzone://Microsoft/Custom")}, "unknown time zone"),
        ({"end": at("2017-04-14T09:00:00")}, "ends before it begins"),
        ({"end": at("9999-12-31T23:59:59", "Hawaiian Standard Time")}, "beyond the calendar"),
        (
            {"isAllDay": True, "originalStartTimeZone": "tzone://Microsoft/Custom"},
            "an all-day event that does not begin and end at midnight",
        ),
        ({"lastModifiedDateTime": "now"}, "unreadable time of the last change"),
        ({"attendees": 5}, "not shaped like an event"),
        ({"categories": 5}, "not shaped like an event"),
    ],
)
def test_a_malformed_row_says_why(changes: Json, reason: str) -> None:
    with pytest.raises(events.UnreadableEvent) as caught:
        events.decode(row(**changes))
    assert str(caught.value) == reason


# --- attendees ------------------------------------------------------------------------------------


def test_attendees_are_sorted_lower_case_and_without_the_organizer() -> None:
    people = [
        attendee("Zoe@Contoso.com", "optional", "Zoe"),
        attendee("danas@CONTOSO.onmicrosoft.com"),
        attendee(" room1@contoso.com ", "resource"),
        attendee("adam@contoso.com"),
    ]
    event = events.decode(row(attendees=people))
    assert event.values["attendees"] == [
        ["adam@contoso.com", "required"],
        ["room1@contoso.com", "resource"],
        ["zoe@contoso.com", "optional"],
    ]
    assert event.attendee_names == {"zoe@contoso.com": "Zoe"}


def test_an_attendee_given_twice_counts_once_in_the_more_binding_role() -> None:
    people = [
        attendee("a@x.com", "optional"),
        attendee("A@x.com", "required"),
        attendee("a@x.com", "resource"),
    ]
    assert events.decode(row(attendees=people)).values["attendees"] == [["a@x.com", "required"]]


def test_attendees_without_an_address_cannot_be_told_apart_and_are_left_out() -> None:
    people = [attendee(None), attendee(""), {"type": "required"}, {"emailAddress": None}, "somebody"]
    assert events.decode(row(attendees=people)).values["attendees"] == []


def test_nobody_organizes_an_event_without_an_organizer() -> None:
    assert events.decode(row(organizer=None)).values["organizer"] is None


# --- text and the rest ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "plain"),
    [
        ("one\r\ntwo  \r\n\r\n", "one\ntwo"),
        ("one\rtwo\t\n", "one\ntwo"),
        ("\u00a0 indented\u00a0word\u00a0", "  indented word"),
        ("", ""),
        ("   \r\n ", ""),
    ],
)
def test_bodies_are_normalised(content: str, plain: str) -> None:
    assert event_text.decode({"contentType": "text", "content": content}) == plain


def test_html_is_read_in_its_one_form() -> None:
    markup = (
        "<html><head><style>p {}</style></head><body><p>Hello &amp; <b>welcome</b></p>\r\n<p>Bye</p></body>"
    )
    body = {"contentType": "html", "content": markup}
    assert event_text.decode(body) == {"html": "<p>Hello &amp; <b>welcome</b></p><p>Bye</p>"}


def test_missing_texts_are_empty() -> None:
    event = events.decode(row(subject=None, body=None, location=None))
    assert (event.values["subject"], event.values["body"], event.values["location"]) == ("", "", "")


def test_stamps_and_regarding_are_there_only_when_they_were_read() -> None:
    shown = stamps.encode(Stamps(link_state=2.0, regarding_id="x", regarding_type="account"))
    event = events.decode(row(singleValueExtendedProperties=shown))
    assert event.stamps == Stamps(link_state=2.0, regarding_id="x", regarding_type="account")
    assert event.values["regarding"] == {"type": "account", "id": "x"}
    assert events.decode(row(), marks=Stamps()).values["regarding"] is None


def test_the_rest_is_carried_over() -> None:
    event = events.decode(
        row(
            isCancelled=True,
            isOnlineMeeting=True,
            categories=["Tracked to Dynamics 365"],
            lastModifiedDateTime="2026-01-05T09:00:00.1234567Z",
        ),
        calendar_id="C",
    )
    assert event.is_cancelled
    assert event.is_online_meeting
    assert event.categories == ("Tracked to Dynamics 365",)
    assert event.modified == datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert event.calendar_id == "C"
