"""Series on the whole road in one process: master, occurrences, patterns, both ways, no surprise mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from shared.engine.ports import Cursor
from shared.engine.questions import explain
from shared.model.profile import Profile
from shared.model.recurrence import PatternType, RangeType, Recurrence, to_value
from shared.model.timezones import zone
from shared.rules.keys import appointment_id
from shared.rules.occurrence_views import Slots, dynamics_view, exchange_view
from tests.doubles import series_world
from tests.doubles.stories import history, only
from tests.doubles.world import ORGANIZATION
from tests.marks import rule
from tests.rules.build import CATEGORY

ROW = "66666666-6666-4666-8666-666666666666"
TRACKED = (CATEGORY,)
GUEST = "guest@fabrikam.example"
GUESTS = [[GUEST, "required"]]
MONDAY = date(2026, 3, 9)


def weekly(first: date = MONDAY, count: int = 6, hour: int = 9, **changes):
    settings = {
        "type": PatternType.WEEKLY,
        "interval": 1,
        "days": ("monday",),
        "start_date": first,
        "range_type": RangeType.NUMBERED,
        "occurrences": count,
        "start_time": time(hour),
        "minutes": 30,
        "time_zone": "UTC",
    }
    return to_value(Recurrence(**{**settings, **changes}))


def first_time(recurrence):
    start = datetime.fromisoformat(f"{recurrence['range']['start']}T{recurrence['time']}+00:00")
    return {"allDay": False, "start": z(start), "end": z(start + timedelta(minutes=30))}


def z(moment):
    return moment.isoformat().replace("+00:00", "Z")


def at(day, hour, minutes=30):
    start = datetime.fromisoformat(f"{day}T{hour:02d}:00:00+00:00")
    return {"allDay": False, "start": z(start), "end": z(start + timedelta(minutes=minutes))}


def instant(day, hour=9):
    return f"{day}T{hour:02d}:00:00Z"


def add_event(box, recurrence=None, **values):
    recurrence = recurrence or weekly()
    values = {"subject": "Team meeting", "categories": TRACKED, **values}
    return box.add(recurrence=recurrence, time=first_time(recurrence), **values)


def add_row(service, box, recurrence=None, **values):
    recurrence = recurrence or weekly()
    return service.dynamics.add(
        ROW,
        service.dynamics.users[box.address],
        **{
            "subject": "Team meeting",
            "time": first_time(recurrence),
            "recurrence": series_world.in_columns(recurrence),
            **values,
        },
    )


def views(event, row):
    slots = Slots.of(event, row, zone("UTC"))
    return exchange_view(event), dynamics_view(row, slots)


@rule("APPT-28", "APPT-36")
async def test_a_tracked_series_becomes_one_recurring_appointment(service, ada):
    event = add_event(ada)
    await service.settle()
    row = only(service.dynamics.rows)
    assert row.is_series
    assert row.value("subject") == "Team meeting"
    assert row.value("recurrence") == series_world.in_columns(weekly())
    assert row.global_object_id == event.ical_uid
    assert not service.exchange.mails


@rule("APPT-28", "APPT-35")
async def test_exceptions_come_with_the_series_that_is_tracked(service, ada):
    event = add_event(ada)
    ada.edit_occurrence(event.id, "2026-03-16", time=at("2026-03-17", 10), subject="Moved")
    ada.remove_occurrence_of(event.id, "2026-03-23")
    await service.settle()
    row = only(service.dynamics.rows)
    exchange, dynamics = views(ada.items[event.id], row)
    assert dynamics == {
        "2026-03-16": {"time": at("2026-03-17", 10), "subject": "Moved"},
        "2026-03-23": "cancelled",
    }
    assert dynamics == exchange


@rule("APPT-28", "APPT-35", "APPT-36")
async def test_an_occurrence_moved_edited_and_cancelled_later_arrives(service, ada):
    event = add_event(ada)
    await service.settle()
    ada.edit_occurrence(event.id, "2026-03-16", location="Room 9")
    await service.settle()
    ada.edit_occurrence(event.id, "2026-03-16", time=at("2026-03-16", 14))
    ada.remove_occurrence_of(event.id, "2026-03-30")
    await service.settle()
    _, dynamics = views(ada.items[event.id], only(service.dynamics.rows))
    assert dynamics == {
        "2026-03-16": {"time": at("2026-03-16", 14), "location": "Room 9"},
        "2026-03-30": "cancelled",
    }


@rule("APPT-28", "APPT-36", "APPT-22")
async def test_what_changes_in_an_instance_in_dynamics_arrives_and_mails_its_attendees_once(service, ada):
    add_row(service, ada, attendees=GUESTS)
    await service.settle()
    assert service.exchange.mails == [("invitation", GUEST)]
    service.dynamics.edit_instance(ROW, instant("2026-03-16"), subject="With the board")
    await service.settle()
    service.dynamics.remove_instance_of(ROW, instant("2026-03-23"))
    await service.settle()
    exchange, _ = views(only(ada.items), service.dynamics.rows[ROW])
    assert exchange == {"2026-03-16": {"subject": "With the board"}, "2026-03-23": "cancelled"}
    assert service.exchange.mails == [("invitation", GUEST), ("update", GUEST), ("cancellation", GUEST)]


@rule("APPT-26", "APPT-33")
async def test_a_series_with_exceptions_invites_once_and_tells_nobody_what_never_was(service, ada):
    add_row(service, ada, attendees=GUESTS)
    service.dynamics.edit_instance(ROW, instant("2026-03-16"), time=at("2026-03-16", 15))
    service.dynamics.remove_instance_of(ROW, instant("2026-03-23"))
    await service.settle()
    event = only(ada.items)
    exchange, _ = views(event, service.dynamics.rows[ROW])
    assert exchange == {"2026-03-16": {"time": at("2026-03-16", 15)}, "2026-03-23": "cancelled"}
    assert event.value("attendees") == GUESTS
    assert [kind for kind, _ in service.exchange.mails if kind == "cancellation"] == []
    assert service.exchange.mails.count(("invitation", GUEST)) == 1


@rule("APPT-32")
async def test_tracking_a_series_mails_nobody(service, ada):
    event = add_event(ada, categories=(), attendees=GUESTS)
    ada.edit_occurrence(event.id, "2026-03-16", subject="Once")
    mails = list(service.exchange.mails)
    await service.settle()
    ada.edit(event.id, categories=TRACKED)
    await service.settle()
    assert only(service.dynamics.rows).is_series
    assert service.exchange.mails == mails


@rule("APPT-34")
async def test_an_exception_beyond_what_dynamics_expands_waits_by_name_and_comes_when_it_is_reached(
    service, ada
):
    monthly = weekly(type=PatternType.ABSOLUTE_MONTHLY, days=(), day_of_month=9, count=24)
    event = add_event(ada, monthly)
    ada.edit_occurrence(event.id, "2027-04-09", subject="Far away")
    await service.settle()
    _, dynamics = views(ada.items[event.id], only(service.dynamics.rows))
    assert dynamics == {}
    skips = [row for row in await history(service, ada, event.id) if row.action == "skip"]
    assert len([row for row in skips if "2027-04-09" in row.reason]) == 1
    service.clock.forward(timedelta(days=45).total_seconds())
    await service.settle()
    _, dynamics = views(ada.items[event.id], only(service.dynamics.rows))
    assert dynamics == {"2027-04-09": {"subject": "Far away"}}


@rule("APPT-36")
async def test_a_series_of_which_the_feed_shows_only_bare_occurrences_is_read_by_its_master(service, ada):
    ada.shows_bare_occurrences_only = True
    event = add_event(ada)
    await service.settle()
    ada.edit_occurrence(event.id, "2026-03-16", subject="Once")
    await service.settle()
    _, dynamics = views(ada.items[event.id], only(service.dynamics.rows))
    assert dynamics == {"2026-03-16": {"subject": "Once"}}


@rule("APPT-36")
async def test_an_untracked_series_of_bare_occurrences_stays_where_it_is(service, ada):
    ada.shows_bare_occurrences_only = True
    add_event(ada, categories=())
    await service.settle()
    assert not service.dynamics.rows


async def test_a_quiet_series_causes_no_write(service, ada):
    event = add_event(ada)
    ada.edit_occurrence(event.id, "2026-03-16", subject="Once")
    await service.settle()
    version, serial = service.dynamics.version, service.exchange.serial
    for _ in range(3):
        await service.run_pass(ada)
        await service.read_feed()
    assert (service.dynamics.version, service.exchange.serial) == (version, serial)


@rule("APPT-28", "APPT-34")
async def test_a_new_pattern_in_exchange_makes_every_slot_plain_on_both_sides(service, ada):
    event = add_event(ada)
    ada.edit_occurrence(event.id, "2026-03-16", subject="Once")
    await service.settle()
    ada.edit(event.id, recurrence=weekly(days=("tuesday",), first=date(2026, 3, 10)))
    await service.settle()
    row = only(service.dynamics.rows)
    assert row.value("recurrence")["daysMask"] == 4
    assert views(ada.items[event.id], row) == ({}, {})


@rule("APPT-28", "APPT-35")
async def test_an_exception_made_in_dynamics_while_the_pattern_changes_in_exchange_is_made_anew(service, ada):
    event = add_event(ada)
    await service.settle()
    service.dynamics.edit_instance(only(service.dynamics.rows).id, instant("2026-03-16"), subject="Mine")
    ada.edit(event.id, recurrence=weekly(count=8))
    await service.settle()
    exchange, dynamics = views(ada.items[event.id], only(service.dynamics.rows))
    assert exchange == dynamics == {"2026-03-16": {"subject": "Mine"}}


@rule("APPT-28", "APPT-35")
async def test_an_exception_whose_slot_the_new_pattern_has_not_is_in_the_history(service, ada):
    event = add_event(ada)
    await service.settle()
    row_id = only(service.dynamics.rows).id
    service.dynamics.edit_instance(row_id, instant("2026-03-16"), subject="Mine")
    ada.edit(event.id, recurrence=weekly(days=("tuesday",), first=date(2026, 3, 10)))
    await service.settle()
    assert views(ada.items[event.id], only(service.dynamics.rows)) == ({}, {})
    rows, _ = await service.services.history.of_item(ada.id, row_id, limit=100, after=None)
    assert {"subject@2026-03-16": "Mine"} in [dict(row.lost) for row in rows]


@rule("APPT-33", "APPT-34")
async def test_the_past_that_dynamics_parks_on_a_new_pattern_is_not_brought_to_exchange_again(service, ada):
    add_row(service, ada, weekly(first=date(2026, 2, 16), count=10), attendees=GUESTS)
    await service.settle()
    mails = len(service.exchange.mails)
    service.dynamics.edit(
        ROW, recurrence=series_world.in_columns(weekly(first=date(2026, 2, 16), count=10, hour=11))
    )
    assert len(service.dynamics.rows) == 2
    await service.settle()
    assert len(ada.items) == 1
    assert len(service.exchange.mails) == mails + 1


@rule("APPT-33", "APPT-34")
async def test_a_pattern_written_to_dynamics_leaves_no_second_series_in_exchange(service, ada):
    event = add_event(ada, weekly(first=date(2026, 2, 16), count=10))
    await service.settle()
    ada.edit(event.id, recurrence=weekly(first=date(2026, 2, 16), count=12))
    await service.settle()
    assert len(service.dynamics.rows) == 2
    assert len(ada.items) == 1
    assert not service.exchange.mails


@rule("APPT-33")
@pytest.mark.parametrize("compatible", [False, True])
async def test_past_instances_that_were_deleted_come_back_only_where_a_profile_asks_for_it(
    service, ada, compatible
):
    await service.profile(recreate_deleted_past_instances=compatible)
    event = add_event(ada, weekly(first=date(2026, 2, 16), count=10), categories=(), attendees=GUESTS)
    ada.remove_occurrence_of(event.id, "2026-02-23")
    mails = list(service.exchange.mails)
    ada.edit(event.id, categories=TRACKED)
    await service.settle()
    _, dynamics = views(ada.items[event.id], only(service.dynamics.rows))
    assert dynamics == ({} if compatible else {"2026-02-23": "cancelled"})
    assert service.exchange.mails == mails + [("invitation", GUEST)] * compatible
    assert len(ada.items) == 1 + compatible


@rule("APPT-30")
async def test_a_series_deleted_by_its_organizer_is_deleted_though_it_began_in_the_past(service, ada):
    event = add_event(ada, weekly(first=date(2026, 2, 16), count=10))
    await service.settle()
    ada.remove(event.id)
    await service.settle()
    assert not service.dynamics.rows


@rule("APPT-30")
async def test_a_past_occurrence_deleted_in_exchange_stays_in_dynamics(service, ada):
    event = add_event(ada, weekly(first=date(2026, 2, 16), count=10))
    await service.settle()
    ada.remove_occurrence_of(event.id, "2026-02-23")
    await service.settle()
    _, dynamics = views(ada.items[event.id], only(service.dynamics.rows))
    assert dynamics == {}


@rule("APPT-25")
async def test_a_past_instance_deleted_in_dynamics_stays_in_exchange_and_mails_nobody(service, ada):
    add_row(service, ada, weekly(first=date(2026, 2, 16), count=10), attendees=GUESTS)
    await service.settle()
    mails = list(service.exchange.mails)
    service.dynamics.remove_instance_of(ROW, instant("2026-02-23"))
    await service.settle()
    exchange, _ = views(only(ada.items), service.dynamics.rows[ROW])
    assert exchange == {}
    assert service.exchange.mails == mails


@rule("APPT-25", "APPT-26")
async def test_a_series_deleted_in_dynamics_is_cancelled_once(service, ada):
    add_row(service, ada, attendees=GUESTS)
    await service.settle()
    service.dynamics.remove(ROW)
    await service.settle()
    assert not ada.items
    assert service.exchange.mails == [("invitation", GUEST), ("cancellation", GUEST)]


@rule("APPT-28")
async def test_a_single_event_made_a_series_and_back_is_one_row_at_a_time(service, ada):
    event = ada.add(subject="Once", time=at("2026-03-09", 9), categories=TRACKED, attendees=GUESTS)
    await service.settle()
    mails = len(service.exchange.mails)
    ada.edit(event.id, recurrence=weekly())
    await service.settle()
    row = only(service.dynamics.rows)
    assert row.is_series
    ada.edit(event.id, recurrence=None)
    await service.settle()
    row = only(service.dynamics.rows)
    assert not row.is_series
    assert row.value("subject") == "Once"
    assert len(service.exchange.mails) == mails + 2  # the two edits of the organizer


@rule("APPT-28")
async def test_an_appointment_made_a_series_in_dynamics_updates_the_meeting_and_cancels_nothing(service, ada):
    service.dynamics.add(
        ROW, service.dynamics.users[ada.address], subject="Demo", time=at("2026-03-09", 9), attendees=GUESTS
    )
    await service.settle()
    service.dynamics.make_a_series(ROW, ROW.replace("6", "7"), series_world.in_columns(weekly()))
    await service.settle()
    event = only(ada.items)
    assert event.is_series
    assert event.value("recurrence") == weekly()
    assert service.exchange.mails == [("invitation", GUEST), ("update", GUEST)]
    service.dynamics.edit(ROW.replace("6", "7"), subject="Demo, weekly")
    await service.settle()
    assert only(ada.items).value("subject") == "Demo, weekly"


@rule("LNK-7")
@pytest.mark.parametrize("held", [False, True])
async def test_a_second_row_of_a_meeting_goes_only_if_no_other_mailbox_holds_it(service, ada, held):
    add_row(service, ada)
    await service.settle()
    event = only(ada.items)
    twin = appointment_id(ORGANIZATION, event.ical_uid, 1, "recurringappointmentmaster")
    if held:
        await service.services.items.join("recurringappointmentmaster", twin, "bobs-mailbox")
    row = service.dynamics.rows[ROW]
    service.dynamics.take_in(replace(row, id=twin, global_object_id=event.ical_uid))
    await service.settle()
    assert (twin in service.dynamics.rows) is held
    assert len(ada.items) == 1


@rule("APPT-28")
async def test_a_series_cut_in_two_in_exchange_is_two_series_in_dynamics(service, ada):
    event = add_event(ada, weekly(count=10))
    await service.settle()
    ada.edit(event.id, recurrence=weekly(count=3))
    add_event(ada, weekly(first=date(2026, 3, 30), count=7, hour=11), subject="Team meeting, later")
    await service.settle()
    assert sorted(r.value("recurrence")["occurrences"] for r in service.dynamics.rows.values()) == [3, 7]


@rule("APPT-6", "SET-7")
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_a_series_tracked_in_three_mailboxes_is_one_row_whatever_the_order(service, order):
    boxes = [service.person(name, n) for n, name in enumerate(("ada", "bob", "cyd"), 1)]
    for box in boxes:
        await service.subscribe(box)
    await service.settle()
    guests = sorted([b.address, "required"] for b in boxes[1:])
    event = add_event(boxes[0], categories=(), attendees=guests)
    boxes[0].edit_occurrence(event.id, "2026-03-16", subject="Once")
    mails = list(service.exchange.mails)
    for number in order:
        box = boxes[number]
        box.edit(only(box.items).id, categories=TRACKED)
        await service.run_pass(box)
    await service.settle()
    row = only(service.dynamics.rows)
    entry = await service.services.items.entry(row.table, row.id)
    assert set(entry.mailboxes) == {b.id for b in boxes}
    assert entry.owner == boxes[0].id
    _, dynamics = views(boxes[0].items[event.id], row)
    assert dynamics == {"2026-03-16": {"subject": "Once"}}
    assert service.exchange.mails == mails


@rule("APPT-6", "APPT-28")
async def test_whoever_may_not_make_the_series_of_another_has_it_made_as_its_organizer(service):
    """Dynamics expands in the zone of whoever makes it, so it is not made by the application."""
    ada, bob = service.person("ada", 1), service.person("bob", 2)
    for box in (ada, bob):
        await service.subscribe(box)
    await service.settle()
    service.dynamics.own_rows_only.add(service.dynamics.users[bob.address])
    add_event(ada, categories=(), attendees=[[bob.address, "required"]])
    copy = only(bob.items)
    bob.edit(copy.id, categories=TRACKED)
    await service.run_pass(bob)
    row = only(service.dynamics.rows)
    assert service.dynamics.made_as == {row.id: service.dynamics.users[ada.address]}
    await service.settle()
    assert only(service.dynamics.rows).id == row.id
    entry = await service.services.items.entry(row.table, row.id)
    assert set(entry.mailboxes) == {ada.id, bob.id}
    assert bob.items[copy.id].stamps.crm_id == row.id


@rule("APPT-4")
async def test_a_new_organizer_makes_a_meeting_of_the_own_and_the_old_one_is_not_cancelled(service):
    ada, bob = service.person("ada", 1), service.person("bob", 2)
    for box in (ada, bob):
        await service.subscribe(box)
    await service.settle()
    add_row(service, ada, attendees=GUESTS)
    await service.settle()
    service.dynamics.give_to(ROW, service.dynamics.users[bob.address])
    await service.settle()
    assert len(ada.items) == len(bob.items) == 1
    assert only(bob.items).is_organizer
    assert ("cancellation", GUEST) not in service.exchange.mails
    await service.settle()
    assert len(bob.items) == 1


@rule("APPT-4", "SET-1")
async def test_without_the_distinction_of_deletions_the_old_organizers_meeting_is_cancelled(service):
    service.dynamics.settings["DistinctPhysicalAndLogicalDeletesForExchangeSync"] = False
    ada, bob = service.person("ada", 1), service.person("bob", 2)
    for box in (ada, bob):
        await service.subscribe(box)
    await service.settle()
    add_row(service, ada, attendees=GUESTS)
    await service.settle()
    service.dynamics.give_to(ROW, service.dynamics.users[bob.address])
    await service.settle()
    assert not ada.items
    assert len(bob.items) == 1
    assert service.exchange.mails.count(("cancellation", GUEST)) == 1


@rule("APPT-36")
async def test_explain_answers_for_a_linked_series_when_asked_for_one_of_its_exceptions(service, ada):
    event = add_event(ada)
    ada.edit_occurrence(event.id, "2026-03-16", subject="Once")
    await service.settle()
    row, mailbox = only(service.dynamics.rows), await service.services.registry.get(ada.id)
    (exception,), (instance,) = ada.items[event.id].exceptions.values(), row.exceptions.values()
    for item in (exception.id, instance.id):
        told = await explain(service.services, mailbox, Profile(), item)
        assert (told["found"], told["item"]["exchange"], told["link"]["state"]) == (True, event.id, "linked")


async def test_a_first_pass_waits_until_the_feed_has_the_tokens_of_both_tables(service):
    ada = service.person("ada", 1)
    await service.services.feeds.put_cursors(service.services.feed, [Cursor("appointment", "0:0", True)])
    await service.subscribe(ada)
    add_row(service, ada)
    await service.run_pass(ada)
    assert not ada.items
    await service.settle()
    assert only(ada.items).is_series
