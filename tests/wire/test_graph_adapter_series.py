"""Series through the Graph adapter against the stand-in: read whole, and written one occurrence at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared.engine.ports import Window
from shared.errors import Conflict, NotFound, Refused
from shared.exchange.mailbox import GraphMailbox
from shared.model.decision import UpdateEvent, UpdateOccurrence
from shared.model.event import EventType, ExchangeEvent, Stamps
from tests.marks import rule
from tests.wire.graph_adapter import (
    BERLIN,
    NOW,
    ROW,
    TIME,
    Connected,
    connected,
    creation,
    default_calendar,
    read_round,
)
from tests.wire.graph_series import (
    DAYS,
    MONDAYS,
    at,
    by_person,
    change,
    occurrence_id,
    removal,
    series,
    slot,
    whole,
)


@pytest.fixture
async def rig() -> AsyncIterator[Connected]:
    async with connected() as running:
        yield running


@pytest.fixture
async def mailbox(rig: Connected) -> GraphMailbox:
    return await rig.mailbox()


def times(event: ExchangeEvent) -> dict[str, object]:
    return {day: exception.values["time"] for day, exception in event.exceptions.items()}


# --- reading --------------------------------------------------------------------------------------


@rule("APPT-36")
async def test_a_series_with_three_exceptions_is_one_request(rig: Connected, mailbox: GraphMailbox) -> None:
    master = await series(mailbox)
    await mailbox.update_occurrence(change(master.id, DAYS[1], time=at("2026-03-24", 12)))
    await mailbox.update_occurrence(change(master.id, DAYS[2], subject="Other"))
    await mailbox.update_occurrence(change(master.id, DAYS[4], location="Room 2"))
    await mailbox.remove_occurrence(removal(master.id, DAYS[3]))

    mailbox.requests.clear()
    read = await whole(mailbox, master.id)
    assert mailbox.requests == {"series": 1}
    assert (read.type, read.values["recurrence"]) == (EventType.SERIES_MASTER, MONDAYS)
    assert read.stamps == Stamps(link_state=2.0, crm_id=ROW)
    assert read.values["time"] == {"allDay": False, "start": slot(DAYS[0])[0], "end": slot(DAYS[0])[1]}
    assert read.cancelled == {DAYS[3]}
    assert sorted(read.exceptions) == [DAYS[1], DAYS[2], DAYS[4]]
    moved = read.exceptions[DAYS[1]]
    assert moved.values["time"] == at("2026-03-24", 12)
    assert (moved.type, moved.series_master_id) == (EventType.EXCEPTION, master.id)
    assert [read.exceptions[day].original_start for day in sorted(read.exceptions)] == [
        slot(day)[0] for day in (DAYS[1], DAYS[2], DAYS[4])
    ]
    assert read.exceptions[DAYS[2]].values["subject"] == "Other"
    assert read.exceptions[DAYS[2]].values["body"] == "Agenda"
    assert read.exceptions[DAYS[4]].values["location"] == "Room 2"


@rule("APPT-36")
async def test_exceptions_come_whatever_window_the_feed_has(rig: Connected, mailbox: GraphMailbox) -> None:
    master = await series(mailbox)
    await mailbox.update_occurrence(change(master.id, DAYS[5], time=at("2026-06-30", 12)))
    window = Window(NOW, NOW + timedelta(days=80))  # until 2026-03-22
    (page,) = await read_round(mailbox, await default_calendar(mailbox), window=window)
    assert {event.type for event in page.events} == {EventType.SERIES_MASTER, EventType.OCCURRENCE}
    assert times(await whole(mailbox, master.id)) == {DAYS[5]: at("2026-06-30", 12)}


async def test_several_series_go_in_one_batch(rig: Connected, mailbox: GraphMailbox) -> None:
    ids = [(await series(mailbox, f"series-{number}")).id for number in range(3)]
    mailbox.requests.clear()
    found = await mailbox.series(ids)
    assert mailbox.requests == {"$batch": 1, "series": 3}
    assert [event and event.values["recurrence"] for event in found.values()] == [MONDAYS] * 3
    assert list(found) == ids


async def test_what_is_no_series_comes_as_what_it_is_and_what_is_gone_as_none(
    rig: Connected, mailbox: GraphMailbox
) -> None:
    single = await mailbox.create_event(creation())
    gone = single.id[:-8] + "AAAAAAA="
    assert await mailbox.series([single.id]) == {single.id: single}
    assert await mailbox.series([gone]) == {gone: None}


@rule("APPT-36")
async def test_the_feed_shows_masters_and_exceptions_whole_and_occurrences_bare(
    rig: Connected, mailbox: GraphMailbox
) -> None:
    master = await series(mailbox)
    made = await mailbox.update_occurrence(change(master.id, DAYS[1], subject="Other"))
    (page,) = await read_round(mailbox, await default_calendar(mailbox))
    rows = {event.type: event for event in page.events}
    assert rows[EventType.SERIES_MASTER].values["recurrence"] == MONDAYS
    exception = rows[EventType.EXCEPTION]
    assert (exception.id, exception.original_start) == (made.id, slot(DAYS[1])[0])
    assert (exception.values["subject"], exception.series_master_id) == ("Other", master.id)
    bare = rows[EventType.OCCURRENCE]
    assert (list(bare.values), bare.series_master_id) == (["time"], master.id)
    assert page.broken == {}


# --- one occurrence -------------------------------------------------------------------------------


@rule("APPT-36")
async def test_an_occurrence_is_found_by_its_slot_also_after_clocks_changed(
    rig: Connected, mailbox: GraphMailbox
) -> None:
    master = await series(mailbox)
    made = await mailbox.update_occurrence(change(master.id, DAYS[3], subject="Other"))
    assert made.type is EventType.EXCEPTION
    assert made.original_start == "2026-04-06T07:00:00Z"
    assert (await whole(mailbox, master.id)).exceptions[DAYS[3]].etag == made.etag


async def test_several_occurrences_of_a_series_are_looked_up_once(
    rig: Connected, mailbox: GraphMailbox
) -> None:
    master = await series(mailbox)
    mailbox.requests.clear()
    for day in DAYS[:4]:
        await mailbox.update_occurrence(change(master.id, day, subject=f"On {day}"))
    await mailbox.remove_occurrence(removal(master.id, DAYS[4]))
    assert mailbox.requests == {"instances": 1, "update_occurrence": 4, "delete_occurrence": 1}


async def test_an_exception_is_changed_without_looking_it_up_and_only_as_it_was_read(
    rig: Connected, mailbox: GraphMailbox
) -> None:
    master = await series(mailbox)
    made = await mailbox.update_occurrence(change(master.id, DAYS[1], subject="Other"))
    mailbox.requests.clear()
    again = await mailbox.update_occurrence(change(master.id, DAYS[1], made, subject="Third"))
    assert mailbox.requests == {"update_occurrence": 1}
    assert again.values["subject"] == "Third"
    with pytest.raises(Conflict):
        await mailbox.update_occurrence(change(master.id, DAYS[1], made, subject="Fourth"))


async def test_an_occurrence_that_a_person_changed_meanwhile_is_not_overwritten(
    rig: Connected, mailbox: GraphMailbox
) -> None:
    master = await series(mailbox)
    await by_person(rig, await occurrence_id(rig, master.id, DAYS[1]), subject="Theirs")
    with pytest.raises(Conflict):
        await mailbox.update_occurrence(change(master.id, DAYS[1], subject="Ours"))
    assert (await whole(mailbox, master.id)).exceptions[DAYS[1]].values["subject"] == "Theirs"


async def test_an_exception_that_a_new_pattern_forgot_is_not_written_to_the_slot(
    rig: Connected, mailbox: GraphMailbox
) -> None:
    master = await series(mailbox)
    made = await mailbox.update_occurrence(change(master.id, DAYS[1], subject="Other"))
    longer = {**MONDAYS, "range": {**MONDAYS["range"], "end": "2026-04-27"}}
    await mailbox.update_event(UpdateEvent(master.id, "", {"recurrence": longer}))
    with pytest.raises(Conflict):
        await mailbox.update_occurrence(change(master.id, DAYS[1], made, subject="Third"))
    assert (await whole(mailbox, master.id)).exceptions == {}


async def test_a_remembered_occurrence_that_is_gone_is_looked_up_once_more(
    rig: Connected, mailbox: GraphMailbox
) -> None:
    master = await series(mailbox)
    await mailbox.update_occurrence(change(master.id, DAYS[1], subject="Other"))
    theirs = await occurrence_id(rig, master.id, DAYS[2])
    await rig.graph_as_person("DELETE", f"/users/anna@contoso.com/events/{theirs}")
    mailbox.requests.clear()
    with pytest.raises(NotFound):
        await mailbox.update_occurrence(change(master.id, DAYS[2], subject="Other"))
    assert mailbox.requests == {"update_occurrence": 1, "instances": 1}


@pytest.mark.parametrize("day", ["2026-03-17", "2026-04-27"])
async def test_what_the_series_does_not_have_is_not_found(
    rig: Connected, mailbox: GraphMailbox, day: str
) -> None:
    master = await series(mailbox)
    with pytest.raises(NotFound):
        await mailbox.update_occurrence(change(master.id, day, subject="Other"))
    with pytest.raises(NotFound):
        await mailbox.remove_occurrence(removal(master.id, day))


async def test_an_occurrence_moved_past_its_neighbour_is_refused(
    rig: Connected, mailbox: GraphMailbox
) -> None:
    master = await series(mailbox)
    with pytest.raises(Refused):
        await mailbox.update_occurrence(change(master.id, DAYS[1], time=at("2026-03-31", 12)))


async def test_occurrences_far_apart_are_found(rig: Connected, mailbox: GraphMailbox) -> None:
    span = {"type": "endDate", "start": "2026-03-02", "end": "2029-03-05"}
    master = await series(mailbox, recurrence={**MONDAYS, "range": span})
    for day in ("2026-03-02", "2029-01-08"):
        begin = f"{day}T08:00:00Z"
        write = UpdateOccurrence(master.id, day, (begin, begin.replace("08:", "09:")), {"subject": "Other"})
        await mailbox.update_occurrence(write)
    assert sorted((await whole(mailbox, master.id)).exceptions) == ["2026-03-02", "2029-01-08"]


@rule("APPT-36")
async def test_occurrences_of_whole_days_are_known_by_their_day(
    rig: Connected, mailbox: GraphMailbox
) -> None:
    days = {**MONDAYS, "time": "00:00", "minutes": 1440, "allDay": True}
    master = await series(mailbox, recurrence=days)
    begin, end = "2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z"
    write = UpdateOccurrence(master.id, DAYS[2], (begin, end), {"subject": "Other"})
    made = await mailbox.update_occurrence(write)
    assert made.values["time"] == {"allDay": True, "start": "2026-03-30", "end": "2026-03-31"}
    read = await whole(mailbox, master.id)
    assert read.values["recurrence"] == days
    assert list(read.exceptions) == [DAYS[2]]


# --- taking occurrences off -----------------------------------------------------------------------

GUEST = [["guest@else.com", "required"]]


@pytest.mark.parametrize("known", [True, False], ids=["an exception", "a plain occurrence"])
@rule("APPT-26")
async def test_an_occurrence_cancelled_tells_its_attendees_once(
    rig: Connected, mailbox: GraphMailbox, known: bool
) -> None:
    master = await series(mailbox, attendees=GUEST)
    made = await mailbox.update_occurrence(change(master.id, DAYS[1], location="Room 2")) if known else None
    before = await rig.mailed()
    await mailbox.remove_occurrence(removal(master.id, DAYS[1], made, cancel=True))
    assert (await rig.mailed())[len(before) :] == [("cancellation", ["guest@else.com"])]
    assert (await whole(mailbox, master.id)).cancelled == {DAYS[1]}


async def test_a_removed_exception_is_a_cancelled_slot_and_gone_is_gone(
    rig: Connected, mailbox: GraphMailbox
) -> None:
    master = await series(mailbox)
    made = await mailbox.update_occurrence(change(master.id, DAYS[1], subject="Other"))
    await mailbox.remove_occurrence(removal(master.id, DAYS[1], made))
    read = await whole(mailbox, master.id)
    assert (read.exceptions, read.cancelled) == ({}, {DAYS[1]})
    with pytest.raises(NotFound):
        await mailbox.remove_occurrence(removal(master.id, DAYS[1], made))
    with pytest.raises(NotFound):
        await mailbox.remove_occurrence(removal(master.id, DAYS[1]))


async def test_an_exception_that_was_changed_meanwhile_is_not_removed(
    rig: Connected, mailbox: GraphMailbox
) -> None:
    master = await series(mailbox)
    made = await mailbox.update_occurrence(change(master.id, DAYS[1], subject="Other"))
    await by_person(rig, made.id, subject="Theirs")
    with pytest.raises(Conflict):
        await mailbox.remove_occurrence(removal(master.id, DAYS[1], made))


# --- the pattern ----------------------------------------------------------------------------------


@rule("APPT-28")
async def test_a_series_becomes_a_single_event_and_back(rig: Connected, mailbox: GraphMailbox) -> None:
    master = await series(mailbox)
    once = await mailbox.update_event(UpdateEvent(master.id, master.etag, {"recurrence": None, "time": TIME}))
    assert (once.type, once.values["time"]) == (EventType.SINGLE, TIME)
    assert "recurrence" not in once.values
    again = await mailbox.update_event(UpdateEvent(once.id, once.etag, {"recurrence": MONDAYS}))
    assert (again.type, again.values["recurrence"]) == (EventType.SERIES_MASTER, MONDAYS)


async def test_a_pattern_is_written_in_the_zone_of_the_series_not_of_the_mailbox(
    rig: Connected, mailbox: GraphMailbox
) -> None:
    abroad = {**MONDAYS, "zone": "Tokyo Standard Time"}
    master = await series(mailbox, recurrence=abroad)
    assert master.values["recurrence"] == abroad
    assert master.start_time_zone != BERLIN
    assert master.values["time"] == at("2026-03-16", 0)


async def test_what_cannot_be_written_as_a_pattern_is_refused_before_it_is_sent(
    rig: Connected, mailbox: GraphMailbox
) -> None:
    mailbox.requests.clear()
    with pytest.raises(Refused):
        await series(mailbox, recurrence={"unreadable": "the rules of its time zone are not known"})
    assert mailbox.requests == {}
