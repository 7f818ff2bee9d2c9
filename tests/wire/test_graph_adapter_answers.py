"""Answers that the stand-in never gives but the service might: a server that says what it is told to."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from shared.credentials import DevelopmentCredential
from shared.engine.ports import CalendarRef
from shared.errors import Refused, Transient, UnknownResult
from shared.exchange.graph import GraphExchange
from shared.exchange.mailbox import GraphMailbox
from tests.wire.graph_adapter import NOW, WINDOW, creation

Json = dict[str, Any]
DEFAULT = CalendarRef("C", "Calendar", is_default=True)
EVENT: Json = {
    "id": "E",
    "@odata.etag": 'W/"k"',
    "type": "singleInstance",
    "subject": "Review",
    "body": {"contentType": "text", "content": "Agenda\r\n"},
    "start": {"dateTime": "2026-03-02T09:00:00.0000000", "timeZone": "UTC"},
    "end": {"dateTime": "2026-03-02T10:00:00.0000000", "timeZone": "UTC"},
    "isAllDay": False,
    "location": {"displayName": ""},
    "importance": "normal",
    "sensitivity": "normal",
    "showAs": "busy",
    "attendees": [],
    "categories": [],
    "iCalUId": "U",
    "isOrganizer": True,
}


@dataclass
class Scripted:
    """``answers`` are given in turn; ``asked`` and ``bodies`` are what was asked."""

    graph: GraphExchange
    answers: list[web.Response]
    asked: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    base: str = ""

    @property
    def mailbox(self) -> GraphMailbox:
        return self.graph.mailbox("anna")

    def page(self, rows: list[Any], **links: str) -> None:
        named = {f"@odata.{name}": link for name, link in links.items()}
        self.answers.append(web.json_response({"value": rows, **named}))

    def answer(self, body: Any, status: int = 200, **headers: str) -> None:
        self.answers.append(web.json_response(body, status=status, headers=headers))

    def fail(self, status: int, code: str) -> None:
        self.answer({"error": {"code": code, "message": "secret subject"}}, status)


@pytest.fixture
async def service() -> AsyncIterator[Scripted]:
    async with scripted() as running:
        yield running


async def _at_once(_seconds: float) -> None:
    """No test waits."""


@asynccontextmanager
async def scripted() -> AsyncIterator[Scripted]:
    answers: list[web.Response] = []
    asked: list[web.Request] = []
    bodies: list[bytes] = []

    async def handle(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        asked.append(request)
        return answers.pop(0)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}/v1.0"
    graph = GraphExchange(
        base, DevelopmentCredential("app"), "http://127.0.0.1:9", lambda: NOW, sleep=_at_once
    )
    try:
        yield Scripted(graph, answers, asked, bodies, base)
    finally:
        await graph.close()
        await runner.cleanup()


# --- what is sent ---------------------------------------------------------------------------------


async def test_every_request_asks_for_immutable_ids_utc_and_text(service: Scripted) -> None:
    service.answer(EVENT)
    await service.mailbox.events(["E/1+2="])
    (request,) = service.asked
    preferences = {part.strip() for part in request.headers["Prefer"].split(",")}
    assert preferences == {
        'IdType="ImmutableId"',
        'outlook.timezone="UTC"',
        'outlook.body-content-type="text"',
    }
    assert request.headers["Authorization"] == "Bearer app"
    assert request.raw_path.startswith("/v1.0/users/anna/events/E%2F1%2B2%3D?")
    assert "$select=id,subject," in request.raw_path


async def test_pages_repeat_what_they_prefer(service: Scripted) -> None:
    service.page([], nextLink=f"{service.base}/users/anna/calendarView/delta?$skiptoken=a%2Bb")
    service.page([], deltaLink=f"{service.base}/users/anna/calendarView/delta?$deltatoken=c")
    first = await service.mailbox.calendar_changes(DEFAULT, WINDOW, None)
    await service.mailbox.calendar_changes(DEFAULT, WINDOW, first.link)
    start, following = service.asked
    assert start.query == {"startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2027-01-01T00:00:00Z"}
    assert following.raw_path.endswith("delta?$skiptoken=a%2Bb")
    assert start.headers["Prefer"] == following.headers["Prefer"]
    assert "odata.maxpagesize=100" in following.headers["Prefer"]


async def test_a_mailbox_is_found_by_another_of_its_addresses(service: Scripted) -> None:
    service.fail(404, "Request_ResourceNotFound")
    service.page([{"id": "U", "mail": "anna@contoso.com", "displayName": "Anna"}])
    service.answer({"timeZone": "UTC"})
    info = await service.graph.find_mailbox("o'neill@contoso.com")
    assert (info.id, info.address) == ("U", "anna@contoso.com")
    assert service.asked[1].query["$filter"] == "proxyAddresses/any(p:p eq 'smtp:o''neill@contoso.com')"


# --- what comes back ------------------------------------------------------------------------------


async def test_a_link_to_another_host_is_refused(service: Scripted) -> None:
    service.page([], nextLink="https://evil.example/v1.0/users/anna/calendarView/delta?$skiptoken=a")
    with pytest.raises(Refused):
        await service.mailbox.calendar_changes(DEFAULT, WINDOW, None)


async def test_redirects_are_not_followed(service: Scripted) -> None:
    service.answer({}, 302, Location=f"{service.base}/elsewhere")
    with pytest.raises(Refused):
        await service.mailbox.events(["E"])
    assert len(service.asked) == 1


async def test_one_unreadable_row_does_not_stop_the_page(service: Scripted) -> None:
    rows = [{**EVENT, "id": "bad", "start": {"dateTime": "soon"}}, EVENT, "nonsense", {"@removed": {}}]
    service.page(rows, deltaLink=f"{service.base}/users/anna/calendarView/delta?$deltatoken=c")
    page = await service.mailbox.calendar_changes(DEFAULT, WINDOW, None)
    assert [event.id for event in page.events] == ["E"]
    assert page.broken == {"bad": "no readable date and time", "row 2": "no id", "row 3": "no id"}
    assert page.complete


async def test_rows_that_show_only_what_changed_are_read_by_id(service: Scripted) -> None:
    link = f"{service.base}/users/anna/calendarView/delta?$deltatoken=c"
    service.page([{"id": "E", "@odata.etag": 'W/"k"', "subject": "Review"}, {"id": "gone"}], deltaLink=link)
    parts = [
        {"id": "1", "status": 404, "body": {"error": {"code": "ErrorItemNotFound"}}},
        {"id": "0", "status": 200, "body": EVENT},
    ]
    service.answer({"responses": parts})
    page = await service.mailbox.calendar_changes(DEFAULT, WINDOW, None)
    assert [event.id for event in page.events] == ["E"]
    assert page.removed == ("gone",)
    envelope = json.loads(service.bodies[1])
    assert [part["method"] for part in envelope["requests"]] == ["GET", "GET"]
    assert all("ImmutableId" in part["headers"]["Prefer"] for part in envelope["requests"])


async def test_a_part_without_an_answer_is_asked_again(service: Scripted) -> None:
    service.answer({"responses": [{"id": "0", "status": 200, "body": {**EVENT, "id": "A"}}]})
    service.answer({"responses": [{"id": "0", "status": 200, "body": {**EVENT, "id": "B"}}]})
    found = await service.mailbox.events(["A", "B"])
    assert [event.id for event in found.values() if event] == ["A", "B"]


async def test_an_event_that_cannot_be_read_is_not_taken_for_a_deleted_one(service: Scripted) -> None:
    service.answer({**EVENT, "type": "somethingNew"})
    with pytest.raises(Refused, match="unknown type of event"):
        await service.mailbox.events(["E"])


async def test_a_404_of_unknown_meaning_is_not_taken_for_a_deleted_event(service: Scripted) -> None:
    service.fail(404, "SomethingNew")
    with pytest.raises(Refused) as caught:
        await service.mailbox.events(["E"])
    assert "secret" not in str(caught.value)


async def test_a_create_whose_answer_cannot_be_read_is_unknown(service: Scripted) -> None:
    service.answer({"id": "E"}, 201)
    with pytest.raises(UnknownResult):
        await service.mailbox.create_event(creation())
    service.answers.append(web.Response(status=201, text="{cut o", content_type="application/json"))
    with pytest.raises(UnknownResult):
        await service.mailbox.create_event(creation())


async def test_an_answer_that_is_no_json_is_transient_for_a_read(service: Scripted) -> None:
    service.answers += [web.Response(text="<html>gateway</html>", content_type="text/html")]
    with pytest.raises(Transient):
        await service.mailbox.calendars()


# --- series ---------------------------------------------------------------------------------------

SERIES: Json = {
    **EVENT,
    "type": "seriesMaster",
    "changeKey": "k",
    "recurrence": {
        "pattern": {"type": "daily", "interval": 1},
        "range": {"type": "noEnd", "startDate": "2026-03-02", "recurrenceTimeZone": "UTC"},
    },
    "cancelledOccurrences": [],
}


def exception(day: str, **changes: Any) -> Json:
    own = {key: value for key, value in EVENT.items() if key != "@odata.etag"}
    named = {"id": day, "type": "exception", "changeKey": "k", "originalStart": f"{day}T09:00:00Z"}
    return {**own, **named, **changes}


@pytest.mark.rule("APPT-36")
async def test_exceptions_that_come_in_pages_all_count(service: Scripted) -> None:
    link = f"{service.base}/users/anna/events/E/exceptionOccurrences?$skip=1"
    first = {"exceptionOccurrences": [exception("2026-03-03")], "exceptionOccurrences@odata.nextLink": link}
    service.answer({**SERIES, **first})
    service.page([exception("2026-03-04")])
    series = (await service.mailbox.series(["E"]))["E"]
    assert series is not None
    assert list(series.exceptions) == ["2026-03-03", "2026-03-04"]
    query = service.asked[0].query
    assert query["$expand"].startswith("exceptionOccurrences,singleValueExtendedProperties(")
    assert {"cancelledOccurrences", "exceptionOccurrences", "changeKey"} <= set(query["$select"].split(","))


async def test_a_series_with_an_exception_that_cannot_be_read_is_refused_by_name(service: Scripted) -> None:
    service.answer({**SERIES, "exceptionOccurrences": [exception("2026-03-03", start=None)]})
    with pytest.raises(Refused, match="exception of 2026-03-03") as refused:
        await service.mailbox.series(["E"])
    assert refused.value.code == "unreadable"
