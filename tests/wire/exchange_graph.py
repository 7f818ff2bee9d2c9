"""A Graph client for tests that checks every answer against Microsoft's own metadata."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from local.clock import Clock
from local.exchange import ExchangeOnline
from tests.wire.exchange_metadata import check_answer

Json = dict[str, Any]

EXAMPLES = Path(__file__).parents[1] / "data" / "graph" / "examples"
STAMP = "String {00020329-0000-0000-c000-000000000046} Name crmid"
IMMUTABLE = 'IdType="ImmutableId"'


@dataclass
class Reply:
    status: int
    body: Any
    headers: Any

    @property
    def code(self) -> str:
        """The error's code."""
        return str(self.body["error"]["code"])

    @property
    def rows(self) -> list[Json]:
        rows: list[Json] = self.body["value"]
        return rows


class Graph:
    """Paths are relative to v1.0 or ``/_control``; anything that begins with http is taken as it is."""

    def __init__(self, exchange: ExchangeOnline, session: aiohttp.ClientSession) -> None:
        self.exchange = exchange
        self.session = session

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        prefer: str = "",
        token: str | None = "app",
        **headers: str,
    ) -> Reply:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        if prefer:
            sent["Prefer"] = prefer
        async with self.session.request(method, self.address(path), json=body, headers=sent) as response:
            text = await response.text()
            reply = Reply(response.status, json.loads(text) if text else None, response.headers)
        if not path.startswith("/_control"):
            check_answer(method, path, reply.status, reply.body)
        return reply

    def address(self, path: str) -> str:
        if path.startswith("http"):
            return path
        return (self.exchange.host if path.startswith("/_control") else self.exchange.url) + path

    # --- what tests do often --------------------------------------------------------------------

    async def user(self, name: str, **more: Any) -> str:
        body = {"userPrincipalName": f"{name}@contoso.com", "displayName": name.title(), **more}
        reply = await self("POST", "/_control/users", body)
        assert reply.status == 201, reply.body
        return str(reply.body["id"])

    async def create(self, user: str, **props: Any) -> Json:
        """An event, by its immutable id."""
        reply = await self("POST", f"/users/{user}@contoso.com/events", event(**props), prefer=IMMUTABLE)
        assert reply.status == 201, reply.body
        created: Json = reply.body
        return created

    async def events(self, user: str, query: str = "") -> list[Json]:
        reply = await self("GET", f"/users/{user}@contoso.com/events?$top=100{query}", prefer=IMMUTABLE)
        assert reply.status == 200, reply.body
        return reply.rows

    async def only_event(self, user: str) -> Json:
        rows = await self.events(user)
        assert len(rows) == 1, rows
        return rows[0]

    async def outbox(self) -> list[tuple[str, list[str]]]:
        """What was mailed, and to whom, since the last call."""
        rows = (await self("GET", "/_control/outbox")).rows
        await self("DELETE", "/_control/outbox")
        return [(row["kind"], row["to"]) for row in rows]


def event(**props: Any) -> Json:
    """An hour in December, unless said otherwise."""
    return {
        "subject": "Review",
        "start": {"dateTime": "2026-12-01T09:00:00", "timeZone": "W. Europe Standard Time"},
        "end": {"dateTime": "2026-12-01T10:00:00", "timeZone": "W. Europe Standard Time"},
        **props,
    }


def invited(*addresses: str) -> list[Json]:
    return [{"emailAddress": {"address": address}, "type": "required"} for address in addresses]


def stamp(value: str, identifier: str = STAMP) -> list[Json]:
    return [{"id": identifier, "value": value}]


def part(identifier: object, method: str, url: str, body: Any = None, **more: Any) -> Json:
    """One request of a ``$batch``."""
    sent = {} if body is None else {"body": body, "headers": {"Content-Type": "application/json"}}
    return {"id": str(identifier), "method": method, "url": url, **sent, **more}


def documented(page: str) -> list[Json]:
    """The requests of a documentation page, as published."""
    exchanges = json.loads((EXAMPLES / f"{page}.json").read_text())["exchanges"]
    return [exchange for exchange in exchanges if exchange["kind"] == "request"]


@asynccontextmanager
async def running(clock: Clock | None = None, journal: Path | None = None) -> AsyncIterator[Graph]:
    async with ExchangeOnline(clock, journal) as exchange, aiohttp.ClientSession() as session:
        yield Graph(exchange, session)
