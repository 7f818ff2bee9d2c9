"""``POST mailboxes/{id}/verify``: what may be asked, in pages, in slices, and when it mends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.engine import verify as verifying
from shared.rules.drift import Drift
from shared.web import questions
from tests.doubles.service import Service
from tests.doubles.world import EPOCH
from tests.marks import rule
from tests.rules.build import CATEGORY, at
from tests.unit.test_admin_api import Api

FUTURE = EPOCH + timedelta(days=3)


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def api(service):
    return Api(service)


@pytest.fixture
async def ada(service, api):
    box = service.person("ada", 1)
    await api("POST", "mailboxes", {"address": box.address, "dynamicsUser": box.address})
    await service.settle()
    return box


def track(box, number):
    for n in range(number):
        box.add(subject=f"Meeting {n}", time=at(FUTURE), categories=(CATEGORY,))


async def test_a_mailbox_in_step_is_told_so(service, api, ada):
    track(ada, 3)
    await service.settle()
    before = service.exchange.serial, service.dynamics.version
    status, body = await api("POST", f"mailboxes/{ada.id}/verify")
    assert (status, body["complete"], body["inStep"], body["value"]) == (200, True, True, [])
    assert body["counts"]["appointment"] == {"inExchange": 3, "inStep": 3, "inDynamics": 3, "linked": 3}
    assert body["leftOut"] == {}
    assert "progress" not in body
    assert (service.exchange.serial, service.dynamics.version) == before


@rule("PAIN-6")
async def test_drift_comes_in_pages_and_is_mended_when_told_to(service, api, ada, monkeypatch):
    monkeypatch.setattr(questions, "PAGE", 10)
    track(ada, 13)
    status, body = await api("POST", f"mailboxes/{ada.id}/verify", {"mend": False})
    assert (status, body["drift"], body["mending"]) == (200, {Drift.NEVER_LINKED: 13}, 0)
    assert len(body["value"]) == 10
    where = body["nextLink"].partition("/api/admin/")[2]
    status, second = await api("GET", where)
    assert (status, len(second["value"])) == (200, 3)
    assert "nextLink" not in second
    assert not service.jobs.sent
    status, body = await api("POST", f"mailboxes/{ada.id}/verify", {"mend": True})
    assert (status, body["mending"]) == (200, 13)
    assert [(job.session, job.cause) for job in service.jobs.sent] == [(ada.id, "continue")]
    await service.settle()
    assert (await api("POST", f"mailboxes/{ada.id}/verify"))[1]["inStep"]


async def test_what_was_found_so_far_is_shown_while_it_goes_on(service, api, ada, monkeypatch):
    """A big mailbox is verified in slices, each asked for by a message of its own."""
    monkeypatch.setattr(verifying, "SLICE_ITEMS", 1)
    track(ada, 5)
    api.working = False
    status, _ = await api("POST", f"mailboxes/{ada.id}/verify")
    assert status == 202
    (job,) = service.jobs.sent
    where = f"mailboxes/{ada.id}/answers/{job.request}"
    assert (await api("GET", where))[0] == 202
    await api.work()
    status, body = await api("GET", where)
    assert (status, body["complete"], body["inStep"]) == (200, False, False)
    assert body["drift"] == {Drift.NEVER_LINKED: 2}
    assert "progress" not in body
    for _ in range(20):
        await api.work()
    status, body = await api("GET", where)
    assert (status, body["complete"], body["drift"]) == (200, True, {Drift.NEVER_LINKED: 5})


async def test_a_message_that_comes_again_changes_nothing(service, api, ada):
    track(ada, 2)
    api.working = False
    await api("POST", f"mailboxes/{ada.id}/verify", {"mend": True})
    (job,) = service.jobs.sent
    await api.work()
    where = f"mailboxes/{ada.id}/answers/{job.request}"
    first = await api("GET", where)
    await service.settle()
    service.jobs.sent.append(job)
    await api.work()
    assert await api("GET", where) == first


async def test_a_paused_mailbox_is_verified_but_not_mended(api, ada):
    await api("POST", f"mailboxes/{ada.id}/pause")
    assert (await api("POST", f"mailboxes/{ada.id}/verify"))[0] == 200
    status, body = await api("POST", f"mailboxes/{ada.id}/verify", {"mend": True})
    assert (status, body["error"]["code"]) == (409, "notActive")


@pytest.mark.parametrize("body", [{"mend": "yes"}, {"mend": 1}, {"repair": True}, [1]])
async def test_what_cannot_be_asked_is_refused_in_a_sentence(api, ada, body):
    status, answer = await api("POST", f"mailboxes/{ada.id}/verify", body)
    assert (status, bool(answer["error"]["message"])) == (400, True)


async def test_a_wrong_place_in_the_pages_is_refused(service, api, ada):
    api.working = False
    await api("POST", f"mailboxes/{ada.id}/verify")
    (job,) = service.jobs.sent
    await api.work()
    status, body = await api("GET", f"mailboxes/{ada.id}/answers/{job.request}?after=-1")
    assert (status, body["error"]["message"]) == (400, "'after' is not from one of our links.")
    assert (await api("POST", "mailboxes/nobody/verify"))[0] == 404
