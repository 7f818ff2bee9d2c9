"""The feed of each calendar, page by page, with everything that a reader of it must bear."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared.engine.ports import CalendarRef
from shared.errors import CursorExpired
from shared.model.decision import DeleteEvent, UpdateEvent
from shared.model.event import EventType
from tests.wire.graph_adapter import (
    NOW,
    WINDOW,
    Connected,
    connected,
    creation,
    default_calendar,
    read_round,
)


@pytest.fixture
async def rig() -> AsyncIterator[Connected]:
    async with connected() as running:
        yield running


async def test_own_calendars_that_can_be_edited(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    await rig.graph_as_person("POST", "/users/anna@contoso.com/calendars", {"name": "Sales"})
    calendars = await mailbox.calendars()
    assert [(calendar.name, calendar.is_default) for calendar in calendars] == [
        ("Calendar", True),
        ("Sales", False),
    ]


async def test_a_round_tells_all_events_and_then_only_changes(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    calendar = await default_calendar(mailbox)
    first = await mailbox.create_event(creation("one"))
    second = await mailbox.create_event(creation("two"))
    pages = await read_round(mailbox, calendar)
    told = {event.id: event for page in pages for event in page.events}
    assert set(told) == {first.id, second.id}
    assert told[first.id].calendar_id == calendar.id
    assert told[first.id].stamps is None
    assert told[first.id].values == {k: v for k, v in first.values.items() if k != "regarding"}

    await mailbox.update_event(UpdateEvent(first.id, first.etag, {"subject": "New"}))
    await mailbox.delete_event(DeleteEvent(second.id, second.etag))
    (page,) = await read_round(mailbox, calendar, pages[-1].link)
    assert [(event.id, event.values["subject"]) for event in page.events] == [(first.id, "New")]
    assert page.removed == (second.id,)
    assert await read_round(mailbox, calendar, page.link) != []


async def test_empty_pages_are_not_the_end(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    ids = {(await mailbox.create_event(creation(f"key-{number}"))).id for number in range(130)}
    pages = await read_round(mailbox, await default_calendar(mailbox))
    assert any(not page.events and not page.complete for page in pages)
    assert {event.id for page in pages for event in page.events} == ids


async def test_other_calendars_have_a_feed_of_their_own(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    await rig.graph_as_person("POST", "/users/anna@contoso.com/calendars", {"name": "Sales"})
    sales = next(calendar for calendar in await mailbox.calendars() if not calendar.is_default)
    body = {
        "subject": "In sales",
        "start": {"dateTime": "2026-03-02T09:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-03-02T10:00:00", "timeZone": "UTC"},
    }
    await rig.graph_as_person("POST", f"/users/anna@contoso.com/calendars/{sales.id}/events", body)
    (page,) = await read_round(mailbox, sales)
    assert [(event.values["subject"], event.calendar_id) for event in page.events] == [("In sales", sales.id)]
    assert not any(p.events for p in await read_round(mailbox, await default_calendar(mailbox)))


async def test_occurrences_come_bare_after_their_master(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    body = {
        "subject": "Standup",
        "start": {"dateTime": "2026-03-02T09:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-03-02T09:15:00", "timeZone": "UTC"},
        "recurrence": {
            "pattern": {"type": "daily", "interval": 1},
            "range": {"type": "numbered", "startDate": "2026-03-02", "numberOfOccurrences": 3},
        },
    }
    await rig.graph_as_person("POST", "/users/anna@contoso.com/events", body)
    (page,) = await read_round(mailbox, await default_calendar(mailbox))
    assert [event.type for event in page.events] == [EventType.SERIES_MASTER] + [EventType.OCCURRENCE] * 3
    assert set(page.events[1].values) == {"time"}
    assert page.events[1].series_master_id == page.events[0].id


async def test_a_dead_token(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    calendar = await default_calendar(mailbox)
    (page,) = await read_round(mailbox, calendar)
    await rig.control("POST", "/expire-delta")
    with pytest.raises(CursorExpired):
        await mailbox.calendar_changes(calendar, WINDOW, page.link)


async def test_a_link_kept_from_another_service_is_worth_nothing(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    calendar = CalendarRef("any", "Calendar", is_default=True)
    with pytest.raises(CursorExpired):
        await mailbox.calendar_changes(calendar, WINDOW, "https://graph.microsoft.com/v1.0/users/x/delta")
    assert not mailbox.requests


async def test_the_window_is_the_one_asked_for(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    await mailbox.create_event(creation())
    far = type(WINDOW)(NOW + timedelta(days=300), NOW + timedelta(days=330))
    pages = await read_round(mailbox, await default_calendar(mailbox), window=far)
    assert not any(page.events for page in pages)


async def test_an_idle_calendar_costs_one_request(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    calendar = await default_calendar(mailbox)
    (page,) = await read_round(mailbox, calendar)
    await rig.control("DELETE", "/requests")
    await read_round(mailbox, calendar, page.link)
    assert await rig.counted() == {"GET /users/{id}/calendarView/delta": 1}
