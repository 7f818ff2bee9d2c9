"""A first sync has a lane of its own: one lane at a time, the newest first, and nothing lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.engine import first_sync
from shared.engine.pass_result import PassResult
from shared.engine.ports import Agenda, Cursor, Fence
from shared.errors import Refused, Throttled, Transient
from shared.jobs.messages import FIRST_SYNC, Job
from shared.lane import Lane, working_in
from shared.mailboxes import lanes as product
from shared.mailboxes import life_cycle, scheduling
from shared.model.event import Stamps
from tests.doubles import lanes
from tests.doubles.jobs import SentJob
from tests.doubles.service import Killed, Service
from tests.doubles.world import EPOCH
from tests.marks import rule
from tests.rules.build import CATEGORY, at

FUTURE = EPOCH + timedelta(days=3)
ROW = "66666666-6666-4666-8666-666666666666"
EVENTS = 60
PAGE = 5


@pytest.fixture(autouse=True)
def small_slices(monkeypatch):
    """Two pages of five events each."""
    monkeypatch.setattr(first_sync, "PAGES", 2)


async def crowded():
    """A mailbox with many tracked events, subscribed; nothing was done yet."""
    service = Service()
    ada = service.person("ada", 1)
    ada.page_size = PAGE
    for number in range(EVENTS):
        ada.add(subject=f"Old {number}", time=at(FUTURE), categories=(CATEGORY,))
    service.clock.forward(3600)
    await service.read_feed()
    await service.subscribe(ada)
    return service, ada


async def take(service, queue, *, at_most=1):
    """A worker takes what is due in a queue, in order; for what is due soon it waits."""
    soon = service.clock() + timedelta(seconds=3)
    here = [job for job in service.jobs.sent if job.queue == queue]
    due = [job for job in here if job.at is None or job.at <= soon][:at_most]
    for job in due:
        service.jobs.sent.remove(job)
        service.clock.moment = max(service.clock(), job.at or service.clock())
        await lanes.work(service.services, job)
    return due


async def slices(service, number):
    for _ in range(number):
        assert await take(service, Lane.BULK)


async def begun(number=2):
    """After the first slices."""
    service, ada = await crowded()
    await take(service, Lane.SYNC)
    await slices(service, number)
    service.jobs.sent = [job for job in service.jobs.sent if job.queue == Lane.BULK]
    return service, ada


async def lane_of(service, ada):
    return first_sync.lane_of(await service.services.store.agenda(ada.id, inbox_limit=1000))


def subjects(service):
    return {row.value("subject") for row in service.dynamics.rows.values()}


async def hint(service, ada, cause):
    await lanes.work(service.services, SentJob(Lane.SYNC.value, ada.id, cause))


async def finish(service, *, rounds=80):
    for _ in range(rounds):
        if not await take(service, Lane.BULK):
            break
    else:
        raise AssertionError("slices without end")
    for _ in range(rounds):
        if not await take(service, Lane.SYNC):
            return
    raise AssertionError("jobs without end")


# --- the two lanes --------------------------------------------------------------------------------


async def test_a_first_sync_is_done_in_slices_of_its_own_lane():
    service, ada = await crowded()
    await take(service, Lane.SYNC)
    assert (len(subjects(service)), await lane_of(service, ada)) == (0, Lane.BULK)
    seen = []
    while await take(service, Lane.BULK):
        seen.append(len(subjects(service)))
    assert seen[0] == 2 * PAGE
    assert (seen[-1], len(seen)) == (EVENTS, EVENTS // (2 * PAGE))
    assert await lane_of(service, ada) is Lane.SYNC
    (told,) = [job for job in service.jobs.sent if job.queue == Lane.SYNC]
    assert told.cause == product.OVER


async def test_the_fence_row_says_the_lane():
    service, ada = await begun(1)
    assert (await service.services.store.agenda(ada.id, inbox_limit=1)).fence.lane == "mailbox-bulk"
    await finish(service)
    assert (await service.services.store.agenda(ada.id, inbox_limit=1)).fence.lane == "mailbox-sync"


@pytest.mark.parametrize("cause", ["notification", "contacts", "dynamics", "owner"])
async def test_meanwhile_the_other_lane_only_notes_that_there_is_news(cause):
    service, ada = await begun()
    before, generation = subjects(service), await generation_of(service, ada)
    sent = len(service.jobs.sent)
    await hint(service, ada, cause)
    assert (subjects(service), await generation_of(service, ada)) == (before, generation)
    assert len(service.jobs.sent) == sent
    inbox = (await service.services.store.agenda(ada.id, inbox_limit=500)).inbox
    noted = {row.id for row in inbox if row.kind == first_sync.NEWS}
    assert noted == {"notification": {"calendars"}, "contacts": {"contacts"}}.get(cause, set())


async def generation_of(service, ada):
    return first_sync.generation_of(await service.services.store.agenda(ada.id, inbox_limit=1))


async def test_what_changes_meanwhile_on_either_side_is_in_the_next_slice():
    service, ada = await begun()
    ada.add(subject="Newest", time=at(FUTURE), categories=(CATEGORY,))
    (row_id, _) = next(iter(service.dynamics.rows.items()))
    event = next(
        e for e in ada.items.values() if e.value("subject") == service.dynamics.rows[row_id].value("subject")
    )
    service.dynamics.edit(row_id, location="Here now")
    await hint(service, ada, "notification")
    await service.read_feed()
    await slices(service, 1)
    assert "Newest" in subjects(service)
    assert ada.items[event.id].value("location") == "Here now"
    assert len(subjects(service)) < EVENTS


async def test_the_newest_come_before_what_the_slice_reads():
    service, ada = await begun()
    ada.add(subject="Newest", time=at(FUTURE), categories=(CATEGORY,))
    await hint(service, ada, "notification")
    before = set(service.dynamics.rows)
    await slices(service, 1)
    made = [row.value("subject") for row_id, row in service.dynamics.rows.items() if row_id not in before]
    assert made[0] == "Newest"
    assert len(made) == 1 + 2 * PAGE


async def test_without_news_nobody_asks_what_is_newest(monkeypatch):
    service, ada = await begun()
    asked = []
    monkeypatch.setattr(ada, "newest_events", asked.append)
    await slices(service, 1)
    assert asked == []


async def test_what_exchange_refuses_to_order_comes_with_the_round(monkeypatch):
    service, ada = await begun()

    async def refused(since):
        raise Refused("no such order", code="InefficientFilter")

    monkeypatch.setattr(ada, "newest_events", refused)
    ada.add(subject="Newest", time=at(FUTURE), categories=(CATEGORY,))
    await hint(service, ada, "notification")
    await finish(service)
    assert len(subjects(service)) == EVENTS + 1


async def test_what_time_does_not_allow_is_put_off_and_does_not_come_before_news(monkeypatch):
    monkeypatch.setattr(first_sync, "SLICE", timedelta(seconds=-1))
    monkeypatch.setattr("shared.engine.mailbox_pass.CHUNK", 3)
    service, ada = await begun(1)
    inbox = (await service.services.store.agenda(ada.id, inbox_limit=500)).inbox
    assert [row.later for row in inbox] == [True] * (2 * PAGE - 3)
    ada.add(subject="Newest", time=at(FUTURE), categories=(CATEGORY,))
    await hint(service, ada, "notification")
    await slices(service, 1)
    assert "Newest" in subjects(service)
    await finish(service)
    assert len(subjects(service)) == EVENTS + 1


async def test_with_much_put_off_no_more_is_read(monkeypatch):
    monkeypatch.setattr(first_sync, "BACKLOG", 4)
    monkeypatch.setattr(first_sync, "SLICE", timedelta(seconds=-1))
    monkeypatch.setattr("shared.engine.mailbox_pass.CHUNK", 3)
    service, ada = await begun(1)
    cursor = (await service.services.store.agenda(ada.id, inbox_limit=500)).cursors
    await slices(service, 1)
    after = (await service.services.store.agenda(ada.id, inbox_limit=500)).cursors
    links = {after[feed].link == cursor[feed].link for feed in after if feed.startswith("calendar:")}
    assert links == {True}
    await finish(service)
    assert len(subjects(service)) == EVENTS


async def test_with_enough_tracked_events_no_further_page_is_read(monkeypatch):
    monkeypatch.setattr(first_sync, "PAGES", 20)
    monkeypatch.setattr(first_sync, "AT_ONCE", 3 * PAGE)
    service, _ = await begun(1)
    assert len(subjects(service)) == 3 * PAGE


async def test_a_row_whose_event_was_not_read_yet_is_not_made_again():
    """An earlier sync linked them; nothing but the stamp tells."""
    service, ada = await crowded()
    organizer = service.dynamics.users[ada.address]
    service.dynamics.add(ROW, organizer, subject="Both", time=at(FUTURE))
    stamps = Stamps(2.0, ROW)
    ada.add(subject="Both", time=at(FUTURE), categories=(CATEGORY,), stamps=stamps)
    await service.read_feed()
    await take(service, Lane.SYNC)
    await slices(service, 1)
    await finish(service)
    assert [event.value("subject") for event in ada.items.values()].count("Both") == 1
    assert len(service.dynamics.rows) == EVENTS + 1


def test_in_which_lane_a_mailbox_is():
    def agenda(lane, *feeds):
        fence = Fence("m", 1, EPOCH, lane) if lane else None
        return Agenda(fence, {feed: Cursor(feed, "", complete=True) for feed in feeds}, (), ())

    expected = [
        (agenda(None), Lane.BULK),
        (agenda("mailbox-sync"), Lane.BULK),
        (agenda("mailbox-bulk"), Lane.BULK),
        (agenda("mailbox-bulk", "calendars", "calendar:1"), Lane.BULK),
        (agenda("mailbox-sync", "calendars", "calendar:1"), Lane.SYNC),
        (agenda("mailbox-sync", "calendars"), Lane.SYNC),
        (agenda("mailbox-sync", "contact:1"), Lane.BULK),
    ]
    assert [first_sync.lane_of(each) for each, _ in expected] == [lane for _, lane in expected]


# --- administrators -------------------------------------------------------------------------------


async def test_sync_now_is_followed_at_once_and_compares_when_all_is_read():
    service, ada = await begun()
    service.jobs.take()
    await hint(service, ada, "sync now")
    inbox = (await service.services.store.agenda(ada.id, inbox_limit=500)).inbox
    assert {(row.kind, row.id) for row in inbox} >= {("news", "calendars"), ("news", "contacts")}
    compared = []
    original = service.dynamics.appointments_organized_by

    async def counted(*args, **options):
        compared.append(len(subjects(service)))
        return await original(*args, **options)

    service.dynamics.appointments_organized_by = counted
    await finish(service)
    assert compared == [EVENTS - 2 * PAGE]  # in the last slice, before it writes
    inbox = (await service.services.store.agenda(ada.id, inbox_limit=500)).inbox
    assert not inbox


async def test_a_paused_first_sync_stops_after_its_slice_and_goes_on_when_resumed():
    service, ada = await begun()
    done = len(subjects(service))
    mailbox = await service.services.registry.get(ada.id)
    await life_cycle.change_state(service.services, mailbox, "pause")
    await finish(service)
    assert (len(subjects(service)), service.jobs.sent) == (done, [])
    mailbox = await service.services.registry.get(ada.id)
    await life_cycle.change_state(service.services, mailbox, "resume")
    await take(service, Lane.SYNC)
    await finish(service)
    assert (len(subjects(service)), await lane_of(service, ada)) == (EVENTS, Lane.SYNC)


async def test_a_mailbox_removed_in_its_first_sync_goes_on_with_it_when_it_comes_back():
    service, ada = await begun()
    mailbox = await service.services.registry.get(ada.id)
    await life_cycle.remove(service.services, mailbox)
    await finish(service)
    assert service.jobs.sent == []
    assert await lane_of(service, ada) is Lane.BULK
    await service.subscribe(ada)
    await take(service, Lane.SYNC)
    await finish(service)
    assert (len(subjects(service)), len(service.dynamics.rows)) == (EVENTS, EVENTS)
    assert await lane_of(service, ada) is Lane.SYNC


async def test_a_mailbox_that_comes_back_later_has_no_first_sync():
    service, ada = await begun()
    await finish(service)
    await life_cycle.remove(service.services, await service.services.registry.get(ada.id))
    await service.subscribe(ada)
    service.jobs.take()
    ada.add(subject="Newest", time=at(FUTURE), categories=(CATEGORY,))
    await hint(service, ada, "enable")
    assert "Newest" in subjects(service)
    assert [job.queue for job in service.jobs.take() if job.queue == Lane.BULK] == []


async def test_a_question_is_answered_between_slices_and_at_once_where_none_is_at_work():
    service, ada = await begun()
    await ask(service, ada, "r1")
    assert await service.services.answers.get(ada.id, "r1") is None
    assert [job.cause for job in service.jobs.sent if job.queue == Lane.BULK] == [FIRST_SYNC, "preview"]
    await take(service, Lane.BULK, at_most=2)
    assert "actions" in await service.services.answers.get(ada.id, "r1")
    service.clock.forward(600)
    await ask(service, ada, "r2")
    assert await service.services.answers.get(ada.id, "r2")


async def ask(service, ada, request):
    await lanes.work(service.services, SentJob(Lane.SYNC.value, ada.id, "preview", request=request))


# --- what goes wrong ------------------------------------------------------------------------------


async def test_a_lost_message_is_asked_for_by_the_net():
    service, ada = await begun()
    service.jobs.take()
    service.clock.forward(product.NET.total_seconds() + 60)
    await scheduling.due_mailboxes(service.services)
    await take(service, Lane.SYNC)
    await finish(service)
    assert (len(subjects(service)), await lane_of(service, ada)) == (EVENTS, Lane.SYNC)


async def test_while_slices_come_the_net_asks_for_none():
    service, _ = await begun()
    service.clock.forward(product.NET.total_seconds() - 60)
    assert await scheduling.due_mailboxes(service.services) == 0
    await slices(service, 1)
    service.clock.forward(120)
    assert await scheduling.due_mailboxes(service.services) == 0


async def test_messages_that_come_twice_make_no_second_chain():
    service, _ = await begun()
    (job,) = service.jobs.sent
    service.jobs.sent += [job, job]
    for _ in range(3):
        await take(service, Lane.BULK)
    assert len([job for job in service.jobs.sent if job.queue == Lane.BULK]) == 1
    assert len(subjects(service)) == 3 * 2 * PAGE


async def test_one_item_that_fails_for_ever_keeps_no_mailbox_in_the_slow_lane(monkeypatch):
    service, ada = await crowded()
    original = service.dynamics.create_appointment

    async def create(write, *, as_user):
        if write.values["subject"] == "Old 3":
            raise Transient("a plug-in fails")
        return await original(write, as_user=as_user)

    monkeypatch.setattr(service.dynamics, "create_appointment", create)
    await take(service, Lane.SYNC)
    await finish(service)
    assert (len(subjects(service)), await lane_of(service, ada)) == (EVENTS - 1, Lane.SYNC)
    monkeypatch.undo()
    await service.settle()
    assert len(subjects(service)) == EVENTS


@rule("LNK-3")
@pytest.mark.parametrize("under_way", [0, 1])
async def test_a_slice_that_waits_for_what_it_began_is_not_stuck(under_way):
    """Only one in which something fails comes later, and later still the next time."""
    service, ada = await begun()
    mailbox = await service.services.registry.get(ada.id)
    looks_at, wait = service.clock() + timedelta(minutes=1), timedelta(minutes=5)
    result = PassResult(unfinished=1, under_way=under_way, again_at=looks_at, generation=7)
    job = Job(ada.id, FIRST_SYNC, attempt=3, after=6)
    with working_in(Lane.BULK):
        await product.follow(service.services, mailbox, job, result, wait)
    again = service.jobs.sent[-1]
    assert (again.at, again.attempt) == ((looks_at, 0) if under_way else (looks_at + wait, 4))


async def test_a_throttled_first_sync_comes_back_by_schedule_and_loses_no_news(monkeypatch):
    service, ada = await begun()

    async def throttled(*_args, **_options):
        raise Throttled("too many requests", retry_after=40)

    answering = service.dynamics.organization
    monkeypatch.setattr(service.dynamics, "organization", throttled)
    now = service.clock()
    await slices(service, 1)
    (again,) = [job for job in service.jobs.sent if job.queue == Lane.BULK]
    assert (again.at, again.attempt) == (now + timedelta(seconds=40), 1)
    assert await take(service, Lane.BULK) == []
    ada.add(subject="Newest", time=at(FUTURE), categories=(CATEGORY,))
    await hint(service, ada, "notification")
    monkeypatch.setattr(service.dynamics, "organization", answering)
    service.clock.forward(40)
    await slices(service, 1)
    assert "Newest" in subjects(service)
    assert len(subjects(service)) < EVENTS


async def rounds_of_life(service, ada):
    """Everything that happens to a mailbox while its first sync runs; one message each, in turn."""
    await service.read_feed()
    await take(service, Lane.SYNC)
    for number in range(3):
        await take(service, Lane.BULK)
        ada.add(subject=f"New {number}", time=at(FUTURE), categories=(CATEGORY,))
        await hint(service, ada, "notification")
    await finish(service)


@pytest.mark.parametrize("redelivered", [True, False], ids=["redelivered", "gone with its message"])
async def test_killed_at_any_step_of_either_lane_nothing_is_lost_or_doubled(monkeypatch, redelivered):
    """The message of the worker that died comes again, or is given up and the net has to mend it."""
    monkeypatch.setattr(f"{__name__}.EVENTS", 14)
    monkeypatch.setattr(f"{__name__}.PAGE", 2)
    service, ada = await crowded()
    await rounds_of_life(service, ada)
    steps = service.steps
    assert {"slice asked for", "news noted", "lane left", "lane told"} <= set(steps)
    for number in range(1, len(steps) + 1):
        service, ada = await crowded()
        service.kill_at = number
        with pytest.raises(Killed):
            await killed_once(service, ada, redelivered)
        await mended(service)
        await all_done(service, ada, f"killed at {steps[number - 1]} ({number})")


async def killed_once(service, ada, redelivered):
    original = lanes.work

    async def work(services, job):
        try:
            await original(services, job)
        except Killed:
            service.jobs.sent += [job] if redelivered else []
            raise

    lanes.work, before = work, lanes.work
    try:
        await rounds_of_life(service, ada)
    finally:
        lanes.work = before


async def mended(service):
    for _ in range(4):
        await finish(service)
        service.clock.forward(product.NET.total_seconds() + 60)
        await scheduling.due_mailboxes(service.services)
    await service.read_feed()
    await finish(service)


async def all_done(service, ada, when):
    there = sorted(event.value("subject") for event in ada.items.values())
    rows = sorted(row.value("subject") for row in service.dynamics.rows.values())
    assert rows == there, when
    assert await lane_of(service, ada) is Lane.SYNC, when
    assert (await service.services.store.agenda(ada.id, inbox_limit=500)).inbox == (), when
