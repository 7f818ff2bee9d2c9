"""The adapter connected to a running stand-in, and the words its wire tests are written in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from local.clock import Clock
from local.exchange import ExchangeOnline
from shared.credentials import DevelopmentCredential
from shared.engine.ports import CalendarRef, EventPage, Window
from shared.exchange.graph import GraphExchange
from shared.exchange.mailbox import GraphMailbox
from shared.model.decision import CreateEvent
from shared.model.event import Stamps

BERLIN = "W. Europe Standard Time"
TRACKED = ("Tracked to Dynamics 365",)
ROW = "1b6e5c5f-0d0e-4a51-9d05-0a1c5c0f8b11"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW = Window(NOW, NOW + timedelta(days=365))
TIME = {"allDay": False, "start": "2026-03-02T09:00:00Z", "end": "2026-03-02T10:00:00Z"}


@dataclass
class Connected:
    """``slept``: how long the adapter chose to wait; it does not really."""

    exchange: ExchangeOnline
    graph: GraphExchange
    session: aiohttp.ClientSession
    slept: list[float] = field(default_factory=list)

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        async with self.session.request(method, f"{self.exchange.control_url}{path}", json=body) as response:
            assert response.status < 400, await response.text()
            return await response.json(content_type=None)

    async def graph_as_person(self, method: str, path: str, body: Any = None) -> Any:
        """What somebody does with Outlook."""
        headers = {"Authorization": "Bearer somebody", "Prefer": 'IdType="ImmutableId"'}
        url = f"{self.exchange.url}{path}"
        async with self.session.request(method, url, json=body, headers=headers) as response:
            assert response.status < 400, await response.text()
            return await response.json(content_type=None)

    async def user(self, name: str = "anna", **more: Any) -> str:
        body = {"userPrincipalName": f"{name}@contoso.com", "displayName": name.title(), **more}
        return str((await self.control("POST", "/users", body))["id"])

    async def mailbox(self, name: str = "anna") -> GraphMailbox:
        return self.graph.mailbox(await self.user(name, timeZone=BERLIN), BERLIN)

    async def fault(self, do: str, times: int = 1, **match: Any) -> None:
        retry_after = match.pop("retry_after", None)
        rule: dict[str, Any] = {"match": match, "times": times, "do": do}
        if retry_after is not None:
            rule["retryAfter"] = retry_after
        await self.control("POST", "/faults", rule)

    async def mailed(self) -> list[tuple[str, list[str]]]:
        return [(row["kind"], row["to"]) for row in (await self.control("GET", "/outbox"))["value"]]

    async def counted(self) -> dict[str, int]:
        counts: dict[str, int] = (await self.control("GET", "/requests"))["byKind"]
        return counts


@asynccontextmanager
async def connected(public_base_url: str = "http://127.0.0.1:9") -> AsyncIterator[Connected]:
    clock = Clock()
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        """Time passes for both sides at once."""
        slept.append(seconds)
        clock.advance(seconds)

    async with ExchangeOnline(clock=clock) as exchange, aiohttp.ClientSession() as session:
        credential = DevelopmentCredential("app")
        graph = GraphExchange(exchange.url, credential, public_base_url, clock.now, sleep=sleep)
        try:
            yield Connected(exchange, graph, session, slept)
        finally:
            await graph.close()


def creation(key: str = "key-1", **changes: Any) -> CreateEvent:
    """A tracked event without attendees, unless said otherwise."""
    marks = changes.pop("stamps", Stamps(link_state=2.0, crm_id=ROW))
    categories = changes.pop("categories", TRACKED)
    values = {"time": TIME, "subject": "Review", "body": "Agenda", "location": "Room 1", **changes}
    return CreateEvent(key, values, marks, categories, None)


async def default_calendar(mailbox: GraphMailbox) -> CalendarRef:
    return next(calendar for calendar in await mailbox.calendars() if calendar.is_default)


async def read_round(
    mailbox: GraphMailbox, calendar: CalendarRef, link: str | None = None, window: Window = WINDOW
) -> list[EventPage]:
    """All pages of one round."""
    pages = [await mailbox.calendar_changes(calendar, window, link)]
    while not pages[-1].complete:
        pages.append(await mailbox.calendar_changes(calendar, window, pages[-1].link))
    return pages
