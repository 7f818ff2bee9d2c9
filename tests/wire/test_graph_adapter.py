"""The Graph adapter against the stand-in: finding mailboxes, reading and writing events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from shared.errors import Conflict, MailboxBroken, NotFound, Refused
from shared.model.decision import CancelEvent, DeleteEvent, MarkEvent, UpdateEvent
from shared.model.event import Stamps
from tests.wire.graph_adapter import BERLIN, ROW, TIME, TRACKED, Connected, connected, creation


@pytest.fixture
async def rig() -> AsyncIterator[Connected]:
    async with connected() as running:
        yield running


# --- mailboxes ------------------------------------------------------------------------------------


async def test_a_mailbox_is_found_with_its_zone(rig: Connected) -> None:
    user = await rig.user("anna", timeZone=BERLIN)
    info = await rig.graph.find_mailbox("Anna@contoso.com")
    assert (info.id, info.address, info.display_name, info.time_zone) == (
        user,
        "anna@contoso.com",
        "Anna",
        BERLIN,
    )
    assert await rig.graph.mailbox(user).info() == info


async def test_nobody_under_an_address(rig: Connected) -> None:
    with pytest.raises(NotFound):
        await rig.graph.find_mailbox("nobody@contoso.com")


async def test_a_user_without_a_mailbox(rig: Connected) -> None:
    await rig.user("nomail", mailbox=False)
    with pytest.raises(MailboxBroken):
        await rig.graph.find_mailbox("nomail@contoso.com")


async def test_the_mailbox_of_a_user_who_is_gone_is_broken_and_its_events_are_not_deleted(
    rig: Connected,
) -> None:
    mailbox = rig.graph.mailbox("00000000-0000-0000-0000-000000000001")
    with pytest.raises(MailboxBroken):
        await mailbox.events(["AAMkAGI1AAAt9AHjAAA="])


# --- creating and reading -------------------------------------------------------------------------


async def test_a_created_event_is_returned_as_stored_with_its_stamps(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    created = await mailbox.create_event(creation(importance="high", showAs="tentative"))
    assert created.values["time"] == TIME
    assert created.values["body"] == "Agenda"
    assert created.stamps == Stamps(link_state=2.0, crm_id=ROW)
    assert created.categories == TRACKED
    assert created.start_time_zone == BERLIN
    assert (await mailbox.events([created.id]))[created.id] == created


async def test_all_day_events_keep_their_days(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    days = {"allDay": True, "start": "2026-03-29", "end": "2026-03-30"}
    assert (await mailbox.create_event(creation(time=days))).values["time"] == days


@pytest.mark.rule("APPT-26")
async def test_a_create_invites_its_attendees_once(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    write = replace(
        creation(attendees=[["bob@else.com", "optional"]]), attendee_names={"bob@else.com": "Bob Else"}
    )
    created = await mailbox.create_event(write)
    assert created.values["attendees"] == [["bob@else.com", "optional"]]
    assert created.attendee_names == {"bob@else.com": "Bob Else"}
    with pytest.raises(Conflict):
        await mailbox.create_event(write)
    assert await rig.mailed() == [("invitation", ["bob@else.com"])]


async def test_several_events_are_read_in_batches(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    ids = [(await mailbox.create_event(creation(f"key-{number}"))).id for number in range(23)]
    missing = ids[0][:-8] + "AAAAAAA="
    await rig.control("DELETE", "/requests")
    found = await mailbox.events([*ids, missing])
    assert found[missing] is None
    assert {event.id for event in found.values() if event} == set(ids)
    assert await rig.counted() == {"GET /users/{id}/events/{id}": 24, "POST /$batch": 2}
    assert mailbox.requests["event"] == 24
    assert mailbox.requests["$batch"] == 2


async def test_stamps_alone(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    marked = await mailbox.create_event(creation("one"))
    plain = await mailbox.create_event(creation("two", stamps=Stamps(), categories=()))
    assert await mailbox.stamps([marked.id, plain.id]) == {
        marked.id: Stamps(link_state=2.0, crm_id=ROW),
        plain.id: Stamps(),
    }
    assert await mailbox.stamps([]) == {}


@pytest.mark.rule("LNK-4")
async def test_stamped_events_of_all_calendars(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    tracked = await mailbox.create_event(creation("one"))
    untracked = await mailbox.create_event(creation("two", stamps=Stamps(link_state=0.0, crm_id=ROW)))
    await mailbox.create_event(creation("three", stamps=Stamps()))
    made = await rig.graph_as_person("POST", "/users/anna@contoso.com/calendars", {"name": "Sales"})
    moving = await mailbox.create_event(creation("four"))
    await rig.control("POST", "/move", {"user": "anna@contoso.com", "id": moving.id, "calendar": made["id"]})
    stamp = Stamps(link_state=2.0, crm_id=ROW)
    ended = Stamps(link_state=0.0, crm_id=ROW)
    assert await mailbox.stamped_events() == {tracked.id: stamp, moving.id: stamp, untracked.id: ended}


async def test_long_lists_are_read_to_the_end(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    for number in range(105):
        await mailbox.create_event(creation(f"key-{number}"))
    assert len(await mailbox.stamped_events()) == 105
    assert mailbox.requests["stamped_events"] == 2


async def test_marked_events_come_in_pages_whatever_their_mark_says(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    (calendar,) = [each for each in await mailbox.calendars() if each.is_default]
    for number in range(101):
        await mailbox.create_event(creation(f"key-{number}"))
    ended = await mailbox.create_event(creation("ended", stamps=Stamps(link_state=0.0), categories=()))
    await mailbox.create_event(creation("plain", stamps=Stamps(), categories=()))
    named = await mailbox.create_event(creation("named", stamps=Stamps()))
    first = await mailbox.tracked_events(calendar, "")
    assert (len(first.events), first.complete) == (100, False)
    rest = await mailbox.tracked_events(calendar, first.link)
    assert (len(rest.events), rest.complete, rest.link) == (3, True, "")
    stamps = {event.id: event.stamps for event in (*first.events, *rest.events)}
    assert stamps[ended.id] == Stamps(link_state=0.0)
    assert stamps[named.id] == Stamps()
    assert mailbox.requests["tracked_events"] == 2


async def test_finding_by_meeting_and_by_row(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    created = await mailbox.create_event(creation())
    assert list(await mailbox.find_by_ical_uid(created.ical_uid)) == [created]
    assert list(await mailbox.find_by_crm_id(ROW.upper())) == [created]
    assert list(await mailbox.find_by_ical_uid("it's unknown")) == []
    assert list(await mailbox.find_by_crm_id("00000000-0000-0000-0000-000000000009")) == []


async def test_a_row_is_found_whatever_form_another_program_gave_its_stamp(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    created = await mailbox.create_event(creation(stamps=Stamps()))
    public = "String {00020329-0000-0000-C000-000000000046} Name crmid"
    stamped = {"singleValueExtendedProperties": [{"id": public, "value": ROW.upper()}]}
    await rig.graph_as_person("PATCH", f"/users/anna@contoso.com/events/{created.id}", stamped)
    found = await mailbox.find_by_crm_id(ROW)
    assert [(event.id, event.stamps) for event in found] == [(created.id, Stamps(crm_id=ROW))]


# --- changing -------------------------------------------------------------------------------------


async def test_an_update_changes_only_what_it_names(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    created = await mailbox.create_event(creation())
    updated = await mailbox.update_event(UpdateEvent(created.id, created.etag, {"subject": "Moved"}))
    assert updated.values["subject"] == "Moved"
    assert updated.values["body"] == created.values["body"]
    assert updated.etag != created.etag
    assert updated.stamps is None


async def test_a_stale_version_is_a_conflict(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    created = await mailbox.create_event(creation())
    await mailbox.update_event(UpdateEvent(created.id, created.etag, {"subject": "First"}))
    for stale in (
        mailbox.update_event(UpdateEvent(created.id, created.etag, {"subject": "Second"})),
        mailbox.mark_event(MarkEvent(created.id, created.etag, (), Stamps())),
        mailbox.delete_event(DeleteEvent(created.id, created.etag)),
    ):
        with pytest.raises(Conflict):
            await stale


@pytest.mark.rule("APPT-26")
async def test_marking_a_meeting_mails_nobody(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    created = await mailbox.create_event(creation(attendees=[["bob@else.com", "required"]]))
    await rig.control("DELETE", "/outbox")
    stamp = Stamps(link_state=0.0, crm_id=ROW, withheld='[["a@x.com","required"]]')
    marked = await mailbox.mark_event(MarkEvent(created.id, None, (), stamp))
    assert (marked.categories, marked.stamps) == ((), stamp)
    assert (await mailbox.stamps([created.id]))[created.id] == stamp
    assert await rig.mailed() == []


async def test_cancelling_tells_the_attendees(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    created = await mailbox.create_event(creation(attendees=[["bob@else.com", "required"]]))
    await rig.control("DELETE", "/outbox")
    await mailbox.cancel_event(CancelEvent(created.id, "Not needed"))
    assert await rig.mailed() == [("cancellation", ["bob@else.com"])]
    with pytest.raises(NotFound):
        await mailbox.cancel_event(CancelEvent(created.id))


async def test_only_the_organizer_can_cancel(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    meeting = {
        "subject": "From outside",
        "start": {"dateTime": "2026-03-02T09:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-03-02T10:00:00", "timeZone": "UTC"},
        "organizer": {"emailAddress": {"address": "boss@else.com"}},
    }
    arrived = await rig.control("POST", "/deliver", {"to": ["anna@contoso.com"], "meeting": meeting})
    with pytest.raises(Refused):
        await mailbox.cancel_event(CancelEvent(arrived["value"][0]["id"]))


async def test_deleting(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    created = await mailbox.create_event(creation())
    await mailbox.delete_event(DeleteEvent(created.id, created.etag))
    assert await mailbox.events([created.id]) == {created.id: None}
    with pytest.raises(NotFound):
        await mailbox.delete_event(DeleteEvent(created.id, created.etag))


async def test_what_graph_refuses_is_refused(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    backwards = {**TIME, "end": "2026-03-01T09:00:00Z"}
    with pytest.raises(Refused):
        await mailbox.create_event(creation(time=backwards))
