"""Jobs that died: each becomes a row, its mailbox is looked at again, and a person replays or drops it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.errors import Transient
from shared.jobs.dead_letters import Handle, letter_id
from shared.jobs.messages import QUEUES, Job
from shared.mailboxes import alerts, dead_letters, jobs_of_mailbox, scheduling
from shared.mailboxes.dead_letters import EXPIRED, WAITS
from shared.model.dead_letter import DeadLetter
from shared.model.mailbox import Mailbox
from shared.web.admin_api import handle
from shared.web.http import Request
from tests.contracts.small_stores import dead_letter
from tests.doubles.service import FEED, Service
from tests.doubles.world import EPOCH, MemoryMailbox
from tests.marks import rule
from tests.rules.build import CATEGORY, at

SOON = EPOCH + timedelta(days=3)


class Queues:
    """Dead letter queues: what is handled without an error is gone from them."""

    def __init__(self) -> None:
        self.lying: dict[str, list[DeadLetter]] = {queue: [] for queue in QUEUES}
        self.away: set[str] = set()

    async def drain(self, queue: str, handle: Handle) -> int:
        if queue in self.away:
            raise Transient("away")
        letters = self.lying[queue]
        if letters:
            await handle(letters)
            self.lying[queue] = []
        return len(letters)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def queues() -> Queues:
    return Queues()


@pytest.fixture
async def ada(service: Service) -> MemoryMailbox:
    box = service.person("ada", 1)
    await service.subscribe(box)
    await service.settle()
    return box


async def drain(service: Service, queues: Queues) -> int:
    return await dead_letters.drain_all(service.services, queues)


async def mailbox(service: Service, box: MemoryMailbox) -> Mailbox:
    found = await service.services.registry.get(box.id)
    assert found is not None
    return found


async def recorded(service: Service) -> list[int]:
    return [each.sequence for each in (await service.services.dead_letters.page(limit=99))[0]]


# --- recording and healing ------------------------------------------------------------------------


async def test_each_dead_job_is_recorded_once_however_often_it_is_found(
    service: Service, queues: Queues, ada: MemoryMailbox
) -> None:
    queues.lying["mailbox-sync"] = [dead_letter(1, session=ada.id), dead_letter(2, session=ada.id)]
    queues.lying["dynamics-feed"] = [dead_letter(3, queue="dynamics-feed", session=FEED)]
    assert await drain(service, queues) == 3
    queues.lying["mailbox-sync"] = [dead_letter(2, session=ada.id)]
    await drain(service, queues)
    assert await recorded(service) == [1, 2, 3]


async def test_what_cannot_be_recorded_stays_in_its_queue_and_keeps_nobody_from_the_others(
    service: Service, queues: Queues, ada: MemoryMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues.away = {"mailbox-sync"}
    queues.lying["dynamics-feed"] = [dead_letter(3, queue="dynamics-feed", session=FEED)]
    with pytest.raises(Transient):
        await drain(service, queues)
    assert await recorded(service) == [3]

    async def full(_letter: DeadLetter) -> bool:
        raise Transient("no tables")

    queues.away = set()
    queues.lying["mailbox-sync"] = [dead_letter(1, session=ada.id)]
    with monkeypatch.context() as patch:
        patch.setattr(service.services.dead_letters, "add", full)
        with pytest.raises(Transient):
            await drain(service, queues)
    assert len(queues.lying["mailbox-sync"]) == 1
    await drain(service, queues)
    assert await recorded(service) == [1, 3]


@rule("MBX-16")
async def test_a_mailbox_heals_by_its_next_pass(service: Service, queues: Queues, ada: MemoryMailbox) -> None:
    """What the dead job was about is found, because messages carry nothing."""
    ada.add(subject="Kickoff", categories=[CATEGORY], time=at(SOON))
    queues.lying["mailbox-sync"] = [dead_letter(1, session=ada.id)]
    await drain(service, queues)
    service.jobs.take()
    assert await scheduling.due_mailboxes(service.services) == 1
    (job,) = service.jobs.take()
    await jobs_of_mailbox.run(service.services, Job(job.session, job.cause))
    assert [row.value("subject") for row in service.dynamics.rows.values()] == ["Kickoff"]
    healed = await mailbox(service, ada)
    assert (healed.failures, healed.retry_at, healed.last_error) == (0, None, "")


@rule("MBX-16")
async def test_a_mailbox_whose_jobs_die_again_and_again_waits_longer_each_time(
    service: Service, queues: Queues, ada: MemoryMailbox
) -> None:
    for number, wait in enumerate([*WAITS, WAITS[-1]], 1):
        queues.lying["mailbox-sync"] = [
            dead_letter(number, session=ada.id),
            dead_letter(50 + number, session=ada.id),
        ]
        await drain(service, queues)
        found = await mailbox(service, ada)
        assert found.due_at == found.retry_at == service.clock() + wait
        assert found.failures == number
        service.clock.forward(wait.total_seconds() + 1)
    assert "GET /deadletters" in (await mailbox(service, ada)).last_error


async def test_hints_are_not_followed_while_it_waits_and_an_administrator_is(
    service: Service, queues: Queues, ada: MemoryMailbox
) -> None:
    for number in (1, 2):
        queues.lying["mailbox-sync"] = [dead_letter(number, session=ada.id)]
        await drain(service, queues)
    before = (await mailbox(service, ada)).last_pass_at
    service.clock.forward(1)
    await jobs_of_mailbox.run(service.services, Job(ada.id, "notification"))
    assert (await mailbox(service, ada)).last_pass_at == before
    await jobs_of_mailbox.run(service.services, Job(ada.id, "sync now"))
    assert (await mailbox(service, ada)).last_pass_at != before


async def test_a_dead_job_that_is_found_again_is_no_second_failure_of_its_mailbox(
    service: Service, queues: Queues, ada: MemoryMailbox
) -> None:
    """Its message could not be completed: the next run finds it again."""
    for _ in range(3):
        queues.lying["mailbox-sync"] = [dead_letter(1, session=ada.id)]
        await drain(service, queues)
        service.clock.forward(60)
    found = await mailbox(service, ada)
    assert found.failures == 1
    assert found.due_at is not None
    assert found.due_at <= service.clock()


async def test_jobs_that_only_lay_too_long_are_no_failure(
    service: Service, queues: Queues, ada: MemoryMailbox
) -> None:
    queues.lying["mailbox-sync"] = [dead_letter(number, session=ada.id, reason=EXPIRED) for number in (1, 2)]
    await drain(service, queues)
    found = await mailbox(service, ada)
    assert (found.due_at, found.failures, found.retry_at) == (service.clock(), 0, None)


@pytest.mark.parametrize("session", ["", "nobody"])
async def test_a_dead_job_of_nobody_is_recorded_too(service: Service, queues: Queues, session: str) -> None:
    queues.lying["mailbox-sync"] = [dead_letter(1, session=session, body="?", cause="")]
    await drain(service, queues)
    assert await recorded(service) == [1]


def test_ids_are_the_same_for_the_same_message_and_sort_newest_first() -> None:
    def made(at: datetime, sequence: int = 1) -> str:
        return letter_id("mailbox-sync", sequence, "m", at)

    assert made(EPOCH) == made(EPOCH)
    assert made(EPOCH) != made(EPOCH, 2)
    assert made(EPOCH + timedelta(microseconds=1)) < made(EPOCH)


# --- the admin API --------------------------------------------------------------------------------


class Api:
    def __init__(self, service: Service) -> None:
        self.service = service
        self.roles: Mapping[str, str] = {"host": "127.0.0.1:7071"}

    async def __call__(self, method: str, path: str, body: object = None, **query: str) -> tuple[int, Any]:
        content = json.dumps(body).encode() if body is not None else b""
        request = Request(method, path, query, self.roles, content)
        answer = await handle(self.service.services, request, "loopback")
        return answer.status, json.loads(answer.body)


@pytest.fixture
def api(service: Service) -> Api:
    return Api(service)


async def test_dead_letters_are_listed_by_mailbox_and_queue(service: Service, api: Api) -> None:
    await service.services.dead_letters.add(dead_letter(1))
    await service.services.dead_letters.add(dead_letter(2, session="m2", queue="mailbox-bulk", cause=""))
    await service.services.dead_letters.add(dead_letter(3, session=FEED, queue="dynamics-feed"))
    status, found = await api("GET", "deadletters")
    assert status == 200
    assert [(row["mailbox"], row["queue"]) for row in found["value"]] == [
        ("m1", "mailbox-sync"),
        ("m2", "mailbox-bulk"),
        (None, "dynamics-feed"),
    ]
    first, second, _ = found["value"]
    assert (first["reason"], first["deliveries"], first["cause"]) == (
        "MaxDeliveryCountExceeded",
        10,
        "notification",
    )
    assert second["cause"] is None
    for query, expected in ({"mailbox": "m1"}, 1), ({"queue": "mailbox-bulk"}, 1), ({"mailbox": "m9"}, 0):
        assert len((await api("GET", "deadletters", **query))[1]["value"]) == expected


async def test_dead_letters_come_in_pages(service: Service, api: Api) -> None:
    for number in range(101):
        await service.services.dead_letters.add(dead_letter(number))
    await service.services.dead_letters.add(dead_letter(500, session="m2"))
    first = (await api("GET", "deadletters", mailbox="m1"))[1]
    assert len(first["value"]) == 100
    link = first["nextLink"]
    assert link.startswith("http://127.0.0.1:7071/api/admin/deadletters?mailbox=m1&after=")
    rest = (await api("GET", "deadletters", mailbox="m1", after=link.rsplit("=", 1)[1]))[1]
    assert [row["id"] for row in rest["value"]] == [dead_letter(100).id]
    assert "nextLink" not in rest


@pytest.mark.parametrize(
    ("method", "path", "body", "query", "status", "advice"),
    [
        ("GET", "deadletters", None, {"queue": "other"}, 400, "'queue' must be one of: mailbox-sync"),
        ("GET", "deadletters", None, {"after": "other"}, 400, "not from one of our links"),
        ("GET", "alerts", None, {"all": "maybe"}, 400, "'all' must be true or false"),
        ("POST", "deadletters/other", {"action": "drop"}, {}, 404, "GET /deadletters lists them"),
        ("POST", f"deadletters/{dead_letter(2).id}", {"action": "drop"}, {}, 404, "GET /deadletters"),
        ("POST", f"deadletters/{dead_letter().id}", {}, {}, 400, "'action' is missing"),
        ("POST", f"deadletters/{dead_letter().id}", {"action": "mend"}, {}, 400, "one of: replay, drop"),
        ("POST", f"deadletters/{dead_letter().id}", {"do": "drop"}, {}, 400, "Known: action"),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    service: Service,
    api: Api,
    method: str,
    path: str,
    body: object,
    query: dict[str, str],
    status: int,
    advice: str,
) -> None:
    await service.services.dead_letters.add(dead_letter())
    answered, answer = await api(method, path, body, **query)
    assert answered == status
    assert advice in answer["error"]["message"]
    assert await recorded(service) == [1]
    assert service.jobs.sent == []


async def test_replaying_sends_the_job_again_and_takes_it_out_of_the_list(
    service: Service, api: Api, ada: MemoryMailbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    body = json.dumps({"mailbox": ada.id, "cause": "notification"})
    letter = dead_letter(session=ada.id, body=body)
    await service.services.dead_letters.add(letter)
    await service.services.registry.patch(ada.id, failures=3, retry_at=service.clock() + timedelta(hours=1))
    service.jobs.take()
    status, answer = await api("POST", f"deadletters/{letter.id}", {"action": "replay"})
    assert (status, answer["action"], answer["id"]) == (200, "replay", letter.id)
    (job,) = service.jobs.take()
    assert (job.queue, job.session, job.cause) == ("mailbox-sync", ada.id, "notification")
    assert await recorded(service) == []
    service.clock.forward(1)
    before = (await mailbox(service, ada)).last_pass_at
    await jobs_of_mailbox.run(service.services, Job(job.session, job.cause))
    assert (await mailbox(service, ada)).last_pass_at != before
    said = [record.getMessage() for record in caplog.records if record.name == "sync.admin"]
    assert said == [
        f"dead letter {letter.id} of mailbox-sync: replay",
        "POST deadletters/{id} by developer: 200",
    ]


async def test_a_replay_that_cannot_be_sent_keeps_the_record(
    service: Service, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_message: str) -> None:
        raise Transient("no service bus")

    monkeypatch.setattr(service.jobs, "resend", away)
    await service.services.dead_letters.add(dead_letter())
    status, _ = await api("POST", f"deadletters/{dead_letter().id}", {"action": "replay"})
    assert status == 502
    assert await recorded(service) == [1]


async def test_dropping_sends_nothing(service: Service, api: Api) -> None:
    await service.services.dead_letters.add(dead_letter())
    status, answer = await api("POST", f"deadletters/{dead_letter().id}", {"action": "drop"})
    assert (status, answer["action"]) == (200, "drop")
    assert await recorded(service) == []
    assert service.jobs.sent == []


async def test_alerts_that_go_on_come_first_and_cleared_ones_only_when_asked_for(
    service: Service, api: Api
) -> None:
    await service.services.dead_letters.add(dead_letter())
    await alerts.look(service.services)
    await service.services.dead_letters.remove(dead_letter().id)
    service.clock.forward(300)
    await service.services.dead_letters.add(dead_letter(2, queue="mailbox-bulk"))
    await alerts.look(service.services)
    (active,) = (await api("GET", "alerts"))[1]["value"]
    assert (active["what"], active["severity"], active["count"]) == ("dead-letters", "error", 1)
    assert active["clearedAt"] is None
    assert "GET /deadletters" in active["sentence"]
    both = (await api("GET", "alerts", all="true"))[1]["value"]
    assert [row["clearedAt"] is None for row in both] == [True, False]
    service.clock.forward(31 * 86400)
    assert len((await api("GET", "alerts", all="true"))[1]["value"]) == 1
