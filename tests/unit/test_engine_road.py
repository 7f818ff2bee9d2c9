"""The whole road in one process: edits come out on the other side, once, and mail nobody by surprise."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.model.event import Stamps
from shared.model.link import LinkState
from shared.model.party import RecordRef
from tests.doubles.stories import history, only
from tests.doubles.world import EPOCH
from tests.marks import rule
from tests.rules.build import CATEGORY, at

ROW = "66666666-6666-4666-8666-666666666666"
TRACKED = (CATEGORY,)
FUTURE = EPOCH + timedelta(days=3)


@rule("APPT-1", "APPT-28")
async def test_a_tracked_event_becomes_one_appointment_and_changes_travel_both_ways(service, ada):
    event = ada.add(subject="Kick-off", time=at(FUTURE), categories=TRACKED)
    await service.settle()
    row = only(service.dynamics.rows)
    assert row.value("subject") == "Kick-off"
    assert row.global_object_id == event.ical_uid
    ada.edit(event.id, subject="Kick-off, moved")
    service.dynamics.edit(row.id, location="Room 7")
    await service.settle()
    assert only(service.dynamics.rows).value("subject") == "Kick-off, moved"
    assert ada.items[event.id].value("location") == "Room 7"
    assert not service.exchange.mails


async def test_an_untracked_event_stays_where_it_is(service, ada):
    ada.add(subject="Dentist", time=at(FUTURE))
    await service.settle()
    assert not service.dynamics.rows
    assert not await history(service, ada, None)


@rule("APPT-3", "APPT-20")
async def test_an_appointment_becomes_one_meeting_and_invites_once(service, ada):
    guests = [["guest@fabrikam.example", "required"]]
    service.dynamics.add(
        ROW, service.dynamics.users[ada.address], subject="Demo", time=at(FUTURE), attendees=guests
    )
    await service.settle()
    event = only(ada.items)
    assert event.value("subject") == "Demo"
    assert event.stamps.crm_id == ROW
    assert service.exchange.mails == [("invitation", "guest@fabrikam.example")]
    await service.settle()
    assert len(ada.items) == 1
    assert len(service.exchange.mails) == 1


@rule("LNK-11")
async def test_a_quiet_pair_causes_no_write(service, ada):
    ada.add(subject="Quiet", time=at(FUTURE), categories=TRACKED)
    await service.settle()
    version, serial = service.dynamics.version, service.exchange.serial
    for _ in range(3):
        await service.run_pass(ada)
        await service.read_feed()
    assert (service.dynamics.version, service.exchange.serial) == (version, serial)


@rule("APPT-6", "SET-7")
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_a_meeting_tracked_by_three_attendees_is_one_appointment(service, order):
    outside = service.exchange.add("outside", "boss@fabrikam.example")
    boxes = [service.person(name, n) for n, name in enumerate(("ada", "bob", "cyd"), 1)]
    for box in boxes:
        await service.subscribe(box)
    await service.settle()
    outside.add(subject="Joint", time=at(FUTURE), attendees=sorted([b.address, "required"] for b in boxes))
    for number in order:
        box = boxes[number]
        copy = only(box.items)
        box.edit(copy.id, categories=TRACKED)
        await service.run_pass(box)
    await service.settle()
    assert len(service.dynamics.rows) == 1
    row = only(service.dynamics.rows)
    entry = await service.services.items.entry("appointment", row.id)
    assert set(entry.mailboxes) == {b.id for b in boxes}
    assert entry.owner == boxes[order[0]].id
    assert all(only(b.items).stamps.crm_id == row.id for b in boxes)
    assert len(service.exchange.mails) == 3


@rule("APPT-5", "APPT-6", "SET-7")
async def test_an_attendee_tracks_and_the_organizers_mailbox_takes_over(service):
    boss, ada = service.person("boss", 1), service.person("ada", 2)
    for box in (boss, ada):
        await service.subscribe(box)
    await service.settle()
    meeting = boss.add(subject="Plan", time=at(FUTURE), attendees=[[ada.address, "required"]])
    ada.edit(only(ada.items).id, categories=TRACKED)
    await service.settle()
    row = only(service.dynamics.rows)
    entry = await service.services.items.entry("appointment", row.id)
    assert entry.owner == boss.id
    assert len(boss.items) == len(ada.items) == 1
    assert service.exchange.mails == [("invitation", ada.address)]
    service.dynamics.edit(row.id, location="Room 1")
    await service.settle()
    assert boss.items[meeting.id].value("location") == "Room 1"
    assert service.exchange.mails[1:] == [("update", ada.address)]


async def test_a_meeting_born_in_dynamics_and_categorised_by_an_attendee_finds_its_row(service):
    boss, ada = service.person("boss", 1), service.person("ada", 2)
    for box in (boss, ada):
        await service.subscribe(box)
    await service.settle()
    service.dynamics.add(
        ROW,
        service.dynamics.users[boss.address],
        subject="Plan",
        time=at(FUTURE),
        attendees=[[ada.address, "required"]],
    )
    await service.settle()
    ada.edit(only(ada.items).id, categories=TRACKED)
    await service.settle()
    assert list(service.dynamics.rows) == [ROW]
    assert len(service.exchange.mails) == 1


@rule("APPT-30")
async def test_deleting_in_exchange_deletes_the_future_row(service, ada):
    event = ada.add(subject="Gone", time=at(FUTURE), categories=TRACKED)
    await service.settle()
    ada.remove(event.id)
    await service.settle()
    assert not service.dynamics.rows
    (deleted,) = [r for r in await history(service, ada, event.id) if r.action == "delete"]
    assert deleted.before["subject"] == "Gone"
    assert deleted.rules == ("APPT-30",)


@rule("APPT-25")
async def test_deleting_in_dynamics_cancels_the_future_meeting(service, ada):
    guests = [["guest@fabrikam.example", "required"]]
    service.dynamics.add(
        ROW, service.dynamics.users[ada.address], subject="Demo", time=at(FUTURE), attendees=guests
    )
    await service.settle()
    service.dynamics.remove(ROW)
    await service.settle()
    assert not ada.items
    assert [kind for kind, _ in service.exchange.mails] == ["invitation", "cancellation"]


@rule("LNK-8", "APPT-13")
async def test_untracking_keeps_both_and_tracking_anew_links_the_same_pair(service, ada):
    event = ada.add(subject="Mine", time=at(FUTURE), categories=TRACKED)
    await service.settle()
    row = only(service.dynamics.rows)
    ada.edit(event.id, categories=())
    await service.settle()
    service.dynamics.edit(row.id, subject="Edited in Dynamics")
    await service.settle()
    assert ada.items[event.id].value("subject") == "Mine"
    assert ada.items[event.id].stamps.link_state == 0.0
    ada.edit(event.id, categories=TRACKED)
    await service.settle()
    assert list(service.dynamics.rows) == [row.id]
    link = (await service.services.store.links_by_exchange(ada.id, [event.id]))[event.id]
    assert link.state is LinkState.LINKED
    assert link.generation == 2
    assert ada.items[event.id].value("subject") == only(service.dynamics.rows).value("subject")


@rule("LNK-7")
async def test_a_copy_of_a_linked_item_is_ignored_and_the_original_goes_on(service, ada):
    event = ada.add(subject="Original", time=at(FUTURE), categories=TRACKED)
    await service.settle()
    stamped = ada.items[event.id]
    ada.add(subject="Original", time=at(FUTURE), categories=TRACKED, stamps=stamped.stamps)
    await service.settle()
    assert len(service.dynamics.rows) == 1


@rule("LNK-3", "PAIN-6")
async def test_items_that_were_linked_before_are_adopted_without_doubles_or_mail(service, ada):
    guests = [["guest@fabrikam.example", "required"]]
    service.dynamics.add(
        ROW, service.dynamics.users[ada.address], subject="Old", time=at(FUTURE), attendees=guests
    )
    stamps = Stamps(2.0, "{" + ROW.upper() + "}")
    ada.add(subject="Old", time=at(FUTURE), attendees=guests, stamps=stamps)
    service.exchange.mails.clear()
    await service.settle()
    assert len(service.dynamics.rows) == len(ada.items) == 1
    assert not service.exchange.mails


async def test_a_dead_exchange_token_finds_deletions_by_asking(service, ada):
    event = ada.add(subject="Lost", time=at(FUTURE), categories=TRACKED)
    await service.settle()
    ada.remove(event.id)
    ada.forget_deltas()
    await service.settle()
    assert not service.dynamics.rows


async def test_a_dead_dynamics_token_makes_every_mailbox_compare(service, ada):
    ada.add(subject="Here", time=at(FUTURE), categories=TRACKED)
    await service.settle()
    row = only(service.dynamics.rows)
    service.dynamics.edit(row.id, subject="Changed meanwhile")
    service.dynamics.epoch += 1
    await service.settle()
    assert only(ada.items).value("subject") == "Changed meanwhile"


@rule("FLD-8")
async def test_regarding_travels_by_the_stamp(service, ada):
    account = "88888888-8888-4888-8888-888888888888"
    ada.add(
        subject="Account review",
        time=at(FUTURE),
        categories=TRACKED,
        stamps=Stamps(regarding_id="{" + account.upper() + "}", regarding_type="1"),
    )
    await service.settle()
    assert only(service.dynamics.rows).value("regarding") == {"table": "account", "id": account}


@rule("APPT-7")
async def test_a_changed_contact_address_changes_no_meeting(service, ada):
    contact = RecordRef("contact", "77777777-7777-4777-8777-777777777777")
    service.dynamics.contacts["guest@fabrikam.example"] = contact
    event = ada.add(
        subject="Meet",
        time=at(FUTURE),
        categories=TRACKED,
        attendees=[["guest@fabrikam.example", "required"]],
    )
    await service.settle()
    service.exchange.mails.clear()
    service.dynamics.contacts = {"new@fabrikam.example": contact}
    ada.edit(event.id, body="New agenda")
    service.exchange.mails.clear()
    await service.settle()
    row = only(service.dynamics.rows)
    assert [(p.address, p.ref) for p in row.parties if p.role == 5] == [("guest@fabrikam.example", contact)]
    assert not service.exchange.mails


@rule("LNK-1", "LNK-2", "MBX-16", "OUT-8")
async def test_a_refused_item_is_recorded_with_its_reason_and_blocks_nobody(service, ada):
    service.dynamics.refused_subjects.add("Poison")
    poison = ada.add(subject="Poison", time=at(FUTURE), categories=TRACKED)
    ada.add(subject="Neighbour", time=at(FUTURE), categories=TRACKED)
    await service.settle()
    assert [row.value("subject") for row in service.dynamics.rows.values()] == ["Neighbour"]
    (refusal,) = [r for r in await history(service, ada, poison.id) if r.outcome == "refused"]
    assert "0x80040265" in refusal.reason
    link = (await service.services.store.links_by_exchange(ada.id, [poison.id]))[poison.id]
    assert "0x80040265" in link.reason
    service.dynamics.refused_subjects.clear()
    ada.edit(poison.id, body="Try again")
    await service.settle()
    assert len(service.dynamics.rows) == 2


@rule("LNK-1", "LNK-2")
async def test_a_link_is_kept_per_mailbox_with_both_ids_and_versions(service):
    boss, ada = service.person("boss", 1), service.person("ada", 2)
    for box in (boss, ada):
        await service.subscribe(box)
    await service.settle()
    boss.add(subject="Plan", time=at(FUTURE), attendees=[[ada.address, "required"]], categories=TRACKED)
    ada.edit(only(ada.items).id, categories=TRACKED)
    await service.settle()
    row = only(service.dynamics.rows)
    for box in (boss, ada):
        (link,) = [each async for each in service.services.store.links(box.id)]
        event = only(box.items)
        assert (link.exchange_id, link.dynamics_id) == (event.id, row.id)
        assert link.exchange_etag == event.etag
