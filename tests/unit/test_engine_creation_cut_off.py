"""The worker dies making the row of an event, and a person goes on before the next pass."""

from __future__ import annotations

import contextlib

import pytest

from tests.doubles.service import Killed, Service
from tests.doubles.world import MemoryMailbox
from tests.marks import rule
from tests.rules.build import CATEGORY, at
from tests.unit.test_engine_crashes import FUTURE, GUESTS
from tests.unit.test_engine_series import add_event

STEPS = range(1, 14)


def single(box: MemoryMailbox) -> str:
    return box.add(subject="Born in Exchange", time=at(FUTURE), categories=(CATEGORY,), attendees=GUESTS).id


def series(box: MemoryMailbox) -> str:
    return add_event(box, attendees=GUESTS).id


async def cut_off(service: Service, box: MemoryMailbox, step: int) -> None:
    service.steps.clear()
    service.kill_at = step
    with contextlib.suppress(Killed):
        await service.run_pass(box)
    service.kill_at = None


@rule("LNK-8", "APPT-26")
@pytest.mark.parametrize("made", [single, series])
@pytest.mark.parametrize("edited", [False, True], ids=["", "edited in Dynamics"])
@pytest.mark.parametrize("step", STEPS)
async def test_an_event_deleted_after_the_worker_died_making_its_row_stays_deleted(
    service: Service, ada: MemoryMailbox, made, edited: bool, step: int
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
