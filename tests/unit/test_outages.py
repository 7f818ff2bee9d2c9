"""Table Storage or Service Bus is away: no job dies of it, each comes back later, and nobody is forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest
from azure.functions.servicebus import ServiceBusMessage

from shared import wiring
from shared.errors import OutOfBudget, SyncError, Throttled, Transient
from shared.functions import admin, worker
from shared.jobs.messages import BadMessage, Job
from shared.mailboxes import conditions, jobs_of_mailbox, scheduling
from shared.mailboxes.overview import FAILING
from shared.model.mailbox import Mailbox
from shared.model.profile import Retries
from shared.rules.cadence import back_off
from tests.doubles.service import FEED, Service
from tests.doubles.world import EPOCH, MemoryMailbox
from tests.marks import rule
from tests.rules.build import CATEGORY, at

AWAY = Transient("table storage: get from mailboxes: no answer")
BUSY = Throttled("service bus: nothing sent", retry_after=10, code="ServiceBusServerBusyError")
ROW = "66666666-6666-4666-8666-666666666666"
SOON = at(EPOCH + timedelta(days=3))


def wait(failures: int) -> timedelta:
    return back_off(failures, Retries())


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def ada(service: Service) -> MemoryMailbox:
    box = service.person("ada", 1)
    await service.subscribe(box)
    await service.settle()
    service.jobs.take()
    return box


@contextmanager
def failing(part: object, *names: str, error: SyncError) -> Iterator[None]:
    """These methods of a port raise, as long as this lasts."""

    async def fail(*_given: object, **_options: object) -> Any:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.setattr(part, name, fail)
        yield


async def mailbox(service: Service, box: MemoryMailbox) -> Mailbox:
    found = await service.services.registry.get(box.id)
    assert found is not None
    return found


# --- too many at once -----------------------------------------------------------------------------


@rule("MBX-16")
async def test_whoever_waits_for_its_turn_has_asked_nobody_and_has_not_failed(
    service: Service, ada: MemoryMailbox
) -> None:
    ada.add(subject="Kickoff", categories=[CATEGORY], time=SOON)
    full = OutOfBudget("others are first", retry_after=70, code="waiting")
    asked, job = Transient("Exchange was asked"), Job(ada.id, "notification")
    with (
        failing(service.dynamics, "admit", error=full),
        failing(ada, "calendars", "calendar_changes", error=asked),
    ):
        for number in range(2 * FAILING):
            await jobs_of_mailbox.run(service.services, job)
            await jobs_of_mailbox.run(service.services, Job(ada.id, "notification"))  # left to the retry
            (sent,) = service.jobs.take()
            assert (sent.attempt, sent.at) == (number + 1, service.clock() + timedelta(seconds=70))
            service.clock.forward(70)
            job = Job(sent.session, sent.cause, sent.attempt)
    waiting = await mailbox(service, ada)
    assert waiting.failures == 1
    assert "waits for its turn" in waiting.last_error
    assert await conditions.measure(service.services) == []
    await jobs_of_mailbox.run(service.services, job)
    assert [row.value("subject") for row in service.dynamics.rows.values()] == ["Kickoff"]
    assert (await mailbox(service, ada)).last_error == ""


# --- Table Storage --------------------------------------------------------------------------------


@rule("MBX-16")
async def test_while_storage_is_away_a_job_stays_one_job_that_waits_longer_each_time(
    service: Service, ada: MemoryMailbox
) -> None:
    ada.add(subject="Kickoff", categories=[CATEGORY], time=SOON)
    job = Job(ada.id, "sync now")
    with failing(service.services.registry, "get", "patch", error=AWAY):
        for number in range(7):
            await jobs_of_mailbox.run(service.services, job)
            (sent,) = service.jobs.take()
            assert (sent.cause, sent.attempt) == ("sync now", number + 1)
            assert sent.at == service.clock() + wait(number)
            job = Job(sent.session, sent.cause, sent.attempt)
    await jobs_of_mailbox.run(service.services, job)
    assert [row.value("subject") for row in service.dynamics.rows.values()] == ["Kickoff"]


async def test_storage_that_goes_in_the_middle_of_a_pass_puts_the_job_off(
    service: Service, ada: MemoryMailbox
) -> None:
    with (
        failing(service.services.store, "agenda", "claim", "commit", error=AWAY),
        failing(service.services.registry, "patch", error=AWAY),
    ):
        await jobs_of_mailbox.run(service.services, Job(ada.id, "notification"))
    (sent,) = service.jobs.take()
    assert (sent.cause, sent.attempt) == ("notification", 1)


class Wired:
    """The worker's functions, with this service behind them, or nothing that can be reached."""

    def __init__(self, service: Service, patch: pytest.MonkeyPatch) -> None:
        self._service = service
        self.ready = False
        patch.setattr(wiring, "services", self._services)
        patch.setattr(wiring, "jobs", self._jobs)
        patch.setattr(wiring, "now", lambda: service.clock)

    async def _services(self) -> Any:
        if not self.ready:
            raise AWAY
        return self._service.services

    async def _jobs(self) -> Any:
        return self._service.jobs

    @staticmethod
    async def deliver(function: Any, session: str, body: str) -> None:
        message = ServiceBusMessage(
            body=body.encode(),
            session_id=session,
            message_id="1",
            application_properties={},
            user_properties={},
        )
        await function.build().get_user_function()(message)


