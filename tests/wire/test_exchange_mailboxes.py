"""Users, settings, calendars, categories, people, unknown paths, the documented requests, a kill."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local.exchange import ExchangeOnline
from local.rig.ports import free_ports
from tests.wire.exchange_graph import Graph, documented, event, invited, running

Json = dict[str, Any]


@pytest.fixture
async def graph() -> AsyncIterator[Graph]:
    async with running() as graph:
        await graph.user("anna", timeZone="W. Europe Standard Time")
        await graph.user("ben")
        yield graph


async def test_users_are_found_by_id_name_and_address(graph: Graph) -> None:
    user = (await graph("GET", "/users/anna@contoso.com")).body
    assert user["mail"] == "anna@contoso.com"
    chosen = await graph("GET", f"/users/{user['id']}?$select=id,mail,userPrincipalName,proxyAddresses")
    assert chosen.body["proxyAddresses"] == ["SMTP:anna@contoso.com"]
    for text in (
        "mail eq 'anna@contoso.com'",
        "userPrincipalName eq 'ANNA@contoso.com'",
        "proxyAddresses/any(p:p eq 'smtp:anna@contoso.com')",
    ):
        assert [row["id"] for row in (await graph("GET", f"/users?$filter={text}")).rows] == [user["id"]]
    assert (await graph("GET", "/users?$filter=mail eq 'x@contoso.com'")).rows == []
    assert (await graph("GET", "/users?$filter=startswith(mail,'a')")).code == "Request_UnsupportedQuery"
    missing = await graph("GET", "/users/nobody@contoso.com")
    assert (missing.status, missing.code) == (404, "Request_ResourceNotFound")
    assert (await graph("GET", "/users/nobody@contoso.com/events")).code == "ErrorInvalidUser"


async def test_a_user_without_a_mailbox_says_so(graph: Graph) -> None:
    await graph.user("room", mailbox=False)
    reply = await graph("GET", "/users/room@contoso.com/events")
    assert (reply.status, reply.code) == (404, "MailboxNotEnabledForRESTAPI")


async def test_mailbox_settings_are_read_and_changed(graph: Graph) -> None:
    path = "/users/anna@contoso.com/mailboxSettings"
    settings = (await graph("GET", path)).body
    assert (settings["timeZone"], settings["userPurpose"]) == ("W. Europe Standard Time", "user")
    changed = await graph("PATCH", path, {"timeZone": "Tokyo Standard Time"})
    assert changed.body["timeZone"] == "Tokyo Standard Time"
    assert (await graph("GET", f"{path}/timeZone")).body["value"] == "Tokyo Standard Time"
    assert (await graph("PATCH", path, {"timeZone": "Mars Time"})).code == "TimeZoneNotSupportedException"
    assert (await graph("GET", f"{path}/nothing")).status == 400


async def test_calendars(graph: Graph) -> None:
    path = "/users/anna@contoso.com/calendars"
    rows = {row["name"]: row for row in (await graph("GET", path)).rows}
    assert rows["Calendar"]["isDefaultCalendar"]
    assert rows["Calendar"]["canEdit"]
    assert not rows["Birthdays"]["canEdit"]
    assert (await graph("GET", "/users/anna@contoso.com/calendar")).body["id"] == rows["Calendar"]["id"]
    made = await graph("POST", path, {"name": "Side"})
    assert (made.status, made.body["owner"]["address"]) == (201, "anna@contoso.com")
    assert (await graph("POST", path, {"name": "side"})).code == "ErrorFolderExists"
    refused = await graph("POST", f"{path}/{rows['Birthdays']['id']}/events", event())
    assert (refused.status, refused.code) == (403, "ErrorAccessDenied")
    renamed = await graph("PATCH", f"{path}/{made.body['id']}", {"name": "Left"})
    assert renamed.body["name"] == "Left"
    assert (await graph("DELETE", f"{path}/{made.body['id']}")).status == 204
    assert (await graph("DELETE", f"{path}/{rows['Calendar']['id']}")).status == 400
    assert (await graph("GET", f"/users/ben@contoso.com/calendars/{rows['Calendar']['id']}")).status == 404


async def test_events_of_another_calendar(graph: Graph) -> None:
    side = (await graph("POST", "/users/anna@contoso.com/calendars", {"name": "Side"})).body["id"]
    path = f"/users/anna@contoso.com/calendars/{side}/events"
    made = (await graph("POST", path, event(attendees=invited("ben@contoso.com")))).body
    assert await graph.events("anna") == []
    assert len((await graph("GET", path)).rows) == 1
    assert (await graph("GET", f"/users/anna@contoso.com/events/{made['id']}")).status == 200
    assert (await graph.only_event("ben"))["isOrganizer"] is False


async def test_the_calendar_view_holds_what_touches_the_window(graph: Graph) -> None:
    await graph.create("anna", subject="Touches")
    view = "/users/anna@contoso.com/calendarView?startDateTime={}&endDateTime={}&$select=subject"
    inside = await graph("GET", view.format("2026-12-01T08:59:00Z", "2026-12-01T18:00:00Z"))
    assert [row["subject"] for row in inside.rows] == ["Touches"]
    for start, end in (
        ("2026-12-01T09:00:00Z", "2026-12-02T00:00:00Z"),
        ("2026-11-30", "2026-12-01T08:00:00Z"),
    ):
        assert (await graph("GET", view.format(start, end))).rows == []
    offset = await graph("GET", view.format("2026-12-01T09:00:00%2B01:00", "2026-12-01T10:00:00%2B01:00"))
    assert len(offset.rows) == 1
    assert (await graph("GET", "/users/anna@contoso.com/calendarView")).code == "ErrorInvalidParameter"


async def test_categories(graph: Graph) -> None:
    path = "/users/anna@contoso.com/outlook/masterCategories"
    made = await graph("POST", path, {"displayName": "Tracked to Dynamics 365", "color": "preset9"})
    assert made.status == 201
    assert (await graph("GET", path)).rows[0]["displayName"] == "Tracked to Dynamics 365"
    assert (await graph("POST", path, {"displayName": "tracked to Dynamics 365"})).status == 409
    assert (await graph("POST", path, {"displayName": "x", "color": "red"})).code == "RequestBodyRead"


async def test_people_open_their_own_mailbox_and_those_they_are_delegates_of(graph: Graph) -> None:
    await graph.user("boss", delegates=["anna@contoso.com"])
    paths = {name: f"/users/{name}@contoso.com/events" for name in ("anna", "ben", "boss")}
    as_anna: dict[str, Any] = {"token": "somebody", "X_Act_As": "anna@contoso.com"}
    statuses = {name: (await graph("GET", path, **as_anna)).status for name, path in paths.items()}
    assert statuses == {"anna": 200, "ben": 403, "boss": 200}
    assert (await graph("GET", paths["ben"], token="somebody")).status == 200
    assert (await graph("GET", paths["ben"], token="x", X_Act_As="nobody@contoso.com")).status == 403
    assert (await graph("GET", "/me/events", **as_anna)).status == 200
    assert (await graph("GET", "/me/events")).status == 400
    batch = {"requests": [{"id": "1", "method": "GET", "url": paths["ben"]}]}
    assert (await graph("POST", "/$batch", batch, **as_anna)).body["responses"][0]["status"] == 403


async def test_sharing_the_calendar_for_writing_makes_a_delegate(graph: Graph) -> None:
    path = "/users/ben@contoso.com/calendar/calendarPermissions"
    as_anna: dict[str, Any] = {"token": "x", "X_Act_As": "anna@contoso.com"}
    body = {"emailAddress": {"address": "anna@contoso.com"}, "role": "write"}
    made = await graph("POST", path, body)
    assert made.status == 201
    assert (await graph("GET", "/users/ben@contoso.com/events", **as_anna)).status == 200
    assert [row["id"] for row in (await graph("GET", path)).rows] == [made.body["id"]]
    assert (await graph("DELETE", f"{path}/{made.body['id']}")).status == 204
    assert (await graph("GET", "/users/ben@contoso.com/events", **as_anna)).status == 403


async def test_mail_to_an_alias_reaches_its_owner(graph: Graph) -> None:
    await graph.user("cara", aliases=["sales@contoso.com"])
    found = await graph("GET", "/users?$filter=proxyAddresses/any(p:p eq 'smtp:sales@contoso.com')")
    assert [row["mail"] for row in found.rows] == ["cara@contoso.com"]
    await graph.create("anna", attendees=invited("Sales@contoso.com"))
    assert (await graph.only_event("cara"))["isOrganizer"] is False


async def test_without_a_token_nothing_is_answered(graph: Graph) -> None:
    for path in ("/users", "/users/anna@contoso.com/events", "/$batch"):
        reply = await graph("POST" if "$" in path else "GET", path, token=None)
        assert (reply.status, reply.code) == (401, "InvalidAuthenticationToken")


@pytest.mark.parametrize(
    "path",
    [
        "/users/anna@contoso.com/messages",
        "/users/anna@contoso.com/contacts/AAMk/photo",
        "/users/anna@contoso.com/todo/groups",
        "/users/anna@contoso.com/events/AAMk/nothing",
        "/groups",
        "/users/anna@contoso.com/outlook",
    ],
)
async def test_unknown_resources_are_answered_as_graph_answers_an_unknown_segment(
    graph: Graph, path: str
) -> None:
    reply = await graph("GET", path)
    assert (reply.status, reply.code) == (400, "BadRequest")


async def test_request_ids_are_answered(graph: Graph) -> None:
    reply = await graph("GET", "/users/anna@contoso.com/events/AAMkmissing", client_request_id="mine")
    assert reply.headers["client-request-id"] == "mine"
    assert reply.headers["request-id"]
    assert reply.body["error"]["innerError"]["client-request-id"] == "mine"
    assert (await graph("DELETE", "/users/anna@contoso.com/events")).status == 405


async def test_time_zones_are_listed_by_both_names(graph: Graph) -> None:
    path = "/users/anna@contoso.com/outlook/supportedTimeZones"
    windows = {row["alias"] for row in (await graph("GET", path)).rows}
    iana = await graph("GET", f"{path}(TimeZoneStandard=microsoft.graph.timeZoneStandard'Iana')")
    assert "W. Europe Standard Time" in windows
    assert "Europe/Berlin" in {row["alias"] for row in iana.rows}


# --- the documentation --------------------------------------------------------------------------

PAGES = (
    "user-post-events",
    "calendar-post-events",
    "event-get",
    "event-accept",
    "event-cancel",
    "user-list-events",
    "user-list-calendarview",
    "user-post-calendars",
    "outlookuser-post-mastercategories",
    "outlookuser-supportedtimezones",
    "user-get-mailboxsettings",
    "user-update-mailboxsettings",
    "event-list-instances",
)
REQUESTS = [
    pytest.param(row, id=f"{page}-{n}")
    for page in PAGES
    for n, row in enumerate(documented(page))
    if row["method"] == "GET" or not row.get("body_unparsed")  # one page's example is no JSON
]


@pytest.mark.parametrize("request_row", REQUESTS)
async def test_every_documented_request_is_accepted(graph: Graph, request_row: Json) -> None:
    url = request_row["url"].removeprefix("https://graph.microsoft.com/v1.0")
    url = url.replace("/me/", "/users/anna@contoso.com/")
    for name in ("AAMkAGViNDU9zAAAAAGtlAAA=", "AAMkAGViNDU7zAAAAAGtlAAA="):
        url = url.replace(name, (await graph("GET", "/users/anna@contoso.com/calendar")).body["id"])
    url = url.replace("{id}", await _meeting_for(graph, url))
    for name in ("AAMkAGIAAAoZDOFAAA=", "AAMkADAGAADDdm4NAAA=", "AAMkAGUzYRgWAAA="):
        url = url.replace(name, await _series(graph))
    reply = await graph(
        request_row["method"],
        url,
        request_row.get("body"),
        prefer=request_row.get("headers", {}).get("Prefer", ""),
    )
    assert reply.status < 300, (url, reply.body)


async def _meeting_for(graph: Graph, url: str) -> str:
    """An event of Anna's: a meeting of her own, or Ben's where she is to answer."""
    if "/accept" in url:
        await graph.create("ben", attendees=invited("anna@contoso.com"))
        return str((await graph.only_event("anna"))["id"])
    return str((await graph.create("anna", attendees=invited("ben@contoso.com")))["id"])


async def _series(graph: Graph) -> str:
    start = {"dateTime": "2019-04-08T20:30:00", "timeZone": "UTC"}
    weekly = {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["Monday"]},
        "range": {"type": "noEnd", "startDate": "2019-04-08"},
    }
    made = await graph.create(
        "anna", start=start, end={**start, "dateTime": "2019-04-08T21:00:00"}, recurrence=weekly
    )
    return str(made["id"])


# --- the process --------------------------------------------------------------------------------


async def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    first = await _process(port, tmp_path)
    try:
        async with aiohttp.ClientSession() as session:
            graph = Graph(ExchangeOnline(port=port), session)
            await graph.user("anna")
            made = await graph.create("anna", attendees=invited("out@x.com"), transactionId="t")
            window = "startDateTime=2026-11-01&endDateTime=2027-01-01"
            delta = await graph("GET", f"/users/anna@contoso.com/calendarView/delta?{window}")
    finally:
        first.send_signal(signal.SIGKILL)
        await first.wait()
    second = await _process(port, tmp_path)
    try:
        async with aiohttp.ClientSession() as session:
            graph = Graph(ExchangeOnline(port=port), session)
            assert (await graph.only_event("anna"))["id"] == made["id"]
            assert (await graph("GET", delta.body["@odata.deltaLink"])).rows == []
            assert (
                await graph("POST", "/users/anna@contoso.com/events", event(transactionId="t"))
            ).status == 409
            assert await graph.outbox() == [("invitation", ["out@x.com"])]
            assert (await graph("GET", "/_control/version")).body["version"] > 0
    finally:
        second.send_signal(signal.SIGTERM)
        assert await second.wait() == 0


async def _process(port: int, state: Path) -> asyncio.subprocess.Process:
    command = (sys.executable, "-m", "local.exchange", "--port", str(port), "--state", str(state))
    process = await asyncio.create_subprocess_exec(*command, env=dict(os.environ))
    async with aiohttp.ClientSession() as session, asyncio.timeout(20):
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}/_control/version"):
                    return process
            except aiohttp.ClientConnectionError:
                assert process.returncode is None
                await asyncio.sleep(0.05)
