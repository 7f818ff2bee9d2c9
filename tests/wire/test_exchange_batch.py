"""``$batch``, throttling and planned faults."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from local.clock import Clock
from tests.wire.exchange_graph import Graph, event, part, running

Json = dict[str, Any]

EVENTS = "/users/anna@contoso.com/events"


@pytest.fixture
async def graph() -> AsyncIterator[Graph]:
    async with running() as graph:
        await graph.user("anna")
        yield graph


async def batch(graph: Graph, *parts: Json, **headers: str) -> dict[str, Json]:
    """The answers by id."""
    reply = await graph("POST", "/$batch", {"requests": list(parts)}, **headers)
    assert reply.status == 200, reply.body
    return {answer["id"]: answer for answer in reply.body["responses"]}


async def counts(graph: Graph, query: str = "") -> dict[str, int]:
    counted: dict[str, int] = (await graph("GET", f"/_control/requests{query}")).body["byKind"]
    return counted


async def test_parts_are_answered_and_counted_one_by_one(graph: Graph) -> None:
    answers = await batch(
        graph,
        part(1, "POST", EVENTS, event()),
        part(2, "GET", f"{EVENTS}/AAMkmissing"),
        part(3, "GET", "/users/anna@contoso.com/messages"),
    )
    assert {key: answer["status"] for key, answer in answers.items()} == {"1": 201, "2": 404, "3": 400}
    assert answers["2"]["body"]["error"]["code"] == "ErrorItemNotFound"
    assert await counts(graph) == {
        "POST /$batch": 1,
        "POST /users/{id}/events": 1,
        "GET /users/{id}/events/{id}": 1,
        "GET /users/{id}/messages": 1,
    }
    await graph("DELETE", "/_control/requests")
    assert await counts(graph) == {}


async def test_a_full_batch_on_one_mailbox_is_not_throttled_but_two_at_once_are(graph: Graph) -> None:
    full = [part(n, "POST", EVENTS, event(subject=f"e{n}")) for n in range(20)]
    alone = await batch(graph, *full)
    assert {answer["status"] for answer in alone.values()} == {201}
    both = await asyncio.gather(batch(graph, *full), batch(graph, *full))
    refused = [answer for answers in both for answer in answers.values() if answer["status"] == 429]
    assert refused
    assert all(answer["body"]["error"]["code"] == "ApplicationThrottled" for answer in refused)
    assert all(int(answer["headers"]["Retry-After"]) > 0 for answer in refused)


async def test_a_dependent_part_waits_and_fails_with_what_it_depends_on(graph: Graph) -> None:
    answers = await batch(
        graph,
        part("a", "POST", EVENTS, event()),
        part("b", "GET", EVENTS, dependsOn=["a"]),
        part("c", "GET", f"{EVENTS}/AAMkmissing", dependsOn=["b"]),
        part("d", "POST", EVENTS, event(), dependsOn=["c"]),
    )
    assert [answers[key]["status"] for key in "abcd"] == [201, 200, 404, 424]
    assert len(answers["b"]["body"]["value"]) == 1


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [part(n, "GET", EVENTS) for n in range(21)],
        [part(1, "GET", EVENTS), part(1, "GET", EVENTS)],
        [part(1, "GET", "https://graph.microsoft.com/v1.0/users")],
        [{"id": "1", "method": "POST", "url": EVENTS, "body": {}}],
        [part(1, "POST", EVENTS)],
        [part(1, "GET", EVENTS, dependsOn=["9"])],
        [part(1, "POST", "/$batch", {"requests": []})],
    ],
)
async def test_a_malformed_envelope_is_refused_as_a_whole(graph: Graph, parts: list[Json]) -> None:
    reply = await graph("POST", "/$batch", {"requests": parts})
    assert (reply.status, reply.code) == (400, "BadRequest")


async def test_prefer_and_if_match_belong_to_the_part(graph: Graph) -> None:
    made = await graph.create("anna")
    answers = await batch(
        graph,
        part(1, "PATCH", f"{EVENTS}/{made['id']}", {"subject": "x"})
        | {"headers": {"If-Match": 'W/"old"', "Content-Type": "application/json"}},
        part(2, "GET", f"{EVENTS}/{made['id']}", headers={"Prefer": 'IdType="ImmutableId"'}),
    )
    assert answers["1"]["status"] == 412
    assert answers["2"]["body"]["id"] == made["id"]


async def test_more_than_four_at_once_are_refused_for_the_service_only(graph: Graph) -> None:
    statuses = [reply.status for reply in await asyncio.gather(*(graph("GET", EVENTS) for _ in range(12)))]
    assert 429 in statuses
    people = await asyncio.gather(*(graph("GET", EVENTS, token="anna") for _ in range(12)))
    assert {reply.status for reply in people} == {200}


async def test_ten_thousand_requests_in_ten_minutes_are_the_limit() -> None:
    clock = Clock()
    async with running(clock) as graph:
        await graph.user("anna")
        started = graph.exchange.stand_in._service._throttle._started  # the only way to be there quickly
        user = (await graph("GET", "/users/anna@contoso.com")).body["id"]
        started[user].extend([clock.time()] * 10_000)
        refused = await graph("GET", EVENTS)
        assert (refused.status, refused.code) == (429, "ApplicationThrottled")
        assert 0 < int(refused.headers["Retry-After"]) <= 601
        clock.advance(601)
        assert (await graph("GET", EVENTS)).status == 200


# --- faults -------------------------------------------------------------------------------------


async def fault(graph: Graph, do: str, times: int = 1, **more: Any) -> None:
    assert (await graph("POST", "/_control/faults", {"do": do, "times": times, **more})).status == 201


async def test_a_status_hits_the_next_matching_requests_and_their_parts(graph: Graph) -> None:
    await fault(graph, "status:503", 2, match={"method": "POST", "pathContains": "/events"}, retryAfter=7)
    first = await graph("POST", EVENTS, event())
    assert (first.status, first.headers["Retry-After"]) == (503, "7")
    answers = await batch(graph, part(1, "GET", EVENTS), part(2, "POST", EVENTS, event()))
    assert (answers["1"]["status"], answers["2"]["status"]) == (200, 503)
    assert answers["2"]["headers"]["Retry-After"] == "7"
    assert (await graph("POST", EVENTS, event())).status == 201
    assert len(await graph.events("anna")) == 1


async def test_an_envelope_is_hit_only_by_name(graph: Graph) -> None:
    await fault(graph, "status:503", match={"pathContains": "$batch"})
    assert (await graph("POST", "/$batch", {"requests": [part(1, "GET", EVENTS)]})).status == 503
    await fault(graph, "status:503", match={"method": "POST"})
    assert (await batch(graph, part(1, "POST", EVENTS, event())))["1"]["status"] == 503


@pytest.mark.parametrize(("do", "left"), [("drop-before", 0), ("drop-after", 1)])
@pytest.mark.parametrize("in_batch", [False, True])
async def test_a_drop_cuts_the_connection_before_or_after_the_effect(
    graph: Graph, do: str, left: int, in_batch: bool
) -> None:
    await fault(graph, do, match={"method": "POST", "pathContains": "/events"})
    sent = batch(graph, part(1, "POST", EVENTS, event())) if in_batch else graph("POST", EVENTS, event())
    with pytest.raises(aiohttp.ClientConnectionError):
        await sent
    assert len(await graph.events("anna")) == left


@pytest.mark.parametrize("do", ["drop-before", "drop-after"])
async def test_a_whole_envelope_can_be_dropped(graph: Graph, do: str) -> None:
    await fault(graph, do, match={"pathContains": "$batch"})
    with pytest.raises(aiohttp.ClientConnectionError):
        await batch(graph, part(1, "POST", EVENTS, event()))
    assert len(await graph.events("anna")) == (0 if do == "drop-before" else 1)


async def test_people_are_left_alone_by_faults_and_counts_unless_all_is_said(graph: Graph) -> None:
    await fault(graph, "status:503", match={})
    assert (await graph("GET", EVENTS, token="anna")).status == 200
    assert (await graph("GET", EVENTS)).status == 503
    await fault(graph, "status:503", match={}, caller="all")
    assert (await graph("GET", EVENTS, token="anna")).status == 503
    assert await counts(graph) == {"GET /users/{id}/events": 1}
    assert await counts(graph, "?caller=all") == {"GET /users/{id}/events": 3}
    await fault(graph, "status:503", match={})
    await graph("DELETE", "/_control/faults")
    assert (await graph("GET", EVENTS)).status == 200


async def test_a_delay_answers_late(graph: Graph) -> None:
    await fault(graph, "delay", seconds=0.2, match={"pathContains": "/events"})
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert (await batch(graph, part(1, "GET", EVENTS)))["1"]["status"] == 200
    assert loop.time() - began >= 0.2
