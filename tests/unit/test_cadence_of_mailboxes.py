"""When mailboxes are read, over the service in memory: the net, what an administrator postpones, what fails
and comes back by itself."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.errors import MailboxBroken, ProfileBroken, Transient
from shared.jobs.messages import Job
from shared.mailboxes import jobs_of_mailbox, scheduling
from shared.mailboxes.conditions import measure
from shared.model.mailbox import Mailbox, MailboxState
from shared.model.profile import Polling, Retries
from shared.web.admin_api import handle
from shared.web.http import Request
from tests.doubles.service import Service
from tests.doubles.world import EPOCH, MemoryMailbox
from tests.marks import rule
from tests.rules.build import CATEGORY, at

SOON = EPOCH + timedelta(days=3)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def ada(service: Service) -> MemoryMailbox:
    box = service.person("ada", 1)
    await service.subscribe(box)
    await service.settle()
    return box


async def row(service: Service, box: MemoryMailbox) -> Mailbox:
    found = await service.services.registry.get(box.id)
    assert found is not None
    return found


async def look(service: Service) -> int:
    """What the timer does each minute, and the passes that it asks for; how many."""
    await scheduling.due_mailboxes(service.services)
    taken = service.jobs.take()
    for job in taken:
        await jobs_of_mailbox.run(service.services, Job(job.session, job.cause, job.attempt))
    return len(taken)


async def admin(service: Service, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    request = Request("POST", path, {}, {"host": "127.0.0.1:7071"}, json.dumps(body).encode())
    answer = await handle(service.services, request, "loopback")
    return answer.status, json.loads(answer.body)


def until_due(service: Service, mailbox: Mailbox) -> float:
    assert mailbox.due_at is not None
    return (mailbox.due_at - service.clock()).total_seconds()


def breaks(box: MemoryMailbox, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def calendars() -> None:
        raise error

    async def changes(*_given: object) -> None:
        raise error

    monkeypatch.setattr(box, "calendars", calendars)
    monkeypatch.setattr(box, "calendar_changes", changes)


# --- the net --------------------------------------------------------------------------------------


@rule("MBX-14", "MBX-15")
async def test_a_pass_that_ends_says_when_the_next_one_is(service: Service, ada: MemoryMailbox) -> None:
    await service.profile(item_polling=Polling(3, 6, 9, 40), synchronize_tasks=False)
    await service.services.registry.patch(ada.id, activity=0.0, subscribed_until=None)
    await service.run_pass(ada, "due")
    assert 7 * 60 <= until_due(service, await row(service, ada)) <= 8 * 60
    assert await look(service) == 0
    ada.add(subject="Kickoff", categories=[CATEGORY], time=at(SOON))
    service.clock.forward(9 * 60)
    assert await look(service) == 1
    assert len(service.dynamics.rows) == 1
    assert await look(service) == 0


@rule("MBX-14")
async def test_a_mailbox_that_is_due_for_its_tasks_is_not_read_otherwise(
    service: Service, ada: MemoryMailbox
) -> None:
    await service.services.registry.patch(ada.id, poll_at=service.clock() + timedelta(hours=2))
    ada.add(subject="Kickoff", categories=[CATEGORY], time=at(SOON))
    service.clock.forward(3600)
    assert await look(service) == 1
    mailbox = await row(service, ada)
    assert mailbox.tasks_read_at == service.clock()
    assert not service.dynamics.rows
    service.clock.forward(3600)
    assert await look(service) == 1
    assert len(service.dynamics.rows) == 1


@rule("MBX-15")
async def test_what_is_postponed_waits_and_an_administrator_may_ask_all_the_same(
    service: Service, ada: MemoryMailbox
) -> None:
    until = service.clock() + timedelta(hours=3)
    status, shown = await admin(service, f"mailboxes/{ada.id}/postpone", {"until": until.isoformat()})
    assert status == 200
    assert datetime.fromisoformat(shown["postponedUntil"]) == until
    assert shown["nextDueAt"] == shown["postponedUntil"]
    ada.add(subject="Kickoff", categories=[CATEGORY], time=at(SOON))
    for cause in ("notification", "due", "dynamics", "continue"):
        await service.run_pass(ada, cause)
    service.clock.forward(2 * 3600)
    await service.services.registry.patch(ada.id, due_at=service.clock())
    assert await look(service) == 0
    assert (await row(service, ada)).due_at == until
    assert {each.what for each in await measure(service.services)} <= {"feed-silent"}
    assert not service.dynamics.rows
    await service.run_pass(ada, "sync now")
    assert len(service.dynamics.rows) == 1
    service.clock.forward(3600)
    assert await look(service) == 1


@rule("MBX-15")
@pytest.mark.parametrize(
    "until", ["tomorrow", "2026-12-01T08:00:00", "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z", 5]
)
async def test_no_mailbox_is_postponed_to_a_time_that_is_none(
    service: Service, ada: MemoryMailbox, until: object
) -> None:
    assert (await admin(service, f"mailboxes/{ada.id}/postpone", {"until": until}))[0] == 400
    assert (await admin(service, f"mailboxes/{ada.id}/postpone", {}))[0] == 400
    assert (await row(service, ada)).postponed_until is None


@rule("MBX-15")
async def test_what_was_postponed_goes_on_when_it_is_told(service: Service, ada: MemoryMailbox) -> None:
    until = (service.clock() + timedelta(hours=3)).isoformat()
    await admin(service, f"mailboxes/{ada.id}/postpone", {"until": until})
    status, shown = await admin(service, f"mailboxes/{ada.id}/postpone", {"until": None})
    assert (status, shown["postponedUntil"]) == (200, None)
    assert await look(service) == 1


# --- failures -------------------------------------------------------------------------------------


@rule("MBX-16", "MBX-17", "PAIN-7")
async def test_an_outage_breaks_nothing_is_told_once_and_ends_by_itself(
    service: Service, ada: MemoryMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.profile(item_retries=Retries(failures=4, outage_minutes=10))
    with monkeypatch.context() as patch:
        breaks(ada, patch, Transient("no answer", status=503))
        await service.services.registry.patch(ada.id, poll_at=None)
        begun, job = service.clock(), Job(ada.id, "due")
        while service.clock() < begun + timedelta(days=1):
            await jobs_of_mailbox.run(service.services, job)
            (sent,) = service.jobs.take()
            assert sent.at is not None
            service.clock.forward((sent.at - service.clock()).total_seconds())
            job = Job(sent.session, sent.cause, sent.attempt)
        found = await row(service, ada)
        assert (found.state, found.failures > 140) == (MailboxState.ACTIVE, True)
        assert "mailbox-outage" in {each.what for each in await measure(service.services)}
    await jobs_of_mailbox.run(service.services, job)
    assert (await row(service, ada)).failures == 0
    assert not {each.what for each in await measure(service.services) if each.mailbox}


@rule("MBX-16")
async def test_one_refusal_in_the_middle_of_an_outage_breaks_no_mailbox(
    service: Service, ada: MemoryMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage, refusal = Transient("nobody answers"), ProfileBroken("token expired", status=401)
    for error in [outage] * 20 + [refusal, outage, refusal]:
        with monkeypatch.context() as patch:
            breaks(ada, patch, error)
            await service.run_pass(ada, "sync now")
    found = await row(service, ada)
    assert (found.state, found.failures) == (MailboxState.ACTIVE, 23)


@rule("MBX-16", "PAIN-7")
@pytest.mark.parametrize("error", [MailboxBroken("no licence", status=403), ProfileBroken("no role")])
async def test_what_a_person_must_mend_stops_is_told_and_comes_back_once_it_is_mended(
    service: Service, ada: MemoryMailbox, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with monkeypatch.context() as patch:
        breaks(ada, patch, error)
        while (await row(service, ada)).state is MailboxState.ACTIVE:
            await service.run_pass(ada, "sync now")
        assert "mailbox-broken" in {each.what for each in await measure(service.services)}
        service.jobs.take()
        await service.run_pass(ada, "notification")
        service.clock.forward(3000)
        assert await scheduling.try_broken(service.services) == 0
        service.clock.forward(600)
        assert await scheduling.try_broken(service.services) == 1
        (job,) = service.jobs.take()
        await service.run_pass(ada, job.cause)
        assert (await row(service, ada)).state is MailboxState.BROKEN
        assert await scheduling.try_broken(service.services) == 0
    ada.add(subject="Kickoff", categories=[CATEGORY], time=at(SOON))
    service.clock.forward(3600)
    assert await scheduling.try_broken(service.services) == 1
    (job,) = service.jobs.take()
    await service.run_pass(ada, job.cause)
    found = await row(service, ada)
    assert (found.state, found.last_error, found.retry_at) == (MailboxState.ACTIVE, "", None)
    assert len(service.dynamics.rows) == 1
    assert "mailbox-broken" not in {each.what for each in await measure(service.services)}


@rule("MBX-16")
async def test_a_paused_mailbox_is_not_woken_by_a_job_that_was_to_heal_it(
    service: Service, ada: MemoryMailbox
) -> None:
    await service.services.registry.patch(ada.id, state="paused")
    await service.run_pass(ada, "heal")
    assert (await row(service, ada)).state is MailboxState.PAUSED
