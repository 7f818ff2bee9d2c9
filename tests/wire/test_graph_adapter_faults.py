"""What the adapter makes of a service that throttles, fails and loses answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.errors import Conflict, Throttled, Transient, UnknownResult
from shared.model.decision import CancelEvent, UpdateEvent
from tests.wire.graph_adapter import ROW, Connected, connected, creation


@pytest.fixture
async def rig() -> AsyncIterator[Connected]:
    async with connected() as running:
        yield running


async def test_a_create_whose_answer_is_lost_is_unknown_and_found_again_by_its_stamp(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    await rig.fault("drop-after", method="POST", pathContains="/events")
    with pytest.raises(UnknownResult):
        await mailbox.create_event(creation(attendees=[["bob@else.com", "required"]]))
    assert len(await mailbox.find_by_crm_id(ROW)) == 1
    with pytest.raises(Conflict):
        await mailbox.create_event(creation())
    assert await rig.mailed() == [("invitation", ["bob@else.com"])]


async def test_a_create_that_never_arrived_is_just_as_unknown(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    await rig.fault("drop-before", method="POST", pathContains="/events")
    with pytest.raises(UnknownResult):
        await mailbox.create_event(creation())
    assert await mailbox.find_by_crm_id(ROW) == []


@pytest.mark.parametrize("do", ["status:500", "status:502", "status:504", "drop-after"])
async def test_no_write_is_repeated_after_it_may_have_happened(rig: Connected, do: str) -> None:
    mailbox = await rig.mailbox()
    created = await mailbox.create_event(creation(attendees=[["bob@else.com", "required"]]))
    await rig.control("DELETE", "/requests")
    await rig.fault(do, method="POST", pathContains="/cancel")
    with pytest.raises(UnknownResult):
        await mailbox.cancel_event(CancelEvent(created.id))
    assert mailbox.requests["cancel_event"] == 1


async def test_a_write_that_the_service_did_not_take_is_transient(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    created = await mailbox.create_event(creation())
    await rig.fault("status:503", method="PATCH")
    with pytest.raises((Transient, Throttled)):
        await mailbox.update_event(UpdateEvent(created.id, created.etag, {"subject": "New"}))
    assert mailbox.requests["update_event"] == 1


@pytest.mark.parametrize("do", ["status:503", "status:504", "drop-before", "drop-after"])
async def test_a_read_is_tried_twice(rig: Connected, do: str) -> None:
    mailbox = await rig.mailbox()
    created = await mailbox.create_event(creation())
    await rig.fault(do, method="GET", pathContains="/events/", retry_after=1)
    assert (await mailbox.events([created.id]))[created.id] == created
    assert mailbox.requests["event"] == 2


async def test_a_read_is_not_tried_a_third_time(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    created = await mailbox.create_event(creation())
    await rig.fault("drop-before", times=5, method="GET", pathContains="/events/")
    with pytest.raises(Transient):
        await mailbox.events([created.id])
    assert mailbox.requests["event"] == 2


async def test_a_short_wait_is_waited_for_even_by_a_write(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    await rig.fault("status:429", method="POST", pathContains="/events", retry_after=2)
    created = await mailbox.create_event(creation())
    assert created.id
    assert rig.slept
    assert max(rig.slept) <= 2


async def test_a_long_wait_is_the_next_passs_and_holds_back_the_whole_mailbox(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    other = await rig.mailbox("bob")
    await rig.fault("status:429", method="GET", pathContains="/calendars", retry_after=120)
    with pytest.raises(Throttled) as caught:
        await mailbox.calendars()
    assert caught.value.retry_after == 120
    await rig.control("DELETE", "/requests")
    with pytest.raises(Throttled):
        await rig.graph.mailbox(mailbox._id).stamped_events()
    assert await rig.counted() == {}
    assert await other.calendars()


async def test_after_the_wait_the_mailbox_is_asked_again(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    await rig.fault("status:429", method="GET", pathContains="/calendars", retry_after=120)
    with pytest.raises(Throttled):
        await mailbox.calendars()
    await rig.control("POST", "/clock", {"advanceSeconds": 121})
    assert await mailbox.calendars()


async def test_throttled_parts_of_a_batch_go_once_more(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    ids = [(await mailbox.create_event(creation(f"key-{number}"))).id for number in range(5)]
    await rig.fault("status:429", times=2, method="GET", pathContains="/events/", retry_after=3)
    assert set(await mailbox.events(ids)) == set(ids)
    assert mailbox.requests["event"] == 7
    assert mailbox.requests["$batch"] == 2


async def test_parts_that_stay_throttled_throttle_the_pass(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    ids = [(await mailbox.create_event(creation(f"key-{number}"))).id for number in range(3)]
    await rig.fault("status:429", times=20, method="GET", pathContains="/events/", retry_after=3)
    with pytest.raises(Throttled):
        await mailbox.events(ids)
    assert mailbox.requests["event"] == 6


async def test_a_part_that_failed_is_not_taken_for_a_deleted_event(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    ids = [(await mailbox.create_event(creation(f"key-{number}"))).id for number in range(2)]
    await rig.fault("status:503", times=20, method="GET", pathContains="/events/")
    with pytest.raises((Transient, Throttled)):
        await mailbox.events(ids)


async def test_a_lost_batch_of_reads_is_sent_again(rig: Connected) -> None:
    mailbox = await rig.mailbox()
    ids = [(await mailbox.create_event(creation(f"key-{number}"))).id for number in range(2)]
    await rig.fault("drop-after", method="POST", pathContains="$batch")
    assert set(await mailbox.stamps(ids)) == set(ids)


async def test_many_at_once_never_exceed_what_a_mailbox_allows(rig: Connected) -> None:
    """The stand-in refuses a fifth request at once, as Exchange does; here nothing is ever refused."""
    mailbox = await rig.mailbox()
    ids = [(await mailbox.create_event(creation(f"key-{number}"))).id for number in range(6)]
    view = rig.graph.mailbox(mailbox._id)
    await rig.control("DELETE", "/requests")
    await asyncio.gather(
        *(mailbox.events([event_id]) for event_id in ids * 3),
        *(view.stamps(ids) for _ in range(3)),
        view.stamped_events(),
    )
    assert rig.slept == []
    assert mailbox.requests["event"] == 18
    assert view.requests["stamps"] == 18
