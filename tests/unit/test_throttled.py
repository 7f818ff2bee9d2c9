"""Throttled work comes back by schedule and never fails: the feed, passes, first syncs and questions. (Of
subscriptions: ``test_renewals.py``.)"""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import Throttled
from shared.lane import Lane
from tests.doubles import lanes
from tests.doubles.jobs import SentJob
from tests.doubles.service import Service
from tests.doubles.world import EPOCH
from tests.marks import rule
from tests.rules.build import CATEGORY, at

ROW = "66666666-6666-4666-8666-666666666666"
FUTURE = EPOCH + timedelta(days=3)
WAIT = 70


class Throttling:
    """Everything that is asked of a service is refused from its ``number``-th request on."""

    def __init__(self, service, number):
        self._service, self._left = service, number

    def __getattr__(self, name):
        method = getattr(self._service, name)

        async def asked(*args, **options):
            self._left -= 1
            if self._left < 0:
                raise Throttled("too many requests", retry_after=WAIT)
            return await method(*args, **options)

        return asked if callable(method) else method


def throttle(service, number):
    """Dynamics has had enough of us after so many requests."""
    object.__setattr__(service.services, "dynamics", Throttling(service.dynamics, number))


def let_in(service):
    object.__setattr__(service.services, "dynamics", service.dynamics)


@pytest.mark.parametrize("number", range(8))
async def test_a_throttled_reading_of_the_feed_returns_and_the_next_one_routes_all(service, ada, number):
    await service.settle()
    service.dynamics.add(ROW, service.dynamics.users[ada.address], subject="New", time=at(FUTURE))
    throttle(service, number)
    await service.read_feed()
    let_in(service)
    await service.read_feed()
    await service.settle()
    assert [event.value("subject") for event in ada.items.values()] == ["New"]


@rule("MBX-16")
@pytest.mark.parametrize("lane", list(Lane))
@pytest.mark.parametrize("number", [0, 1, 2, 4, 6])
async def test_a_throttled_pass_or_slice_comes_back_when_it_was_told_to(lane, number):
    service = Service()
    ada = service.person("ada", 1)
    await service.subscribe(ada)
    await service.read_feed()
    if lane is Lane.SYNC:
        await service.settle()
    for each in range(5):
        ada.add(subject=f"New {each}", time=at(FUTURE), categories=(CATEGORY,))
    service.jobs.take()
    throttle(service, number)
    await lanes.work(
        service.services, SentJob(lane.value, ada.id, "first sync" if lane is Lane.BULK else "sync now")
    )
    back = [job for job in service.jobs.take() if job.at is not None]
    assert [job.queue for job in back] == [lane.value]
    assert timedelta(seconds=WAIT - 2) <= back[0].at - service.clock() <= timedelta(seconds=WAIT + 2)
    let_in(service)
    service.clock.forward(WAIT)
    await lanes.work(service.services, back[0])
    await service.settle()
    assert len(service.dynamics.rows) == len(ada.items) == 5


async def test_a_throttled_question_is_answered_with_the_reason(service, ada):
    await service.settle()
    throttle(service, 0)
    await lanes.work(service.services, SentJob(Lane.SYNC.value, ada.id, "preview", request="r1"))
    answer = await service.services.answers.get(ada.id, "r1")
    assert answer["error"]["message"]
