"""The control interface, faults, limits, webhooks, and what survives a restart."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from local.dataverse.limits import Limits
from tests.wire.dataverse_org import Json, Org, address, error_code, meeting, organization


@pytest.fixture
async def org() -> AsyncIterator[Org]:
    async with organization() as running:
        yield running


async def test_a_new_user_has_an_approved_enabled_mailbox_that_nobody_syncs(org: Org) -> None:
    ida = await org.person("Ida")
    user = await org.get(f"systemusers({ida.id})?$expand=defaultmailbox")
    mailbox = user["defaultmailbox"]
    assert (user["isdisabled"], user["fullname"], user["internalemailaddress"]) == (
        False,
        "Ida Example",
        ida.address,
    )
    assert (mailbox["_regardingobjectid_value"], mailbox["emailaddress"]) == (ida.id, ida.address)
    assert (mailbox["emailrouteraccessapproval"], mailbox["actdeliverymethod"]) == (1, 2)
    assert mailbox["enabledforact"] is True
    assert mailbox["isemailaddressapprovedbyo365admin"] is True


@pytest.mark.parametrize(
    "body",
    [
        {"fullname": "No Address"},
        {"internalemailaddress": "a@example.com", "fullname": "A", "unknown": 1},
        {"internalemailaddress": "a@example.com", "fullname": "A", "role": "king"},
        {"internalemailaddress": "a@example.com", "fullname": "A", "timeZone": "Mars/Olympus"},
        {"internalemailaddress": "a@example.com", "fullname": "A", "azureactivedirectoryobjectid": "x"},
    ],
)
async def test_a_user_that_makes_no_sense_is_refused(org: Org, body: Json) -> None:
    response = await org.client.post(f"{org.dataverse.control_url}/users", json=body)
    assert response.status_code == 400


async def test_organization_settings_merge_and_can_be_unset(org: Org) -> None:
    path = "organizations?$select=orgdborgsettings,expirechangetrackingindays,pastexpansionwindow"
    (before,) = await org.values(path)
    name = "DistinctPhysicalAndLogicalDeletesForExchangeSync"
    assert before["orgdborgsettings"] is None
    await org.control("PUT", "organization", {"orgdborgsettings": {name: False, "MaximumSubjectLength": 300}})
    await org.control("PUT", "organization", {"orgdborgsettings": {name: True, "MaximumSubjectLength": None}})
    (after,) = await org.values(path)
    assert after["orgdborgsettings"] == f"<OrgSettings><{name}>true</{name}></OrgSettings>"
    assert (after["expirechangetrackingindays"], after["pastexpansionwindow"]) == (7, 3)


async def test_the_version_rises_with_data_and_with_nothing_else(org: Org) -> None:
    async def version() -> int:
        return int((await org.control("GET", "version")).json()["version"])

    start = await version()
    await org.get("contacts")
    await org.control("POST", "faults", {"do": "delay", "seconds": 0})
    await org.control("DELETE", "faults")
    assert await version() == start
    seen = [start]
    for step in (
        org.contact("Anna"),
        org.person("Ida"),
        org.control("PUT", "organization", {"orgdborgsettings": {"A": 1}}),
    ):
        await step
        seen.append(await version())
    assert seen == sorted(set(seen))


async def test_requests_are_counted_by_template(org: Org) -> None:
    made = await org.contact("Anna")
    await org.control("DELETE", "requests")
    path = f"contacts({made['contactid']})"
    await org.get(f"{path}?$select=firstname")
    await org.get("WhoAmI()")
    await org.get("EntityDefinitions(LogicalName='contact')?$select=LogicalName")
    await org.call("GET", f"{path}/ownerid", token="person")
    service = (await org.control("GET", "requests")).json()
    assert service["byKind"] == {
        "GET /EntityDefinitions({id})": 1,
        "GET /WhoAmI": 1,
        "GET /contacts({id})": 1,
    }
    everyone = (await org.control("GET", "requests?caller=all")).json()
    assert everyone["byKind"]["GET /contacts({id})/ownerid"] == 1


@pytest.mark.parametrize(("do", "count"), [("drop-before", 0), ("drop-after", 1)])
async def test_a_drop_is_a_transport_error_before_or_after_the_effect(org: Org, do: str, count: int) -> None:
    await org.control("POST", "faults", {"match": {"method": "POST"}, "times": 1, "do": do})
    with pytest.raises(httpx.TransportError):
        await org.call("POST", "contacts", {"lastname": "Berg"})
    assert len(await org.values("contacts")) == count


async def test_faults_concern_the_service_unless_all_are_meant(org: Org) -> None:
    rule: dict[str, Any] = {"match": {"pathContains": "contacts"}, "times": 1, "do": "status:503"}
    await org.control("POST", "faults", rule)
    assert (await org.call("GET", "contacts", token="person")).status_code == 200
    refused = await org.call("GET", "contacts")
    assert refused.status_code == 503
    assert refused.json()["error"]["code"]
    await org.control("POST", "faults", {**rule, "caller": "all", "do": "status:429", "retryAfter": 3})
    throttled = await org.call("GET", "contacts", token="person")
    assert (throttled.status_code, throttled.headers["Retry-After"]) == (429, "3")


# --- limits --------------------------------------------------------------------------------------


async def test_too_many_requests_in_the_window_are_refused_with_a_time_to_come_back() -> None:
    async with organization(limits=Limits(requests=3)) as org:
        for _ in range(3):
            await org.get("WhoAmI")
        refused = await org.call("GET", "WhoAmI")
        assert error_code(refused) == (429, "0x80072322")
        assert 0 < int(refused.headers["Retry-After"]) <= 300
        assert (await org.call("GET", "WhoAmI", token="person")).status_code == 200
        org.dataverse.clock.advance(301)
        assert (await org.call("GET", "WhoAmI")).status_code == 200


async def test_too_much_time_and_too_many_at_once_have_codes_of_their_own() -> None:
    async with organization(limits=Limits(milliseconds=0)) as org:
        await org.get("WhoAmI")
        assert error_code(await org.call("GET", "WhoAmI")) == (429, "0x80072321")
    async with organization(limits=Limits(concurrent=0)) as org:
        assert error_code(await org.call("GET", "WhoAmI")) == (429, "0x80072326")


async def test_every_answer_advises_how_many_at_once_and_says_what_is_left() -> None:
    async with organization(limits=Limits(requests=2, advised=6)) as org:
        left = []
        for _ in range(3):
            answer = await org.call("GET", "WhoAmI")
            assert answer.headers["x-ms-dop-hint"] == "6"
            left.append(answer.headers["x-ms-ratelimit-burst-remaining-xrm-requests"])
        assert (answer.status_code, left) == (429, ["1", "0", "0"])


async def test_a_slow_service_works_on_so_many_at_once_and_its_time_counts() -> None:
    async with organization(limits=Limits(concurrent=2, operation_seconds=0.2, milliseconds=300)) as org:
        answers = await asyncio.gather(*(org.call("GET", "WhoAmI") for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 429]
        assert error_code(await org.call("GET", "WhoAmI")) == (429, "0x80072321")


# --- webhooks ------------------------------------------------------------------------------------


@dataclass
class Listener:
    """An endpoint that records what it is sent and answers with the statuses it was given."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    received: asyncio.Queue[tuple[dict[str, str], Json]] = field(default_factory=asyncio.Queue)

    async def answer(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        await self.received.put((headers, await request.json()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    async def next(self) -> tuple[dict[str, str], Json]:
        return await asyncio.wait_for(self.received.get(), 5)


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    listener = Listener()
    app = web.Application(client_max_size=2**21)
    app.router.add_post("/changes", listener.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}/changes"
    try:
        yield listener
    finally:
        await runner.cleanup()


def target(message: Json) -> Json:
    (parameter,) = message["InputParameters"]
    assert parameter["key"] == "Target"
    value: Json = parameter["value"]
    return value


async def register(org: Org, url: str) -> None:
    await org.control("POST", "webhooks", {"url": url, "key": "secret", "tables": ["appointment"]})


async def test_each_change_is_posted_with_key_and_only_what_changed(org: Org) -> None:
    async with listening() as listener:
        await register(org, listener.url)
        ida = await org.person("Ida")
        made = await org.make("appointments", meeting(ida, address(5, "a@example.net")))
        headers, message = await listener.next()
        assert headers["x-webhook-key"] == "secret"
        assert headers["x-ms-dynamics-entity-name"] == "appointment"
        assert headers["x-ms-dynamics-request-name"] == message["MessageName"] == "Create"
        assert message["PrimaryEntityId"] == made["activityid"]
        path = f"appointments({made['activityid']})"
        await org.change(path, {"location": "Oslo", "statecode": 3})
        _, message = await listener.next()
        changed = {pair["key"]: pair["value"] for pair in target(message)["Attributes"]}
        assert changed["location"] == "Oslo"
        assert changed["statuscode"]["Value"] == 5
        assert "subject" not in changed
        await org.call("DELETE", path)
        _, message = await listener.next()
        assert message["MessageName"] == "Delete"
        assert target(message)["__type"].startswith("EntityReference")
        await org.contact("Not registered")
        assert listener.received.empty()


async def test_a_failing_endpoint_is_tried_once_more_and_only_for_gateway_errors(org: Org) -> None:
    async with listening() as listener:
        await register(org, listener.url)
        listener.statuses = [503, 503, 500]
        await org.make("appointments", {"subject": "first"})
        await listener.next()
        await listener.next()
        await org.make("appointments", {"subject": "second"})
        assert "second" in str(await listener.next())
        await org.make("appointments", {"subject": "third"})
        assert "third" in str(await listener.next())


async def test_a_large_message_is_stripped_to_the_id(org: Org) -> None:
    async with listening() as listener:
        await register(org, listener.url)
        made = await org.make("appointments", {"description": "x" * 300_000})
        headers, message = await listener.next()
        assert headers["x-ms-dynamics-msg-size-exceeded"] == "true"
        assert message["InputParameters"] == []
        assert message["PrimaryEntityId"] == made["activityid"]


async def test_a_tag_travels_to_the_listeners(org: Org) -> None:
    async with listening() as listener:
        await register(org, listener.url)
        await org.call("POST", "appointments?tag=ours", {"subject": "x"})
        _, message = await listener.next()
        assert message["SharedVariables"] == [{"key": "tag", "value": "ours"}]


async def test_a_refused_request_posts_nothing(org: Org) -> None:
    async with listening() as listener:
        await register(org, listener.url)
        await org.call("POST", "appointments", {"statecode": 3})
        await org.make("appointments", {"subject": "only this"})
        assert "only this" in str(await listener.next())
        assert listener.received.empty()


# --- restart -------------------------------------------------------------------------------------


async def test_everything_acknowledged_survives_a_restart(tmp_path: Path) -> None:
    async with organization(state=tmp_path) as org:
        ida = await org.person("Ida")
        made = await org.make("appointments", meeting(ida, address(5, "a@example.net")))
        gone = await org.contact("Gone")
        link = (await org.get("contacts", headers={"Prefer": "odata.track-changes"}))["@odata.deltaLink"]
        await org.call("DELETE", f"contacts({gone['contactid']})")
        await org.control("POST", "webhooks", {"url": "http://127.0.0.1:9/", "key": "k", "tables": []})
        await org.control("POST", "clock", {"advanceSeconds": 60})
        await org.control("POST", "faults", {"match": {"method": "PUT"}, "do": "status:503"})
        who, requests = await org.get("WhoAmI"), (await org.control("GET", "requests")).json()
        port = org.dataverse.port
    async with organization(state=tmp_path, port=port) as org:
        assert (await org.control("GET", "requests")).json() == requests
        assert await org.get("WhoAmI") == who
        row = await org.get(f"appointments({made['activityid']})?$expand=appointment_activity_parties")
        assert row["@odata.etag"] == made["@odata.etag"]
        assert len(row["appointment_activity_parties"]) == 3
        assert [entry["id"] for entry in await org.values(link)] == [gone["contactid"]]
        assert len((await org.control("GET", "webhooks")).json()["value"]) == 1
        assert org.dataverse.clock.own_offset == 60
        assert (await org.call("GET", "WhoAmI", user=ida)).status_code == 200
        assert (await org.call("PUT", "contacts")).status_code == 503


async def test_the_process_starts_answers_dies_and_starts_again(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0")
    port = _free_port()
    command = ["-m", "local.dataverse", "--port", str(port), "--state", str(tmp_path), "--clock", str(clock)]
    root = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(headers={"Authorization": "Bearer app"}) as client:
        process = await asyncio.create_subprocess_exec(sys.executable, *command)
        await _answering(client, root)
        made = await client.post(f"{root}/api/data/v9.2/contacts", json={"lastname": "Berg"})
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        process = await asyncio.create_subprocess_exec(sys.executable, *command)
        await _answering(client, root)
        assert (await client.get(made.headers["OData-EntityId"])).json()["lastname"] == "Berg"
        process.terminate()
        assert await process.wait() == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _answering(client: httpx.AsyncClient, root: str) -> None:
    for _ in range(200):
        try:
            await client.get(f"{root}/_control/version")
            return
        except httpx.TransportError:
            await asyncio.sleep(0.05)
    pytest.fail("the process does not answer")
