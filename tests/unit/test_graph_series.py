"""A series as Graph answers it in one request, decoded; and what of it must not be guessed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from shared.exchange import events, series
from shared.exchange.events import UnreadableEvent
from shared.model.event import EventType
from tests.marks import rule

Json = dict[str, Any]
BERLIN = "W. Europe Standard Time"
MASTER = "AAMk.ADAGAADDdm4NAAA="


def at(text: str) -> Json:
    return {"dateTime": f"{text}.0000000", "timeZone": "UTC"}


def row(**changes: Any) -> Json:
    return {
        "@odata.etag": 'W/"master-key"',
        "id": MASTER,
        "type": "seriesMaster",
        "changeKey": "master-key",
        "originalStartTimeZone": BERLIN,
        "originalEndTimeZone": BERLIN,
        "subject": "Stand-up",
        "isAllDay": False,
        "start": at("2026-03-16T08:00:00"),
        "end": at("2026-03-16T08:30:00"),
        "recurrence": {
            "pattern": {
                "type": "weekly",
                "interval": 1,
                "month": 0,
                "dayOfMonth": 0,
                "daysOfWeek": ["monday"],
                "firstDayOfWeek": "sunday",
                "index": "first",
            },
            "range": {
                "type": "noEnd",
                "startDate": "2026-03-16",
                "endDate": "0001-01-01",
                "recurrenceTimeZone": BERLIN,
                "numberOfOccurrences": 0,
            },
        },
        "cancelledOccurrences": [],
        "exceptionOccurrences": [],
        **changes,
    }


def exception(slot: str | None, **changes: Any) -> Json:
    """As the documentation shows it: what is selected of the master, without an etag."""
    return {
        "id": "AAMkADM0ZGRhMjdjLTA==",
        "changeKey": "own-key",
        "type": "exception",
        "subject": "Moved",
        "start": at("2026-04-07T11:30:00"),
        "end": at("2026-04-07T12:00:00"),
        "originalStart": slot,
        **changes,
    }


@rule("APPT-36")
def test_exceptions_are_keyed_by_the_day_of_their_slot_and_have_the_version_of_their_change_key() -> None:
    event = series.decode(row(exceptionOccurrences=[exception("2026-04-06T07:00:00Z")]))
    assert list(event.exceptions) == ["2026-04-06"]
    found = event.exceptions["2026-04-06"]
    assert (found.type, found.etag) == (EventType.EXCEPTION, 'W/"own-key"')
    assert found.original_start == "2026-04-06T07:00:00Z"


@rule("APPT-36")
@pytest.mark.parametrize(
    ("slot", "zone", "all_day", "day"),
    [
        ("2026-04-06T07:00:00+00:00", BERLIN, False, "2026-04-06"),
        ("2026-04-05T22:30:00+00:00", BERLIN, False, "2026-04-06"),
        ("2026-04-06T23:30:00+00:00", "Pacific Standard Time", False, "2026-04-06"),
        ("2026-04-05T22:00:00+00:00", BERLIN, True, "2026-04-06"),
        ("2026-04-06T00:00:00+00:00", BERLIN, True, "2026-04-06"),
        ("2026-04-06T00:00:00+00:00", "Pacific Standard Time", True, "2026-04-06"),
        ("2026-04-06T07:00:00+00:00", "Pacific Standard Time", True, "2026-04-06"),
        ("2026-04-06T00:00:00+00:00", "Pacific Standard Time", False, "2026-04-05"),
        ("2026-04-06T05:00:00+00:00", "Pacific Standard Time", True, "2026-04-05"),
        ("2026-04-05T23:00:00+00:00", "tzone://Microsoft/Custom", False, "2026-04-05"),
    ],
)
def test_the_day_of_a_slot_is_that_of_the_series_zone(slot: str, zone: str, all_day: bool, day: str) -> None:
    assert series.day_of(datetime.fromisoformat(slot), zone, all_day=all_day) == day


@rule("APPT-36")
def test_cancelled_occurrences_are_dates_whatever_their_ids_look_like() -> None:
    ids = [f"OID.{MASTER}.2026-03-30", "2026-04-13", f"OID.{MASTER}.2026-03-30"]
    assert series.decode(row(cancelledOccurrences=ids)).cancelled == {"2026-03-30", "2026-04-13"}
    assert series.decode(row(cancelledOccurrences=None)).cancelled == frozenset()


@pytest.mark.parametrize("ids", [["OID.AAMk"], ["OID.AAMk.2026-02-30"], [None], "OID.AAMk.2026-03-30"])
def test_a_cancelled_occurrence_without_a_date_is_not_left_out(ids: Any) -> None:
    with pytest.raises(UnreadableEvent, match="cancelled"):
        series.decode(row(cancelledOccurrences=ids))


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (exception("2026-04-06T07:00:00Z", start=None), "exception of 2026-04-06"),
        (exception("2026-04-06T07:00:00Z", changeKey=None), "exception of 2026-04-06"),
        (exception("some day"), "exception of some day"),
        (exception(None), "which occurrence"),
        ("text", "not shaped"),
    ],
)
def test_an_exception_that_cannot_be_read_is_not_taken_for_a_plain_occurrence(entry: Any, says: str) -> None:
    with pytest.raises(UnreadableEvent, match=says):
        series.decode(row(exceptionOccurrences=[exception("2026-04-13T07:00:00Z"), entry]))


def test_a_series_whose_exceptions_are_not_shown_is_not_one_without_any() -> None:
    bare = row()
    del bare["exceptionOccurrences"]
    with pytest.raises(UnreadableEvent, match="not shown"):
        series.decode(bare)


def test_what_is_no_series_any_more_has_neither() -> None:
    single = row(type="singleInstance", recurrence=None)
    event = series.decode({k: v for k, v in single.items() if not k.endswith("Occurrences")})
    assert (event.type, event.exceptions, event.cancelled) == (EventType.SINGLE, {}, frozenset())
    assert "recurrence" not in event.values


def test_a_pattern_in_a_custom_zone_leaves_the_event_readable() -> None:
    custom = row(originalStartTimeZone="tzone://Microsoft/Custom")
    custom["recurrence"]["range"]["recurrenceTimeZone"] = "tzone://Microsoft/Custom"
    event = series.decode(custom)
    assert event.values["subject"] == "Stand-up"
    assert event.values["recurrence"] == {
        "unreadable": "the rules of its time zone are not known (tzone://Microsoft/Custom)"
    }


def test_a_master_that_shows_no_pattern_says_too_little() -> None:
    names = ("body", "location", "importance", "showAs", "attendees", "categories", "sensitivity")
    essential = dict.fromkeys(names)
    whole = row(**essential, iCalUId="0400", isOrganizer=True)
    assert events.is_complete(whole)
    del whole["recurrence"]
    assert not events.is_complete(whole)