@pytest.fixture
def wired(service: Service, monkeypatch: pytest.MonkeyPatch) -> Wired:
    return Wired(service, monkeypatch)


@rule("MBX-16")
async def test_a_worker_that_starts_without_storage_puts_its_jobs_off(
    service: Service, wired: Wired, ada: MemoryMailbox
) -> None:
    body = json.dumps({"mailbox": ada.id, "cause": "enable", "attempt": 2})
    await wired.deliver(worker.mailbox_sync, ada.id, body)
    (sent,) = service.jobs.take()
    assert (sent.session, sent.cause, sent.attempt) == (ada.id, "enable", 3)
    assert sent.at == service.clock() + wait(2)
    await wired.deliver(worker.dynamics_feed_router, FEED, json.dumps({"organization": FEED, "cause": "net"}))
    assert service.jobs.take() == []


async def test_a_question_is_not_put_off_for_nobody_waits_that_long(
    service: Service, wired: Wired, ada: MemoryMailbox
) -> None:
    body = json.dumps({"mailbox": ada.id, "cause": "preview", "request": "0123456789abcdef"})
    await wired.deliver(worker.mailbox_sync, ada.id, body)
    assert service.jobs.take() == []


async def test_an_administrator_is_told_that_storage_is_away(wired: Wired) -> None:
    request = func.HttpRequest("GET", "/api/admin/mailboxes", body=b"", route_params={"path": "mailboxes"})
    answer = await admin.sync_administration.build().get_user_function()(request)
    assert answer.status_code == 503
    assert "Table Storage cannot be reached" in json.loads(answer.get_body())["error"]["message"]


@pytest.mark.parametrize("ready", [True, False])
@pytest.mark.parametrize(
    ("session", "body"),
    [
        ("m1", "this is no job"),
        ("m1", '{"cause": "due"}'),
        ("m1", '{"mailbox": "m2", "cause": "due"}'),
        ("", '{"mailbox": "m2", "cause": "due"}'),
    ],
)
async def test_what_is_no_job_of_its_session_dies(
    service: Service, wired: Wired, ready: bool, session: str, body: str
) -> None:
    wired.ready = ready
    with pytest.raises(BadMessage):
        await wired.deliver(worker.mailbox_sync, session, body)
    with pytest.raises(BadMessage):
        await wired.deliver(worker.dynamics_feed_router, session, body)
    assert service.jobs.take() == []


# --- Service Bus ----------------------------------------------------------------------------------


async def test_a_retry_that_cannot_be_sent_is_left_to_the_net(service: Service, ada: MemoryMailbox) -> None:
    with (
        failing(service.jobs, "again", error=BUSY),
        failing(ada, "calendars", "calendar_changes", error=Transient("no answer")),
    ):
        await jobs_of_mailbox.run(service.services, Job(ada.id, "notification"))
    failed = await mailbox(service, ada)
    assert (failed.failures, failed.due_at) == (1, service.clock() + wait(0))
    service.clock.forward(wait(0).total_seconds())
    assert await scheduling.due_mailboxes(service.services) == 1
    (job,) = service.jobs.take()
    await jobs_of_mailbox.run(service.services, Job(job.session, job.cause))
    assert (await mailbox(service, ada)).failures == 0


async def test_what_is_more_than_a_hint_stays_in_its_message(service: Service, ada: MemoryMailbox) -> None:
    with (
        failing(service.jobs, "again", error=BUSY),
        failing(ada, "calendars", "calendar_changes", error=Transient("no answer")),
        pytest.raises(Throttled),
    ):
        await jobs_of_mailbox.run(service.services, Job(ada.id, "sync now"))


async def test_without_storage_and_queue_the_message_itself_comes_again(
    service: Service, ada: MemoryMailbox
) -> None:
    with (
        failing(service.jobs, "again", error=BUSY),
        failing(service.services.registry, "get", "patch", error=AWAY),
        pytest.raises(Throttled),
    ):
        await jobs_of_mailbox.run(service.services, Job(ada.id, "notification"))


@rule("MBX-14")
async def test_a_due_mailbox_that_could_not_be_asked_for_stays_due(
    service: Service, ada: MemoryMailbox
) -> None:
    service.clock.forward(3600)
    due_at = (await mailbox(service, ada)).due_at
    with failing(service.jobs, "hint", error=BUSY), pytest.raises(Throttled):
        await scheduling.due_mailboxes(service.services)
    assert (await mailbox(service, ada)).due_at == due_at
    assert await scheduling.due_mailboxes(service.services) == 1


async def test_a_reading_of_the_feed_that_cannot_ask_for_the_next_is_no_failure(
    service: Service, ada: MemoryMailbox
) -> None:
    service.dynamics.add(ROW, service.dynamics.users[ada.address], subject="Visit", time=SOON)
    with failing(service.jobs, "hint", "read_feed", error=BUSY):
        await service.read_feed()
    await service.settle()
    assert len(ada.items) == 1
