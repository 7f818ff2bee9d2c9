"""A weekly series for tests, and what is often done with its instances."""

from __future__ import annotations

from typing import Any

from tests.wire.exchange_graph import IMMUTABLE, Graph, event

Json = dict[str, Any]

WINDOW = "startDateTime=2026-11-01T00:00:00Z&endDateTime=2027-01-31T00:00:00Z"
WEEKLY = {
    "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["Tuesday"]},
    "range": {"type": "numbered", "startDate": "2026-12-01", "numberOfOccurrences": 4},
}
DAYS = ["2026-12-01", "2026-12-08", "2026-12-15", "2026-12-22"]
SERIES_PARTS = "$select=subject,cancelledOccurrences,exceptionOccurrences&$expand=exceptionOccurrences"


def events_of(user: str) -> str:
    return f"/users/{user}@contoso.com/events"


def at(day: str, begins: str = "09:00", ends: str = "10:00") -> Json:
    """The start and end of a PATCH, in the zone of the series."""
    zone = event()["start"]["timeZone"]
    return {
        "start": {"dateTime": f"{day}T{begins}:00", "timeZone": zone},
        "end": {"dateTime": f"{day}T{ends}:00", "timeZone": zone},
    }


async def series(graph: Graph, user: str = "anna", **props: Any) -> Json:
    """Four Tuesdays at nine, from the first of December on."""
    return await graph.create(user, **{"recurrence": WEEKLY, **props})


async def instances(graph: Graph, user: str, master: str) -> list[Json]:
    reply = await graph("GET", f"{events_of(user)}/{master}/instances?{WINDOW}", prefer=IMMUTABLE)
    assert reply.status == 200, reply.body
    return reply.rows


async def view(graph: Graph, user: str) -> list[Json]:
    """The calendar as its owner sees it."""
    path = f"/users/{user}@contoso.com/calendarView?{WINDOW}&$top=100"
    return (await graph("GET", path, prefer=IMMUTABLE)).rows


async def master_of(graph: Graph, user: str, master: str) -> Json:
    """The master with its cancelled occurrences and its exceptions."""
    reply = await graph("GET", f"{events_of(user)}/{master}?{SERIES_PARTS}", prefer=IMMUTABLE)
    assert reply.status == 200, reply.body
    body: Json = reply.body
    return body


async def patch(graph: Graph, user: str, identifier: str, **props: Any) -> Json:
    reply = await graph("PATCH", f"{events_of(user)}/{identifier}", props, prefer=IMMUTABLE)
    assert reply.status == 200, reply.body
    body: Json = reply.body
    return body


def days(rows: list[Json]) -> list[str]:
    return [row["start"]["dateTime"][:10] for row in rows]
