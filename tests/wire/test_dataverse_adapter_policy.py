"""What the adapter sends and how it takes odd answers, against a server that answers as it is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError
from azure.identity import CredentialUnavailableError

from shared.dynamics.dataverse import WRITE_TAG, Dataverse
from shared.engine.ports import Window
from shared.errors import (
    ProfileBroken,
    SyncError,
    Throttled,
    Transient,
    UnknownResult,
)
from shared.model.appointment import DynamicsAppointment
from shared.model.decision import DeleteAppointment, UpdateAppointment

ROW = "1b6e5c5f-0d0e-4a51-9d05-0a1c5c0f8b11"
USER = "2c7f6d60-1e1f-4b62-8e16-1b2d6d109c22"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
KNOWN = DynamicsAppointment(ROW, 'W/"1"', None, {})
SHOWN = {
    "@odata.etag": 'W/"2"',
    "activityid": ROW,
    "statecode": 0,
    "statuscode": 1,
    "scheduledstart": "2026-03-02T09:00:00Z",
}

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Credential:
    scopes: list[str] = field(default_factory=list)
    error: Exception | None = None
    token: str = "secret-token"

    async def get_token(self, *scopes: str) -> Credential:
        self.scopes += scopes
        if self.error:
            raise self.error
        return self


@dataclass
class Told:
    """``answers``: one after another, the last one for ever."""

    answers: list[Answering] = field(default_factory=list)
    requests: list[web.Request] = field(default_factory=list)
    credential: Credential = field(default_factory=Credential)
    slept: list[float] = field(default_factory=list)
    url: str = ""
    adapter: Any = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.requests.append(request)
        given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await given(request)

    async def update(self) -> DynamicsAppointment:
        write = UpdateAppointment(ROW, 'W/"1"', {"subject": "Secret plan"})
        found: DynamicsAppointment = await self.adapter.update_appointment(write, as_user=USER, known=KNOWN)
        return found


def json(body: Any, status: int = 200, **headers: str) -> Answering:
    async def answer(_request: web.Request) -> web.StreamResponse:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(body, status=status, headers=given)

    return answer


def text(body: str, status: int = 200) -> Answering:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=body, status=status, content_type="text/html")

    return answer


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    telling = Told()

    async def sleep(seconds: float) -> None:
        telling.slept.append(seconds)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", telling.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        telling.url = str(server.make_url("")).rstrip("/")
        telling.adapter = Dataverse(telling.url + "/", telling.credential, lambda: NOW, sleep=sleep)
        yield telling
        await telling.adapter.close()


# --- what is sent ---------------------------------------------------------------------------------


async def test_an_update_carries_what_the_facts_ask_for(told: Told) -> None:
    told.answers = [json(SHOWN)]
    row = await told.update()
    (request,) = told.requests
    assert (request.method, request.path) == ("PATCH", f"/api/data/v9.2/appointments({ROW})")
    assert request.query["tag"] == WRITE_TAG
    expected = {
        "Accept": "application/json",
        "OData-Version": "4.0",
        "OData-MaxVersion": "4.0",
        "Content-Type": "application/json",
        "If-Match": 'W/"1"',
        "MSCRMCallerID": USER,
        "Authorization": "Bearer secret-token",
    }
    assert {name: request.headers[name] for name in expected} == expected
    assert request.headers["Prefer"].startswith("return=representation,odata.include-annotations=")
    assert told.credential.scopes == [f"{told.url}/.default"]
    assert row.etag == 'W/"2"'


async def test_the_application_impersonates_nobody_and_keeps_no_cookie(told: Told) -> None:
    told.answers = [json({"value": []}, Set_Cookie="ARRAffinity=abc; Path=/; HttpOnly")]
    for _ in range(2):
        assert await told.adapter.find_by_global_object_id("x") == []
    for request in told.requests:
        assert "MSCRMCallerID" not in request.headers
        assert "Cookie" not in request.headers
        assert request.headers["If-None-Match"] == "null"


async def test_no_more_than_so_many_requests_are_in_flight(told: Told) -> None:
    busy = most = 0

    async def slow(_request: web.Request) -> web.StreamResponse:
        nonlocal busy, most
        busy, most = busy + 1, max(most, busy + 1)
        await asyncio.sleep(0.02)
        busy -= 1
        return web.json_response({"value": []})

    told.answers = [slow]
    await asyncio.gather(*(told.adapter.find_by_global_object_id(str(n)) for n in range(30)))
    assert most == 8


async def test_as_many_are_in_flight_as_the_service_advises(told: Told) -> None:
    busy = most = 0

    async def slow(_request: web.Request) -> web.StreamResponse:
        nonlocal busy, most
        busy, most = busy + 1, max(most, busy + 1)
        await asyncio.sleep(0.02)
        busy -= 1
        return web.json_response({"value": []}, headers={"x-ms-dop-hint": "3"})

    told.answers = [slow]
    await told.adapter.find_by_global_object_id("x")
    await asyncio.gather(*(told.adapter.find_by_global_object_id(str(n)) for n in range(12)))
    assert most == 3


async def test_a_refusal_holds_whoever_asks_next_and_nothing_is_sent(told: Told) -> None:
    told.answers = [json({}, 429, Retry_After="60"), json({"value": []})]
    for _ in range(3):
        with pytest.raises(Throttled) as throttled:
            await told.adapter.find_by_global_object_id("x")
        assert throttled.value.retry_after == 60
    assert (len(told.requests), told.slept) == (1, [])


async def test_nothing_of_anybody_gets_into_logs_or_messages(
    told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told.answers = [json({"error": {"code": "0x80044331", "message": "Secret plan"}}, 400)]
    errors = []
    for call in (told.adapter.find_user("anna@example.com"), told.update()):
        with pytest.raises(SyncError) as error:
            await call
        errors.append(str(error.value))
    logged = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith(("shared", "http")))
    for secret in ("anna", "Secret", "secret-token", ROW):
        assert secret not in logged + "".join(errors)
    assert "PATCH /appointments({id})" in logged


# --- odd answers ----------------------------------------------------------------------------------


async def test_a_preference_that_was_not_honoured_is_made_up_for_by_reading(told: Told) -> None:
    async def no_content(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=204)

    told.answers = [no_content, json(SHOWN)]
    assert (await told.update()).etag == 'W/"2"'
    assert [request.method for request in told.requests] == ["PATCH", "GET"]


@pytest.mark.parametrize("body", ["<html>", '{"value": ['])
async def test_an_answer_that_is_no_json_is_an_outage_for_a_read_and_unknown_for_a_write(
    told: Told, body: str
) -> None:
    told.answers = [text(body)]
    with pytest.raises(Transient):
        await told.adapter.find_user(USER)
    with pytest.raises(UnknownResult):
        await told.update()


@pytest.mark.parametrize("body", ["<html>", "--x\r\n", ""])
async def test_a_batch_answer_that_is_torn_is_no_answer(told: Told, body: str) -> None:
    told.answers = [text(body)]
    with pytest.raises(Transient):
        await told.adapter.appointments([ROW, USER], as_user=USER)
    write = UpdateAppointment(ROW, 'W/"1"', {"subject": "x"})
    with pytest.raises(UnknownResult):
        await told.adapter.update_appointment(write, as_user=USER)
    assert len(told.requests) == 2


async def test_a_batch_refused_as_a_whole_has_its_reason(told: Told) -> None:
    told.answers = [json({"error": {"code": "", "message": "x"}}, 401)]
    with pytest.raises(ProfileBroken):
        await told.adapter.appointments([ROW, USER], as_user=USER)


async def test_a_redirect_is_not_followed(told: Told) -> None:
    async def elsewhere(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("https://login.example/")

    told.answers = [elsewhere]
    with pytest.raises(ProfileBroken):
        await told.update()
    assert len(told.requests) == 1


async def test_a_page_link_to_another_host_gets_no_token(told: Told) -> None:
    link = "https://elsewhere.example/api/data/v9.2/appointments?$skiptoken=1"
    told.answers = [json({"value": [], "@odata.nextLink": link})]
    with pytest.raises(ProfileBroken, match="DATAVERSE_URL"):
        await told.adapter.find_by_global_object_id("x")
    assert len(told.requests) == 1


async def test_pages_are_followed_with_the_same_preferences(told: Told) -> None:
    link = f"{told.url}/api/data/v9.2/activityparties?$skiptoken=%3Ccookie%20a%3D%221%22%2F%3E"
    row = {
        "_activityid_value": ROW,
        "_partyid_value": USER,
        "_partyid_value@Microsoft.Dynamics.CRM.lookuplogicalname": "systemuser",
    }
    told.answers = [json({"value": [], "@odata.nextLink": link}), json({"value": [row]})]
    assert await told.adapter.organizers([ROW]) == {ROW: [USER]}
    first, second = told.requests
    assert str(second.rel_url.raw_query_string) == link.partition("?")[2]
    assert first.headers["Prefer"] == second.headers["Prefer"]


async def test_an_empty_delta_answer_keeps_the_old_link(told: Told) -> None:
    async def nothing(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=200, content_type="application/json")

    told.answers = [nothing]
    link = f"{told.url}/api/data/v9.2/appointments?$deltatoken=1"
    page = await told.adapter.changes("appointment", link)
    assert (page.rows, page.removed, page.link, page.complete) == ((), (), link, True)
    with pytest.raises(Transient):
        await told.adapter.changes("appointment", None)


async def test_fetched_pages_are_asked_for_by_number(told: Told) -> None:
    row = {"activityid": ROW, "@odata.etag": 'W/"1"'}
    other = {"activityid": USER, "@odata.etag": 'W/"2"'}
    more = "@Microsoft.Dynamics.CRM.morerecords"
    told.answers = [json({"value": [row], more: True}), json({"value": [row, other], more: False})]
    found = await told.adapter.appointments_organized_by(USER, Window(NOW, NOW), as_user=USER)
    assert [changed.id for changed in found] == [ROW, USER]
    pages = [request.query["fetchXml"].partition(' page="')[2][0] for request in told.requests]
    assert pages == ["1", "2"]


async def test_a_date_in_retry_after_is_read_by_our_clock(told: Told) -> None:
    told.answers = [json({}, 429, Retry_After="Mon, 02 Mar 2026 09:02:00 GMT")]
    with pytest.raises(Throttled) as throttled:
        await told.update()
    assert (throttled.value.retry_after, told.slept) == (120.0, [])


async def test_an_unavailable_service_that_names_a_long_pause_is_not_waited_for(told: Told) -> None:
    told.answers = [json({}, 503, Retry_After="600")]
    with pytest.raises(Transient):
        await told.adapter.find_user(USER)
    assert (len(told.requests), told.slept) == (1, [])


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
async def test_a_failing_server_leaves_a_write_unknown_and_unrepeated(told: Told, status: int) -> None:
    told.answers = [json({}, status)]
    with pytest.raises(UnknownResult):
        await told.adapter.delete_appointment(DeleteAppointment(ROW, 'W/"1"'), as_user=USER)
    assert len(told.requests) == 1


# --- tokens ---------------------------------------------------------------------------------------


@pytest.mark.rule("MBX-16")
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ClientAuthenticationError("AADSTS7000215: invalid client secret"), ProfileBroken),
        (CredentialUnavailableError("no managed identity endpoint"), Transient),
        (ServiceRequestError("no such host"), Transient),
        (TimeoutError(), Transient),
    ],
)
async def test_a_refused_credential_must_be_mended_and_an_outage_passes(
    told: Told, error: Exception, expected: type[SyncError]
) -> None:
    told.credential.error = error
    with pytest.raises(SyncError) as raised:
        await told.update()
    assert type(raised.value) is expected
    assert "AADSTS" not in str(raised.value)
    assert told.requests == []
