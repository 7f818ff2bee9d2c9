"""The adapter connected to a running stand-in, and the words its wire tests are written in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from local.clock import Clock
from shared.credentials import DevelopmentCredential
from shared.dynamics.dataverse import Dataverse
from shared.model.appointment import DynamicsAppointment
from shared.model.decision import CreateAppointment, UpdateAppointment
from shared.model.party import Party, RecordRef
from tests.wire.dataverse_org import Json, Org, Person, organization

TIME = {"allDay": False, "start": "2026-03-02T09:00:00Z", "end": "2026-03-02T09:30:00Z"}
MARCH = (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))


@dataclass
class Connected:
    """``slept``: how long the adapter chose to wait; only ``clock``, by which it goes, moves meanwhile."""

    org: Org
    adapter: Dataverse
    clock: Clock
    slept: list[float] = field(default_factory=list)

    async def person(self, name: str = "Anna", role: str = "usual") -> Person:
        return await self.org.person(name, role)

    async def row(self, organizer: Person, **values: Any) -> DynamicsAppointment:
        """An appointment made through the adapter."""
        return await self.adapter.create_appointment(new(organizer, **values), as_user=organizer.id)

    async def read(self, row_id: str, as_user: Person) -> DynamicsAppointment:
        found = (await self.adapter.appointments([row_id], as_user=as_user.id))[row_id]
        assert isinstance(found, DynamicsAppointment)
        return found

    async def edit(self, row_id: str, columns: Json) -> None:
        """What somebody else does in Dynamics."""
        await self.org.change(f"appointments({row_id})", columns, token="somebody")

    async def delete(self, row_id: str) -> None:
        response = await self.org.call("DELETE", f"appointments({row_id})", token="somebody")
        assert response.status_code == 204, response.text

    async def fault(self, do: str, *, method: str, path: str, times: int = 1, **more: Any) -> None:
        rule = {"match": {"method": method, "pathContains": path}, "times": times, "do": do, **more}
        await self.org.control("POST", "faults", rule)

    async def sent(self) -> dict[str, int]:
        """Requests since the last time this was asked, as the stand-in counted them."""
        counted = (await self.org.control("GET", "requests")).json()["byKind"]
        await self.org.control("DELETE", "requests")
        return dict(counted)


@asynccontextmanager
async def connected(**options: Any) -> AsyncIterator[Connected]:
    slept: list[float] = []
    clock = Clock()

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 1))
        clock.advance(seconds)

    async with organization() as org:
        adapter = Dataverse(
            org.dataverse.host, DevelopmentCredential("app"), clock.now, sleep=sleep, **options
        )
        try:
            yield Connected(org, adapter, clock, slept)
        finally:
            await adapter.close()


def organizer_party(person: Person) -> Party:
    return Party(7, person.address, RecordRef("systemuser", person.id))


def new(
    organizer: Person, *parties: Party, row_id: str = "", as_user: bool = True, **values: Any
) -> CreateAppointment:
    return CreateAppointment(
        row_id or str(uuid4()),
        {"time": TIME, "subject": "Planning", **values},
        (organizer_party(organizer), *parties),
        RecordRef("systemuser", organizer.id),
        as_user,
        f"0400{uuid4().hex}",
    )


def change(
    row: DynamicsAppointment, parties: tuple[Party, ...] | None = None, **values: Any
) -> UpdateAppointment:
    return UpdateAppointment(row.id, row.etag, values, parties)
