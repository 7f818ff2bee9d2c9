"""A small Dynamics organization behind the stand-in, for tests over a real socket.

Every answer is checked against the metadata of a real organization."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from local.clock import Clock
from local.dataverse import Dataverse
from local.dataverse.limits import Limits
from tests.wire.dataverse_metadata import check_answer

Json = dict[str, Any]
NINE, HALF_PAST = "2026-03-02T09:00:00Z", "2026-03-02T09:30:00Z"


@dataclass
class Person:
    id: str
    object_id: str
    address: str

    @property
    def headers(self) -> dict[str, str]:
        """Impersonation headers."""
        return {"CallerObjectId": self.object_id}


class Org:
    """The stand-in and clients for its two kinds of callers."""

    def __init__(self, dataverse: Dataverse, client: httpx.AsyncClient) -> None:
        self.dataverse = dataverse
        self.client = client

    async def call(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        token: str = "app",
        user: Person | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        url = path if path.startswith("http") else f"{self.dataverse.url}/{path}"
        sent = {"Authorization": f"Bearer {token}", **(user.headers if user else {}), **(headers or {})}
        return await self.client.request(method, url, json=json, headers=sent)

    async def get(self, path: str, **options: Any) -> Json:
        """The body of a read that must succeed."""
        response = await self.call("GET", path, **options)
        assert response.status_code == 200, response.text
        body: Json = response.json()
        check_answer(body)
        return body

    async def values(self, path: str, **options: Any) -> list[Json]:
        value: list[Json] = (await self.get(path, **options))["value"]
        return value

    async def make(self, entity_set: str, row: Json, **options: Any) -> Json:
        """A new row, as the service returns it."""
        headers = {"Prefer": "return=representation", **options.pop("headers", {})}
        response = await self.call("POST", entity_set, row, headers=headers, **options)
        assert response.status_code == 201, response.text
        body: Json = response.json()
        check_answer(body)
        return body

    async def change(self, path: str, row: Json, **options: Any) -> httpx.Response:
        response = await self.call("PATCH", path, row, **options)
        assert response.status_code in (200, 204), response.text
        return response

    async def control(self, method: str, path: str, json: Any = None) -> httpx.Response:
        response = await self.client.request(method, f"{self.dataverse.control_url}/{path}", json=json)
        assert response.status_code < 300, response.text
        return response

    async def person(self, name: str, role: str = "usual", zone: str = "UTC") -> Person:
        object_id = str(uuid4())
        address = f"{name.lower()}@example.com"
        body = {
            "internalemailaddress": address,
            "fullname": f"{name} Example",
            "azureactivedirectoryobjectid": object_id,
            "role": role,
            "timeZone": zone,
        }
        made = (await self.control("POST", "users", body)).json()
        return Person(made["systemuserid"], object_id, address)

    async def contact(self, name: str, **columns: Any) -> Json:
        return await self.make("contacts", {"firstname": name, "lastname": "Contact", **columns})


def meeting(organizer: Person, *parties: Json, **columns: Any) -> Json:
    """The body of an appointment owned and organized by one person."""
    return {
        "subject": "Planning",
        "scheduledstart": NINE,
        "scheduledend": HALF_PAST,
        "ownerid@odata.bind": f"/systemusers({organizer.id})",
        "appointment_activity_parties": [party(7, "systemuser", organizer.id), *parties],
        **columns,
    }


def party(mask: int, table: str, row_id: str) -> Json:
    return {"participationtypemask": mask, f"partyid_{table}@odata.bind": f"/{table}s({row_id})"}


def address(mask: int, text: str) -> Json:
    return {"participationtypemask": mask, "addressused": text}


@asynccontextmanager
async def organization(
    clock: Clock | None = None, state: Path | None = None, port: int = 0, limits: Limits | None = None
) -> AsyncIterator[Org]:
    async with (
        Dataverse(clock=clock, state=state, port=port, limits=limits) as dataverse,
        httpx.AsyncClient(timeout=10) as client,
    ):
        yield Org(dataverse, client)


def error_code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]
