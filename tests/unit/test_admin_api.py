"""The admin API over the in-memory service: every route, every plain refusal."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta

import pytest

from shared.web.admin_api import handle
from shared.web.call import Patience
from shared.web.http import Request
from tests.doubles import lanes
from tests.doubles.service import Service
from tests.doubles.world import EPOCH
from tests.marks import rule
from tests.rules.build import CATEGORY, at

FUTURE = EPOCH + timedelta(days=3)
LOCAL = {"host": "127.0.0.1:7071"}
ROW = "66666666-6666-4666-8666-666666666666"


class Api:
    """Calls the API while a worker answers the questions that it puts into the queue."""

    def __init__(self, service):
        self.service = service
        self.headers = dict(LOCAL)
        self.auth = "loopback"
        self.working = True

    async def __call__(self, method, path, body=None):
        path, _, query = path.partition("?")
        parts = dict(pair.split("=", 1) for pair in query.split("&")) if query else {}
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        request = Request(method, path, parts, self.headers, content)
        call = asyncio.create_task(
            handle(self.service.services, request, self.auth, Patience(wait=0.5, every=0.001))
        )
        while not call.done():
            await asyncio.sleep(0.001)
            if self.working:
                await self.work()
        answer = call.result()
        return answer.status, json.loads(answer.body) if answer.body else None

    async def work(self):
        """Answer the questions; leave the other jobs to ``settle``."""
        waiting = self.service.jobs.take()
        for job in waiting:
            if job.request:
                await lanes.work(self.service.services, job)
            else:
                self.service.jobs.sent.append(job)


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def api(service):
    return Api(service)


@pytest.fixture
async def ada(service, api):
    box = service.person("ada", 1)
    status, _ = await api("POST", "mailboxes", {"address": box.address, "dynamicsUser": box.address})
    assert status == 201
    await service.settle()
    return box


# --- mailboxes ------------------------------------------------------------------------------------


@rule("MBX-3", "OUT-3")
async def test_subscribing_is_idempotent_and_one_to_one(service, api, ada):
    bob = service.person("bob", 2)
    again = {"address": ada.address, "dynamicsUser": service.dynamics.users[ada.address]}
    status, body = await api("POST", "mailboxes", again)
    assert (status, body["id"]) == (200, ada.id)
    status, body = await api("POST", "mailboxes", {"address": bob.address, "dynamicsUser": ada.address})
    assert (status, body["error"]["code"]) == (409, "alreadyMapped")
    status, body = await api("POST", "mailboxes", {"address": ada.address, "dynamicsUser": bob.address})
    assert (status, body["error"]["code"]) == (409, "alreadyMapped")


@pytest.mark.parametrize(
    ("body", "status", "advice"),
    [
        (b"{", 400, "send one JSON object"),
        ([1], 400, "must be a JSON object"),
        ({}, 400, "'address' is missing; give a text"),
        ({"address": 5, "dynamicsUser": "x"}, 400, "'address' must be a text"),
        ({"address": " ", "dynamicsUser": "x"}, 400, "not empty"),
        ({"address": "ada@contoso.example"}, 400, "'dynamicsUser' is missing; give a text"),
        ({"address": "no address", "dynamicsUser": "x"}, 400, "must be an e-mail address"),
        (
            {"address": "ada@contoso.example", "dynamicsUser": "x", "extra": 1},
            400,
            "Unknown properties: extra. Known: address, dynamicsUser, enable, profile",
        ),
        ({"address": "ada@contoso.example", "dynamicsUser": "x", "enable": "yes"}, 400, "'enable' must be"),
        (
            {"address": "nobody@contoso.example", "dynamicsUser": "ada@contoso.example"},
            404,
            "check its spelling",
        ),
        (
            {"address": "ada@contoso.example", "dynamicsUser": "nobody@contoso.example"},
            404,
            "Dynamics 365 has no user with this id or primary e-mail address; check",
        ),
        (
            {"address": "ada@contoso.example", "dynamicsUser": "ada@contoso.example", "profile": "none"},
            400,
            "make it with PUT /profiles/none",
        ),
        (b"[" + b"1," * 40_000, 413, "larger than 65536 bytes"),
    ],
)
async def test_bad_subscriptions_are_refused_with_a_sentence_that_says_what_to_do(
    service, api, body, status, advice
):
    service.person("ada", 1)
    answered, answer = await api("POST", "mailboxes", body)
    assert answered == status
    assert advice in answer["error"]["message"]
    assert answer["error"]["message"].endswith(".")
    assert not [m async for m in service.services.registry.all()]


@rule("LNK-5", "MBX-6", "OUT-9")
async def test_a_mailbox_that_microsofts_own_sync_handles_is_refused(service, api):
    box = service.person("ada", 1)
    service.dynamics.act_delivery_method = 1
    status, body = await api("POST", "mailboxes", {"address": box.address, "dynamicsUser": box.address})
    assert (status, body["error"]["code"]) == (409, "handledByServerSideSync")


@rule("MBX-11")
async def test_a_mailbox_that_is_not_enabled_is_not_processed(service, api):
    box = service.person("ada", 1)
    asked = {"address": box.address, "dynamicsUser": box.address, "enable": False}
    _, body = await api("POST", "mailboxes", asked)
    assert body["state"] == "disabled"
    box.add(subject="Waiting", time=at(FUTURE), categories=(CATEGORY,))
    await service.settle()
    assert not service.dynamics.rows
    status, body = await api("POST", f"mailboxes/{box.id}/enable")
    assert (status, body["state"]) == (200, "active")
    await service.settle()
    assert len(service.dynamics.rows) == 1


async def test_pausing_stops_and_resuming_catches_up(service, api, ada):
    _, body = await api("POST", f"mailboxes/{ada.id}/pause")
    assert body["state"] == "paused"
    ada.add(subject="Later", time=at(FUTURE), categories=(CATEGORY,))
    await service.settle()
    assert not service.dynamics.rows
    assert (await api("POST", f"mailboxes/{ada.id}/sync"))[0] == 409
    await api("POST", f"mailboxes/{ada.id}/resume")
    await service.settle()
    assert len(service.dynamics.rows) == 1


@rule("OUT-6", "PAIN-5")
async def test_sync_now_is_taken_at_once(service, api, ada):
    assert (await api("POST", f"mailboxes/{ada.id}/sync"))[0] == 202
    assert [job.cause for job in service.jobs.take()] == ["sync now"]


async def test_the_list_and_the_details_of_mailboxes(service, api, ada):
    ada.add(subject="One", time=at(FUTURE), categories=(CATEGORY,))
    await service.settle()
    status, listed = await api("GET", "mailboxes")
    assert (status, [m["address"] for m in listed["value"]]) == (200, [ada.address])
    status, one = await api("GET", f"mailboxes/{ada.id}")
    assert status == 200
    assert one["counts"] == {"linked": 1}
    assert one["feeds"][0]["complete"] is True
    assert (await api("GET", "mailboxes/unknown"))[0] == 404


async def test_a_removed_mailbox_keeps_its_items_and_comes_back_without_doubles(service, api, ada):
    event = ada.add(subject="Stay", time=at(FUTURE), categories=(CATEGORY,))
    ended = ada.add(subject="Ended", time=at(FUTURE), categories=(CATEGORY,))
    await service.settle()
    ada.edit(ended.id, categories=())
    await service.settle()
    assert (await api("DELETE", f"mailboxes/{ada.id}"))[0] == 204
    assert (await api("GET", f"mailboxes/{ada.id}"))[0] == 404
    assert len(ada.items) == len(service.dynamics.rows) == 2
    await api("POST", "mailboxes", {"address": ada.address, "dynamicsUser": ada.address})
    await service.settle()
    ada.edit(event.id, subject="Still one")
    await service.settle()
    subjects = sorted(row.value("subject") for row in service.dynamics.rows.values())
    assert subjects == ["Ended", "Still one"]
    assert ada.items[ended.id].stamps.link_state == 0.0


# --- questions ------------------------------------------------------------------------------------


@rule("PAIN-2", "PAIN-10")
async def test_a_preview_says_what_would_happen_and_whom_it_would_mail_and_writes_nothing(service, api, ada):
    await api("POST", f"mailboxes/{ada.id}/pause")
    ada.add(subject="Private matter", time=at(FUTURE))
    ada.add(subject="Tracked", time=at(FUTURE), categories=(CATEGORY,))
    guests = [["guest@fabrikam.example", "required"]]
    service.dynamics.add(
        ROW, service.dynamics.users[ada.address], subject="Demo", time=at(FUTURE), attendees=guests
    )
    before = service.exchange.serial, service.dynamics.version
    status, body = await api("POST", f"mailboxes/{ada.id}/preview")
    assert status == 200
    assert body["complete"] is True
    assert body["peopleMailed"] == 1
    creates = {a["item"]["subject"]: a["side"] for a in body["actions"] if a["kind"] == "create"}
    assert creates == {"Tracked": "dynamics", "Demo": "exchange"}
    assert all(a["rules"] for a in body["actions"])
    assert "Private matter" not in json.dumps(body)
    assert (service.exchange.serial, service.dynamics.version) == before


async def test_a_busy_mailbox_answers_later(api, ada):
    api.working = False
    status, body = await api("POST", f"mailboxes/{ada.id}/preview")
    assert status == 202
    assert body


@rule("PAIN-10")
async def test_explain_gives_the_decision_for_either_id(service, api, ada):
    tracked = ada.add(subject="Tracked", time=at(FUTURE), categories=(CATEGORY,))
    plain = ada.add(subject="Plain", time=at(FUTURE))
    await service.settle()
    (row_id,) = service.dynamics.rows
    for item in (tracked.id, row_id):
        status, body = await api("GET", f"mailboxes/{ada.id}/explain?item={item}")
        assert (status, body["link"]["state"]) == (200, "linked")
        assert not body["actions"]
    _, body = await api("GET", f"mailboxes/{ada.id}/explain?item={plain.id}")
    assert [skip["rules"] for skip in body["skipped"]] == [["APPT-1"]]
    _, body = await api("GET", f"mailboxes/{ada.id}/explain?item=nothing-like-this")
    assert body["found"] is False
    assert (await api("GET", f"mailboxes/{ada.id}/explain"))[0] == 400


@rule("LNK-10")
async def test_history_shows_what_was_done_by_which_rule_and_what_lost(service, api, ada):
    event = ada.add(subject="Base", time=at(FUTURE), categories=(CATEGORY,))
    await service.settle()
    (row_id,) = service.dynamics.rows
    ada.edit(event.id, subject="Exchange's")
    service.clock.forward(60)
    service.dynamics.edit(row_id, subject="Dynamics's")
    await service.settle()
    status, body = await api("GET", f"mailboxes/{ada.id}/history?item={event.id}")
    assert status == 200
    (overwritten,) = [row for row in body["value"] if row.get("lost")]
    assert overwritten["lost"] == {"subject": "Exchange's"}
    assert overwritten["after"] == {"subject": "Dynamics's"}
    assert "LNK-10" in overwritten["rules"]
    _, same = await api("GET", f"mailboxes/{ada.id}/history?item={row_id}")
    assert same == body


# --- decisions and profiles -----------------------------------------------------------------------


@rule("FLT-10")
async def test_the_brake_asks_and_the_answer_is_carried_out(service, api, ada):
    events = [ada.add(subject=f"Item {n}", time=at(FUTURE), categories=(CATEGORY,)) for n in range(4)]
    await service.settle()
    await api("PUT", "profiles/default", {"brake": {"items": 3, "people": 200}})
    for event in events:
        ada.remove(event.id)
    await service.settle()
    _, listed = await api("GET", f"decisions?mailbox={ada.id}")
    (question,) = listed["value"]
    assert question["kind"] == "brake"
    assert len(service.dynamics.rows) == 4
    assert (await api("POST", f"decisions/{question['id']}", {"answer": "perhaps"}))[0] == 400
    assert (await api("POST", f"decisions/{question['id']}", {"answer": "go-on"}))[0] == 200
    await service.settle()
    assert not service.dynamics.rows
    assert (await api("GET", "decisions"))[1]["value"] == []
    assert (await api("POST", "decisions/none", {"answer": "drop"}))[0] == 404


@rule("APPT-29")
async def test_a_scheduling_conflict_is_answered_here(service, api, ada):
    user = service.dynamics.users[ada.address]
    service.dynamics.engaged[user] = ("Ada Example", at(FUTURE, hours=2))
    changed = await api("PUT", "profiles/default", {"schedulingConflicts": "ask"})
    assert (changed[0], changed[1]["schedulingConflicts"]) == (200, "ask")
    event = ada.add(subject="Demo", time=at(FUTURE), categories=(CATEGORY,))
    await service.settle()
    _, listed = await api("GET", f"decisions?mailbox={ada.id}")
    (question,) = listed["value"]
    assert (question["kind"], question["item"]["exchange"]) == ("scheduling", event.id)
    assert "Ada Example is busy" in question["question"]
    assert (await api("GET", f"mailboxes/{ada.id}"))[1]["waiting"] == 1
    assert (await api("POST", f"decisions/{question['id']}", {"answer": "go-on"}))[0] == 200
    await service.settle()
    assert len(service.dynamics.rows) == 1
    assert (await api("GET", "decisions"))[1]["value"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"unknown": 1},
        {"brake": {"items": -1}},
        {"brake": {"items": True}},
        {"brake": 5},
        {"brake": {"what": 1}},
        {"itemPolling": {"notifiedMinutes": 361}},
        {"itemPolling": {"busyMinutes": 6}},
        {"itemPolling": {"busyMinutes": "2"}},
        {"itemPolling": 5},
        {"itemRetries": {"attempts": 3}},
        {"itemRetries": {"shortestSeconds": 300, "longestSeconds": 10}},
        {"windowPastDays": 1000, "windowFutureDays": 1000},
        {"trackCategorizedContacts": "yes"},
        {"directions": {"appointment": {"time": "none"}}},
        {"directions": {"appointment": {"body": "sideways"}}},
        {"organizationSettings": {"NoSuchSetting": True}},
        {"schedulingConflicts": "never"},
        {"schedulingConflicts": True},
        {"id": "other"},
        {"privateAppointments": "hide"},
        {"privateAppointments": ["skip"]},
        {"synchronizeAttachments": "yes"},
        {"directions": {"appointment": {"attachments": "both"}}},
    ],
)
async def test_a_profile_refuses_what_it_does_not_know_and_stays_as_it_was(api, body):
    _, before = await api("GET", "profiles/default")
    assert (await api("PUT", "profiles/default", body))[0] == 400
    assert (await api("GET", "profiles/default"))[1] == before


@rule("APPT-9")
@pytest.mark.parametrize("choice", ["skip", "subjectOnly", "full"])
async def test_what_happens_to_private_appointments_is_a_setting_of_the_profile(api, choice):
    assert (await api("GET", "profiles/default"))[1]["privateAppointments"] == "full"
    status, changed = await api("PUT", "profiles/default", {"privateAppointments": choice})
    assert (status, changed["privateAppointments"]) == (200, choice)
    assert (await api("GET", "profiles/default"))[1] == changed


@rule("APPT-11", "FLD-2")
async def test_attachments_are_off_until_the_profile_says_otherwise(api):
    assert (await api("GET", "profiles/default"))[1]["synchronizeAttachments"] is False
    status, changed = await api("PUT", "profiles/default", {"synchronizeAttachments": True})
    assert (status, changed["synchronizeAttachments"]) == (200, True)
    assert (await api("GET", "profiles/default"))[1] == changed


async def test_the_default_profile_exists_from_the_start(api):
    _, listed = await api("GET", "profiles")
    (default,) = listed["value"]
    assert default["id"] == "default"
    assert default["brake"] == {"items": 25, "people": 200, "percent": 100}
    assert default["schedulingConflicts"] == "warn"
    status, changed = await api("PUT", "profiles/default", {"brake": {"items": 7}})
    assert (status, changed["brake"]) == (200, {"items": 7, "people": 200, "percent": 100})
    assert (await api("GET", "profiles/none"))[0] == 404


# --- who is let in --------------------------------------------------------------------------------


def principal(*roles):
    claims = [{"typ": "roles", "val": role} for role in roles]
    return base64.b64encode(json.dumps({"role_typ": "roles", "claims": claims}).encode()).decode()


async def test_the_platforms_word_is_taken_only_where_the_platform_guards(api):
    api.headers = {"host": "app.example", "x-ms-client-principal": principal("Sync.Admin")}
    assert (await api("GET", "profiles"))[0] == 401
    api.auth = "platform"
    assert (await api("GET", "profiles"))[0] == 200
    api.headers = {"host": "127.0.0.1"}
    assert (await api("GET", "profiles"))[0] == 401
    for broken in ("%%%", base64.b64encode(b"[]").decode(), base64.b64encode(b"{").decode()):
        api.headers = {"x-ms-client-principal": broken}
        assert (await api("GET", "profiles"))[0] in (401, 403)


async def test_a_reader_reads_and_an_unknown_role_does_nothing(api, ada):
    api.auth = "platform"
    api.headers = {"x-ms-client-principal": principal("Sync.Reader")}
    assert (await api("GET", "mailboxes"))[0] == 200
    assert (await api("POST", f"mailboxes/{ada.id}/pause"))[0] == 403
    assert (await api("PUT", "profiles/default", {}))[0] == 403
    api.headers = {"x-ms-client-principal": principal("Somebody.Else")}
    assert (await api("GET", "mailboxes"))[0] == 403


@pytest.mark.parametrize(
    "headers", [{"host": "evil.example"}, {"host": "127.0.0.1", "x-forwarded-for": "10.0.0.1"}, {}]
)
async def test_locally_only_callers_of_this_machine_are_let_in(api, headers):
    api.headers = headers
    assert (await api("GET", "mailboxes"))[0] == 401


async def test_unknown_addresses_and_methods(api):
    assert (await api("GET", "nothing"))[0] == 404
    status, body = await api("DELETE", "mailboxes")
    assert (status, body["error"]["message"]) == (405, "Allowed here: GET, POST.")


async def test_the_description_covers_every_route(api):
    status, described = await api("GET", "openapi.json")
    assert status == 200
    for path, operations in described["paths"].items():
        assert path.startswith("/api/admin/")
        for operation in operations.values():
            assert operation["responses"]
            assert operation["summary"]
    assert "post" in described["paths"]["/api/admin/mailboxes/{id}/preview"]
