"""The worker dies making the row of an event, and a person goes on before the next pass."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

from shared.model.event import Stamps
from tests.doubles.service import Killed, Service
from tests.doubles.world import MemoryMailbox
from tests.marks import rule
from tests.rules.build import CATEGORY, at
from tests.unit.test_engine_crashes import FUTURE, GUESTS
from tests.unit.test_engine_series import ROW, add_event, add_row

STEPS = range(1, 14)


def single(box: MemoryMailbox) -> str:
    return box.add(subject="Born in Exchange", time=at(FUTURE), categories=(CATEGORY,), attendees=GUESTS).id


def series(box: MemoryMailbox) -> str:
    return add_event(box, attendees=GUESTS).id


def single_row(service: Service, box: MemoryMailbox) -> None:
    organizer = service.dynamics.users[box.address]
    service.dynamics.add(ROW, organizer, subject="Born in Dynamics", time=at(FUTURE), attendees=GUESTS)


def series_row(service: Service, box: MemoryMailbox) -> None:
    add_row(service, box, attendees=GUESTS)


MadeEvent = Callable[[MemoryMailbox], str]
MadeRow = Callable[[Service, MemoryMailbox], None]


async def cut_off(service: Service, box: MemoryMailbox, step: int) -> None:
    service.steps.clear()
    service.kill_at = step
    with contextlib.suppress(Killed):
        await service.run_pass(box)
    service.kill_at = None


async def come_to_rest(service: Service) -> None:
    await service.settle()
    service.clock.forward(3600)
    await service.settle()


@rule("LNK-8", "APPT-26")
@pytest.mark.parametrize("made", [single, series])
@pytest.mark.parametrize("edited", [False, True], ids=["", "edited in Dynamics"])
@pytest.mark.parametrize("step", STEPS)
async def test_an_event_deleted_after_the_worker_died_making_its_row_stays_deleted(
    service: Service, ada: MemoryMailbox, made: MadeEvent, edited: bool, step: int
) -> None:
    """Nor does anybody get an invitation to what does not take place."""
    event = made(ada)
    await cut_off(service, ada, step)
    if edited:
        for row_id in list(service.dynamics.rows):
            service.dynamics.edit(row_id, location="Room 9")
        await service.read_feed()
    service.exchange.mails.clear()
    ada.remove(event)
    mails = list(service.exchange.mails)
    await service.settle()
    assert not ada.items
    assert service.exchange.mails == mails
    assert not service.dynamics.rows


@rule("LNK-8", "APPT-25")
@pytest.mark.parametrize("made", [single_row, series_row])
@pytest.mark.parametrize("edited", [False, True], ids=["", "edited in Exchange"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_row_deleted_after_the_worker_died_making_its_event_stays_deleted(
    service: Service, ada: MemoryMailbox, made: MadeRow, edited: bool, step: int
) -> None:
    """Whoever was invited is told once that it does not take place."""
    made(service, ada)
    await service.read_feed()
    await cut_off(service, ada, step)
    if edited:
        for event_id in list(ada.items):
            ada.edit(event_id, location="Room 9")
    service.dynamics.remove(ROW)
    invited = sorted(service.exchange.mails) if not edited else None
    await come_to_rest(service)
    assert not service.dynamics.rows
    assert not ada.items
    if invited is not None:
        cancelled = [("cancellation", guest) for kind, guest in invited if kind == "invitation"]
        assert sorted(service.exchange.mails) == sorted([*invited, *cancelled])


@rule("LNK-8", "APPT-25")
@pytest.mark.parametrize("made", [single, series])
@pytest.mark.parametrize("step", STEPS)
async def test_the_row_of_an_event_deleted_after_the_worker_died_making_it_stays_deleted(
    service: Service, ada: MemoryMailbox, made: MadeEvent, step: int
) -> None:
    made(ada)
    await cut_off(service, ada, step)
    begun = list(service.dynamics.rows)
    for row_id in begun:
        service.dynamics.remove(row_id)
    await service.settle()
    assert bool(service.dynamics.rows) is not bool(begun)
    assert bool(ada.items) is not bool(begun)


@rule("EMI-17", "LNK-8")
@pytest.mark.parametrize("made", [single, series])
@pytest.mark.parametrize("step", STEPS)
async def test_an_event_tracked_again_and_untracked_after_the_worker_died_stays_untracked(
    service: Service, ada: MemoryMailbox, made: MadeEvent, step: int
) -> None:
    """The stamp that the worker put on is no person's."""
    event = made(ada)
    await service.settle()
    ada.edit(event, categories=())
    await service.settle()
    ada.edit(event, categories=(CATEGORY,))
    await cut_off(service, ada, step)
    ada.edit(event, categories=())
    await come_to_rest(service)
    assert not ada.items[event].categories


@rule("EMI-17", "LNK-8")
@pytest.mark.parametrize("made", [single, series])
@pytest.mark.parametrize("step", STEPS)
async def test_an_event_untracked_after_the_worker_died_making_its_row_stays_untracked(
    service: Service, ada: MemoryMailbox, made: MadeEvent, step: int
) -> None:
    event = made(ada)
    await cut_off(service, ada, step)
    ada.edit(event, categories=())
    await come_to_rest(service)
    assert not ada.items[event].categories


def by_app(box: MemoryMailbox) -> str:
    """Tracked by the app for Outlook: a stamp, and no category."""
    stamps = Stamps(link_state=1.0)
    return box.add(subject="Born in Exchange", time=at(FUTURE), stamps=stamps, attendees=GUESTS).id


@rule("LNK-4", "LNK-8")
@pytest.mark.parametrize("step", STEPS)
async def test_an_event_that_the_app_tracks_is_tracked_though_the_worker_died(
    service: Service, ada: MemoryMailbox, step: int
) -> None:
    event = by_app(ada)
    await cut_off(service, ada, step)
    await service.settle()
    assert ada.items[event].categories == (CATEGORY,)
    assert len(service.dynamics.rows) == 1


@rule("EMI-17", "LNK-4")
@pytest.mark.parametrize("step", STEPS)
async def test_the_category_that_a_dead_worker_put_on_can_be_taken_off(
    service: Service, ada: MemoryMailbox, step: int
) -> None:
    event = by_app(ada)
    await cut_off(service, ada, step)
    put_on = bool(ada.items[event].categories)
    ada.edit(event, categories=())
    await service.settle()
    assert bool(ada.items[event].categories) is not put_on
