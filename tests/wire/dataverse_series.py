"""Series for the wire tests. It is noon UTC on Sunday, 1 March 2026, and people live in Berlin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from tests.wire.dataverse_org import Json, Org, Person, organization, party

NOON = "2026-03-01T12:00:00Z"
MONDAYS = [
    "2026-03-02T08:00:00Z",
    "2026-03-09T08:00:00Z",
    "2026-03-16T08:00:00Z",
    "2026-03-23T08:00:00Z",
    "2026-03-30T07:00:00Z",  # summer time has begun
]
DAILY, WEEKLY, MONTHLY, YEARLY = range(4)
NO_END, OCCURRENCES, END_DATE = 1, 2, 3
MONDAY = 2
APPOINTMENT_TYPE = "Microsoft.Dynamics.CRM.appointment"
MASTER_TYPE = "Microsoft.Dynamics.CRM.recurringappointmentmaster"
EXPAND_MASTER = "$expand=recurringappointmentmaster_activity_parties"


async def at(org: Org, moment: str) -> None:
    """Move the stand-in's clock there."""
    seconds = datetime.fromisoformat(moment).timestamp() - org.dataverse.clock.time()
    await org.control("POST", "clock", {"advanceSeconds": seconds})


@asynccontextmanager
async def series_organization(**options: Any) -> AsyncIterator[Org]:
    async with organization(**options) as org:
        await at(org, NOON)
        yield org


def weekly(organizer: Person, *parties: Json, **columns: Any) -> Json:
    """Every Monday, five times, nine to half past nine in Berlin."""
    return {
        "subject": "Team",
        "location": "Room 1",
        "recurrencepatterntype": WEEKLY,
        "interval": 1,
        "daysofweekmask": MONDAY,
        "patternendtype": OCCURRENCES,
        "occurrences": 5,
        "patternstartdate": "2026-03-01T23:00:00Z",
        "starttime": "2026-03-02T08:00:00Z",
        "endtime": "2026-03-02T08:30:00Z",
        "recurringappointmentmaster_activity_parties": [party(7, "systemuser", organizer.id), *parties],
        **columns,
    }


async def make_series(org: Org, organizer: Person, *parties: Json, **columns: Any) -> Json:
    body = weekly(organizer, *parties, **columns)
    return await org.make("recurringappointmentmasters", body, user=organizer)


async def master(org: Org, key: str) -> Json:
    return await org.get(f"recurringappointmentmasters({key})")


async def instances(org: Org, key: str) -> list[Json]:
    """The rows of a series, by their original start."""
    return await org.values(f"appointments?$filter=seriesid eq {key}&$orderby=originalstartdate")


async def starts(org: Org, key: str) -> list[str]:
    return [row["scheduledstart"] for row in await instances(org, key)]


async def masks(org: Org, entity: str, key: str) -> list[tuple[int, str | None]]:
    """Participation type and address of each party of an activity."""
    rows = await org.values(f"{entity}({key})/{entity[:-1]}_activity_parties")
    return sorted((row["participationtypemask"], row["addressused"]) for row in rows)


def exception(key: str, original: str, *, deleted: bool = False, **columns: Any) -> Json:
    """The body of ``CreateException``."""
    target = {"@odata.type": APPOINTMENT_TYPE, "seriesid": key, **columns}
    return {"Target": target, "OriginalStartDate": original, "IsDeleted": deleted}


CREATE_EXCEPTION = "recurringappointmentmasters/Microsoft.Dynamics.CRM.CreateException"
