"""``calendarView/delta`` with everything a client has to bear."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from local.clock import Clock
from tests.wire.exchange_graph import IMMUTABLE, Graph, Reply, event, part, running

Json = dict[str, Any]

EVENTS = "/users/anna@contoso.com/events"
DELTA = "/users/anna@contoso.com/calendarView/delta"
WINDOW = "startDateTime=2026-11-01T00:00:00Z&endDateTime=2027-01-31T00:00:00Z"
FAR = {
    "start": {"dateTime": "2029-12-01T09:00:00", "timeZone": "UTC"},
    "end": {"dateTime": "2029-12-01T10:00:00", "timeZone": "UTC"},
}


@pytest.fixture
async def graph() -> AsyncIterator[Graph]:
    async with running() as graph:
        await graph.user("anna")
        yield graph


async def whole_round(
    graph: Graph, link: str = f"{DELTA}?{WINDOW}", size: int = 50
) -> tuple[list[Json], str, int]:
    """Rows as they came, the delta link, and the number of pages."""
    rows: list[Json] = []
    pages = 0
    while True:
        reply = await graph("GET", link, prefer=f"{IMMUTABLE}, odata.maxpagesize={size}")
        assert reply.status == 200, reply.body
        assert "odata.track-changes" in reply.headers["Preference-Applied"]
        rows, pages = rows + reply.rows, pages + 1
        if "@odata.deltaLink" in reply.body:
            assert "@odata.nextLink" not in reply.body
            return rows, reply.body["@odata.deltaLink"], pages
        link = reply.body["@odata.nextLink"]


async def test_a_first_round_tells_what_is_in_the_window_and_the_next_only_changes(graph: Graph) -> None:
    made = await graph.create("anna", subject="In")
    await graph.create("anna", subject="Out", **FAR)
    rows, link, pages = await whole_round(graph)
    assert [(row["subject"], row["@odata.type"]) for row in rows] == [("In", "#microsoft.graph.event")]
    assert pages == 1
    assert link.startswith(f"{graph.exchange.url}/users/")
    assert (await whole_round(graph, link))[0] == []
    await graph("PATCH", f"/users/anna@contoso.com/events/{made['id']}", {"subject": "Changed"})
    rows, link, _ = await whole_round(graph, link)
    assert [row["subject"] for row in rows] == ["Changed"]
    await graph("DELETE", f"/users/anna@contoso.com/events/{made['id']}")
    rows, link, _ = await whole_round(graph, link)
    assert rows == [
        {"@odata.type": "#microsoft.graph.event", "id": made["id"], "@removed": {"reason": "deleted"}}
    ]


async def test_a_removal_is_no_proof_it_also_comes_for_events_outside_the_window(graph: Graph) -> None:
    inside = await graph.create("anna")
    _, link, _ = await whole_round(graph)
    outside = await graph.create("anna", **FAR)
    await graph("PATCH", f"/users/anna@contoso.com/events/{inside['id']}", FAR)
    rows, _, _ = await whole_round(graph, link)
    assert {row["id"] for row in rows} == {inside["id"], outside["id"]}
    assert all("@removed" in row for row in rows)
    assert (await graph("GET", f"/users/anna@contoso.com/events/{inside['id']}")).status == 200


async def test_pages_may_be_empty_and_rows_may_come_twice(graph: Graph) -> None:
    made = {(await graph.create("anna", subject=f"e{n}"))["id"] for n in range(10)}
    link: str | None = f"{DELTA}?{WINDOW}"
    sizes, told = [], []
    while link:
        reply = await graph("GET", link, prefer=f"{IMMUTABLE}, odata.maxpagesize=4")
        sizes.append(len(reply.rows))
        told += [row["id"] for row in reply.rows]
        link = reply.body.get("@odata.nextLink")
    assert 0 in sizes[:-1]
    assert set(told) == made
    assert len(told) > len(made)


async def test_what_changes_during_a_round_is_not_lost(graph: Graph) -> None:
    made = [(await graph.create("anna", subject=f"e{n}"))["id"] for n in range(8)]
    first = await graph("GET", f"{DELTA}?{WINDOW}", prefer=f"{IMMUTABLE}, odata.maxpagesize=4")
    told = {row["id"] for row in first.rows}
    one, other = [identifier for identifier in made if identifier in told][:2]
    await graph("PATCH", f"/users/anna@contoso.com/events/{one}", {"subject": "Late"})
    await graph("DELETE", f"/users/anna@contoso.com/events/{other}")
    rows, _, _ = await whole_round(graph, first.body["@odata.nextLink"])
    assert "Late" in [row.get("subject") for row in rows]
    assert other in [row["id"] for row in rows if "@removed" in row]
    assert told | {row["id"] for row in rows} == set(made)


async def test_moving_between_calendars_removes_here_and_adds_there(graph: Graph) -> None:
    made = await graph.create("anna")
    calendar = (await graph("POST", "/users/anna@contoso.com/calendars", {"name": "Side"})).body["id"]
    side = f"/users/anna@contoso.com/calendars/{calendar}/calendarView/delta?{WINDOW}"
    _, here, _ = await whole_round(graph)
    _, there, _ = await whole_round(graph, side)
    await graph(
        "POST", "/_control/move", {"user": "anna@contoso.com", "id": made["id"], "calendar": calendar}
    )
    gone, _, _ = await whole_round(graph, here)
    come, _, _ = await whole_round(graph, there)
    assert [(row["id"], "@removed" in row) for row in gone] == [(made["id"], True)]
    assert [(row["id"], "@removed" in row) for row in come] == [(made["id"], False)]


async def test_a_series_comes_as_its_master_and_bare_occurrences(graph: Graph) -> None:
    weekly = {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"]},
        "range": {"type": "numbered", "startDate": "2026-12-01", "numberOfOccurrences": 3},
    }
    made = await graph.create("anna", recurrence=weekly)
    rows, _, _ = await whole_round(graph)
    assert [row["type"] for row in rows] == ["seriesMaster", "occurrence", "occurrence", "occurrence"]
    bare = {"@odata.type", "@odata.etag", "id", "seriesMasterId", "type", "start", "end"}
    assert all(set(row) == bare and row["seriesMasterId"] == made["id"] for row in rows[1:])


def lost(reply: Reply) -> bool:
    return reply.status == 410 and reply.code == "SyncStateNotFound"


async def test_tokens_die_by_order_by_age_and_when_they_are_not_ours() -> None:
    clock = Clock()
    async with running(clock) as graph:
        await graph.user("anna")
        for number in range(3):
            await graph.create("anna", subject=f"e{number}")
        first = await graph("GET", f"{DELTA}?{WINDOW}", prefer="odata.maxpagesize=2")
        _, link, _ = await whole_round(graph)
        assert (await graph("POST", "/_control/expire-delta")).status == 204
        assert lost(await graph("GET", link))
        assert lost(await graph("GET", first.body["@odata.nextLink"]))
        assert lost(await graph("GET", f"{DELTA}?$deltatoken=made-up"))
        _, link, _ = await whole_round(graph)
        assert (await graph("GET", link)).status == 200
        clock.advance(timedelta(days=61).total_seconds())
        assert lost(await graph("GET", link))


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("startDateTime=2026-11-01T00:00:00Z", "ErrorInvalidParameter"),
        ("startDateTime=soon&endDateTime=later", "ErrorInvalidParameter"),
        ("startDateTime=2026-01-01&endDateTime=2031-01-01", "ErrorInvalidRequest"),
        (f"{WINDOW}&$select=subject", "ErrorInvalidUrlQuery"),
        (f"{WINDOW}&$filter=subject eq 'x'", "ErrorInvalidUrlQuery"),
        (f"{WINDOW}&$orderby=subject", "ErrorInvalidUrlQuery"),
        (f"{WINDOW}&$expand=singleValueExtendedProperties($filter=id eq 'x')", "ErrorInvalidUrlQuery"),
    ],
)
async def test_what_delta_refuses(graph: Graph, query: str, code: str) -> None:
    reply = await graph("GET", f"{DELTA}?{query}")
    assert (reply.status, reply.code) == (400, code)


@pytest.mark.parametrize("spelling", ["delta", "delta()", "microsoft.graph.delta()", "Delta"])
async def test_every_spelling_of_delta_and_its_parameters_is_taken(graph: Graph, spelling: str) -> None:
    await graph.create("anna")
    path = f"/users/anna@contoso.com/calendarview/{spelling}?startdatetime=2026-11-01&enddatetime=2026-12-31"
    assert len((await graph("GET", path)).rows) == 1
    counted = (await graph("GET", "/_control/requests")).body["byKind"]
    assert counted["GET /users/{id}/calendarView/delta"] == 1


async def test_events_without_a_window_have_no_delta(graph: Graph) -> None:
    assert (await graph("GET", "/users/anna@contoso.com/events/delta")).status == 400


async def test_a_thousand_events_are_read_in_a_few_pages(graph: Graph) -> None:
    for first in range(0, 1000, 20):
        parts = [part(n, "POST", EVENTS, event(subject=f"e{n}")) for n in range(first, first + 20)]
        await graph("POST", "/$batch", {"requests": parts})
    rows, _, pages = await whole_round(graph, size=500)
    assert len({row["id"] for row in rows}) == 1000
    assert pages <= 5
