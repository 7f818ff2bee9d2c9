"""Many people for a first sync of contacts, on both sides or on one; and what it cost, in requests."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.wire.people import CATEGORY, KEPT, People, Person

CONTACTS = "GET /users/{id}/contacts/delta"
ITEM, PUT_ITEM = "GET /users/{id}/contacts/{id}", "PATCH /users/{id}/contacts/{id}"
ROW, PUT_ROW = "GET /contacts({id})", "PATCH /contacts({id})"
ENVELOPE = "POST /$batch"
CALENDAR = {"GET /users/{id}/calendarView/delta": 1}
GRAPH_PARTS = 20
"""Requests in one envelope to Graph."""


def names(prefix: str, number: int) -> list[str]:
    return [f"{prefix}{n}" for n in range(number)]


class Book:
    """People whom both sides know, and those whom one knows."""

    def __init__(self, size: int) -> None:
        self.both = names("both", size // 2)
        self.outlook = names("outlook", size // 4)
        self.dynamics = names("dynamics", size // 4)

    async def fill(self, world: People, ada: Person) -> None:
        here = [*self.both, *self.outlook]
        for begin in range(0, len(here), GRAPH_PARTS):
            await _create(world, ada, here[begin : begin + GRAPH_PARTS])
        slots = asyncio.Semaphore(8)

        async def make(name: str) -> None:
            async with slots:
                await ada.make(
                    "contacts",
                    firstname=name.title(),
                    lastname="Jones",
                    emailaddress1=f"{name}@people.example",
                    telephone1="5",
                )

        await asyncio.gather(*(make(name) for name in [*self.both, *self.dynamics]))

    async def check(self, ada: Person) -> None:
        """Everybody once on each side, and nobody has to be asked about."""
        everybody = sorted(f"{name.title()} Jones" for name in [*self.both, *self.outlook, *self.dynamics])
        assert sorted(row["displayName"] for row in await _all_contacts(ada)) == everybody
        assert sorted(row["fullname"] for row in await ada.rows("contacts")) == everybody
        assert not await ada.decisions()
        assert all(link.linked for link in await ada.links("contact"))


async def _all_contacts(ada: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) % 500 == 0:
        page = await ada.graph("GET", f"contacts?$top=500&$skip={len(found)}")
        if not page["value"]:
            break
        found += page["value"]
    return found


async def _create(world: People, ada: Person, some: list[str]) -> None:
    requests = [
        {
            "id": name,
            "method": "POST",
            "url": f"/users/{ada.mailbox}/contacts",
            "headers": {"Content-Type": "application/json"},
            "body": {
                "categories": [CATEGORY],
                "givenName": name.title(),
                "surname": "Jones",
                "jobTitle": "Buyer",
                "emailAddresses": [{"address": f"{name}@people.example"}],
            },
        }
        for name in some
    ]
    headers = {"Authorization": "Bearer somebody", "Prefer": KEPT}
    answer = await world.http.post(
        f"{world.exchange.url}/$batch", json={"requests": requests}, headers=headers
    )
    assert all(part["status"] == 201 for part in answer.json()["responses"]), answer.text


async def a_book(world: People, size: int) -> tuple[Person, Book]:
    ada, book = await world.person("ada", on=False), Book(size)
    await book.fill(world, ada)
    await world.subscribe(ada)
    await world.read_feed()
    await reset(world)
    return ada, book


async def reset(world: People) -> None:
    world.jobs.take()
    await world.counted("exchange")
    await world.counted("dataverse")


async def counts(world: People) -> tuple[dict[str, int], dict[str, int]]:
    return await world.counted("exchange"), await world.counted("dataverse")
