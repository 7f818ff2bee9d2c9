"""A series master in Graph's JSON."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import date, time
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from local.exchange import recurrence as exchange_online
from shared.exchange.event_recurrence import UnreadableRecurrence, decode, encode
from shared.model.recurrence import INDEXES, PatternType, Recurrence, dates, from_value, to_value
from tests.marks import rule
from tests.recurrences import numbered, series, until

EXAMPLES = Path(__file__).parents[1] / "data" / "graph" / "examples"
Json = dict[str, Any]


def documented(kind: str) -> Json:
    """The one documented series: a request and its answer."""
    page = json.loads((EXAMPLES / "user-post-events.json").read_text())
    bodies = [exchange["body"] for exchange in page["exchanges"] if exchange["kind"] == kind]
    found: Json = next(body for body in bodies if body and body.get("recurrence"))
    return found


# As Graph answers with Prefer: outlook.timezone="UTC": 09:00 in Berlin, every key filled in.
MASTER: Json = {
    "start": {"dateTime": "2026-01-05T08:00:00.0000000", "timeZone": "UTC"},
    "end": {"dateTime": "2026-01-05T08:30:00.0000000", "timeZone": "UTC"},
    "isAllDay": False,
    "originalStartTimeZone": "W. Europe Standard Time",
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
            "startDate": "2026-01-05",
            "endDate": "0001-01-01",
            "recurrenceTimeZone": "W. Europe Standard Time",
            "numberOfOccurrences": 0,
        },
    },
}


def master(pattern: Json | None = None, span: Json | None = None, **changes: Any) -> Json:
    row = {**deepcopy(MASTER), **changes}
    row["recurrence"]["pattern"].update(pattern or {})
    row["recurrence"]["range"].update(span or {})
    return row


@rule("APPT-28", "FLD-11")
def test_the_documented_series_is_read_alike_as_sent_and_as_answered() -> None:
    value = decode(documented("response"))
    assert value == {
        "type": "weekly",
        "interval": 1,
        "days": ["monday"],
        "range": {"type": "endDate", "start": "2017-09-04", "end": "2017-12-31"},
        "time": "12:00",
        "minutes": 120,
        "allDay": False,
        "zone": "Pacific Standard Time",
    }
    sent = documented("request")
    assert decode({**sent, "originalStartTimeZone": sent["start"]["timeZone"]}) == value
    assert len(list(dates(from_value(value)))) == 17


@rule("APPT-10")
def test_a_master_read_in_utc_has_the_local_time_of_its_own_zone() -> None:
    assert decode(MASTER) == to_value(series())
    summer = {edge: {"dateTime": f"2026-07-06T0{hour}:00:00", "timeZone": "UTC"} for edge, hour in EDGES}
    assert decode(master(span={"startDate": "2026-07-06"}, **summer))["time"] == "09:00"


EDGES = (("start", 7), ("end", 8))


@pytest.mark.parametrize(
    ("pattern", "span", "expected"),
    [
        ({"type": "daily", "daysOfWeek": ["monday"]}, {}, series(PatternType.DAILY)),
        ({"type": "absoluteMonthly", "dayOfMonth": 5}, {}, series(PatternType.ABSOLUTE_MONTHLY)),
        ({"type": "relativeMonthly"}, {}, series(PatternType.RELATIVE_MONTHLY)),
        ({"type": "absoluteYearly", "dayOfMonth": 5, "month": 1}, {}, series(PatternType.ABSOLUTE_YEARLY)),
        ({"type": "relativeYearly", "month": 1}, {}, series(PatternType.RELATIVE_YEARLY)),
        ({"interval": 2, "firstDayOfWeek": "monday"}, {}, series(interval=2, first_day_of_week="monday")),
        ({"firstDayOfWeek": "monday"}, {}, series()),
        ({"daysOfWeek": ["Friday", "Monday"]}, {}, series(days=("monday", "friday"))),
        ({}, {"type": "numbered", "numberOfOccurrences": 7}, series(**numbered(7))),
        ({}, {"type": "endDate", "endDate": "2026-03-01"}, series(**until(date(2026, 3, 1)))),
    ],
)
def test_only_what_belongs_to_the_type_is_read(pattern: Json, span: Json, expected: Recurrence) -> None:
    assert decode(master(pattern, span)) == to_value(expected)


def test_the_zone_of_the_event_serves_where_the_range_names_none() -> None:
    assert decode(master(span={"recurrenceTimeZone": ""}))["zone"] == "W. Europe Standard Time"


@rule("APPT-10")
@pytest.mark.parametrize("name", ["tzone://Microsoft/Custom", "Customized Time Zone"])
def test_a_zone_whose_rules_are_unknown_is_not_guessed(name: str) -> None:
    with pytest.raises(UnreadableRecurrence, match="the rules of its time zone are not known"):
        decode(master(span={"recurrenceTimeZone": name}))


def test_an_all_day_series_needs_no_zone() -> None:
    edges = {edge: {"dateTime": f"2026-01-0{day}T00:00:00", "timeZone": "UTC"} for edge, day in DAYS}
    row = master(span={"recurrenceTimeZone": "tzone://Microsoft/Custom"}, isAllDay=True, **edges)
    expected = series(start_time=time(0), minutes=2 * 1440, all_day=True, time_zone="UTC")
    assert decode(row) == to_value(expected)


DAYS = (("start", 5), ("end", 7))


@pytest.mark.parametrize(
    "row",
    [
        {},
        {**MASTER, "recurrence": None},
        master({"type": "hourly"}),
        master({"interval": 0}),
        master({"daysOfWeek": ["moonday"]}),
        master({"type": "absoluteMonthly"}),
        master(span={"type": "numbered"}),
        master(span={"startDate": "soon"}),
        master(start={"dateTime": "2026-01-06T08:00:00", "timeZone": "UTC"}),
    ],
    ids=str,
)
def test_what_cannot_be_read_says_so(row: Json) -> None:
    with pytest.raises(UnreadableRecurrence):
        decode(row)


@rule("APPT-28", "FLD-11")
@pytest.mark.parametrize("kind", PatternType)
@pytest.mark.parametrize("end", [{}, numbered(8), until(date(2033, 7, 1))], ids=["no end", "count", "date"])
def test_what_is_sent_is_taken_by_exchange_online_and_means_the_same_days(
    kind: PatternType, end: Json
) -> None:
    """The stand-in checks as Graph documents it, and expands by itself."""
    for index in INDEXES if kind.is_relative else (None,):
        r = series(kind, index=index, **end)
        sent = encode(to_value(r))
        taken = exchange_online.normal(sent["recurrence"], sent["start"])
        assert list(islice(exchange_online.dates(taken), 20)) == list(islice(dates(r), 20))


def test_only_the_needed_keys_are_sent_and_times_are_local_in_the_named_zone() -> None:
    assert encode(to_value(series(interval=2, first_day_of_week="monday", **numbered(4)))) == {
        "start": {"dateTime": "2026-01-05T09:00:00", "timeZone": "W. Europe Standard Time"},
        "end": {"dateTime": "2026-01-05T09:30:00", "timeZone": "W. Europe Standard Time"},
        "isAllDay": False,
        "recurrence": {
            "pattern": {
                "type": "weekly",
                "interval": 2,
                "daysOfWeek": ["monday"],
                "firstDayOfWeek": "monday",
            },
            "range": {
                "type": "numbered",
                "startDate": "2026-01-05",
                "numberOfOccurrences": 4,
                "recurrenceTimeZone": "W. Europe Standard Time",
            },
        },
    }
    daily = encode(to_value(series(PatternType.DAILY)))["recurrence"]
    assert daily["pattern"] == {"type": "daily", "interval": 1}
    assert set(daily["range"]) == {"type", "startDate", "recurrenceTimeZone"}
