"""Series: masters, their occurrences in views, and what travels to attendees."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.wire.exchange_graph import IMMUTABLE, Graph, event, invited, running

Json = dict[str, Any]

EVENTS = "/users/anna@contoso.com/events"
WINDOW = "startDateTime=2026-11-01T00:00:00Z&endDateTime=2027-01-31T00:00:00Z"
WEEKLY = {
    "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["Tuesday"]},
    "range": {"type": "numbered", "startDate": "2026-12-01", "numberOfOccurrences": 4},
}


@pytest.fixture
async def graph() -> AsyncIterator[Graph]:
    async with running() as graph:
        await graph.user("anna")
        await graph.user("ben")
        yield graph


async def test_a_master_is_listed_once_and_its_recurrence_is_filled_in(graph: Graph) -> None:
    made = await graph.create("anna", recurrence=WEEKLY)
    assert made["type"] == "seriesMaster"
    assert made["recurrence"]["pattern"]["firstDayOfWeek"] == "sunday"
    assert made["recurrence"]["range"]["recurrenceTimeZone"] == "W. Europe Standard Time"
    assert [row["id"] for row in await graph.events("anna")] == [made["id"]]


async def test_views_and_instances_hold_the_occurrences_whole(graph: Graph) -> None:
    made = await graph.create("anna", recurrence=WEEKLY)
    view = await graph("GET", f"/users/anna@contoso.com/calendarView?{WINDOW}", prefer=IMMUTABLE)
    instances = await graph("GET", f"{EVENTS}/{made['id']}/instances?{WINDOW}", prefer=IMMUTABLE)
    assert [row["id"] for row in view.rows] == [row["id"] for row in instances.rows]
    assert {(row["type"], row["subject"], row["seriesMasterId"]) for row in view.rows} == {
        ("occurrence", "Review", made["id"])
    }
    assert len({row["iCalUId"] for row in view.rows}) == 4
    assert view.rows[1]["start"]["dateTime"] == "2026-12-08T08:00:00.0000000"
    one = await graph("GET", f"{EVENTS}/{view.rows[1]['id']}", prefer=IMMUTABLE)
    assert one.body["start"] == view.rows[1]["start"]
    assert (await graph("GET", f"{EVENTS}/{made['id']}/instances")).code == "ErrorInvalidParameter"
    chosen = await graph("GET", f"{EVENTS}/{made['id']}?$select=cancelledOccurrences")
    assert chosen.body["cancelledOccurrences"] == []


async def test_a_series_that_starts_outside_its_pattern_is_moved_to_its_first_day(graph: Graph) -> None:
    fridays = {**WEEKLY, "pattern": {**WEEKLY["pattern"], "daysOfWeek": ["friday"]}}
    made = await graph.create("anna", recurrence=fridays)
    assert made["start"]["dateTime"][:10] == made["recurrence"]["range"]["startDate"] == "2026-12-04"


async def test_all_day_occurrences_are_dates(graph: Graph) -> None:
    day = {"dateTime": "2026-12-01T00:00:00", "timeZone": "W. Europe Standard Time"}
    next_day = {**day, "dateTime": "2026-12-02T00:00:00"}
    await graph.create("anna", recurrence=WEEKLY, isAllDay=True, start=day, end=next_day)
    view = await graph("GET", f"/users/anna@contoso.com/calendarView?{WINDOW}&$top=50")
    assert [row["start"]["dateTime"][8:16] for row in view.rows] == [
        "01T00:00",
        "08T00:00",
        "15T00:00",
        "22T00:00",
    ]
    assert view.rows[0]["end"]["dateTime"] == "2026-12-02T00:00:00.0000000"


async def test_a_series_can_become_a_single_event_and_back(graph: Graph) -> None:
    made = await graph.create("anna", recurrence=WEEKLY)
    single = await graph("PATCH", f"{EVENTS}/{made['id']}", {"recurrence": None})
    assert single.body["type"] == "singleInstance"
    again = await graph("PATCH", f"{EVENTS}/{made['id']}", {"recurrence": WEEKLY})
    assert again.body["type"] == "seriesMaster"
    moved = {
        name: {**event()[name], "dateTime": f"2026-12-08T{hour}:00:00"}
        for name, hour in (("start", "09"), ("end", "10"))
    }
    later = await graph("PATCH", f"{EVENTS}/{made['id']}", moved)
    assert later.body["recurrence"]["range"]["startDate"] == "2026-12-08"


async def test_a_series_with_attendees_is_one_invitation_and_one_copy(graph: Graph) -> None:
    await graph.create("anna", recurrence=WEEKLY, attendees=invited("ben@contoso.com"))
    assert await graph.outbox() == [("invitation", ["ben@contoso.com"])]
    assert (await graph.only_event("ben"))["type"] == "seriesMaster"


async def test_occurrences_must_not_overlap_nor_end_before_they_begin(graph: Graph) -> None:
    day = event()["start"]
    two_days = {
        **WEEKLY,
        "pattern": {**WEEKLY["pattern"], "daysOfWeek": ["tuesday", "wednesday"]},
    }
    long = event(recurrence=two_days, end={**day, "dateTime": "2026-12-02T10:00:00"})
    refused = await graph("POST", EVENTS, long)
    assert (refused.status, refused.code) == (400, "ErrorOccurrenceTimeSpanTooBig")
    assert (await graph("POST", EVENTS, {**long, "recurrence": WEEKLY})).status == 201
    backwards = event(recurrence=WEEKLY, end={**day, "dateTime": "2026-12-01T08:00:00"})
    assert (await graph("POST", EVENTS, backwards)).code == "ErrorPropertyValidationFailure"
    no_days = {**WEEKLY, "pattern": {"type": "weekly", "interval": 1}}
    assert (await graph("POST", EVENTS, event(recurrence=no_days))).code == "ErrorPropertyValidationFailure"


async def test_more_than_999_occurrences_are_taken(graph: Graph) -> None:
    daily = {
        "pattern": {"type": "daily", "interval": 1},
        "range": {"type": "numbered", "startDate": "2026-12-01", "numberOfOccurrences": 1500},
    }
    made = await graph.create("anna", recurrence=daily)
    end = "startDateTime=2031-01-01T00:00:00Z&endDateTime=2031-02-01T00:00:00Z"
    assert len((await graph("GET", f"{EVENTS}/{made['id']}/instances?{end}")).rows) == 8
    last = "startDateTime=2031-01-08T00:00:00Z&endDateTime=2031-02-01T00:00:00Z"
    assert len((await graph("GET", f"{EVENTS}/{made['id']}/instances?{last}")).rows) == 1
