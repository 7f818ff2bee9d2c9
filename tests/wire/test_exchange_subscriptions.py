"""Subscriptions: the handshake, change notifications and lifecycle events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from local.clock import Clock
from tests.wire.exchange_graph import IMMUTABLE, Graph, running
from tests.wire.exchange_series import instances, patch, series

Json = dict[str, Any]

EVENTS = "/users/anna@contoso.com/events"


@dataclass
class Endpoint:
    """Where notifications go; what it answers can be changed."""

    url: str = ""
    handshake: str | None = None  # None: as it should be
    statuses: list[int] = field(default_factory=list)  # of the next deliveries; 202 afterwards
    handshakes: int = 0
    tries: int = 0
    received: list[Json] = field(default_factory=list)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, request: web.Request) -> web.Response:
        token = request.query.get("validationToken")
        if token is not None:
            self.handshakes += 1
            return web.Response(text=token if self.handshake is None else self.handshake)
        self.tries += 1
        status = self.statuses.pop(0) if self.statuses else 202
        if status == 202:
            self.received += (await request.json())["value"]
        async with self.news:
            self.news.notify_all()
        return web.Response(status=status)

    async def wait_for(self, number: int) -> list[Json]:
        async with asyncio.timeout(5), self.news:
            await self.news.wait_for(lambda: len(self.received) >= number)
        return self.received

    async def wait_for_tries(self, number: int) -> None:
        async with asyncio.timeout(5), self.news:
            await self.news.wait_for(lambda: self.tries >= number)


@asynccontextmanager
async def listening() -> AsyncIterator[Endpoint]:
    endpoint, app = Endpoint(), web.Application()
    app.router.add_post("/hook", endpoint.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield endpoint
    finally:
        await runner.cleanup()


@dataclass
class Scene:
    graph: Graph
    endpoint: Endpoint
    clock: Clock
    user: str

    def wish(self, minutes: float = 1000, **more: Any) -> Json:
        return {
            "changeType": "created,updated,deleted",
            "notificationUrl": self.endpoint.url,
            "resource": f"/users/{self.user}/events",
            "expirationDateTime": (self.clock.now() + timedelta(minutes=minutes)).isoformat(),
            "clientState": "secret",
            **more,
        }

    async def subscribe(self, **more: Any) -> Json:
        reply = await self.graph("POST", "/subscriptions", self.wish(**more), prefer=IMMUTABLE)
        assert reply.status == 201, reply.body
        subscription: Json = reply.body
        return subscription

    async def mode(self, mode: str, **more: Any) -> None:
        assert (await self.graph("POST", "/_control/notifications", {"mode": mode, **more})).status == 204


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    clock = Clock()
    async with listening() as endpoint, running(clock) as graph:
        yield Scene(graph, endpoint, clock, await graph.user("anna"))


async def test_the_handshake_reaches_both_endpoints_and_the_subscription_is_complete(scene: Scene) -> None:
    made = await scene.subscribe(lifecycleNotificationUrl=scene.endpoint.url)
    assert scene.endpoint.handshakes == 2
    assert (made["clientState"], made["latestSupportedTlsVersion"]) == ("secret", "v1_2")
    listed = await scene.graph("GET", "/subscriptions")
    assert [row["id"] for row in listed.rows] == [made["id"]]
    assert (await scene.graph("GET", f"/subscriptions/{made['id']}")).body["resource"] == made["resource"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"resource": "/users/{user}/todo/lists"}, "InvalidRequest"),
        ({"resource": "/me/events"}, "InvalidRequest"),
        ({"changeType": "created,moved"}, "InvalidRequest"),
        ({"minutes": 10_071}, "ExtensionError"),
        ({"minutes": -1}, "InvalidRequest"),
        ({"notificationUrl": "http://somewhere.example/hook"}, "InvalidRequest"),
        ({"notificationUrl": "http://127.0.0.1:1/nobody"}, "InvalidRequest"),
        ({"clientState": "x" * 129}, "InvalidRequest"),
        ({"clientState": None, "changeType": None}, "InvalidRequest"),
        ({"filter": "x"}, "RequestBodyRead"),
    ],
)
async def test_what_cannot_be_subscribed(scene: Scene, change: dict[str, Any], code: str) -> None:
    reply = await scene.graph("POST", "/subscriptions", scene.wish(**change))
    assert (reply.status, reply.code) == (400, code)
    assert (await scene.graph("GET", "/subscriptions")).rows == []


async def test_an_endpoint_that_does_not_echo_the_token_is_refused(scene: Scene) -> None:
    scene.endpoint.handshake = "something else"
    reply = await scene.graph("POST", "/subscriptions", scene.wish())
    assert (reply.status, reply.code) == (400, "InvalidRequest")
    assert "validation request failed" in reply.body["error"]["message"]


async def test_every_change_is_notified_with_client_state_and_immutable_id(scene: Scene) -> None:
    subscription = await scene.subscribe()
    made = await scene.graph.create("anna")
    await scene.graph("PATCH", f"{EVENTS}/{made['id']}", {"subject": "x"})
    await scene.graph("DELETE", f"{EVENTS}/{made['id']}")
    rows = await scene.endpoint.wait_for(3)
    assert [row["changeType"] for row in rows] == ["created", "updated", "deleted"]
    assert {row["clientState"] for row in rows} == {"secret"}
    assert {row["subscriptionId"] for row in rows} == {subscription["id"]}
    assert rows[0]["resource"] == f"Users/{scene.user}/Events/{made['id']}"
    assert rows[0]["resourceData"]["@odata.type"] == "#Microsoft.Graph.Event"
    assert rows[0]["resourceData"]["id"] == made["id"]


async def test_only_the_wanted_changes_of_the_default_calendar_are_notified(scene: Scene) -> None:
    await scene.subscribe(changeType="deleted")
    calendar = await scene.graph("POST", "/users/anna@contoso.com/calendars", {"name": "Side"})
    side = f"/users/anna@contoso.com/calendars/{calendar.body['id']}/events"
    made = await scene.graph.create("anna")
    other = (await scene.graph("POST", side, {k: made[k] for k in ("subject", "start", "end")})).body
    await scene.graph("DELETE", f"{side}/{other['id']}")
    await scene.graph("DELETE", f"{EVENTS}/{made['id']}")
    rows = await scene.endpoint.wait_for(1)
    assert [(row["changeType"], row["resourceData"]["id"]) for row in rows] == [("deleted", made["id"])]


async def test_a_refused_delivery_comes_again_later(scene: Scene) -> None:
    await scene.subscribe()
    scene.endpoint.statuses = [503, 500]
    await scene.graph.create("anna")
    await scene.endpoint.wait_for_tries(1)
    assert scene.endpoint.received == []
    scene.clock.advance(60)
    await scene.endpoint.wait_for_tries(2)
    scene.clock.advance(60)
    await scene.endpoint.wait_for(1)
    assert scene.endpoint.tries == 3


async def test_notifications_can_be_dropped_repeated_and_delayed(scene: Scene) -> None:
    await scene.subscribe()
    await scene.mode("drop")
    await scene.graph.create("anna", subject="lost")
    await scene.mode("repeat")
    await scene.graph.create("anna", subject="twice")
    rows = await scene.endpoint.wait_for(2)
    assert rows[0] == rows[1]
    await scene.mode("delay", seconds=3600)
    late = await scene.graph.create("anna", subject="late")
    await scene.mode("normal")
    await scene.graph.create("anna", subject="now")
    assert late["id"] not in [row["resourceData"]["id"] for row in await scene.endpoint.wait_for(3)]
    scene.clock.advance(3600)
    assert (await scene.endpoint.wait_for(4))[3]["resourceData"]["id"] == late["id"]


async def test_a_subscription_ends_by_the_clock_and_is_renewed_before(scene: Scene) -> None:
    made = await scene.subscribe(minutes=10)
    path = f"/subscriptions/{made['id']}"
    assert made["expirationDateTime"] > (scene.clock.now() + timedelta(minutes=40)).isoformat()
    scene.clock.advance(40 * 60)
    renewed = await scene.graph("PATCH", path, {"expirationDateTime": scene.wish()["expirationDateTime"]})
    assert renewed.status == 200
    assert (await scene.graph("POST", f"{path}/reauthorize")).status == 202
    scene.clock.advance(10 * 60)
    assert (await scene.graph("GET", path)).status == 200
    scene.clock.advance(1000 * 60)
    assert (await scene.graph("GET", path)).status == 404
    assert (
        await scene.graph("PATCH", path, {"expirationDateTime": scene.wish()["expirationDateTime"]})
    ).status == 404


async def test_what_cannot_be_changed_and_the_end(scene: Scene) -> None:
    made = await scene.subscribe()
    path = f"/subscriptions/{made['id']}"
    assert (await scene.graph("PATCH", path, {"clientState": "other"})).status == 400
    assert (await scene.graph("GET", path, token="anna")).status == 404
    assert (await scene.graph("DELETE", path)).status == 204
    assert (await scene.graph("DELETE", path)).status == 404


@pytest.mark.parametrize("event", ["reauthorizationRequired", "missed", "subscriptionRemoved"])
async def test_lifecycle_events(scene: Scene, event: str) -> None:
    made = await scene.subscribe(lifecycleNotificationUrl=scene.endpoint.url)
    await scene.graph("POST", "/_control/lifecycle", {"event": event, "subscriptionId": made["id"]})
    row = (await scene.endpoint.wait_for(1))[0]
    assert (row["lifecycleEvent"], row["clientState"]) == (event, "secret")
    left = (await scene.graph("GET", "/subscriptions")).rows
    assert len(left) == (0 if event == "subscriptionRemoved" else 1)


async def test_no_more_than_a_thousand_per_mailbox(scene: Scene) -> None:
    made = await scene.subscribe()
    subscriptions = scene.graph.exchange.stand_in.notifier._subscriptions
    row = subscriptions.get(made["id"])
    for number in range(999):
        subscriptions.put({**row, "id": str(number)})
    assert (await scene.graph("POST", "/subscriptions", scene.wish())).status == 403


async def test_a_change_of_an_occurrence_tells_of_it_and_of_its_master(scene: Scene) -> None:
    await scene.subscribe()
    master = (await series(scene.graph))["id"]
    first, second, *_ = [row["id"] for row in await instances(scene.graph, "anna", master)]
    made = await patch(scene.graph, "anna", first, subject="Own")
    await scene.graph("DELETE", f"{EVENTS}/{second}")
    rows = await scene.endpoint.wait_for(5)
    told = sorted((row["changeType"], row["resourceData"]["id"]) for row in rows)
    expected = [("created", master), *[("updated", master)] * 2, ("updated", first), ("deleted", second)]
    assert told == sorted(expected)
    assert made["@odata.etag"] in [row["resourceData"]["@odata.etag"] for row in rows]
